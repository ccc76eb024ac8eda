# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU's control socket: commands out, events into the timeline."""
import json
import queue
import socket
import threading

from .timeline import LabError, TimedOut


class Qmp:
    """One connection; a thread reads, so that events are never missed."""

    def __init__(self, path, timeline):
        self._timeline = timeline
        self._replies = queue.Queue()
        self._lock = threading.Lock()
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.connect(path)
        self._file = self._sock.makefile("r", encoding="utf-8")
        self._file.readline()
        self._ended = threading.Event()
        self._reason = ""
        threading.Thread(target=self._read, daemon=True).start()
        self.command("qmp_capabilities")

    def _read(self):
        try:
            for line in self._file:
                message = json.loads(line)
                if "event" in message:
                    self._event(message)
                else:
                    self._replies.put(message)
        except (OSError, ValueError):
            pass
        self._replies.put({"error": {"desc": "QEMU closed its control socket"}})
        self._ended.set()

    def _event(self, message):
        data = message.get("data", {})
        if message["event"] == "SHUTDOWN":
            self._reason = data.get("reason", "")
        self._timeline.add("qmp", message["event"] + " " + json.dumps(data), message)

    def command(self, name, timeout=30, **arguments):
        """Run one command; returns its answer, raises LabError where QEMU refuses."""
        with self._lock:
            request = {"execute": name, "arguments": arguments}
            try:
                self._sock.sendall(json.dumps(request).encode() + b"\n")
                reply = self._replies.get(timeout=timeout)
            except queue.Empty as empty:
                raise TimedOut(f"QEMU did not answer {name}") from empty
            except OSError as error:
                raise LabError(f"QEMU's control socket: {error}") from error
        if "error" in reply:
            raise LabError(f"QEMU, {name}: {reply['error']['desc']}")
        return reply["return"]

    def wait_for_end(self):
        """Wait until QEMU has ended; the reason it gave, such as guest-reset, or none."""
        self._ended.wait(30)
        return self._reason

    def close(self):
        self._sock.close()
