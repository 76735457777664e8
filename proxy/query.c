#include "proxy/query.h"

void query_init(struct query *query, struct text text)
{
    query->rest = text;
    query->used = 0;
    query->fault = NULL;
    if (text.count > sizeof query->room)
        query->fault = "The query is longer than 1024 bytes.";
}

/* Takes what stands before the mark off the front, and the mark. */
static struct text take_until(struct text *rest, char mark)
{
    const char *end = memchr(rest->at, mark, rest->count);
    size_t count = end ? (size_t)(end - rest->at) : rest->count;
    size_t gone = end ? count + 1 : count;
    struct text taken = {.at = rest->at, .count = count};

    *rest = (struct text){.at = rest->at + gone, .count = rest->count - gone};
    return taken;
}

/* The byte at text.at[i], which is moved to the last byte of its encoding. -1: there is none. */
static int decoded(struct text text, size_t *i)
{
    if (text.at[*i] == '+')
        return ' ';
    if (text.at[*i] != '%')
        return (unsigned char)text.at[*i];
    if (text.count - *i < 3)
        return -1;
    int high = text_hex_digit(text.at[*i + 1]);
    int low = text_hex_digit(text.at[*i + 2]);
    *i += 2;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static struct text decode(struct query *query, struct text text)
{
    struct text made = {.at = query->room + query->used, .count = 0};

    for (size_t i = 0; i < text.count; i++) {
        int byte = decoded(text, &i);
        if (byte < 0) {
            query->fault = "The query has a % that no two hexadecimal digits follow.";
            break;
        }
        query->room[query->used++] = (char)byte;
        made.count++;
    }
    return made;
}

bool query_next(struct query *query, struct text *ret_name, struct text *ret_value)
{
    struct text pair = TEXT_NONE;

    while (!query->fault && query->rest.count > 0 && pair.count == 0)
        pair = take_until(&query->rest, '&');
    if (pair.count == 0)
        return false;
    *ret_name = decode(query, take_until(&pair, '='));
    *ret_value = decode(query, pair);
    return !query->fault;
}
