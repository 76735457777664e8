/* Whose limit a 504 ran into, as the log, the metrics and /requests tell it: the upstream's share, the
 * client's budget, the route's, or the proxy itself. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

TestSuite(whose, .timeout = 300);

/* An upstream that never answers, for a call that may take what the keys say of 500 ms. What is kept
 * back for the reply is how late the proxy may be, and nobody else is to blame for it. */
static struct world *before(const char *keys, const char *budget)
{
    return world_start(WORLD_PROXY WORLD_BUDGET "default = 1500ms\nmax = 1800ms\nreply = 1s\n%s"
                                                "[upstream silent]\nurl = http://127.0.0.1:%u\n"
                                                "[route r]\nmatch = /*\nsteps = a\n"
                                                "[call r.a]\nupstream = silent\n%s",
                       budget, origin_port(ORIGIN({.deeds = {SILENCE}})), keys);
}

static void expect_whose(struct world *world, const char *lines, const char *whose)
{
    char field[32], label[32], member[32];

    snprintf(field, sizeof field, "whose=%s", whose);
    snprintf(label, sizeof label, "whose=\"%s\"", whose);
    snprintf(member, sizeof member, "\"whose\":\"%s\"", whose);
    cr_expect_eq(world_get(world, "/", lines)->status, 504);
    cr_expect(LOGS(world, "status=504", "reason=call", field), "%s", whose);
    dialogues_hang_up();
    cr_assert(world_is_at_rest(world));
    cr_expect_eq(world_metric(world, "hourglass_timeouts_whose_total{route=\"r\"", label), 1);
    struct dialogue *admin = dialogue_open(world_admin(world));
    dialogue_send(admin, "GET /requests HTTP/1.1\r\nHost: localhost\r\n\r\n");
    cr_expect_not_null(strstr(dialogue_read(admin)->body, member), "%s", whose);
    world_stop(world);
}

Test(whose, a_call_that_used_all_of_its_own_budget_is_the_calls)
{
    expect_whose(before("budget = 200ms\n", ""), "", "call");
    expect_whose(before("budget = 200ms\n", ""), "X-Request-Timeout-Ms: 1500\r\n", "call");
}

Test(whose, a_call_that_had_less_than_that_for_what_the_client_sent_is_the_clients)
{
    expect_whose(before("budget = 300ms\n", ""), "X-Request-Timeout-Ms: 1250\r\n", "client");
}

Test(whose, a_call_that_might_take_the_rest_is_the_routes_when_the_client_set_no_limit)
{
    expect_whose(before("", ""), "", "default");
    expect_whose(before("", ""), "X-Request-Timeout-Ms: 60000\r\n", "max");
}

/* Stopped while the call is under way, until long after the end of its grant. */
static void expect_whose_when_stopped(struct origin *origin, const char *whose)
{
    struct world *world =
        world_start(WORLD_PROXY WORLD_BUDGET "default = 1s\n" WORLD_ROUTE, origin_port(origin));
    struct dialogue *dialogue = world_dial(world);

    dialogue_send(dialogue, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)origin_request(origin, 0);
    program_pause(world_program(world));
    usleep(1300 * 1000);
    program_signal(world_program(world), SIGCONT);
    cr_expect_eq(dialogue_read(dialogue)->status, 504);
    cr_expect(LOGS(world, "status=504", "reason=call", whose), "%s",
              program_stderr(world_program(world)));
    world_stop(world);
}

Test(whose, a_call_whose_answer_the_proxy_itself_was_late_to_find_is_the_proxys)
{
    expect_whose_when_stopped(origin_answering(ANSWER_OK, 200), "whose=proxy");
}

Test(whose, a_call_that_nobody_answered_is_not_the_proxys_however_late_it_is_cut)
{
    expect_whose_when_stopped(ORIGIN({.deeds = {SILENCE}}), "whose=default");
}
