# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the cases are written in: one machine, its faults, its chain of boots."""
import json

from lab import install
from lab.timeline import LabError, TimedOut

# One boot takes 20 to 30 s on an idle machine; two at a time, on a busy one, much more.
BOOT_TIMEOUT = 240
BLOCK = "/boot/kuro/env"
# GRUB does not replay a journal: what was damaged must lie in its place.
PUSH = "sync; fsfreeze --freeze /boot; fsfreeze --unfreeze /boot"


class Failed(Exception):
    """The machine did not do what the case says it must."""


class Scenario:
    """A machine that runs its oldest release, under kuro, with a newer one installed.
    Its repository offers two that are newer still, the first without its headers."""

    def __init__(self, machine, releases):
        self.machine = machine
        self.old, self.new, self.full, *self.offered = releases

    def run(self, script, **options):
        return self.machine.run(script, **options)

    def status(self):
        return self.machine.run_json("kuro status --json", statuses=(0, 1, 6))

    def fault(self, release, word):
        """From its next boot on, release has this fault."""
        self.run(f"echo '{release} {word}' >>/etc/kuro-lab/faults")

    def policy(self, text):
        self.run(f"printf '%s\\n' '{text}' >/etc/kuro/kuro.conf.d/90-case.conf")

    def arm(self, release):
        """kuro try, without the reboot; the number of the generation that is armed."""
        self.run(f"kuro try {release} --reboot=never", timeout=240)
        boot = self.status()["boot"]
        expect(boot["state"], "armed", "boot.state after kuro try")
        return boot["trial"]

    def reboot(self):
        """An orderly reboot, as a person asks for one; returns when the machine resets."""
        self.machine.run_to_reset("systemctl reboot", BOOT_TIMEOUT)

    def reaches(self, *chain, kernel_hangs=0):
        """The kernels that start, from the first on, are these; the last one comes up."""
        for number in range(1, len(chain) + 1):
            started = self.machine.wait_for_boot(number, BOOT_TIMEOUT + kernel_hangs)
            if started != chain[number - 1]:
                raise Failed(f"boots {self.machine.boots()}, must be {list(chain)}")
        self.machine.wait_for_agent(BOOT_TIMEOUT)

    def settles(self, *chain):
        """The last boot gets a verdict, and no further boot follows."""
        try:
            self.run(f"kuro wait --timeout={BOOT_TIMEOUT}", timeout=BOOT_TIMEOUT + 20,
                     check=False)
        except TimedOut as error:
            raise Failed(f"no verdict, boots {self.machine.boots()}") from error
        self.run("systemctl is-system-running --wait", timeout=BOOT_TIMEOUT, check=False)
        expect(self.machine.boots(), list(chain), "boots")

    def is_at(self, release, **boot):
        """The release runs, and boot.KEY of the status has these values."""
        status = self.status()
        expect(status["running"]["release"], release, "running release")
        for name, value in boot.items():
            expect(status["boot"][name], value, f"boot.{name}")
        return status

    def rolled_back(self, release):
        """The old release runs as before, and the tried one is held."""
        status = self.is_at(self.old, state="steady", good=1, trial=None)
        if not any(hold.get("release") == release for hold in status["holds"]):
            raise Failed(f"{release} is not held: {json.dumps(status['holds'])}")
        expect(status["last_transaction"]["state"], "rolled-back",
               "state of the last transaction")


def expect(seen, wanted, what):
    if seen != wanted:
        raise Failed(f"{what} is {seen!r}, must be {wanted!r}")


def play(ready, work, name, case):
    """Resume a machine and play the case on it; raises Failed or LabError."""
    with ready.start(work, name) as machine:
        install.resume(machine)
        scenario = Scenario(machine, ready.releases)
        try:
            case(scenario)
        except (KeyError, TypeError) as error:
            raise LabError(f"kuro's JSON lacks {error}") from error
