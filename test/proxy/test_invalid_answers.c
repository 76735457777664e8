/* Which rule an upstream's answer broke: the log, /requests and the problem document have a word or a
 * phrase for it, and nothing of what has come. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

TestSuite(invalid_answers, .timeout = 60);

#define OK "HTTP/1.1 200 OK\r\n"

struct answer {
    const char *bytes;
    const char *fault;
};

/* The word, behind the outcome of the call. */
static void expect_logged(const struct world *world, size_t n, const char *fault)
{
    char path[32], call[64];

    snprintf(path, sizeof(path), "path=/number-%zu ", n);
    snprintf(call, sizeof(call), ":fault=%s\"", fault);
    cr_expect(LOGS(world, path, "termination=U", "backend:invalid:", call), "%zu: %s", n, fault);
}

/* Asks for each in turn; all of them are a 502 that says nothing of the answer itself. */
static void expect_faults(const struct answer *answers, size_t count)
{
    struct script *scripts = calloc(count, sizeof(*scripts));
    char path[32];

    for (size_t i = 0; i < count; i++)
        scripts[i] = (struct script){.deeds = {SEND(answers[i].bytes), SILENCE}};
    struct origin *origin = origin_start("127.0.0.1", scripts, count);
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));

    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "/number-%zu", i);
        const struct reply *reply = world_get(world, path, "");
        cr_expect_eq(reply->status, 502, "%zu: %d", i, reply->status);
        cr_expect_null(strstr(reply->body, "inner"), "%s", reply->body);
        expect_logged(world, i, answers[i].fault);
    }
    world_stop(world);
    free(scripts);
}

Test(invalid_answers, each_rule_that_is_broken_has_its_word_in_the_log)
{
    static const struct answer answers[] = {
        {"SSH-2.0-inner\r\n\r\n", "status_line"},
        {"\x15\x03\x01\x02\x02\x28", "status_line"},
        {"HTTP/0.9 inner\r\n\r\n", "status_line"},
        {"HTTP/1.1 999 inner\r\nContent-Length: 0\r\n\r\n", "status"},
        {"HTTP/1.1 101 inner\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "switch"},
        {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "line_end"},
        {OK "X-Inner: a\nContent-Length: 0\r\n\r\n", "line_end"},
        {OK "X-Inner: a\r\n inner\r\nContent-Length: 0\r\n\r\n", "folded"},
        {OK "X-Inner : a\r\nContent-Length: 0\r\n\r\n", "header"},
        {OK "inner\r\nContent-Length: 0\r\n\r\n", "head"},
        {OK "X-Inner: a\x01z\r\nContent-Length: 0\r\n\r\n", "control"},
        {OK "X-Inner: a\rinner\r\nContent-Length: 0\r\n\r\n", "control"},
        {OK "Content-Length: inner\r\n\r\n", "head"},
        {OK "Content-Length: 3, 2\r\n\r\nabc", "length"},
        {OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", "two_lengths"},
        {OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "length_and_chunks"},
        {OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "encoding"},
        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "encoding"},
    };

    expect_faults(answers, sizeof(answers) / sizeof(*answers));
}

/* So many headers, each with so long a value. Owned by the caller. */
static char *head_of(size_t headers, size_t length)
{
    char *head = malloc(64 + headers * (length + 16));
    char *at = head + sprintf(head, OK "Content-Length: 0\r\n");

    for (size_t i = 0; i < headers; i++)
        at += sprintf(at, "X-Inner: %0*d\r\n", (int)length, 0);
    strcpy(at, "\r\n");
    return head;
}

Test(invalid_answers, heads_that_are_too_large_are_said_to_be)
{
    char *many = head_of(128, 1), *long_one = head_of(100, 700), *line = head_of(1, 200000);
    const struct answer answers[] = {
        {many, "head_count"},
        {long_one, "head_size"},
        {line, "head_size"},
    };

    expect_faults(answers, sizeof(answers) / sizeof(*answers));
    free(many);
    free(long_one);
    free(line);
}

Test(invalid_answers, chunks_that_go_wrong_behind_the_head_have_their_word_too)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND(OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), WAIT_MS(40),
                          SEND("inner\r\n"), SILENCE}});
    struct world *world = world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin));

    cr_expect_eq(world_get(world, "/number-0", "")->end, REPLY_TRUNCATED);
    expect_logged(world, 0, "chunks");
    world_stop(world);
}

/* Of an optional call, which is not to blame for anything. */
Test(invalid_answers, body_that_is_no_json_is_said_not_to_be_where_it_leaves_a_gap)
{
    struct origin *origin = ORIGIN({.deeds = {SEND(OK "Content-Length: 5\r\n\r\ninner")}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream backend]\nurl = http://127.0.0.1:%u\n"
                                  "[route all]\nmatch = /*\nsteps = page\nanswer = merge\n"
                                  "[call all.page]\nupstream = backend\noptional = yes\n",
                    origin_port(origin));

    cr_expect_eq(world_get(world, "/", "")->status, 200);
    cr_expect(LOGS(world, "page:invalid:", ":fault=json"));
    world_stop(world);
}

static struct world *before_refusal(const char *trust)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND(OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"), SILENCE}});

    return world_start(WORLD_PROXY "trust = %s\n" WORLD_BUDGET "default = 20s\n" WORLD_ROUTE, trust,
                       origin_port(origin));
}

Test(invalid_answers, trusted_clients_and_the_admin_pages_are_told_which_rule)
{
    struct world *world = before_refusal("127.0.0.0/8");

    cr_expect_str_eq(reply_member(world_get(world, "/", ""), "detail"),
                     "the upstream sent no valid response (it has several lengths that differ): "
                     "call backend");
    cr_expect(LOGS(world, "backend:invalid:"));
    struct dialogue *admin = dialogue_open(world_admin(world));
    dialogue_send(admin, "GET /requests HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const char *page = dialogue_read(admin)->body;
    cr_expect(strstr(page, "\"outcome\":\"invalid\",\"fault\":\"two_lengths\""), "%s", page);
    dialogue_close(admin);
    world_stop(world);
}

Test(invalid_answers, other_clients_are_told_that_it_was_not_valid_and_no_more)
{
    struct world *world = before_refusal("none");

    cr_expect_str_eq(reply_member(world_get(world, "/", ""), "detail"),
                     "the upstream sent no valid response");
    world_stop(world);
}
