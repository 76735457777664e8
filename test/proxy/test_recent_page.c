#include "proxy/recent_page.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/json.h"
#include "proxy/admin.h"
#include "proxy/recent.h"
#include "test/support/json_reader.h"

enum { WORKERS = 2 };

static char names[][8] = {"page", "order", "stock", "price", "west"};
static struct conf_upstream upstreams[] = {{.name = names[4]}};
static struct conf_call page_calls[] = {{.name = names[2]}, {.name = names[3]}};
static struct conf_call order_calls[] = {{.name = names[2]}};
static struct conf_route routes[] = {
    {.name = names[0], .calls = page_calls, .calls_count = 2},
    {.name = names[1], .calls = order_calls, .calls_count = 1},
};
static struct conf_address address;
static struct conf conf = {
    .proxy = {.admin = &address, .recent = 200},
    .routes = routes,
    .routes_count = 2,
    .upstreams = upstreams,
    .upstreams_count = 1,
};
static struct recent *recents[WORKERS];
static struct admin admin = {.conf = &conf, .recents = recents, .workers_count = WORKERS};
static const struct trace_context TRACE = {.id = "4bf92f3577b34da6a3ce929d0e0e4736"};
static char *page;
static size_t page_count;
static int64_t clock_ms;
static struct verdict judged; /* on those that are kept from now on; as the next three */
static enum reason reason;
static enum whose whose;
static int blamed;

static void set_up(void)
{
    judged = (struct verdict){.blamed = NO_CALL};
    reason = REASON_NONE;
    whose = WHOSE_NOBODY;
    blamed = NO_CALL;
    for (size_t i = 0; i < WORKERS; i++)
        recents[i] = recent_create(&conf);
}

static void tear_down(void)
{
    for (size_t i = 0; i < WORKERS; i++)
        recent_destroy(recents[i]);
    free(page);
}

TestSuite(recent_page, .init = set_up, .fini = tear_down);

static struct text asked(const char *query, int expected)
{
    free(page);
    FILE *out = open_memstream(&page, &page_count);
    int status = recent_page_print(&admin, text_of(query), out);

    fclose(out);
    cr_assert_eq(status, expected, "%s: %d, %s", query, status, page);
    return (struct text){.at = page, .count = page_count};
}

/* Of a route, 100 ms of budget; later than all before. */
static void keep(size_t worker, const struct conf_route *route, const char *id, int64_t used_ms,
                 enum ending ending)
{
    struct record record = {
        .route = route,
        .id = text_of(id),
        .trace = &TRACE,
        .client = TEXT("192.0.2.1"),
        .method = TEXT("GET"),
        .path = TEXT("/x"),
        .status = ending == ENDING_TIMEOUT ? 504 : 200,
        .ending = ending,
        .reason = reason,
        .whose = whose,
        .blamed = blamed,
        .phase = PHASE_SENDING,
        .started = {.ns = ++clock_ms * NS_PER_MS},
        .budget = span_ms(100),
        .verdict = judged,
        .calls_count = route ? route->calls_count : 0,
    };

    record.ended = instant_after(record.started, span_ms(used_ms));
    clock_ms += used_ms;
    for (size_t i = 0; i < record.calls_count; i++)
        record.calls[i] = (struct record_call){.conf = &route->calls[i], .outcome = CALL_OK};
    recent_keep(recents[worker], &record, clock_ms);
}

/* The ids of the answer, as "a b c". */
static const char *ids(const char *query)
{
    static char list[4096];
    struct text document = asked(query, 200);

    cr_assert(json_is_value(document), "no JSON: %s", page);
    cr_assert(json_reader_is_value(json_trimmed(document)), "no JSON: %s", page);
    list[0] = '\0';
    for (int i = 0;; i++) {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/requests/%d/request_id", i);
        struct text id = json_find(document, text_of(pointer));
        if (!id.at)
            return list;
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%.*s", i > 0 ? " " : "",
                 (int)id.count - 2, id.at + 1);
    }
}

static void expect_at(const char *pointer, const char *expected)
{
    struct text found = json_find((struct text){.at = page, .count = page_count}, text_of(pointer));

    cr_assert_not_null(found.at, "nothing at %s in %s", pointer, page);
    cr_expect(text_is(found, text_of(expected)), "%s is %.*s, not %s", pointer, (int)found.count,
              found.at, expected);
}

static void keep_some(void)
{
    keep(0, &routes[0], "a", 10, ENDING_OK);
    keep(1, &routes[1], "b", 99, ENDING_TIMEOUT);
    keep(0, &routes[1], "c", 90, ENDING_OK);
    keep(1, &routes[0], "d", 20, ENDING_UPSTREAM_5XX);
    keep(0, NULL, "e", 30, ENDING_REFUSED);
}

Test(recent_page, shows_the_newest_of_all_workers_first)
{
    keep_some();
    cr_expect_str_eq(ids(""), "e d c b a");
    expect_at("/kept", "5");
    expect_at("/skipped", "0");
    cr_expect_not_null(json_find(text_of(page), TEXT("/time_ms")).at);
    expect_at("/requests/1/calls/0/upstream", "\"west\"");
    expect_at("/requests/1/outcome", "\"upstream_5xx\"");
}

Test(recent_page, is_an_empty_list_where_nothing_has_ended_or_none_are_kept)
{
    struct recent *none[WORKERS] = {NULL, NULL};

    cr_expect_str_eq(ids(""), "");
    expect_at("/requests", "[]");
    admin.recents = none;
    cr_expect_str_eq(ids(""), "");
    expect_at("/kept", "0");
    admin.recents = recents;
}

Test(recent_page, shows_failures_first_and_then_who_used_most_of_its_budget)
{
    keep_some();
    cr_expect_str_eq(ids("worst=1"), "b d c a e");
    cr_expect_str_eq(ids("worst=1&limit=2"), "b d");
}

static void keep_late(const char *id, int64_t used_ms, enum reason why, int call)
{
    reason = why;
    blamed = call;
    keep(0, &routes[0], id, used_ms, ENDING_TIMEOUT);
}

Test(recent_page, shows_the_worst_of_each_kind_before_a_second_one_of_any)
{
    keep_late("a", 130, REASON_CALL, 0);
    keep_late("b", 140, REASON_CALL, 0);
    keep_late("c", 120, REASON_CALL, 0);
    keep_late("d", 20, REASON_CALL, 1);
    keep_late("e", 10, REASON_INFEASIBLE, 1);
    keep_late("f", 11, REASON_INFEASIBLE, 1);
    reason = REASON_NONE;
    blamed = NO_CALL;
    keep(1, &routes[1], "g", 5, ENDING_FAILED);
    keep(1, &routes[1], "h", 99, ENDING_OK);
    keep(0, &routes[1], "i", 98, ENDING_OK);
    keep(0, &routes[0], "j", 3, ENDING_OK);
    cr_expect_str_eq(ids("worst=1"), "b d f g a c e h j i");
    cr_expect_str_eq(ids("worst=1&limit=3"), "b d f");
    cr_expect_str_eq(ids("worst=1&limit=1"), "b");
}

Test(recent_page, tells_kinds_apart_by_whose_limit_it_was)
{
    whose = WHOSE_CALL;
    keep_late("a", 130, REASON_CALL, 0);
    keep_late("b", 120, REASON_CALL, 0);
    whose = WHOSE_PROXY;
    keep_late("c", 110, REASON_CALL, 0);
    cr_expect_str_eq(ids("worst=1"), "a c b");
    cr_expect_str_eq(ids("whose=proxy"), "c");
    cr_expect_str_eq(ids("whose=drain"), "");
    cr_expect_str_eq(ids("whose=call&limit=1&worst=1"), "a");
}

Test(recent_page, finds_each_kind_among_very_many_of_one)
{
    for (int i = 0; i < 150; i++) {
        keep_late("x", 100 + i, REASON_CALL, 0);
        if (i == 3)
            keep_late("y", 1, REASON_QUEUE, 0);
    }
    cr_expect_str_eq(ids("worst=1&limit=4"), "x y x x");
}

Test(recent_page, finds_what_ended_for_a_reason)
{
    keep_late("a", 99, REASON_CALL, 0);
    keep_late("b", 99, REASON_DRAIN, NO_CALL);
    reason = REASON_FAILED;
    keep(1, &routes[1], "f", 5, ENDING_FAILED);
    cr_expect_str_eq(ids("reason=call"), "a");
    cr_expect_str_eq(ids("reason=failed"), "f");
    cr_expect_str_eq(ids("reason=local"), "");
}

Test(recent_page, shows_only_what_it_is_asked_for)
{
    keep_some();
    cr_expect_str_eq(ids("route=order"), "c b");
    cr_expect_str_eq(ids("route=%6frder&outcome=timeout"), "b");
    cr_expect_str_eq(ids("outcome=ok"), "c a");
    cr_expect_str_eq(ids("call=price"), "d a");
    cr_expect_str_eq(ids("call=stock&limit=1"), "d");
    cr_expect_str_eq(ids("id=c"), "c");
    cr_expect_str_eq(ids("route=(none)"), "e");
    cr_expect_str_eq(ids("route=nowhere"), "");
    expect_at("/kept", "5");
}

Test(recent_page, finds_what_would_have_run_out_of_time)
{
    keep(0, &routes[0], "a", 10, ENDING_OK);
    judged = (struct verdict){.would = WOULD_GO_ON, .blamed = NO_CALL};
    keep(0, &routes[0], "b", 10, ENDING_OK);
    judged = (struct verdict){
        .would = WOULD_TIME_OUT, .reason = REASON_CALL, .blamed = 1, .cut = 2, .skipped = 1};
    keep(1, &routes[0], "c", 10, ENDING_OK);
    judged = (struct verdict){.would = WOULD_BREAK_OFF, .reason = REASON_LOCAL, .blamed = NO_CALL};
    keep(1, &routes[0], "d", 10, ENDING_OK);
    cr_expect_str_eq(ids("would=go_on"), "b");
    cr_expect_str_eq(ids("would=break_off"), "d");
    cr_expect_str_eq(ids("would=time_out&outcome=ok"), "c");
    expect_at("/requests/0/would", "\"time_out\"");
    expect_at("/requests/0/would_reason", "\"call\"");
    expect_at("/requests/0/would_call", "\"price\"");
    expect_at("/requests/0/would_cut", "[\"price\"]");
    expect_at("/requests/0/would_skip", "[\"stock\"]");
}

Test(recent_page, shows_a_hundred_unless_it_is_asked_for_more)
{
    for (int i = 0; i < 150; i++)
        keep(0, &routes[0], "x", 1, ENDING_OK);
    cr_expect_eq(strlen(ids("")), 2 * 100 - 1);
    cr_expect_eq(strlen(ids("limit=150")), 2 * 150 - 1);
    cr_expect_eq(strlen(ids("limit=1000")), 2 * 150 - 1);
}

Test(recent_page, finds_the_worst_wherever_it_stands_among_many)
{
    for (int i = 0; i < 200; i++)
        keep((size_t)i % WORKERS, &routes[0], i == 57 ? "w" : "x", i == 57 ? 79 : 1 + i % 70,
             ENDING_OK);
    cr_expect_str_eq(ids("worst=1&limit=1"), "w");
    expect_at("/kept", "200");
    cr_expect_eq(strlen(ids("worst=1&limit=7")), 2 * 7 - 1);
}

Test(recent_page, says_what_is_wrong_with_a_question)
{
    static const struct {
        const char *query;
        const char *says;
    } rows[] = {
        {"routes=page", "There is no such parameter"},
        {"=page", "There is no such parameter"},
        {"route=a&route=b", "twice"},
        {"limit=0", "limit must be"},
        {"limit=1001", "limit must be"},
        {"limit=-1", "limit must be"},
        {"limit=", "limit must be"},
        {"limit=99999999999999999999999", "limit must be"},
        {"worst=yes", "worst must be"},
        {"outcome=bad", "There is no such outcome"},
        {"whose=nobody", "whose must be"},
        {"whose=Client", "whose must be"},
        {"reason=none", "There is no such reason"},
        {"reason=", "There is no such reason"},
        {"would=fail", "would must be"},
        {"would=unknown", "would must be"},
        {"id=%zz", "hexadecimal"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        asked(rows[i].query, 400);
        cr_expect_not_null(strstr(page, rows[i].says), "%s: %s", rows[i].query, page);
        cr_expect_eq(page[page_count - 1], '\n');
    }
}

Test(recent_page, holds_the_longest_plan_with_the_longest_names)
{
    static char longest[190];
    static struct conf_call many[PLAN_CALLS_MAX];
    struct conf_route wide = {.name = longest, .calls = many, .calls_count = PLAN_CALLS_MAX};
    struct conf_upstream upstream = {.name = longest};
    struct conf widest = {.proxy = {.admin = &address, .recent = 1},
                          .routes = &wide,
                          .routes_count = 1,
                          .upstreams = &upstream};

    memset(longest, 'n', sizeof longest - 1);
    for (size_t i = 0; i < PLAN_CALLS_MAX; i++)
        many[i].name = longest;
    recent_destroy(recents[0]);
    recents[0] = recent_create(&widest);
    admin.conf = &widest;
    keep(0, &wide, "w", 30000, ENDING_OK);
    cr_expect_str_eq(ids(""), "w");
    expect_at("/requests/0/calls/31/attempts", "0");
    admin.conf = &conf;
}
