# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the module that hangs a kernel, for one release, against its real headers.

Debian's kernels have neither LKDTM nor test_lockup, so a hang in the kernel needs a
module. The headers are unpacked, not installed: nothing on the host changes.
"""
import re
import shutil
from pathlib import Path

from . import archive, cache
from .programs import run

SOURCE = Path(__file__).parent / "fault"
FLAVOUR = re.compile(r"-(cloud-)?amd64$")


def _unpack_headers(release, work):
    common = FLAVOUR.sub("-common", release)
    kbuild = "linux-kbuild-" + ".".join(release.split(".")[:2])
    for name in (f"linux-headers-{release}", f"linux-headers-{common}", kbuild):
        run("dpkg-deb", "--extract", archive.package(name), work)
    headers = work / f"usr/src/linux-headers-{release}"
    makefile = headers / "Makefile"
    makefile.write_text(makefile.read_text().replace("/usr/src/", f"{work}/usr/src/"))
    for folder in (headers, work / f"usr/src/linux-headers-{common}"):
        for link in ("scripts", "tools"):
            path = folder / link
            if path.is_symlink():
                path.unlink()
                path.symlink_to(work / "usr/lib" / kbuild / link)
    return headers


def _build(release, work):
    headers = _unpack_headers(release, work / "headers")
    shutil.copytree(SOURCE, work / "source")
    run("make", "-C", headers, f"M={work / 'source'}", "modules")
    shutil.copy(work / "source/kuro_lab_fault.ko", work)
    shutil.rmtree(work / "source")
    shutil.rmtree(work / "headers")


def build(release):
    """The path of kuro_lab_fault.ko for this release."""
    folder = cache.entry(f"fault-{release}", cache.key(SOURCE, release),
                         lambda work: _build(release, work))
    return folder / "kuro_lab_fault.ko"
