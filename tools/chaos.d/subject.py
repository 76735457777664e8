"""The program: started on a configuration, looked at, stopped."""

import asyncio
import collections
import json
import os
import re
import signal
import subprocess
import time
import urllib.request

# Of its own: a port that was found free stays free, since others bind to 127.0.0.1.
HOST = "127.77.0.1"
STATE, LOCAL, REMOTE, INODE = 3, 1, 2, 9  # columns of /proc/net/tcp


class Broken(Exception):
    """Ends the run, with a sentence."""


def accepts(program, path):
    check = subprocess.run([program, "check", "-c", path], capture_output=True, check=False)
    return check.returncode == 0


class Subject:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.process = None
        self.address = self.admin = None

    async def start(self):
        """It ends with us, however we end; Ctrl-C is for us alone."""
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:quarantine_size_mb=16")
        with open(os.path.join(self.folder, "stderr"), "wb") as file:
            self.process = await asyncio.create_subprocess_exec(
                "setpriv", "--pdeathsig", "KILL", self.program, "-c", "proxy.ini",
                cwd=self.folder, stderr=file, env=env, start_new_session=True)
        by = time.monotonic() + 20
        while "hourglass: ready" not in self.said():
            if time.monotonic() > by or self.has_ended():
                raise Broken(f"it did not start: {self.said()}")
            await asyncio.sleep(0.02)
        ports = re.findall(rf"{re.escape(HOST)}:(\d+)", self.said())
        self.address, self.admin = (HOST, int(ports[0])), (HOST, int(ports[1]))
        try:
            self.rest = await self.routes()
        except OSError as error:
            raise Broken(f"its admin listener does not answer: {error}: {self.said()}") from error
        self.rest_descriptors = self.descriptors()
        self.rest_kinds = collections.Counter(self.kinds())

    def said(self):
        with open(os.path.join(self.folder, "stderr"), encoding="latin-1") as file:
            return file.read()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def kinds(self):
        """What its descriptors are; of TCP, state and ports."""
        states = {}
        with open("/proc/net/tcp", encoding="ascii") as file:
            for row in list(file)[1:]:
                fields = row.split()
                local, remote = (int(fields[at][-4:], 16) for at in (LOCAL, REMOTE))
                states[fields[INODE]] = f"{int(fields[STATE], 16)} {local}>{remote}"
        with open("/proc/net/unix", encoding="ascii") as file:
            for row in list(file)[1:]:
                states[row.split()[6]] = "unix"
        for fd in os.listdir(f"/proc/{self.process.pid}/fd"):
            try:
                what = os.readlink(f"/proc/{self.process.pid}/fd/{fd}")
            except OSError:
                continue
            inode = what[8:-1] if what.startswith("socket:") else None
            yield states.get(inode, "socket") if inode else what.split(":")[0]

    async def page(self, path):
        def ask():
            url = f"http://{self.admin[0]}:{self.admin[1]}{path}"
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.read().decode()
        return await asyncio.get_running_loop().run_in_executor(None, ask)

    async def routes(self):
        return json.loads(await self.page("/routes"))

    def has_ended(self):
        return self.process.returncode is not None

    def signal(self, number):
        if not self.has_ended():
            self.process.send_signal(number)

    async def stop(self, seconds):
        """(exit code or None, seconds that it took). After SIGTERM was sent."""
        begun = time.monotonic()
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except asyncio.TimeoutError:
            self.signal(signal.SIGABRT)
            await self.process.wait()
            return None, time.monotonic() - begun
        return self.process.returncode, time.monotonic() - begun

    async def end(self):
        """Whatever state it is in."""
        if self.process and not self.has_ended():
            self.process.kill()
            await self.process.wait()

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="latin-1") as file:
            return [json.loads(line) for line in file]
