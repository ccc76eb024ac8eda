# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands inside the machine, through the QEMU guest agent.

The agent dies with every reboot; each call synchronises again, so a caller only needs
to know that the machine is up (Machine.wait_for_agent) and may then run commands.
"""
import base64
import json
import random
import socket
import time
from dataclasses import dataclass

from .timeline import LabError, TimedOut


@dataclass(frozen=True)
class Result:
    """How a command in the machine ended."""

    status: int
    out: str
    err: str


def _text(reply, key):
    return base64.b64decode(reply.get(key, "")).decode("utf-8", "replace")


class Agent:
    """The host's end of the agent's channel."""

    def __init__(self, path):
        self._path = path
        self._sock = None
        self._buffer = b""

    def close(self):
        if self._sock:
            self._sock.close()
        self._sock = None
        self._buffer = b""

    def _connect(self):
        if not self._sock:
            self._sock = socket.socket(socket.AF_UNIX)
            self._sock.connect(self._path)

    def _send(self, request, prefix=b""):
        self._connect()
        self._sock.sendall(prefix + json.dumps(request).encode() + b"\n")

    def _receive(self, deadline):
        """The next complete answer; TimedOut when none comes in time."""
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimedOut("the guest agent did not answer")
            self._sock.settimeout(left)
            try:
                data = self._sock.recv(65536)
            except socket.timeout as error:
                raise TimedOut("the guest agent did not answer") from error
            if not data:
                raise LabError("the guest agent's channel was closed")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        try:
            return json.loads(line.replace(b"\xff", b"").decode("utf-8", "replace"))
        except ValueError:
            return {}

    def ping(self, timeout):
        """Throw away what is left of earlier calls; raises TimedOut where nobody answers.

        The byte 0xff makes the agent drop half a request; it complains of it, and the
        complaint is thrown away with the rest."""
        deadline = time.monotonic() + timeout
        token = random.randrange(1, 1 << 48)
        self._send({"execute": "guest-sync-delimited", "arguments": {"id": token}}, b"\xff")
        while self._receive(deadline).get("return") != token:
            pass

    def call(self, name, timeout=20, **arguments):
        try:
            self.ping(timeout)
            self._send({"execute": name, "arguments": arguments})
            reply = self._receive(time.monotonic() + timeout)
        except OSError as error:
            self.close()
            raise LabError(f"the guest agent's channel: {error}") from error
        except LabError:
            self.close()
            raise
        if "error" in reply:
            raise LabError(f"guest agent, {name}: {reply['error'].get('desc')}")
        return reply.get("return", {})

    def start(self, script):
        """Start a shell script in the machine; its process number there."""
        return self.call("guest-exec", path="/bin/sh", arg=["-c", script],
                         **{"capture-output": True})["pid"]

    def run(self, script, timeout=60):
        """Run a shell script in the machine to its end; returns Result."""
        pid = self.start(script)
        deadline = time.monotonic() + timeout
        pause = 0.02
        while True:
            reply = self.call("guest-exec-status", pid=pid)
            if reply.get("exited"):
                status = reply.get("exitcode", 128 + reply.get("signal", 0))
                return Result(status, _text(reply, "out-data"), _text(reply, "err-data"))
            if time.monotonic() > deadline:
                raise TimedOut(f"not within {timeout} s in the machine: {script[:120]}")
            # The agent tells of an ended command only when asked.
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)
