#include "test/support/structured.h"

#include <ctype.h>
#include <string.h>

/* Each takes something at the begin of *at, if it is there. */

static bool take(const char **at, char byte)
{
    bool is_there = **at == byte;

    *at += is_there;
    return is_there;
}

static void skip_blanks(const char **at)
{
    *at += strspn(*at, " ");
}

/* Section 3.3.4. */
static bool take_token(const char **at)
{
    if (!isalpha((unsigned char)**at) && **at != '*')
        return false;
    while (isalnum((unsigned char)**at) || (**at != '\0' && strchr("!#$%&'*+-.^_`|~:/", **at)))
        (*at)++;
    return true;
}

/* Section 3.3.3. */
static bool take_string(const char **at)
{
    if (!take(at, '"'))
        return false;
    while (!take(at, '"')) {
        if (**at < ' ' || **at > '~')
            return false;
        if (take(at, '\\') && **at != '"' && **at != '\\')
            return false;
        (*at)++;
    }
    return true;
}

/* Sections 3.3.1 and 3.3.2. */
static bool take_number(const char **at)
{
    const char *digits = *at + (**at == '-');
    size_t count = strspn(digits, "0123456789");

    if (count == 0 || count > 15)
        return false;
    *at = digits + count;
    if (!take(at, '.'))
        return true;
    size_t fraction = strspn(*at, "0123456789");
    *at += fraction;
    return count <= 12 && fraction >= 1 && fraction <= 3;
}

/* Section 3.1.2. */
static bool take_key(const char **at)
{
    if (!islower((unsigned char)**at) && **at != '*')
        return false;
    while (islower((unsigned char)**at) || isdigit((unsigned char)**at) ||
           (**at != '\0' && strchr("_-.*", **at)))
        (*at)++;
    return true;
}

static bool take_item(const char **at)
{
    if (!take_token(at))
        return false;
    while (take(at, ';')) {
        skip_blanks(at);
        if (!take_key(at))
            return false;
        if (take(at, '=') && !take_string(at) && !take_token(at) && !take_number(at))
            return false;
    }
    return true;
}

bool structured_is_list(const char *field)
{
    bool is_list = take_item(&field);

    while (is_list && *field != '\0') {
        skip_blanks(&field);
        is_list = take(&field, ',');
        skip_blanks(&field);
        is_list = is_list && take_item(&field);
    }
    return is_list;
}
