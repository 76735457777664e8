#include "proxy/admin.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <string.h>

#include "proxy/readers.h"
#include "test/support/fake_client.h"

static struct conf_address loopback = {.host = (char[]){"127.0.0.1"}, .port = 9901};
static struct conf_address unix_socket = {.path = (char[]){"/run/admin"}};
static struct conf_upstream upstreams[] = {{.name = (char[]){"west"}}, {.name = (char[]){"east"}}};
static struct conf conf = {.upstreams = upstreams, .upstreams_count = 2};
static struct metrics metrics;
static const struct metrics *workers[] = {&metrics};
static struct recent *recents[] = {NULL};
static struct pool pool;
static struct pool_total memory = {.max = 1 << 20};
static struct event_base *base;
static struct admin admin;
static struct fake_client fake;
static struct instant now = INSTANT_NEVER;

static void set_up(void)
{
    conf.proxy.admin = &loopback;
    pool_init(&pool);
    metrics_init(&metrics, &conf);
    fake_client_init(&fake, &pool);
    base = event_base_new();
    admin = (struct admin){
        .conf = &conf,
        .workers = workers,
        .workers_count = 1,
        .recents = recents,
        .log = log_create("off", false),
        .pool = &pool,
        .readers =
            readers_create(&(struct readers_options){.base = base, .patience = SPAN_FOREVER}),
        .memory = &memory,
    };
}

static void tear_down(void)
{
    struct log *log = (struct log *)(uintptr_t)admin.log;

    log_destroy(log);
    readers_destroy(admin.readers);
    event_base_free(base);
    fake_client_finish(&fake);
    metrics_finish(&metrics);
    pool_finish(&pool);
}

TestSuite(admin, .init = set_up, .fini = tear_down);

/* The answer is in fake. */
static void ask_for(const struct request *request)
{
    fake_client_finish(&fake);
    fake_client_init(&fake, &pool);
    fake.is_head = request->is_head;
    cr_assert(admin_service.on_request(&admin, &fake.client, request, now));
    cr_assert_eq(fake.replies, 1);
    cr_assert_eq(fake.ends, 1);
    cr_assert_eq(fake.cuts, 0);
}

static void ask_host(const char *host, const char *method, const char *path)
{
    ask_for(&(struct request){.method = text_of(method),
                              .path = text_of(path),
                              .host = text_of(host),
                              .is_head = strcmp(method, "HEAD") == 0});
}

static void ask_query(const char *path, const char *query)
{
    ask_for(&(struct request){.method = TEXT("GET"),
                              .path = text_of(path),
                              .query = text_of(query),
                              .has_query = true,
                              .host = TEXT("localhost")});
}

static void ask(const char *method, const char *path)
{
    ask_host("127.0.0.1:9901", method, path);
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

Test(admin, readiness_waits_for_names_but_not_for_ever)
{
    now = instant_after(admin.started, span_ms(4999));
    ask("GET", "/readyz");
    cr_expect_eq(fake.status, 200, "none is awaited");
    counter_add(&metrics.upstreams[1].unheard, 1);
    ask("GET", "/readyz");
    cr_expect_eq(fake.status, 503);
    cr_expect_str_eq(fake.body, "waiting for the names of upstreams\n");
    ask("GET", "/healthz");
    cr_expect_eq(fake.status, 200);
    now = instant_after(admin.started, span_s(5));
    ask("GET", "/readyz");
    cr_expect_eq(fake.status, 200);
}

Test(admin, metrics_have_the_type_of_the_text_format_and_a_length)
{
    counter_add(&metrics.routes[0].in_flight, 3);
    ask("GET", "/metrics");
    cr_expect_eq(fake.status, 200);
    cr_expect(strstr(fake.headers, "Content-Type: text/plain; version=0.0.4"));
    cr_expect(strstr(fake.body, "\nhourglass_requests_in_flight{route=\"(none)\"} 3\n"));
    cr_expect_eq(fake.length, (int64_t)fake.body_count);
}

Test(admin, routes_are_json)
{
    admin.started = (struct instant){.ns = 1};
    ask("GET", "/routes");
    cr_expect_eq(fake.status, 200);
    cr_expect(strstr(fake.headers, "Content-Type: application/json"));
    cr_expect(strstr(fake.headers, "Cache-Control: no-store"));
    cr_expect_eq(strncmp(fake.body, "{\"time_ms\":", 11), 0);
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
    static const char *const paths[] = {"/page.css",  "/healthz/", "/Healthz",
                                        "/metrics/x", "*",         ""};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        ask(i % 2 ? "POST" : "GET", paths[i]);
        cr_expect_eq(fake.status, 404, "%s", paths[i]);
        cr_expect_null(strstr(fake.headers, "Allow"));
    }
}

Test(admin, a_path_that_is_not_there_is_told_which_are)
{
    ask("GET", "/metric");
    cr_expect_str_eq(
        fake.body, "Not found. There are /, /healthz, /readyz, /metrics, /routes and /requests.\n");
}

Test(admin, a_page_that_is_asked_wrongly_says_so_in_plain_text)
{
    ask("GET", "/requests");
    cr_expect_eq(fake.status, 200);
    cr_expect(strstr(fake.headers, "Content-Type: application/json\n"));
    ask_query("/requests", "route=page&unknown=1");
    cr_expect_eq(fake.status, 400);
    cr_expect(strstr(fake.headers, "Content-Type: text/plain; charset=utf-8\n"));
    ask_query("/healthz", "unknown=1");
    cr_expect_eq(fake.status, 200);
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

Test(admin, who_asks_by_address_or_as_localhost_or_names_no_host_is_answered)
{
    static const char *const hosts[] = {
        "127.0.0.1:9901", "127.0.0.1", "127.9.9.9:1",  "localhost:9901", "LocalHost",
        "[::1]:9901",     "[::1]",     "192.0.2.7:80", "localhost:",     "",
    };

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        ask_host(hosts[i], "GET", "/healthz");
        cr_expect_eq(fake.status, 200, "%s", hosts[i]);
    }
}

Test(admin, a_name_that_may_resolve_to_anything_is_misdirected_whatever_is_asked_for)
{
    static const char *const hosts[] = {
        "rebind.test:9901",
        "127.0.0.1.rebind.test",
        "localhost.rebind.test",
        "x.localhost",
        "localhost.",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "[::1].test",
        "[::1",
        "[rebind.test]",
        "127.0.0.1:x",
        "127.0.0.1:1:2",
        "::1",
        "127.0.0.1@test",
        ":9901",
        "[]",
        "1111111111111111111111111111111111111111111111111111111111111111111",
    };

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        ask_host(hosts[i], i % 2 ? "POST" : "GET", i % 3 ? "/metrics" : "/nothing");
        cr_expect_eq(fake.status, 421, "%s", hosts[i]);
        cr_expect_null(strstr(fake.body, "hourglass_"));
    }
}

Test(admin, a_unix_socket_has_any_name)
{
    conf.proxy.admin = &unix_socket;
    ask_host("anything.test", "GET", "/healthz");
    cr_expect_eq(fake.status, 200);
}

/* Asks for what is not all sent at once. */
static void *ask_slowly(void)
{
    struct request request = {.method = TEXT("POST"), .path = TEXT("/healthz")};

    fake.is_sent_later = true;
    void *owner = admin_service.on_request(&admin, &fake.client, &request, INSTANT_NEVER);
    admin_service.on_body(owner, "x", 1, INSTANT_NEVER);
    admin_service.on_body_end(owner, INSTANT_NEVER);
    admin_service.on_writable(owner, INSTANT_NEVER);
    return owner;
}

Test(admin, what_happens_after_the_answer_does_no_harm)
{
    admin_service.on_sent(ask_slowly(), INSTANT_NEVER);
    admin_service.on_gone(ask_slowly(), CLIENT_LEFT, INSTANT_NEVER);
    cr_expect_eq(fake.replies, 2);
    cr_expect_eq(fake.ends, 2);
    cr_expect_eq(fake.cuts, 0);
}
