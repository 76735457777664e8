/* Setters of addresses: where to listen, whom to trust, where an upstream is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "conf/value.h"

struct address_list {
    struct conf_address *items;
    size_t count;
};

struct trust_list {
    struct conf_trust *items;
    size_t count;
};

option_set set_listens;      /* struct address_list */
option_set set_listen;       /* struct conf_address */
option_set set_admin;        /* struct conf_address *, NULL for off */
option_set set_trusts;       /* struct trust_list */
option_set set_resolver;     /* char *: "system" or address:port */
option_set set_trace_export; /* struct conf_collector: off, or a URL with or without a path */
option_set set_url;          /* struct conf_upstream: host, port, path, authority */

/* Do both name the same place? Port 0 is a different one each time. */
bool address_is_same(const struct conf_address *a, const struct conf_address *b);

/* Can only this machine reach it: 127.0.0.0/8, ::1, or a unix socket? */
bool address_is_local(const struct conf_address *address);

/* The path of a unix socket, without unix: in front. Returns NULL, or how the sentence ends. */
const char *unix_path_fault(const char *path);

/* Splits host:port or [host]:port; the port is left as it is when none is there. Returns NULL, or
 * how the sentence ends. */
const char *split_host(char *text, char **ret_host, unsigned *port);

enum literal { LITERAL_NONE, LITERAL_IPV4, LITERAL_IPV6 };

/* Is it an address rather than a name? Writes it in network order. */
enum literal literal_read(const char *host, unsigned char bytes[static 16]);
