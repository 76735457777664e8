#include <stdbool.h>

#include "conf/text.h"
#include "test/conf/setter.h"

Test(choice, two_words_and_no_other)
{
    static const struct setter_case malformed[] = {
        {"default", NULL}, {"reject", NULL}, {"Reject", "must be default or reject"}};
    static const struct setter_case scale[] = {
        {"cap", NULL}, {"proportional", NULL}, {"no", "must be cap or proportional"}};
    static const struct setter_case optional[] = {
        {"no", NULL}, {"yes", NULL}, {"true", "must be yes or no"}};
    static const struct setter_case mode[] = {
        {"enforce", NULL}, {"observe", NULL}, {"watch", "must be enforce or observe"}};
    static const struct setter_case half_close[] = {
        {"abort", NULL}, {"continue", NULL}, {"stop", "must be abort or continue"}};
    static const struct setter_case on_expiry[] = {
        {"cancel", NULL}, {"drain", NULL}, {"close", "must be cancel or drain"}};

    check_setter(set_malformed, sizeof(bool), malformed, COUNT_OF(malformed));
    check_setter(set_scale, sizeof(bool), scale, COUNT_OF(scale));
    check_setter(set_optional, sizeof(bool), optional, COUNT_OF(optional));
    check_setter(set_mode, sizeof(bool), mode, COUNT_OF(mode));
    check_setter(set_half_close, sizeof(bool), half_close, COUNT_OF(half_close));
    check_setter(set_on_expiry, sizeof(bool), on_expiry, COUNT_OF(on_expiry));
}

Test(choice, the_second_word_is_true)
{
    bool field = false;

    cr_assert_null(set_optional(&field, "yes", NULL));
    cr_assert(field);
    cr_assert_null(set_optional(&field, "no", NULL));
    cr_assert_not(field);
    cr_assert_null(set_mode(&field, "observe", NULL));
    cr_assert(field);
    cr_assert_null(set_on_expiry(&field, "cancel", NULL));
    cr_assert_not(field);
    cr_assert_null(set_half_close(&field, "continue", NULL));
    cr_assert(field);
}

Test(choice, a_log_is_a_word_that_is_known_or_looks_like_a_path)
{
    static const char fault[] = "must be stderr, off or the path of a file, such as ./access.log";
    static const struct setter_case cases[] = {
        {"stderr", NULL},     {"off", NULL},     {"/var/log/hourglass.log", NULL},
        {"access.log", NULL}, {"stdout", fault}, {"on", fault},
    };

    check_setter(set_log, sizeof(char *), cases, COUNT_OF(cases));
}

Test(choice, a_fallback_is_a_text_or_another_call)
{
    static const char fault[] = "must be call NAME, as in call cached, or JSON";
    static const struct setter_case cases[] = {
        {"{\"stock\": \"unknown\"}", NULL},
        {"null", NULL},
        {"\"call cached\"", NULL},
        {"caller", NULL},
        {"call cached", NULL},
        {"call \t cached", NULL},
        {"call", fault},
        {"call cached price", fault},
        {"call r.cached", fault},
        {"call {}", fault},
    };

    check_setter(set_fallback, sizeof(struct fallback), cases, COUNT_OF(cases));
}

Test(choice, a_fallback_is_kept_as_what_it_is)
{
    struct store store = {0};
    struct fallback body = {0};
    struct fallback call = {0};

    cr_assert_null(set_fallback(&body, "{}", &store));
    cr_assert(text_is(body.body, TEXT("{}")));
    cr_assert_null(body.call);
    cr_assert_null(set_fallback(&call, "call  cached", &store));
    cr_assert_str_eq(call.call, "cached");
    cr_assert_null(call.body.at);
    store_finish(&store);
}
