/* Resolves one name again and again, without ever blocking, and keeps the last good answer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "budget/checked.h"
#include "budget/span.h"

struct event_base;
struct evdns_base;
struct name; /* one name under watch; defined in names.c */

enum { NAME_ADDRESSES_MAX = 8, NAME_ADDRESS_TEXT = 48 };

/* resolver: "system" (/etc/resolv.conf and /etc/hosts) or address:port of a name server (and
 * /etc/hosts). NULL: it cannot be used. Owned by the caller, until names_close. */
CHECKED struct evdns_base *names_open(struct event_base *base, const char *resolver);

/* Takes evdns. All names must have been destroyed. Gives the event loop turns. */
void names_close(struct event_base *base, struct evdns_base *evdns);

/* What becomes known of the name, IPv4 before IPv6: whenever it has been asked for. Of one that was
 * not known, the addresses of one family are told of before that, when those of the other have not
 * come 50 ms later (RFC 8305 section 3). count is 0 when it does not resolve now. */
typedef void name_heard(void *owner, char (*addresses)[NAME_ADDRESS_TEXT], size_t count,
                        struct instant now);

struct name_watch {
    struct evdns_base *evdns; /* borrowed */
    struct event_base *base;  /* borrowed */
    const char *host;         /* borrowed */
    struct span refresh;      /* after an answer; evdns tells no lifetime of it */
    struct span retry;        /* after none */
    name_heard *on_heard;
    void *owner; /* borrowed */
};

/* Asks at once, and again and again. on_heard is never called before it returns. */
CHECKED struct name *name_create(const struct name_watch *watch);
void name_destroy(struct name *name); /* NULL is fine */
