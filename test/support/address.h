/* Sockets by the text of their address, as hourglass writes it: 127.0.0.1:8080, [::1]:8080,
 * unix:/path. */
#pragma once

#include <stdbool.h>

/* Listens there, on a free port of its own when none is given; *ret_port is 0 for a unix socket.
 * Returns -1 when it cannot. */
int address_listen(const char *address, unsigned *ret_port);

/* Is there an IPv6 loopback? A container may have none. */
bool address_has_v6(void);

/* The next connection, or -1 once the other end of stop_fd has been closed. */
int address_accept(int listener, int stop_fd);

enum { ADDRESS_ROOM = 64 };

/* The address of a unix socket that does not exist yet. */
void address_spare(char address[ADDRESS_ROOM]);

/* Connects; -1 when it cannot. */
int address_connect(const char *address);
