/* Heads of requests as an attacker writes them, cut everywhere: what is refused is refused, and
 * what is not arrives upstream as it was sent. */
#include <criterion/criterion.h>

#include "test/support/matrix.h"

#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: h\r\n"

TestSuite(request_heads, .timeout = 600);

Test(request_heads, line_ends_are_cr_lf_only)
{
    static const struct row rows[] = {
        {BYTES(LINE HOST "\r\n"), "200 200", NULL},
        {BYTES("\r\n" LINE HOST "\r\n"), "200 200", NULL},
        {BYTES("\r\n\r\n" LINE HOST "\r\n"), "200 200", NULL},
        {BYTES("GET / HTTP/1.1\nHost: h\r\n\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.1\rHost: h\r\n\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.1\r\r\nHost: h\r\n\r\n"), "400", NULL},
        {BYTES(LINE "Host: h\n\r\n"), "400", NULL},
        {BYTES(LINE "Host: h\r\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X: a\rY: b\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X: a\nY: b\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X: a\r\n\n"), "400", NULL},
        {BYTES(LINE HOST "X: a\n\n"), "400", NULL},
        {BYTES(LINE HOST "\r\r\n"), "400", NULL},
        {BYTES("\n" LINE HOST "\r\n"), "400", NULL},
        {BYTES("\r" LINE HOST "\r\n"), "400", NULL},
        {BYTES(" " LINE HOST "\r\n"), "400", NULL},
        {BYTES("\t\r\n" LINE HOST "\r\n"), "400", NULL},
    };
    RUN(rows);
}

Test(request_heads, controls_are_refused_and_high_bytes_and_tabs_cross)
{
    static const struct row rows[] = {
        {BYTES(LINE HOST "X: a\tb\r\n\r\n"), "200 200", NULL},
        {BYTES(LINE HOST "X: \x80\xff\xc3\xbc\r\n\r\n"), "200 200", NULL},
        {BYTES(LINE HOST "X:\t \ta \t\r\nY:\r\nZ: \t\r\n\r\n"), "200 200", NULL},
        {BYTES(LINE HOST "X: a\0b\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X\0: a\r\n\r\n"), "400", NULL},
        {BYTES("GET /\0 HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET\0 / HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("\0" LINE HOST "\r\n"), "400", NULL},
        {BYTES(LINE HOST "X: a\r\n\0\r\n"), "400", NULL},
        {BYTES(LINE HOST "X: \x01\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X: a\x08\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X:\x0b"
                         "a\r\n\r\n"),
         "400", NULL},
        {BYTES(LINE HOST "X: a\x0c\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X: \x1b[2J\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X: \x7f\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "\x80: a\r\n\r\n"), "400", NULL},
        {BYTES("GET /\xc3\xbc HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
    };
    RUN(rows);
}

Test(request_heads, names_are_tokens_and_lines_are_not_folded)
{
    static const struct row rows[] = {
        {BYTES(LINE HOST "!#$%&'*+-.^_`|~: a\r\nX: b\r\nx: c\r\nX: d\r\n\r\n"), "200 200", NULL},
        {BYTES(LINE HOST "X : a\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X\t: a\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST " X: a\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST ": a\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST ":\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X Y: a\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X(: a\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "\"X\": a\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X/Y: a\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X: a\r\n b\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X: a\r\n\tb\r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X: a\r\n \r\n\r\n"), "400", NULL},
        {BYTES(LINE HOST "X:\r\n a\r\n\r\n"), "400", NULL},
        {BYTES(LINE " Host: h\r\n\r\n"), "400", NULL},
        {BYTES("POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n 5\r\n\r\nhello"), "400", NULL},
        {BYTES("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"), "400",
         NULL},
    };
    RUN(rows);
}

Test(request_heads, request_lines_have_three_parts_and_a_known_version)
{
    static const struct row rows[] = {
        {BYTES("GET / HTTP/1.0\r\n\r\n"), "200", NULL},
        {BYTES("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), "200 200", NULL},
        {BYTES("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"), "200", NULL},
        {BYTES("GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n"), "200", NULL},
        {BYTES("GET / HTTP/1.1\r\n" HOST "Connection: keep-alive, x-a\r\nX-A: 1\r\nX-B: 2\r\n\r\n"),
         "200 200", NULL},
        {BYTES("GET / HTTP/1.2\r\n" HOST "\r\n"), "505", NULL},
        {BYTES("GET / HTTP/2.0\r\n" HOST "\r\n"), "505", NULL},
        {BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "505", NULL},
        {BYTES("GET / HTTP/0.9\r\n" HOST "\r\n"), "505", NULL},
        {BYTES("GET /\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.10\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET / HTTP/01.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1,1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.1x\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET / http/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET / HTTP/ 1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.1 \r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET  / HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET /  HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET\t/\tHTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET / / HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.1 X: y\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("G(T / HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("FOO / HTTP/1.1\r\n" HOST "\r\n"), "501", NULL},
        {BYTES("get / HTTP/1.1\r\n" HOST "\r\n"), "501", NULL},
        {BYTES("\x16\x03\x01\x02\x01\r\n\r\n"), "400", NULL},
    };
    RUN(rows);
}

Test(request_heads, targets_and_hosts_arrive_as_one_place)
{
    static const struct row rows[] = {
        {BYTES("GET /a%20b/;c?d=e&f?/../ HTTP/1.1\r\n" HOST "\r\n"), "200 200", NULL},
        {BYTES("GET http://x:80/a?b HTTP/1.1\r\nHost: h\r\n\r\n"), "200 200", NULL},
        {BYTES("GET http://x HTTP/1.1\r\nHost: h\r\n\r\n"), "200 200", NULL},
        {BYTES("GET http://x?q HTTP/1.1\r\nHost: h\r\n\r\n"), "200 200", NULL},
        {BYTES("OPTIONS http://x HTTP/1.1\r\nHost: h\r\n\r\n"), "200 200", NULL},
        {BYTES("OPTIONS / HTTP/1.1\r\nHost: h\r\n\r\n"), "200 200", NULL},
        {BYTES("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), "200 200", NULL},
        {BYTES("GET / HTTP/1.1\r\nHost: h:80\r\n\r\n"), "200 200", NULL},
        {BYTES("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), "200 200", NULL},
        {BYTES("GET / HTTP/1.1\r\nhOST:h\r\n\r\n"), "200 200", NULL},
        {BYTES("GET * HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET a HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET h:80 HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET /a#b HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET http://x#b HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET http://x@y/ HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET http:///a HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET http://x/ HTTP/1.1\r\n\r\n"), "400", NULL},
        {BYTES("GET /a\tb HTTP/1.1\r\n" HOST "\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.1\r\n\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.1\r\n" HOST HOST "\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.1\r\n" HOST "X: a\r\nhost: i\r\n\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.1\r\nHost: h i\r\n\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.1\r\nHost: h/i\r\n\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"), "400", NULL},
        {BYTES("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), "400", NULL},
        {BYTES("TRACE / HTTP/1.1\r\n" HOST "\r\n"), "405 200", NULL},
        {BYTES("CONNECT h:80 HTTP/1.1\r\n" HOST "\r\n"), "405 200", NULL},
    };
    RUN(rows);
}
