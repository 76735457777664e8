/* Answers that break off, or are framed so that two readers would see different ends: the client
 * must see that it did not get a whole one, and never gets what belongs to nobody. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

TestSuite(broken_answers, .timeout = 300);

static struct world *before(struct origin *origin)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const char *const unfinished[] = {
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
};

/* libcurl by itself does not say, during an upload, whether a response or only the connection has
 * ended. */
Test(broken_answers, answer_that_breaks_off_during_the_upload_does_not_pass_for_whole)
{
    static const struct {
        const char *answer;
        enum reply_end end;
        const char *logged;
    } cases[] = {
        {CHUNKED "5\r\nhello\r\n", REPLY_TRUNCATED, "backend:broken:"},
        {CHUNKED "ff\r\nhello", REPLY_TRUNCATED, "backend:broken:"},
        {CHUNKED "5\r\nhello\r\n0\r\n", REPLY_TRUNCATED, "backend:broken:"},
        {CHUNKED, REPLY_TRUNCATED, "backend:broken:"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", REPLY_TRUNCATED, "backend:broken:"},
        {CHUNKED "5\r\nhello\r\n0\r\n\r\n", REPLY_COMPLETE, "backend:ok:"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", REPLY_COMPLETE, "backend:ok:"},
        {"HTTP/1.1 200 OK\r\n\r\nhello", REPLY_COMPLETE, "backend:ok:"},
    };
    enum { COUNT = sizeof(cases) / sizeof(*cases) };
    struct script scripts[2 * COUNT];
    char id[32];

    for (size_t i = 0; i < 2 * COUNT; i++)
        scripts[i] = (struct script){
            .deeds = {READ_BYTES(3), SEND(cases[i / 2].answer), WAIT_MS(30), CLOSE}};
    struct world *world = before(origin_start("127.0.0.1", scripts, 2 * COUNT));
    for (size_t i = 0; i < 2 * COUNT; i++) {
        struct dialogue *dialogue = world_dial(world);
        const char *answer = cases[i / 2].answer;

        snprintf(id, sizeof(id), "number-%zu-", i);
        dialogue_send(dialogue, "POST / HTTP/1.1\r\nX-Request-Id: ");
        dialogue_send(dialogue, id);
        dialogue_send(dialogue, unfinished[i % 2] + strlen("POST / HTTP/1.1"));
        const struct reply *reply = dialogue_read(dialogue);
        cr_expect_eq(reply->status, 200, "%d for %s", reply->status, answer);
        cr_expect_eq(reply->end, cases[i / 2].end, "%d for %s", (int)reply->end, answer);
        cr_assert(LOGS(world, id, cases[i / 2].logged));
        dialogue_close(dialogue);
    }
    world_stop(world);
}

/* Chunks are read as strictly as those of a client: what another reader takes for another length
 * must not go on. */
Test(broken_answers, chunks_that_are_not_framed_by_the_rules_are_a_protocol_error)
{
    static const char *const bodies[] = {
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabc\r\n0\n\r\n",
        "3\r\nabc\r\n0\r\n\n",
        "3\rabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "zz\r\nabc\r\n0\r\n\r\n",
        "\r\n3\r\nabc\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "+3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        " 3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "10000000000000003\r\nabc\r\n0\r\n\r\n",
        "3\r\nabc\r\n\r\n0\r\n\r\n",
    };
    enum { COUNT = sizeof(bodies) / sizeof(*bodies) };
    static char answers[COUNT][128];
    struct script scripts[COUNT];
    char id[48];

    for (size_t i = 0; i < COUNT; i++) {
        snprintf(answers[i], sizeof(answers[i]), CHUNKED "%s", bodies[i]);
        scripts[i] = (struct script){.deeds = {SEND(answers[i]), WAIT_MS(30), CLOSE}};
    }
    struct world *world = before(origin_start("127.0.0.1", scripts, COUNT));
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(id, sizeof(id), "X-Request-Id: number-%zu-\r\n", i);
        const struct reply *reply = world_get(world, "/", id);
        cr_expect_eq(reply->status, 200, "%d for %s", reply->status, bodies[i]);
        cr_expect_eq(reply->end, REPLY_TRUNCATED, "%d for %s", (int)reply->end, bodies[i]);
        id[strlen(id) - 2] = '\0';
        cr_assert(LOGS(world, id + strlen("X-Request-Id: "), "backend:invalid:"), "%s", bodies[i]);
    }
    world_stop(world);
}

/* The same where nothing has gone to the client yet. */
Test(broken_answers, chunks_of_an_earlier_call_that_are_not_framed_by_the_rules_are_a_502)
{
    static const char *const answers[] = {CHUNKED "3\nabc\n0\n\n", CHUNKED "zz\r\n",
                                          CHUNKED "3\r\nabcd\r\n0\r\n\r\n"};
    struct origin *origin =
        ORIGIN({.deeds = {SEND(answers[0]), SILENCE}}, {.deeds = {SEND(answers[1]), SILENCE}},
               {.deeds = {SEND(answers[2]), SILENCE}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream u]\nurl = http://127.0.0.1:%u\n[route r]\nmatch = /*\n"
                                  "steps = check, answer\n[call r.answer]\nupstream = u\n"
                                  "[call r.check]\nupstream = u\nrequest = GET /check\n",
                    origin_port(origin));

    for (size_t i = 0; i < 3; i++) {
        const struct reply *reply = world_get(world, "/", "");
        const char *status = reply_header(reply, "Proxy-Status");
        cr_expect_eq(reply->status, 502, "%d for %s", reply->status, answers[i]);
        cr_expect_str_eq(reply_member(reply, "call"), "check");
        cr_expect_not_null(strstr(status, "error=http_protocol_error"), "%s", status);
    }
    cr_expect_eq(origin_requests(origin), 3, "nothing further is asked");
    world_stop(world);
}

#define EVIL "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"

/* libcurl reads so much at once. */
enum { PIECE = 16384 };

/* An answer of exactly so many bytes, so that what follows is still in the socket when its end has
 * been read. */
static const char *answer_of(size_t count, const char *behind)
{
    static char text[4 * PIECE];
    size_t head = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length: 00000\r\n\r\n");

    snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %05zu\r\n\r\n", count - head);
    memset(text + head, 'a', count - head);
    strcpy(text + count, behind);
    return text;
}

/* The next request waits for the only connection and takes it the moment the answer is complete:
 * what lies behind the answer is not its own. Where libcurl has thrown that away unseen, the
 * connection may be used again. */
Test(broken_answers, bytes_behind_an_answer_are_not_the_answer_to_the_one_that_waits)
{
    const struct {
        const char *answer;
        bool is_seen;
    } cases[] = {
        {ANSWER_OK EVIL, true},
        {answer_of(PIECE, EVIL), true},
        {CHUNKED "2\r\nok\r\n0\r\n\r\n" EVIL, true},
        {"HTTP/1.1 204 No\r\n\r\n" EVIL, false},
        {"HTTP/1.1 304 No\r\nContent-Length: 4\r\n\r\nEVIL", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct origin *origin =
            ORIGIN({.deeds = {WAIT_MS(60), SEND(cases[i].answer)}}, {.deeds = {SEND(ANSWER_OK)}});
        struct world *world = world_start(
            WORLD_PATIENT "[upstream narrow]\nurl = http://127.0.0.1:%u\nconnections = 1\n"
                          "[route r]\nmatch = /*\nupstream = narrow\n",
            origin_port(origin));
        struct dialogue *first = world_dial(world);
        struct dialogue *waits = world_dial(world);

        dialogue_send(first, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
        (void)origin_request(origin, 0);
        dialogue_send(waits, "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
        const struct reply *reply = dialogue_read(first);
        cr_expect_eq(reply->end, REPLY_COMPLETE, "answer %zu", i);
        cr_expect(reply->body == NULL || strstr(reply->body, "EVIL") == NULL, "answer %zu", i);
        reply = dialogue_read(waits);
        cr_expect_eq(reply->status, 200, "answer %zu: %d", i, reply->status);
        cr_expect_str_eq(reply->body, "ok", "answer %zu", i);
        cr_expect_leq(origin_connections(origin), 2, "answer %zu", i);
        cr_expect(!cases[i].is_seen || origin_connections(origin) == 2, "answer %zu", i);
        world_stop(world);
    }
}
