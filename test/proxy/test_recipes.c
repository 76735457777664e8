/* The configurations in conf/recipes: each is right, and does what its README says. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/recipe.h"

TestSuite(recipes, .timeout = 300);

#define JSON(length, text) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" text
#define SAD "HTTP/1.1 503 Sad\r\nContent-Length: 0\r\n\r\n"

/* Those that have tests below. */
static const char *const recipes[] = {"gateway.ini", "load-test.ini", "page.ini", "rollout.ini",
                                      "sidecar.ini"};
enum { RECIPES = sizeof(recipes) / sizeof(*recipes) };

static bool is_tested(const char *file)
{
    for (size_t i = 0; i < RECIPES; i++) {
        if (strcmp(file, recipes[i]) == 0)
            return true;
    }
    return false;
}

/* The budgets are for a machine that has nothing else to do: a request that was too late on this
 * one is made again, a few times. */
static const struct reply *get(const struct world *world, const char *path, const char *lines,
                               int status)
{
    const struct reply *reply = world_get(world, path, lines);

    for (int i = 0; i < 39 && reply->status != status; i++)
        reply = world_get(world, path, lines);
    cr_expect_eq(reply->status, status, "%s: %d %s", path, reply->status, reply->body);
    return reply;
}

static void expect_late(const struct reply *reply, const char *reason)
{
    cr_expect_eq(reply->status, 504);
    cr_expect_str_eq(reply_member(reply, "reason"), reason);
}

static const char *sent(struct origin *origin, size_t n, const char *name)
{
    const char *value = message_header(&origin_request(origin, n)->message, name, 0);

    return value != NULL ? value : "";
}

static void expect_sent(struct origin *origin, const char *start)
{
    cr_expect_str_eq(origin_request(origin, 0)->message.start, start);
}

/* ---- all of them ------------------------------------------------------------------------------ */

Test(recipes, each_file_has_a_test_here_and_is_named_in_the_readme)
{
    DIR *directory = opendir(HOURGLASS_SOURCE "/conf/recipes");
    char *readme = recipe_text("recipes/README.md");
    size_t count = 0;

    cr_assert_not_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "README.md") == 0)
            continue;
        cr_expect(is_tested(entry->d_name), "%s has no test", entry->d_name);
        cr_expect_not_null(strstr(readme, entry->d_name), "%s", entry->d_name);
        count++;
    }
    cr_expect_eq(count, RECIPES);
    closedir(directory);
    free(readme);
}

Test(recipes, check_finds_no_mistake_and_nothing_to_warn_of)
{
    for (size_t i = 0; i < RECIPES; i++) {
        char path[400];
        snprintf(path, sizeof(path), "%s/conf/recipes/%s", HOURGLASS_SOURCE, recipes[i]);
        struct program *check = program_start((const char *const[]){"check", "-c", path, NULL});
        int code = program_exit_code(check, span_s(20));
        cr_expect_eq(code, 0, "%s: %s", recipes[i], program_stderr(check));
        cr_expect_str_eq(program_stderr(check), "");
        program_destroy(check);
    }
}

/* A recipe that the README runs: "rollout.ini"; NULL: this line runs none. */
static const char *recipe_run_by(const char *line)
{
    static const char command[] = "    $ hourglass -c conf/recipes/";

    return strncmp(line, command, strlen(command)) == 0 ? line + strlen(command) : NULL;
}

static struct world *start_named(const char *file)
{
    char name[64];

    snprintf(name, sizeof(name), "recipes/%.*s", (int)strcspn(file, "."), file);
    return recipe_start(name, false, (const struct part[]){{NULL, 0}});
}

/* Values differ from run to run; names and labels do not. */
Test(recipes, each_metric_in_the_readme_is_one_that_its_recipe_has)
{
    char *readme = recipe_text("recipes/README.md"), *line, *rest = readme;
    struct world *world = NULL;
    size_t count = 0;

    while ((line = strsep(&rest, "\n")) != NULL) {
        if (recipe_run_by(line) != NULL) {
            if (world != NULL)
                recipe_stop(world);
            world = start_named(recipe_run_by(line));
        } else if (strncmp(line, "    hourglass_", 14) == 0) {
            *strrchr(line, ' ') = '\0';
            cr_expect_geq(world_metric(world, line + 4, ""), 0, "%s", line);
            count++;
        }
    }
    cr_expect_gt(count, 0);
    recipe_stop(world);
    free(readme);
}

/* ---- sidecar.ini ------------------------------------------------------------------------------ */

Test(recipes, sidecar_tells_the_service_what_it_has_left)
{
    struct world *world = RECIPE("sidecar", );
    const struct reply *reply = get(world, "/", "", 200);
    int told = atoi(reply_header(reply, "X-Stub-Told"));

    cr_expect_str_eq(reply->body, "{\"hello\": \"from the app\"}");
    cr_expect(told > 0 && told <= 490, "%d", told);
    expect_late(world_get(world, "/", "X-Request-Timeout-Ms: 30\r\n"), "call");
    recipe_stop(world);
}

Test(recipes, sidecar_has_a_place_that_may_take_longer)
{
    struct world *world = RECIPE("sidecar", );
    const struct reply *reply = get(world, "/reports/2026", "", 200);

    cr_expect_str_eq(reply->body, "{\"report\": \"long\"}");
    cr_expect_geq(reply->took.ns, span_ms(900).ns);
    expect_late(world_get(world, "/reports/2026", "grpc-timeout: 300m\r\n"), "call");
    recipe_stop(world);
}

Test(recipes, sidecar_makes_a_clean_502_of_half_an_answer)
{
    struct origin *half =
        ORIGIN({.deeds = {SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), CLOSE}});
    struct world *world = RECIPE("sidecar", {"app", origin_port(half)}, );
    const struct reply *reply = get(world, "/", "", 502);

    cr_expect_eq(reply->end, REPLY_COMPLETE);
    recipe_stop(world);
}

/* ---- gateway.ini ------------------------------------------------------------------------------ */

#define USER JSON("21", "{\"customer\": \"a/1 2\"}")
#define CUSTOMER JSON("16", "{\"zip\": \"10\\\"1\"}")
#define ORDER JSON("14", "{\"grams\": 250}")

Test(recipes, gateway_makes_a_quote_of_three_answers)
{
    struct world *world = RECIPE("gateway", );
    const struct reply *reply = get(world, "/orders/7/shipping", "", 200);

    cr_expect_str_eq(reply->body, "{\"shipping\": {\"days\": 2, \"cents\": 490}}");
    cr_expect_not_null(strstr(reply_header(reply, "Server-Timing"), "customer;dur="));
    recipe_stop(world);
}

Test(recipes, gateway_fills_in_what_earlier_calls_have_said)
{
    struct origin *auth = origin_answering(USER, 0);
    struct origin *customers = origin_answering(CUSTOMER, 0);
    struct origin *orders = origin_answering(ORDER, 0);
    struct origin *shipping = ORIGIN({.deeds = {READ_ALL, SEND(ANSWER_OK)}});
    struct world *world =
        RECIPE("gateway", {"auth", origin_port(auth)}, {"customers", origin_port(customers)},
               {"orders", origin_port(orders)}, {"shipping", origin_port(shipping)}, );
    const struct reply *reply =
        get(world, "/orders/7/shipping", "Authorization: Bearer secret\r\n", 200);

    cr_expect_str_eq(reply->body, "ok");
    expect_sent(auth, "GET /check HTTP/1.1");
    cr_expect_str_eq(sent(auth, 0, "Authorization"), "Bearer secret");
    expect_sent(customers, "GET /customers/a%2F1%202 HTTP/1.1");
    expect_sent(orders, "GET /orders/7?for=a%2F1%202 HTTP/1.1");
    expect_sent(shipping, "POST /quotes HTTP/1.1");
    cr_expect_str_eq(sent(shipping, 0, "X-Customer"), "a/1 2");
    cr_expect_str_eq(sent(shipping, 0, "Content-Type"), "application/json");
    cr_expect_str_eq(origin_body(shipping, 0)->message.body,
                     "{\"to\": \"10\\\"1\", \"grams\": 250}");
    recipe_stop(world);
}

Test(recipes, gateway_gives_the_client_the_401_of_the_check)
{
    struct origin *auth = origin_answering("HTTP/1.1 401 Who\r\nWWW-Authenticate: Bearer\r\n"
                                           "Content-Length: 4\r\n\r\nwho?",
                                           0);
    struct origin *customers = origin_answering(CUSTOMER, 0);
    struct world *world =
        RECIPE("gateway", {"auth", origin_port(auth)}, {"customers", origin_port(customers)}, );
    const struct reply *reply = get(world, "/orders/7/shipping", "", 401);

    cr_expect_str_eq(reply->body, "who?");
    cr_expect_str_eq(reply_header(reply, "WWW-Authenticate"), "Bearer");
    cr_expect_eq(origin_requests(customers), 0);
    recipe_stop(world);
}

Test(recipes, gateway_asks_for_the_customer_again_and_for_a_copy_of_the_order)
{
    struct origin *customers = ORIGIN({.deeds = {SEND(SAD)}}, {.deeds = {SEND(CUSTOMER)}});
    struct origin *orders = origin_answering(SAD, 0);
    struct origin *copies = origin_answering(ORDER, 0);
    struct world *world =
        RECIPE("gateway", {"customers", origin_port(customers)}, {"orders", origin_port(orders)},
               {"copies", origin_port(copies)}, );

    get(world, "/orders/7/shipping", "", 200);
    cr_expect_geq(origin_requests(customers), 2);
    expect_sent(copies, "GET /orders/7 HTTP/1.1");
    cr_expect(LOGS(world, "status=200", "order:status:", "order-copy:ok:"));
    recipe_stop(world);
}

Test(recipes, gateway_makes_no_call_that_the_budget_cannot_bring_to_an_end)
{
    struct origin *auth = origin_answering(USER, 0);
    struct world *world = RECIPE("gateway", {"auth", origin_port(auth)}, );

    expect_late(world_get(world, "/orders/7/shipping", "X-Request-Timeout-Ms: 60\r\n"),
                "infeasible");
    cr_expect_eq(origin_requests(auth), 0);
    recipe_stop(world);
}

/* ---- page.ini --------------------------------------------------------------------------------- */

#define PARTS(reviews)                                                               \
    "{\"product\":{\"id\": 7, \"name\": \"hourglass\"},\"price\":{\"cents\": 4900}," \
    "\"stock\":{\"pieces\": 12},\"reviews\":" reviews

/* The other parts may be late on a busy machine, and then are missing too. */
static const struct reply *get_page(const struct world *world, const char *page)
{
    const struct reply *reply = get(world, "/products/7", "", 200);

    for (int i = 0; i < 39 && strcmp(reply->body, page) != 0; i++)
        reply = get(world, "/products/7", "", 200);
    cr_expect_str_eq(reply->body, page);
    return reply;
}

Test(recipes, page_comes_without_the_parts_that_are_late_or_fail)
{
    struct world *world = RECIPE("page", );
    const struct reply *reply =
        get_page(world, PARTS("{\"stars\": null, \"reviews\": []},\"advice\":null,"
                              "\"_partial\":[\"reviews\",\"advice\"]}"));

    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "reviews, advice");
    cr_expect_geq(reply->took.ns, span_ms(250).ns);
    reply = get(world, "/products/7", "X-Request-Timeout-Ms: 120\r\n", 200);
    cr_expect_geq(reply->took.ns, span_ms(80).ns);
    cr_expect_not_null(strstr(reply_header(reply, "X-Budget-Partial"), "reviews"));
    recipe_stop(world);
}

Test(recipes, page_is_whole_when_all_parts_come)
{
    struct world *world =
        RECIPE("page", {"reviews", origin_port(origin_answering(JSON("2", "[]"), 0))},
               {"advice", origin_port(origin_answering(JSON("4", "true"), 0))}, );
    const struct reply *reply = get_page(world, PARTS("[],\"advice\":true}"));

    cr_expect_str_eq(reply_header(reply, "X-Budget-Partial"), "");
    recipe_stop(world);
}

Test(recipes, page_without_a_part_that_it_needs_is_an_error)
{
    struct world *world = RECIPE(
        "page",
        {"catalog", origin_port(origin_answering("HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\n"
                                                 "none",
                                                 0))}, );

    cr_expect_str_eq(get(world, "/products/8", "", 404)->body, "none");
    recipe_stop(world);
    world = RECIPE("page", {"catalog", origin_port(ORIGIN({.deeds = {CLOSE}}))}, );
    get(world, "/products/7", "", 502);
    recipe_stop(world);
}

/* ---- rollout.ini ------------------------------------------------------------------------------ */

enum { IDS = 200 };

static int get_as(const struct world *world, int id, const char *lines)
{
    char all[200];

    snprintf(all, sizeof(all), "X-Request-Id: request-%d\r\n%s", id, lines);
    return world_get(world, "/", all)->status;
}

/* A budget of nothing shows at once who is held to it. The ids are always the same, and so is the
 * number of those that are chosen. */
Test(recipes, rollout_holds_about_a_tenth_of_the_requests_to_their_budget)
{
    struct world *world =
        RECIPE("rollout", {"shop", origin_port(origin_answering(ANSWER_OK, 0))}, );
    int held = 0;

    for (int i = 0; i < IDS; i++)
        held += get_as(world, i, "X-Request-Timeout-Ms: 0\r\n") == 504;
    cr_expect(held >= 5 && held <= 45, "%d of %d", held, IDS);
    cr_expect_eq(world_metric(world, "hourglass_observed_requests_total", "route=\"shop\""),
                 IDS - held);
    recipe_stop(world);
}

Test(recipes, rollout_counts_what_it_does_not_cut)
{
    struct world *world =
        RECIPE("rollout", {"shop", origin_port(origin_answering(ANSWER_OK, 400))}, );
    int served = 0;

    for (int i = 0; i < 10; i++) /* which all are held to it by one chance in 10^10 */
        served += get_as(world, i, "") == 200;
    cr_expect_gt(served, 0);
    cr_expect_eq(world_metric(world, "hourglass_would_time_out_total", "reason=\"call\""), served);
    cr_expect_eq(world_metric(world, "hourglass_would_cut_total", "route=\"shop\""), served);
    cr_expect_eq(world_metric(world, "hourglass_timeouts_total", "reason=\"call\""), 10 - served);
    expect_late(world_get(world, "/search", ""), "call");
    recipe_stop(world);
}

/* ---- load-test.ini ---------------------------------------------------------------------------- */

Test(recipes, load_test_has_a_target_for_each_question)
{
    struct world *world = RECIPE("load-test", );

    cr_expect_str_eq(get(world, "/", "", 200)->body, "{\"backend\": \"ok\"}");
    cr_expect_str_eq(get(world, "/quick", "", 200)->body, "{\"quick\": \"ok\"}");
    cr_expect_str_eq(get(world, "/three/7", "", 200)->body, "{\"quick\": \"ok\"}");
    recipe_stop(world);
}

Test(recipes, load_test_tries_again_what_fails)
{
    struct origin *flaky = ORIGIN({.deeds = {SEND(SAD)}}, {.deeds = {SEND(ANSWER_OK)}});
    struct world *world = RECIPE("load-test", {"flaky", origin_port(flaky)}, );

    get(world, "/three/7", "", 200);
    cr_expect_geq(origin_requests(flaky), 2);
    cr_expect_geq(world_metric(world, "hourglass_upstream_retries_total", "upstream=\"flaky\""), 1);
    recipe_stop(world);
}
