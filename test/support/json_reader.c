#include "test/support/json_reader.h"

enum { DEPTH_MAX = 128 };

/* ---- characters ------------------------------------------------------------------------------- */

/* The least and the most that the second byte may be behind this first one (Unicode, table 3-7):
 * that is where overlong forms, surrogates and numbers too high are kept out. */
static bool second_is_right(unsigned char first, unsigned char second)
{
    unsigned char least = 0x80;
    unsigned char most = 0xbf;

    if (first == 0xe0)
        least = 0xa0;
    else if (first == 0xf0)
        least = 0x90;
    else if (first == 0xed)
        most = 0x9f;
    else if (first == 0xf4)
        most = 0x8f;
    return second >= least && second <= most;
}

static size_t count_by_first(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t json_reader_character(struct text text)
{
    if (text.count == 0)
        return 0;
    unsigned char first = (unsigned char)text.at[0];
    size_t count = count_by_first(first);

    if (count > text.count || (count > 1 && !second_is_right(first, (unsigned char)text.at[1])))
        return 0;
    for (size_t i = 2; i < count; i++) {
        if (((unsigned char)text.at[i] & 0xc0) != 0x80)
            return 0;
    }
    return count;
}

/* ---- values ----------------------------------------------------------------------------------- */

struct reader {
    struct text rest;
    unsigned depth;
};

static void skip(struct reader *reader, size_t count)
{
    reader->rest.at += count;
    reader->rest.count -= count;
}

/* '\0' at the end; a NUL is nowhere right in JSON, so the two need not be told apart. */
static char look(const struct reader *reader)
{
    return reader->rest.count > 0 ? reader->rest.at[0] : '\0';
}

static bool take(struct reader *reader, char c)
{
    if (reader->rest.count == 0 || reader->rest.at[0] != c)
        return false;
    skip(reader, 1);
    return true;
}

static bool take_word(struct reader *reader, struct text word)
{
    if (reader->rest.count < word.count || memcmp(reader->rest.at, word.at, word.count) != 0)
        return false;
    skip(reader, word.count);
    return true;
}

static void skip_blanks(struct reader *reader)
{
    while (take(reader, ' ') || take(reader, '\t') || take(reader, '\n') || take(reader, '\r'))
        continue;
}

static bool take_digits(struct reader *reader)
{
    size_t count = 0;

    while (look(reader) >= '0' && look(reader) <= '9') {
        skip(reader, 1);
        count++;
    }
    return count > 0;
}

static bool take_number(struct reader *reader)
{
    take(reader, '-');
    if (!take(reader, '0') && !take_digits(reader))
        return false;
    if (take(reader, '.') && !take_digits(reader))
        return false;
    if (!take(reader, 'e') && !take(reader, 'E'))
        return true;
    if (!take(reader, '+'))
        take(reader, '-');
    return take_digits(reader);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What stands behind a backslash. */
static bool take_escape(struct reader *reader)
{
    char c = look(reader);

    if (c == '\0' || !strchr("\"\\/bfnrtu", c))
        return false;
    skip(reader, 1);
    for (int i = 0; c == 'u' && i < 4; i++) {
        if (!is_hex(look(reader)))
            return false;
        skip(reader, 1);
    }
    return true;
}

static bool take_string(struct reader *reader)
{
    if (!take(reader, '"'))
        return false;
    while (!take(reader, '"')) {
        size_t count = json_reader_character(reader->rest);
        if (count == 0 || (count == 1 && (unsigned char)look(reader) < ' '))
            return false;
        bool is_escape = look(reader) == '\\';
        skip(reader, count);
        if (is_escape && !take_escape(reader))
            return false;
    }
    return true;
}

static bool take_value(struct reader *reader);

static bool take_member(struct reader *reader)
{
    skip_blanks(reader);
    if (!take_string(reader))
        return false;
    skip_blanks(reader);
    return take(reader, ':') && take_value(reader);
}

/* An array or an object behind its opening bracket. */
static bool take_items(struct reader *reader, char close)
{
    bool (*take_item)(struct reader *) = close == '}' ? take_member : take_value;

    if (reader->depth == DEPTH_MAX)
        return false;
    reader->depth++;
    skip_blanks(reader);
    if (!take(reader, close)) {
        do {
            if (!take_item(reader))
                return false;
        } while (take(reader, ','));
        if (!take(reader, close))
            return false;
    }
    reader->depth--;
    return true;
}

static bool take_plain(struct reader *reader)
{
    return take_word(reader, TEXT("true")) || take_word(reader, TEXT("false")) ||
           take_word(reader, TEXT("null")) || take_number(reader);
}

/* A value with the blanks around it. */
static bool take_value(struct reader *reader)
{
    bool is_taken;

    skip_blanks(reader);
    if (take(reader, '{'))
        is_taken = take_items(reader, '}');
    else if (take(reader, '['))
        is_taken = take_items(reader, ']');
    else
        is_taken = look(reader) == '"' ? take_string(reader) : take_plain(reader);
    skip_blanks(reader);
    return is_taken;
}

bool json_reader_is_value(struct text text)
{
    struct reader reader = {.rest = text};

    return take_value(&reader) && reader.rest.count == 0;
}
