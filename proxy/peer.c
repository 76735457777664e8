#include "proxy/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The bytes of an address; the IPv4 one within an IPv6 one where it is mapped. *is_ipv6 says which.
 * NULL: neither. */
static const uint8_t *address_bytes(const struct sockaddr *address, bool *is_ipv6)
{
    static const uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const uint8_t *bytes;

    if (address->sa_family == AF_INET) {
        *is_ipv6 = false;
        return (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    }
    if (address->sa_family != AF_INET6)
        return NULL;
    bytes = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
    *is_ipv6 = memcmp(bytes, MAPPED, sizeof(MAPPED)) != 0;
    return *is_ipv6 ? bytes : bytes + sizeof(MAPPED);
}

static bool is_within(const uint8_t *address, const struct conf_trust *range)
{
    unsigned whole = range->bits / 8;
    unsigned mask = 0xff00u >> (range->bits % 8) & 0xffu;

    return memcmp(address, range->address, whole) == 0 &&
           (mask == 0 || ((address[whole] ^ range->address[whole]) & mask) == 0);
}

bool peer_is_trusted(const struct conf_trust *trusts, size_t count, const struct sockaddr *address)
{
    bool is_ipv6 = false;
    const uint8_t *bytes = address_bytes(address, &is_ipv6);

    for (size_t i = 0; i < count; i++) {
        const struct conf_trust *trust = &trusts[i];

        if (trust->is_unix ? address->sa_family == AF_UNIX
                           : bytes && trust->is_ipv6 == is_ipv6 && is_within(bytes, trust))
            return true;
    }
    return false;
}

void peer_name(struct peer *peer, const struct sockaddr *address)
{
    bool is_ipv6 = false;
    const uint8_t *bytes = address_bytes(address, &is_ipv6);

    *peer = (struct peer){.is_unix = address->sa_family == AF_UNIX};
    if (!bytes ||
        !inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, bytes, peer->address, sizeof(peer->address)))
        snprintf(peer->address, sizeof(peer->address), "%s", peer->is_unix ? "unix" : "unknown");
}
