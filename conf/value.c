#include "conf/value.h"

#include <stdbool.h>
#include <string.h>

#include "conf/words.h"

#define SPAN_MAX_NS (24 * 3600 * NS_PER_S)

enum { NANO = 1000000000, WHOLE_DIGITS_MAX = 15, FRACTION_DIGITS_MAX = 9 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Appends at most `most` digits to number and moves on behind them. Returns how many. */
static int take_digits(const char **at, __int128 *number, int most)
{
    int count = 0;

    for (; is_digit(**at) && count < most; ++*at, count++)
        *number = *number * 10 + (**at - '0');
    return count;
}

/* Reads digits with an optional fraction, as billionths, and moves on behind them. False: there
 * are none, or too many. */
static bool take_number(const char **at, __int128 *ret_nano)
{
    __int128 number = 0;
    int fraction = 0;

    if (take_digits(at, &number, WHOLE_DIGITS_MAX) == 0)
        return false;
    if (**at == '.' && is_digit((*at)[1])) {
        ++*at;
        fraction = take_digits(at, &number, FRACTION_DIGITS_MAX);
    }
    for (; fraction < FRACTION_DIGITS_MAX; fraction++)
        number *= 10;
    *ret_nano = number;
    return !is_digit(**at);
}

static int64_t unit_find(const char *name)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {
        {"us", NS_PER_US},
        {"ms", NS_PER_MS},
        {"s", NS_PER_S},
        {"m", 60 * NS_PER_S},
    };

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(units[i].name, name) == 0)
            return units[i].ns;
    }
    return 0;
}

const char *set_span(void *field, const char *text, struct store *store)
{
    struct span *span = field;
    __int128 number;

    (void)store;
    if (!take_number(&text, &number))
        return "is not a duration such as 300ms or 1.5s";
    if (!*text)
        return "needs a unit: us, ms, s or m";
    if (is_blank(*text))
        return "has a blank before its unit: leave it out";
    int64_t unit_ns = unit_find(text);
    if (unit_ns == 0)
        return "has an unknown unit: use us, ms, s or m";
    __int128 ns = number * unit_ns / NANO;
    if (ns * NANO != number * unit_ns)
        return "is finer than a nanosecond";
    if (ns > SPAN_MAX_NS)
        return "is too long: at most 1440m";
    *span = (struct span){.ns = (int64_t)ns};
    return NULL;
}

const char *set_some_span(void *field, const char *text, struct store *store)
{
    const char *fault = set_span(field, text, store);

    if (!fault && span_is_none(*(struct span *)field))
        return "must be more than nothing";
    return fault;
}

const char *set_share(void *field, const char *text, struct store *store)
{
    int32_t *share = field;
    __int128 percent;

    (void)store;
    if (!take_number(&text, &percent) || strcmp(text, "%") != 0)
        return "is not a share such as 25%";
    if (percent > (__int128)100 * NANO)
        return "is more than 100%";
    __int128 millionths = percent * (SHARE_WHOLE / 100) / NANO;
    if (millionths * NANO != percent * (SHARE_WHOLE / 100))
        return "is too fine a share: at most four digits after the point";
    *share = (int32_t)millionths;
    return NULL;
}

const char *set_local(void *field, const char *text, struct store *store)
{
    struct amount *amount = field;

    *amount = (struct amount){.kind = strchr(text, '%') ? AMOUNT_SHARE : AMOUNT_FIXED};
    if (amount->kind == AMOUNT_SHARE)
        return set_share(&amount->share, text, store);
    return set_span(&amount->fixed, text, store);
}

const char *set_reply(void *field, const char *text, struct store *store)
{
    if (strcmp(text, "auto") != 0)
        return set_local(field, text, store);
    *(struct amount *)field = (struct amount){.kind = AMOUNT_AUTO};
    return NULL;
}

const char *set_call_budget(void *field, const char *text, struct store *store)
{
    struct amount *amount = field;

    if (strcmp(text, "rest") == 0) {
        *amount = (struct amount){.kind = AMOUNT_REST};
        return NULL;
    }
    const char *fault = set_local(field, text, store);
    if (!fault && span_is_none(amount->fixed) && amount->share == 0)
        return "must be more than nothing";
    return fault;
}

static const char *set_spread(struct latency *latency, const char *low, const char *high)
{
    const char *fault = set_span(&latency->low, low, NULL);

    if (!fault)
        fault = set_span(&latency->high, high, NULL);
    if (!fault && !span_covers(latency->high, latency->low))
        return latency->kind == LATENCY_UNIFORM ? "must have the lesser time first"
                                                : "must have the median first, then the larger "
                                                  "99th percentile";
    return fault;
}

static const char *set_lognormal(struct latency *latency, const char *text, struct store *store)
{
    size_t count = strlen(text);
    const char *rest = store_copy(store, text, count - (count > 0 && text[count - 1] == ')'));

    if (strlen(rest) == count || !strchr(rest, ','))
        return "must be written as lognormal(80ms, 400ms): the median, the 99th percentile";
    latency->kind = LATENCY_LOGNORMAL;
    const char *low = items_next(&rest, ',', store);
    const char *fault = set_spread(latency, low, rest + strspn(rest, " \t"));
    if (!fault && span_is_none(latency->low))
        return "must have a median of more than nothing";
    return fault;
}

const char *set_latency(void *field, const char *text, struct store *store)
{
    struct latency *latency = field;
    const char *dots = strstr(text, "..");

    if (strncmp(text, "lognormal(", strlen("lognormal(")) == 0)
        return set_lognormal(latency, text + strlen("lognormal("), store);
    if (dots) {
        latency->kind = LATENCY_UNIFORM;
        return set_spread(latency, store_copy(store, text, (size_t)(dots - text)), dots + 2);
    }
    latency->kind = LATENCY_FIXED;
    const char *fault = set_span(&latency->low, text, store);
    latency->high = latency->low;
    return fault;
}
