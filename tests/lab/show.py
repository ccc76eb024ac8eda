# SPDX-License-Identifier: LGPL-2.1-or-later
"""The story that tests/demo tells: four upgrades of one machine, through apt.

Each act publishes the next kernel in the machine's own repository, runs kuro upgrade,
and looks at where the machine is when it has settled. Nothing is taken on trust: what
counts is the chain of kernels on the serial line and what the machine says of itself.
"""
import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# pylint: disable=wrong-import-position
from lab import builder, cache, install  # noqa: E402
from lab.timeline import LabError  # noqa: E402

START = time.monotonic() - float(os.environ.get("KURO_DEMO_STARTED", "0"))
APT_TIMEOUT = 480
BOOT_TIMEOUT = 300


@dataclass(frozen=True)
class Act:
    """One upgrade: what is wrong with the kernel, and where the machine must end."""

    title: str
    fault: str
    waiting: str
    blessed: bool


ACTS = (
    Act("a good kernel", "", "The machine tries it and checks its health", True),
    Act("a kernel that panics", "panic", "It panics; the machine must come back", False),
    Act("a kernel that hangs", "hang",
        "A CPU hangs in it; the lock-up detector needs half a minute to be sure", False),
    Act("a kernel that boots, but under which a service fails", "check",
        "It comes up, and then its health check fails", False),
)


def say(text):
    seconds = int(time.monotonic() - START)
    print(f"[{seconds // 60:2}:{seconds % 60:02}] {text}", flush=True)


def indent(text):
    for line in text.rstrip().splitlines():
        print(f"        | {line}", flush=True)


class Demo:
    """One machine, and the releases it has reached."""

    def __init__(self, machine, releases):
        self.machine = machine
        self.releases = releases
        self.good = releases[0]
        self.chain = [self.good]
        self.outcomes = []

    def upgrade(self, act, number):
        """Publish release number and upgrade to it; returns when the machine resets."""
        release = self.releases[number]
        if act.fault:
            self.machine.run(f"echo '{release} {act.fault}' >>/etc/kuro-lab/faults")
        self.machine.run(f"/usr/lib/kuro-lab/publish {number}")
        say(f"  apt now offers {release}. kuro upgrade installs it, makes a generation "
            "of it and reboots.")
        self.machine.run_to_reset("kuro upgrade --reboot=now", APT_TIMEOUT)

    def follow(self, act, number):
        """Watch the chain of boots to its end."""
        release = self.releases[number]
        self.chain += [release] if act.blessed else [release, self.good]
        say(f"  {act.waiting}.")
        for position in range(len(self.chain) - (1 if act.blessed else 2), len(self.chain)):
            started = self.machine.wait_for_boot(position + 1, BOOT_TIMEOUT)
            say(f"  Kernel {started} starts.")
        self.machine.wait_for_agent(BOOT_TIMEOUT)
        self.machine.run(f"kuro wait --timeout={BOOT_TIMEOUT}", timeout=BOOT_TIMEOUT + 20,
                         check=False)

    def judge(self, act, number):
        """Raise LabError unless the machine is where this act must end."""
        status = self.machine.run_json("kuro status --json", statuses=(0, 1, 6))
        running = self.machine.run("uname -r").out.strip()
        if act.blessed:
            self.good = self.releases[number]
        wanted = {"boots": self.chain, "running": self.good, "state": "steady",
                  "trial": None, "outcome": "blessed" if act.blessed else "rolled-back"}
        seen = {"boots": self.machine.boots(), "running": running,
                "state": status["boot"]["state"], "trial": status["boot"]["trial"],
                "outcome": status["last_transaction"]["state"]}
        if seen != wanted:
            raise LabError(f"the machine is at {seen}, must be at {wanted}")

    def act(self, number, act):
        print(flush=True)
        say(f"{number} of {len(ACTS)}: {act.title}, {self.releases[number]}.")
        self.upgrade(act, number)
        self.follow(act, number)
        self.judge(act, number)
        if act.blessed:
            say(f"  Healthy: {self.good} is the known good kernel now.")
        else:
            say(f"  Back on {self.good} by itself; {self.releases[number]} is held.")
        indent(self.machine.run("kuro status", check=False).out)


def play(ready, work):
    with ready.start(work) as machine:
        install.resume(machine)
        demo = Demo(machine, ready.releases)
        say(f"The machine runs {demo.good}, known to be good. Nobody will touch it now.")
        for number, act in enumerate(ACTS, 1):
            demo.act(number, act)
        print(flush=True)
        say("What the machine remembers: kuro history")
        indent(machine.run("kuro history").out)
        say("And why it went back: kuro explain")
        indent(machine.run("kuro explain").out)


def options():
    parser = argparse.ArgumentParser(prog="tests/demo")
    parser.add_argument("--uefi", action="store_true")
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def prepare(firmware):
    say("Building kuro.")
    install.build_kuro()
    say("Building a Debian 12 machine with five of Debian's kernels, unless the cache "
        "has it.")
    builder.variant("demo")
    say("Putting kuro on it: kuro setup, then one boot.")
    return install.ready("demo", firmware)


def main():
    opts = options()
    work = cache.root() / "logs" / "demo"
    kept = f"Its serial line, commands and answers: {work}/machine.log"
    try:
        play(prepare("uefi" if opts.uefi else "bios"), work)
    except (LabError, OSError, KeyError, TypeError) as error:
        say(f"FAILED: {type(error).__name__}: {error}")
        say(kept)
        return 1
    print(flush=True)
    say("All four ended as they should.")
    if opts.keep:
        say(kept)
    else:
        for path in work.iterdir():
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
