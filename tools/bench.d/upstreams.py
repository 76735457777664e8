"""Upstreams that nginx cannot play: one never answers, one swallows uploads, one echoes them."""

import re
import selectors
import socket
import threading
import time

from parties import UPSTREAM_PORTS, Failure

SINK_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def listen(name):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    port = UPSTREAM_PORTS[name]
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        raise Failure(f"port {port}, which the {name} upstream needs: {error.strerror}") from None
    listener.listen(4096)
    return listener


class Silent:
    """Reads requests and never answers. Notes when each came, and when its connection ended."""

    def __init__(self):
        self.arrived = {}  # by path: time.monotonic() at the first bytes
        self.ended = {}
        self.lock = threading.Lock()
        self.listener = listen("silent")
        self.listener.setblocking(False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.stopping = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.stopping:
            for key, _ in self.selector.select(timeout=0.1):
                if key.fileobj is self.listener:
                    self.accept()
                else:
                    self.read(key)

    def accept(self):
        try:
            while True:
                connection, _ = self.listener.accept()
                self.selector.register(connection, selectors.EVENT_READ, [])
        except BlockingIOError:
            pass

    def read(self, key):
        now = time.monotonic()
        try:
            piece = key.fileobj.recv(65536)
        except OSError:
            piece = b""
        path = key.data[0] if key.data else None
        if piece == b"":
            self.selector.unregister(key.fileobj)
            key.fileobj.close()
            if path is not None:
                with self.lock:
                    self.ended[path] = now
        elif path is None:
            path = piece.split(b" ", 2)[1].decode("ascii", "replace")
            key.data.append(path)
            with self.lock:
                self.arrived[path] = now

    def forget(self):
        with self.lock:
            self.arrived.clear()
            self.ended.clear()

    def stop(self):
        self.stopping = True
        self.thread.join()
        self.selector.close()
        self.listener.close()


def read_head(connection):
    """The Content-Length of the next request's body, and what of it has come; None at the end of
    the connection."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if piece == b"":
            return None
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    return int(re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)[1]), body


class Reader:
    """Has a thread for each connection, and there one request after the other."""

    def __init__(self, name):
        self.listener = listen(name)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        room = memoryview(bytearray(1 << 20))
        with connection:
            try:
                while (head := read_head(connection)) is not None:
                    if not self.answer(connection, room, *head):
                        return
            except OSError:
                pass

    def answer(self, connection, room, length, body):
        """Reads a body of that length, of which the beginning has come, and answers. False if the
        connection has ended instead."""
        raise NotImplementedError

    def stop(self):
        # To close it alone would leave accept() waiting.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Sink(Reader):
    """Reads each request's body to its end, then answers 200."""

    def __init__(self):
        self.received = 0  # bytes of bodies; threads add to it, and a lost addition does no harm
        super().__init__("sink")

    def answer(self, connection, room, length, body):
        left = length - len(body)
        while left > 0:
            piece = connection.recv_into(room, min(left, len(room)))
            if piece == 0:
                return False
            left -= piece
            self.received += piece
        connection.sendall(SINK_ANSWER)
        return True


class Echo(Reader):
    """Answers at once, and sends each piece of the body back as it comes."""

    def __init__(self):
        super().__init__("echo")

    def answer(self, connection, room, length, body):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + body)
        left = length - len(body)
        while left > 0:
            piece = connection.recv_into(room, min(left, len(room)))
            if piece == 0:
                return False
            connection.sendall(room[:piece])
            left -= piece
        return True
