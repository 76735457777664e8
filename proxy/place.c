#include "proxy/place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

bool place_of_address(struct place *place, const struct conf_address *address)
{
    *place = (struct place){.length = 0};
    if (address->path) {
        size_t count = strlen(address->path) + 1;
        if (count > sizeof(place->as.local.sun_path))
            return false;
        place->as.local.sun_family = AF_UNIX;
        memcpy(place->as.local.sun_path, address->path, count);
        place->length = sizeof(place->as.local);
        return true;
    }
    if (inet_pton(AF_INET, address->host, &place->as.ipv4.sin_addr) == 1) {
        place->as.ipv4.sin_family = AF_INET;
        place->as.ipv4.sin_port = htons(address->port);
        place->length = sizeof(place->as.ipv4);
        return true;
    }
    if (inet_pton(AF_INET6, address->host, &place->as.ipv6.sin6_addr) != 1)
        return false;
    place->as.ipv6.sin6_family = AF_INET6;
    place->as.ipv6.sin6_port = htons(address->port);
    place->length = sizeof(place->as.ipv6);
    return true;
}

bool place_of_socket(struct place *place, int fd)
{
    memset(place, 0, sizeof(*place)); /* a path that fills its room has no end of its own */
    place->length = sizeof(place->as);
    if (getsockname(fd, &place->as.any, &place->length) != 0)
        return false;
    switch (place->as.any.sa_family) {
    case AF_UNIX: /* abstract names, and sockets without one, are nothing that can be configured */
        errno = EINVAL;
        return place->as.local.sun_path[0] != '\0';
    case AF_INET:
    case AF_INET6:
        return true;
    default:
        errno = EAFNOSUPPORT;
        return false;
    }
}

bool place_equals(const struct place *one, const struct place *other)
{
    if (one->as.any.sa_family != other->as.any.sa_family || place_port(one) != place_port(other))
        return false;
    switch (one->as.any.sa_family) {
    case AF_UNIX:
        return strncmp(one->as.local.sun_path, other->as.local.sun_path,
                       sizeof(one->as.local.sun_path)) == 0;
    case AF_INET:
        return one->as.ipv4.sin_addr.s_addr == other->as.ipv4.sin_addr.s_addr;
    default:
        return memcmp(&one->as.ipv6.sin6_addr, &other->as.ipv6.sin6_addr,
                      sizeof(one->as.ipv6.sin6_addr)) == 0;
    }
}

unsigned place_port(const struct place *place)
{
    if (place->as.any.sa_family == AF_UNIX)
        return 0;
    return ntohs(place->as.any.sa_family == AF_INET ? place->as.ipv4.sin_port
                                                    : place->as.ipv6.sin6_port);
}
