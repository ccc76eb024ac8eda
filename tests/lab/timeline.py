# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything a virtual machine says, in order, and a way to wait for it.

Serial lines, QMP events and the driver's own notes share one list with one clock,
so "which kernel started after the second reset" is a question to one object.
"""
import re
import threading
import time
from dataclasses import dataclass, field

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1bc|\x1b[()][0-9A-B]|[\x00-\x08\x0e-\x1f]")


class LabError(Exception):
    """Something in the lab did not go as it should; the text says what."""


class TimedOut(LabError):
    """What was waited for did not happen in time."""


class MachineGone(LabError):
    """QEMU ended while something was still awaited."""


@dataclass(frozen=True)
class Event:
    """One thing that happened: kind is serial, qmp or note; text is what a log shows."""

    at: float
    kind: str
    text: str
    data: dict = field(default_factory=dict)


class Timeline:
    """A growing list of events; each is also appended to a log file with its time."""

    def __init__(self, log_path):
        self._start = time.monotonic()
        self._events = []
        self._changed = threading.Condition()
        self._over = False
        self._log = open(log_path, "w", encoding="utf-8")

    def add(self, kind, text, data=None):
        text = ANSI.sub("", text).rstrip()
        if not text:
            return
        with self._changed:
            if self._over:
                return
            event = Event(time.monotonic() - self._start, kind, text, data or {})
            self._events.append(event)
            self._log.write(f"{event.at:8.2f} {kind:6} {text}\n")
            self._log.flush()
            self._changed.notify_all()

    def close(self):
        """No more events will come; wakes everyone who still waits."""
        with self._changed:
            if not self._over:
                self._over = True
                self._log.close()
            self._changed.notify_all()

    def cursor(self):
        """A place in the list, to be given to wait() as since."""
        with self._changed:
            return len(self._events)

    def events(self, since=0):
        with self._changed:
            return self._events[since:]

    def wait(self, match, timeout, what, since=0):
        """Block until match(event) is true for an event after since; returns that event."""
        deadline = time.monotonic() + timeout
        seen = since
        with self._changed:
            while True:
                for event in self._events[seen:]:
                    if match(event):
                        return event
                seen = len(self._events)
                self._wait_for_more(deadline, timeout, what)

    def _wait_for_more(self, deadline, timeout, what):
        if self._over:
            raise MachineGone(f"the machine ended before: {what}")
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimedOut(f"not within {timeout:.0f} s: {what}")
        self._changed.wait(left)
