/* Bodies of requests as an attacker frames them, cut everywhere: what the upstream gets is what was
 * sent, and the request that follows is found where RFC 9112 says that it is. */
#include <criterion/criterion.h>

#include "test/support/matrix.h"

#define HOST "Host: h\r\n"
#define POST "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define HIDDEN "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"

TestSuite(request_bodies, .timeout = 600);

Test(request_bodies, lengths_are_one_number_said_once)
{
    static const struct row rows[] = {
        {BYTES(POST "Content-Length: 5\r\n\r\nhello"), "200 200", "hello"},
        {BYTES(POST "Content-Length:  5  \r\n\r\nhello"), "200 200", "hello"},
        {BYTES(POST "content-length:005\r\n\r\nhello"), "200 200", "hello"},
        {BYTES(POST "Content-Length: 0\r\n\r\n"), "200 200", NULL},
        {BYTES(POST "\r\n"), "200 200", NULL},
        {BYTES("GET / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"), "200 200", "abc"},
        {BYTES("DELETE / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"), "200 200", "abc"},
        {BYTES("OPTIONS / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"), "200 200", "abc"},
        {BYTES("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"), "200", "abc"},
        {BYTES(POST "Content-Length: 33\r\n\r\n" HIDDEN), "200 200", HIDDEN},
        {BYTES(POST "Content-Length: +5\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length: -5\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length: 5,5\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length: 5, 5\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length: 5,\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length: 0x5\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length: 5 5\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length: 5;a\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length: 1e1\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length: \"5\"\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length:\r\n\r\n"), "400", NULL},
        {BYTES(POST "Content-Length: 9223372036854775808\r\n\r\n"), "400", NULL},
        {BYTES(POST "Content-Length: 18446744073709551621\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length: 0\r\ncontent-length: 33\r\n\r\n" HIDDEN), "400", NULL},
        {BYTES(POST "Content-Length : 5\r\n\r\nhello"), "400", NULL},
        {BYTES(POST "Content-Length\x0b: 5\r\n\r\nhello"), "400", NULL},
    };
    RUN(rows);
}

Test(request_bodies, a_length_and_a_coding_are_never_both_believed)
{
    static const struct row rows[] = {
        {BYTES(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "400",
         NULL},
        {BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" HIDDEN),
         "400", NULL},
        {BYTES(POST "Content-Length: 0\r\nTransfer-Encoding: identity\r\n\r\n" HIDDEN), "400",
         NULL},
        {BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "501", NULL},
        {BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
         "501", NULL},
        {BYTES(POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), "501", NULL},
        {BYTES(POST "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"), "501", NULL},
        {BYTES(POST "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n"), "501", NULL},
        {BYTES(POST "Transfer-Encoding: , chunked\r\n\r\n0\r\n\r\n"), "501", NULL},
        {BYTES(POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n"), "501", NULL},
        {BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"), "501", NULL},
        {BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), "501", NULL},
        {BYTES(POST "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"), "501", NULL},
        {BYTES(POST "Transfer-Encoding: chun ked\r\n\r\n0\r\n\r\n"), "501", NULL},
        {BYTES(POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n"), "501", NULL},
        {BYTES(POST "Transfer-Encoding: gzip\r\n\r\n" HIDDEN), "501", NULL},
        {BYTES(POST "Transfer-Encoding: \x0b"
                    "chunked\r\n\r\n0\r\n\r\n"),
         "400", NULL},
        {BYTES(POST "Transfer-Encoding: chunked\x80\r\n\r\n0\r\n\r\n"), "501", NULL},
        {BYTES(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), "400", NULL},
        {BYTES("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "400",
         NULL},
        {BYTES(POST "Transfer_Encoding: chunked\r\n\r\n"), "200 200", NULL},
        {BYTES(POST "X: Transfer-Encoding: chunked\r\nTE: chunked\r\n\r\n"), "200 200", NULL},
        {BYTES(POST "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "3\r\nabc\r\n0\r\n\r\n"),
         "200 200", "abc"},
        {BYTES(POST "Connection: Content-Length\r\nContent-Length: 3\r\n\r\nabc"), "200 200",
         "abc"},
        {BYTES(POST "Connection: Host\r\nContent-Length: 3\r\n\r\nabc"), "200 200", "abc"},
    };
    RUN(rows);
}

Test(request_bodies, chunks_are_read_as_the_grammar_says)
{
    static const struct row rows[] = {
        {BYTES(CHUNKED "3\r\nabc\r\n0\r\n\r\n"), "200 200", "abc"},
        {BYTES(CHUNKED "0\r\n\r\n"), "200 200", NULL},
        {BYTES(POST "transfer-encoding:ChunKed \r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"), "200 200",
         "abc"},
        {BYTES(CHUNKED "0000000000000003\r\nabc\r\n00000\r\n\r\n"), "200 200", "abc"},
        {BYTES(CHUNKED "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"), "200 200",
         "01234567890123456789"},
        {BYTES(CHUNKED "21\r\n" HIDDEN "\r\n0\r\n\r\n"), "200 200", HIDDEN},
        {BYTES(CHUNKED "3;a\r\nabc\r\n0;b=c\r\n\r\n"), "200 200", "abc"},
        {BYTES(CHUNKED "3;a=\"b\";c\r\nabc\r\n0\r\n\r\n"), "200 200", "abc"},
        {BYTES(CHUNKED "3;a=b;c=d\r\nabc\r\n0;e=f;g\r\n\r\n"), "200 200", "abc"},
        {BYTES(CHUNKED "3\r\nabc\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n"), "200 200", "abc"},
        {BYTES(CHUNKED "3\r\nabc\r\n0\r\nHost: i\r\nX:\r\n\r\n" HIDDEN), "200 200 200", "abc"},
        {BYTES("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
         "200 200", "a"},
    };
    RUN(rows);
}

Test(request_bodies, chunks_that_two_readers_could_read_differently_are_refused)
{
    static const struct row rows[] = {
        {BYTES(CHUNKED "\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "x\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "0x3\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "+3\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "-3\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED " 3\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3 \r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\t\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3,3\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\0\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\rabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3;a\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3;a\nb\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3;a\rb\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3;a\0\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3;a=\"\r\n\"\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabcd\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nab\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabcxx0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc0;0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc  0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\r 0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "2\r\nabc21\r\n" HIDDEN "\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\r0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\r\n0\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\r\n0\r\n\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\r\n0\r\n\r\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\r\n0\r\nX: a\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\r\n0\r\nX : a\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\r\n0\r\n X: a\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\r\n0\r\nX\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\r\n0\r\nX: \0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3\r\nabc\r\n0\r\n" HIDDEN), "400", NULL},
        {BYTES(CHUNKED "10000000000000003\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3;\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3;;a\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3;a=\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3;a b\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3;a=\"b\r\nabc\r\n0\r\n\r\n"), "400", NULL},
        {BYTES(CHUNKED "3 ;a\r\nabc\r\n0\r\n\r\n"), "400", NULL},
    };
    RUN(rows);
}

/* A size is not cut to 32 bits, nor to 63. */
Test(request_bodies, a_body_that_does_not_end_swallows_what_follows)
{
    static const struct row rows[] = {
        {BYTES(CHUNKED "8000000000000000\r\nabc"), "", NULL},
        {BYTES(CHUNKED "ffffffffffffffff\r\nabc"), "", NULL},
        {BYTES(CHUNKED "100000003\r\nabc\r\n0\r\n\r\n" HIDDEN), "", NULL},
        {BYTES(POST "Content-Length: 4294967301\r\n\r\nhello" HIDDEN), "", NULL},
        {BYTES(CHUNKED "50\r\n" HIDDEN), "", NULL},
        {BYTES(POST "Content-Length: 70\r\n\r\n" HIDDEN), "", NULL},
    };
    RUN(rows);
}

/* Whether the next request is answered is a question of how much of the body is there in time, but
 * it is never taken out of the body. */
Test(request_bodies, a_body_that_nobody_reads_hides_no_request)
{
    static const struct row rows[] = {
        {BYTES("TRACE / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
               "21\r\n" HIDDEN "\r\n0\r\n\r\n"),
         "405*", NULL},
        {BYTES("TRACE / HTTP/1.1\r\n" HOST "Content-Length: 33\r\n\r\n" HIDDEN), "405*", NULL},
        {BYTES("HEAD / HTTP/1.1\r\n" HOST "Content-Length: 33\r\n\r\n" HIDDEN), "200*", NULL},
    };
    RUN(rows);
}

Test(request_bodies, expectations_are_met_or_refused)
{
    static const struct row rows[] = {
        {BYTES(POST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"), "200 200", "abc"},
        {BYTES(POST "Expect: 100-CONTINUE\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "3\r\nabc\r\n0\r\n\r\n"),
         "200 200", "abc"},
        {BYTES(POST "Expect: 100-continue\r\n\r\n"), "200 200", NULL},
        {BYTES("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"), "200",
         "abc"},
        {BYTES(POST "Expect: 100-continue, x\r\nContent-Length: 33\r\n\r\n" HIDDEN), "417", NULL},
        {BYTES(POST "Expect: x\r\nContent-Length: 33\r\n\r\n" HIDDEN), "417", NULL},
        {BYTES(POST "Expect:\r\nContent-Length: 3\r\n\r\nabc"), "417", NULL},
    };
    RUN(rows);
}

Test(request_bodies, requests_in_a_pipe_are_cut_where_they_end)
{
    static const struct row rows[] = {
        {BYTES(HIDDEN HIDDEN HIDDEN), "200 200 200 200", NULL},
        {BYTES(HIDDEN "\r\n" HIDDEN), "200 200 200", NULL},
        {BYTES(POST "Content-Length: 2\r\n\r\nab" HIDDEN CHUNKED "1\r\nc\r\n0\r\n\r\n" HIDDEN),
         "200 200 200 200 200", "ab"},
        {BYTES(POST "Content-Length: 2\r\n\r\nab\r\n" HIDDEN), "200 200 200", "ab"},
        {BYTES(CHUNKED "2\r\nab\r\n0\r\n\r\n\r\n" HIDDEN), "200 200 200", "ab"},
        {BYTES(POST "Content-Length: 2\r\n\r\nabc" HIDDEN), "200 501", "ab"},
        {BYTES(HIDDEN "GET / HTTP/1.1\n\n" HIDDEN), "200 400", NULL},
        {BYTES(HIDDEN POST "Content-Length: 1, 1\r\n\r\na" HIDDEN), "200 400", NULL},
        {BYTES(CHUNKED "2\r\nab\r\n0\r\n\r\n0\r\n\r\n" HIDDEN), "200 400", "ab"},
        {BYTES("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" HIDDEN), "200", NULL},
        {BYTES("GET / HTTP/1.0\r\n\r\n" HIDDEN), "200", NULL},
        {BYTES("GET / HTTP/1.1\r\n" HOST
               "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" HIDDEN),
         "200 200 200", NULL},
    };
    RUN(rows);
}
