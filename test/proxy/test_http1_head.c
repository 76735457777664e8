/* Heads, as they are read and as they are refused. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "proxy/http1_head.h"

#define HOST "Host: a\r\n"
#define LINE "GET / HTTP/1.1\r\n"

struct row {
    const char *head;
    int status; /* 0: accepted */
};

static struct header headers[HTTP1_HEADERS_MAX];
static struct http1_head head;

/* What the codec would answer to text, which comes in pieces of `step` bytes. */
static int judge(const char *text, size_t step)
{
    size_t length = strlen(text);
    struct http1_scan scan = {.at = 0};
    enum scan_result result = SCAN_MORE;

    for (size_t count = 0; count < length && result == SCAN_MORE;) {
        count = count + step < length ? count + step : length;
        result = http1_scan(&scan, text, count);
    }
    if (result == SCAN_MORE)
        return -1;
    if (result == SCAN_MANY)
        return 431;
    if (result == SCAN_INVALID)
        return 400;
    return http1_head_read(&head, (struct text){text, scan.at}, headers, HTTP1_HEADERS_MAX).status;
}

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t step = 1; step < 300; step += step < 20 ? 1 : 93)
            cr_expect_eq(judge(rows[i].head, step), rows[i].status, "row %zu, in pieces of %zu: %d",
                         i, step, judge(rows[i].head, step));
    }
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

Test(http1_head, lines_end_in_cr_lf_and_nothing_else)
{
    static const struct row ROWS[] = {
        {LINE HOST "\r\n", 0},
        {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
        {LINE "Host: a\n\r\n", 400},
        {LINE HOST "\n", 400},
        {"GET / HTTP/1.1\rHost: a\r\n\r\n", 400},
        {LINE "Host: a\rb\r\n\r\n", 400},
        {LINE HOST "\r\r\n", 400},
        {"\nGET / HTTP/1.1\r\n" HOST "\r\n", 400},
    };
    CHECK(ROWS);
}

Test(http1_head, control_characters_are_refused_and_a_tab_in_a_value_is_not)
{
    static const struct row ROWS[] = {
        {LINE HOST "X: a\tb\r\n\r\n", 0},
        {LINE HOST "X:\ta\t\r\n\r\n", 0},
        {LINE HOST "X: \xc3\xbc\r\n\r\n", 0},
        {LINE HOST "X: \xff~\xff\xff~~\r\n\r\n", 0},
        {LINE HOST "X: \xff\x7f\r\n\r\n", 400},
        {LINE HOST "X: \xff~\x1f\r\n\r\n", 400},
        {LINE HOST "X: a\x01\r\n\r\n", 400},
        {LINE HOST "X: a\x7f\r\n\r\n", 400},
        {LINE HOST "X: a\x0b\r\n\r\n", 400},
        {LINE HOST "X\x1f: a\r\n\r\n", 400},
        {LINE HOST "X\t: a\r\n\r\n", 400},
        {"GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /\x01 HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /\x7f HTTP/1.1\r\n" HOST "\r\n", 400},
    };
    CHECK(ROWS);
}

Test(http1_head, nul_is_refused_wherever_it_is)
{
    const char text[] = LINE HOST "X: ab\r\n\r\n";

    for (size_t at = 0; at < sizeof(text) - 1; at++) {
        char copy[sizeof(text)];
        struct http1_scan scan = {.at = 0};

        memcpy(copy, text, sizeof(text));
        copy[at] = '\0';
        cr_assert_eq(http1_scan(&scan, copy, sizeof(text) - 1), SCAN_INVALID, "at %zu", at);
    }
}

Test(http1_head, names_are_tokens_up_to_the_colon)
{
    static const struct row ROWS[] = {
        {LINE HOST "x-!#$%&'*+.^_`|~09: a\r\n\r\n", 0},
        {LINE HOST "X:\r\n\r\n", 0},
        {LINE HOST "X:  \r\n\r\n", 0},
        {LINE HOST "X : a\r\n\r\n", 400},
        {LINE "Host : a\r\n\r\n", 400},
        {LINE HOST "Content-Length : 4\r\n\r\n", 400},
        {LINE HOST ": a\r\n\r\n", 400},
        {LINE HOST "X\r\n\r\n", 400},
        {LINE HOST "X(: a\r\n\r\n", 400},
        {LINE HOST "X,Y: a\r\n\r\n", 400},
        {LINE HOST "X\xc3: a\r\n\r\n", 400},
        {LINE HOST "X Y: a\r\n\r\n", 400},
    };
    CHECK(ROWS);
}

Test(http1_head, folded_lines_are_refused)
{
    static const struct row ROWS[] = {
        {LINE HOST "X: a\r\n b\r\n\r\n", 400}, {LINE HOST "X: a\r\n\tb\r\n\r\n", 400},
        {LINE " Host: a\r\n\r\n", 400},        {LINE HOST " \r\n\r\n", 400},
        {" " LINE HOST "\r\n", 400},
    };
    CHECK(ROWS);
}

Test(http1_head, a_length_is_one_number_said_once)
{
    static const struct row ROWS[] = {
        {LINE HOST "Content-Length: 0\r\n\r\n", 0},
        {LINE HOST "Content-Length: 9223372036854775807\r\n\r\n", 0},
        {LINE HOST "Content-Length: 9223372036854775808\r\n\r\n", 400},
        {LINE HOST "Content-Length: 99999999999999999999999\r\n\r\n", 400},
        {LINE HOST "Content-Length: +5\r\n\r\n", 400},
        {LINE HOST "Content-Length: -5\r\n\r\n", 400},
        {LINE HOST "Content-Length: 0x5\r\n\r\n", 400},
        {LINE HOST "Content-Length: 5 5\r\n\r\n", 400},
        {LINE HOST "Content-Length: 5, 5\r\n\r\n", 400},
        {LINE HOST "Content-Length: 5.0\r\n\r\n", 400},
        {LINE HOST "Content-Length:\r\n\r\n", 400},
        {LINE HOST "Content-Length: five\r\n\r\n", 400},
        {LINE HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
        {LINE HOST "Content-Length: 5\r\ncontent-length: 6\r\n\r\n", 400},
    };
    CHECK(ROWS);
}

Test(http1_head, the_only_transfer_coding_is_chunked_once)
{
    static const struct row ROWS[] = {
        {LINE HOST "Transfer-Encoding: chunked\r\n\r\n", 0},
        {LINE HOST "transfer-encoding: Chunked\r\n\r\n", 0},
        {LINE HOST "Transfer-Encoding: gzip\r\n\r\n", 501},
        {LINE HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {LINE HOST "Transfer-Encoding: identity\r\n\r\n", 501},
        {LINE HOST "Transfer-Encoding: xchunked\r\n\r\n", 501},
        {LINE HOST "Transfer-Encoding: \"chunked\"\r\n\r\n", 501},
        {LINE HOST "Transfer-Encoding: chunked;a=b\r\n\r\n", 501},
        {LINE HOST "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
        {LINE HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
        {LINE HOST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
        {LINE HOST "Transfer-Encoding:\r\n\r\n", 501},
        {LINE HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
        {LINE HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {LINE HOST "Content-Length: 0\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400},
    };
    CHECK(ROWS);
}

Test(http1_head, there_is_one_host_in_1_1_and_at_most_one_in_1_0)
{
    static const struct row ROWS[] = {
        {LINE "\r\n", 400},
        {LINE "X: a\r\n\r\n", 400},
        {LINE HOST HOST "\r\n", 400},
        {LINE HOST "host: b\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\n\r\n", 0},
        {"GET / HTTP/1.0\r\n" HOST "\r\n", 0},
        {"GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400},
        {LINE "Host:\r\n\r\n", 0},
        {LINE "Host: a.b-c_d~e:80\r\n\r\n", 0},
        {LINE "Host: a:\r\n\r\n", 0},
        {LINE "Host: [::1]\r\n\r\n", 0},
        {LINE "Host: [2001:db8::1]:8080\r\n\r\n", 0},
        {LINE "Host: a b\r\n\r\n", 400},
        {LINE "Host: a/b\r\n\r\n", 400},
        {LINE "Host: u@a\r\n\r\n", 400},
        {LINE "Host: a,b\r\n\r\n", 0},
        {LINE "Host: a:x\r\n\r\n", 400},
        {LINE "Host: a:1:2\r\n\r\n", 400},
        {LINE "Host: :80\r\n\r\n", 400},
        {LINE "Host: [::1\r\n\r\n", 400},
        {LINE "Host: []\r\n\r\n", 400},
        {LINE "Host: [::1]x\r\n\r\n", 400},
        {LINE "Host: \xc3\xbc\r\n\r\n", 400},
        {"GET http://b/ HTTP/1.1\r\n\r\n", 400},
    };
    CHECK(ROWS);
}

Test(http1_head, versions_other_than_1_0_and_1_1_are_505)
{
    static const struct row ROWS[] = {
        {"GET / HTTP/1.2\r\n" HOST "\r\n", 505},  {"GET / HTTP/1.9\r\n" HOST "\r\n", 505},
        {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},  {"GET / HTTP/0.9\r\n" HOST "\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\n", 505},          {"GET / HTTP/1.10\r\n" HOST "\r\n", 400},
        {"GET / HTTP/1\r\n" HOST "\r\n", 400},    {"GET / http/1.1\r\n" HOST "\r\n", 400},
        {"GET / HTTPS/1.1\r\n" HOST "\r\n", 400}, {"GET /\r\n\r\n", 400},
        {"GET / RTSP/1.0\r\n" HOST "\r\n", 400},  {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400},
        {"GET / HTTP/+1.1\r\n" HOST "\r\n", 400}, {"GET / ICE/1.0\r\n" HOST "\r\n", 400},
    };
    CHECK(ROWS);
}

Test(http1_head, unknown_methods_are_501_and_what_is_none_400)
{
    static const struct row ROWS[] = {
        {"DELETE / HTTP/1.1\r\n" HOST "\r\n", 0},     {"PATCH / HTTP/1.1\r\n" HOST "\r\n", 0},
        {"TRACE / HTTP/1.1\r\n" HOST "\r\n", 0},      {"FOO / HTTP/1.1\r\n" HOST "\r\n", 501},
        {"get / HTTP/1.1\r\n" HOST "\r\n", 501},      {"GETX / HTTP/1.1\r\n" HOST "\r\n", 501},
        {"DESCRIBE / HTTP/1.1\r\n" HOST "\r\n", 501}, {"G(T / HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET, / HTTP/1.1\r\n" HOST "\r\n", 400},     {"/ HTTP/1.1\r\n" HOST "\r\n", 400},
    };
    CHECK(ROWS);
}

Test(http1_head, targets_are_of_a_form_that_suits_the_method)
{
    static const struct row ROWS[] = {
        {"GET /a/b;c=d?e=f&g HTTP/1.1\r\n" HOST "\r\n", 0},
        {"GET /%20{}|^\"<> HTTP/1.1\r\n" HOST "\r\n", 0},
        {"GET http://b HTTP/1.1\r\n" HOST "\r\n", 0},
        {"GET HTTP://b:80/x HTTP/1.1\r\n" HOST "\r\n", 0},
        {"GET http://b?x HTTP/1.1\r\n" HOST "\r\n", 0},
        {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0},
        {"CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", 0},
        {"GET * HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET a:443 HTTP/1.1\r\n" HOST "\r\n", 400},
        {"CONNECT / HTTP/1.1\r\n" HOST "\r\n", 400},
        {"CONNECT a HTTP/1.1\r\n" HOST "\r\n", 400},
        {"CONNECT a: HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET a HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /  HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /\xc3\xbc HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET http:///x HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET http://:80/x HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET http://u:p@b/ HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET https://b/ HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET http:/b/ HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET ftp://b/ HTTP/1.1\r\n" HOST "\r\n", 400},
    };
    CHECK(ROWS);
}

/* An upstream resolves dot segments, the routes do not: /free/../guarded would be a way around. */
Test(http1_head, a_path_means_one_place_to_every_reader)
{
    static const struct row ROWS[] = {
        {"GET /a/.b/..c/...//d. HTTP/1.1\r\n" HOST "\r\n", 0},
        {"GET /a%2Fb%20c%2e%2ed?../%zz HTTP/1.1\r\n" HOST "\r\n", 0},
        {"GET /.. HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /. HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a/../b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a/./b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a/%2e%2E/b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a/.%2e HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a/..%2fb HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a%5c..%5Cb HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET http://b/a/../b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a;b=..;/;/c..;d/...;/;. HTTP/1.1\r\n" HOST "\r\n", 0},
        {"GET /a/..;/b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a/.%2e%3bx=1/b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a/.;x HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a%00b HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a%zz HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a%2 HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a% HTTP/1.1\r\n" HOST "\r\n", 400},
    };
    CHECK(ROWS);
}

Test(http1_head, only_100_continue_can_be_expected)
{
    static const struct row ROWS[] = {
        {LINE HOST "Expect: 100-continue\r\n\r\n", 0},
        {LINE HOST "Expect: 100-Continue\r\n\r\n", 0},
        {LINE HOST "Expect: 100-continue, x\r\n\r\n", 417},
        {LINE HOST "Expect: tea\r\n\r\n", 417},
        {LINE HOST "Expect:\r\n\r\n", 417},
    };
    CHECK(ROWS);
}

Test(http1_head, there_is_a_limit_to_the_number_of_headers)
{
    char text[4096] = LINE HOST;
    size_t at = strlen(text);

    for (int i = 0; i < HTTP1_HEADERS_MAX - 1; i++, at += 6)
        memcpy(text + at, "X: a\r\n", 6);
    memcpy(text + at, "\r\n", 3);
    cr_assert_eq(judge(text, 1000), 0);
    cr_assert_eq(head.request.headers_count, (size_t)HTTP1_HEADERS_MAX);
    memcpy(text + at, "X: a\r\n\r\n", 9);
    cr_assert_eq(judge(text, 1000), 431);
}

static void assert_text(struct text text, const char *expected)
{
    cr_assert(text_is(text, text_of(expected)), "'%.*s' is not '%s'", (int)text.count, text.at,
              expected);
}

Test(http1_head, the_parts_of_a_request_are_found)
{
    const struct request *request = &head.request;

    cr_assert_eq(judge("POST /a/b?c=d?e HTTP/1.1\r\nHost: x:1\r\nContent-Length: 12\r\n"
                       "Expect: 100-continue\r\nEmpty:\r\nX: \t a b \t\r\nX: 2\r\n\r\n",
                       999),
                 0);
    assert_text(request->method, "POST");
    assert_text(request->target, "/a/b?c=d?e");
    assert_text(request->path, "/a/b");
    assert_text(request->query, "c=d?e");
    assert_text(request->host, "x:1");
    cr_assert(request->has_query && request->expects_continue && !request->is_head);
    cr_assert_eq(request->body, BODY_LENGTH);
    cr_assert_eq(request->body_length, 12);
    cr_assert_eq(request->minor, 1);
    cr_assert_eq(request->headers_count, 6u);
    assert_text(request->headers[3].name, "Empty");
    assert_text(request->headers[3].value, "");
    assert_text(request->headers[4].value, "a b");
    assert_text(request->headers[5].value, "2");
    cr_assert(head.keeps_alive);
}

Test(http1_head, an_absolute_target_says_the_host)
{
    cr_assert_eq(judge("GET http://b:80?q HTTP/1.1\r\n" HOST "\r\n", 999), 0);
    assert_text(head.request.host, "b:80");
    assert_text(head.request.path, "/");
    assert_text(head.request.query, "q");
    cr_assert_eq(judge("GET http://b HTTP/1.1\r\n" HOST "\r\n", 999), 0);
    cr_assert_not(head.request.has_query);
}

Test(http1_head, an_absolute_target_without_a_path_is_the_server_itself_for_options)
{
    cr_assert_eq(judge("OPTIONS http://b HTTP/1.1\r\n" HOST "\r\n", 999), 0);
    assert_text(head.request.host, "b");
    assert_text(head.request.path, "*");
    assert_text(head.request.target, "*");
    cr_assert_eq(judge("OPTIONS http://b? HTTP/1.1\r\n" HOST "\r\n", 999), 0);
    assert_text(head.request.path, "/");
    cr_assert_eq(judge("OPTIONS http://b/ HTTP/1.1\r\n" HOST "\r\n", 999), 0);
    assert_text(head.request.path, "/");
}

Test(http1_head, what_has_no_body_expects_nothing)
{
    cr_assert_eq(judge(LINE HOST "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n", 999), 0);
    cr_assert_eq(head.request.body, BODY_NONE);
    cr_assert_not(head.request.expects_continue);
}
