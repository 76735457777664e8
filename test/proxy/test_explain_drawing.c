#include "test/proxy/explaining.h"

static void expect_drawing(struct conf *conf, const char *expected)
{
    static struct explanation explanation;
    struct explain_question question = question_of("GET", "/page/7");
    char *text;
    size_t count;
    FILE *out = open_memstream(&text, &count);

    explanation_make(&explanation, conf, &question);
    explanation_draw(&explanation, out);
    fclose(out);
    cr_expect_str_eq(text, expected, "%s", text);
    free(text);
}

/* A route with these steps, whose calls say nothing. */
static struct conf *route_of(const char *steps, const char *const *calls)
{
    char text[4096];
    size_t length =
        (size_t)snprintf(text, sizeof text, HEAD "[route r]\nmatch = /*\nsteps = %s\n", steps);

    for (; *calls; calls++)
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "[call r.%s]\nupstream = a\nrequest = GET /\n", *calls);
    return read_good(text);
}

Test(explain_drawing, one_call_is_a_line)
{
    struct conf *conf = read_good(HEAD "[route r]\nmatch = /*\nupstream = a\n");

    expect_drawing(conf, "  ---- a ---> client\n");
    conf_destroy(conf);
}

Test(explain_drawing, steps_stand_from_left_to_right_and_calls_one_under_the_other)
{
    struct conf *conf = read_good(PAGE);

    expect_drawing(conf, "  ---- session --+-- stock ---+-- order ---> client\n"
                         "                 +-- price? --+\n"
                         "\n"
                         "  ?     optional: when it fails, that leaves a gap\n");
    conf_destroy(conf);
}

Test(explain_drawing, a_stand_in_stands_under_the_call_that_it_stands_in_for)
{
    struct call_policy policies[PLAN_CALLS_MAX];
    struct conf *conf = read_good(PAGE);

    let_last_stand_in(&conf->routes[0], 1, policies);
    expect_drawing(conf, "  ---- session --+-- stock -------+-> client\n"
                         "                 |   else order   |\n"
                         "                 +-- price? ------+\n"
                         "\n"
                         "  ?     optional: when it fails, that leaves a gap\n"
                         "  else  stands in for the call above it when that fails\n");
    conf_destroy(conf);
    conf = read_good(PAGE);
    let_last_stand_in(&conf->routes[0], 2, policies);
    expect_drawing(conf, "  ---- session --+-- stock -------+-> client\n"
                         "                 +-- price? ------+\n"
                         "                     else order\n"
                         "\n"
                         "  ?     optional: when it fails, that leaves a gap\n"
                         "  else  stands in for the call above it when that fails\n");
    conf_destroy(conf);
}

static const char *const twelve[] = {"one",   "two",   "three", "four", "five",   "six",
                                     "seven", "eight", "nine",  "ten",  "eleven", "twelve-letters",
                                     NULL};

Test(explain_drawing, many_steps_go_on_below)
{
    struct conf *conf = route_of("one, two, three, four + five, six, seven, eight, nine, ten, "
                                 "eleven, twelve-letters",
                                 twelve);

    expect_drawing(conf, "  ---- one ---- two ---- three --+-- four --+-- six --..\n"
                         "                                 +-- five --+\n"
                         "\n"
                         "  ..-- seven ---- eight ---- nine ---- ten ---- eleven --..\n"
                         "\n"
                         "  ..-- twelve-letters ---> client\n");
    conf_destroy(conf);
}

Test(explain_drawing, twelve_calls_side_by_side_are_twelve_lines)
{
    struct conf *conf = route_of("one + two + three + four + five + six + seven + eight + nine + "
                                 "ten + eleven + twelve-letters",
                                 twelve);

    expect_drawing(conf, "  --+-- one -------------+-> client\n"
                         "    +-- two -------------+\n"
                         "    +-- three -----------+\n"
                         "    +-- four ------------+\n"
                         "    +-- five ------------+\n"
                         "    +-- six -------------+\n"
                         "    +-- seven -----------+\n"
                         "    +-- eight -----------+\n"
                         "    +-- nine ------------+\n"
                         "    +-- ten -------------+\n"
                         "    +-- eleven ----------+\n"
                         "    +-- twelve-letters --+\n");
    conf_destroy(conf);
}
