#include "proxy/response.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proxy/pool.h"

static struct pool pool;
static struct arena arena;

static void set_up(void)
{
    pool_init(&pool);
    arena_init(&arena, &pool);
}

static void tear_down(void)
{
    arena_finish(&arena);
    pool_finish(&pool);
}

TestSuite(response, .init = set_up, .fini = tear_down);

/* Feeds a whole head, line by line. False as soon as a line is refused. */
static bool take_all(struct response *response, const char *head)
{
    response_init(response, &arena);
    while (*head) {
        const char *end = strchr(head, '\n');
        size_t count = end ? (size_t)(end - head) + 1 : strlen(head);
        if (!response_take(response, (struct text){.at = head, .count = count}))
            return false;
        head += count;
    }
    return response->progress == RESPONSE_DONE;
}

static void expect_text(struct text text, const char *expected)
{
    cr_expect(text_is(text, text_of(expected)), "%.*s is not %s", (int)text.count, text.at,
              expected);
}

Test(response, takes_status_phrase_and_headers_in_order)
{
    struct response response;

    cr_assert(
        take_all(&response, "HTTP/1.1 201 Made it\r\nA: 1\r\nB:  two words \t\r\nA:\r\n\r\n"));
    cr_expect_eq(response.status, 201);
    expect_text(response.phrase, "Made it");
    cr_assert_eq(response.headers_count, 3);
    expect_text(response.headers[0].name, "A");
    expect_text(response.headers[1].value, "two words");
    expect_text(response.headers[2].name, "A");
    expect_text(response.headers[2].value, "");
    cr_expect_eq(response.length, LENGTH_UNKNOWN);
}

Test(response, accepts_what_is_well_formed)
{
    static const char *const heads[] = {
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 200 \r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 599 ?\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 7\r\ncontent-length: 7\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \ttabs\tare fine\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \xc3\xa9\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct response response;
        cr_expect(take_all(&response, heads[i]), "%s", heads[i]);
    }
}

Test(response, refuses_what_could_be_read_in_two_ways)
{
    static const struct {
        enum response_fault fault;
        const char *head;
    } rows[] = {
        {FAULT_LINE_END, "HTTP/1.1 200 OK\n\n"},
        {FAULT_LINE_END, "HTTP/1.1 200 OK\r\nA: 1\n\r\n"},
        {FAULT_STATUS_LINE, "HTTP/2 200 OK\r\n\r\n"},
        {FAULT_STATUS_LINE, "HTTP/1.2 200 OK\r\n\r\n"},
        {FAULT_STATUS_LINE, "http/1.1 200 OK\r\n\r\n"},
        {FAULT_STATUS_LINE, "HTTP/1.1  200 OK\r\n\r\n"},
        {FAULT_STATUS_LINE, "HTTP/1.1 20 OK\r\n\r\n"},
        {FAULT_STATUS_LINE, "HTTP/1.1 2000 OK\r\n\r\n"},
        {FAULT_STATUS, "HTTP/1.1 099 OK\r\n\r\n"},
        {FAULT_STATUS, "HTTP/1.1 600 OK\r\n\r\n"},
        {FAULT_SWITCH, "HTTP/1.1 101 Switching Protocols\r\n\r\n"},
        {FAULT_CONTROL, "HTTP/1.1 200 O\x01K\r\n\r\n"},
        {FAULT_HEADER, "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"},
        {FAULT_HEADER, "HTTP/1.1 200 OK\r\n: no name\r\n\r\n"},
        {FAULT_HEADER, "HTTP/1.1 200 OK\r\nA : space before the colon\r\n\r\n"},
        {FAULT_HEADER, "HTTP/1.1 200 OK\r\nA\x80: not a token\r\n\r\n"},
        {FAULT_HEADER, "HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n"},
        {FAULT_CONTROL, "HTTP/1.1 200 OK\r\nA: bare\rreturn\r\n\r\n"},
        {FAULT_CONTROL, "HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n"},
        {FAULT_LENGTHS, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\n"},
        {FAULT_LENGTH, "HTTP/1.1 200 OK\r\nContent-Length: 7, 7\r\n\r\n"},
        {FAULT_LENGTH, "HTTP/1.1 200 OK\r\nContent-Length: +7\r\n\r\n"},
        {FAULT_LENGTH, "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"},
        {FAULT_LENGTH, "HTTP/1.1 200 OK\r\nContent-Length: 0x7\r\n\r\n"},
        {FAULT_LENGTH, "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"},
        {FAULT_LENGTH, "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n"},
        {FAULT_LENGTH_AND_CHUNKS,
         "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {FAULT_LENGTH_AND_CHUNKS,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n"},
        {FAULT_ENCODING, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"},
        {FAULT_ENCODING, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
        {FAULT_ENCODING,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {FAULT_ENCODING, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {FAULT_HEADER,
         "HTTP/1.1 103 Early Hints\r\nA: 1\r\n folded\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"},
        {FAULT_CONTROL,
         "HTTP/1.1 103 Early Hints\r\nA: bare\rreturn\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"},
        {FAULT_HEADER, "HTTP/1.1 103 Early Hints\r\nno colon\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct response response;
        cr_expect_not(take_all(&response, rows[i].head), "%s", rows[i].head);
        cr_expect_eq(response.fault, rows[i].fault, "%s: %d", rows[i].head, (int)response.fault);
    }
}

Test(response, interim_responses_are_passed_over)
{
    struct response response;

    cr_assert(take_all(&response, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                                  "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n"
                                  "HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n"));
    cr_expect_eq(response.status, 404);
    cr_expect_eq(response.headers_count, 1);
    cr_expect_eq(response.length, LENGTH_UNKNOWN, "what came before says nothing of this one");
}

Test(response, lines_after_the_head_are_trailers_and_change_nothing)
{
    struct response response;

    cr_assert(take_all(&response, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
    cr_expect(response_take(&response, TEXT("Content-Length: 3\r\n")));
    cr_expect(response_take(&response, TEXT("\r\n")));
    cr_expect_eq(response.headers_count, 1);
    cr_expect_eq(response.length, LENGTH_UNKNOWN);
}

static bool take_many(struct response *response, int count, const char *line)
{
    response_init(response, &arena);
    if (!response_take(response, TEXT("HTTP/1.1 200 OK\r\n")))
        return false;
    for (int i = 0; i < count; i++) {
        if (!response_take(response, text_of(line)))
            return false;
    }
    return response_take(response, TEXT("\r\n"));
}

Test(response, headers_have_a_limit_in_number_and_in_bytes)
{
    char line[8002];
    struct response response;

    cr_expect(take_many(&response, RESPONSE_HEADERS_MAX, "A: b\r\n"));
    expect_text(response.headers[RESPONSE_HEADERS_MAX - 1].value, "b");
    cr_expect_not(take_many(&response, RESPONSE_HEADERS_MAX + 1, "A: b\r\n"));
    cr_expect_eq(response.fault, FAULT_HEAD_COUNT);
    memset(line, 'x', sizeof line);
    memcpy(line, "A: ", 3);
    memcpy(line + sizeof line - 3, "\r\n", 3);
    cr_expect(take_many(&response, 8, line));
    cr_expect_not(take_many(&response, 9, line));
    cr_expect_eq(response.fault, FAULT_HEAD_SIZE);
}

Test(response, has_no_body_after_head_or_with_some_statuses)
{
    cr_expect(response_has_body(200, false));
    cr_expect(response_has_body(404, false));
    cr_expect_not(response_has_body(200, true));
    cr_expect_not(response_has_body(204, false));
    cr_expect_not(response_has_body(304, false));
}

Test(response, interim_responses_count_for_the_size_of_the_head)
{
    static const char interim[] = "HTTP/1.1 103 Early Hints\r\n";
    struct response response;
    size_t bytes = 0;

    response_init(&response, &arena);
    while (response_take(&response, (struct text){.at = interim, .count = sizeof(interim) - 1})) {
        bytes += sizeof(interim) - 1 + 2;
        cr_assert(response_take(&response, TEXT("\r\n")));
        cr_assert_leq(bytes, (size_t)RESPONSE_BYTES_MAX);
    }
    cr_expect_gt(bytes + 64, (size_t)RESPONSE_BYTES_MAX);
}
