/* Requests and replies one after another on a connection. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/http1_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define ANSWER(text, length) \
    "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: " length "\r\n\r\n" text

static struct rig *rig;

static void open_rig(void)
{
    rig = rig_create(&(struct rig_options){.mode = RIG_ECHO});
}

static void close_rig(void)
{
    rig_destroy(rig);
}

TestSuite(http1, .init = open_rig, .fini = close_rig);

static void use(struct rig_options options)
{
    rig_destroy(rig);
    rig = rig_create(&options);
}

Test(http1, a_request_is_answered_and_the_connection_kept)
{
    rig_say(rig, GET("/one"));
    cr_assert_str_eq(rig_heard(rig), ANSWER("GET /one []", "11"));
    rig_forget(rig);
    rig_say(rig, GET("/two"));
    cr_assert_str_eq(rig_heard(rig), ANSWER("GET /two []", "11"));
    cr_assert_not(rig->has_ended);
    cr_assert_eq(http1_count(rig->set), 1);
}

Test(http1, a_request_in_single_bytes_is_the_same_request)
{
    rig_drip(rig, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    rig_drip(rig, GET("/y"));
    cr_assert_str_eq(rig_heard(rig), ANSWER("POST /x [abc]", "13") ANSWER("GET /y []", "9"));
}

Test(http1, a_request_cut_anywhere_is_the_same_request)
{
    const char *whole = "POST /x?y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n" GET("/z");
    size_t length = strlen(whole);

    for (size_t cut = 1; cut < length; cut++) {
        rig_say_bytes(rig, whole, cut);
        rig_say(rig, whole + cut);
        cr_assert_str_eq(rig_heard(rig), ANSWER("POST /x [abcde]", "15") ANSWER("GET /z []", "9"),
                         "cut at %zu: %s", cut, rig->heard);
        rig_forget(rig);
    }
}

Test(http1, pipelined_requests_are_answered_in_order)
{
    rig_say(rig, GET("/1") "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
                           "\r\n" GET("/3"));
    cr_assert_str_eq(rig_heard(rig), ANSWER("GET /1 []", "9") ANSWER("POST /2 [hi]", "12")
                                         ANSWER("GET /3 []", "9"));
}

Test(http1, a_pipelined_request_waits_for_the_one_before_it)
{
    use((struct rig_options){.mode = RIG_HOLD});
    rig_say(rig, GET("/1") GET("/2"));
    cr_assert_str_eq(rig->told, "request GET /1|");
    rig_reply(rig, 204, LENGTH_NO_BODY);
    cr_assert(rig_end(rig));
    cr_assert_str_eq(rig->told, "request GET /1|", "called back below client_end");
    rig_turn(rig);
    cr_assert_str_eq(rig->told, "request GET /1|request GET /2|");
}

Test(http1, the_time_of_a_pipelined_request_begins_when_its_first_byte_is_read)
{
    struct instant before;

    use((struct rig_options){.mode = RIG_HOLD});
    rig_say(rig, GET("/1"));
    before = clock_now();
    rig_say(rig, GET("/2"));
    struct instant after = clock_now();
    usleep(10000);
    rig_reply(rig, 204, LENGTH_NO_BODY);
    cr_assert(rig_end(rig));
    rig_turn(rig);
    cr_assert(rig->started.ns >= before.ns && rig->started.ns <= after.ns);
}

Test(http1, more_pipelined_requests_than_the_input_holds_are_all_answered)
{
    enum { COUNT = 2000 };
    const size_t length = strlen(GET("/x"));
    static char text[COUNT * 64];
    size_t answers = 0;

    use((struct rig_options){.mode = RIG_HOLD});
    for (int i = 0; i < COUNT; i++)
        memcpy(text + (size_t)i * length, GET("/x"), length);
    rig_say_bytes(rig, text, COUNT * length);
    for (int i = 0; i < COUNT; i++) {
        rig_turn(rig);
        if (!rig->client)
            break;
        rig_reply(rig, 204, LENGTH_NO_BODY);
        answers += rig_end(rig);
        rig_forget(rig);
    }
    cr_assert_eq(answers, (size_t)COUNT);
    cr_assert_leq(rig->pool.mallocs, 6, "%zu blocks", (size_t)rig->pool.mallocs);
}

Test(http1, a_few_empty_lines_before_a_request_are_skipped)
{
    rig_say(rig, "\r\n\r\n" GET("/"));
    cr_assert_str_eq(rig_heard(rig), ANSWER("GET / []", "8"));
    rig_forget(rig);
    rig_drip(rig, "\r\n" GET("/"));
    cr_assert_str_eq(rig_heard(rig), ANSWER("GET / []", "8"));
}

Test(http1, nothing_but_empty_lines_is_refused)
{
    rig_say(rig, "\r\n\r\n\r\n\r\n\r\n\r\n");
    cr_assert(strstr(rig_heard(rig), "HTTP/1.1 400 ") == rig->heard);
}

Test(http1, connections_are_kept_or_closed_as_the_client_and_its_version_want)
{
    static const struct {
        const char *head;
        bool is_kept;
        const char *said;
    } ROWS[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, NULL},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "Connection: close\r\n"},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, Close\r\n\r\n", false,
         "Connection: close\r\n"},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n", false,
         "Connection: close\r\n"},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", true, NULL},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", true,
         NULL},
        {"GET / HTTP/1.0\r\n\r\n", false, "Connection: close\r\n"},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, "Connection: keep-alive\r\n"},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false, "Connection: close\r\n"},
    };

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        use((struct rig_options){.mode = RIG_ECHO});
        rig_say(rig, ROWS[i].head);
        cr_assert(strstr(rig_heard(rig), "GET / []"), "row %zu: %s", i, rig->heard);
        cr_assert_eq(rig->has_ended, !ROWS[i].is_kept, "row %zu", i);
        cr_assert_not(rig->was_reset);
        if (ROWS[i].said)
            cr_assert(strstr(rig->heard, ROWS[i].said), "row %zu: %s", i, rig->heard);
        else
            cr_assert_not(strstr(rig->heard, "Connection:"), "row %zu: %s", i, rig->heard);
    }
}

Test(http1, head_has_the_length_of_get_and_no_body)
{
    rig_say(rig, "HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n" GET("/g"));
    cr_assert_str_eq(rig_heard(rig), ANSWER("", "10") ANSWER("GET /g []", "9"));
}

Test(http1, bad_requests_are_answered_with_a_problem_and_the_end)
{
    static const struct {
        const char *sent;
        const char *status;
    } ROWS[] = {
        {"\x16\x03\x01\x02", "400 Bad Request"},
        {"GET / HTTP/1.1\nHost: a\n", "400 Bad Request"},
        {"GET / HTTP/1.1\r\n\r\n", "400 Bad Request"},
        {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "501 Not Implemented"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported"},
        {"GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", "417 Expectation Failed"},
    };

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        char line[64];

        use((struct rig_options){.mode = RIG_ECHO});
        snprintf(line, sizeof(line), "HTTP/1.1 %s\r\n", ROWS[i].status);
        rig_say(rig, ROWS[i].sent);
        cr_assert(strstr(rig_heard(rig), line) == rig->heard, "row %zu: %s", i, rig->heard);
        cr_assert(strstr(rig->heard, "Connection: close\r\n"));
        cr_assert(strstr(rig->heard, "application/problem+json"));
        cr_assert(rig->has_ended && !rig->was_reset, "row %zu", i);
        cr_assert_str_eq(rig->told, "");
        cr_assert_eq(atomic_load(&rig->metrics.bad_requests), 1);
    }
}

Test(http1, a_request_line_that_is_too_long_is_414_and_headers_are_431)
{
    static const struct {
        size_t target;
        size_t header;
        const char *status;
    } ROWS[] = {
        {400, 10, "HTTP/1.1 200"},
        {2000, 10, "HTTP/1.1 414"},
        {400, 2000, "HTTP/1.1 431"},
    };

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        char text[8192];

        use((struct rig_options){.mode = RIG_ECHO, .max_header = 1000});
        snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\nHost: a\r\nX: %0*d\r\n\r\n",
                 (int)ROWS[i].target, 0, (int)ROWS[i].header, 0);
        rig_say(rig, text);
        cr_assert(strstr(rig_heard(rig), ROWS[i].status) == rig->heard, "row %zu: %s", i,
                  rig->heard);
    }
}

Test(http1, a_head_as_long_as_it_may_be_is_served_with_its_body)
{
    static const size_t LIMITS[] = {1000, 16384, 40000};

    for (size_t i = 0; i < sizeof(LIMITS) / sizeof(LIMITS[0]); i++) {
        const char *rest = "Content-Length: 3\r\n\r\n";
        char text[65536];
        int count = snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: a\r\nX: ");
        size_t padding = LIMITS[i] - (size_t)count - strlen(rest) - 2;

        use((struct rig_options){.mode = RIG_ECHO, .max_header = LIMITS[i]});
        snprintf(text + count, sizeof(text) - (size_t)count, "%0*d\r\n%sabc", (int)padding, 0,
                 rest);
        rig_say_bytes(rig, text, 300);
        rig_say(rig, text + 300);
        rig_say(rig, GET("/next"));
        cr_assert_str_eq(rig_heard(rig), ANSWER("POST / [abc]", "12") ANSWER("GET /next []", "12"),
                         "limit %zu", LIMITS[i]);
    }
}

Test(http1, a_head_that_does_not_come_in_time_is_408)
{
    struct instant before = clock_now();

    use((struct rig_options){.mode = RIG_ECHO, .header_ms = 30});
    rig_say(rig, "GET / HT");
    cr_assert(rig_waits_closed(rig));
    cr_assert(strstr(rig_heard(rig), "HTTP/1.1 408 Request Timeout\r\n") == rig->heard);
    cr_assert(span_covers(span_since(before, clock_now()), span_ms(30)));
}

Test(http1, the_time_for_a_head_does_not_begin_anew_with_each_byte)
{
    use((struct rig_options){.mode = RIG_ECHO, .header_ms = 40});
    rig_say(rig, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 500 && !rig->has_ended; i++) {
        usleep(5000);
        rig_say(rig, "x");
        (void)rig_heard(rig);
    }
    cr_assert(strstr(rig->heard, "HTTP/1.1 408 ") == rig->heard);
}

Test(http1, an_idle_connection_is_closed_without_a_word)
{
    use((struct rig_options){.mode = RIG_ECHO, .idle_ms = 30});
    cr_assert(rig_waits_closed(rig));
    cr_assert_str_eq(rig->heard, "");
    cr_assert_eq(http1_count(rig->set), 1, "it waits for the client to close too");
    close(rig->fd);
    rig->fd = -1;
    rig_turn(rig);
    cr_assert_eq(http1_count(rig->set), 0);
}

/* Runs the loop until the client at fd reads the end, or something. */
static ssize_t await_byte(int fd)
{
    char byte;
    ssize_t got = -1;

    for (int i = 0; i < 1000 && got < 0; i++) {
        rig_turn(rig);
        got = recv(fd, &byte, 1, MSG_DONTWAIT);
        usleep(5000);
    }
    return got;
}

Test(http1, draining_closes_idle_connections_soon_and_serves_the_others_once)
{
    int idle = rig_connect(rig);

    rig_say(rig, "GET / HTTP/1.1\r\n");
    http1_drain(rig->set, clock_now());
    cr_assert_eq(await_byte(idle), 0);
    rig_say(rig, "Host: a\r\n\r\n" GET("/no-more"));
    cr_assert(strstr(rig_heard(rig), "GET / []"));
    cr_assert(strstr(rig->heard, "Connection: close\r\n"));
    cr_assert_not(strstr(rig->heard, "/no-more"));
    cr_assert(rig->has_ended);
    close(idle);
}

Test(http1, at_the_end_what_has_come_is_served_and_what_has_not_come_whole_is_refused)
{
    int whole = rig_connect(rig);
    int idle = rig_connect(rig);
    char answer[16] = "";

    rig_say(rig, "GET / HTTP/1.1\r\n");
    cr_assert_gt(send(whole, GET("/whole"), strlen(GET("/whole")), 0), 0);
    http1_drain(rig->set, clock_now());
    http1_end(rig->set);
    cr_assert_eq(await_byte(idle), 0);
    cr_assert(rig_waits_heard(rig, "HTTP/1.1 408 "));
    cr_assert_eq(recv(whole, answer, 12, 0), 12);
    cr_assert_str_eq(answer, "HTTP/1.1 200");
    close(idle);
    close(whole);
}

Test(http1, open_connections_are_counted)
{
    int other = rig_connect(rig);

    cr_assert_eq(atomic_load(&rig->open_connections), 2);
    cr_assert_eq(atomic_load(&rig->metrics.connections), 2);
    close(other);
    rig_turn(rig);
    cr_assert_eq(atomic_load(&rig->open_connections), 1);
    cr_assert_eq(atomic_load(&rig->metrics.connections), 1);
}

Test(http1, a_warm_connection_takes_no_memory_from_the_system)
{
    rig_say(rig, GET("/"));
    uint64_t mallocs = rig->pool.mallocs;
    for (int i = 0; i < 100; i++)
        rig_say(rig, GET("/"));
    cr_assert_eq(rig->pool.mallocs, mallocs);
}
