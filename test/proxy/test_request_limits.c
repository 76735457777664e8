/* Heads of requests at the limits and beyond them, cut everywhere. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proxy/http1_scan.h"
#include "test/support/matrix.h"

#define HOST "Host: h\r\n"

enum { HEAD_MAX = 1024 }; /* as matrix_run configures */

TestSuite(request_limits, .timeout = 600);

/* A begin, so many bytes of filler, an end. Lives until asked four times more. */
static struct text filled(const char *begin, size_t filler, const char *end)
{
    static char rooms[4][2 * HEAD_MAX];
    static size_t turn;
    char *room = rooms[turn++ % 4];
    size_t count = strlen(begin);

    cr_assert_lt(count + filler + strlen(end), sizeof(rooms[0]));
    memcpy(room, begin, count);
    memset(room + count, 'a', filler);
    strcpy(room + count + filler, end);
    return text_of(room);
}

/* A head of so many bytes, which are in the target, in a value or in a name. */
static struct text long_target(size_t count)
{
    const char *end = " HTTP/1.1\r\n" HOST "\r\n";

    return filled("GET /", count - strlen("GET /") - strlen(end), end);
}

static struct text long_value(size_t count)
{
    const char *begin = "GET / HTTP/1.1\r\n" HOST "X: ";

    return filled(begin, count - strlen(begin) - 4, "\r\n\r\n");
}

static struct text long_name(size_t count)
{
    const char *begin = "GET / HTTP/1.1\r\n" HOST;

    return filled(begin, count - strlen(begin) - 5, ":\r\n\r\n");
}

Test(request_limits, heads_up_to_the_limit_are_accepted)
{
    const struct row rows[] = {
        {long_target(HEAD_MAX), "200 200", NULL},
        {long_value(HEAD_MAX), "200 200", NULL},
        {long_name(HEAD_MAX), "200 200", NULL},
    };
    RUN(rows);
}

Test(request_limits, heads_over_the_limit_are_refused)
{
    const struct row rows[] = {
        {long_value(HEAD_MAX + 1), "431", NULL},
        {long_name(HEAD_MAX + 1), "431", NULL},
        {filled("GET /", HEAD_MAX, " HTTP/1.1\r\n" HOST "\r\n"), "414", NULL},
    };
    RUN(rows);
}

/* So many headers, Host being the first. */
static struct text many_headers(char *room, int count)
{
    char *at = stpcpy(room, "GET / HTTP/1.1\r\n" HOST);

    for (int i = 1; i < count; i++)
        at = stpcpy(at, "a:\r\n");
    strcpy(at, "\r\n");
    return text_of(room);
}

Test(request_limits, the_number_of_headers_is_limited)
{
    static char rooms[2][4 * HTTP1_HEADERS_MAX + 64];
    const struct row rows[] = {
        {many_headers(rooms[0], HTTP1_HEADERS_MAX), "200 200", NULL},
        {many_headers(rooms[1], HTTP1_HEADERS_MAX + 1), "431", NULL},
    };
    RUN(rows);
}

/* Extensions and trailers may not be longer than a head. */
Test(request_limits, framing_of_chunks_is_limited)
{
    const char *chunked = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n";
    char begin[128];
    struct row rows[3];

    snprintf(begin, sizeof(begin), "%s3;", chunked);
    rows[0] = (struct row){filled(begin, HEAD_MAX, "\r\nabc\r\n0\r\n\r\n"), "400", NULL};
    snprintf(begin, sizeof(begin), "%s3\r\nabc\r\n0\r\nX: ", chunked);
    rows[1] = (struct row){filled(begin, HEAD_MAX, "\r\n\r\n"), "400", NULL};
    rows[2] = (struct row){filled(begin, HEAD_MAX / 2, "\r\n\r\n"), "200 200", "abc"};
    RUN(rows);
}
