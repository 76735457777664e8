#include "conf/template_write.h"

#include <assert.h>

#include "conf/json.h"
#include "conf/utf8.h"

#define HEX "0123456789ABCDEF"

bool template_append(struct template_filling *filling, struct text text)
{
    assert(filling->count < filling->room_count);
    if (text.count >= filling->room_count - filling->count)
        return false;
    if (text.count > 0)
        memcpy(filling->room + filling->count, text.at, text.count);
    filling->count += text.count;
    return true;
}

static enum template_result append(struct template_filling *filling, struct text text)
{
    return template_append(filling, text) ? TEMPLATE_FILLED : TEMPLATE_TOO_LONG;
}

/* Unreserved characters (RFC 3986 section 2.3) mean the same with and without an escape. */
static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static enum template_result write_percent(struct template_filling *filling, struct text value)
{
    for (size_t i = 0; i < value.count; i++) {
        unsigned char c = (unsigned char)value.at[i];
        const char escape[3] = {'%', HEX[c >> 4], HEX[c & 15]};
        struct text piece = {.at = escape, .count = sizeof escape};
        if (is_unreserved(value.at[i]))
            piece = (struct text){.at = &value.at[i], .count = 1};
        if (!template_append(filling, piece))
            return TEMPLATE_TOO_LONG;
    }
    return TEMPLATE_FILLED;
}

static enum template_result write_header(struct template_filling *filling, struct text value)
{
    struct text trimmed = text_trimmed(value);

    for (size_t i = 0; i < trimmed.count; i++) {
        unsigned char c = (unsigned char)trimmed.at[i];
        if (c < ' ' || c == 0x7f)
            return TEMPLATE_BAD_VALUE;
    }
    return append(filling, trimmed);
}

/* One character of a JSON string (RFC 8259 section 7). */
static enum template_result write_character(struct template_filling *filling, struct text character)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* in pairs: what, and its letter */
    unsigned char c = (unsigned char)character.at[0];
    const char escape[] = {'\\', 'u', '0', '0', HEX[c >> 4], HEX[c & 15]};

    if (c != '"' && c != '\\' && c >= ' ')
        return append(filling, character);
    for (size_t i = 0; i + 1 < sizeof shorts; i += 2) {
        const char pair[] = {'\\', shorts[i + 1]};
        if (character.at[0] == shorts[i])
            return append(filling, (struct text){.at = pair, .count = sizeof pair});
    }
    return append(filling, (struct text){.at = escape, .count = sizeof escape});
}

static enum template_result write_string(struct template_filling *filling, struct text value)
{
    enum template_result result = TEMPLATE_FILLED;

    while (value.count > 0 && result == TEMPLATE_FILLED) {
        size_t count = utf8_first(value);
        if (count == 0)
            return TEMPLATE_BAD_VALUE;
        result = write_character(filling, (struct text){.at = value.at, .count = count});
        value.at += count;
        value.count -= count;
    }
    return result;
}

enum template_result template_write(struct template_filling *filling,
                                    const struct template_part *part, struct text value)
{
    bool is_right = true;

    switch (part->place) {
    case TEMPLATE_PATH:
    case TEMPLATE_QUERY:
        return write_percent(filling, value);
    case TEMPLATE_HEADER:
        return write_header(filling, value);
    case TEMPLATE_BODY_STRING:
        return write_string(filling, value);
    case TEMPLATE_BODY:
        /* Text of a client that happens to be JSON must not become part of its structure. */
        is_right = part->kind == TEMPLATE_CALL_BODY ? json_is_value(value) : json_is_plain(value);
        break;
    }
    return is_right ? append(filling, value) : TEMPLATE_BAD_VALUE;
}
