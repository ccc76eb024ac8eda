# SPDX-License-Identifier: LGPL-2.1-or-later
"""Puts kuro on a machine's disk, as late as possible: a changed kuro costs two boots.

The result is kept as a machine that is up and set up, stopped in mid-air: a test
resumes it in a second instead of booting it.
"""
import functools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import builder, cache, disk
from .machine import OVMF, Hardware, Machine
from .programs import run
from .timeline import LabError

SOURCE = Path(__file__).resolve().parent.parent.parent
VARS = "OVMF_VARS_4M.fd"
# Short times, so that a chain of boots is a minute: the checks themselves are unchanged.
POLICY = """\
// The lab's machine: software emulation, nobody at the console, tests that cannot wait.
boot: { menu_timeout = 1; };
health: { settle = 2; attempts = 2; interval = 1; };
"""
# An empty grub.cfg: kuro setup makes the first whole one, as every later one is made.
UNPACK = """set -e
tar --extract --file /dev/vdb --directory / --no-same-owner --keep-directory-symlink
systemctl daemon-reload
: >>/boot/grub/grub.cfg
kuro setup
"""
READY_TIMEOUT = 240


@functools.cache
def build_kuro():
    """The folder that meson installed kuro into, once a process; KURO_DESTDIR names a
    ready one."""
    given = os.environ.get("KURO_DESTDIR")
    if given:
        return Path(given)
    build, installed = cache.root() / "build", cache.root() / "installed"
    if not (build / "build.ninja").exists():
        run("meson", "setup", "--prefix=/usr", "--sysconfdir=/etc", "--localstatedir=/var",
            "--buildtype=debugoptimized", "-Dtests=false", build, SOURCE)
    run("ninja", "-C", build, "-j2")
    shutil.rmtree(installed, ignore_errors=True)
    run("meson", "install", "-C", build, "--no-rebuild", "--destdir", installed)
    return installed


@dataclass(frozen=True)
class Ready:
    """A machine with kuro, up; releases[0] runs."""

    folder: Path
    firmware: str
    cpus: int
    releases: tuple

    def start(self, work, name="machine"):
        """Resume a private copy in the folder work; use as a context manager."""
        work.mkdir(parents=True, exist_ok=True)
        overlay = work / f"{name}.qcow2"
        overlay.unlink(missing_ok=True)
        disk.overlay(self.folder / "disk.qcow2", overlay)
        hardware = Hardware(overlay, self.firmware, cpus=self.cpus,
                            incoming=self.folder / "state")
        if self.firmware == "uefi":
            hardware.vars_file = Path(shutil.copy(self.folder / VARS, work / f"{name}.fd"))
        return Machine(hardware, work / f"{name}.log", self.releases[0])


def resume(machine):
    """Wait until a resumed machine runs, and put its clock right."""
    machine.wait_event("RESUME", 60)
    machine.wait_for_agent(60)
    machine.set_time()


def _hardware(work, base, firmware):
    hardware = Hardware(work / "disk.qcow2", firmware, cpus=base.cpus)
    if firmware == "uefi":
        hardware.vars_file = Path(shutil.copy(OVMF / VARS, work))
    disk.overlay(base.image, hardware.disk)
    return hardware


def _set_up(work, base, hardware, archive):
    """Boot the oldest release without GRUB (whose default may be another), set up."""
    hardware.kernel, hardware.initrd, hardware.append = (base.kernel, base.initrd,
                                                         builder.APPEND)
    hardware.extra_disk = archive
    with Machine(hardware, work / "setup.log") as machine:
        machine.wait_for_agent(READY_TIMEOUT)
        machine.run(f"mkdir -p /etc/kuro/kuro.conf.d && cat >/etc/kuro/kuro.conf.d/50-lab.conf"
                    f" <<'END'\n{POLICY}END")
        machine.run(UNPACK, timeout=300)
        machine.power_off()
    hardware.kernel = hardware.initrd = hardware.extra_disk = None


def _stop_in_mid_air(work, hardware, release):
    """Boot through GRUB, see that kuro's own entry came up, and save the state."""
    with Machine(hardware, work / "ready.log") as machine:
        machine.wait_for_agent(READY_TIMEOUT)
        machine.run("kuro wait --timeout=200", timeout=220)
        running = machine.run_json("kuro status --json")["running"]
        if running["release"] != release or not running["generation"]:
            raise LabError(f"after kuro setup, the next boot runs {running}")
        machine.run("systemctl is-system-running --wait; sync;"
                    " echo 3 >/proc/sys/vm/drop_caches", check=False)
        machine.save(work / "state")


def _make(work, base, firmware, installed):
    archive = work / "kuro.tar"
    run("tar", "--create", "--file", archive, "--directory", installed, "--owner=0",
        "--group=0", ".")
    # A disk's length is a multiple of 512 bytes; tar's own blocks are.
    hardware = _hardware(work, base, firmware)
    _set_up(work, base, hardware, archive)
    _stop_in_mid_air(work, hardware, base.releases[0])
    archive.unlink()


def ready(variant, firmware="bios"):
    """The machine of this variant with the present kuro; built where it changed."""
    base = builder.variant(variant)
    installed = build_kuro()
    key = cache.key(base.key, firmware, installed, Path(__file__),
                    Path(__file__).with_name("machine.py"))
    folder = cache.entry(f"ready-{variant}-{firmware}", key,
                         lambda work: _make(work, base, firmware, installed))
    return Ready(folder, firmware, base.cpus, base.releases)
