#include "test/support/answers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "test/support/head_reader.h"

static const char NEXT[] = "GET /plain/next HTTP/1.1\r\nHost: h\r\n\r\n";

struct world *answers_world(struct origin *origin)
{
    char url[64];

    snprintf(url, sizeof(url), "http://127.0.0.1:%u", origin_port(origin));
    return world_start(WORLD_PATIENT ANSWERS_ROUTES, url);
}

/* ---- what the client has to get ---------------------------------------------------------------- */

static bool is_way(const char *path, const char *way)
{
    return strncmp(path, way, strlen(way)) == 0;
}

bool answers_may_be_cut(const char *path)
{
    return is_way(path, "/plain");
}

static bool is_composed(const char *path)
{
    return is_way(path, "/page") || is_way(path, "/filled");
}

/* Of an answer without a body nothing can be made; one that is none of success takes the place of
 * what was to be made of it. */
int answers_status(const struct answer *answer, const char *path)
{
    int status = answer->status == 0 ? 200 : answer->status;

    if (answer->fate == FATE_BROKEN || (answer->fate == FATE_CUT && !answers_may_be_cut(path)))
        return 502;
    if (is_composed(path) && status < 300)
        return answer->body[0] == '\0' ? 502 : 200;
    return status;
}

const char *answers_body(const struct answer *answer, const char *path)
{
    static char body[64];

    if (is_way(path, "/page") && answer->body[0] != '\0')
        snprintf(body, sizeof(body), "{\"it\":%s}", answer->body);
    else if (is_way(path, "/filled") && answer->body[0] != '\0')
        snprintf(body, sizeof(body), "next-%s", answer->body);
    else
        snprintf(body, sizeof(body), "%s", answer->body);
    return body;
}

bool answers_head_is_clean(const struct message *message)
{
    static char head[64 * 1024];
    size_t count =
        (size_t)snprintf(head, sizeof(head), "%s\r\n%s\r\n", message->start, message->head);
    struct head_reading reading = head_reader_read((struct text){.at = head, .count = count});

    return count < sizeof(head) && reading.is_right && reading.used == count;
}

/* ---- and does ---------------------------------------------------------------------------------- */

void answers_expect_next(const struct world *world, struct dialogue *dialogue,
                         const struct reply *first, const char *what)
{
    bool goes_on =
        first->end == REPLY_COMPLETE && strcasecmp(reply_header(first, "Connection"), "close") != 0;

    if (!goes_on) {
        cr_expect(dialogue_is_closed(dialogue), "%s", what);
        dialogue = world_dial(world);
        dialogue_send(dialogue, NEXT);
    }
    const struct reply *next = dialogue_read(dialogue);
    cr_assert_eq(next->status, 200, "%d behind %s", next->status, what);
    cr_assert_eq(next->end, REPLY_COMPLETE, "%d behind %s", (int)next->end, what);
    cr_assert_str_eq(next->body, "next", "%s behind %s", next->body, what);
    dialogue_close(dialogue);
}

static void expect_whole(const struct reply *reply, const struct answer *answer, const char *path)
{
    const char *what = answer->bytes.at;

    cr_expect_eq(reply->end, REPLY_COMPLETE, "%d for %s", (int)reply->end, what);
    if (reply->status == 502)
        cr_expect_str_eq(reply_header(reply, "Content-Type"), "application/problem+json", "%s",
                         what);
    else
        cr_expect_str_eq(reply->body, answers_body(answer, path), "%s for %s", reply->body, what);
}

static void expect_cut(const struct reply *reply, const struct answer *answer)
{
    const char *what = answer->bytes.at;

    cr_expect(reply->end == REPLY_TRUNCATED || reply->end == REPLY_RESET, "%d for %s",
              (int)reply->end, what);
    cr_expect_eq(strncmp(reply->body, answer->body, reply->message.body_count), 0, "%s for %s",
                 reply->body, what);
}

static void check(const struct world *world, const char *path, const struct answer *answer)
{
    struct dialogue *dialogue = world_dial(world);
    const char *what = answer->bytes.at;

    dialogue_send(dialogue, "GET ");
    dialogue_send(dialogue, path);
    dialogue_send(dialogue, " HTTP/1.1\r\nHost: h\r\n\r\n");
    dialogue_send(dialogue, NEXT);
    const struct reply *reply = dialogue_read(dialogue);
    cr_expect_eq(reply->status, answers_status(answer, path), "%d for %s", reply->status, what);
    cr_expect_eq(reply->interims, 0, "%s", what);
    cr_assert(answers_head_is_clean(&reply->message), "%s\r\n%s for %s", reply->message.start,
              reply->message.head, what);
    if (answer->fate == FATE_CUT && answers_may_be_cut(path))
        expect_cut(reply, answer);
    else
        expect_whole(reply, answer, path);
    answers_expect_next(world, dialogue, reply, what);
}

/* ---- the upstream's part ----------------------------------------------------------------------- */

/* Before it ends the connection, an origin waits until what it has said has been read. */
static struct script script_of(const struct answer *answer, enum answers_manner manner)
{
    struct script script = {.deeds = {SEND(answer->bytes.at)}};

    if (manner == ANSWERS_BYTE_BY_BYTE)
        script.deeds[0] = (struct deed)DRIP(answer->bytes.at, 1);
    script.deeds[0].count = answer->bytes.count;
    if (answer->is_closed) {
        script.deeds[1] = (struct deed)WAIT_MS(20);
        script.deeds[2] = (struct deed)CLOSE;
    }
    return script;
}

void answers_check(const char *path, enum answers_manner manner, struct answer_rows answers)
{
    struct script *scripts = calloc(2 * answers.count, sizeof(*scripts));

    cr_assert_not_null(scripts);
    for (size_t i = 0; i < answers.count; i++) {
        scripts[2 * i] = script_of(&answers.rows[i], manner);
        scripts[2 * i + 1] = (struct script){.deeds = {SEND(ANSWERS_NEXT), CLOSE}};
    }
    struct world *world = answers_world(origin_start("127.0.0.1", scripts, 2 * answers.count));
    for (size_t i = 0; i < answers.count; i++)
        check(world, path, &answers.rows[i]);
    world_stop(world);
    free(scripts);
}
