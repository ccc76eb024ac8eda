# SPDX-License-Identifier: LGPL-2.1-or-later
"""One running QEMU: start it, talk to it, wait for it, end it.

Only the processes started here are ever ended. The chain of boots is what the tests
look at. A machine that resets itself ends its QEMU, and a new one goes on from the same
disk at once: within one QEMU the code translated before the reset makes the boot after
it crawl, up to a hundredfold after some minutes of uptime (every write to a page that
once held code walks the list of what was translated from it).
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .agent import Agent
from .qmp import Qmp
from .timeline import LabError, TimedOut, Timeline

OVMF = Path("/usr/share/OVMF")
BANNER = re.compile(r"Linux version (\S+) ")
AGENT_PORT = "org.qemu.guest_agent.0"


@dataclass
class Hardware:
    """What the virtual machine is made of."""

    disk: Path
    firmware: str = "bios"
    vars_file: Path | None = None
    memory: int = 768
    cpus: int = 2
    kernel: Path | None = None
    initrd: Path | None = None
    append: str = ""
    extra_disk: Path | None = None
    incoming: Path | None = None


def _firmware_args(hw):
    if hw.firmware == "bios":
        return []
    code = OVMF / "OVMF_CODE_4M.fd"
    return ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
            "-drive", f"if=pflash,format=raw,unit=1,file={hw.vars_file}"]


def _kernel_args(hw):
    if not hw.kernel:
        return []
    return ["-kernel", str(hw.kernel), "-initrd", str(hw.initrd), "-append", hw.append]


def _disk_args(hw):
    args = ["-drive", f"if=virtio,index=0,format=qcow2,file={hw.disk},cache=unsafe"]
    if hw.extra_disk:
        args += ["-drive", "if=virtio,index=1,format=raw,readonly=on,"
                 f"file={hw.extra_disk}"]
    return args


def command_line(hw, run_dir):
    """QEMU's arguments. Software emulation always: it is what every machine has."""
    args = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
            "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "qemu64",
            "-smp", str(hw.cpus), "-m", str(hw.memory), "-rtc", "base=utc",
            "-serial", "stdio", "-qmp", f"unix:{run_dir}/qmp,server=on,wait=off",
            "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=ga,path={run_dir}/ga,server=on,wait=off",
            "-device", f"virtserialport,chardev=ga,id=ga,name={AGENT_PORT}",
            "-device", "i6300esb", "-action", "watchdog=reset,reboot=shutdown"]
    return args + _firmware_args(hw) + _kernel_args(hw) + _disk_args(hw)


class Machine:
    """A running machine; use as a context manager, so that it always ends."""

    def __init__(self, hardware, log_path, running_release=None):
        self.hardware = hardware
        self.log_path = Path(log_path)
        # A UNIX socket's path must be short, so not beside the log.
        self._run_dir = Path(tempfile.mkdtemp(prefix="kuro-lab-"))
        self._first = [running_release] if running_release else []
        self.timeline = Timeline(log_path)
        self._process = self.qmp = None
        self.agent = Agent(str(self._run_dir / "ga"))
        self._power = threading.Lock()
        self._over = False

    def __enter__(self):
        incoming = self.hardware.incoming
        try:
            self._start(["-incoming", f"exec:cat {incoming}"] if incoming else [])
        except BaseException:
            self.stop()
            raise
        threading.Thread(target=self._live, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stop()

    def _start(self, more=()):
        for name in ("qmp", "ga"):
            (self._run_dir / name).unlink(missing_ok=True)
        args = command_line(self.hardware, self._run_dir) + list(more)
        self.timeline.add("note", " ".join(args))
        self._process = subprocess.Popen(args, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._await_sockets()
        self.qmp = Qmp(str(self._run_dir / "qmp"), self.timeline)

    def _await_sockets(self):
        deadline = time.monotonic() + 20
        while not all((self._run_dir / name).exists() for name in ("qmp", "ga")):
            if self._process.poll() is not None:
                raise LabError(f"QEMU ended at once; see {self.log_path}")
            if time.monotonic() > deadline:
                raise TimedOut("QEMU did not open its sockets")
            time.sleep(0.02)

    def _live(self):
        """Follow the machine from reset to reset, until it is switched off."""
        try:
            while True:
                self._read_serial()
                if not self._restart():
                    break
        except (LabError, OSError) as error:
            self.note(f"the machine could not go on: {error}")
        self.timeline.close()

    def _restart(self):
        """A machine that reset itself comes up again; false where it is off for good."""
        reason = self.qmp.wait_for_end()
        with self._power:
            if self._over or reason != "guest-reset":
                return False
            self._process.wait()
            self.timeline.add("lab", "RESET " + reason, {"event": "RESET"})
            self._start()
        return True

    def _read_serial(self):
        buffer = b""
        while data := os.read(self._process.stdout.fileno(), 65536):
            parts = re.split(rb"[\r\n]", buffer + data)
            buffer = parts.pop()
            for part in parts:
                self.timeline.add("serial", part.decode("utf-8", "replace"))
        self.timeline.add("serial", buffer.decode("utf-8", "replace"))

    def stop(self):
        """Switch this machine off, whatever it is doing."""
        with self._power:
            self._over = True
            if self._process:
                self._process.kill()
                self._process.wait()
        for channel in (self.agent, self.qmp):
            if channel:
                channel.close()
        self.timeline.close()
        shutil.rmtree(self._run_dir, ignore_errors=True)

    def note(self, text):
        self.timeline.add("note", text)

    def boots(self):
        """The releases whose kernels have started, in order."""
        banners = (BANNER.search(e.text) for e in self.timeline.events()
                   if e.kind == "serial")
        return self._first + [found.group(1) for found in banners if found]

    def resets(self):
        return sum(1 for e in self.timeline.events() if e.text.startswith("RESET "))

    def wait_serial(self, pattern, timeout, since=0):
        regex = re.compile(pattern)
        return self.timeline.wait(
            lambda e: e.kind == "serial" and regex.search(e.text), timeout,
            f"serial line /{pattern}/", since)

    def wait_event(self, name, timeout, since=0):
        """Wait for RESET or one of QMP's events, such as SHUTDOWN."""
        return self.timeline.wait(lambda e: e.data.get("event") == name, timeout,
                                  f"event {name}", since)

    def wait_for_boot(self, number, timeout):
        """Wait until the number-th kernel (1 is the first) has started; its release."""
        wanted = number - len(self._first)
        count = 0

        def is_it(event):
            nonlocal count
            count += event.kind == "serial" and bool(BANNER.search(event.text))
            return count >= wanted

        if wanted > 0:
            self.timeline.wait(is_it, timeout, f"boot {number} of the chain")
        return self.boots()[number - 1]

    def _last_reset(self):
        """The cursor just behind the last reset; what stands before is another boot."""
        resets = [number for number, event in enumerate(self.timeline.events(), 1)
                  if event.text.startswith("RESET ")]
        return resets[-1] if resets else 0

    def wait_for_agent(self, timeout):
        """Wait until the guest agent of the present boot answers."""
        def is_open(event):
            data = event.data.get("data", {})
            return event.kind == "qmp" and data.get("id") == "ga" and data.get("open")

        end = time.monotonic() + timeout
        if not self.hardware.incoming or self.resets():
            self.timeline.wait(is_open, timeout, "the guest agent", self._last_reset())
        self.agent.close()
        self.agent.ping(max(end - time.monotonic(), 5))

    def run(self, script, timeout=60, check=True):
        """Run a shell script in the machine; LabError unless it ends with status 0."""
        self.note("run: " + script)
        result = self.agent.run(script, timeout)
        self.note(f"status {result.status}: {result.out}{result.err}"[:20000])
        if check and result.status != 0:
            tail = (result.err or result.out).strip()[-600:]
            raise LabError(f"in the machine, status {result.status}: "
                           f"{script[:200]}\n{tail}")
        return result

    def run_to_reset(self, script, timeout, reset_timeout=240):
        """Run a script that ends in a reboot; the agent may be gone before it tells."""
        since = self.timeline.cursor()
        try:
            self.run(script, timeout)
        except LabError as error:
            try:
                self.wait_event("RESET", 60, since)
            except TimedOut:
                raise error from None
        self.wait_event("RESET", reset_timeout, since)

    def run_json(self, script, timeout=60, statuses=(0,)):
        result = self.run(script, timeout, check=False)
        if result.status not in statuses:
            raise LabError(f"in the machine, status {result.status}: {script[:200]}\n"
                           f"{(result.err or result.out).strip()[-600:]}")
        try:
            return json.loads(result.out)
        except ValueError as error:
            raise LabError(f"not JSON, from {script}: {result.out[:300]}") from error

    def set_time(self):
        """Give the machine the host's time; one that was resumed lives in the past."""
        self.agent.call("guest-set-time", time=time.time_ns())

    def power_off(self, timeout=90):
        """An orderly shutdown, to the end of the process."""
        self.note("power off")
        self.agent.start("systemctl poweroff")
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise TimedOut(f"not powered off within {timeout} s") from error

    def save(self, path, timeout=120):
        """Stop the machine and write its state, to be resumed with Hardware.incoming."""
        capability = {"capability": "events", "state": True}
        self.qmp.command("migrate-set-capabilities", capabilities=[capability])
        self.qmp.command("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        since = self.timeline.cursor()
        self.qmp.command("migrate", uri=f"exec:cat > {path}")
        ended = self.timeline.wait(_migration_ended, timeout, "saved state", since)
        if ended.data["data"]["status"] != "completed":
            raise LabError("the machine's state could not be saved")


def _migration_ended(event):
    return (event.kind == "qmp" and event.data["event"] == "MIGRATION"
            and event.data["data"]["status"] in ("completed", "failed"))
