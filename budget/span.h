/* Time, in two types that cannot be mixed up, and all the arithmetic there is on them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A length of time, in nanoseconds, never negative. Zero means nothing left; it never means no
 * limit: forever has a name. */
struct span {
    int64_t ns;
};

/* A point on the monotonic clock, in nanoseconds. */
struct instant {
    int64_t ns;
};

#define SPAN_NONE ((struct span){.ns = 0})
#define SPAN_FOREVER ((struct span){.ns = INT64_MAX})
#define INSTANT_NEVER ((struct instant){.ns = INT64_MAX})

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* count units of unit_ns each. Saturates at SPAN_FOREVER; a negative count is nothing. */
static inline struct span span_of(int64_t count, int64_t unit_ns)
{
    int64_t ns;

    if (count <= 0)
        return SPAN_NONE;
    return (struct span){.ns = __builtin_mul_overflow(count, unit_ns, &ns) ? INT64_MAX : ns};
}

static inline struct span span_us(int64_t us)
{
    return span_of(us, NS_PER_US);
}

static inline struct span span_ms(int64_t ms)
{
    return span_of(ms, NS_PER_MS);
}

static inline struct span span_s(int64_t s)
{
    return span_of(s, NS_PER_S);
}

/* Saturates: forever and anything is forever. */
static inline struct span span_add(struct span a, struct span b)
{
    int64_t ns;

    return (struct span){.ns = __builtin_add_overflow(a.ns, b.ns, &ns) ? INT64_MAX : ns};
}

/* What is left of a when b is taken away; nothing when b is more. Forever less anything is
 * forever. */
static inline struct span span_less(struct span a, struct span b)
{
    if (a.ns == INT64_MAX)
        return a;
    return (struct span){.ns = a.ns > b.ns ? a.ns - b.ns : 0};
}

static inline struct span span_min(struct span a, struct span b)
{
    return a.ns < b.ns ? a : b;
}

static inline struct span span_max(struct span a, struct span b)
{
    return a.ns > b.ns ? a : b;
}

/* Is a at least as long as b? */
static inline bool span_covers(struct span a, struct span b)
{
    return a.ns >= b.ns;
}

static inline bool span_is_none(struct span a)
{
    return a.ns == 0;
}

/* whole * part / of, rounded down. `of` must not be zero. Saturates. */
static inline struct span span_scale(struct span whole, int64_t part, int64_t of)
{
    if (whole.ns == INT64_MAX)
        return whole;
    __int128 ns = (__int128)whole.ns * part / of;
    return (struct span){.ns = ns > INT64_MAX ? INT64_MAX : (int64_t)ns};
}

/* Whole milliseconds, rounded down. */
static inline int64_t span_floor_ms(struct span a)
{
    return a.ns / NS_PER_MS;
}

/* For people and for text only: never for a decision. */
static inline double span_as_ms(struct span a)
{
    return (double)a.ns / (double)NS_PER_MS;
}

/* Saturates, so that waiting forever ends at the end of time. */
static inline struct instant instant_after(struct instant start, struct span wait)
{
    int64_t ns;

    if (wait.ns == INT64_MAX || __builtin_add_overflow(start.ns, wait.ns, &ns))
        return INSTANT_NEVER;
    return (struct instant){.ns = ns};
}

/* The point that lies `by` before `end`. */
static inline struct instant instant_before(struct instant end, struct span by)
{
    int64_t ns;

    if (end.ns == INT64_MAX)
        return end;
    return (struct instant){.ns = __builtin_sub_overflow(end.ns, by.ns, &ns) ? INT64_MIN : ns};
}

/* Nothing once `then` has come; forever when it never comes. */
static inline struct span span_until(struct instant then, struct instant now)
{
    int64_t ns;

    if (then.ns == INT64_MAX)
        return SPAN_FOREVER;
    if (then.ns <= now.ns)
        return SPAN_NONE;
    return (struct span){.ns = __builtin_sub_overflow(then.ns, now.ns, &ns) ? INT64_MAX : ns};
}

static inline struct span span_since(struct instant start, struct instant now)
{
    return span_until(now, start);
}

static inline struct instant instant_min(struct instant a, struct instant b)
{
    return a.ns < b.ns ? a : b;
}

static inline struct instant instant_max(struct instant a, struct instant b)
{
    return a.ns > b.ns ? a : b;
}

/* Has `then` come? */
static inline bool instant_reached(struct instant then, struct instant now)
{
    return now.ns >= then.ns;
}
