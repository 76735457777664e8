/* Answers that come at the wrong time, or are more than an answer: before the request, during the
 * upload, with bytes behind them, with heads that never end. Nobody gets what belongs to another. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "test/support/answers.h"

TestSuite(answers_beside, .timeout = 600);

#define OK "HTTP/1.1 200 OK\r\n"
#define NEXT "GET /plain/next HTTP/1.1\r\nHost: h\r\n\r\n"
#define EVIL OK "Content-Length: 4\r\n\r\nEVIL"

static const char *const requests[] = {"GET /plain/it HTTP/1.1\r\nHost: h\r\n\r\n",
                                       "HEAD /plain/it HTTP/1.1\r\nHost: h\r\n\r\n"};

/* ---- bytes behind an answer -------------------------------------------------------------------- */

static const struct {
    const char *answer;
    int status;
    bool is_head;
} bare[] = {
    {OK "Content-Length: 0\r\n\r\n", 200, false},
    {OK "Content-Length: 5\r\n\r\n12345", 200, false},
    {OK "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n", 200, false},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 42\r\n\r\n", 204, false},
    {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 204, false},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\n", 304, false},
    {OK "Content-Length: 42\r\n\r\n", 200, true},
    {OK "Transfer-Encoding: chunked\r\n\r\n", 200, true},
};

enum { BARE = sizeof(bare) / sizeof(*bare) };

/* Where nothing came behind it, the connection is used again: each of these leaves it in order. */
Test(answers_beside, answers_with_nothing_behind_them_leave_the_connection_to_the_next)
{
    struct script scripts[BARE];

    for (size_t i = 0; i < BARE; i++)
        scripts[i] = (struct script){.deeds = {SEND(bare[i].answer)}};
    struct origin *origin = origin_start("127.0.0.1", scripts, BARE);
    struct world *world = answers_world(origin);
    struct dialogue *dialogue = world_dial(world);
    for (size_t i = 0; i < BARE; i++) {
        dialogue_send(dialogue, requests[bare[i].is_head]);
        const struct reply *reply =
            bare[i].is_head ? dialogue_read_head(dialogue) : dialogue_read(dialogue);
        cr_expect_eq(reply->status, bare[i].status, "%d for %s", reply->status, bare[i].answer);
        cr_expect_eq(reply->end, REPLY_COMPLETE, "%d for %s", (int)reply->end, bare[i].answer);
        cr_expect_eq(origin_connections(origin), 1, "%s", bare[i].answer);
    }
    world_stop(world);
}

/* The next request lies right behind the first, or comes when all has that is behind that. */
static void check_behind(const struct script *scripts, bool is_pipelined)
{
    struct origin *origin = origin_start("127.0.0.1", scripts, 2 * BARE);
    struct world *world = answers_world(origin);

    for (size_t i = 0; i < BARE; i++) {
        struct dialogue *dialogue = world_dial(world);
        if (i > 0) /* all that was sent before has been counted */
            (void)origin_ended(origin, origin_connections(origin) - 1);
        size_t sent = origin_sent(origin) + strlen(bare[i].answer) + strlen(EVIL);

        dialogue_send(dialogue, requests[bare[i].is_head]);
        if (is_pipelined)
            dialogue_send(dialogue, NEXT);
        const struct reply *reply =
            bare[i].is_head ? dialogue_read_head(dialogue) : dialogue_read(dialogue);
        cr_expect_eq(reply->status, bare[i].status, "%d for %s", reply->status, bare[i].answer);
        cr_expect_eq(reply->end, REPLY_COMPLETE, "%d for %s", (int)reply->end, bare[i].answer);
        cr_expect_null(strstr(reply->body, "EVIL"), "%s", bare[i].answer);
        if (!is_pipelined) {
            origin_await_sent(origin, sent);
            dialogue_send(dialogue, NEXT);
        }
        answers_expect_next(world, dialogue, reply, bare[i].answer);
    }
    world_stop(world);
}

Test(answers_beside, bytes_in_the_same_segment_are_nobodys_answer)
{
    static char texts[BARE][256];
    struct script scripts[2 * BARE];

    for (size_t i = 0; i < BARE; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%s" EVIL, bare[i].answer);
        scripts[2 * i] = (struct script){.deeds = {SEND(texts[i])}};
        scripts[2 * i + 1] = (struct script){.deeds = {SEND(ANSWERS_NEXT), CLOSE}};
    }
    check_behind(scripts, true);
    check_behind(scripts, false);
}

Test(answers_beside, bytes_that_come_later_are_nobodys_answer)
{
    struct script scripts[2 * BARE];

    for (size_t i = 0; i < BARE; i++) {
        scripts[2 * i] = (struct script){.deeds = {SEND(bare[i].answer), WAIT_MS(20), SEND(EVIL)}};
        scripts[2 * i + 1] = (struct script){.deeds = {SEND(ANSWERS_NEXT), CLOSE}};
    }
    check_behind(scripts, false);
}

/* The first bytes of it are thrown away with the answer; the rest comes when the next request waits
 * for its own. */
Test(answers_beside, bytes_that_come_in_part_with_an_answer_are_nobodys_answer)
{
    static char texts[BARE][256];
    struct script scripts[2 * BARE];

    for (size_t i = 0; i < BARE; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%s12", bare[i].answer);
        scripts[2 * i] = (struct script){.deeds = {SEND(texts[i]), WAIT_MS(20), SEND(EVIL)}};
        scripts[2 * i + 1] = (struct script){.deeds = {SEND(ANSWERS_NEXT), CLOSE}};
    }
    check_behind(scripts, true);
}

/* ---- before and during the request ------------------------------------------------------------ */

/* It may be meant for the request that opened the connection; what is said to that afterwards is not
 * meant for the next. */
Test(answers_beside, answer_that_came_before_the_request_does_not_shift_those_behind_it)
{
    static const char late[] = OK "Content-Length: 4\r\n\r\nlate";
    struct origin *origin = ORIGIN({.on_accept = true, .deeds = {SEND(EVIL), WAIT_MS(30)}},
                                   {.deeds = {SEND(late)}}, {.deeds = {SEND(ANSWERS_NEXT), CLOSE}});
    struct world *world = answers_world(origin);
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, requests[0]);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    origin_await_sent(origin, strlen(EVIL) + strlen(late));
    dialogue_send(dialogue, NEXT);
    answers_expect_next(world, dialogue, reply, "an early answer");
    world_stop(world);
}

/* The rest of the body is read to its end, or the connection is closed without a further word. */
static void expect_in_step(const struct world *world, struct dialogue *dialogue, const char *what)
{
    const struct reply *next = dialogue_read(dialogue);

    if (next->end == REPLY_NONE || next->end == REPLY_RESET) {
        cr_expect_eq(next->message.body_count, 0);
        dialogue = world_dial(world);
        dialogue_send(dialogue, NEXT);
        next = dialogue_read(dialogue);
    }
    cr_expect_eq(next->status, 200, "%d behind %s", next->status, what);
    cr_expect_str_eq(next->body, "next", "%s behind %s", next->body, what);
    dialogue_close(dialogue);
}

/* The client goes on with what it was sending, and with its next request. */
Test(answers_beside, answer_during_the_upload_leaves_the_client_in_step)
{
    static const struct {
        const char *answer;
        int status;
    } early[] = {
        {"HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig", 413},
        {"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", 403},
        {OK "Content-Length: 2\r\n\r\nok", 200},
        {OK "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200},
        {"HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 2\r\n\r\nok", 200},
        {"HTTP/1.1 204 No Content\r\n\r\n", 204},
    };
    enum { EARLY = sizeof(early) / sizeof(*early) };
    struct script scripts[2 * EARLY];

    for (size_t i = 0; i < EARLY; i++) {
        scripts[2 * i] = (struct script){.deeds = {READ_BYTES(3), SEND(early[i].answer), SILENCE}};
        scripts[2 * i + 1] = (struct script){.deeds = {SEND(ANSWERS_NEXT), CLOSE}};
    }
    struct origin *origin = origin_start("127.0.0.1", scripts, 2 * EARLY);
    struct world *world = answers_world(origin);
    for (size_t i = 0; i < EARLY; i++) {
        struct dialogue *dialogue = world_dial(world);
        dialogue_send(dialogue,
                      "POST /plain/it HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\n\r\nabc");
        const struct reply *reply = dialogue_read(dialogue);
        cr_expect_eq(reply->status, early[i].status, "%d for %s", reply->status, early[i].answer);
        cr_expect_eq(reply->end, REPLY_COMPLETE, "%s", early[i].answer);
        dialogue_send(dialogue, "GET /evil HTTP/1.1\r\nHost: h\r\n\r\n123456");
        dialogue_send(dialogue, NEXT);
        expect_in_step(world, dialogue, early[i].answer);
        cr_expect_eq(origin_requests(origin), 2 * (i + 1), "the body is not a request");
    }
    world_stop(world);
}

/* ---- heads that never end ---------------------------------------------------------------------- */

static char *filled(const char *begin, const char *again, size_t times, const char *end)
{
    char *text = malloc(strlen(begin) + strlen(again) * times + strlen(end) + 1);

    cr_assert_not_null(text);
    char *at = stpcpy(text, begin);
    for (size_t i = 0; i < times; i++)
        at = stpcpy(at, again);
    (void)stpcpy(at, end);
    return text;
}

#define END "Content-Length: 5\r\n\r\n12345"

/* So many of them are within the limits. */
static void check_limits(char **texts, size_t count, size_t right, struct answer wrong)
{
    struct answer answers[16];

    cr_assert_leq(count, sizeof(answers) / sizeof(*answers));
    for (size_t i = 0; i < count; i++) {
        answers[i] = i < right ? (struct answer){.fate = FATE_WHOLE, .body = "12345"} : wrong;
        answers[i].bytes = text_of(texts[i]);
    }
    answers_check("/plain/it", ANSWERS_AT_ONCE, (struct answer_rows){answers, count});
    answers_check("/page/it", ANSWERS_AT_ONCE, (struct answer_rows){answers, count});
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
}

Test(answers_beside, heads_have_a_limit_in_lines_and_bytes)
{
    char *texts[] = {
        filled(OK, "A: b\r\n", 127, END),
        filled(OK "A: ", "0123456 ", 7000, "\r\n" END),
        filled("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n", 100,
               OK END),
        filled("HTTP/1.1 200 ", "OK ", 9000, "\r\n" END),
        filled(OK, "A: b\r\n", 128, END),
        filled(OK "A: ", "01234567", 9000, "\r\n" END),
        filled(OK, "012345678: 0123456789\r\n", 4000, END),
        filled("", "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n", 20000, OK END),
        filled(OK "A: ", "01234567", 100000, ""),
        filled("HTTP/1.1 200 ", "01234567", 100000, ""),
        filled(OK, "01234567", 100000, ""),
        filled("HTTP/1.1 103 Early Hints\r\n", "A: b\r\n", 20000, "\r\n" OK END),
    };

    check_limits(texts, sizeof(texts) / sizeof(*texts), 4, (struct answer){.fate = FATE_BROKEN});
}

#define CODED OK "Transfer-Encoding: chunked\r\n\r\n"

Test(answers_beside, framing_of_chunks_has_a_limit_in_bytes)
{
    char *texts[] = {
        filled(CODED "5", ";a=b", 15000, "\r\n12345\r\n0\r\n\r\n"),
        filled(CODED "5\r\n12345\r\n0\r\n", "A: b\r\n", 10000, "\r\n"),
        filled(CODED, "0", 100000, "5\r\n12345\r\n0\r\n\r\n"),
        filled(CODED "5", ";a=b", 30000, "\r\n12345\r\n0\r\n\r\n"),
        filled(CODED "5\r\n12345\r\n0\r\n", "A: b\r\n", 20000, "\r\n"),
        filled(CODED "5\r\n12345\r\n0\r\nA: ", "01234567", 100000, ""),
    };

    check_limits(texts, sizeof(texts) / sizeof(*texts), 2,
                 (struct answer){.fate = FATE_CUT, .body = "12345"});
}

/* libcurl by itself goes on to wait for the rest of the upload. */
Test(answers_beside, connection_that_ends_before_the_answer_ends_the_upload_at_once)
{
    static const char *const begun[] = {
        "",
        "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    };
    enum { BEGUN = sizeof(begun) / sizeof(*begun) };
    struct script scripts[BEGUN];

    for (size_t i = 0; i < BEGUN; i++)
        scripts[i] = (struct script){.deeds = {READ_BYTES(3), SEND(begun[i]), WAIT_MS(20), CLOSE}};
    struct world *world = answers_world(origin_start("127.0.0.1", scripts, BEGUN));
    for (size_t i = 0; i < BEGUN; i++) {
        struct dialogue *dialogue = world_dial(world);
        dialogue_send(dialogue,
                      "POST /plain/it HTTP/1.1\r\nHost: h\r\nContent-Length: 40\r\n\r\nabc");
        const struct reply *reply = dialogue_read(dialogue);
        cr_expect_eq(reply->status, 502, "%d behind %s", reply->status, begun[i]);
        cr_expect_eq(reply->end, REPLY_COMPLETE, "%s", begun[i]);
        cr_expect_lt(reply->took.ns, span_s(10).ns, "not at the end of the budget");
        dialogue_close(dialogue);
    }
    world_stop(world);
}

/* What libcurl 7.88 has read together with a line end it throws away, from a NUL on that stands right
 * behind that: nobody here ever sees it. It is not taken for another line, nor for what comes next. */
Test(answers_beside, lines_that_begin_with_a_nul_shift_nothing)
{
    static const char head[] = OK "\0A: b\r\nContent-Length: 5\r\n\r\n12345";
    static const char interim[] = "HTTP/1.1 103 Early Hints\r\n\r\n\0" EVIL;
    const struct script next = {.deeds = {SEND(ANSWERS_NEXT), CLOSE}};
    struct script first = {.deeds = {SEND(head), WAIT_MS(20), CLOSE}}, second = first;

    first.deeds[0].count = sizeof(head) - 1;
    second.deeds[0] = (struct deed)SEND(interim);
    second.deeds[0].count = sizeof(interim) - 1;
    struct world *world = answers_world(ORIGIN(first, next, second, next));
    for (size_t i = 0; i < 2; i++) {
        struct dialogue *dialogue = world_dial(world);
        dialogue_send(dialogue, requests[0]);
        dialogue_send(dialogue, NEXT);
        const struct reply *reply = dialogue_read(dialogue);
        cr_expect_eq(reply->status, 502, "%d", reply->status);
        cr_expect_eq(reply->end, REPLY_COMPLETE);
        answers_expect_next(world, dialogue, reply, "a NUL");
    }
    world_stop(world);
}
