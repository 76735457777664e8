#include "test/support/otlp_reader.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "conf/json.h"
#include "test/support/json_reader.h"

#define SHOW(text) (int)(text).count, (text).at

/* ---- JSON, part by part ----------------------------------------------------------------------- */

static struct text inside(struct text value, char open, char close)
{
    cr_assert(value.count >= 2 && value.at[0] == open && value.at[value.count - 1] == close,
              "%c is expected: %.*s", open, SHOW(value));
    return (struct text){.at = value.at + 1, .count = value.count - 2};
}

static struct text take(struct text *rest)
{
    struct text value;

    cr_assert(json_take_value(rest, &value), "no value: %.*s", SHOW(*rest));
    return value;
}

static void skip(struct text *rest, char byte)
{
    cr_assert(rest->count > 0 && rest->at[0] == byte, "%c is expected: %.*s", byte, SHOW(*rest));
    rest->at++;
    rest->count--;
}

/* The next element of an array, or the next name of an object. */
static struct text next(struct text *rest)
{
    struct text value = take(rest);

    if (rest->count > 0 && rest->at[0] == ',') {
        skip(rest, ',');
        cr_assert_gt(rest->count, 0, "a comma at the end");
    }
    return value;
}

static struct text string(struct text value)
{
    return inside(value, '"', '"');
}

static struct text hex(struct text value, size_t digits)
{
    struct text id = string(value);
    bool is_any = false;

    cr_assert_eq(id.count, digits, "%.*s", SHOW(id));
    for (size_t i = 0; i < id.count; i++) {
        cr_assert(strchr("0123456789abcdef", id.at[i]), "%.*s", SHOW(id));
        is_any = is_any || id.at[i] != '0';
    }
    cr_assert(is_any, "an id of zeros");
    return id;
}

static uint64_t digits(struct text text)
{
    uint64_t number = 0;

    cr_assert(text.count > 0 && text.count < 20, "%.*s", SHOW(text));
    for (size_t i = 0; i < text.count; i++) {
        cr_assert(text.at[i] >= '0' && text.at[i] <= '9', "%.*s", SHOW(text));
        number = number * 10 + (uint64_t)(text.at[i] - '0');
    }
    return number;
}

/* Hands each member of an object to see, and fails when one comes twice. */
static void walk(struct text object, void *arg,
                 void (*see)(void *arg, struct text name, struct text value))
{
    struct text rest = inside(object, '{', '}');
    struct text names[16];
    size_t count = 0;

    while (rest.count > 0) {
        struct text name = string(take(&rest));
        skip(&rest, ':');
        for (size_t i = 0; i < count; i++)
            cr_assert_not(text_is(name, names[i]), "twice: %.*s", SHOW(name));
        cr_assert_lt(count, 16);
        names[count++] = name;
        see(arg, name, next(&rest));
    }
}

static void fail_unknown(struct text name)
{
    cr_assert_fail("unknown: %.*s", SHOW(name));
}

/* The only element of an array with one. */
static struct text only(struct text array)
{
    struct text rest = inside(array, '[', ']');
    struct text value = take(&rest);

    cr_assert_eq(rest.count, 0);
    return value;
}

/* ---- attributes ------------------------------------------------------------------------------- */

static void see_value(void *arg, struct text name, struct text value)
{
    struct text *ret = arg;

    if (text_is(name, TEXT("stringValue"))) {
        *ret = string(value);
    } else if (text_is(name, TEXT("intValue"))) {
        *ret = string(value);
        (void)digits(*ret);
    } else if (text_is(name, TEXT("doubleValue"))) {
        cr_assert(value.at[0] >= '0' && value.at[0] <= '9', "%.*s", SHOW(value));
        *ret = value;
    } else if (text_is(name, TEXT("boolValue"))) {
        cr_assert(text_is(value, TEXT("true")) || text_is(value, TEXT("false")));
        *ret = value;
    } else {
        fail_unknown(name);
    }
}

struct pair {
    struct text key;
    struct text value;
};

static void see_pair(void *arg, struct text name, struct text value)
{
    struct pair *pair = arg;

    if (text_is(name, TEXT("key")))
        pair->key = string(value);
    else if (text_is(name, TEXT("value")))
        walk(value, &pair->value, see_value);
    else
        fail_unknown(name);
}

/* Every attribute is of its form, and no key comes twice. What key has; at NULL: there is none. */
static struct text look_up(struct text attributes, struct text key)
{
    struct text rest = inside(attributes, '[', ']');
    struct text found = {.at = NULL};

    while (rest.count > 0) {
        struct pair pair = {.key = TEXT_NONE, .value = {.at = NULL}};
        walk(next(&rest), &pair, see_pair);
        cr_assert(pair.key.count > 0 && pair.value.at, "an attribute is not whole");
        if (!text_is(pair.key, key))
            continue;
        cr_assert_null(found.at, "twice: %.*s", SHOW(key));
        found = pair.value;
    }
    return found;
}

struct text otlp_attribute(const struct otlp_span *span, const char *key)
{
    return look_up(span->attributes, text_of(key));
}

bool otlp_says(const struct otlp_span *span, const char *key, const char *value)
{
    struct text said = otlp_attribute(span, key);

    return said.at && text_is(said, text_of(value));
}

/* ---- spans ------------------------------------------------------------------------------------ */

static void see_status(void *arg, struct text name, struct text value)
{
    if (!text_is(name, TEXT("code")))
        fail_unknown(name);
    *(int *)arg = (int)digits(value);
}

static void see_span(void *arg, struct text name, struct text value)
{
    struct otlp_span *span = arg;

    if (text_is(name, TEXT("traceId")))
        span->trace = hex(value, 32);
    else if (text_is(name, TEXT("spanId")))
        span->id = hex(value, 16);
    else if (text_is(name, TEXT("parentSpanId")))
        span->parent = hex(value, 16);
    else if (text_is(name, TEXT("traceState")))
        span->state = string(value);
    else if (text_is(name, TEXT("name")))
        span->name = string(value);
    else if (text_is(name, TEXT("kind")))
        span->kind = (int)digits(value);
    else if (text_is(name, TEXT("flags")))
        span->flags = (int)digits(value);
    else if (text_is(name, TEXT("startTimeUnixNano")))
        span->begun_ns = digits(string(value));
    else if (text_is(name, TEXT("endTimeUnixNano")))
        span->ended_ns = digits(string(value));
    else if (text_is(name, TEXT("attributes")))
        span->attributes = value;
    else if (text_is(name, TEXT("status")))
        walk(value, &span->code, see_status);
    else
        fail_unknown(name);
}

static void check_span(const struct otlp_span *span)
{
    const uint64_t year_2020_ns = UINT64_C(1577836800) * 1000000000;

    cr_assert(span->trace.at && span->id.at && span->attributes.at && span->name.count > 0);
    cr_assert(span->kind == 2 || span->kind == 3, "kind %d", span->kind);
    cr_assert_gt(span->begun_ns, year_2020_ns);
    cr_assert_leq(span->begun_ns, span->ended_ns);
    cr_assert(span->code == 0 || span->code == 2, "code %d", span->code);
    cr_assert_eq(span->flags & 1, 1, "it is sampled");
    (void)look_up(span->attributes, TEXT_NONE);
}

/* ---- the message ------------------------------------------------------------------------------ */

struct reading {
    const char *service;
    struct otlp_span *spans;
    size_t count;
    unsigned parts; /* that every message must have */
};

static void see_scope(void *arg, struct text name, struct text value)
{
    struct reading *reading = arg;

    if (text_is(name, TEXT("name")))
        cr_assert(text_is(string(value), TEXT("hourglass")));
    else if (text_is(name, TEXT("version")))
        cr_assert_gt(string(value).count, 0);
    else
        fail_unknown(name);
    reading->parts++;
}

static void see_scope_spans(void *arg, struct text name, struct text value)
{
    struct reading *reading = arg;

    if (text_is(name, TEXT("scope"))) {
        walk(value, reading, see_scope);
    } else if (text_is(name, TEXT("spans"))) {
        for (struct text rest = inside(value, '[', ']'); rest.count > 0;) {
            struct otlp_span *span = &reading->spans[reading->count++];
            cr_assert_leq(reading->count, OTLP_SPANS_MAX);
            *span = (struct otlp_span){.parent = TEXT_NONE, .state = TEXT_NONE};
            walk(next(&rest), span, see_span);
            check_span(span);
        }
    } else {
        fail_unknown(name);
    }
}

static void see_resource(void *arg, struct text name, struct text value)
{
    struct reading *reading = arg;

    if (!text_is(name, TEXT("attributes")))
        fail_unknown(name);
    cr_assert(text_is(look_up(value, TEXT("service.name")), text_of(reading->service)));
    reading->parts++;
}

static void see_resource_spans(void *arg, struct text name, struct text value)
{
    if (text_is(name, TEXT("resource")))
        walk(value, arg, see_resource);
    else if (text_is(name, TEXT("scopeSpans")))
        walk(only(value), arg, see_scope_spans);
    else
        fail_unknown(name);
}

static void see_message(void *arg, struct text name, struct text value)
{
    if (!text_is(name, TEXT("resourceSpans")))
        fail_unknown(name);
    walk(only(value), arg, see_resource_spans);
}

size_t otlp_read(const char *message, const char *service, struct otlp_span *spans)
{
    struct reading reading = {.service = service, .spans = spans};
    struct text text = text_of(message);

    cr_assert(json_reader_is_value(text), "no JSON: %s", message);
    walk(text, &reading, see_message);
    cr_assert_eq(reading.parts, 3, "service.name, and the scope's name and version");
    cr_assert_gt(reading.count, 0, "no spans");
    return reading.count;
}
