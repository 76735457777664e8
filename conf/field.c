#include "conf/field.h"

#include <string.h>
#include <strings.h>

#include "conf/nearest.h"
#include "conf/words.h"

/* Cuts "NAME: rest" in two and checks the name. */
static const char *split_field(char *text, char **ret_rest)
{
    char *colon = strchr(text, ':');

    if (!colon)
        return "needs a colon between the header's name and the rest";
    *colon = '\0';
    if (!token_is(text))
        return "has a header name that is not one: letters, digits and - will do";
    *ret_rest = colon + 1;
    while (is_blank(**ret_rest))
        ++*ret_rest;
    return NULL;
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* Fields that belong to one connection or frame the message (RFC 9110 sections 7.6.1 and 8.6, RFC
 * 9112 section 6): the proxy alone sets them. */
static bool is_of_connection(const char *name)
{
    static const char *const names[] = {
        "Connection",
        "Content-Length",
        "Expect",
        "HTTP2-Settings",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
    };

    return is_among(name, names, sizeof names / sizeof names[0]);
}

/* What every request of the proxy says of itself: with a second line of it upstreams would have two
 * answers to one question. */
static bool is_of_proxy(const char *name)
{
    static const char *const names[] = {
        "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id",
    };

    return is_among(name, names, sizeof names / sizeof names[0]);
}

/* What no request should say twice, but a call may say in its own way. */
static bool is_of_request(const char *name)
{
    static const char *const names[] = {"Host", "traceparent", "tracestate"};

    return is_among(name, names, sizeof names / sizeof names[0]);
}

static const char *find_format(const char *format, struct wire_field *field, struct store *store)
{
    static const enum wire_format formats[] = {
        WIRE_MS, WIRE_S, WIRE_DURATION, WIRE_GRPC, WIRE_EPOCH_MS,
    };
    struct nearest nearest = nearest_to(format);

    if (wire_format_find(format, &field->format))
        return NULL;
    if (strchr(format, ','))
        return "takes one header: write a line for each";
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        nearest_offer(&nearest, wire_format_name(formats[i]));
    return store_print(store,
                       "has an unknown format \"%s\" (there are ms, s, duration, grpc, epoch-ms)%s",
                       format, nearest_question(&nearest, store));
}

const char *set_budget_header(void *field, const char *text, struct store *store)
{
    struct wire_list *list = field;
    struct wire_field item = {0};
    char *name = store_string(store, text);
    char *format;
    const char *fault = split_field(name, &format);

    if (!fault)
        fault = find_format(format, &item, store);
    if (fault)
        return fault;
    if (is_of_connection(name) || is_of_proxy(name) || is_of_request(name))
        return store_print(store, "cannot be carried by %s", name);
    for (size_t i = 0; i < list->count; i++) {
        if (strcasecmp(list->items[i].name, name) == 0)
            return store_print(store, "names %s twice", name);
    }
    item.name = name;
    item.zero_is_default = wire_zero_is_default(name);
    list->items = store_grow(store, list->items, list->count, sizeof *list->items);
    list->items[list->count++] = item;
    return NULL;
}

const char *set_tell(void *field, const char *text, struct store *store)
{
    struct wire_list *list = field;
    bool says_none = strcmp(text, "none") == 0;

    if (list->is_none || (says_none && list->count > 0))
        return "cannot be none and something else";
    list->is_none = says_none;
    return says_none ? NULL : set_budget_header(field, text, store);
}

const char *set_call_header(void *field, const char *text, struct store *store)
{
    struct header_list *list = field;
    char *name = store_string(store, text);
    char *value;
    const char *fault = split_field(name, &value);

    if (fault)
        return fault;
    if (is_of_connection(name) || is_of_proxy(name))
        return store_print(store, "cannot set %s: the proxy alone does", name);
    for (size_t i = 0; i < list->count; i++) {
        if (strcasecmp(list->items[i].name, name) == 0)
            return store_print(store, "sets %s twice", name);
    }
    list->items = store_grow(store, list->items, list->count, sizeof *list->items);
    list->items[list->count++] = (struct header_draft){.name = name, .value = value};
    return NULL;
}
