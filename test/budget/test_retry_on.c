#include "budget/retry_on.h"

#include <stdio.h>

#include <criterion/criterion.h>

static struct retry_on only(const char *word)
{
    struct retry_on on = {0};

    cr_assert(retry_on_add(&on, word), "%s", word);
    return on;
}

Test(retry_on, left_out_it_covers_connect_timeout_and_three_statuses)
{
    struct retry_on on = retry_on_default();

    cr_assert(on.connect);
    cr_assert(on.timeout);
    cr_assert_not(on.unsafe);
    for (int status = 100; status < 700; status++)
        cr_expect_eq(retry_on_covers(&on, CALL_STATUS, status), status >= 502 && status <= 504,
                     "%d", status);
}

Test(retry_on, its_words_give_the_default_when_written_out)
{
    static const char *const words[] = {"504", "timeout", "502", "connect", "503"};
    struct retry_on on = {0}, standard = retry_on_default();

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        cr_assert(retry_on_add(&on, words[i]));
    cr_assert_eq(on.connect, standard.connect);
    cr_assert_eq(on.timeout, standard.timeout);
    cr_assert_eq(on.unsafe, standard.unsafe);
    cr_assert_eq(on.statuses[0], standard.statuses[0]);
    cr_assert_eq(on.statuses[1], standard.statuses[1]);
}

Test(retry_on, a_status_covers_itself_and_no_other)
{
    for (int status = 0; status < 1000; status++) {
        struct retry_on on = {0};
        bool is_known = status == 429 || (status >= 500 && status <= 599);
        char word[16];

        snprintf(word, sizeof word, "%03d", status);
        cr_assert_eq(retry_on_add(&on, word), is_known, "%s", word);
        for (int other = 0; other < 1000; other++)
            cr_assert_eq(retry_on_covers(&on, CALL_OK, other), is_known && other == status,
                         "%s, %d", word, other);
    }
}

Test(retry_on, what_is_no_word_changes_nothing)
{
    static const char *const words[] = {
        "",      "Connect", "connect ", "connects", "time",  "never",
        "5xx",   "50",      "5034",     "+50",      "-50",   " 503",
        "503 ",  "428",     "430",      "499",      "600",   "0503",
        "50\t",  "safe",    "502,503",  "5e2",      "0x1ff", "99999999999999999999",
        "reset", "051,",
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct retry_on on = {0};

        cr_expect_not(retry_on_add(&on, words[i]), "'%s'", words[i]);
        cr_expect_not(on.connect || on.timeout || on.unsafe, "'%s'", words[i]);
        cr_expect_eq(on.statuses[0] | on.statuses[1], 0, "'%s'", words[i]);
    }
}

Test(retry_on, each_end_of_an_attempt_is_what_it_looks_like_from_outside)
{
    static const struct {
        enum call_outcome outcome;
        bool connect, timeout, bad_gateway;
    } rows[] = {
        {CALL_OK, false, false, false},
        {CALL_SKIPPED, false, false, false},
        {CALL_CANCELLED, false, false, false},
        {CALL_UNSENT, false, true, false},
        {CALL_UPLOAD_OUT, false, false, false},
        {CALL_TIMEOUT, false, true, false},
        {CALL_QUEUED_OUT, false, true, false},
        {CALL_DNS_TIMEOUT, true, true, false},
        {CALL_CONNECT_TIMEOUT, true, true, false},
        {CALL_DNS_ERROR, true, false, false},
        {CALL_REFUSED, true, false, false},
        {CALL_BROKEN, true, false, true},
        {CALL_INVALID, false, false, true},
        {CALL_STATUS, false, false, false},
        {CALL_QUEUE_FULL, false, false, false},
        {CALL_NO_MEMORY, false, false, false},
    };
    struct retry_on connect = only("connect"), timeout = only("timeout"), status = only("502");
    struct retry_on unsafe = only("unsafe");

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum call_outcome outcome = rows[i].outcome;
        const char *name = call_outcome_name(outcome);

        cr_expect_eq(retry_on_covers(&connect, outcome, 0), rows[i].connect, "%s", name);
        cr_expect_eq(retry_on_covers(&timeout, outcome, 0), rows[i].timeout, "%s", name);
        cr_expect_eq(retry_on_covers(&status, outcome, 0), rows[i].bad_gateway, "%s", name);
        cr_expect_not(retry_on_covers(&unsafe, outcome, 0), "%s", name);
    }
}

Test(retry_on, the_status_of_an_answer_that_was_cut_does_not_count)
{
    struct retry_on on = only("503");

    cr_assert(retry_on_covers(&on, CALL_STATUS, 503));
    cr_assert_not(retry_on_covers(&on, CALL_TIMEOUT, 503));
    cr_assert_not(retry_on_covers(&on, CALL_BROKEN, 503));
}
