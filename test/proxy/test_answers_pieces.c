/* Answers by the thousand, a hundred at a time: each row of the tables, cut in two at each offset,
 * byte by byte, broken off there, and fallen silent there, with a request right behind each that
 * has to get its own answer and no other's. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/address.h"
#include "test/support/answers.h"
#include "test/support/head_reader.h"
#include "test/support/retort.h"
#include "test/support/volley.h"

TestSuite(answers_pieces, .timeout = 600);

enum { REQUEST_ROOM = 256, SHOTS_MAX = 20000 };

/* One answer of one row, on its way. */
struct piece {
    const struct answer *answer; /* borrowed */
    struct retort_answer told;
    char request[REQUEST_ROOM];
};

struct pieces {
    const char *path;
    const char *lines; /* of the request */
    struct piece *all; /* owned */
    size_t count;
};

/* ---- what is sent ------------------------------------------------------------------------------ */

static void add(struct pieces *pieces, const struct answer *answer, struct retort_answer told)
{
    struct piece *piece = &pieces->all[pieces->count];

    cr_assert_lt(pieces->count, SHOTS_MAX);
    piece->answer = answer;
    piece->told = told;
    int count = snprintf(piece->request, REQUEST_ROOM,
                         "GET %s/%zu HTTP/1.1\r\nHost: h\r\n%s\r\n"
                         "GET /plain/next-%zu HTTP/1.1\r\nHost: h\r\n\r\n",
                         pieces->path, pieces->count, pieces->lines, pieces->count);
    cr_assert_lt(count, REQUEST_ROOM);
    pieces->count++;
}

/* All of it, whole, byte by byte, and cut everywhere. */
static void add_whole(struct pieces *pieces, const struct answer *answer)
{
    struct retort_answer told = {
        .bytes = answer->bytes, .cut = RETORT_BYTES, .goes_on = true, .closes = answer->is_closed};

    add(pieces, answer, told);
    for (told.cut = 1; told.cut <= answer->bytes.count; told.cut++)
        add(pieces, answer, told);
}

/* As far as each of its bytes but the last. */
static void add_parts(struct pieces *pieces, const struct answer *answer, bool closes)
{
    struct retort_answer told = {.bytes = answer->bytes, .closes = closes};

    for (; told.cut < answer->bytes.count; told.cut++)
        add(pieces, answer, told);
}

/* ---- what has to come of it -------------------------------------------------------------------- */

struct expected {
    int status;
    int other;   /* of a whole reply that may be in its place; 0: none */
    bool is_cut; /* visibly */
    char body[64];
};

static void expect_all(struct expected *expected, const struct piece *piece, const char *path)
{
    const struct answer *answer = piece->answer;

    expected->status = answers_status(answer, path);
    expected->is_cut = answer->fate == FATE_CUT && answers_may_be_cut(path);
    if (answer->fate != FATE_BROKEN)
        snprintf(expected->body, sizeof(expected->body), "%s", answers_body(answer, path));
}

/* How far the head goes; SIZE_MAX: it is not whole, or wrong. */
static size_t head_of(struct text bytes)
{
    struct head_reading reading = head_reader_read(bytes);

    return reading.is_right ? reading.used : SIZE_MAX;
}

/* What stops in the body stops the reply, where that has begun in time. An answer that is wrong may
 * be refused before its time is over. */
static void expect_part(struct expected *expected, const struct piece *piece, const char *path)
{
    const struct answer *answer = piece->answer;
    size_t cut = piece->told.cut, head = head_of(answer->bytes);
    bool is_in_body = cut >= head && answer->fate != FATE_BROKEN;

    expected->status = piece->told.closes ? 502 : 504;
    expected->other = answer->fate == FATE_WHOLE ? 0 : 502;
    if (!is_in_body)
        return;
    if (piece->told.closes && answer->is_closed && answer->fate == FATE_WHOLE) {
        expected->status = 200;
        snprintf(expected->body, sizeof(expected->body), "%.*s", (int)(cut - head),
                 answer->bytes.at + head);
    } else if (answers_may_be_cut(path)) {
        expected->status = answers_status(answer, path);
        expected->other = piece->told.closes ? 0 : 504;
        expected->is_cut = true;
        snprintf(expected->body, sizeof(expected->body), "%s", answer->body);
    }
}

/* ---- what came of it --------------------------------------------------------------------------- */

struct heard {
    struct source source;
    struct message first;
    struct message next;
};

static const char *fault_of_first(const struct message *first, const struct expected *expected)
{
    bool is_whole = first->state == MESSAGE_COMPLETE;
    long status = first->start ? strtol(first->start + strlen("HTTP/1.1 "), NULL, 10) : 0;
    bool is_cut = expected->is_cut && status == expected->status;

    if (status != expected->status && status != expected->other)
        return "another status";
    if (!answers_head_is_clean(first))
        return "its head is not clean";
    if (is_whole == is_cut)
        return is_whole ? "whole" : "not whole";
    if (is_cut)
        return strncmp(first->body, expected->body, first->body_count) == 0 ? NULL : "another body";
    if (status >= 500)
        return strstr(first->body, "\"title\"") ? NULL : "not a problem of the proxy's";
    return strcmp(first->body, expected->body) == 0 ? NULL : "another body";
}

/* The connection has ended with the first reply, or the second is there; nothing is behind either. */
static const char *fault_of_next(const struct heard *heard, size_t n)
{
    const char *connection = message_header(&heard->first, "Connection", 0);
    bool is_over =
        heard->first.state != MESSAGE_COMPLETE || (connection && strcmp(connection, "close") == 0);
    char body[32];

    snprintf(body, sizeof(body), "next-%zu", n);
    if (heard->source.begin != heard->source.end)
        return "bytes behind it";
    if (is_over)
        return heard->next.state == MESSAGE_HEAD ? NULL : "a reply on a connection that was over";
    if (heard->next.state != MESSAGE_COMPLETE || !answers_head_is_clean(&heard->next))
        return "the next is not whole";
    return strcmp(heard->next.body, body) == 0 ? NULL : "the next is not its own";
}

static void judge(const struct pieces *pieces, size_t n, const struct shot *shot)
{
    const struct piece *piece = &pieces->all[n];
    struct expected expected = {.status = 0};
    struct heard heard = {
        .source = {
            .fd = -1, .bytes = shot->heard, .end = shot->heard_count, .state = SOURCE_ENDED}};

    if (piece->told.goes_on)
        expect_all(&expected, piece, pieces->path);
    else
        expect_part(&expected, piece, pieces->path);
    message_init(&heard.first, true);
    message_init(&heard.next, true);
    message_take(&heard.first, &heard.source);
    if (heard.first.state == MESSAGE_COMPLETE)
        message_take(&heard.next, &heard.source);
    const char *fault = fault_of_first(&heard.first, &expected);
    if (!fault)
        fault = fault_of_next(&heard, n);
    cr_expect_null(fault, "%s; %s, cut at %zd, %s %s:\n%s\ngave:\n%.*s", fault, pieces->path,
                   (ssize_t)piece->told.cut, piece->told.goes_on ? "goes on" : "stops",
                   piece->told.closes ? "and closes" : "", piece->told.bytes.at,
                   (int)shot->heard_count, shot->heard);
    message_finish(&heard.first);
    message_finish(&heard.next);
}

/* ---- all together ------------------------------------------------------------------------------ */

static struct pieces pieces_of(const char *path)
{
    struct pieces pieces = {
        .path = path, .lines = "", .all = calloc(SHOTS_MAX, sizeof(struct piece))};

    cr_assert_not_null(pieces.all);
    return pieces;
}

static struct world *start(const struct retort *retort)
{
    char address[ADDRESS_ROOM];

    address_spare(address);
    return world_start("[proxy]\nlisten = %s\nworkers = 1\nlog = off\n"
                       "[budget]\nheader = X-Request-Timeout-Ms: ms\ndefault = 60s\nmax = 60s\n"
                       "local = 10ms\nhalf-close = continue\n" ANSWERS_ROUTES,
                       address, retort_url(retort));
}

/* Frees the pieces. */
static void run(struct pieces *pieces)
{
    struct retort_answer *told = calloc(pieces->count, sizeof(*told));
    struct shot *shots = calloc(pieces->count, sizeof(*shots));

    for (size_t i = 0; i < pieces->count; i++) {
        told[i] = pieces->all[i].told;
        shots[i] = (struct shot){.bytes = text_of(pieces->all[i].request), .cut = SHOT_WHOLE};
    }
    struct retort *retort = retort_start(told, pieces->count);
    struct world *world = start(retort);
    volley_fire(world_address(world, 0), shots, pieces->count);
    for (size_t i = 0; i < pieces->count; i++)
        judge(pieces, i, &shots[i]);
    world_stop(world);
    retort_stop(retort);
    volley_forget(shots, pieces->count);
    free(shots);
    free(told);
    free(pieces->all);
}

static void run_whole(const char *path, struct answer_rows answers)
{
    struct pieces pieces = pieces_of(path);

    for (size_t i = 0; i < answers.count; i++)
        add_whole(&pieces, &answers.rows[i]);
    run(&pieces);
}

static void run_parts(const char *path, struct answer_rows answers, bool closes)
{
    struct pieces pieces = pieces_of(path);

    pieces.lines = closes ? "" : "X-Request-Timeout-Ms: 80\r\n";
    for (size_t i = 0; i < answers.count; i++)
        add_parts(&pieces, &answers.rows[i], closes);
    run(&pieces);
}

Test(answers_pieces, what_is_right_is_so_however_it_comes)
{
    run_whole("/plain", ANSWERS_WHOLE);
    run_whole("/held", ANSWERS_WHOLE);
}

Test(answers_pieces, what_is_right_fits_into_others_however_it_comes)
{
    run_whole("/page", ANSWERS_WHOLE);
    run_whole("/filled", ANSWERS_WHOLE);
}

Test(answers_pieces, what_is_wrong_is_so_however_it_comes)
{
    run_whole("/plain", ANSWERS_BROKEN);
    run_whole("/plain", ANSWERS_CUT);
}

Test(answers_pieces, what_is_wrong_in_the_body_is_a_part_of_nothing)
{
    run_whole("/held", ANSWERS_CUT);
    run_whole("/page", ANSWERS_CUT);
    run_whole("/filled", ANSWERS_CUT);
}

Test(answers_pieces, what_breaks_off_does_not_pass_for_whole)
{
    run_parts("/plain", ANSWERS_WHOLE, true);
    run_parts("/plain", ANSWERS_BROKEN, true);
    run_parts("/plain", ANSWERS_CUT, true);
    run_parts("/held", ANSWERS_WHOLE, true);
}

Test(answers_pieces, what_falls_silent_does_not_pass_for_whole)
{
    run_parts("/plain", ANSWERS_WHOLE, false);
    run_parts("/plain", ANSWERS_CUT, false);
    run_parts("/held", ANSWERS_WHOLE, false);
}
