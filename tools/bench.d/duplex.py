"""One request whose body goes up while it comes back down."""

import socket
import threading

SIZE = 64 << 20
PATIENCE = 3.0  # s without a byte, after which no more is waited for


def send(connection):
    piece = bytes(1 << 18)
    try:
        for _ in range(SIZE // len(piece)):
            connection.sendall(piece)
    except OSError:
        pass  # seen by whoever receives


def receive(connection):
    """How many bytes of the answer's body came; not more than SIZE."""
    room = memoryview(bytearray(1 << 18))
    head, received = b"", 0
    try:
        while received < SIZE:
            count = connection.recv_into(room)
            if count == 0:
                break
            if b"\r\n\r\n" in head:
                received += count
            else:
                head += room[:count]
                received = len(head.partition(b"\r\n\r\n")[2])
    except OSError:
        pass
    return min(received, SIZE)


def exchange(port):
    """How many bytes came back."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n"
                           % SIZE)
        sender = threading.Thread(target=send, args=(connection,))
        sender.start()
        received = receive(connection)
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the proxy has reset it
        sender.join()
    return received
