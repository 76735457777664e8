/* Heads of replies, without a socket. */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/http1_date.h"
#include "proxy/http1_reply.h"

static struct pool pool;
static struct chain out;
static char text[65536];

static void begin(void)
{
    pool_init(&pool);
    out = CHAIN_EMPTY;
}

static void finish(void)
{
    chain_clear(&out, &pool);
    pool_finish(&pool);
}

TestSuite(http1_reply, .init = begin, .fini = finish);

static const char *written(const struct reply *reply, const struct http1_terms *terms)
{
    size_t count;

    http1_reply_write(&out, &pool, reply, terms);
    count = chain_take(&out, &pool, text, sizeof(text) - 1);
    text[count] = '\0';
    return text;
}

Test(http1_reply, framing_follows_from_request_and_reply)
{
    static const struct {
        int minor;
        bool is_head;
        int status;
        int64_t length;
        enum http1_framing framing;
    } ROWS[] = {
        {1, false, 200, 5, FRAMING_LENGTH},
        {1, false, 200, 0, FRAMING_LENGTH},
        {1, false, 200, LENGTH_UNKNOWN, FRAMING_CHUNKED},
        {0, false, 200, LENGTH_UNKNOWN, FRAMING_CLOSE},
        {0, false, 200, 5, FRAMING_LENGTH},
        {1, true, 200, 5, FRAMING_NONE},
        {1, true, 200, LENGTH_UNKNOWN, FRAMING_NONE},
        {1, false, 204, LENGTH_UNKNOWN, FRAMING_NONE},
        {1, false, 304, 5, FRAMING_NONE},
        {1, false, 404, LENGTH_NO_BODY, FRAMING_LENGTH},
    };

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        const struct request request = {.minor = ROWS[i].minor, .is_head = ROWS[i].is_head};
        const struct reply reply = {.status = ROWS[i].status, .length = ROWS[i].length};

        cr_assert_eq(http1_framing_of(&request, &reply), ROWS[i].framing, "row %zu", i);
    }
}

Test(http1_reply, a_date_is_added_where_there_is_none)
{
    const struct header dated = {.name = TEXT("date"), .value = TEXT("then")};
    const struct http1_terms terms = {.framing = FRAMING_LENGTH, .date = TEXT("today")};
    struct reply reply = {.status = 200, .length = 2};

    cr_assert_str_eq(written(&reply, &terms),
                     "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 2\r\n\r\n");
    reply.headers = &dated;
    reply.headers_count = 1;
    cr_assert_str_eq(written(&reply, &terms),
                     "HTTP/1.1 200 OK\r\ndate: then\r\nContent-Length: 2\r\n\r\n");
}

Test(http1_reply, a_phrase_is_kept_and_a_missing_one_found)
{
    const struct http1_terms terms = {.framing = FRAMING_NONE, .date = TEXT("d"), .closes = true};
    struct reply reply = {.status = 418, .length = LENGTH_NO_BODY, .phrase = TEXT("I'm a teapot")};

    cr_assert_str_eq(written(&reply, &terms),
                     "HTTP/1.1 418 I'm a teapot\r\nDate: d\r\nConnection: close\r\n\r\n");
    reply.phrase = TEXT_NONE;
    cr_assert_str_eq(written(&reply, &terms),
                     "HTTP/1.1 418 Client Error\r\nDate: d\r\nConnection: close\r\n\r\n");
    cr_assert(text_is(http1_phrase(504), TEXT("Gateway Timeout")));
    cr_assert(text_is(http1_phrase(599), TEXT("Server Error")));
    cr_assert(text_is(http1_phrase(999), TEXT("Unknown")));
}

Test(http1_reply, headers_longer_than_a_segment_are_written_whole)
{
    enum { LONG = 20000 };
    static char value[LONG + 1];
    const struct header headers[] = {
        {.name = TEXT("A"), .value = {value, LONG}},
        {.name = TEXT("B"), .value = TEXT("")},
        {.name = TEXT("C"), .value = {value, LONG}},
    };
    const struct http1_terms terms = {.framing = FRAMING_CHUNKED, .date = TEXT("d")};
    const struct reply reply = {
        .status = 200, .length = LENGTH_UNKNOWN, .headers = headers, .headers_count = 3};

    memset(value, 'v', LONG);
    written(&reply, &terms);
    cr_assert_eq(strspn(strstr(text, "A: ") + 3, "v"), (size_t)LONG);
    cr_assert_eq(strspn(strstr(text, "C: ") + 3, "v"), (size_t)LONG);
    cr_assert(strstr(text, "v\r\nB: \r\nC: v"));
    cr_assert(strstr(text, "v\r\nDate: d\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

Test(http1_reply, the_date_is_in_the_form_that_http_wants)
{
    char date[HTTP1_DATE_LENGTH + 1];

    http1_date_print(date, 784111777000);
    cr_assert_str_eq(date, "Sun, 06 Nov 1994 08:49:37 GMT");
}

Test(http1_reply, the_date_changes_with_the_second)
{
    struct http1_date date = {.text = ""};
    struct instant now = {.ns = 0};
    struct text first = http1_date_now(&date, now);

    cr_assert_eq(first.count, (size_t)HTTP1_DATE_LENGTH);
    cr_assert(date.until.ns > 0 && date.until.ns <= NS_PER_S);
    date.text[0] = '*';
    cr_assert_eq(*http1_date_now(&date, instant_before(date.until, span_us(1))).at, '*');
    cr_assert_neq(*http1_date_now(&date, date.until).at, '*');
}
