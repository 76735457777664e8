/* Is it JSON (RFC 8259)? Asked of a text that comes in pieces, cut anywhere. Nothing is kept of the
 * text and nothing is allocated: a check is plain data, and may be copied or forgotten at will. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/text.h"

/* What may stand around a value. */
static inline bool json_is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Private. */
struct json_check {
    uint64_t levels[2]; /* a bit for each open bracket, the innermost the lowest: is it a brace? */
    const char *word;   /* what of true, false or null is still to come */
    unsigned state;
    unsigned depth; /* open brackets */
    unsigned utf8;  /* inside a character: a state of utf8_take_wide */
    unsigned hex;   /* how many digits of \uXXXX are still to come */
    bool is_name;   /* the string is a member's name */
};

void json_check_init(struct json_check *check);

/* Takes the next piece, which may be empty. False: what has come is not the beginning of one value
 * with blanks around it, in UTF-8 without a byte order mark, nested no deeper than JSON_DEPTH_MAX.
 * It stays false. */
bool json_check_take(struct json_check *check, const char *bytes, size_t count);

/* What has come is such a value, and complete. More may still be right: blanks, or digits behind a
 * number. */
bool json_check_is_whole(const struct json_check *check);

/* For text in which something else may stand behind the value: takes a piece up to the end of the
 * value and of the blanks around it. Returns how many bytes these are; where it is no value, how
 * many are counted does not matter, and json_check_is_whole stays false. */
size_t json_check_value(struct json_check *check, struct text text);
