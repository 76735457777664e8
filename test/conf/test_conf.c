#include <dirent.h>

#include "test/conf/reading.h"

#ifndef HOURGLASS_SOURCE
#define HOURGLASS_SOURCE "."
#endif
#define MISTAKES HOURGLASS_SOURCE "/test/conf/mistakes/"

static char *read_whole(const char *path)
{
    char *text = calloc(1, 65536);
    FILE *file = fopen(path, "r");

    cr_assert_not_null(file, "%s is missing", path);
    size_t count = fread(text, 1, 65535, file);
    cr_assert_lt(count, 65535);
    fclose(file);
    return text;
}

static void check_mistakes(const char *name)
{
    char path[4096];
    char *complaints;
    size_t size;
    FILE *out = open_memstream(&complaints, &size);

    snprintf(path, sizeof path, MISTAKES "%s", name);
    char *ending = strrchr(path, '.');
    FILE *file = fopen(path, "r");
    struct conf *conf = conf_read(file, name, out);
    fclose(file);
    fclose(out);
    memcpy(ending, ".txt", sizeof ".txt");
    char *expected = read_whole(path);
    cr_expect_null(conf, "%s was taken", name);
    cr_expect_str_eq(complaints, expected, "%s gives\n%s", name, complaints);
    free(expected);
    free(complaints);
}

Test(conf, every_mistake_is_told_at_once_with_its_line)
{
    DIR *directory = opendir(MISTAKES);
    const struct dirent *entry;
    unsigned count = 0;

    cr_assert_not_null(directory);
    while ((entry = readdir(directory))) {
        const char *end = strrchr(entry->d_name, '.');
        if (!end || strcmp(end, ".ini") != 0)
            continue;
        check_mistakes(entry->d_name);
        count++;
    }
    closedir(directory);
    cr_assert_geq(count, 15);
}

Test(conf, the_shipped_file_is_right_and_does_what_it_says)
{
    struct conf *conf = conf_load(HOURGLASS_SOURCE "/proxy.ini", stderr);

    cr_assert_not_null(conf);
    cr_assert_eq(conf->routes_count, 7);
    struct route_match match = route_find(conf->table, TEXT("POST"), TEXT("/order/7"));
    cr_assert_eq(match.result, ROUTE_FOUND);
    const struct conf_route *route = &conf->routes[match.route];
    cr_assert_str_eq(route->name, "order");
    cr_assert_eq(route->calls_count, 4);
    cr_assert_str_eq(route->calls[2].name, "price");
    cr_assert(route->policy.calls[2].optional);
    cr_assert_eq(route->policy.steps_count, 3);
    cr_assert_eq(route->answer, 3);
    cr_assert_eq(route->calls[1].target->count, 3);
    match = route_find(conf->table, TEXT("GET"), TEXT("/page/7"));
    cr_assert_eq(match.result, ROUTE_FOUND);
    route = &conf->routes[match.route];
    cr_assert_eq(route->answers, ANSWER_MERGE);
    cr_assert(route->policy.calls[2].optional && route->calls[2].fallback.at);
    cr_assert_eq(route->calls[1].retry.retries, 1);
    cr_assert_eq(route->calls[1].hedge.percent, 95);
    match = route_find(conf->table, TEXT("GET"), TEXT("/price/7"));
    cr_assert_eq(match.result, ROUTE_FOUND);
    cr_assert_eq(conf->routes[match.route].policy.calls[0].fallback, 1);
    match = route_find(conf->table, TEXT("PUT"), TEXT("/order/7"));
    cr_assert_eq(match.result, ROUTE_OTHER_METHOD);
    cr_assert_str_eq(match.allow, "GET, HEAD, POST");
    conf_destroy(conf);
}

static int32_t sample_of(const char *keys)
{
    char text[512];

    snprintf(text, sizeof text,
             "[proxy]\nlisten = 127.0.0.1:0\n%s[budget]\ndefault = 1s\n"
             "[upstream a]\nurl = http://127.0.0.1:9001\n[route r]\nmatch = /*\nupstream = a\n",
             keys);
    struct conf *conf = read_good(text);
    int32_t sample = conf->proxy.log_sample;
    conf_destroy(conf);
    return sample;
}

Test(conf, a_log_samples_what_its_choice_leaves_out_only_when_it_is_told_to)
{
    cr_expect_eq(sample_of("log-when = failed\n"), 0);
    cr_expect_eq(sample_of("log-when = slow:50%\n"), 0);
    cr_expect_eq(sample_of("log-when = slow:50%\nlog-sample = 1%\n"), SHARE_WHOLE / 100);
    cr_expect_eq(sample_of("log-sample = 1%\nlog-when = all\n"), SHARE_WHOLE / 100);
}

Test(conf, the_shortest_file_has_the_defaults)
{
    struct conf *conf = read_good(HEAD "[route r]\nmatch = /*\nupstream = a\n");
    const struct policy *policy = &conf->routes[0].policy;

    cr_assert_eq(conf->proxy.workers, 0);
    cr_assert_null(conf->proxy.admin);
    cr_assert_eq(conf->proxy.trusts_count, 3);
    cr_assert_eq(conf->proxy.max_header, 16384);
    cr_assert_eq(conf->proxy.drain.ns, span_s(10).ns);
    cr_assert_str_eq(conf->proxy.log, "stderr");
    cr_assert_eq(conf->budget_headers_count, 1);
    cr_assert_str_eq(conf->budget_headers[0].name, "X-Request-Timeout-Ms");
    cr_assert_eq(conf->upstreams[0].connections, 256);
    cr_assert_eq(conf->upstreams[0].tells_count, 1);
    cr_assert_eq(policy->default_budget.ns, span_ms(1200).ns);
    cr_assert_eq(policy->max.ns, span_s(30).ns);
    cr_assert_eq(policy->local.fixed.ns, span_ms(50).ns);
    cr_assert_eq(policy->reply.kind, AMOUNT_AUTO);
    cr_assert_eq(conf->routes[0].enforce_share, SHARE_WHOLE);
    cr_assert_not(conf->routes[0].outlives_half_close);
    cr_assert_eq(conf->routes[0].buffer_first, 0);
    cr_assert_eq(conf->routes[0].expose, EXPOSE_LEDGER);
    cr_assert_not(conf->proxy.logs_json);
    cr_assert_eq(conf->proxy.log_when.kind, LOG_WHEN_ALL);
    cr_assert_eq(conf->proxy.log_sample, SHARE_WHOLE);
    cr_assert_not(conf->proxy.shows_queries);
    cr_assert_not(conf->upstreams[0].drains);
    cr_assert_eq(conf->upstreams[0].drain_time.ns, span_s(1).ns);
    cr_assert_eq(conf->upstreams[0].drain_size, 65536);
    conf_destroy(conf);
}

Test(conf, the_short_form_is_one_call_that_passes_through)
{
    struct conf *conf = read_good(HEAD "[route r]\nmatch = /*\nupstream = a\n");
    const struct conf_route *route = &conf->routes[0];

    cr_assert_eq(route->calls_count, 1);
    cr_assert_str_eq(route->calls[0].name, "a");
    cr_assert(route->calls[0].is_passing);
    cr_assert_null(route->calls[0].method);
    cr_assert_eq(route->policy.calls[0].budget.kind, AMOUNT_REST);
    cr_assert_eq(route->policy.calls[0].min.ns, 0);
    cr_assert_eq(route->policy.steps_count, 1);
    cr_assert_eq(route->policy.steps[0].count, 1);
    conf_destroy(conf);
}

Test(conf, calls_stand_in_the_order_of_the_steps)
{
    struct conf *conf =
        read_good(HEAD "[call r.late]\nupstream = b\n[call r.two]\nupstream = a\n"
                       "request = GET /2\nheader = X-A: b\n[call r.one]\nupstream = a\n"
                       "request = HEAD /1?x\nbudget = 25%\nmin = 20ms\noptional = yes\n"
                       "[upstream b]\nurl = unix:/b\ntell = none\n"
                       "[route r]\nmatch = /*\nsteps = one + two, late\n");
    const struct conf_route *route = &conf->routes[0];

    cr_assert_eq(route->calls_count, 3);
    cr_assert_str_eq(route->calls[0].name, "one");
    cr_assert_str_eq(route->calls[0].method, "HEAD");
    check_plain(route->calls[0].target, "/1?x");
    cr_assert_eq(route->policy.calls[0].budget.share, 250000);
    cr_assert_eq(route->policy.calls[0].min.ns, span_ms(20).ns);
    cr_assert(route->policy.calls[0].optional);
    check_plain(route->calls[1].headers[0].value, "b");
    cr_assert_not(route->policy.calls[1].optional);
    cr_assert_str_eq(conf->upstreams[route->calls[2].upstream].name, "b");
    cr_assert_eq(conf->upstreams[route->calls[2].upstream].tells_count, 0);
    cr_assert_eq(route->answer, 2);
    conf_destroy(conf);
}

Test(conf, a_route_says_what_budget_says_unless_it_says_otherwise)
{
    struct conf *conf =
        read_good("[route own]\nmatch = /own\nupstream = a\ndefault = 300ms\nreply = 5ms\n"
                  "scale = cap\nmalformed = default\n[route heir]\nmatch = /heir\nupstream = a\n"
                  "[proxy]\nlisten = 127.0.0.1:0\n[upstream a]\nurl = http://a\n"
                  "[budget]\ndefault = 1s\nlocal = 5%\nscale = proportional\n"
                  "malformed = reject\nmax = 2s\nheader = X-B: s\n");
    const struct conf_route *own = &conf->routes[0];
    const struct conf_route *heir = &conf->routes[1];

    cr_assert_eq(own->policy.default_budget.ns, span_ms(300).ns);
    cr_assert_eq(own->policy.reply.fixed.ns, span_ms(5).ns);
    cr_assert_eq(own->policy.local.share, 50000);
    cr_assert_not(own->policy.proportional);
    cr_assert_not(own->rejects_malformed);
    cr_assert_eq(heir->policy.default_budget.ns, span_s(1).ns);
    cr_assert_eq(heir->policy.max.ns, span_s(2).ns);
    cr_assert(heir->policy.proportional);
    cr_assert(heir->rejects_malformed);
    cr_assert_str_eq(conf->budget_headers[0].name, "X-B");
    cr_assert_eq(conf->budget_headers_count, 1);
    conf_destroy(conf);
}

Test(conf, how_strictly_a_route_keeps_time_is_inherited_too)
{
    struct conf *conf =
        read_good("[proxy]\nlisten = 127.0.0.1:0\n[upstream a]\nurl = http://a\n"
                  "on-expiry = drain\ndrain-time = 500ms\ndrain-size = 4KiB\n"
                  "[budget]\ndefault = 1s\nmode = observe\nenforce-share = 2.5%\n"
                  "half-close = continue\nbuffer-first = 16KiB\n"
                  "[route own]\nmatch = /own\nupstream = a\nmode = enforce\nhalf-close = abort\n"
                  "buffer-first = 0\n[route share]\nmatch = /share\nupstream = a\n"
                  "enforce-share = 100%\n[route heir]\nmatch = /heir\nupstream = a\n");
    const struct conf_route *own = &conf->routes[0];
    const struct conf_route *heir = &conf->routes[2];

    cr_assert_eq(own->enforce_share, SHARE_WHOLE);
    cr_assert(!own->outlives_half_close && own->buffer_first == 0);
    cr_assert_eq(conf->routes[1].enforce_share, SHARE_WHOLE);
    cr_assert_eq(heir->enforce_share, 25000);
    cr_assert(heir->outlives_half_close && heir->buffer_first == 16384);
    cr_assert(conf->upstreams[0].drains && conf->upstreams[0].drain_size == 4096);
    cr_assert_eq(conf->upstreams[0].drain_time.ns, span_ms(500).ns);
    conf_destroy(conf);
}

Test(conf, stubs_are_as_described)
{
    struct conf *conf =
        read_good(HEAD "[route r]\nmatch = /*\nupstream = a\n[stub s]\nlisten = [::1]:0\n"
                       "latency = 20ms..30ms\nstatus = 503\nbody = {\"a\": 1}\nfail = 1%\n"
                       "[stub plain]\nlisten = unix:/s\nbody =\n");
    const struct conf_stub *stub = &conf->stubs[0];

    cr_assert_eq(conf->stubs_count, 2);
    cr_assert_str_eq(stub->listen.host, "::1");
    cr_assert(stub->latency == LATENCY_UNIFORM && stub->high.ns == span_ms(30).ns);
    cr_assert_eq(stub->status, 503);
    cr_assert_str_eq(stub->body, "{\"a\": 1}");
    cr_assert_eq(stub->fail, 10000);
    cr_assert(conf->stubs[1].status == 200 && span_is_none(conf->stubs[1].low));
    cr_assert_str_eq(conf->stubs[1].body, "");
    conf_destroy(conf);
}

Test(conf, the_classic_budgets_fit_to_the_millisecond)
{
    struct conf *conf =
        read_good(HEAD "[route r]\nmatch = /*\nlocal = 400ms\nsteps = db, api\n"
                       "[call r.db]\nupstream = a\nrequest = GET /\nbudget = 300ms\n"
                       "[call r.api]\nupstream = a\nbudget = 500ms\n");

    conf_destroy(conf);
    check_complaints(HEAD "[route r]\nmatch = /*\nlocal = 401ms\nsteps = db, api\n"
                          "[call r.db]\nupstream = a\nrequest = GET /\nbudget = 300ms\n"
                          "[call r.api]\nupstream = a\nbudget = 500ms\n",
                     "f:7: warning: route.r cannot grant all budgets in full: its default budget "
                     "is 1200ms, but 401ms is kept back and the budgets of its steps come to "
                     "800ms\n");
}

/* Of the upstream that was meant nothing is said beside. */
Test(conf, a_misspelt_upstream_is_one_complaint)
{
    static const char meant[] = HEAD "[upstream stock]\nurl = http://b\n[route r]\nmatch = /*\n";
    static const struct {
        const char *rest;
        const char *complaint;
    } cases[] = {
        {"upstream = stok\n", "f:11: route.r.upstream names stok, but there is no [upstream stok]: "
                              "did you mean stock?\n"},
        {"upstream = stock!\n", "f:11: route.r.upstream may hold only letters, digits, - and _\n"},
        {"steps = one\n[call r.one]\nupstream = stok\n",
         "f:13: call.r.one.upstream names stok, but there is no [upstream stok]: did you mean "
         "stock?\n"},
        {"steps = one,\n[call r.one]\nupstream = stock\n",
         "f:11: route.r.steps has an empty place: write session, stock + price, order\n"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s%s", meant, cases[i].rest);
        check_complaints(text, cases[i].complaint);
    }
}

Test(conf, a_warning_does_not_refuse_the_file)
{
    char *complaints;
    struct conf *conf = read_text(
        HEAD "[upstream b]\nurl = http://b\n[route r]\nmatch = /*\nupstream = a\n", &complaints);

    cr_assert_not_null(conf);
    cr_assert_str_eq(complaints, "f:7: warning: nothing uses upstream.b\n");
    conf_destroy(conf);
    free(complaints);
}

Test(conf, a_mistake_in_budget_is_not_told_again_for_each_route)
{
    check_complaints("[proxy]\nlisten = 127.0.0.1:0\n[budget]\ndefault = 300\nlocal = x\n"
                     "[upstream a]\nurl = http://a\n[route r]\nmatch = /*\nupstream = a\n",
                     "f:4: budget.default needs a unit: us, ms, s or m\n"
                     "f:5: budget.local is not a duration such as 300ms or 1.5s\n");
}

Test(conf, a_file_that_cannot_be_read_is_told_so)
{
    char *complaints;
    size_t size;
    FILE *out = open_memstream(&complaints, &size);

    cr_assert_null(conf_load("/nowhere/proxy.ini", out));
    cr_assert_null(conf_load("/", out));
    fclose(out);
    cr_assert_str_eq(complaints, "/nowhere/proxy.ini: cannot be read: No such file or directory\n"
                                 "/: cannot be read: Is a directory\n");
    free(complaints);
}

Test(conf, nothing_can_be_destroyed)
{
    conf_destroy(NULL);
    cr_assert(true);
}

Test(conf, ten_thousand_routes_are_read)
{
    char *text;
    char *complaints;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    fputs(HEAD, out);
    for (int i = 0; i < 10000; i++)
        fprintf(out, "[route r%d]\nmatch = /%d/{id}\nupstream = a\n", i, i);
    fclose(out);
    struct conf *conf = read_text(text, &complaints);
    cr_assert_not_null(conf, "%s", complaints);
    cr_assert_eq(conf->routes_count, 10000);
    struct route_match match = route_find(conf->table, TEXT("GET"), TEXT("/9999/7"));
    cr_assert_eq(match.result, ROUTE_FOUND);
    cr_assert_str_eq(conf->routes[match.route].name, "r9999");
    conf_destroy(conf);
    free(complaints);
    free(text);
}
