#include <criterion/criterion.h>

#include "conf/nearest.h"

Test(nearest, a_slip_of_the_finger_is_understood)
{
    static const struct {
        const char *wanted;
        const char *question;
    } cases[] = {
        {"lisen", ": did you mean listen?"},
        {"litsen", ": did you mean listen?"},
        {"LISTEN", ": did you mean listen?"},
        {"listenn", ": did you mean listen?"},
        {"max", ": did you mean min?"},
        {"colour", ""},
        {"x", ""},
        {"", ""},
        {"trasut", ": did you mean trust?"},
    };
    static const char *const known[] = {"listen", "trust", "min"};
    struct store store = {0};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nearest nearest = nearest_to(cases[i].wanted);
        for (size_t j = 0; j < sizeof known / sizeof known[0]; j++)
            nearest_offer(&nearest, known[j]);
        cr_expect_str_eq(nearest_question(&nearest, &store), cases[i].question, "%s",
                         cases[i].wanted);
    }
    store_finish(&store);
}

Test(nearest, a_word_of_any_length_is_safe)
{
    char wanted[1001];
    struct store store = {0};

    memset(wanted, 'a', 1000);
    wanted[1000] = '\0';
    struct nearest nearest = nearest_to(wanted);
    nearest_offer(&nearest, "listen");
    cr_assert_str_eq(nearest_question(&nearest, &store), "");
    store_finish(&store);
}
