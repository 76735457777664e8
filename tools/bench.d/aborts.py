"""Clients that go away: is the work upstream ended, and how soon?"""

import itertools
import socket
import struct
import time

from load import percentile

CLIENTS = 100
PATIENCE = 2.0  # s, after which work upstream counts as not ended
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s
numbers = itertools.count()


def await_all(paths, seen, lock, seconds):
    """Until each path has been seen, or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with lock:
            if all(path in seen for path in paths):
                return
        time.sleep(0.005)


def leave(port, silent, reset):
    """CLIENTS clients ask for work, wait until it has begun, and go, 2 ms apart."""
    silent.forget()
    clients = {}
    for _ in range(CLIENTS):
        path = f"/work/{next(numbers)}"
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        clients[path] = client
    await_all(clients, silent.arrived, silent.lock, 5)
    begun = [path for path in clients if path in silent.arrived]
    left = {}
    for path, client in clients.items():
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        left[path] = time.monotonic()
        client.close()
        time.sleep(0.002)
    await_all(begun, silent.ended, silent.lock, PATIENCE)
    delays = sorted(1000 * (silent.ended[path] - left[path]) for path in begun
                    if path in silent.ended)
    return {
        "ended": 100 * len(delays) / len(begun) if begun else 0,
        "p50": percentile(delays, 0.5) if delays else None,
        "most": delays[-1] if delays else None,
        "failed": CLIENTS - len(begun),
    }
