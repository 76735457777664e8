/* Configurations to explain, for tests. */
#pragma once

#include "proxy/explanation.h"
#include "test/conf/reading.h"

/* A page of several steps: default 1000 ms, of which 100 are kept back. */
#define PAGE                                                                                \
    "[proxy]\nlisten = 127.0.0.1:0\n"                                                       \
    "[budget]\ndefault = 1000ms\nmax = 2s\nlocal = 100ms\n"                                 \
    "[upstream one]\nurl = http://127.0.0.1:9001\n"                                         \
    "[upstream two]\nurl = http://127.0.0.1:9002\ntell = grpc-timeout: grpc\n"              \
    "tell = X-Deadline: epoch-ms\n"                                                         \
    "[upstream mute]\nurl = http://127.0.0.1:9003\ntell = none\n"                           \
    "[route page]\nmatch = GET,POST /page/{id}\nsteps = session, stock + price, order\n"    \
    "[call page.session]\nupstream = one\nrequest = GET /\nbudget = 200ms\n"                \
    "[call page.stock]\nupstream = two\nrequest = GET /\nbudget = 400ms\nmin = 20ms\n"      \
    "[call page.price]\nupstream = mute\nrequest = GET /\nbudget = 300ms\noptional = yes\n" \
    "retries = 3\nattempt = 125ms\nbackoff = 20ms\n"                                        \
    "[call page.order]\nupstream = one\nmin = 50ms\nretries = 1\nretry-on = 503\n"

/* What is known of a request without a budget of its own, when the wall clock said 1000000 ms. */
static inline struct explain_question question_of(const char *method, const char *target)
{
    return (struct explain_question){.method = method, .target = target, .realtime_ms = 1000000};
}

/* Takes the last step of the route, of one call, out of the plan: that call then stands in for
 * call `failing`. policies: room for the route's calls, to live as long as conf. */
static inline void let_last_stand_in(struct conf_route *route, size_t failing,
                                     struct call_policy *policies)
{
    memcpy(policies, route->policy.calls, route->calls_count * sizeof *policies);
    policies[failing].fallback = route->steps_calls_count - 1;
    route->policy.calls = policies;
    route->policy.steps_count--;
    route->steps_calls_count--;
    if (route->answer >= route->steps_calls_count)
        route->answer = route->steps_calls_count - 1;
}

/* What is printed; the caller's. */
static inline char *printed(void (*print)(const struct conf *, const struct explain_question *,
                                          FILE *),
                            const struct conf *conf, struct explain_question question)
{
    char *text;
    size_t count;
    FILE *out = open_memstream(&text, &count);

    print(conf, &question, out);
    fclose(out);
    return text;
}

static inline void expect_part(const char *text, const char *part)
{
    cr_expect_not_null(strstr(text, part), "no \"%s\" in:\n%s", part, text);
}
