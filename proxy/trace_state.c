#include "proxy/trace_state.h"

#include <stdbool.h>
#include <stdint.h>

#include "proxy/client.h"
#include "proxy/writer.h"

/* Of the grammar, and the first to go where the list is too long. */
enum {
    MEMBERS_MAX = 32,
    KEY_MAX = 256,
    TENANT_MAX = 241, /* in front of the @ of a key */
    SYSTEM_MAX = 14,  /* behind it */
    VALUE_MAX = 256,
    LONG_MEMBER = 128,
};

/* The list as far as it has been written. */
struct state {
    struct writer writer;
    struct text keys[MEMBERS_MAX]; /* of its members; borrowed from the headers */
    size_t count;
    size_t longest; /* longer members are left out */
};

/* ---- a member --------------------------------------------------------------------------------- */

static bool is_letter(char byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* What all parts of a key are made of, but for how they begin. */
static bool is_name(struct text name, size_t most)
{
    if (name.count == 0 || name.count > most)
        return false;
    for (size_t i = 0; i < name.count; i++) {
        char byte = name.at[i];
        if (!is_letter(byte) && !is_digit(byte) && !memchr("_-*/", byte, 4))
            return false;
    }
    return true;
}

/* simple-key, or tenant-id "@" system-id: only a tenant may begin with a digit. */
static bool is_key(struct text key)
{
    const char *sign = memchr(key.at, '@', key.count);

    if (!sign)
        return is_name(key, KEY_MAX) && is_letter(key.at[0]);
    struct text tenant = {.at = key.at, .count = (size_t)(sign - key.at)};
    struct text system = {.at = sign + 1, .count = key.count - tenant.count - 1};
    return is_name(tenant, TENANT_MAX) && (is_letter(tenant.at[0]) || is_digit(tenant.at[0])) &&
           is_name(system, SYSTEM_MAX) && is_letter(system.at[0]);
}

/* Visible ASCII and spaces, but no comma and no other "="; and no space at the end, which is gone. */
static bool is_value(struct text value)
{
    if (value.count == 0 || value.count > VALUE_MAX)
        return false;
    for (size_t i = 0; i < value.count; i++) {
        if (value.at[i] < ' ' || value.at[i] > '~' || value.at[i] == '=')
            return false;
    }
    return true;
}

/* Its key. Empty: the member is not valid. */
static struct text key_of(struct text member)
{
    const char *sign = memchr(member.at, '=', member.count);

    if (!sign)
        return TEXT_NONE;
    struct text key = {.at = member.at, .count = (size_t)(sign - member.at)};
    struct text value = {.at = sign + 1, .count = member.count - key.count - 1};
    return is_key(key) && is_value(value) ? key : TEXT_NONE;
}

/* ---- the list --------------------------------------------------------------------------------- */

static bool has_key(const struct state *state, struct text key)
{
    for (size_t i = 0; i < state->count; i++) {
        if (text_is(state->keys[i], key))
            return true;
    }
    return false;
}

/* False: there is no room for it. */
static bool add(struct state *state, struct text member)
{
    struct text key = key_of(member);

    if (key.count == 0 || member.count > state->longest || has_key(state, key) ||
        state->count == MEMBERS_MAX)
        return true;
    size_t room = (size_t)(state->writer.end - state->writer.at);
    bool is_first = state->count == 0;
    if (room < member.count + (is_first ? 0 : 1))
        return false;
    state->keys[state->count++] = key;
    if (!is_first)
        write_char(&state->writer, ',');
    write_text(&state->writer, member);
    return true;
}

/* Takes the first member off the list. */
static struct text take(struct text *list)
{
    const char *comma = memchr(list->at, ',', list->count);
    struct text member = {.at = list->at,
                          .count = comma ? (size_t)(comma - list->at) : list->count};
    size_t taken = member.count + (comma ? 1 : 0);

    *list = (struct text){.at = list->at + taken, .count = list->count - taken};
    return text_trimmed(member);
}

/* False: some at the end had no room. */
static bool add_all(struct state *state, const struct header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct text list = headers[i].value;
        if (!text_is_like(headers[i].name, TEXT("tracestate")))
            continue;
        while (list.count > 0) {
            if (!add(state, take(&list)))
                return false;
        }
    }
    return true;
}

struct text trace_state_read(const struct header *headers, size_t count,
                             char room[static TRACE_STATE_MAX])
{
    struct state state = {.writer = writer_on(room, TRACE_STATE_MAX), .longest = SIZE_MAX};

    if (!add_all(&state, headers, count)) {
        state = (struct state){.writer = writer_on(room, TRACE_STATE_MAX), .longest = LONG_MEMBER};
        (void)add_all(&state, headers, count);
    }
    return writer_text(&state.writer);
}
