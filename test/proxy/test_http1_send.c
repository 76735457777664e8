/* Replies as a client sees them, and clients that leave. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/support/http1_rig.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_1_0 "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"

static struct rig *rig;

static void open_rig(void)
{
    rig = rig_create(&(struct rig_options){.mode = RIG_HOLD});
}

static void close_rig(void)
{
    rig_destroy(rig);
}

TestSuite(http1_send, .init = open_rig, .fini = close_rig);

static void use(struct rig_options options)
{
    rig_destroy(rig);
    rig = rig_create(&options);
}

static void leave(void)
{
    close(rig->fd);
    rig->fd = -1;
    rig_turn(rig);
}

Test(http1_send, a_body_of_unknown_length_goes_in_chunks)
{
    rig_say(rig, GET);
    rig_reply(rig, 200, LENGTH_UNKNOWN);
    cr_assert(rig_send(rig, "hello"));
    cr_assert(rig_send(rig, ""));
    cr_assert(rig_send(rig, " you"));
    cr_assert(rig_end(rig));
    cr_assert_str_eq(rig_heard(rig),
                     "HTTP/1.1 200 OK\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "5\r\nhello\r\n4\r\n you\r\n0\r\n\r\n");
    cr_assert_not(rig->has_ended);
}

Test(http1_send, to_http_1_0_a_body_of_unknown_length_lasts_until_the_end)
{
    rig_say(rig, GET_1_0);
    rig_reply(rig, 200, LENGTH_UNKNOWN);
    cr_assert(rig_send(rig, "hello"));
    cr_assert(rig_end(rig));
    cr_assert_str_eq(rig_heard(rig),
                     "HTTP/1.1 200 OK\r\nDate: now\r\nConnection: close\r\n\r\nhello");
    cr_assert(rig->has_ended && !rig->was_reset);
}

Test(http1_send, head_and_204_and_304_have_no_body_whatever_is_sent)
{
    static const struct {
        const char *request;
        int status;
        int64_t length;
        const char *reply;
    } ROWS[] = {
        {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200, 5,
         "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 5\r\n\r\n"},
        {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200, LENGTH_UNKNOWN,
         "HTTP/1.1 200 OK\r\nDate: now\r\n\r\n"},
        {GET, 204, 5, "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n"},
        {GET, 304, LENGTH_NO_BODY, "HTTP/1.1 304 Not Modified\r\nDate: now\r\n\r\n"},
        {GET, 304, 5, "HTTP/1.1 304 Not Modified\r\nDate: now\r\nContent-Length: 5\r\n\r\n"},
    };

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        rig_forget(rig);
        rig_say(rig, ROWS[i].request);
        rig_reply(rig, ROWS[i].status, ROWS[i].length);
        cr_assert(rig_send(rig, "hello"));
        cr_assert(rig_end(rig));
        cr_assert_str_eq(rig_heard(rig), ROWS[i].reply, "row %zu: %s", i, rig->heard);
        cr_assert_not(rig->has_ended);
    }
}

Test(http1_send, a_reply_is_queued_until_it_is_flushed)
{
    rig_say(rig, GET);
    rig_reply(rig, 200, 5);
    cr_assert(rig_send(rig, "he"));
    cr_assert_str_eq(rig_heard(rig), "");
    client_flush(rig->client, clock_now());
    cr_assert_str_eq(rig_heard(rig), "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 5\r\n\r\nhe");
    cr_assert(rig_send(rig, "llo"));
    cr_assert(rig_end(rig));
    cr_assert(rig_waits_heard(rig, "\r\n\r\nhello"));
}

Test(http1_send, a_cut_reply_can_be_seen_to_be_incomplete)
{
    static const struct {
        const char *request;
        int64_t length;
        const char *last;
    } ROWS[] = {
        {GET, 10, "\r\n\r\nhello"},
        {GET, LENGTH_UNKNOWN, "\r\n\r\n5\r\nhello\r\n"},
        {GET_1_0, LENGTH_UNKNOWN, NULL},
    };

    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        use((struct rig_options){.mode = RIG_HOLD});
        rig_say(rig, ROWS[i].request);
        rig_reply(rig, 200, ROWS[i].length);
        cr_assert(rig_send(rig, "hello"));
        client_cut(rig->client);
        (void)rig_heard(rig);
        cr_assert(rig->has_ended, "row %zu", i);
        if (ROWS[i].last)
            cr_assert_str_eq(rig->heard + rig->heard_count - strlen(ROWS[i].last), ROWS[i].last);
        cr_assert_str_eq(rig->told, "request GET /|");
    }
}

Test(http1_send, cut_before_a_reply_just_closes)
{
    rig_say(rig, GET);
    client_cut(rig->client);
    cr_assert_str_eq(rig_heard(rig), "");
    cr_assert(rig->has_ended);
    cr_assert_eq(http1_count(rig->set), 0);
}

Test(http1_send, a_body_that_falls_short_of_its_length_is_cut)
{
    rig_say(rig, GET);
    rig_reply(rig, 200, 10);
    cr_assert(rig_send(rig, "hello"));
    cr_assert(rig_end(rig));
    (void)rig_heard(rig);
    cr_assert(rig->has_ended);
}

Test(http1_send, bytes_beyond_the_length_are_not_sent)
{
    rig_say(rig, GET);
    rig_reply(rig, 200, 5);
    cr_assert(rig_send(rig, "hello"));
    cr_assert(rig_send(rig, "HTTP/1.1 200 OK"));
    cr_assert(rig_end(rig));
    cr_assert_str_eq(rig_heard(rig),
                     "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 5\r\n\r\nhello");
    cr_assert(rig->has_ended);
}

Test(http1_send, a_client_that_does_not_read_holds_the_service_back)
{
    size_t queued = 0;

    use((struct rig_options){.mode = RIG_HOLD, .fills_sockets = true});
    rig_say(rig, GET);
    rig_reply(rig, 200, LENGTH_UNKNOWN);
    while (rig_send_many(rig, 50000) && queued < 10000000)
        queued += 50000;
    cr_assert_lt(queued, 1000000u);
    rig_turn(rig);
    cr_assert_not(strstr(rig->told, "writable|"));
    cr_assert(rig_waits_heard(rig, "xxx"));
    cr_assert(rig_waits_told(rig, "writable|"));
    cr_assert(rig_send(rig, "end"));
    (void)rig_end(rig);
    cr_assert(rig_waits_heard(rig, "0\r\n\r\n"));
    cr_assert_not(rig->has_ended);
}

Test(http1_send, the_service_is_told_when_the_last_byte_has_gone)
{
    use((struct rig_options){.mode = RIG_HOLD, .fills_sockets = true});
    rig_say(rig, GET GET);
    rig_reply(rig, 200, 200000);
    (void)rig_send_many(rig, 200000);
    cr_assert_not(rig_end(rig));
    cr_assert_str_eq(rig->told, "request GET /|");
    cr_assert(rig_waits_heard(rig, "xxx"));
    cr_assert(rig_waits_told(rig, "sent|request GET /|"));
}

Test(http1_send, a_complete_reply_that_the_client_does_not_take_can_be_cut)
{
    use((struct rig_options){.mode = RIG_HOLD, .fills_sockets = true});
    rig_say(rig, GET);
    rig_reply(rig, 200, 200000);
    (void)rig_send_many(rig, 200000);
    cr_assert_not(rig_end(rig));
    client_cut(rig->client);
    cr_assert_eq(http1_count(rig->set), 0);
    (void)rig_heard(rig);
    cr_assert(rig->has_ended && rig->heard_count < 200000);
    cr_assert_str_eq(rig->told, "request GET /|");
}

/* Reads what lies in the client's socket, and lets nothing else happen. */
static size_t take_what_is_there(void)
{
    char bytes[4096];
    size_t all = 0;

    for (ssize_t count; (count = recv(rig->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0;)
        all += (size_t)count;
    return all;
}

/* So that what is counted as cut is never seen to be whole. */
Test(http1_send, the_end_of_a_reply_does_not_slip_out_when_it_is_cut)
{
    size_t room = 0;

    for (size_t length = 1000000; length != room; length = room) {
        use((struct rig_options){.mode = RIG_HOLD, .fills_sockets = true});
        rig_say(rig, GET);
        rig_reply(rig, 200, (int64_t)length);
        (void)rig_send_many(rig, length);
        cr_assert_not(rig_end(rig));
        room = take_what_is_there();
    }
    client_cut(rig->client);
    cr_assert_eq(take_what_is_there(), 0);
}

Test(http1_send, a_client_that_never_reads_is_given_up)
{
    use((struct rig_options){.mode = RIG_HOLD, .fills_sockets = true, .idle_ms = 30});
    rig_say(rig, GET);
    rig_reply(rig, 200, 1000000);
    (void)rig_send_many(rig, 1000000);
    cr_assert_not(rig_end(rig));
    cr_assert(rig_waits_told(rig, "gone left|"));
    cr_assert_eq(http1_count(rig->set), 0);
}

Test(http1_send, a_service_that_is_slow_is_not_taken_for_an_idle_client)
{
    use((struct rig_options){.mode = RIG_HOLD, .idle_ms = 20, .header_ms = 20});
    rig_say(rig, GET);
    for (int i = 0; i < 20; i++) {
        usleep(5000);
        rig_turn(rig);
    }
    cr_assert_str_eq(rig->told, "request GET /|");
    rig_reply(rig, 204, LENGTH_NO_BODY);
    cr_assert(rig_end(rig));
}

Test(http1_send, a_client_that_leaves_while_its_request_is_pending_is_noticed)
{
    rig_say(rig, GET);
    leave();
    cr_assert_str_eq(rig->told, "request GET /|gone left|");
    cr_assert_eq(http1_count(rig->set), 0);
}

Test(http1_send, the_end_of_what_a_client_sends_counts_as_its_leaving)
{
    rig_say(rig, GET);
    shutdown(rig->fd, SHUT_WR);
    rig_turn(rig);
    cr_assert_str_eq(rig->told, "request GET /|gone left|");
}

Test(http1_send, a_client_that_leaves_is_noticed_though_its_body_is_not_read)
{
    char piece[4096];

    memset(piece, 'x', sizeof(piece));
    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n");
    while (send(rig->fd, piece, sizeof(piece), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        rig_turn(rig);
    leave();
    cr_assert_str_eq(rig->told, "request POST /|gone left|");
}

Test(http1_send, a_reset_is_noticed_though_the_input_is_full_and_costs_no_turns_before)
{
    const struct linger at_once = {.l_onoff = 1};
    char piece[4096];

    use((struct rig_options){.mode = RIG_HOLD, .is_tcp = true});
    memset(piece, 'x', sizeof(piece));
    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n");
    for (int i = 0; i < 50; i++) {
        send(rig->fd, piece, sizeof(piece), MSG_DONTWAIT | MSG_NOSIGNAL);
        rig_turn(rig);
    }
    cr_assert_lt(rig_turns_in_20_ms(rig), 10, "the loop does not rest");
    setsockopt(rig->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(rig->fd);
    rig->fd = -1;
    cr_assert(rig_waits_told(rig, "gone left|"));
}

Test(http1_send, a_cut_that_only_the_end_could_hide_is_a_reset)
{
    use((struct rig_options){.mode = RIG_HOLD, .is_tcp = true});
    rig_say(rig, GET_1_0);
    cr_assert(rig_waits_told(rig, "request"));
    rig_reply(rig, 200, LENGTH_UNKNOWN);
    cr_assert(rig_send(rig, "hello"));
    client_flush(rig->client, clock_now());
    cr_assert(rig_waits_heard(rig, "hello"));
    client_cut(rig->client);
    cr_assert(rig_waits_closed(rig));
    cr_assert(rig->was_reset);
}

Test(http1_send, a_client_that_leaves_while_the_reply_is_flushed_is_noticed)
{
    use((struct rig_options){.mode = RIG_HOLD, .fills_sockets = true});
    rig_say(rig, GET);
    rig_reply(rig, 200, 1000000);
    (void)rig_send_many(rig, 1000000);
    cr_assert_not(rig_end(rig));
    leave();
    cr_assert_str_eq(rig->told, "request GET /|gone left|");
}

Test(http1_send, a_failed_write_is_told_later_and_not_below_the_call)
{
    rig_say(rig, GET);
    close(rig->fd);
    rig->fd = -1;
    rig_reply(rig, 200, LENGTH_UNKNOWN);
    cr_assert(rig_send(rig, "hello"));
    client_flush(rig->client, clock_now());
    cr_assert(rig_send(rig, "hello"));
    cr_assert_not(rig_end(rig));
    cr_assert_str_eq(rig->told, "request GET /|");
    rig_turn(rig);
    cr_assert_str_eq(rig->told, "request GET /|gone left|");
}

Test(http1_send, a_refused_upload_is_drained_while_its_long_reply_is_sent)
{
    char piece[4096];
    size_t sent = 0;
    ssize_t count = 1;

    memset(piece, 'x', sizeof(piece));
    use((struct rig_options){.mode = RIG_HOLD, .fills_sockets = true});
    rig_say(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n");
    rig_reply(rig, 413, 200000);
    (void)rig_send_many(rig, 200000);
    cr_assert_not(rig_end(rig));
    while (count > 0 && sent < 1000000) {
        count = send(rig->fd, piece, sizeof(piece), MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += count > 0 ? (size_t)count : 0;
        rig_turn(rig);
    }
    cr_assert_geq(sent, 1000000u);
    cr_assert(rig_waits_told(rig, "request") && rig_waits_closed(rig));
    cr_assert(strstr(rig->told, "sent|"));
    cr_assert_geq(rig->heard_count, 200000u);
}

Test(http1_send, connections_under_way_are_dropped_without_a_word_at_the_end)
{
    rig_say(rig, GET);
    http1_destroy(rig->set);
    rig->set = NULL;
    cr_assert_str_eq(rig->told, "request GET /|");
    cr_assert_eq(atomic_load(&rig->open_connections), 0);
}
