/* The lines of a chunked body, byte by byte. */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/http1_chunk_line.h"

enum { DATA = '#' }; /* stands for that of a chunk */

/* How many bytes were taken. */
static size_t take(const char *text)
{
    struct chunk_line line = {.at = CHUNK_LINE_SIZE};
    size_t at = 0;

    for (; text[at] != '\0'; at++) {
        if (text[at] == DATA)
            line.at = CHUNK_LINE_BEHIND_DATA;
        else if (!chunk_line_take(&line, text[at]))
            break;
    }
    return at;
}

Test(http1_chunk_line, what_the_grammar_has_is_taken)
{
    static const char *const texts[] = {
        "3\r\n#\r\n0\r\n\r\n",
        "a;x\r\n#\r\n0;y=z\r\n\r\n",
        "00A;x=\"y;\\\"\t z\";b=c\r\n#\r\n000\r\n\r\n",
        "0\r\nX:\r\nx-y: a\tb:c\x80\r\n\r\n",
        "10\r\n#\r\n0\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        cr_expect_eq(take(texts[i]), strlen(texts[i]), "%zu of %s", take(texts[i]), texts[i]);
}

Test(http1_chunk_line, what_it_has_not_is_refused_where_it_stands)
{
    static const struct {
        const char *taken;
        const char *rest;
    } rows[] = {
        {"", "\r\n"},
        {"", ";a\r\n"},
        {"3\r\n#", "0\r\n"},
        {"3\r\n#", "\n0\r\n"},
        {"3", " \r\n"},
        {"3", "\n"},
        {"3\r", "\r\n"},
        {"3\r", "a"},
        {"3;", "\r\n"},
        {"3;", ";a\r\n"},
        {"3;", " a\r\n"},
        {"3;a", " b\r\n"},
        {"3;a=", "\r\n"},
        {"3;a=", ";b\r\n"},
        {"3;a=b", "=c\r\n"},
        {"3;a=\"b", "\r\n"},
        {"3;a=\"b\\", "\r\n"},
        {"3;a=\"b\"", "c\r\n"},
        {"3;a", "\n"},
        {"3;a", "\x01"},
        {"3;a=\"", "\x7f"},
        {"0\r\n", " X: a\r\n"},
        {"0\r\n", ": a\r\n"},
        {"0\r\nX", " : a\r\n"},
        {"0\r\nX", "\r\n"},
        {"0\r\nX: a", "\n"},
        {"0\r\nX: a", "\x0b"},
        {"0\r\nX: a\r\n", " b\r\n"},
        {"0\r\nX: a\r\n", "\n"},
        {"0\r\nGET", " / HTTP/1.1\r\n"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char text[64];

        strcat(strcpy(text, rows[i].taken), rows[i].rest);
        cr_expect_eq(take(text), strlen(rows[i].taken), "row %zu: %zu", i, take(text));
    }
}
