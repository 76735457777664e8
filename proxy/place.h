/* Where something listens, as the system writes it. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "budget/checked.h"
#include "conf/conf.h"

/* Room for any address that can be listened on. */
struct place {
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un local;
    } as;
    socklen_t length;
};

/* False: it is no numeric address, or too long a path. */
CHECKED bool place_of_address(struct place *place, const struct conf_address *address);

/* Of a socket. False and errno: it is none, or bound to no such address. */
CHECKED bool place_of_socket(struct place *place, int fd);

bool place_equals(const struct place *one, const struct place *other);

/* In host order; 0 for a path. */
unsigned place_port(const struct place *place);
