/* Clients that end their side of the connection and still want their replies. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/http1_rig.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_2 "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST_4M "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n"

static struct rig *rig;

static void open_rig(void)
{
    rig = rig_create(&(struct rig_options){.mode = RIG_HOLD, .outlives = true});
}

static void close_rig(void)
{
    rig_destroy(rig);
}

TestSuite(http1_half_close, .init = open_rig, .fini = close_rig);

static void use(struct rig_options options)
{
    rig_destroy(rig);
    rig = rig_create(&options);
}

static void half_close(void)
{
    shutdown(rig->fd, SHUT_WR);
    rig_turn(rig);
}

/* The bytes and the end of them are there before the codec looks. */
static void say_last(const char *text)
{
    cr_assert_eq(send(rig->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    half_close();
}

static void answer(const char *text)
{
    rig_reply(rig, 200, (int64_t)strlen(text));
    cr_assert(rig_send(rig, text));
    cr_assert(rig_end(rig));
}

static void reset(void)
{
    const struct linger at_once = {.l_onoff = 1};

    setsockopt(rig->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(rig->fd);
    rig->fd = -1;
}

Test(http1_half_close, the_reply_is_sent_and_says_that_it_is_the_last)
{
    rig_say(rig, GET);
    half_close();
    cr_assert_str_eq(rig->told, "request GET /|half|");
    answer("ok");
    cr_assert_str_eq(rig_heard(rig), "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 2\r\n"
                                     "Connection: close\r\n\r\nok");
    cr_assert(rig_waits_closed(rig));
    cr_assert_not(rig->was_reset);
    cr_assert_eq(http1_count(rig->set), 0);
}

Test(http1_half_close, an_end_that_comes_with_the_request_is_no_different)
{
    say_last(GET);
    cr_assert_str_eq(rig->told, "request GET /|half|");
    answer("ok");
    cr_assert(rig_waits_closed(rig));
    cr_assert(strstr(rig->heard, "\r\n\r\nok"));
}

Test(http1_half_close, an_end_in_the_midst_of_the_reply_does_not_cut_it)
{
    rig_say(rig, GET);
    rig_reply(rig, 200, LENGTH_UNKNOWN);
    cr_assert(rig_send(rig, "hello"));
    client_flush(rig->client, clock_now());
    half_close();
    cr_assert(rig_send(rig, "world"));
    cr_assert(rig_end(rig));
    cr_assert_eq(http1_count(rig->set), 0, "it does not wait for another request");
    cr_assert(rig_waits_closed(rig));
    cr_assert_not(rig->was_reset);
    cr_assert(strstr(rig->heard, "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n"));
    cr_assert_str_eq(rig->told, "request GET /|half|");
}

Test(http1_half_close, waiting_for_the_reply_costs_no_turns)
{
    for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
        use((struct rig_options){.mode = RIG_HOLD, .outlives = true, .is_tcp = is_tcp});
        say_last(GET);
        cr_assert(rig_waits_told(rig, "half|"));
        rig_turn(rig);
        cr_assert_lt(rig_turns_in_20_ms(rig), 10, "the loop does not rest");
        answer("ok");
    }
}

Test(http1_half_close, requests_that_came_before_the_end_are_all_answered)
{
    say_last(GET GET_2);
    answer("one");
    rig_turn(rig);
    cr_assert_str_eq(rig->told, "request GET /|half|request GET /2|half|");
    cr_assert_null(strstr(rig_heard(rig), "close"));
    answer("two");
    cr_assert(rig_waits_closed(rig));
    cr_assert(strstr(rig->heard, "\r\n\r\ntwo"));
    cr_assert_not_null(strstr(rig->heard, "Connection: close"));
}

Test(http1_half_close, of_several_requests_each_is_asked_for_itself)
{
    say_last(GET GET_2);
    rig->options.outlives = false;
    answer("one");
    rig_turn(rig);
    cr_assert_str_eq(rig->told, "request GET /|half|request GET /2|gone left|");
    cr_assert_eq(http1_count(rig->set), 0);
}

Test(http1_half_close, more_requests_than_the_input_holds_are_all_answered)
{
    enum { COUNT = 1000 };
    static char requests[COUNT * sizeof(GET)];

    for (size_t i = 0; i < COUNT; i++)
        memcpy(requests + i * strlen(GET), GET, strlen(GET));
    say_last(requests);
    for (int i = 0; i < COUNT; i++) {
        cr_assert(rig->client, "request %d", i);
        answer("ok");
        rig_forget(rig);
    }
    cr_assert(rig_waits_closed(rig));
    cr_assert_not(rig->was_reset);
    cr_assert_eq(http1_count(rig->set), 0);
}

Test(http1_half_close, nonsense_behind_a_request_is_still_refused)
{
    say_last(GET "nonsense\n\n");
    answer("ok");
    rig_turn(rig);
    cr_assert(strstr(rig_heard(rig), "HTTP/1.1 400 "));
    cr_assert_eq(http1_count(rig->set), 0, "it does not linger: nothing more can come");
}

Test(http1_half_close, nothing_is_served_behind_a_request_that_closes)
{
    say_last("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET_2);
    answer("ok");
    rig_turn(rig);
    cr_assert_eq(http1_count(rig->set), 0, "it does not linger: nothing more can come");
    cr_assert(rig_waits_closed(rig));
    cr_assert_str_eq(rig->told, "request GET /|half|");
}

Test(http1_half_close, a_body_that_nobody_wanted_does_not_keep_the_connection)
{
    say_last("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
    answer("ok");
    cr_assert_eq(http1_count(rig->set), 0, "it does not linger: nothing more can come");
    cr_assert(rig_waits_closed(rig));
    cr_assert(strstr(rig->heard, "\r\n\r\nok"));
}

Test(http1_half_close, a_head_without_its_end_is_no_request)
{
    say_last("GET / HTTP/1.1\r\nHost:");
    cr_assert(rig_waits_closed(rig));
    cr_assert_str_eq(rig->told, "");
    cr_assert_str_eq(rig->heard, "");
}

Test(http1_half_close, a_body_that_waits_in_the_socket_is_read_to_its_end)
{
    enum { LENGTH = 100000 };
    static char body[LENGTH];
    int sizes = 0;

    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    rig_say_bytes(rig, body, LENGTH);
    half_close();
    cr_assert_str_eq(rig->told, "request POST /|half|");
    cr_assert_lt(rig_turns_in_20_ms(rig), 10, "the loop does not rest");
    while (!strstr(rig->told, "end|") && sizes++ < LENGTH / 1000) {
        client_want(rig->client, 1000);
        rig_turn(rig);
    }
    cr_assert(strstr(rig->told, "end|"));
    cr_assert_eq(rig->body_bytes, (size_t)LENGTH);
    answer("ok");
    cr_assert(rig_waits_closed(rig));
    cr_assert(strstr(rig->heard, "\r\n\r\nok"));
}

Test(http1_half_close, chunks_that_nobody_has_wanted_yet_may_be_whole)
{
    say_last("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
             "5\r\nhello\r\n0\r\n\r\n");
    cr_assert_str_eq(rig->told, "request POST /|half|");
    client_want(rig->client, 100);
    rig_turn(rig);
    cr_assert_str_eq(rig->told, "request POST /|half|body 5|end|");
    answer("ok");
    cr_assert(rig_waits_closed(rig));
}

Test(http1_half_close, an_end_within_the_body_is_the_end)
{
    static const char *const requests[] = {
        "Content-Length: 5\r\n\r\n",
        "Content-Length: 5\r\n\r\nhell",
        "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    };
    char text[200] = "POST / HTTP/1.1\r\nHost: a\r\n";
    size_t length = strlen(text);

    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
        use((struct rig_options){.mode = RIG_HOLD, .outlives = true});
        strcpy(text + length, requests[i]);
        rig_say(rig, text);
        client_want(rig->client, 100);
        rig_turn(rig);
        half_close();
        cr_assert(strstr(rig->told, "gone left|"), "%s", requests[i]);
        cr_assert_null(strstr(rig->told, "end|"), "%s", requests[i]);
    }
}

Test(http1_half_close, a_body_known_to_be_short_is_the_end_though_nobody_wants_it)
{
    say_last("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
    cr_assert_str_eq(rig->told, "request POST /|half|gone left|");
}

Test(http1_half_close, a_client_that_then_closes_or_resets_has_left)
{
    for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
        use((struct rig_options){.mode = RIG_HOLD, .outlives = true, .is_tcp = is_tcp});
        say_last(GET);
        cr_assert(rig_waits_told(rig, "half|"));
        reset(); /* on a socket pair it is a plain close, which can be told from a half one */
        cr_assert(rig_waits_told(rig, "gone left|"), "tcp: %d", is_tcp);
    }
}

Test(http1_half_close, a_reset_is_noticed_though_the_body_is_not_read)
{
    char piece[4096];

    use((struct rig_options){.mode = RIG_HOLD, .outlives = true, .is_tcp = true});
    memset(piece, 'x', sizeof(piece));
    rig_say(rig, POST_4M);
    for (int i = 0; i < 20; i++)
        rig_say_bytes(rig, piece, sizeof(piece));
    shutdown(rig->fd, SHUT_WR);
    cr_assert(rig_waits_told(rig, "half|"));
    cr_assert_lt(rig_turns_in_20_ms(rig), 10, "the loop does not rest");
    reset();
    cr_assert(rig_waits_told(rig, "gone left|"));
}

static void begin_long_reply(int status)
{
    rig_reply(rig, status, 1000000);
    (void)rig_send_many(rig, 1000000);
    cr_assert_not(rig_end(rig));
}

Test(http1_half_close, a_complete_reply_is_sent_to_its_last_byte)
{
    use((struct rig_options){.mode = RIG_HOLD, .outlives = true, .fills_sockets = true});
    rig_say(rig, GET);
    begin_long_reply(200);
    half_close();
    cr_assert_str_eq(rig->told, "request GET /|half|");
    cr_assert_lt(rig_turns_in_20_ms(rig), 10, "the loop does not rest");
    cr_assert(rig_waits_closed(rig));
    cr_assert_str_eq(rig->told, "request GET /|half|sent|");
    cr_assert_geq(rig->heard_count, 1000000u);
}

Test(http1_half_close, a_refused_upload_may_stop_and_read_its_reply)
{
    use((struct rig_options){.mode = RIG_HOLD, .outlives = true, .fills_sockets = true});
    rig_say(rig, POST_4M "some of it");
    begin_long_reply(413);
    half_close();
    cr_assert(rig_waits_closed(rig));
    cr_assert(strstr(rig->told, "half|sent|"));
    cr_assert_geq(rig->heard_count, 1000000u);
}

Test(http1_half_close, a_reset_while_the_reply_is_sent_is_noticed)
{
    use((struct rig_options){
        .mode = RIG_HOLD, .outlives = true, .fills_sockets = true, .is_tcp = true});
    rig_say(rig, GET);
    cr_assert(rig_waits_told(rig, "request"));
    rig_reply(rig, 200, 16000000);
    (void)rig_send_many(rig, 16000000);
    cr_assert_not(rig_end(rig));
    half_close();
    cr_assert(rig_waits_told(rig, "half|"));
    reset();
    cr_assert(rig_waits_told(rig, "gone left|"));
}

Test(http1_half_close, where_the_service_does_not_go_on_the_end_is_leaving_whatever_is_under_way)
{
    use((struct rig_options){.mode = RIG_HOLD, .fills_sockets = true});
    rig_say(rig, GET);
    begin_long_reply(200);
    half_close();
    cr_assert_str_eq(rig->told, "request GET /|gone left|");
    cr_assert_eq(http1_count(rig->set), 0);

    use((struct rig_options){.mode = RIG_HOLD});
    say_last(POST_4M "some of it");
    cr_assert_str_eq(rig->told, "request POST /|gone left|");

    use((struct rig_options){.mode = RIG_HOLD});
    say_last("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    cr_assert_str_eq(rig->told, "request POST /|gone left|");
}
