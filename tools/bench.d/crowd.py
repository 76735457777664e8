"""Clients that have had an answer, keep their connections, and say nothing more."""

import resource
import select
import socket
import struct

REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s
WANTED = 10000


def count():
    """So many clients as are wanted, or as the limit of open files allows: a proxy needs that many
    descriptors, and some for its upstreams, of which hourglass reserves half of all."""
    return min(WANTED, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 200)


class Crowd:
    """One request each, one after the other, so that no more than one was ever in flight."""

    def __init__(self, port):
        self.clients = []
        for _ in range(count()):
            client = socket.create_connection(("127.0.0.1", port), 10)
            self.clients.append(client)
            client.sendall(REQUEST)
            client.recv(65536)

    def gone(self):
        """Of how many the connection has ended."""
        poll = select.poll()
        for client in self.clients:
            poll.register(client, select.POLLIN)
        return len(poll.poll(0))

    def leave(self):
        for client in self.clients:
            # A reset, since ports that wait for 60 s would soon be used up.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
