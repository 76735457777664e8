/* Which headers cross, each way (RFC 9110 section 7.6.1). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "conf/text.h"
#include "proxy/client.h"

/* Names that must not cross towards upstreams whatever the request: the budget headers of the
 * configuration (declared, and told to any upstream) and those known in the field. Built once from
 * the configuration, then only read. */
struct header_rules; /* defined in headers.c */

CHECKED struct header_rules *header_rules_create(const struct conf *conf);
void header_rules_destroy(struct header_rules *rules); /* NULL is fine */

enum header_fate {
    HEADER_CROSSES,
    HEADER_STAYS,  /* hop by hop, framing, or the proxy's own to set */
    HEADER_BUDGET, /* a budget header: read by the proxy, never passed on */
    HEADER_CLAIM,  /* what a proxy in front says of its client: crosses from trusted peers only */
};

/* Would an upstream that makes variables of headers, as CGI does (RFC 3875 section 4.1.18), have
 * both names in one? X_User and X-User are HTTP_X_USER there, and some take every byte that is no
 * letter or digit so. A name is taken for itself too, in any case. */
bool header_is_taken_for(struct text name, struct text wanted);

/* What becomes of a request's header with this name. It is HEADER_STAYS for: connection,
 * keep-alive, proxy-connection, proxy-authorization, te, trailer, transfer-encoding, upgrade, proxy,
 * content-length, expect, host; and for what the proxy sets itself: x-request-id,
 * x-forwarded-for, x-forwarded-proto, x-forwarded-host, via, traceparent. It is HEADER_CLAIM for
 * forwarded, x-forwarded-... else, x-real-ip and the like. A name that would be taken for one with
 * a fate of its own never crosses, nor is it read. ret_field: for HEADER_BUDGET the index in
 * conf->budget_headers, or -1 when it is known but not declared. */
enum header_fate header_fate_of_request(const struct header_rules *rules, struct text name,
                                        int *ret_field);

/* The same for a response's header: connection, keep-alive, proxy-connection, proxy-authenticate,
 * te, trailer, transfer-encoding, upgrade, content-length, and x-request-id stay. */
enum header_fate header_fate_of_response(struct text name);

/* What is added to Via for a message that came as HTTP/1.minor (RFC 9110 section 7.6.3). */
struct text header_via(int minor);

/* Is name listed in the value of a Connection header (comma list, any case)? */
bool header_is_listed(struct text list, struct text name);

/* The first header of that name; NULL when there is none. */
const struct header *header_find(const struct header *headers, size_t count, struct text name);

/* RFC 9110: a token; and a value without control characters (tab allowed). */
bool header_name_is_valid(struct text name);
bool header_value_is_valid(struct text value);
