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

    check_setter(set_malformed, sizeof(bool), malformed, COUNT_OF(malformed));
    check_setter(set_scale, sizeof(bool), scale, COUNT_OF(scale));
    check_setter(set_optional, sizeof(bool), optional, COUNT_OF(optional));
}

Test(choice, the_second_word_is_true)
{
    bool field = false;

    cr_assert_null(set_optional(&field, "yes", NULL));
    cr_assert(field);
    cr_assert_null(set_optional(&field, "no", NULL));
    cr_assert_not(field);
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

Test(choice, what_is_not_there_yet_says_so)
{
    static const struct setter_case mode[] = {
        {"enforce", NULL},
        {"observe", "= observe is not supported yet"},
        {"watch", "must be enforce or observe"},
    };
    static const struct setter_case half_close[] = {
        {"abort", NULL},
        {"continue", "= continue is not supported yet"},
        {"stop", "must be abort or continue"},
    };
    static const struct setter_case hedge[] = {
        {"off", NULL},
        {"80ms", "= 80ms is not supported yet"},
        {"80", "must be off or a duration such as 80ms"},
    };

    check_setter(set_mode, 1, mode, COUNT_OF(mode));
    check_setter(set_half_close, 1, half_close, COUNT_OF(half_close));
    check_setter(set_hedge, 1, hedge, COUNT_OF(hedge));
}

Test(choice, a_fallback_is_a_text_but_not_yet_another_call)
{
    static const struct setter_case cases[] = {
        {"{\"stock\": \"unknown\"}", NULL},
        {"null", NULL},
        {"call cached", "to another call is not supported yet: write the body itself"},
    };
    struct store store = {0};
    struct text fallback;

    check_setter(set_fallback, sizeof fallback, cases, COUNT_OF(cases));
    cr_assert_null(set_fallback(&fallback, "{}", &store));
    cr_assert(text_is(fallback, TEXT("{}")));
    store_finish(&store);
}
