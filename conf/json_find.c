#include "conf/json.h"

#include "conf/json_runs.h"

enum { TOKEN_MAX = 256 };

static const struct text NOWHERE = {.at = NULL, .count = 0};

/* ---- strings ---------------------------------------------------------------------------------- */

/* The four digits behind \\u. */
static unsigned unit_at(const char *at)
{
    return (unsigned)text_hex_digit(at[0]) << 12 | (unsigned)text_hex_digit(at[1]) << 8 |
           (unsigned)text_hex_digit(at[2]) << 4 | (unsigned)text_hex_digit(at[3]);
}

static size_t write_utf8(unsigned point, char *to)
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (char)(0xc0 | point >> 6);
        to[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (char)(0xe0 | point >> 12);
        to[1] = (char)(0x80 | (point >> 6 & 0x3f));
        to[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | point >> 18);
    to[1] = (char)(0x80 | (point >> 12 & 0x3f));
    to[2] = (char)(0x80 | (point >> 6 & 0x3f));
    to[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

/* The character of an escape \\uXXXX that begins at *at, which is moved behind it. */
static unsigned take_point(const char **at, const char *end)
{
    unsigned first = unit_at(*at + 2);
    unsigned second = 0;

    *at += 6;
    if (first < 0xd800 || first > 0xdfff)
        return first;
    if (first < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u')
        second = unit_at(*at + 2);
    if (second < 0xdc00 || second > 0xdfff)
        return 0xfffd;
    *at += 6;
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

static char escaped(char letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter;
    }
}

size_t json_string_read(struct text string, char *to)
{
    const char *at = string.at + 1;
    const char *end = string.at + string.count - 1;
    size_t count = 0;

    while (at < end) {
        if (at[0] != '\\') {
            to[count++] = *at++;
        } else if (at[1] == 'u') {
            count += write_utf8(take_point(&at, end), to + count);
        } else {
            to[count++] = escaped(at[1]);
            at += 2;
        }
    }
    return count;
}

size_t json_compact(struct text value, char *to)
{
    bool is_in_string = false;
    size_t count = 0;

    for (size_t i = 0; i < value.count; i++) {
        char byte = value.at[i];
        if (!is_in_string && strchr(" \t\r\n", byte))
            continue;
        to[count++] = byte;
        if (is_in_string && byte == '\\')
            to[count++] = value.at[++i];
        else if (byte == '"')
            is_in_string = !is_in_string;
    }
    return count;
}

static bool says(struct text string, struct text wanted)
{
    char said[TOKEN_MAX * 6];

    if (string.count < 2 || string.count > sizeof said || string.at[0] != '"')
        return false;
    return text_is((struct text){.at = said, .count = json_string_read(string, said)}, wanted);
}

/* ---- the way through -------------------------------------------------------------------------- */

static bool take(struct text *rest, char c)
{
    while (rest->count > 0 && strchr(" \t\r\n", rest->at[0]))
        *rest = (struct text){.at = rest->at + 1, .count = rest->count - 1};
    if (rest->count == 0 || rest->at[0] != c)
        return false;
    *rest = (struct text){.at = rest->at + 1, .count = rest->count - 1};
    return true;
}

/* Moves past a string, whose opening quote stands first. */
static const char *string_end(const char *at, const char *end)
{
    struct json_rest rest = {.at = at + 1, .end = end};

    for (; rest.at < end; rest.at++) {
        json_skip_run(&rest, json_is_plain_byte, json_mark_plain);
        if (rest.at < end && *rest.at == '"')
            return rest.at + 1;
        if (rest.at < end && *rest.at == '\\')
            rest.at++;
    }
    return end;
}

/* Takes a value off the front without a look at what is in it, since it is known to be one. False:
 * there is none. */
static bool skip_value(struct text *rest, struct text *ret_value)
{
    const char *end = rest->at + rest->count;
    const char *at = rest->at;
    size_t depth = 0;

    while (at < end && strchr(" \t\r\n", *at))
        at++;
    ret_value->at = at;
    for (bool is_over = false; at < end && !is_over;) {
        if (*at == '"') {
            at = string_end(at, end);
            is_over = depth == 0;
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (depth > 0) {
            depth -= *at == '}' || *at == ']';
            at++;
            is_over = depth == 0;
        } else if (strchr(",:]} \t\r\n", *at)) {
            is_over = true;
        } else {
            at++;
        }
    }
    ret_value->count = (size_t)(at - ret_value->at);
    *rest = (struct text){.at = at, .count = (size_t)(end - at)};
    return ret_value->count > 0;
}

static struct text member(struct text object, struct text name)
{
    struct text found = NOWHERE;
    struct text key;
    struct text value;

    if (!take(&object, '{'))
        return NOWHERE;
    do {
        if (!skip_value(&object, &key) || !take(&object, ':') || !skip_value(&object, &value))
            break;
        if (says(key, name))
            found = value;
    } while (take(&object, ','));
    return found;
}

/* Digits without a leading zero; -1 for anything else. */
static long index_of(struct text token)
{
    long index = 0;

    if (token.count == 0 || token.count > 9 || (token.at[0] == '0' && token.count > 1))
        return -1;
    for (size_t i = 0; i < token.count; i++) {
        if (token.at[i] < '0' || token.at[i] > '9')
            return -1;
        index = index * 10 + (token.at[i] - '0');
    }
    return index;
}

static struct text element(struct text array, struct text token)
{
    long index = index_of(token);
    struct text value = NOWHERE;

    if (index < 0 || !take(&array, '['))
        return NOWHERE;
    do {
        if (!skip_value(&array, &value))
            return NOWHERE;
    } while (index-- > 0 && take(&array, ','));
    return index < 0 ? value : NOWHERE;
}

/* The next reference token of the pointer, with ~1 and ~0 undone. Behind its slash. */
static struct text take_token(struct text *pointer, char room[static TOKEN_MAX])
{
    size_t count = 0;
    size_t at = 1;

    for (; at < pointer->count && pointer->at[at] != '/' && count < TOKEN_MAX; at++) {
        char byte = pointer->at[at];
        if (byte == '~' && at + 1 < pointer->count)
            byte = pointer->at[++at] == '1' ? '/' : '~';
        room[count++] = byte;
    }
    *pointer = (struct text){.at = pointer->at + at, .count = pointer->count - at};
    return (struct text){.at = room, .count = count};
}

struct text json_find(struct text value, struct text pointer)
{
    char room[TOKEN_MAX];
    struct text whole;

    if (pointer.count == 0)
        return value.at && skip_value(&value, &whole) ? whole : NOWHERE;
    while (value.at && pointer.count > 0) {
        struct text token = take_token(&pointer, room);
        struct text inside = value;
        value = take(&inside, '[') ? element(value, token) : member(value, token);
    }
    return value;
}
