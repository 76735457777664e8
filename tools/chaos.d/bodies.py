"""Bytes that say whose they are: of each request and each answer, made from its token."""

import functools
import json


@functools.lru_cache(maxsize=4096)
def body(token, tag, size):
    """JSON of at least `size` bytes, all of which belong to this token and tag."""
    unit = f"{token}.{tag};"
    text = json.dumps({"token": token, "tag": tag, "pad": unit * (size // len(unit))})
    return text.encode()


class Message:
    """An HTTP/1.1 message as it comes in: head, then body, by its framing."""

    def __init__(self, is_response, head_only=False):
        self.is_response, self.head_only = is_response, head_only
        self.bytes = bytearray()
        self.line, self.headers, self.body = None, [], bytearray()
        self.interim = []
        self.remaining, self.chunked, self.until_end = None, False, False
        self.whole = False
        self.bad = None
        self._chunk = None

    def get(self, name):
        return next((value for key, value in self.headers if key == name), None)

    def all(self, name):
        return [value for key, value in self.headers if key == name]

    @property
    def status(self):
        return int(self.line.split(" ")[1]) if self.line else 0

    def feed(self, data):
        """What is behind the message stays in self.bytes."""
        self.bytes += data
        while not self.whole and self._step():
            pass

    def end(self):
        """The stream has ended in order."""
        if self.line and self.until_end:
            self.whole = True

    def _step(self):
        if self.line is None:
            return self._read_head()
        if self.chunked:
            return self._read_chunk()
        if self.until_end:
            self.body += self.bytes
            self.bytes.clear()
            return False
        part = self.bytes[:self.remaining]
        self.body += part
        del self.bytes[:len(part)]
        self.remaining -= len(part)
        self.whole = self.remaining == 0
        return False

    def _read_head(self):
        at = self.bytes.find(b"\r\n\r\n")
        if at < 0:
            return False
        lines = self.bytes[:at].decode("latin-1").split("\r\n")
        del self.bytes[:at + 4]
        parted = (line.partition(":") for line in lines[1:])
        headers = [(name.lower(), value.strip()) for name, _, value in parted]
        if self.is_response and lines[0].split(" ")[1].startswith("1"):
            self.interim.append(lines[0])
            return True
        self.line, self.headers = lines[0], headers
        self._frame()
        return True

    def _frame(self):
        length = self.get("content-length")
        if self.head_only or self.is_response and self.status in (204, 304):
            self.remaining = 0
        elif self.get("transfer-encoding"):
            self.chunked = True
        elif length is not None:
            self.remaining = int(length)
        elif self.is_response:
            self.until_end = True
        else:
            self.remaining = 0

    def _read_chunk(self):
        if self._chunk is None:
            at = self.bytes.find(b"\r\n")
            if at < 0:
                return False
            try:
                self._chunk = int(self.bytes[:at].split(b";")[0], 16)
            except ValueError:
                self.bad, self.whole = f"chunk line {bytes(self.bytes[:at])!r}", True
                return False
            del self.bytes[:at + 2]
        if len(self.bytes) < self._chunk + 2:
            return False
        if self._chunk == 0:  # no trailers are sent, by either side
            self.whole = True
        self.body += self.bytes[:self._chunk]
        del self.bytes[:self._chunk + 2]
        self._chunk = None
        return True


def chunks(data, pieces):
    """The data as so many chunks; with 0 the last one."""
    size = max(1, -(-len(data) // pieces))
    parts = [data[at:at + size] for at in range(0, len(data), size)]
    return [b"%x\r\n%s\r\n" % (len(part), part) for part in parts]
