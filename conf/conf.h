/* The configuration file as structures: proxy.ini read once, checked whole, then never changed.
 * Everything in here is owned by struct conf and lives as long as it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "budget/checked.h"
#include "budget/hedge.h"
#include "budget/plan.h"
#include "budget/retry.h"
#include "budget/span.h"
#include "budget/wire.h"
#include "conf/route.h"
#include "conf/template.h"

/* Where to listen: an IP address and port, or the path of a unix socket. */
struct conf_address {
    char *text; /* as written */
    char *host; /* a literal address without brackets; NULL: unix */
    uint16_t port;
    char *path; /* NULL: not unix */
};

/* A peer that is believed: address/bits, or every unix socket. */
struct conf_trust {
    bool is_unix;
    bool is_ipv6;
    uint8_t address[16]; /* network order; the first 4 for IPv4 */
    unsigned bits;
};

enum log_when_kind {
    LOG_WHEN_ALL,
    LOG_WHEN_FAILED,
    LOG_WHEN_SLOW, /* failed, or slow */
};

/* Which requests have a line in the log. */
struct log_when {
    enum log_when_kind kind;
    int32_t share; /* LOG_WHEN_SLOW: of its budget, in millionths: more than this is slow */
};

/* Where spans of traces are sent, by OTLP/HTTP. */
struct conf_collector {
    struct conf_upstream *at; /* NULL: they are not exported */
    char *path;
};

struct conf_proxy {
    struct conf_address *listens;
    size_t listens_count;
    unsigned workers;           /* 0: one per core */
    struct conf_address *admin; /* NULL: off */
    struct conf_trust *trusts;
    size_t trusts_count;
    struct span drain;
    unsigned max_connections;
    size_t max_memory; /* in bytes: that connections and requests hold */
    size_t max_header;
    struct span header_timeout;
    struct span idle_timeout;
    char *log; /* "stderr", "off" or a file */
    bool logs_json;
    struct log_when log_when;
    int32_t log_sample; /* logged of those that neither failed nor were slow: a share */
    bool shows_queries; /* a path is shown with its query */
    char *resolver;     /* "system", or address:port of a name server */
    unsigned recent;    /* ended requests that are kept, of each kind, per worker; 0: none */
    struct conf_collector trace_export;
    int32_t trace_share; /* of the traces that begin here: these are sampled; in millionths */
    char *trace_service; /* how spans name this service */
};

struct conf_upstream {
    char *name;
    char *host;      /* a name or a literal address without brackets; NULL: unix */
    bool is_literal; /* host is an address: nothing to resolve */
    bool is_ipv6;    /* host is a literal IPv6 address */
    uint16_t port;
    char *path;      /* of a unix socket; NULL: not unix */
    char *authority; /* host:port as for a Host header */
    struct span connect;
    struct wire_field *tells; /* none: it is told nothing */
    size_t tells_count;
    unsigned connections; /* at most, per worker */
    unsigned queue;       /* calls that wait for one, at most, per worker */
    int32_t retry_budget; /* retries may be so many of its calls at most: a share, in millionths */
    int32_t hedge_budget; /* the same of hedges */
    bool is_measured;     /* a hedge waits for what it has lately taken */
    bool drains;          /* what comes late is read to its end, to keep the connection */
    struct span drain_time; /* at most so long */
    size_t drain_size;      /* at most so many bytes */
};

struct conf_header {
    char *name;
    const struct template *value;
};

struct conf_call {
    char *name;
    size_t upstream;               /* index into conf->upstreams */
    bool is_passing;               /* the client's own method, target and body go through */
    char *method;                  /* NULL when passing */
    const struct template *target; /* path and query; NULL when passing */
    const struct template *body;   /* NULL: none of its own */
    struct conf_header *headers;   /* set on this call's request, replacing the client's */
    size_t headers_count;
    bool is_read;         /* the body of its response is wanted by a later call, or for the merge */
    bool is_looked_into;  /* by a template of a later call */
    size_t body_max;      /* of that body, in bytes */
    struct text fallback; /* what an optional call's body is when it has none; at NULL: a gap */
    struct retry_policy retry;
    struct hedge_policy hedge;
};

enum answer_kind {
    ANSWER_CALL,  /* the response of one call */
    ANSWER_MERGE, /* a JSON object of the bodies of all calls */
};

/* What trusted clients are told of a request, each with what stands before it. */
enum expose {
    EXPOSE_NONE,   /* as much as strangers */
    EXPOSE_REASON, /* of what went wrong: why, and in which call */
    EXPOSE_LEDGER, /* what each call used */
};

struct conf_route {
    char *name;
    const char *match;       /* as written */
    struct policy policy;    /* policy.calls[i] is the policy of calls[i] */
    struct conf_call *calls; /* in the order of the steps, then those that stand in for others */
    size_t calls_count;
    size_t steps_calls_count; /* so many of them are in a step */
    size_t passing_count;     /* so many of them pass the client's request through */
    enum answer_kind answers;
    size_t answer;          /* ANSWER_CALL: index into calls: whose response the client gets */
    bool rejects_malformed; /* malformed = reject */
    int32_t enforce_share;  /* requests held to their budget, in millionths; others are observed */
    bool outlives_half_close; /* half-close = continue */
    size_t buffer_first;      /* bytes of a response that are held back at first */
    enum expose expose;
};

enum latency_kind { LATENCY_FIXED, LATENCY_UNIFORM, LATENCY_LOGNORMAL };

struct conf_stub {
    char *name;
    struct conf_address listen;
    enum latency_kind latency;
    struct span low;  /* fixed; or the least; or the median */
    struct span high; /* uniform: the most; lognormal: the 99th percentile */
    int status;
    char *body;
    int32_t fail; /* answered 503 instead: a share, in millionths */
};

struct conf {
    struct conf_proxy proxy;
    struct wire_field *budget_headers; /* what clients may send */
    size_t budget_headers_count;
    struct conf_upstream *upstreams;
    size_t upstreams_count;
    struct conf_route *routes;
    size_t routes_count;
    struct conf_stub *stubs;
    size_t stubs_count;
    struct route_table *table;
};

/* Reads a file. Every mistake and warning goes to complaints, one a line, as
 * "proxy.ini:12: route.checkout.local needs a unit: us, ms, s or m" (warnings: "proxy.ini:12:
 * warning: ..."). Returns what was read, owned by the caller, or NULL when there was a mistake or
 * the file cannot be read. */
CHECKED struct conf *conf_load(const char *path, FILE *complaints);

/* The same from an open stream; name stands for the path in complaints. */
CHECKED struct conf *conf_read(FILE *file, const char *name, FILE *complaints);

/* NULL is fine. */
void conf_destroy(struct conf *conf);

/* Every option as a table for people: section, key, default, sentence of help. */
void conf_print_options(FILE *out);
