#include "proxy/headers.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct wire_field declared[] = {
    {.name = "X-Patience", .format = WIRE_S},
    {.name = "GRPC-Timeout", .format = WIRE_GRPC},
};
static struct wire_field tells[] = {{.name = "X-Told-Only", .format = WIRE_MS}};
static struct conf_upstream upstreams[] = {
    {.name = (char[]){"silent"}},
    {.name = (char[]){"db"}, .tells = tells, .tells_count = 1},
};
static struct conf conf = {
    .budget_headers = declared,
    .budget_headers_count = 2,
    .upstreams = upstreams,
    .upstreams_count = 2,
};

static enum header_fate fate_of(const struct conf *of, const char *name, int *ret_field)
{
    struct header_rules *rules = header_rules_create(of);
    enum header_fate fate = header_fate_of_request(rules, text_of(name), ret_field);

    header_rules_destroy(rules);
    return fate;
}

Test(headers, a_request_header_crosses_stays_or_is_a_budget)
{
    static const struct {
        const char *name;
        enum header_fate fate;
        int field;
    } cases[] = {
        {"X-Patience", HEADER_BUDGET, 0},
        {"x-pATIENCe", HEADER_BUDGET, 0},
        {"grpc-timeout", HEADER_BUDGET, 1},
        {"x-told-only", HEADER_BUDGET, -1},
        {"X-Request-Timeout-Ms", HEADER_BUDGET, -1},
        {"x-envoy-upstream-rq-timeout-ms", HEADER_BUDGET, -1},
        {"x-envoy-expected-rq-timeout-ms", HEADER_BUDGET, -1},
        {"x-envoy-upstream-rq-per-try-timeout-ms", HEADER_BUDGET, -1},
        {"X-YaTaxi-Client-TimeoutMs", HEADER_BUDGET, -1},
        {"Context-TTL-MS", HEADER_BUDGET, -1},
        {"X-Request-Deadline", HEADER_BUDGET, -1},
        {"Expect-Within", HEADER_BUDGET, -1},
        {"l5d-timeout", HEADER_BUDGET, -1},
        {"l5d-request-timeout", HEADER_BUDGET, -1},
        {"l5d-response-timeout", HEADER_BUDGET, -1},
        {"Connection", HEADER_STAYS, -1},
        {"Keep-Alive", HEADER_STAYS, -1},
        {"Proxy-Connection", HEADER_STAYS, -1},
        {"Proxy-Authorization", HEADER_STAYS, -1},
        {"TE", HEADER_STAYS, -1},
        {"te", HEADER_STAYS, -1},
        {"Trailer", HEADER_STAYS, -1},
        {"Transfer-Encoding", HEADER_STAYS, -1},
        {"Upgrade", HEADER_STAYS, -1},
        {"CONTENT-LENGTH", HEADER_STAYS, -1},
        {"Expect", HEADER_STAYS, -1},
        {"Host", HEADER_STAYS, -1},
        {"X-Request-Id", HEADER_STAYS, -1},
        {"X-Forwarded-For", HEADER_STAYS, -1},
        {"X-Forwarded-Proto", HEADER_STAYS, -1},
        {"X-Forwarded-Host", HEADER_STAYS, -1},
        {"Via", HEADER_STAYS, -1},
        {"traceparent", HEADER_STAYS, -1},
        {"Proxy", HEADER_STAYS, -1},
        {"Forwarded", HEADER_CLAIM, -1},
        {"x-real-ip", HEADER_CLAIM, -1},
        {"X-Forwarded-Port", HEADER_CLAIM, -1},
        {"x-forwarded-anything-at-all", HEADER_CLAIM, -1},
        {"Accept", HEADER_CROSSES, -1},
        {"Authorization", HEADER_CROSSES, -1},
        {"Content-Type", HEADER_CROSSES, -1},
        {"Cookie", HEADER_CROSSES, -1},
        {"tracestate", HEADER_CROSSES, -1},
        {"baggage", HEADER_CROSSES, -1},
        {"Prefer", HEADER_CROSSES, -1},
        {"Hosts", HEADER_CROSSES, -1},
        {"Hos", HEADER_CROSSES, -1},
        {"X-Patience-Too", HEADER_CROSSES, -1},
        {"ve", HEADER_CROSSES, -1},
        {"v", HEADER_CROSSES, -1},
        {"", HEADER_CROSSES, -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int field = 77;
        cr_expect_eq(fate_of(&conf, cases[i].name, &field), cases[i].fate, "%s", cases[i].name);
        cr_expect_eq(field, cases[i].field, "%s: field %d", cases[i].name, field);
    }
}

Test(headers, a_name_that_may_be_taken_for_a_known_one_neither_crosses_nor_is_read)
{
    static const struct {
        const char *name;
        enum header_fate fate;
    } cases[] = {
        {"X_Forwarded_For", HEADER_STAYS}, {"X_Forwarded_Port", HEADER_STAYS},
        {"X-Real_IP", HEADER_STAYS},       {"X.Request.Id", HEADER_STAYS},
        {"X_Patience", HEADER_BUDGET},     {"X_Told_Only", HEADER_BUDGET},
        {"X_Forwarder", HEADER_CROSSES},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int field = 77;
        cr_expect_eq(fate_of(&conf, cases[i].name, &field), cases[i].fate, "%s", cases[i].name);
        cr_expect_eq(field, -1, "%s: field %d", cases[i].name, field);
    }
}

Test(headers, a_name_with_the_same_ends_and_length_is_another_name)
{
    int field;

    cr_expect_eq(fate_of(&conf, "x-pbtiencf", &field), HEADER_CROSSES);
    cr_expect_eq(fate_of(&conf, "x-qatience", &field), HEADER_CROSSES);
    cr_expect_eq(fate_of(&conf, "HXST", &field), HEADER_CROSSES);
}

Test(headers, a_letter_is_not_taken_for_the_control_that_folds_to_it)
{
    int field;

    /* 'T' and 0x14 both fold to 't' when only a bit is set. */
    cr_expect_eq(fate_of(&conf, "hos\x14", &field), HEADER_CROSSES);
    cr_expect_eq(header_fate_of_response(TEXT("\x14"
                                              "e")),
                 HEADER_CROSSES);
}

Test(headers, each_of_a_thousand_declared_names_is_found)
{
    enum { MANY = 1000 };
    static char names[MANY][32];
    static struct wire_field fields[MANY];
    const struct conf large = {.budget_headers = fields, .budget_headers_count = MANY};

    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "X-Budget-%d-Ms", i);
        fields[i].name = names[i];
    }
    struct header_rules *rules = header_rules_create(&large);
    for (int i = 0; i < MANY; i++) {
        int field;
        cr_assert_eq(header_fate_of_request(rules, text_of(names[i]), &field), HEADER_BUDGET);
        cr_assert_eq(field, i);
    }
    header_rules_destroy(rules);
}

Test(headers, declared_names_that_may_be_taken_for_each_other_are_both_found)
{
    static struct wire_field fields[] = {{.name = "X-A-B"}, {.name = "X_A_B"}, {.name = "X-A_B"}};
    const struct conf three = {.budget_headers = fields, .budget_headers_count = 3};
    int field;

    for (int i = 0; i < 3; i++) {
        cr_expect_eq(fate_of(&three, fields[i].name, &field), HEADER_BUDGET);
        cr_expect_eq(field, i, "%s: %d", fields[i].name, field);
    }
    cr_expect_eq(fate_of(&three, "X_A-B", &field), HEADER_BUDGET);
    cr_expect_eq(field, -1);
}

Test(headers, a_name_is_taken_for_another_when_only_its_marks_and_its_case_differ)
{
    cr_expect(header_is_taken_for(TEXT("x_user"), TEXT("X-User")));
    cr_expect(header_is_taken_for(TEXT("X.USER"), TEXT("X-User")));
    cr_expect(header_is_taken_for(TEXT("X-User"), TEXT("X-User")));
    cr_expect_not(header_is_taken_for(TEXT("X-Users"), TEXT("X-User")));
    cr_expect_not(header_is_taken_for(TEXT("XXUser"), TEXT("X-User")));
    cr_expect_not(header_is_taken_for(TEXT("X-User1"), TEXT("X-User-")));
}

Test(headers, destroying_no_rules_is_fine)
{
    struct header_rules *none = NULL;

    header_rules_destroy(none);
    cr_assert_null(none);
}

Test(headers, a_response_header_crosses_or_stays)
{
    static const struct {
        const char *name;
        enum header_fate fate;
    } cases[] = {
        {"Connection", HEADER_STAYS},
        {"KEEP-ALIVE", HEADER_STAYS},
        {"Proxy-Connection", HEADER_STAYS},
        {"Proxy-Authenticate", HEADER_STAYS},
        {"te", HEADER_STAYS},
        {"Trailer", HEADER_STAYS},
        {"Transfer-Encoding", HEADER_STAYS},
        {"upgrade", HEADER_STAYS},
        {"Content-Length", HEADER_STAYS},
        {"X-Request-Id", HEADER_STAYS},
        {"Set-Cookie", HEADER_CROSSES},
        {"Expires", HEADER_CROSSES},
        {"Via", HEADER_CROSSES},
        {"Server-Timing", HEADER_CROSSES},
        {"Proxy-Authentications", HEADER_CROSSES},
        {"grpc-timeout", HEADER_CROSSES},
        {"A-Very-Long-Name-That-Nobody-Knows", HEADER_CROSSES},
        {"", HEADER_CROSSES},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(header_fate_of_response(text_of(cases[i].name)), cases[i].fate, "%s",
                     cases[i].name);
}

Test(headers, a_connection_header_lists_names_between_commas)
{
    static const struct {
        const char *list;
        const char *name;
        bool is_listed;
    } cases[] = {
        {"close", "close", true},
        {"Keep-Alive, X-Secret", "x-secret", true},
        {"x-secret,keep-alive", "X-SECRET", true},
        {" \t x-secret \t , y", "x-secret", true},
        {",,x-secret,,", "x-secret", true},
        {"x-secrets", "x-secret", false},
        {"x-secret", "x-secrets", false},
        {"x secret", "x-secret", false},
        {"a, b", "", false},
        {",", "", false},
        {"", "close", false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(header_is_listed(text_of(cases[i].list), text_of(cases[i].name)),
                     cases[i].is_listed, "\"%s\" in \"%s\"", cases[i].name, cases[i].list);
}

Test(headers, the_first_header_of_a_name_is_found_in_any_case)
{
    const struct header headers[] = {
        {TEXT("Accept"), TEXT("*/*")},
        {TEXT("X-Twice"), TEXT("one")},
        {TEXT("x-twice"), TEXT("two")},
    };

    cr_assert_eq(header_find(headers, 3, TEXT("x-TWICE")), &headers[1]);
    cr_assert_eq(header_find(headers, 3, TEXT("accept")), &headers[0]);
    cr_assert_null(header_find(headers, 3, TEXT("accept-language")));
    cr_assert_null(header_find(headers, 3, TEXT_NONE));
    cr_assert_null(header_find(NULL, 0, TEXT("accept")));
}

Test(headers, a_name_is_a_token)
{
    static const char *const valid[] = {"a", "X-Stub", "!#$%&'*+-.^_`|~09azAZ"};
    static const char *const invalid[] = {"",     "a b",      "a:",  "a,", "(", "a\"", "a\t",
                                          "\x7f", "\xc3\xa9", "[x]", "{",  "/", "=",   "@"};

    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
        cr_expect(header_name_is_valid(text_of(valid[i])), "%s", valid[i]);
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        cr_expect_not(header_name_is_valid(text_of(invalid[i])), "%s", invalid[i]);
    cr_expect_not(header_name_is_valid((struct text){.at = "a\0b", .count = 3}));
}

Test(headers, a_value_holds_no_control_character_but_tabs)
{
    cr_expect(header_value_is_valid(TEXT("")));
    cr_expect(header_value_is_valid(TEXT("a b\tc \"d\" \xc3\xa9 \xff")));
    for (int byte = 0; byte < 256; byte++) {
        char at[] = {'a', (char)byte, 'b'};
        bool is_valid = byte == '\t' || (byte >= ' ' && byte != 0x7f);
        cr_expect_eq(header_value_is_valid((struct text){.at = at, .count = 3}), is_valid,
                     "byte %d", byte);
    }
}
