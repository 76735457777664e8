/* Setters of what is tried again, or twice at once. */
#include <stdbool.h>
#include <string.h>

#include "budget/hedge.h"
#include "budget/retry_on.h"
#include "conf/nearest.h"
#include "conf/value.h"
#include "conf/words.h"

#define DIGITS "0123456789"

static bool is_same(const struct retry_on *a, const struct retry_on *b)
{
    return a->connect == b->connect && a->timeout == b->timeout && a->unsafe == b->unsafe &&
           a->statuses[0] == b->statuses[0] && a->statuses[1] == b->statuses[1];
}

static const char *word_unknown(const char *word, struct store *store)
{
    static const char *const words[] = {"connect", "timeout", "unsafe"};
    struct nearest nearest = nearest_to(word);

    if (strspn(word, DIGITS) > 0 && word[strspn(word, DIGITS)])
        return store_print(store, "has \"%s\": list each status, as in 502, 503, 504", word);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        nearest_offer(&nearest, words[i]);
    return store_print(store,
                       "has an unknown failure \"%s\" (there are connect, timeout, 429 and 500 to "
                       "599, and unsafe)%s",
                       word, nearest_question(&nearest, store));
}

const char *set_retry_on(void *field, const char *text, struct store *store)
{
    struct retry_on on = {0};

    for (const char *rest = text; rest;) {
        const struct retry_on before = on;
        const char *word = items_next(&rest, ',', store);
        if (!*word)
            return "has an empty place: write connect, timeout, 503";
        if (!retry_on_add(&on, word))
            return word_unknown(word, store);
        if (is_same(&on, &before))
            return store_print(store, "has %s twice", word);
    }
    if (is_same(&on, &(struct retry_on){.unsafe = true}))
        return "names methods, but no failure: write unsafe, connect, for example";
    *(struct retry_on *)field = on;
    return NULL;
}

const char *set_attempt(void *field, const char *text, struct store *store)
{
    if (strcmp(text, "rest") != 0)
        return set_some_span(field, text, store);
    *(struct span *)field = SPAN_FOREVER;
    return NULL;
}

/* "p95" is 95. 0: it is no percentile. */
static unsigned read_percentile(const char *text)
{
    if (*text != 'p' || strlen(text) != 3 || strspn(text + 1, DIGITS) != 2)
        return 0;
    return (unsigned)(text[1] - '0') * 10 + (unsigned)(text[2] - '0');
}

/* Below the middle more than every second call would be made twice. */
const char *set_hedge(void *field, const char *text, struct store *store)
{
    struct hedge_policy *hedge = field;

    *hedge = (struct hedge_policy){.kind = HEDGE_OFF};
    if (strcmp(text, "off") == 0)
        return NULL;
    if (strspn(text, DIGITS) > 0) {
        hedge->kind = HEDGE_FIXED;
        return set_some_span(&hedge->delay, text, store);
    }
    hedge->kind = HEDGE_LATELY;
    hedge->percent = read_percentile(text);
    return hedge->percent < 50 ? "must be off, a delay such as 80ms, or from p50 to p99" : NULL;
}
