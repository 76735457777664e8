/* Bodies of requests. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/http1_rig.h"

#define CHUNKED "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#define EXPECT "POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
#define GET "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"

static struct rig *rig;

static void open_rig(void)
{
    rig = rig_create(&(struct rig_options){.mode = RIG_HOLD});
}

static void close_rig(void)
{
    rig_destroy(rig);
}

TestSuite(http1_body, .init = open_rig, .fini = close_rig);

static void use(struct rig_options options)
{
    rig_destroy(rig);
    rig = rig_create(&options);
}

static void answer(int status)
{
    rig_reply(rig, status, LENGTH_NO_BODY);
    (void)rig_end(rig);
    rig_turn(rig);
}

Test(http1_body, nothing_comes_before_it_is_wanted)
{
    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    cr_assert_str_eq(rig->told, "request POST /|");
    client_want(rig->client, 10);
    cr_assert_str_eq(rig->told, "request POST /|", "called back below client_want");
    rig_turn(rig);
    cr_assert_str_eq(rig->told, "request POST /|body 3|end|");
}

Test(http1_body, only_as_much_comes_as_is_wanted)
{
    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabcdef");
    for (int i = 0; i < 3; i++) {
        client_want(rig->client, 2);
        rig_turn(rig);
    }
    cr_assert_str_eq(rig->told, "request POST /|body 2|body 2|body 2|end|");
}

Test(http1_body, the_end_of_chunks_comes_without_further_want)
{
    rig_say(rig, CHUNKED "4\r\nabcd\r\n");
    client_want(rig->client, 4);
    rig_turn(rig);
    cr_assert_str_eq(rig->told, "request POST /c|body 4|");
    rig_say(rig, "0\r\nX: y\r\n\r\n");
    cr_assert_str_eq(rig->told, "request POST /c|body 4|end|");
}

Test(http1_body, a_client_is_held_back_while_nothing_is_wanted)
{
    enum { LENGTH = 4 << 20 };
    char piece[4096];
    size_t sent = 0;
    ssize_t count = 1;

    memset(piece, 'x', sizeof(piece));
    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n");
    while (count > 0 && sent < LENGTH) {
        count = send(rig->fd, piece, sizeof(piece), MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += count > 0 ? (size_t)count : 0;
        rig_turn(rig);
    }
    cr_assert_lt(sent, (size_t)LENGTH / 2);
    cr_assert_eq(rig->body_bytes, 0);
    while (rig->body_bytes < LENGTH) {
        client_want(rig->client, 100000);
        for (count = 1; count > 0 && sent<LENGTH; sent += count> 0 ? (size_t)count : 0) {
            count = send(rig->fd, piece, sizeof(piece), MSG_DONTWAIT | MSG_NOSIGNAL);
            rig_turn(rig);
        }
        rig_turn(rig);
    }
    cr_assert_eq(rig->body_bytes, (size_t)LENGTH);
    cr_assert(strstr(rig->told, "end|"));
}

Test(http1_body, bad_chunks_are_400_and_the_service_is_told)
{
    static const char *const BODIES[] = {
        "x\r\n",
        "0x3\r\nabc\r\n",
        "3\nabc\r\n",
        "3\r\nabcd\r\n",
        "3\r\nabc\n0",
        "-1\r\n",
        "3;a\x01\r\nabc",
        "fffffffffffffffff1\r\n",
        "3\r\nabc\r\n0\r\nA: b\n\r\n",
        "3;a\nb\r\nabc\r\n",
        "\r\n3\r\nabc",
        "3\r\nabc\r\n0\r\nA : b\r\n\r\n",
        "3\r\nabc\r\n0\r\n A: b\r\n\r\n",
        "3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n",
        "3;;a\r\nabc",
        "3\r\nabcxx0\r\n\r\n",
        "3\r\nabc0;0\r\n\r\n",
        "3;a=\r\nabc",
    };

    for (size_t i = 0; i < sizeof(BODIES) / sizeof(BODIES[0]); i++) {
        use((struct rig_options){.mode = RIG_HOLD});
        rig_say(rig, CHUNKED);
        client_want(rig->client, 100);
        rig_say(rig, BODIES[i]);
        cr_assert(strstr(rig->told, "gone invalid|"), "row %zu: %s", i, rig->told);
        cr_assert(strstr(rig_heard(rig), "HTTP/1.1 400 ") == rig->heard, "row %zu: %s", i,
                  rig->heard);
        cr_assert(rig->has_ended);
    }
}

Test(http1_body, bad_chunks_in_single_bytes_are_refused_too)
{
    rig_say(rig, CHUNKED);
    client_want(rig->client, 100);
    rig_drip(rig, "3\r\nabc\n0\r\n\r\n");
    cr_assert(strstr(rig->told, "gone invalid|"));
}

Test(http1_body, bad_chunks_under_a_reply_that_has_begun_break_it_off)
{
    rig_say(rig, CHUNKED);
    rig_reply(rig, 200, LENGTH_UNKNOWN);
    client_flush(rig->client, clock_now());
    client_want(rig->client, 100);
    rig_say(rig, "zzz\r\n");
    cr_assert(strstr(rig->told, "gone invalid|"));
    cr_assert(rig_waits_closed(rig));
    cr_assert_not(strstr(rig->heard, "0\r\n\r\n"));
}

Test(http1_body, endless_trailers_and_extensions_are_refused)
{
    static const char *const BEGINNINGS[] = {CHUNKED "0\r\n", CHUNKED "3;"};
    static const char *const REPEATED[] = {"X: yyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n",
                                           "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"};

    for (int row = 0; row < 2; row++) {
        use((struct rig_options){.mode = RIG_HOLD, .max_header = 1000});
        rig_say(rig, BEGINNINGS[row]);
        client_want(rig->client, 100);
        for (int i = 0; i < 100 && rig->client; i++)
            rig_say(rig, REPEATED[row]);
        cr_assert(strstr(rig->told, "gone invalid|"), "row %d", row);
    }
}

Test(http1_body, continue_is_sent_once_when_the_body_is_wanted)
{
    rig_say(rig, EXPECT);
    cr_assert_str_eq(rig_heard(rig), "");
    client_want(rig->client, 1);
    client_want(rig->client, 10);
    cr_assert_str_eq(rig_heard(rig), "HTTP/1.1 100 Continue\r\n\r\n");
    rig_say(rig, "abc");
    cr_assert(strstr(rig->told, "end|"));
    answer(204);
    cr_assert_str_eq(rig_heard(rig),
                     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nDate: now\r\n\r\n");
    cr_assert_not(rig->has_ended);
}

Test(http1_body, continue_is_not_sent_to_a_client_that_has_not_waited)
{
    rig_say(rig, EXPECT "abc");
    client_want(rig->client, 10);
    rig_turn(rig);
    answer(204);
    cr_assert_str_eq(rig_heard(rig), "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n");
}

Test(http1_body, continue_is_not_sent_to_http_1_0)
{
    rig_say(rig, "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    client_want(rig->client, 10);
    cr_assert_str_eq(rig_heard(rig), "");
}

Test(http1_body, an_expected_body_that_was_never_asked_for_ends_the_connection)
{
    rig_say(rig, EXPECT);
    answer(204);
    cr_assert(strstr(rig_heard(rig), "Connection: close\r\n"));
    cr_assert(rig->has_ended && !rig->was_reset);
}

Test(http1_body, a_body_that_is_here_and_not_wanted_is_dropped)
{
    use((struct rig_options){.mode = RIG_EARLY});
    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" GET);
    rig_say(rig, CHUNKED "3\r\nabc\r\n0\r\n\r\n" GET);
    cr_assert_str_eq(rig->told, "request POST /|request GET /next|request POST /c|"
                                "request GET /next|");
    (void)rig_heard(rig);
    cr_assert_not(rig->has_ended);
}

Test(http1_body, a_refused_body_that_is_not_here_ends_the_connection_after_the_reply)
{
    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
    answer(413);
    cr_assert(strstr(rig_heard(rig), "Connection: close\r\n"));
    cr_assert(rig->has_ended && !rig->was_reset);
    rig_say(rig, "more of it is read and dropped");
    cr_assert_eq(http1_count(rig->set), 1);
    shutdown(rig->fd, SHUT_WR);
    rig_turn(rig);
    cr_assert_eq(http1_count(rig->set), 0);
}

static void turn_until_closed(void)
{
    struct instant end = instant_after(clock_now(), span_s(20));

    while (http1_count(rig->set) > 0 && !instant_reached(end, clock_now())) {
        rig_turn(rig);
        usleep(1000);
    }
    cr_assert_eq(http1_count(rig->set), 0);
}

Test(http1_body, lingering_has_an_end)
{
    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    answer(413);
    cr_assert(strstr(rig_heard(rig), "HTTP/1.1 413 "));
    cr_assert_eq(http1_count(rig->set), 1);
    turn_until_closed();
}

/* It would be reset in the midst of that, and may not have looked for its reply yet. */
Test(http1_body, lingering_goes_on_while_the_client_sends_a_megabyte)
{
    static const char piece[64 << 10];

    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n");
    answer(413);
    cr_assert(strstr(rig_heard(rig), "HTTP/1.1 413 "));
    for (size_t sent = 0; sent < 1048576; sent += sizeof piece) {
        rig_say_bytes(rig, piece, sizeof piece);
        cr_assert_eq(http1_count(rig->set), 1, "after %zu bytes", sent);
    }
    cr_assert(rig->has_ended && !rig->was_reset);
    shutdown(rig->fd, SHUT_WR);
    turn_until_closed();
}

Test(http1_body, lingering_goes_on_while_the_reply_is_not_all_sent)
{
    struct instant end = instant_after(clock_now(), span_ms(1500));

    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    answer(413);
    while (!instant_reached(end, clock_now())) {
        rig_turn(rig);
        usleep(1000);
    }
    cr_assert_eq(http1_count(rig->set), 1);
    cr_assert(strstr(rig_heard(rig), "HTTP/1.1 413 "));
    turn_until_closed();
}

Test(http1_body, lingering_ends_with_the_drain_though_the_reply_is_not_all_sent)
{
    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    answer(413);
    cr_assert_eq(http1_count(rig->set), 1);
    http1_end(rig->set);
    turn_until_closed();
}

Test(http1_body, a_body_of_any_method_is_read)
{
    static const char *const METHODS[] = {"GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "PATCH"};

    for (size_t i = 0; i < sizeof(METHODS) / sizeof(METHODS[0]); i++) {
        char text[256];

        rig_forget(rig);
        snprintf(text, sizeof(text), "%s /m HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
                 METHODS[i]);
        rig_say(rig, text);
        client_want(rig->client, 10);
        rig_turn(rig);
        cr_assert(strstr(rig->told, "|body 2|end|"), "%s", rig->told);
        answer(204);
    }
}

Test(http1_body, connect_and_upgrade_do_not_change_how_a_body_is_read)
{
    static const char *const HEADS[] = {
        "CONNECT a:1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n"
        "Transfer-Encoding: chunked\r\n\r\n",
    };

    for (size_t i = 0; i < 2; i++) {
        rig_forget(rig);
        rig_say(rig, HEADS[i]);
        rig_say(rig, "2\r\nab\r\n0\r\n\r\n");
        client_want(rig->client, 10);
        rig_turn(rig);
        cr_assert(strstr(rig->told, "|body 2|end|"), "%s", rig->told);
        answer(405);
        cr_assert_not(rig->has_ended);
    }
}
