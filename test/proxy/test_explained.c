/* What explain says, and what the running program then does. */
#include <stdlib.h>

#include "test/proxy/explaining.h"
#include "test/support/world.h"

TestSuite(explained, .timeout = 300);

static struct explanation explanation;
static struct conf *conf;
static const struct explain_question question = {.method = "GET", .target = "/"};

/* Explains GET / with this configuration (printf), and starts the program with it. */
#define EXPLAINED(...) explained(snprintf(text, sizeof text, __VA_ARGS__))
static char text[4096];

static struct world *explained(int length)
{
    cr_assert_lt(length, (int)sizeof text);
    conf = read_good(text);
    explanation_make(&explanation, conf, &question);
    return world_start("%s", text);
}

static void end(struct world *world)
{
    world_stop(world);
    conf_destroy(conf);
}

static void expect_504(struct world *world, int64_t at_least_ms)
{
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 504);
    cr_expect_geq(reply->took.ns, span_ms(at_least_ms).ns, "%g ms", span_as_ms(reply->took));
    cr_expect_lt(reply->took.ns, span_s(10).ns);
}

static int told(struct origin *origin)
{
    const char *value =
        message_header(&origin_request(origin, 0)->message, "X-Request-Timeout-Ms", 0);

    return value != NULL ? atoi(value) : -1;
}

static struct origin *silent(void)
{
    return ORIGIN({.deeds = {SILENCE}});
}

#define UPSTREAM(name) "[upstream " name "]\nurl = http://127.0.0.1:%u\n"
#define CALL(name, upstream) "[call r." name "]\nupstream = " upstream "\nrequest = GET /" name "\n"

/* A wait of up to 5 ms is between the attempts. */
Test(explained, a_call_is_cut_when_its_attempts_are_over)
{
    struct origin *origin = silent();
    struct world *world =
        EXPLAINED(WORLD_PATIENT UPSTREAM("u") "[route r]\nmatch = /\nsteps = x\n" CALL(
                      "x", "u") "retries = 1\nattempt = 400ms\n",
                  origin_port(origin));

    cr_expect_eq(explanation.last_504.ns, span_ms(805).ns);
    expect_504(world, 800);
    cr_expect_eq(origin_requests(origin), 2);
    end(world);
}

Test(explained, what_stands_in_begins_when_the_attempt_is_over)
{
    struct origin *kept = origin_answering(ANSWER_OK, 0);
    struct world *world = EXPLAINED(
        WORLD_PATIENT UPSTREAM("u") UPSTREAM("kept") "[route r]\nmatch = /\nsteps = x\n" CALL(
            "x", "u") "attempt = 60ms\nfallback = call z\n" CALL("z", "kept"),
        origin_port(silent()), origin_port(kept));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(explanation.calls[1].grants[USE_ALL].starts.ns, span_ms(60).ns);
    cr_expect_eq(reply->status, 200);
    cr_expect_geq(reply->took.ns, span_ms(60).ns);
    cr_expect_lt(reply->took.ns, span_s(10).ns);
    end(world);
}

/* If nobody fails, quote is cut at 1000 ms; behind a copy that took until 1120, at 1400. */
Test(explained, the_latest_504_is_behind_a_call_that_stood_in)
{
    struct world *world = EXPLAINED(
        WORLD_PROXY WORLD_BUDGET "default = 1410ms\nreply = 10ms\n" UPSTREAM("slow")
            UPSTREAM("kept") UPSTREAM("u") "[route r]\nmatch = /\nsteps = order, quote\n" CALL(
                "order", "slow") "budget = 600ms\nfallback = call copy\n" CALL("copy", "kept")
                CALL("quote", "u") "budget = 400ms\nmin = 80ms\n",
        origin_port(silent()), origin_port(origin_answering(ANSWER_OK, 520)),
        origin_port(silent()));

    cr_expect_eq(explanation.calls[2].grants[USE_ALL].cut.ns, span_ms(1000).ns);
    cr_expect_eq(explanation.last_504.ns, span_ms(1400).ns);
    expect_504(world, 1400);
    end(world);
}

/* 12 of 600 ms are kept back for the reply. */
Test(explained, what_is_only_observed_is_told_and_cut_by_max)
{
    struct origin *origin = silent();
    struct explanation observed;
    struct world *world = EXPLAINED(WORLD_PROXY WORLD_BUDGET
                                    "default = 100ms\nmax = 600ms\nmode = observe\n" WORLD_ROUTE,
                                    origin_port(origin));

    explanation_observe(&observed, &explanation);
    cr_expect_eq(explanation.last_504.ns, span_ms(90).ns);
    cr_expect_eq(observed.last_504.ns, span_ms(588).ns);
    cr_expect_eq(observed.calls[0].grants[USE_NONE].told.ns, span_ms(588).ns);
    expect_504(world, 588);
    cr_expect_leq(told(origin), 588);
    cr_expect_gt(told(origin), 90);
    end(world);
}

Test(explained, a_method_that_is_not_known_is_refused_alike)
{
    static const char *const methods[] = {"get", "FOO", "PRI", "SETUP", "QUERY", "PURGE"};
    struct world *world =
        EXPLAINED(WORLD_PATIENT WORLD_ROUTE, origin_port(origin_answering(ANSWER_OK, 0)));

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct explain_question other = {.method = methods[i], .target = "/"};
        struct dialogue *dialogue = world_dial(world);
        char request[64];

        snprintf(request, sizeof request, "%s / HTTP/1.1\r\nHost: h\r\n\r\n", methods[i]);
        dialogue_send(dialogue, request);
        explanation_make(&explanation, conf, &other);
        int status = explanation.refusal.status;
        cr_expect_eq(dialogue_read(dialogue)->status, status != 0 ? status : 200, "%s", methods[i]);
    }
    end(world);
}
