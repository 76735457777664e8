#include "budget/wire.h"

#include <assert.h>
#include <string.h>

/* How far a client's wall clock may be from ours before its instants are not believed. */
#define SKEW_MS_MAX INT64_C(60000)

/* Eighteen digits after the point are more than a nanosecond of an hour needs. */
#define FRACTION_ONE INT64_C(1000000000000000000)

struct unit {
    const char *name;
    int64_t ns;
};

/* What a value looks like: a number, and after it the name of one of the units. From the smallest
 * unit to the largest; ends with a unit without a name. */
struct grammar {
    const char *name;
    bool fraction;      /* may the number have one? */
    int64_t number_max; /* a larger one has too many digits, and means as long as possible */
    struct unit units[7];
};

static const struct grammar grammars[] = {
    [WIRE_MS] = {"ms", false, INT64_MAX, {{"", NS_PER_MS}}},
    [WIRE_S] = {"s", true, INT64_MAX, {{"", NS_PER_S}}},
    [WIRE_DURATION] = {"duration",
                       true,
                       INT64_MAX,
                       {{"ns", 1},
                        {"us", NS_PER_US},
                        {"ms", NS_PER_MS},
                        {"s", NS_PER_S},
                        {"m", 60 * NS_PER_S},
                        {"h", 3600 * NS_PER_S}}},
    [WIRE_GRPC] = {"grpc",
                   false,
                   99999999,
                   {{"n", 1},
                    {"u", NS_PER_US},
                    {"m", NS_PER_MS},
                    {"S", NS_PER_S},
                    {"M", 60 * NS_PER_S},
                    {"H", 3600 * NS_PER_S}}},
    [WIRE_EPOCH_MS] = {"epoch-ms", false, INT64_MAX, {{"", NS_PER_MS}}},
};

bool wire_format_find(const char *name, enum wire_format *ret_format)
{
    for (size_t i = 0; i < sizeof grammars / sizeof grammars[0]; i++) {
        if (strcmp(grammars[i].name, name) == 0) {
            *ret_format = (enum wire_format)i;
            return true;
        }
    }
    return false;
}

const char *wire_format_name(enum wire_format format)
{
    return grammars[format].name;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Not strcasecmp: in a Turkish locale it holds that I is not i. */
bool wire_zero_is_default(const char *name)
{
    const char *known = "x-envoy-upstream-rq-timeout-ms";

    while (*known != '\0' && lower(*name) == *known) {
        name++;
        known++;
    }
    return *known == '\0' && *name == '\0';
}

/* Text that is still to be read, from next up to but not including end. */
struct cursor {
    const char *next;
    const char *end;
};

struct number {
    int64_t whole;    /* saturates */
    int64_t fraction; /* of FRACTION_ONE */
};

static bool at_char(const struct cursor *cursor, char c)
{
    return cursor->next < cursor->end && *cursor->next == c;
}

static bool at_digit(const struct cursor *cursor)
{
    return cursor->next < cursor->end && *cursor->next >= '0' && *cursor->next <= '9';
}

static bool read_whole(struct cursor *cursor, struct number *ret_number)
{
    int64_t whole = 0;

    if (!at_digit(cursor))
        return false;
    for (; at_digit(cursor); cursor->next++) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, *cursor->next - '0', &whole))
            whole = INT64_MAX;
    }
    ret_number->whole = whole;
    return true;
}

/* Digits too small to count are read, and dropped: the value is never rounded up. */
static bool read_fraction(struct cursor *cursor, struct number *ret_number)
{
    int64_t weight = FRACTION_ONE;

    if (!at_char(cursor, '.'))
        return true;
    cursor->next++;
    if (!at_digit(cursor))
        return false;
    for (; at_digit(cursor); cursor->next++) {
        weight /= 10;
        ret_number->fraction += weight * (*cursor->next - '0');
    }
    return true;
}

/* The unit that all of the remaining text is the name of; NULL if it is not the name of any. */
static const struct unit *read_unit(const struct cursor *cursor, const struct unit *units)
{
    size_t count = (size_t)(cursor->end - cursor->next);

    for (const struct unit *unit = units; unit->name; unit++) {
        if (strlen(unit->name) == count && memcmp(unit->name, cursor->next, count) == 0)
            return unit;
    }
    return NULL;
}

static struct span number_span(const struct number *number, const struct unit *unit)
{
    struct span whole = span_of(number->whole, unit->ns);
    struct span one = {.ns = unit->ns};

    return span_add(whole, span_scale(one, number->fraction, FRACTION_ONE));
}

/* Reads a length of time. A negative one is as good as none: the sender's own subtraction went
 * below zero. False: malformed. */
static bool read_span(struct cursor cursor, const struct grammar *grammar, struct span *ret_span)
{
    struct number number = {0};
    bool negative = at_char(&cursor, '-');

    if (negative)
        cursor.next++;
    if (!read_whole(&cursor, &number))
        return false;
    if (grammar->fraction && !read_fraction(&cursor, &number))
        return false;
    const struct unit *unit = read_unit(&cursor, grammar->units);
    if (!unit)
        return false;

    if (negative)
        *ret_span = SPAN_NONE;
    else if (number.whole > grammar->number_max)
        *ret_span = SPAN_FOREVER;
    else
        *ret_span = number_span(&number, unit);
    return true;
}

void wire_begin(struct wire_reading *reading)
{
    *reading = (struct wire_reading){
        .relative = SPAN_FOREVER,
        .relative_field = -1,
        .epoch_ms = INT64_MAX,
        .epoch_field = -1,
    };
}

static bool take_instant(struct wire_reading *reading, int field_index, struct cursor value)
{
    struct number number = {0};

    if (!read_whole(&value, &number) || value.next != value.end)
        return false;
    if (reading->epoch_field < 0 || number.whole < reading->epoch_ms) {
        reading->epoch_ms = number.whole;
        reading->epoch_field = field_index;
    }
    return true;
}

static bool take_span(struct wire_reading *reading, int field_index, const struct wire_field *field,
                      struct cursor value)
{
    struct span span;

    if (!read_span(value, &grammars[field->format], &span))
        return false;
    if (span_is_none(span) && field->zero_is_default && *value.next != '-')
        return true;
    if (reading->relative_field < 0 || !span_covers(span, reading->relative)) {
        reading->relative = span;
        reading->relative_field = field_index;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct cursor trimmed(struct cursor cursor)
{
    while (cursor.next < cursor.end && is_blank(*cursor.next))
        cursor.next++;
    while (cursor.next < cursor.end && is_blank(cursor.end[-1]))
        cursor.end--;
    return cursor;
}

/* Cuts off what comes before the next comma; after the last member, rest->next is NULL. */
static struct cursor take_member(struct cursor *rest)
{
    const char *comma = memchr(rest->next, ',', (size_t)(rest->end - rest->next));
    struct cursor member = {.next = rest->next, .end = comma ? comma : rest->end};

    rest->next = comma ? comma + 1 : NULL;
    return trimmed(member);
}

void wire_take(struct wire_reading *reading, int field_index, const struct wire_field *field,
               const char *value, size_t count)
{
    struct cursor rest = {.next = value, .end = value + count};

    assert(field_index >= 0);
    while (rest.next) {
        struct cursor member = take_member(&rest);
        bool understood = field->format == WIRE_EPOCH_MS
                              ? take_instant(reading, field_index, member)
                              : take_span(reading, field_index, field, member);

        reading->values++;
        if (!understood)
            reading->malformed++;
    }
}

/* Is what the client's instant leaves near enough to what its relative headers say or, if there is
 * none, to what can be asked for at all? */
static bool is_plausible(const struct wire_reading *reading, __int128 left_ns, struct span max)
{
    __int128 skew_ns = SKEW_MS_MAX * NS_PER_MS;
    __int128 least_ns = 0;
    __int128 most_ns = max.ns;

    if (reading->relative_field >= 0)
        least_ns = most_ns = reading->relative.ns;
    return left_ns >= least_ns - skew_ns && left_ns <= most_ns + skew_ns;
}

static struct span span_clamped(__int128 ns)
{
    if (ns <= 0)
        return SPAN_NONE;
    return ns > INT64_MAX ? SPAN_FOREVER : (struct span){.ns = (int64_t)ns};
}

struct wire_asked wire_end(const struct wire_reading *reading, int64_t realtime_ms, struct span max)
{
    struct wire_asked asked = {
        .any = reading->relative_field >= 0,
        .budget = reading->relative,
        .field = reading->relative_field,
        .malformed = reading->malformed,
    };
    __int128 left_ns = ((__int128)reading->epoch_ms - realtime_ms) * NS_PER_MS;

    struct span left = span_clamped(left_ns);

    if (reading->epoch_field < 0)
        return asked;
    if (!is_plausible(reading, left_ns, max))
        asked.malformed++;
    else if (!asked.any || !span_covers(left, asked.budget))
        asked = (struct wire_asked){true, left, reading->epoch_field, reading->malformed};
    return asked;
}

static size_t write_number(char *text, int64_t number)
{
    char digits[20];
    size_t count = 0;
    size_t length = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        text[length++] = digits[--count];
    return length;
}

/* A number, unless it is zero, and the unit after it. */
static size_t write_units(char *text, int64_t number, const char *unit)
{
    if (number <= 0)
        return 0;
    size_t length = write_number(text, number);
    while (*unit != '\0')
        text[length++] = *unit++;
    return length;
}

/* Whole seconds, and no more digits after the point than milliseconds need. */
static size_t write_seconds(char *text, int64_t ms)
{
    if (ms == 0)
        return 0;
    size_t length = write_number(text, ms / 1000);
    if (ms % 1000 > 0)
        text[length++] = '.';
    for (int64_t rest = ms % 1000; rest > 0; rest = rest % 100 * 10)
        text[length++] = (char)('0' + rest / 100);
    return length;
}

static size_t write_duration(char *text, struct span left)
{
    if (left.ns % NS_PER_MS == 0)
        return write_units(text, left.ns / NS_PER_MS, "ms");
    return write_units(text, left.ns / NS_PER_US, "us");
}

/* In the smallest unit, from the microsecond up, of which eight digits are enough. */
static size_t write_grpc(char *text, struct span left)
{
    const struct grammar *grammar = &grammars[WIRE_GRPC];
    const struct unit *unit = &grammar->units[1];

    while (left.ns / unit->ns > grammar->number_max)
        unit++;
    return write_units(text, left.ns / unit->ns, unit->name);
}

static size_t write_instant(char *text, struct span left, int64_t realtime_ms)
{
    int64_t epoch_ms;

    assert(realtime_ms >= 0);
    if (span_floor_ms(left) == 0)
        return 0;
    if (__builtin_add_overflow(realtime_ms, span_floor_ms(left), &epoch_ms))
        epoch_ms = INT64_MAX;
    return write_number(text, epoch_ms);
}

size_t wire_write(enum wire_format format, struct span left, int64_t realtime_ms,
                  char text[static WIRE_TEXT_MAX])
{
    size_t length = 0;

    switch (format) {
    case WIRE_MS:
        length = write_units(text, span_floor_ms(left), "");
        break;
    case WIRE_S:
        length = write_seconds(text, span_floor_ms(left));
        break;
    case WIRE_DURATION:
        length = write_duration(text, left);
        break;
    case WIRE_GRPC:
        length = write_grpc(text, left);
        break;
    case WIRE_EPOCH_MS:
        length = write_instant(text, left, realtime_ms);
        break;
    }
    text[length] = '\0';
    return length;
}
