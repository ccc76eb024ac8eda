# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine made of files: real kernels out of their packages, modules built for one of
them, and what /proc and /sys would say of it. Nothing here runs.

RUN is the release that "runs". CLONE is the same kernel under another name, so that what
loads in one loads in the other: its module tree has no third-party module of its own.
"""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))
from lab import archive, cache, faultmodule  # noqa: E402
from lab.opened import Opened  # noqa: E402,F401 (for the cases)

KURO = os.environ.get("KURO", "kuro")
UPDATES = "updates/dkms"
PROC = {"cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro\n",
        "sys/kernel/random/boot_id": "0b7c1f4e-0000-4000-8000-000000000001\n",
        "stat": "btime 1700000000\n", "modules": ""}


def run(*argv, check=True, **kwargs):
    done = subprocess.run([str(a) for a in argv], check=False, text=True,
                          capture_output=True, **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f"{argv}: {done.returncode}: {done.stderr}{done.stdout}")
    return done


def put(path, text):
    """A new file, never written into one that another machine shares."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def _build_modules(release, work):
    headers = faultmodule._unpack_headers(release, work / "headers")
    shutil.copytree(HERE / "modules", work / "source")
    run("make", "-C", headers, f"M={work / 'source'}", "modules")
    for name in ("kuro_base", "kuro_user"):
        shutil.copy(work / f"source/{name}.ko", work)
    shutil.rmtree(work / "source")
    shutil.rmtree(work / "headers")


def modules(release):
    """kuro_base.ko and kuro_user.ko for this release, by name."""
    folder = cache.entry(f"vetted-{release}", cache.key(HERE / "modules", release),
                         lambda work: _build_modules(release, work))
    return {path.stem: path for path in folder.glob("*.ko")}


def another_version(data, symbol):
    """The module as if it had been built against another version of the symbol."""
    at = data.index(symbol.encode().ljust(56, b"\0"))
    crc = at - 8   # struct modversion_info: unsigned long crc; char name[56]
    return data[:crc] + bytes([data[crc] ^ 0xff]) + data[crc + 1:]


class Template:
    """Two kernels in a tree; machines are hard links of it."""

    def __init__(self, stack):
        self.dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kuro-vetting-")))
        self.stack = stack
        self.other, self.run = archive.releases(2)
        self.clone = self.run.replace("-cloud", "-clone")
        self.packages = {release: archive.quick_package(f"linux-image-{release}")
                         for release in (self.other, self.run)}
        self.modules = modules(self.run)
        self.root = self.dir / "template"
        self._fill()

    def _fill(self):
        unpacked = self.dir / "unpacked"
        run("dpkg-deb", "--extract", self.packages[self.run], unpacked)
        for name in ("boot", "usr/lib/modules", "etc", "run", "var/lib", "tmp"):
            (self.root / name).mkdir(parents=True)
        (self.root / "lib").symlink_to("usr/lib")
        for release in (self.run, self.clone):
            for name in ("vmlinuz", "config"):
                shutil.copy(unpacked / f"boot/{name}-{self.run}",
                            self.root / f"boot/{name}-{release}")
            run("cp", "-a", unpacked / f"lib/modules/{self.run}",
                self.root / f"usr/lib/modules/{release}")
            run("depmod", "-b", self.root, release)
        shutil.rmtree(unpacked)

    def machine(self):
        return Machine(self)


class Machine:
    """runs: modules that the running kernel has, loaded."""

    def __init__(self, template):
        self.template = template
        self.run, self.clone = template.run, template.clone
        self.stack = contextlib.ExitStack()
        self.dir = Path(tempfile.mkdtemp(prefix="machine-", dir=template.dir))
        self.stack.callback(shutil.rmtree, self.dir, ignore_errors=True)
        self.root = self.dir / "root"
        run("cp", "-al", template.root, self.root)
        for name, text in PROC.items():
            put(self.root / "proc" / name, text)
        put(self.root / "proc/sys/kernel/osrelease", self.run + "\n")
        (self.root / "sys/devices").mkdir(parents=True)
        put(self.root / "sys/class/dmi/id/sys_vendor", "kuro\n")
        put(self.root / "sys/class/dmi/id/product_name", "test machine\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def tree(self, release):
        return self.root / "usr/lib/modules" / release

    def install(self, release, name, change=lambda data: data):
        """The module as RUN's build of it, or changed."""
        put(self.tree(release) / UPDATES / f"{name}.ko",
            change(self.template.modules[name].read_bytes()))
        self.depmod(release)

    def depmod(self, release):
        for path in self.tree(release).glob("modules.*"):
            data = path.read_bytes()   # depmod must not write into the template's
            path.unlink()
            path.write_bytes(data)
        run("depmod", "-b", self.root, release)

    def dkms(self, release, *names):
        """DKMS' record that package kuro 1.0 made these for the release; its source."""
        home = self.root / "var/lib/dkms/kuro"
        put(home / "1.0/source/dkms.conf", 'PACKAGE_NAME="kuro"\nPACKAGE_VERSION="1.0"\n')
        for name in names:
            put(home / f"1.0/{release}/x86_64/module/{name}.ko", "")
        (home / f"kernel-{release}-x86_64").symlink_to(f"1.0/{release}/x86_64")

    def package(self, name, files):
        """A package of these files: bytes or text by path."""
        tree = self.dir / name
        put(tree / "DEBIAN/control", f"Package: {name}\nVersion: 1\nArchitecture: amd64\n"
            "Maintainer: kuro\nDescription: a test's\n")
        for path, content in files.items():
            put(tree / path, content)
        run("dpkg-deb", "-Znone", "--build", tree, f"{tree}.deb")
        return f"{tree}.deb"

    def headers(self, release):
        return self.package(f"linux-headers-{release}",
                            {f"usr/src/linux-headers-{release}/Makefile": "all:\n"})

    def remove(self, release, name):
        for path in self.tree(release).rglob(f"{name}.ko*"):
            path.unlink()
        self.depmod(release)

    def load(self, *names):
        put(self.root / "proc/modules",
            "".join(f"{name} 16384 0 - Live 0x0000000000000000 (OE)\n" for name in names))
        for name in names:
            put(self.root / f"sys/module/{name}/taint", "OE\n")
            put(self.root / f"sys/module/{name}/initstate", "live\n")

    def device(self, slot, alias, driver, module=None):
        path = self.root / f"sys/devices/pci0000:00/0000:00:{slot}"
        put(path / "modalias", alias + "\n")
        home = self.root / f"sys/bus/pci/drivers/{driver}"
        home.mkdir(parents=True, exist_ok=True)
        (path / "driver").symlink_to(f"../../../bus/pci/drivers/{driver}")
        if module:
            put(self.root / f"sys/module/{module}/initstate", "live\n")
            (home / "module").symlink_to(f"../../../../module/{module}")

    def policy(self, text):
        put(self.root / "etc/kuro/kuro.conf", text)

    def kuro(self, *args, status=0, prefix=(), **kwargs):
        done = run(*prefix, KURO, "--root", self.root, *args, check=False, **kwargs)
        if status is not None and done.returncode != status:
            raise AssertionError(f'kuro {" ".join(map(str, args))}: exit status '
                                 f"{done.returncode}, not {status}: "
                                 f"{done.stderr}{done.stdout}")
        return done

    def check(self, *args, status=0, **kwargs):
        """The report as JSON, looked at for what the contract promises."""
        done = self.kuro("check", "--json", *args, status=status, **kwargs)
        report = json.loads(done.stdout)
        assert report["schema"] == 1, report
        assert report["verdict"] == ("compatible" if status == 0 else "incompatible"), report
        for module in report["modules"]:
            assert set(module) >= {"name", "path", "provider", "in_use", "built_for",
                                   "verdict", "reasons", "remedy", "user"}, module
        return report

    def status(self):
        return json.loads(self.kuro("status", "--json").stdout)

    def module(self, name, *args, **kwargs):
        report = self.check(*args, **kwargs)
        found = [m for m in report["modules"] if m["name"] == name]
        assert len(found) == 1, report["modules"]
        return found[0]
