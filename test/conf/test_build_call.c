#include "test/conf/reading.h"

/* A route with a name in its path and three calls, one after the other; what tests add belongs to
 * the second or, behind THIRD, to the third. */
#define ROUTE                                                                   \
    HEAD "[route r]\nmatch = GET /order/{id}/{item}\nsteps = one, two, three\n" \
         "[call r.one]\nupstream = a\nrequest = GET /one\n"                     \
         "[call r.two]\nupstream = a\n"
#define THIRD "[call r.three]\nupstream = a\n"

static void check_part(const struct template *template, size_t number, enum template_kind kind,
                       size_t of)
{
    cr_assert_lt(number, template->count);
    cr_expect_eq(template->parts[number].kind, kind);
    cr_expect_eq(template->parts[number].number, of);
}

Test(build_call, texts_with_braces_are_parsed_where_they_stand)
{
    struct conf *conf =
        read_good(ROUTE "request = PUT /stock/{item}?of={query.of}\n"
                        "header = X-User: {one.header.x-user|}\nheader = X-Plain: a{{b}}\n"
                        "body = {{\"id\": \"{id}\", \"status\": {one.status}}}\n" THIRD);
    const struct conf_call *call = &conf->routes[0].calls[1];

    cr_assert_str_eq(call->method, "PUT");
    cr_assert_not(call->is_passing);
    check_part(call->target, 1, TEMPLATE_NAME, 1);
    check_part(call->target, 3, TEMPLATE_CLIENT_QUERY, 0);
    cr_expect_eq(call->target->parts[1].place, TEMPLATE_PATH);
    cr_expect_eq(call->target->parts[3].place, TEMPLATE_QUERY);
    cr_assert_eq(call->headers_count, 2);
    check_part(call->headers[0].value, 0, TEMPLATE_CALL_HEADER, 0);
    check_plain(call->headers[1].value, "a{b}");
    check_part(call->body, 1, TEMPLATE_NAME, 0);
    cr_expect_eq(call->body->parts[1].place, TEMPLATE_BODY_STRING);
    check_part(call->body, 3, TEMPLATE_CALL_STATUS, 0);
    cr_expect_null(conf->routes[0].calls[0].body);
    conf_destroy(conf);
}

Test(build_call, a_call_that_passes_through_may_set_headers_from_templates)
{
    struct conf *conf = read_good(ROUTE "request = GET /two\n" THIRD "header = X-Id: {id}\n");
    const struct conf_call *call = &conf->routes[0].calls[2];

    cr_assert(call->is_passing);
    cr_assert_null(call->method);
    cr_assert_null(call->target);
    check_part(call->headers[0].value, 0, TEMPLATE_NAME, 0);
    conf_destroy(conf);
}

Test(build_call, the_body_of_a_call_is_read_when_a_later_template_needs_it)
{
    static const struct {
        const char *of_two;
        const char *of_three;
        bool is_read[3];
    } cases[] = {
        {"", "", {false, false, false}},
        {"request = GET /{one.status}\n", "header = X-A: {two.header.x}\n", {false, false, false}},
        {"request = GET /{one.body/a}\n", "", {true, false, false}},
        {"request = GET /?a={one.body/a|}\n", "", {true, false, false}},
        {"request = POST /\nbody = {one.body}\n", "", {true, false, false}},
        {"", "header = X-A: {two.body/a}\n", {false, true, false}},
        {"", "header = X-B: b\nheader = X-A: {one.body/a}\n", {true, false, false}},
        {"", "request = POST /\nbody = [{one.body/a}, {two.body/b}]\n", {true, true, false}},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        const char *request = strstr(cases[i].of_two, "request") ? "" : "request = GET /two\n";
        snprintf(text, sizeof text, ROUTE "%s%s" THIRD "%s", request, cases[i].of_two,
                 cases[i].of_three);
        struct conf *conf = read_good(text);
        for (size_t j = 0; j < 3; j++)
            cr_expect_eq(conf->routes[0].calls[j].is_read, cases[i].is_read[j], "%zu: call %zu", i,
                         j);
        conf_destroy(conf);
    }
}

Test(build_call, a_merge_reads_all_and_any_call_of_it_may_be_missing)
{
    struct conf *conf =
        read_good(HEAD "[route r]\nmatch = /\nsteps = one, two + three\nanswer = merge\n"
                       "[call r.one]\nupstream = a\n"
                       "[call r.two]\nupstream = a\nrequest = GET /\noptional = yes\n"
                       "[call r.three]\nupstream = a\nrequest = GET /\noptional = yes\n"
                       "fallback = {\"three\": 3}\nmax-body = 4KiB\n");
    const struct conf_route *route = &conf->routes[0];

    cr_assert_eq(route->answers, ANSWER_MERGE);
    for (size_t i = 0; i < 3; i++)
        cr_expect(route->calls[i].is_read, "call %zu", i);
    cr_expect_null(route->calls[1].fallback.at);
    cr_expect(text_is(route->calls[2].fallback, TEXT("{\"three\": 3}")));
    cr_expect_eq(route->calls[1].body_max, 1024 * 1024);
    cr_expect_eq(route->calls[2].body_max, 4096);
    conf_destroy(conf);
}

Test(build_call, retries_have_their_defaults)
{
    struct conf *conf = read_good(ROUTE "request = GET /\nmin = 7ms\nretries = 3\n"
                                        "retry-on = 429, unsafe\nattempt = 80ms\nbackoff = 0ms\n"
                                        "[upstream b]\nurl = http://b\nretry-budget = 5%\n" THIRD
                                        "[route short]\nmatch = /short\nupstream = b\n");
    const struct retry_policy *plain = &conf->routes[0].calls[0].retry;
    const struct retry_policy *set = &conf->routes[0].calls[1].retry;
    const struct retry_policy *short_form = &conf->routes[1].calls[0].retry;

    cr_expect_eq(plain->retries, 0);
    cr_expect(plain->on.connect && plain->on.timeout && !plain->on.unsafe);
    cr_expect_eq(plain->attempt.ns, SPAN_FOREVER.ns);
    cr_expect_eq(plain->backoff.ns, span_ms(5).ns);
    cr_expect_eq(set->retries, 3);
    cr_expect(!set->on.connect && set->on.unsafe);
    cr_expect(retry_on_covers(&set->on, CALL_STATUS, 429));
    cr_expect_eq(set->min.ns, span_ms(7).ns);
    cr_expect_eq(set->attempt.ns, span_ms(80).ns);
    cr_expect_eq(set->backoff.ns, 0);
    cr_expect_eq(short_form->retries, 0);
    cr_expect_eq(short_form->attempt.ns, SPAN_FOREVER.ns);
    cr_expect_eq(conf->upstreams[0].retry_budget, 200000);
    cr_expect_eq(conf->upstreams[1].retry_budget, 50000);
    conf_destroy(conf);
}

Test(build_call, hedges_have_their_defaults_and_their_upstream_is_measured_where_one_needs_it)
{
    struct conf *conf = read_good(ROUTE "request = GET /\nhedge = p90\n"
                                        "[upstream b]\nurl = http://b\nhedge-budget = 1%\n"
                                        "[call r.three]\nupstream = b\nhedge = 20ms\n"
                                        "[route short]\nmatch = /short\nupstream = b\n");
    const struct conf_call *calls = conf->routes[0].calls;

    cr_expect_eq(calls[0].hedge.kind, HEDGE_OFF);
    cr_expect_eq(calls[1].hedge.kind, HEDGE_LATELY);
    cr_expect_eq(calls[1].hedge.percent, 90);
    cr_expect_eq(calls[2].hedge.kind, HEDGE_FIXED);
    cr_expect_eq(calls[2].hedge.delay.ns, span_ms(20).ns);
    cr_expect_eq(conf->routes[1].calls[0].hedge.kind, HEDGE_OFF);
    cr_expect(conf->upstreams[0].is_measured);
    cr_expect_not(conf->upstreams[1].is_measured);
    cr_expect_eq(conf->upstreams[0].hedge_budget, 50000);
    cr_expect_eq(conf->upstreams[1].hedge_budget, 10000);
    conf_destroy(conf);
}

Test(build_call, a_fault_of_one_header_is_told_at_its_own_line)
{
    check_complaints(ROUTE "request = GET /\nheader = X-A: a\nheader = X B: b\n"
                           "header = X-C: {nobody}\nheader = X-D: {id}\n" THIRD,
                     "f:17: call.r.two.header has a header name that is not one: letters, digits "
                     "and - will do\n"
                     "f:18: call.r.two.header names {nobody}, which is not in the path\n");
}
