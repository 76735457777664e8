#include "conf/field.h"
#include "test/conf/setter.h"

Test(field, a_budget_header_has_a_name_and_a_format)
{
    struct store store = {0};
    struct wire_list list = {0};

    cr_assert_null(set_budget_header(&list, "X-Request-Timeout-Ms: ms", &store));
    cr_assert_null(set_budget_header(&list, "grpc-timeout:grpc", &store));
    cr_assert_null(set_budget_header(&list, "x-envoy-upstream-rq-timeout-ms: ms", &store));
    cr_assert_eq(list.count, 3);
    cr_assert_str_eq(list.items[0].name, "X-Request-Timeout-Ms");
    cr_assert_eq(list.items[1].format, WIRE_GRPC);
    cr_assert_not(list.items[0].zero_is_default);
    cr_assert(list.items[2].zero_is_default);
    store_finish(&store);
}

Test(field, a_budget_header_that_cannot_be_one_is_refused)
{
    static const struct setter_case cases[] = {
        {"X-Left", "needs a colon between the header's name and the rest"},
        {"X Left: ms", "has a header name that is not one: letters, digits and - will do"},
        {": ms", "has a header name that is not one: letters, digits and - will do"},
        {"X-Left: durations", "has an unknown format \"durations\" (there are ms, s, duration, "
                              "grpc, epoch-ms): did you mean duration?"},
        {"connection: ms", "cannot be carried by connection"},
        {"Host: ms", "cannot be carried by Host"},
        {"x-request-id: ms", "cannot be carried by x-request-id"},
        {"traceparent: ms", "cannot be carried by traceparent"},
    };

    check_setter(set_budget_header, sizeof(struct wire_list), cases, COUNT_OF(cases));
}

Test(field, none_stands_alone)
{
    static const char fault[] = "cannot be none and something else";
    struct store store = {0};
    struct wire_list told = {0};
    struct wire_list untold = {0};

    cr_assert_null(set_tell(&told, "X-Left: ms", &store));
    cr_assert_str_eq(set_tell(&told, "none", &store), fault);
    cr_assert_null(set_tell(&untold, "none", &store));
    cr_assert_eq(untold.count, 0);
    cr_assert_str_eq(set_tell(&untold, "X-Left: ms", &store), fault);
    store_finish(&store);
}

Test(field, names_are_compared_without_case)
{
    struct store store = {0};
    struct wire_list list = {0};

    cr_assert_null(set_budget_header(&list, "X-Left: ms", &store));
    cr_assert_str_eq(set_budget_header(&list, "x-left: s", &store), "names x-left twice");
    store_finish(&store);
}

Test(field, a_call_sets_headers_but_not_those_of_the_connection)
{
    static const struct setter_case cases[] = {
        {"X-A: b", NULL},
        {"X-A:", NULL},
        {"Host: db", NULL},
        {"traceparent: {header.traceparent}", NULL},
        {"X-A: a: b", NULL},
        {"Transfer-Encoding: chunked", "cannot set Transfer-Encoding: the proxy alone does"},
        {"content-length: 1", "cannot set content-length: the proxy alone does"},
        {"TE: trailers", "cannot set TE: the proxy alone does"},
        {"X-Request-Id: 1", "cannot set X-Request-Id: the proxy alone does"},
        {"x-forwarded-for: 192.0.2.1", "cannot set x-forwarded-for: the proxy alone does"},
        {"X-A: {id}", NULL},
        {"X-A b", "needs a colon between the header's name and the rest"},
    };

    check_setter(set_call_header, sizeof(struct header_list), cases, COUNT_OF(cases));
}

Test(field, a_value_starts_behind_its_blanks)
{
    struct store store = {0};
    struct header_list list = {0};

    cr_assert_null(set_call_header(&list, "X-A:  \tone two", &store));
    cr_assert_str_eq(list.items[0].name, "X-A");
    cr_assert_str_eq(list.items[0].value, "one two");
    cr_assert_str_eq(set_call_header(&list, "x-a: b", &store), "sets x-a twice");
    store_finish(&store);
}
