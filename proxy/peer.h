/* Who is at the other end of a socket. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "conf/conf.h"
#include "proxy/client.h"

/* Is the peer in one of the trusted ranges? An IPv4 address mapped into IPv6 counts as IPv4. */
bool peer_is_trusted(const struct conf_trust *trusts, size_t count, const struct sockaddr *address);

/* Fills in the address and is_unix; is_trusted is left false. */
void peer_name(struct peer *peer, const struct sockaddr *address);
