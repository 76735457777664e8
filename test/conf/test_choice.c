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

    static const struct setter_case log_format[] = {
        {"logfmt", NULL}, {"json", NULL}, {"JSON", "must be logfmt or json"}};

    check_setter(set_malformed, sizeof(bool), malformed, COUNT_OF(malformed));
    check_setter(set_scale, sizeof(bool), scale, COUNT_OF(scale));
    check_setter(set_yes, sizeof(bool), optional, COUNT_OF(optional));
    check_setter(set_mode, sizeof(bool), mode, COUNT_OF(mode));
    check_setter(set_half_close, sizeof(bool), half_close, COUNT_OF(half_close));
    check_setter(set_on_expiry, sizeof(bool), on_expiry, COUNT_OF(on_expiry));
    check_setter(set_log_format, sizeof(bool), log_format, COUNT_OF(log_format));
}

Test(choice, the_second_word_is_true)
{
    bool field = false;

    cr_assert_null(set_yes(&field, "yes", NULL));
    cr_assert(field);
    cr_assert_null(set_yes(&field, "no", NULL));
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

Test(choice, a_log_has_all_requests_or_those_that_failed_or_were_slow)
{
    static const char fault[] = "must be all, failed, or slow and a share, as in slow:80%";
    static const struct setter_case cases[] = {
        {"all", NULL},
        {"failed", NULL},
        {"slow:80%", NULL},
        {"slow: 99.5%", NULL},
        {"slow", fault},
        {"slow 80%", fault},
        {"none", fault},
        {"slow:", "is not a share such as 25%"},
        {"slow:80", "is not a share such as 25%"},
        {"slow:101%", "is more than 100%"},
    };
    struct log_when when = {0};

    check_setter(set_log_when, sizeof when, cases, COUNT_OF(cases));
    cr_assert_null(set_log_when(&when, "slow:80%", NULL));
    cr_expect_eq(when.kind, LOG_WHEN_SLOW);
    cr_expect_eq(when.share, 800000);
}

Test(choice, a_sample_is_a_share_or_auto)
{
    static const struct setter_case cases[] = {
        {"auto", NULL},
        {"0%", NULL},
        {"0.01%", NULL},
        {"100%", NULL},
        {"1/100", "is not a share such as 25%"},
    };
    int32_t share = 0;

    check_setter(set_log_sample, sizeof share, cases, COUNT_OF(cases));
    cr_assert_null(set_log_sample(&share, "auto", NULL));
    cr_expect_lt(share, 0);
}

Test(choice, more_is_exposed_with_each_word)
{
    static const char fault[] = "must be none, reason or ledger";
    static const struct setter_case cases[] = {
        {"none", NULL}, {"reason", NULL}, {"ledger", NULL}, {"all", fault}, {"Reason", fault}};
    enum expose expose = EXPOSE_NONE;

    check_setter(set_expose, sizeof expose, cases, COUNT_OF(cases));
    cr_assert_null(set_expose(&expose, "reason", NULL));
    cr_expect_eq(expose, EXPOSE_REASON);
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
