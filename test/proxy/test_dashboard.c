#include "proxy/dashboard.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "test/support/world.h"

TestSuite(dashboard, .timeout = 300);

static struct world *before(void)
{
    return world_start(WORLD_PATIENT WORLD_ROUTE, origin_port(origin_answering(ANSWER_OK, 0)));
}

static const struct reply *ask_admin(const struct world *world, const char *request)
{
    struct dialogue *dialogue = dialogue_open(world_admin(world));

    dialogue_send(dialogue, request);
    return dialogue_read(dialogue);
}

static size_t count_of(const char *needle)
{
    size_t count = 0;
    const char *end = dashboard_page.at + dashboard_page.count;

    for (const char *at = dashboard_page.at;
         (at = memmem(at, (size_t)(end - at), needle, strlen(needle))); at++)
        count++;
    return count;
}

static size_t count_in(const char *string, const char *needle)
{
    size_t count = 0;

    for (const char *at = string; (at = strstr(at, needle)); at++)
        count++;
    return count;
}

Test(dashboard, it_is_the_page_at_the_root_of_the_admin_listener)
{
    struct world *world = before();
    const struct reply *reply = ask_admin(world, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");

    cr_assert_eq(reply->status, 200);
    cr_expect_str_eq(reply_header(reply, "Content-Type"), "text/html; charset=utf-8");
    cr_expect_str_eq(reply_header(reply, "Cache-Control"), "no-store");
    cr_assert_eq(reply->message.body_count, dashboard_page.count);
    cr_expect_arr_eq(reply->body, dashboard_page.at, dashboard_page.count);
    world_stop(world);
}

Test(dashboard, every_admin_page_forbids_frames_sniffing_and_referrers)
{
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /requests HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    };
    struct world *world = before();

    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        const struct reply *reply = ask_admin(world, requests[i]);
        const char *policy = reply_header(reply, "Content-Security-Policy");
        cr_expect_eq(strlen(policy), dashboard_policy.count);
        cr_expect(strstr(policy, "default-src 'none'"), "%s", requests[i]);
        cr_expect(strstr(policy, "frame-ancestors 'none'"), "%s", requests[i]);
        cr_expect_null(strstr(policy, "unsafe"));
        cr_expect_str_eq(reply_header(reply, "X-Content-Type-Options"), "nosniff");
        cr_expect_str_eq(reply_header(reply, "Referrer-Policy"), "no-referrer");
    }
    world_stop(world);
}

Test(dashboard, each_script_and_style_sheet_is_in_it_and_has_its_hash)
{
    char policy[2048];

    cr_assert_lt(dashboard_policy.count, sizeof policy);
    memcpy(policy, dashboard_policy.at, dashboard_policy.count);
    policy[dashboard_policy.count] = '\0';
    cr_expect_gt(count_of("<script>"), 0);
    cr_expect_eq(count_of("<script"), count_of("<script>"));
    cr_expect_eq(count_of("<style"), 1);
    cr_expect_eq(count_of(" src="), 0);
    cr_expect_eq(count_of("rel=\"stylesheet\""), 0);
    cr_expect_eq(count_in(policy, "'sha256-"), count_of("<script>") + count_of("<style>"));
}

Test(dashboard, it_names_no_other_place)
{
    /* The name of SVG's elements, in the icon and in the scripts, is no address that is asked. */
    cr_expect_eq(count_of("http://"), 2);
    cr_expect_eq(count_of("http://www.w3.org/2000/svg"), 2);
    cr_expect_eq(count_of("https://"), 0);
    cr_expect_eq(count_of("innerHTML"), 0);
}
