#include "proxy/stub.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/clock.h"
#include "test/support/fake_client.h"

static struct event_base *base;
static struct pool pool;
static struct fake_client fake;
static struct conf_stub conf;
static char name[] = "db";

static void set_up(void)
{
    base = event_base_new();
    pool_init(&pool);
    fake_client_init(&fake, &pool);
    conf = (struct conf_stub){.name = name, .status = 200};
}

static void tear_down(void)
{
    fake_client_finish(&fake);
    event_base_free(base);
    pool_finish(&pool);
}

TestSuite(stub, .init = set_up, .fini = tear_down);

static struct stub *create(const char *body, struct span latency)
{
    static char text[100];

    snprintf(text, sizeof(text), "%s", body);
    conf.body = text;
    conf.low = latency;
    return stub_create(&conf, base, &pool, 1);
}

static void *ask(struct stub *stub, enum body_kind body)
{
    static const struct header told = {TEXT("X-Request-Timeout-MS"), TEXT("123")};
    struct request request = {
        .method = TEXT("GET"), .headers = &told, .headers_count = 1, .body = body};

    return stub_service.on_request(stub, &fake.client, &request, clock_now());
}

Test(stub, without_latency_it_answers_before_on_request_returns)
{
    struct stub *stub = create("{\"rows\": 3}", SPAN_NONE);

    ask(stub, BODY_NONE);
    cr_expect_eq(fake.ends, 1);
    cr_expect_eq(fake.status, 200);
    cr_expect_str_eq(fake.body, "{\"rows\": 3}");
    cr_expect_eq(fake.length, 11);
    cr_expect_str_eq(fake.headers, "Content-Type: application/json\n"
                                   "X-Stub: db\nX-Stub-Told: 123\n");
    stub_destroy(stub);
}

Test(stub, a_body_that_is_not_json_is_plain_text)
{
    static const struct {
        const char *body;
        const char *type;
    } cases[] = {
        {"[]", "application/json"}, {"\"x\"", "application/json"},
        {"{", "application/json"},  {"hello", "text/plain"},
        {"", "text/plain"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stub *stub = create(cases[i].body, SPAN_NONE);
        fake.headers_count = 0;
        ask(stub, BODY_NONE);
        cr_expect(strstr(fake.headers, cases[i].type), "%s: %s", cases[i].body, fake.headers);
        stub_destroy(stub);
    }
}

Test(stub, it_says_nothing_of_a_budget_that_it_was_not_told)
{
    struct request request = {.method = TEXT("GET")};
    struct stub *stub = create("", SPAN_NONE);

    stub_service.on_request(stub, &fake.client, &request, clock_now());
    cr_expect_eq(fake.replies, 1);
    cr_expect_eq(fake.length, 0);
    cr_expect_null(strstr(fake.headers, "X-Stub-Told"));
    stub_destroy(stub);
}

Test(stub, a_status_that_has_no_body_is_sent_without_one)
{
    conf.status = 204;
    struct stub *stub = create("never", SPAN_NONE);

    ask(stub, BODY_NONE);
    cr_expect_eq(fake.status, 204);
    cr_expect_eq(fake.length, LENGTH_NO_BODY);
    cr_expect_eq(fake.body_count, 0);
    stub_destroy(stub);
}

Test(stub, it_answers_after_its_latency_and_never_before)
{
    struct stub *stub = create("late", span_ms(30));

    for (int i = 0; i < 5; i++) {
        struct instant started = clock_now();
        ask(stub, BODY_NONE);
        cr_assert_eq(fake.ends, (unsigned)i);
        event_base_dispatch(base);
        cr_assert_eq(fake.ends, (unsigned)i + 1);
        cr_expect(span_covers(span_since(started, clock_now()), span_ms(30)));
    }
    stub_destroy(stub);
}

Test(stub, it_reads_the_body_to_its_end_before_it_answers)
{
    struct stub *stub = create("done", SPAN_NONE);
    void *owner = ask(stub, BODY_CHUNKED);
    size_t window = fake.wanted;

    cr_expect(window >= 65536);
    cr_expect_eq(fake.replies, 0);
    stub_service.on_body(owner, "12345", 5, clock_now());
    cr_expect_eq(fake.wanted, window + 5);
    cr_expect_eq(fake.replies, 0);
    stub_service.on_body_end(owner, clock_now());
    cr_expect_eq(fake.ends, 1);
    stub_destroy(stub);
}

Test(stub, a_body_that_takes_longer_than_the_latency_adds_no_more)
{
    struct stub *stub = create("done", span_ms(20));
    void *owner = ask(stub, BODY_LENGTH);
    struct instant later = instant_after(clock_now(), span_ms(21));

    stub_service.on_body_end(owner, later);
    cr_expect_eq(fake.ends, 1);
    stub_destroy(stub);
}

Test(stub, a_client_that_has_left_is_not_answered)
{
    struct stub *stub = create("late", span_ms(10));
    void *owner = ask(stub, BODY_NONE);

    stub_service.on_gone(owner, CLIENT_LEFT, clock_now());
    event_base_dispatch(base);
    cr_expect_eq(fake.replies, 0);
    cr_expect_eq(fake.ends, 0);
    cr_expect_eq(pool.kept[POOL_1K], 1);
    stub_destroy(stub);
}

Test(stub, an_answer_on_its_way_is_kept_until_it_is_sent)
{
    struct stub *stub = create("x", SPAN_NONE);

    fake.is_sent_later = true;
    void *owner = ask(stub, BODY_NONE);
    cr_expect_eq(fake.ends, 1);
    cr_expect_eq(pool.kept[POOL_1K], 0);
    stub_service.on_sent(owner, clock_now());
    cr_expect_eq(pool.kept[POOL_1K], 1);
    stub_destroy(stub);
}

Test(stub, destroying_it_drops_the_answers_that_are_due)
{
    struct stub *stub = create("x", span_ms(1));

    for (int i = 0; i < 3; i++)
        ask(stub, BODY_NONE);
    stub_destroy(stub);
    event_base_dispatch(base);
    cr_expect_eq(fake.replies, 0);
    cr_expect_eq(pool.kept[POOL_1K], 3);
}

Test(stub, once_warm_a_request_takes_no_memory_from_the_system)
{
    struct stub *stub = create("{}", SPAN_NONE);

    ask(stub, BODY_NONE);
    uint64_t before = pool.mallocs;
    fake.headers_count = 0;
    for (int i = 0; i < 10; i++, fake.headers_count = 0)
        ask(stub, BODY_NONE);
    cr_expect_eq(pool.mallocs, before);
    stub_destroy(stub);
}

Test(stub, the_share_that_fails_is_answered_503)
{
    enum { ASKED = 20000 };
    int failures = 0;

    conf.fail = 100000; /* 10 % */
    struct stub *stub = create("", SPAN_NONE);
    for (int i = 0; i < ASKED; i++) {
        fake.headers_count = 0;
        ask(stub, BODY_NONE);
        failures += fake.status == 503;
    }
    cr_expect(failures > ASKED * 9 / 100 && failures < ASKED * 11 / 100, "%d", failures);
    stub_destroy(stub);
}

Test(stub, the_same_seed_repeats_the_same_failures)
{
    enum { ASKED = 64 };
    uint64_t runs[3] = {0};
    static const uint64_t seeds[] = {7, 7, 8};

    conf.fail = 500000;
    for (int run = 0; run < 3; run++) {
        struct stub *stub = stub_create(&conf, base, &pool, seeds[run]);
        for (int i = 0; i < ASKED; i++) {
            fake.headers_count = 0;
            ask(stub, BODY_NONE);
            runs[run] = runs[run] << 1 | (fake.status == 503);
        }
        stub_destroy(stub);
    }
    cr_expect_eq(runs[0], runs[1]);
    cr_expect_neq(runs[0], runs[2]);
}

Test(stub, a_fixed_latency_leaves_nothing_to_chance)
{
    conf.low = span_ms(80);
    cr_expect_eq(stub_latency(&conf, 0.0, -9.0).ns, span_ms(80).ns);
    cr_expect_eq(stub_latency(&conf, 0.999, 9.0).ns, span_ms(80).ns);
}

Test(stub, a_uniform_latency_lies_between_its_bounds)
{
    conf.latency = LATENCY_UNIFORM;
    conf.low = span_ms(20);
    conf.high = span_ms(200);
    cr_expect_eq(stub_latency(&conf, 0.0, 0.0).ns, span_ms(20).ns);
    cr_expect_eq(stub_latency(&conf, 0.5, 0.0).ns, span_ms(110).ns);
    cr_expect(stub_latency(&conf, 0x1.fffffffffffffp-1, 0.0).ns <= span_ms(200).ns);
}

Test(stub, a_lognormal_latency_is_told_by_its_median_and_its_99th_percentile)
{
    conf.latency = LATENCY_LOGNORMAL;
    conf.low = span_ms(80);
    conf.high = span_ms(400);
    cr_expect_eq(stub_latency(&conf, 0.0, 0.0).ns, span_ms(80).ns);
    int64_t p99 = stub_latency(&conf, 0.0, 2.3263478740408408).ns;
    cr_expect(llabs(p99 - span_ms(400).ns) < 1000, "%lld", (long long)p99);
    cr_expect(stub_latency(&conf, 0.0, -40.0).ns >= 0);
    cr_expect_eq(stub_latency(&conf, 0.0, 1000.0).ns, SPAN_FOREVER.ns);
    conf.high = conf.low;
    cr_expect_eq(stub_latency(&conf, 0.0, 3.0).ns, span_ms(80).ns);
}

/* Asks many times and counts who is answered up to a moment: the moment is told, not waited for. */
static int count_answered(struct stub *stub, int asked, struct span up_to)
{
    struct request request = {.method = TEXT("PUT"), .body = BODY_CHUNKED};
    struct instant start = clock_now();
    int answered = 0;

    for (int i = 0; i < asked; i++) {
        fake.headers_count = 0;
        fake.ends = 0;
        void *owner = stub_service.on_request(stub, &fake.client, &request, start);
        stub_service.on_body_end(owner, instant_after(start, up_to));
        if (fake.ends)
            answered++;
        else
            stub_service.on_gone(owner, CLIENT_LEFT, start);
    }
    return answered;
}

Test(stub, drawn_latencies_have_the_distribution_of_the_configuration)
{
    enum { ASKED = 20000 };
    static const struct {
        enum latency_kind kind;
        int64_t up_to_ms;
        double share;
    } cases[] = {
        {LATENCY_UNIFORM, 79, 0.0},    {LATENCY_UNIFORM, 160, 0.25}, {LATENCY_UNIFORM, 240, 0.5},
        {LATENCY_UNIFORM, 400, 1.0},   {LATENCY_LOGNORMAL, 80, 0.5}, {LATENCY_LOGNORMAL, 400, 0.99},
        {LATENCY_LOGNORMAL, 16, 0.01}, {LATENCY_FIXED, 80, 1.0},     {LATENCY_FIXED, 79, 0.0},
    };

    conf.high = span_ms(400);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        conf.latency = cases[i].kind;
        struct stub *stub = create("", span_ms(80));
        double share = count_answered(stub, ASKED, span_ms(cases[i].up_to_ms)) / (double)ASKED;
        double slack = cases[i].share > 0.0 && cases[i].share < 1.0 ? 0.015 : 0.0;
        cr_expect(share >= cases[i].share - slack && share <= cases[i].share + slack,
                  "case %zu: %f", i, share);
        stub_destroy(stub);
    }
}
