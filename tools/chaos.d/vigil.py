"""How late this machine is: a process that only sleeps and looks, and the loop of this one."""

import asyncio
import bisect
import multiprocessing
import os
import signal
import time

LATE = 0.007  # seconds between two looks that should be 0.002 apart


def watch(pipe, parent):
    """Until it is ended, or is left alone."""
    signal.set_wakeup_fd(-1)  # which is the parent's
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    last = time.monotonic()
    while os.getppid() == parent:
        time.sleep(0.002)
        at = time.monotonic()
        if at - last > LATE:
            try:
                pipe.send((last, at))
            except OSError:
                return
        last = at


class Vigil:
    """Gaps in which nothing of ours ran, or one of two did not."""

    def __init__(self):
        self.gaps = []
        self.pipe, other = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(target=watch, args=(other, os.getpid()),
                                               daemon=True)

    def start(self):
        self.process.start()
        self.task = asyncio.ensure_future(self.tick())

    async def tick(self):
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.002)
            at = time.monotonic()
            if at - last > LATE:
                self.gaps.append((last, at))
            last = at

    def settle(self):
        try:
            while self.pipe.poll():
                self.gaps.append(self.pipe.recv())
        except EOFError:
            pass  # it has ended, and all it said was read
        self.gaps.sort()
        self.starts = [gap[0] for gap in self.gaps]

    def stop(self):
        self.task.cancel()
        self.process.terminate()
        self.process.join()

    def late(self, at, around=0.3):
        """Seconds that something may have been late around this time: the sum of the gaps."""
        low = bisect.bisect_left(self.starts, at - around - 1)
        high = bisect.bisect_right(self.starts, at + around)
        return sum(end - begin for begin, end in self.gaps[low:high] if end >= at - around)
