/* One request from arrival to reply: its steps, its calls side by side, and what the client gets
 * when one of them fails. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/clock.h"
#include "test/support/world.h"

TestSuite(exchange, .timeout = 300);

/* Three calls: first, then second and answer as the plan of the test has it. */
struct trio {
    struct world *world;
    struct origin *first;
    struct origin *second;
    struct origin *answer;
};

static struct trio before(struct origin *first, struct origin *second, struct origin *answer,
                          const char *plan)
{
    return (struct trio){.first = first,
                         .second = second,
                         .answer = answer,
                         .world = world_start(WORLD_PROXY WORLD_BUDGET
                                              "default = 3s\n"
                                              "[upstream first]\nurl = http://127.0.0.1:%u\n"
                                              "[upstream second]\nurl = http://127.0.0.1:%u\n"
                                              "[upstream answer]\nurl = http://127.0.0.1:%u\n"
                                              "[call r.answer]\nupstream = answer\n"
                                              "[route r]\nmatch = /r/{id}\n%s",
                                              origin_port(first), origin_port(second),
                                              origin_port(answer), plan)};
}

#define FIRST "[call r.first]\nupstream = first\nrequest = GET /first?x=1\nheader = X-A: b c\n"
#define SECOND "[call r.second]\nupstream = second\nrequest = POST /second\n"
#define ONE_BY_ONE "steps = first, second, answer\n"
#define SIDE_BY_SIDE "steps = first + second, answer\n"

static struct origin *ok_after(int64_t ms)
{
    return origin_answering(ANSWER_OK, ms);
}

static struct origin *silent(void)
{
    return ORIGIN({.deeds = {SILENCE}});
}

/* What ran out is the wait for a place, though the place comes free in that very moment. */
Test(exchange, call_is_not_started_when_its_time_to_wait_for_a_place_is_over)
{
    struct origin *origin = silent();
    struct world *world = world_start(
        WORLD_PATIENT "[upstream narrow]\nurl = http://127.0.0.1:%u\nconnections = 1\n"
                      "[call r.first]\nupstream = narrow\nrequest = GET /first\noptional = yes\n"
                      "budget = 500ms\n[call r.second]\nupstream = narrow\nbudget = 500ms\n"
                      "[route r]\nmatch = /*\nsteps = first + second\n",
        origin_port(origin));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), "queue");
    cr_expect_str_eq(reply_member(reply, "call"), "second");
    cr_expect(LOGS(world, "first:timeout:", "second:queue_timeout:"));
    world_stop(world);
}

static int told(struct origin *origin)
{
    const char *value =
        message_header(&origin_request(origin, 0)->message, "X-Request-Timeout-Ms", 0);

    cr_assert_not_null(value, "the origin was told nothing");
    return atoi(value);
}

Test(exchange, steps_run_one_after_another)
{
    struct trio it = before(ok_after(40), ok_after(40), ok_after(0), ONE_BY_ONE FIRST SECOND);
    const struct reply *reply = world_get(it.world, "/r/1", "");
    struct instant first = origin_request(it.first, 0)->at;
    struct instant second = origin_request(it.second, 0)->at;
    struct instant answer = origin_request(it.answer, 0)->at;

    cr_expect_eq(reply->status, 200);
    cr_expect_geq(span_since(first, second).ns, span_ms(40).ns);
    cr_expect_geq(span_since(second, answer).ns, span_ms(40).ns);
    world_stop(it.world);
}

/* Both have been asked before either has answered. */
Test(exchange, calls_of_a_step_run_side_by_side)
{
    struct trio it = before(ok_after(1000), ok_after(1000), ok_after(0), SIDE_BY_SIDE FIRST SECOND);
    struct dialogue *dialogue = world_dial(it.world);

    dialogue_send(dialogue, "GET /r/1 HTTP/1.1\r\nHost: h\r\n\r\n");
    struct instant first = origin_request(it.first, 0)->at;
    struct instant second = origin_request(it.second, 0)->at;
    cr_expect_eq(dialogue_read(dialogue)->status, 200);
    cr_expect_lt(span_since(first, second).ns, span_ms(1000).ns);
    cr_expect_lt(span_since(second, first).ns, span_ms(1000).ns);
    cr_expect_geq(span_since(first, origin_request(it.answer, 0)->at).ns, span_ms(1000).ns);
    world_stop(it.world);
}

Test(exchange, calls_with_a_request_of_their_own_send_that_and_the_last_sends_the_clients)
{
    struct trio it = before(ok_after(0), ok_after(0), ok_after(0), SIDE_BY_SIDE FIRST SECOND);

    cr_assert_eq(world_ask(it.world, "PUT /r/7?q=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                                     "X-Mine: 1\r\nX-A: mine\r\n\r\nabc")
                     ->status,
                 200);
    const struct message *first = &origin_request(it.first, 0)->message;
    const struct message *second = &origin_request(it.second, 0)->message;
    const struct message *answer = &origin_body(it.answer, 0)->message;
    cr_expect_str_eq(first->start, "GET /first?x=1 HTTP/1.1");
    cr_expect_str_eq(message_header(first, "X-A", 0), "b c");
    cr_expect_null(message_header(first, "X-A", 1));
    cr_expect_null(message_header(first, "Content-Length", 0));
    cr_expect_null(message_header(first, "Transfer-Encoding", 0));
    cr_expect_str_eq(second->start, "POST /second HTTP/1.1");
    cr_expect_str_eq(answer->start, "PUT /r/7?q=1 HTTP/1.1");
    cr_expect_str_eq(answer->body, "abc");
    cr_expect_str_eq(message_header(answer, "X-A", 0), "mine");
    world_stop(it.world);
}

Test(exchange, all_calls_carry_the_same_request_id)
{
    struct trio it = before(ok_after(0), ok_after(0), ok_after(0), SIDE_BY_SIDE FIRST SECOND);
    const char *id = reply_header(world_get(it.world, "/r/1", ""), "X-Request-Id");

    cr_expect_str_eq(message_header(&origin_request(it.first, 0)->message, "X-Request-Id", 0), id);
    cr_expect_str_eq(message_header(&origin_request(it.second, 0)->message, "X-Request-Id", 0), id);
    cr_expect_str_eq(message_header(&origin_request(it.answer, 0)->message, "X-Request-Id", 0), id);
    world_stop(it.world);
}

Test(exchange, each_call_is_told_what_it_has_left_when_it_is_sent)
{
    struct trio it = before(ok_after(100), ok_after(0), ok_after(0),
                            ONE_BY_ONE FIRST "budget = 2s\n" SECOND "budget = 10%\n");

    world_get(it.world, "/r/1", "X-Request-Timeout-Ms: 5000\r\n");
    cr_expect_leq(told(it.first), 2000);
    cr_expect_leq(told(it.second), 500);
    cr_expect_leq(told(it.answer), 5000 - 100 - 20, "100 are gone, and the reply is kept back");
    cr_expect_gt(told(it.first), 0);
    cr_expect_gt(told(it.second), 0);
    cr_expect_gt(told(it.answer), told(it.first));
    world_stop(it.world);
}

Test(exchange, call_that_waited_for_a_connection_is_told_what_the_wait_left)
{
    struct origin *origin = origin_answering(ANSWER_OK, 1000);
    struct world *world =
        world_start(WORLD_PATIENT "[upstream narrow]\nurl = http://127.0.0.1:%u\nconnections = 1\n"
                                  "[route r]\nmatch = /*\nupstream = narrow\n",
                    origin_port(origin));
    const char *request = "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Timeout-Ms: 3000\r\n\r\n";
    struct dialogue *first = world_dial(world);
    struct dialogue *second = world_dial(world);

    dialogue_send(first, request);
    struct instant free = instant_after(origin_request(origin, 0)->at, span_s(1)); /* the place */
    dialogue_send(second, request);
    cr_expect(world_comes_to(world, "hourglass_upstream_queue_length", "narrow", 1));
    struct span waited = span_until(free, clock_now());
    cr_expect_eq(dialogue_read(first)->status, 200);
    const struct arrival *arrival = origin_request(origin, 1);
    const char *left = message_header(&arrival->message, "X-Request-Timeout-Ms", 0);
    cr_expect_leq(atoi(left), 2990 - span_floor_ms(waited), "told %s", left);
    cr_expect_eq(dialogue_read(second)->status, 200);
    world_stop(world);
}

Test(exchange, required_failure_cancels_its_siblings_at_once)
{
    struct origin *fails = ORIGIN({.deeds = {READ_ALL, WAIT_MS(50), CLOSE}});
    struct trio it = before(fails, silent(), ok_after(0), SIDE_BY_SIDE FIRST SECOND);
    const struct reply *reply = world_get(it.world, "/r/1", "");
    struct instant failed = origin_ended(it.first, 0);

    cr_expect_eq(reply->status, 502);
    cr_expect_str_eq(reply_member(reply, "call"), "first");
    cr_expect_lt(span_since(failed, origin_ended(it.second, 0)).ns, span_ms(2000).ns);
    cr_expect_eq(origin_requests(it.answer), 0);
    cr_expect(LOGS(it.world, "status=502", "first", "second", "cancelled"));
    world_stop(it.world);
}

Test(exchange, optional_call_that_fails_leaves_a_gap)
{
    struct origin *fails = ORIGIN({.deeds = {READ_ALL, CLOSE}});
    struct trio it =
        before(fails, ok_after(0), ok_after(0), SIDE_BY_SIDE FIRST "optional = yes\n" SECOND);
    const struct reply *reply = world_get(it.world, "/r/1", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "first");
    world_stop(it.world);
}

Test(exchange, optional_calls_that_are_late_are_cut_and_all_gaps_are_named)
{
    struct trio it = before(silent(), silent(), ok_after(0),
                            SIDE_BY_SIDE FIRST "optional = yes\nbudget = 150ms\n" SECOND
                                               "optional = yes\nbudget = 200ms\n");
    const struct reply *reply = world_get(it.world, "/r/1", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_not_null(strstr(reply_header(reply, "X-Budget-Partial"), "first"));
    cr_expect_not_null(strstr(reply_header(reply, "X-Budget-Partial"), "second"));
    cr_expect_geq(reply->took.ns, span_ms(200).ns);
    (void)origin_ended(it.first, 0);
    (void)origin_ended(it.second, 0);
    world_stop(it.world);
}

Test(exchange, optional_call_that_answers_an_error_leaves_a_gap)
{
    struct origin *sad = origin_answering("HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno", 0);
    struct trio it =
        before(sad, ok_after(0), ok_after(0), ONE_BY_ONE FIRST "optional = yes\n" SECOND);
    const struct reply *reply = world_get(it.world, "/r/1", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "first");
    world_stop(it.world);
}

Test(exchange, optional_call_without_time_for_its_minimum_is_not_started)
{
    struct trio it = before(ok_after(0), ok_after(0), ok_after(0),
                            ONE_BY_ONE FIRST "optional = yes\nmin = 1s\n" SECOND);
    const struct reply *reply = world_get(it.world, "/r/1", "X-Request-Timeout-Ms: 900\r\n");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "first");
    cr_expect_eq(origin_connections(it.first), 0);
    cr_expect(LOGS(it.world, "status=200", "first", "skipped"));
    world_stop(it.world);
}

Test(exchange, error_of_a_call_before_the_answer_goes_to_the_client_as_it_is)
{
    struct origin *guard =
        origin_answering("HTTP/1.1 401 Who Are You\r\nContent-Length: 4\r\n"
                         "WWW-Authenticate: Basic realm=\"x\"\r\nX-Why: no\r\n\r\nwho?",
                         0);
    struct trio it = before(guard, ok_after(0), ok_after(0), ONE_BY_ONE FIRST SECOND);
    const struct reply *reply = world_get(it.world, "/r/1", "");

    cr_expect_eq(reply->status, 401);
    cr_expect_str_eq(reply->body, "who?");
    cr_expect_str_eq(reply_header(reply, "WWW-Authenticate"), "Basic realm=\"x\"");
    cr_expect_str_eq(reply_header(reply, "X-Why"), "no");
    cr_expect_eq(origin_requests(it.second), 0);
    cr_expect_eq(origin_requests(it.answer), 0);
    world_stop(it.world);
}

Test(exchange, good_answers_of_earlier_calls_are_not_mixed_into_the_reply)
{
    struct origin *chatty = origin_answering("HTTP/1.1 201 Made\r\nX-Chat: 1\r\nSet-Cookie: c=1\r\n"
                                             "Content-Length: 4\r\n\r\nchat",
                                             0);
    struct trio it = before(chatty, ok_after(0), ok_after(0), ONE_BY_ONE FIRST SECOND);
    const struct reply *reply = world_get(it.world, "/r/1", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "ok");
    cr_expect_null(message_header(&reply->message, "X-Chat", 0));
    cr_expect_null(message_header(&reply->message, "Set-Cookie", 0));
    world_stop(it.world);
}

Test(exchange, answer_may_be_any_call_of_the_last_step)
{
    struct origin *named = origin_answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n2nd", 0);
    struct trio it = before(ok_after(0), named, ok_after(60),
                            "steps = first, second + answer\nanswer = second\n" FIRST SECOND);
    const struct reply *reply = world_get(it.world, "/r/1", "");

    cr_expect_str_eq(reply->body, "2nd");
    world_stop(it.world);
}

Test(exchange, error_of_the_answering_call_is_the_answer)
{
    struct origin *gone = origin_answering("HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\ngone", 0);
    struct trio it = before(ok_after(0), ok_after(0), gone, SIDE_BY_SIDE FIRST SECOND);
    const struct reply *reply = world_get(it.world, "/r/1", "");

    cr_expect_eq(reply->status, 410);
    cr_expect_str_eq(reply->body, "gone");
    world_stop(it.world);
}

/* The reply may have begun; then it must not look complete. */
Test(exchange, required_call_beside_the_answer_that_fails_ends_the_request)
{
    struct origin *fails = ORIGIN({.deeds = {READ_ALL, WAIT_MS(60), CLOSE}});
    struct origin *goes_on =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"), WAIT_MS(2000),
                          SEND("def")}});
    struct trio it = before(ok_after(0), fails, goes_on,
                            "steps = first, second + answer\nanswer = answer\n" FIRST SECOND);
    const struct reply *reply = world_get(it.world, "/r/1", "");

    cr_expect(reply->status == 502 || reply->end == REPLY_TRUNCATED, "%d", reply->status);
    cr_expect_lt(reply->took.ns, span_ms(1500).ns);
    (void)origin_ended(it.answer, 0);
    world_stop(it.world);
}

Test(exchange, optional_call_beside_the_answer_does_not_hold_it_up_beyond_its_grant)
{
    struct trio it = before(ok_after(0), silent(), ok_after(0),
                            "steps = first, second + answer\nanswer = answer\n" FIRST SECOND
                            "optional = yes\nbudget = 60ms\n");
    const struct reply *reply = world_get(it.world, "/r/1", "");

    cr_expect_eq(reply->status, 200);
    cr_expect_str_eq(reply->body, "ok");
    cr_expect_lt(reply->took.ns, span_ms(1500).ns);
    (void)origin_ended(it.second, 0);
    world_stop(it.world);
}

Test(exchange, call_that_is_not_the_answer_may_take_the_clients_body)
{
    struct origin *store = origin_answering(ANSWER_OK, 0);
    struct origin *report =
        origin_answering("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nreport", 0);
    struct world *world =
        world_start(WORLD_PATIENT "[upstream store]\nurl = http://127.0.0.1:%u\n"
                                  "[upstream report]\nurl = http://127.0.0.1:%u\n"
                                  "[call r.store]\nupstream = store\n"
                                  "[call r.report]\nupstream = report\nrequest = GET /report\n"
                                  "[route r]\nmatch = /r\nsteps = store, report\n",
                    origin_port(store), origin_port(report));
    const struct reply *reply =
        world_ask(world, "POST /r HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");

    cr_expect_str_eq(reply->body, "report");
    cr_expect_str_eq(origin_body(store, 0)->message.body, "abc");
    cr_expect_null(message_header(&origin_request(report, 0)->message, "Content-Length", 0));
    world_stop(world);
}

Test(exchange, answer_to_a_head_request_of_the_plan_has_no_body_for_a_get)
{
    struct origin *origin =
        ORIGIN({.deeds = {SEND("HTTP/1.1 401 No\r\nContent-Length: 20\r\n\r\n")}});
    struct world *world =
        world_start(WORLD_PATIENT "[upstream auth]\nurl = http://127.0.0.1:%u\n"
                                  "[call r.auth]\nupstream = auth\nrequest = HEAD /auth\n"
                                  "[call r.main]\nupstream = auth\n"
                                  "[route r]\nmatch = /*\nsteps = auth, main\n",
                    origin_port(origin));
    const struct reply *reply = world_get(world, "/", "");

    cr_expect_eq(reply->status, 401);
    cr_expect_eq(reply->end, REPLY_COMPLETE);
    cr_expect_str_eq(reply_header(reply, "Content-Length"), "0");
    world_stop(world);
}
