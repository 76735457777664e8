#include "proxy/otlp_answer.h"

#include <criterion/criterion.h>

Test(otlp_answer, only_four_statuses_and_silence_allow_the_same_message_again)
{
    for (int status = 100; status < 600; status++) {
        bool is_again = status == 429 || status == 502 || status == 503 || status == 504;
        enum otlp_verdict other = status / 100 == 2 ? OTLP_TAKEN : OTLP_REFUSED;
        cr_expect_eq(otlp_verdict_of(status), is_again ? OTLP_AGAIN : other, "%d", status);
    }
    cr_expect_eq(otlp_verdict_of(0), OTLP_AGAIN);
}

Test(otlp_answer, spans_that_were_not_taken_are_counted)
{
    static const struct {
        const char *body;
        size_t rejected; /* of 100 */
    } cases[] = {
        {"{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"x\"}}", 3},
        {" { \"partialSuccess\" : { \"rejectedSpans\" : 7 } } ", 7},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"100\"}}", 100},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"99999999999999999999999999\"}}", 100},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"0\",\"errorMessage\":\"only a warning\"}}", 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(otlp_rejected(text_of(cases[i].body), 100), cases[i].rejected, "%s",
                     cases[i].body);
}

Test(otlp_answer, what_is_no_such_answer_has_taken_everything)
{
    static const char *const bodies[] = {
        "",
        "{}",
        "ok",
        "null",
        "{\"partialSuccess\":null}",
        "{\"partialSuccess\":{}}",
        "{\"partialSuccess\":{\"rejectedSpans\":\"-3\"}}",
        "{\"partialSuccess\":{\"rejectedSpans\":3.5}}",
        "{\"partialSuccess\":{\"rejectedSpans\":\"\"}}",
        "{\"partialSuccess\":{\"rejectedSpans\":\"400x\"}}",
        "{\"partialSuccess\":{\"rejectedSpans\":[3]}}",
        "{\"partialSuccess\":{\"rejectedSpans\":\"3\"}",
        "{\"partialSuccess\":{\"rejectedSpans\":3}}\n}",
    };

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        cr_expect_eq(otlp_rejected(text_of(bodies[i]), 100), 0, "%s", bodies[i]);
}
