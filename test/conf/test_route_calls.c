#include "test/conf/reading.h"

Test(route_calls, those_that_stand_in_come_behind_those_of_the_steps)
{
    static const char *const names[] = {"stock", "price", "order", "cached"};
    static const size_t fallbacks[] = {0, 3, 0, 0};
    struct conf *conf = read_good(
        HEAD "[route r]\nmatch = /{id}\nsteps = stock + price, order\n"
             "[call r.cached]\nupstream = a\nrequest = GET /cached/{id}\nbudget = 20ms\n"
             "[call r.stock]\nupstream = a\nrequest = GET /stock\n"
             "[call r.price]\nupstream = a\nrequest = GET /price\nfallback = call cached\n"
             "[call r.order]\nupstream = a\n");
    const struct conf_route *route = &conf->routes[0];

    cr_assert_eq(route->calls_count, 4);
    cr_assert_eq(route->policy.calls_count, 4);
    cr_assert_eq(route->steps_calls_count, 3);
    cr_assert_eq(route->policy.steps_count, 2);
    cr_assert_eq(route->answer, 2);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_str_eq(route->calls[i].name, names[i], "%zu", i);
        cr_expect_eq(route->policy.calls[i].fallback, fallbacks[i], "%zu", i);
    }
    cr_expect_eq(route->policy.calls[3].budget.fixed.ns, span_ms(20).ns);
    cr_expect_eq(route->calls[3].target->parts[1].kind, TEMPLATE_NAME);
    conf_destroy(conf);
}

Test(route_calls, one_may_stand_in_for_another_that_stands_in)
{
    struct conf *conf = read_good(
        HEAD "[route r]\nmatch = /\nsteps = a, z\n"
             "[call r.a]\nupstream = a\nrequest = GET /a\nfallback = call b\noptional = yes\n"
             "[call r.c]\nupstream = a\nrequest = GET /c\nfallback = {\"z\": 0}\n"
             "[call r.b]\nupstream = a\nrequest = GET /b\nfallback = call c\n"
             "[call r.z]\nupstream = a\nheader = X-A: {a.body/z}\nfallback = call y\n"
             "[call r.y]\nupstream = a\n");
    const struct conf_route *route = &conf->routes[0];

    cr_assert_eq(route->calls_count, 5);
    cr_expect_eq(route->policy.calls[0].fallback, 2);
    cr_expect_str_eq(route->calls[2].name, "b");
    cr_expect_eq(route->policy.calls[1].fallback, 3);
    cr_expect_str_eq(route->calls[3].name, "y");
    cr_expect_eq(route->policy.calls[2].fallback, 4);
    cr_expect_str_eq(route->calls[4].name, "c");
    cr_expect(text_is(route->calls[4].fallback, TEXT("{\"z\": 0}")));
    cr_expect_null(route->calls[0].fallback.at);
    conf_destroy(conf);
}

Test(route_calls, what_stands_in_is_read_when_the_call_in_its_place_is)
{
    struct conf *conf = read_good(
        HEAD "[route r]\nmatch = /\nsteps = a + b, z\n"
             "[call r.a]\nupstream = a\nrequest = GET /a\nfallback = call kept\n"
             "[call r.b]\nupstream = a\nrequest = GET /b\nfallback = call other\n"
             "[call r.z]\nupstream = a\nrequest = GET /z\nfallback = call last\n"
             "[call r.kept]\nupstream = a\nrequest = GET /kept\nmax-body = 1KiB\n"
             "[call r.other]\nupstream = a\nrequest = GET /other\n"
             "[call r.last]\nupstream = a\nrequest = GET /last\nheader = X-A: {a.body/z}\n");
    static const bool is_read[] = {true, false, false, true, false, false};
    const struct conf_route *route = &conf->routes[0];

    cr_assert_eq(route->calls_count, 6);
    for (size_t i = 0; i < 6; i++)
        cr_expect_eq(route->calls[i].is_read, is_read[i], "%s", route->calls[i].name);
    conf_destroy(conf);
}

Test(route_calls, a_merge_reads_what_stands_in_too)
{
    struct conf *conf =
        read_good(HEAD "[route r]\nmatch = /\nsteps = a + b\nanswer = merge\n"
                       "[call r.a]\nupstream = a\nrequest = GET /a\nfallback = call kept\n"
                       "[call r.b]\nupstream = a\n[call r.kept]\nupstream = a\n");

    cr_expect(conf->routes[0].calls[2].is_read);
    conf_destroy(conf);
}

Test(route_calls, all_that_pass_the_client_through_are_counted)
{
    struct conf *conf = read_good(HEAD "[route none]\nmatch = /none\nsteps = a\n"
                                       "[call none.a]\nupstream = a\nrequest = GET /a\n"
                                       "[route short]\nmatch = /short\nupstream = a\n"
                                       "[route some]\nmatch = /some\nsteps = a + b, c\n"
                                       "[call some.a]\nupstream = a\n"
                                       "[call some.b]\nupstream = a\nrequest = GET /b\n"
                                       "[call some.c]\nupstream = a\nfallback = call d\n"
                                       "[call some.d]\nupstream = a\n");

    cr_expect_eq(conf->routes[0].passing_count, 0);
    cr_expect_eq(conf->routes[1].passing_count, 1);
    cr_expect_eq(conf->routes[1].steps_calls_count, 1);
    cr_expect_eq(conf->routes[2].passing_count, 3);
    conf_destroy(conf);
}

/* A route with 30 calls side by side, the first of which has a chain of calls behind it. */
static void write_chain(char *text, size_t room, int chain)
{
    FILE *out = fmemopen(text, room, "w");

    fputs(HEAD "[route r]\nmatch = /\nsteps = s0", out);
    for (int i = 1; i < 30; i++)
        fprintf(out, "+s%d", i);
    fputs("\n[call r.s0]\nupstream = a\nfallback = call c0\n", out);
    for (int i = 0; i < chain - 1; i++)
        fprintf(out, "[call r.c%d]\nupstream = a\nfallback = call c%d\n", i, i + 1);
    fprintf(out, "[call r.c%d]\nupstream = a\n", chain - 1);
    for (int i = 1; i < 30; i++)
        fprintf(out, "[call r.s%d]\nupstream = a\n", i);
    fclose(out);
}

Test(route_calls, a_route_has_32_calls_with_those_that_stand_in)
{
    char text[4096];

    write_chain(text, sizeof text, 2);
    conf_destroy(read_good(text));
    write_chain(text, sizeof text, 3);
    check_complaints(text, "f:18: call.r.c1.fallback is one call too many: route.r can have 32, "
                           "those that stand in too\n");
}
