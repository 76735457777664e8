/* Answers that are cut in two, end, break off or fall silent, after each of their bytes: what is not
 * whole never passes for it, and what is whole does not depend on how it came. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/answers.h"

TestSuite(answers_cut, .timeout = 600);

#define HEAD "HTTP/1.1 200 OK\r\nX-Theirs: 1\r\n"

static const char *const answers[] = {
    HEAD "Content-Length: 5\r\n\r\n12345",
    HEAD "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\n123\r\n2\r\n45\r\n0\r\nA: b\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" HEAD "Content-Length: 5\r\n\r\n12345",
};

/* It ends with the connection: in order, or it is not whole. */
static const char unframed[] = HEAD "\r\n12345";

enum { ANSWERS = sizeof(answers) / sizeof(*answers), LENGTH_MAX = 160 };

/* A prefix of each length of the answer, each its own text. */
static void cut_up(char (*prefixes)[LENGTH_MAX], const char *answer)
{
    cr_assert_lt(strlen(answer), LENGTH_MAX);
    for (size_t i = 0; i < strlen(answer); i++)
        snprintf(prefixes[i], LENGTH_MAX, "%.*s", (int)i, answer);
}

/* Where its final head is complete. */
static size_t head_of(const char *answer)
{
    const char *last = strstr(answer, HEAD);

    return (size_t)(strstr(last, "\r\n\r\n") + 4 - answer);
}

/* GET of path, with more lines. */
static const struct reply *ask(struct dialogue *dialogue, const char *path, const char *lines)
{
    dialogue_send(dialogue, "GET ");
    dialogue_send(dialogue, path);
    dialogue_send(dialogue, " HTTP/1.1\r\nHost: h\r\n");
    dialogue_send(dialogue, lines);
    dialogue_send(dialogue, "\r\n");
    return dialogue_read(dialogue);
}

/* ---- in two parts ------------------------------------------------------------------------------ */

static void check_two_parts(const char *path, const char *answer, const char *body)
{
    static char prefixes[LENGTH_MAX][LENGTH_MAX];
    static struct script scripts[LENGTH_MAX];
    size_t count = strlen(answer);

    cut_up(prefixes, answer);
    for (size_t i = 1; i < count; i++)
        scripts[i] = (struct script){.deeds = {SEND(prefixes[i]), WAIT_MS(3), SEND(answer + i)}};
    struct origin *origin = origin_start("127.0.0.1", scripts + 1, count - 1);
    struct world *world = answers_world(origin);
    struct dialogue *dialogue = world_dial(world);
    for (size_t i = 1; i < count; i++) {
        const struct reply *reply = ask(dialogue, path, "");
        cr_assert_eq(reply->status, 200, "%d behind %zu bytes", reply->status, i);
        cr_assert_eq(reply->end, REPLY_COMPLETE, "%d behind %zu bytes", (int)reply->end, i);
        cr_assert_str_eq(reply->body, body, "%s behind %zu bytes", reply->body, i);
    }
    cr_expect_eq(origin_connections(origin), 1, "each leaves the connection fit for the next");
    world_stop(world);
}

Test(answers_cut, that_come_in_two_parts_are_whole_wherever_the_cut_is)
{
    for (size_t i = 0; i < ANSWERS; i++)
        check_two_parts("/plain/it", answers[i], "12345");
}

Test(answers_cut, that_come_in_two_parts_become_part_of_a_page)
{
    check_two_parts("/page/it", answers[1], "{\"it\":12345}");
}

/* ---- no further -------------------------------------------------------------------------------- */

static void expect_failure(const struct reply *reply, size_t behind, bool may_be_cut)
{
    if (may_be_cut && reply->status == 200) {
        cr_assert(reply->end == REPLY_TRUNCATED || reply->end == REPLY_RESET, "%d behind %zu bytes",
                  (int)reply->end, behind);
        cr_assert_eq(strncmp(reply->body, "12345", reply->message.body_count), 0);
        return;
    }
    cr_assert_eq(reply->status, 502, "%d behind %zu bytes", reply->status, behind);
    cr_assert_eq(reply->end, REPLY_COMPLETE, "%d behind %zu bytes", (int)reply->end, behind);
    cr_assert_null(message_header(&reply->message, "X-Theirs", 0), "behind %zu bytes", behind);
}

/* Each second request gets the next answer, on the same connection if that has stayed. */
static void check_ends(const char *path, const char *answer, struct deed end)
{
    static char prefixes[LENGTH_MAX][LENGTH_MAX];
    static struct script scripts[2 * LENGTH_MAX];
    size_t count = strlen(answer), head = head_of(answer);

    cut_up(prefixes, answer);
    for (size_t i = 0; i < count; i++) {
        scripts[2 * i] = (struct script){.deeds = {SEND(prefixes[i]), WAIT_MS(2), end}};
        scripts[2 * i + 1] = (struct script){.deeds = {SEND(ANSWERS_NEXT), CLOSE}};
    }
    struct world *world = answers_world(origin_start("127.0.0.1", scripts, 2 * count));
    for (size_t i = 0; i < count; i++) {
        struct dialogue *dialogue = world_dial(world);
        const struct reply *reply = ask(dialogue, path, "");
        expect_failure(reply, i, i >= head && strncmp(path, "/plain", 6) == 0);
        if (reply->end == REPLY_COMPLETE)
            dialogue_send(dialogue, "GET /plain/next HTTP/1.1\r\nHost: h\r\n\r\n");
        answers_expect_next(world, dialogue, reply, prefixes[i]);
    }
    world_stop(world);
}

Test(answers_cut, that_end_early_do_not_pass_for_whole_wherever_that_is)
{
    for (size_t i = 0; i < ANSWERS; i++)
        check_ends("/plain/it", answers[i], (struct deed)CLOSE);
}

Test(answers_cut, that_break_off_do_not_pass_for_whole_wherever_that_is)
{
    for (size_t i = 0; i < ANSWERS; i++)
        check_ends("/plain/it", answers[i], (struct deed)RESET);
    check_ends("/plain/it", unframed, (struct deed)RESET);
}

Test(answers_cut, that_end_early_are_a_502_where_the_first_part_is_held_back)
{
    check_ends("/held/it", answers[0], (struct deed)CLOSE);
    check_ends("/held/it", answers[1], (struct deed)RESET);
    check_ends("/held/it", unframed, (struct deed)RESET);
}

Test(answers_cut, that_end_early_are_a_502_where_they_are_a_part)
{
    check_ends("/page/it", answers[0], (struct deed)RESET);
    check_ends("/page/it", answers[1], (struct deed)CLOSE);
    check_ends("/filled/it", answers[0], (struct deed)CLOSE);
    check_ends("/filled/it", answers[1], (struct deed)RESET);
}

/* ---- silence ----------------------------------------------------------------------------------- */

static const char *const stages[] = {
    "",
    "HTTP/1.1 20",
    "HTTP/1.1 200 OK\r\n",
    HEAD "X-Half",
    HEAD "Content-Length: 5\r\n",
    "HTTP/1.1 103 Early Hints\r\n\r\n",
    HEAD "Content-Length: 5\r\n\r\n",
    HEAD "Content-Length: 5\r\n\r\n123",
    HEAD "Transfer-Encoding: chunked\r\n\r\n0000",
    HEAD "Transfer-Encoding: chunked\r\n\r\n5\r",
    HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n12",
    HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
    HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n",
    HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\nA: b\r\n",
    HEAD "\r\n12345",
};

static void check_silence(const char *path, bool may_be_cut)
{
    enum { STAGES = sizeof(stages) / sizeof(*stages) };
    struct script scripts[2 * STAGES];

    for (size_t i = 0; i < STAGES; i++) {
        scripts[2 * i] = (struct script){.deeds = {SEND(stages[i]), SILENCE}};
        scripts[2 * i + 1] = (struct script){.deeds = {SEND(ANSWERS_NEXT), CLOSE}};
    }
    struct origin *origin = origin_start("127.0.0.1", scripts, sizeof(scripts) / sizeof(*scripts));
    struct world *world = answers_world(origin);
    for (size_t i = 0; i < STAGES; i++) {
        struct dialogue *dialogue = world_dial(world);
        const struct reply *reply = ask(dialogue, path, "X-Request-Timeout-Ms: 300\r\n");
        bool is_cut = may_be_cut && strstr(stages[i], "\r\n\r\n") && strstr(stages[i], HEAD);

        bool is_late = reply->status == 504; /* nothing of it had gone when the time was over */

        cr_expect(is_late || (is_cut && reply->status == 200), "%d behind %s", reply->status,
                  stages[i]);
        cr_expect_eq(reply->end, is_late ? REPLY_COMPLETE : REPLY_TRUNCATED, "%d behind %s",
                     (int)reply->end, stages[i]);
        cr_expect_geq(reply->took.ns, span_ms(280).ns, "%s", stages[i]);
        (void)origin_ended(origin, 2 * i);
        if (reply->end == REPLY_COMPLETE)
            dialogue_send(dialogue, "GET /plain/next HTTP/1.1\r\nHost: h\r\n\r\n");
        answers_expect_next(world, dialogue, reply, stages[i]);
    }
    world_stop(world);
}

Test(answers_cut, that_fall_silent_are_a_504_or_visibly_cut_at_every_stage)
{
    check_silence("/plain/it", true);
}

Test(answers_cut, that_fall_silent_are_a_504_where_nothing_has_gone_yet)
{
    check_silence("/held/it", false);
    check_silence("/page/it", false);
    check_silence("/filled/it", false);
}
