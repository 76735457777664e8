#include "proxy/headers.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "proxy/memory.h"

/* What is known of one name. */
struct name_rule {
    struct text name; /* borrowed; count 0: a free place */
    enum header_fate fate;
    int field;
};

/* An open hash table, at most a quarter full, so that a name that is not in it (nearly every
 * header) mostly meets a free place at once. Four of its bytes are enough to tell names apart. */
struct header_rules {
    unsigned shift;
    size_t places; /* a power of two */
    struct name_rule table[];
};

enum { NOT_DECLARED = -1 };

/* What others send to say how long they will wait. Only names that mean this and nothing else:
 * Prefer, X-Timeout and the like are somebody's business and cross. */
static const char *const known_budgets[] = {
    "grpc-timeout",
    "connect-timeout-ms",
    "context-ttl-ms",
    "expect-within",
    "finagle-ctx-com.twitter.finagle.deadline",
    "l5d-request-timeout",
    "l5d-response-timeout",
    "l5d-retry-timeout",
    "l5d-timeout",
    "request-timeout",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-ms",
    "x-request-deadline",
    "x-request-deadline-at",
    "x-request-timeout-ms",
    "x-server-timeout",
    "x-yataxi-client-timeoutms",
};

/* RFC 9110 section 7.6.1 and, from content-length on, what the proxy says itself. Proxy is no header
 * at all, but what runs as CGI finds it in HTTP_PROXY, and sends its own requests there
 * (CVE-2016-5385). */
static const char *const staying[] = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy",
    "content-length",
    "expect",
    "host",
    "x-request-id",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "via",
    "traceparent",
};

/* By which a proxy in front says who the client is and what it asked for, and upstreams believe it
 * (Forwarded: RFC 7239). All that begin with X-Forwarded- are such. */
static const char *const claims[] = {
    "forwarded",
    "x-forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
    "client-ip",
    "x-originating-ip",
    "x-remote-ip",
    "x-remote-addr",
    "x-envoy-external-address",
    "cf-connecting-ipv6",
    "x-host",
    "x-scheme",
    "front-end-https",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* As those who make variables of headers have it: letters of one case, digits, and one byte for
 * all others. */
static uint32_t folded(char byte)
{
    uint32_t lower = (unsigned char)byte | 0x20u;

    if (lower >= 'a' && lower <= 'z')
        return lower;
    return byte >= '0' && byte <= '9' ? lower : '-';
}

bool header_is_taken_for(struct text name, struct text wanted)
{
    if (name.count != wanted.count)
        return false;
    for (size_t i = 0; i < name.count; i++) {
        if (folded(name.at[i]) != folded(wanted.at[i]))
            return false;
    }
    return true;
}

/* Where a name that is the same is in the table, or the free place where it would be. Names that
 * may be taken for each other have one way through the table. */
static size_t place_of(const struct header_rules *rules, struct text name,
                       bool (*is_same)(struct text a, struct text b))
{
    uint32_t key = (uint32_t)name.count ^ folded(name.at[0]) << 8 ^
                   folded(name.at[name.count / 2]) << 16 ^ folded(name.at[name.count - 1]) << 24;
    size_t place = (key * UINT32_C(0x9E3779B1)) >> rules->shift;

    while (rules->table[place].name.count != 0 && !is_same(rules->table[place].name, name))
        place = (place + 1) & (rules->places - 1);
    return place;
}

/* The first rule for a name holds. */
static void add(struct header_rules *rules, const char *name, enum header_fate fate, int field)
{
    struct text text = text_of(name);

    if (text.count == 0)
        return;
    struct name_rule *rule = &rules->table[place_of(rules, text, text_is_like)];
    if (rule->name.count == 0)
        *rule = (struct name_rule){.name = text, .fate = fate, .field = field};
}

static size_t count_names(const struct conf *conf)
{
    size_t count =
        COUNT(known_budgets) + COUNT(staying) + COUNT(claims) + conf->budget_headers_count;

    for (size_t i = 0; i < conf->upstreams_count; i++)
        count += conf->upstreams[i].tells_count;
    return count;
}

static struct header_rules *table_create(size_t names)
{
    unsigned bits = 6;

    while (names * 4 > (size_t)1 << bits)
        bits++;
    assert(bits < 32);
    size_t places = (size_t)1 << bits;
    struct header_rules *rules =
        memory_take_clear(1, sizeof(*rules) + places * sizeof(rules->table[0]));

    rules->shift = 32 - bits;
    rules->places = places;
    return rules;
}

struct header_rules *header_rules_create(const struct conf *conf)
{
    struct header_rules *rules = table_create(count_names(conf));

    for (size_t i = 0; i < conf->budget_headers_count; i++)
        add(rules, conf->budget_headers[i].name, HEADER_BUDGET, (int)i);
    for (size_t i = 0; i < conf->upstreams_count; i++) {
        for (size_t j = 0; j < conf->upstreams[i].tells_count; j++)
            add(rules, conf->upstreams[i].tells[j].name, HEADER_BUDGET, NOT_DECLARED);
    }
    for (size_t i = 0; i < COUNT(known_budgets); i++)
        add(rules, known_budgets[i], HEADER_BUDGET, NOT_DECLARED);
    for (size_t i = 0; i < COUNT(staying); i++)
        add(rules, staying[i], HEADER_STAYS, NOT_DECLARED);
    for (size_t i = 0; i < COUNT(claims); i++)
        add(rules, claims[i], HEADER_CLAIM, NOT_DECLARED);
    return rules;
}

void header_rules_destroy(struct header_rules *rules)
{
    free(rules);
}

/* Of a name that has no rule of its own. */
static enum header_fate fate_by_prefix(struct text name)
{
    const struct text prefix = TEXT("x-forwarded-");
    struct text begin = {.at = name.at, .count = prefix.count};

    if (name.count < prefix.count || !header_is_taken_for(begin, prefix))
        return HEADER_CROSSES;
    return text_is_like(begin, prefix) ? HEADER_CLAIM : HEADER_STAYS;
}

enum header_fate header_fate_of_request(const struct header_rules *rules, struct text name,
                                        int *ret_field)
{
    *ret_field = NOT_DECLARED;
    if (name.count == 0)
        return HEADER_CROSSES;
    const struct name_rule *near = &rules->table[place_of(rules, name, header_is_taken_for)];
    if (near->name.count == 0)
        return fate_by_prefix(name);
    const struct name_rule *rule = &rules->table[place_of(rules, name, text_is_like)];
    if (rule->name.count == 0)
        return near->fate == HEADER_BUDGET ? HEADER_BUDGET : HEADER_STAYS;
    *ret_field = rule->field;
    return rule->fate;
}

/* A quick look at the first letter spares most comparisons; names are never empty here. */
static bool is_named(struct text name, struct text wanted)
{
    return name.count == wanted.count && folded(name.at[0]) == folded(wanted.at[0]) &&
           text_is_like(name, wanted);
}

enum header_fate header_fate_of_response(struct text name)
{
    /* By length: two at most have the same. */
    static const char *const by_length[][2] = {
        [2] = {"te", NULL},
        [7] = {"trailer", "upgrade"},
        [10] = {"connection", "keep-alive"},
        [12] = {"x-request-id", NULL},
        [14] = {"content-length", NULL},
        [16] = {"proxy-connection", NULL},
        [17] = {"transfer-encoding", NULL},
        [18] = {"proxy-authenticate", NULL},
    };

    if (name.count >= COUNT(by_length))
        return HEADER_CROSSES;
    for (size_t i = 0; i < 2; i++) {
        const char *staying_name = by_length[name.count][i];
        struct text wanted = {.at = staying_name, .count = name.count};
        if (staying_name && is_named(name, wanted))
            return HEADER_STAYS;
    }
    return HEADER_CROSSES;
}

struct text header_via(int minor)
{
    return minor == 0 ? TEXT("1.0 hourglass") : TEXT("1.1 hourglass");
}

bool header_is_listed(struct text list, struct text name)
{
    const char *at = list.at;
    const char *end = list.at + list.count;

    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        struct text item = text_trimmed((struct text){.at = at, .count = (size_t)(stop - at)});
        if (item.count > 0 && text_is_like(item, name))
            return true;
        at = comma ? comma + 1 : end;
    }
    return false;
}

const struct header *header_find(const struct header *headers, size_t count, struct text name)
{
    if (name.count == 0)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (is_named(headers[i].name, name))
            return &headers[i];
    }
    return NULL;
}

/* RFC 9110 section 5.6.2. */
static bool is_token_byte(char byte)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
        (byte >= '0' && byte <= '9'))
        return true;
    return memchr(marks, byte, sizeof(marks) - 1) != NULL;
}

bool header_name_is_valid(struct text name)
{
    for (size_t i = 0; i < name.count; i++) {
        if (!is_token_byte(name.at[i]))
            return false;
    }
    return name.count > 0;
}

bool header_value_is_valid(struct text value)
{
    for (size_t i = 0; i < value.count; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        if ((byte < ' ' && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}
