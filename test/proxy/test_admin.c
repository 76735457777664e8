#include "proxy/admin.h"

#include <criterion/criterion.h>
#include <string.h>

#include "test/support/fake_client.h"

static struct conf conf;
static struct metrics metrics;
static const struct metrics *workers[] = {&metrics};
static struct pool pool;
static struct admin admin;
static struct fake_client fake;

static void set_up(void)
{
    pool_init(&pool);
    metrics_init(&metrics, &conf);
    fake_client_init(&fake, &pool);
    admin = (struct admin){
        .conf = &conf,
        .workers = workers,
        .workers_count = 1,
        .log = log_create("off"),
        .pool = &pool,
    };
}

static void tear_down(void)
{
    struct log *log = (struct log *)(uintptr_t)admin.log;

    log_destroy(log);
    fake_client_finish(&fake);
    metrics_finish(&metrics);
    pool_finish(&pool);
}

TestSuite(admin, .init = set_up, .fini = tear_down);

/* Asks for a page: the answer is in fake. */
static void ask(const char *method, const char *path)
{
    struct request request = {.method = text_of(method), .path = text_of(path)};

    fake_client_finish(&fake);
    fake_client_init(&fake, &pool);
    fake.is_head = request.is_head = strcmp(method, "HEAD") == 0;
    cr_assert(admin_service.on_request(&admin, &fake.client, &request, INSTANT_NEVER));
    cr_assert_eq(fake.replies, 1);
    cr_assert_eq(fake.ends, 1);
    cr_assert_eq(fake.cuts, 0);
}

Test(admin, health_and_readiness_are_answered)
{
    ask("GET", "/healthz");
    cr_expect_eq(fake.status, 200);
    cr_expect_str_eq(fake.body, "ok\n");
    cr_expect_eq(fake.length, 3);
    ask("GET", "/readyz");
    cr_expect_eq(fake.status, 200);
    cr_expect_str_eq(fake.body, "ready\n");
}

Test(admin, a_draining_proxy_is_healthy_but_not_ready)
{
    admin.is_draining = true;
    ask("GET", "/readyz");
    cr_expect_eq(fake.status, 503);
    cr_expect_str_eq(fake.body, "draining\n");
    ask("GET", "/healthz");
    cr_expect_eq(fake.status, 200);
}

Test(admin, metrics_have_the_type_of_the_text_format_and_a_length)
{
    counter_add(&metrics.in_flight, 3);
    ask("GET", "/metrics");
    cr_expect_eq(fake.status, 200);
    cr_expect(strstr(fake.headers, "Content-Type: text/plain; version=0.0.4"));
    cr_expect(strstr(fake.body, "\nhourglass_requests_in_flight 3\n"));
    cr_expect_eq(fake.length, (int64_t)fake.body_count);
}

Test(admin, head_says_the_same_length_without_a_body)
{
    ask("HEAD", "/healthz");
    cr_expect_eq(fake.status, 200);
    cr_expect_eq(fake.length, 3);
    cr_expect_eq(fake.body_count, 0);
}

Test(admin, another_path_is_not_found_whatever_the_method)
{
    static const char *const paths[] = {"/", "/healthz/", "/Healthz", "/metrics/x", "*", ""};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        ask(i % 2 ? "POST" : "GET", paths[i]);
        cr_expect_eq(fake.status, 404, "%s", paths[i]);
        cr_expect_null(strstr(fake.headers, "Allow"));
    }
}

Test(admin, another_method_is_told_which_are_allowed)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "get"};

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        ask(methods[i], "/metrics");
        cr_expect_eq(fake.status, 405, "%s", methods[i]);
        cr_expect(strstr(fake.headers, "Allow: GET, HEAD\n"));
    }
}

Test(admin, what_happens_after_the_answer_does_no_harm)
{
    struct request request = {.method = TEXT("POST"), .path = TEXT("/healthz")};

    fake.is_sent_later = true;
    void *owner = admin_service.on_request(&admin, &fake.client, &request, INSTANT_NEVER);
    admin_service.on_body(owner, "x", 1, INSTANT_NEVER);
    admin_service.on_body_end(owner, INSTANT_NEVER);
    admin_service.on_writable(owner, INSTANT_NEVER);
    admin_service.on_sent(owner, INSTANT_NEVER);
    admin_service.on_gone(owner, CLIENT_LEFT, INSTANT_NEVER);
    cr_expect_eq(fake.replies, 1);
    cr_expect_eq(fake.ends, 1);
}
