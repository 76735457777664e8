#include "proxy/recent.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

static char name[] = "page";
static struct conf_call calls[] = {{.name = name}};
static struct conf_route route = {.name = name, .calls = calls, .calls_count = 1};
static struct conf_address address;
static struct conf conf = {.proxy = {.admin = &address}, .routes = &route, .routes_count = 1};
static const struct trace_context TRACE = {.id = "4bf92f3577b34da6a3ce929d0e0e4736"};
static struct recent *recent;

TestSuite(recent, .timeout = 300);

static void create(unsigned size)
{
    conf.proxy.recent = size;
    recent = recent_create(&conf);
    cr_assert_not_null(recent);
}

/* One that ended after so many of the 100 ms that it had. */
static struct record ended(enum ending ending, int64_t after_ms)
{
    return (struct record){
        .route = &route,
        .id = TEXT("r-1"),
        .trace = &TRACE,
        .ending = ending,
        .blamed = NO_CALL,
        .ended = {.ns = after_ms * NS_PER_MS},
        .budget = span_ms(100),
        .calls_count = 1,
        .calls = {{.conf = &calls[0], .outcome = CALL_OK}},
    };
}

static size_t count_of(enum recent_kind kind)
{
    struct recent_entry entry;
    size_t count = 0;

    while (count < recent_size(recent) && recent_read(recent, kind, count, &entry))
        count++;
    return count;
}

Test(recent, none_are_kept_where_nobody_could_see_them_or_none_are_wanted)
{
    conf.proxy.recent = 0;
    cr_expect_null(recent_create(&conf));
    conf.proxy.recent = 8;
    conf.proxy.admin = NULL;
    cr_expect_null(recent_create(&conf));
    recent_destroy(NULL);
}

Test(recent, the_newest_take_the_places_of_the_oldest)
{
    bool is_there[10] = {false};

    create(4);
    for (int64_t i = 0; i < 10; i++) {
        struct record record = ended(ENDING_OK, 1);
        recent_keep(recent, &record, i);
    }
    cr_expect_eq(count_of(RECENT_WELL), 4);
    for (size_t i = 0; i < 4; i++) {
        struct recent_entry entry;
        cr_assert(recent_read(recent, RECENT_WELL, i, &entry));
        is_there[entry.ended_ms] = true;
    }
    for (size_t i = 0; i < 10; i++)
        cr_expect_eq(is_there[i], i >= 6, "%zu", i);
    recent_destroy(recent);
}

Test(recent, a_flood_of_good_ones_leaves_a_failure_where_it_is)
{
    struct record good = ended(ENDING_OK, 1);
    struct record bad = ended(ENDING_TIMEOUT, 99);
    struct recent_entry entry;

    create(4);
    recent_keep(recent, &bad, 7);
    for (int64_t i = 0; i < 100; i++)
        recent_keep(recent, &good, i);
    cr_assert(recent_read(recent, RECENT_NOTABLE, 0, &entry));
    cr_expect_eq(entry.ended_ms, 7);
    cr_expect_eq(entry.ending, ENDING_TIMEOUT);
    cr_expect_eq(count_of(RECENT_NOTABLE), 1);
    recent_destroy(recent);
}

Test(recent, notable_is_what_failed_or_used_over_80_percent)
{
    static const struct {
        enum ending ending;
        int64_t after_ms;
        enum recent_kind kind;
    } rows[] = {
        {ENDING_OK, 80, RECENT_WELL},
        {ENDING_OK, 81, RECENT_NOTABLE},
        {ENDING_REFUSED, 1, RECENT_WELL},
        {ENDING_UPSTREAM_5XX, 1, RECENT_NOTABLE},
        {ENDING_TIMEOUT, 1, RECENT_NOTABLE},
        {ENDING_FAILED, 1, RECENT_NOTABLE},
        {ENDING_OVERLOAD, 1, RECENT_NOTABLE},
        {ENDING_CUT, 1, RECENT_NOTABLE},
        {ENDING_CLIENT_GONE, 1, RECENT_NOTABLE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct record record = ended(rows[i].ending, rows[i].after_ms);
        create(2);
        recent_keep(recent, &record, 0);
        cr_expect_eq(count_of(rows[i].kind), 1, "row %zu", i);
        cr_expect_eq(count_of(RECENT_WELL) + count_of(RECENT_NOTABLE), 1, "row %zu", i);
        recent_destroy(recent);
    }
}

Test(recent, notable_is_what_would_have_run_out_of_time)
{
    for (enum would would = WOULD_UNKNOWN; would < WOULDS; would++) {
        bool is_notable = would == WOULD_TIME_OUT || would == WOULD_BREAK_OFF;
        struct record record = ended(ENDING_OK, 1);
        record.verdict.would = would;
        create(2);
        recent_keep(recent, &record, 0);
        cr_expect_eq(count_of(is_notable ? RECENT_NOTABLE : RECENT_WELL), 1, "%d", (int)would);
        recent_destroy(recent);
    }
}

Test(recent, what_no_route_took_has_no_budget_to_use_up)
{
    struct record record = ended(ENDING_REFUSED, 500);

    record.route = NULL;
    record.calls_count = 0;
    create(2);
    recent_keep(recent, &record, 0);
    cr_expect_eq(count_of(RECENT_WELL), 1);
    recent_destroy(recent);
}

static atomic_bool is_over;

/* Reads again and again, until it is over; what it reads must be whole. */
static void *read_on(void *arg)
{
    struct recent_entry entry;

    while (!atomic_load(&is_over)) {
        for (size_t i = 0; i < recent_size(recent); i++) {
            if (recent_read(recent, RECENT_WELL, i, &entry))
                cr_assert_eq(entry.ended_ms * NS_PER_MS, entry.ended.ns);
        }
    }
    return arg;
}

Test(recent, readers_get_whole_entries_and_what_they_keep_out_is_counted)
{
    enum { COUNT = 10000 };
    pthread_t readers[2];

    create(COUNT);
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&readers[i], NULL, read_on, NULL), 0);
    for (int64_t i = 0; i < COUNT; i++) {
        struct record record = ended(ENDING_OK, i);
        record.budget = SPAN_FOREVER;
        recent_keep(recent, &record, i);
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    cr_expect_eq(count_of(RECENT_WELL) + recent_skipped(recent), COUNT);
    recent_destroy(recent);
}
