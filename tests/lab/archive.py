# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real Debian kernels: which releases apt offers here, their packages, and the small
repositories that hand them to a machine one after the other.

The packages come through this host's own apt. Their content is not changed; only the
compression is (zstd for xz), as unpacking xz under software emulation takes minutes.
"""
import functools
import hashlib
import re
import shutil
from pathlib import Path

from . import apt, cache
from .programs import run
from .timeline import LabError

CLOUD = re.compile(r"^linux-(image|headers)-(\d+\.\d+\.\d+-\d+-cloud-amd64) - ",
                   re.MULTILINE)
META = "linux-image-cloud-amd64"
HEADERS_META = "linux-headers-cloud-amd64"
META_CONTROL = """\
Package: {name}
Version: {version}
Architecture: amd64
Maintainer: kuro's test lab <root@localhost>
Section: kernel
Priority: optional
Depends: {wanted}
Description: newest kernel of the lab's repository
 Takes the place of Debian's meta-package, one kernel at a time.
"""


def _order(release):
    return [int(number) for number in re.findall(r"\d+", release)]


@functools.cache
def _releases(part):
    """The cloud kernels of the newest version whose image, or headers, apt offers here,
    oldest first."""
    listing = apt.ask("apt-cache", "search", "--names-only", f"^linux-{part}-.*-cloud-amd64$")
    found = {name for kind, name in CLOUD.findall(listing) if kind == part}
    found = sorted(found, key=_order)
    return [name for name in found if _order(name)[:3] == _order(found[-1])[:3]]


def releases(count, headers=False):
    """The newest cloud kernels that apt offers here, with their headers if these are
    wanted; oldest first."""
    newest = _releases("image")
    if headers:
        newest = [name for name in newest if name in _releases("headers")]
    if len(newest) < count:
        raise LabError(f"apt offers {len(newest)} cloud kernels, {count} are needed: "
                       "is bookworm-security among the sources, and apt-get update run?")
    return newest[-count:]


def sources():
    """This host's Debian sources as sources.list lines."""
    lines = run("apt-get", "indextargets", "--format",
                "$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    found = {line.split("|", 1)[1] for line in lines.splitlines()
             if line.startswith("Debian|")}
    return sorted(found) or ["deb http://deb.debian.org/debian bookworm main",
                             "deb http://deb.debian.org/debian-security "
                             "bookworm-security main"]


@functools.cache
def package(name):
    """The .deb of a package as Debian made it; kept in the cache."""
    folder = cache.entry(f"deb-{name}", cache.key(name, apt.version(name)),
                         lambda work: apt.download(work, name))
    return next(folder.glob("*.deb"))


def quick_package(name):
    """The same package with its content compressed by zstd."""
    source = package(name)
    folder = cache.entry(f"zst-{name}", cache.key(source.name, 1),
                         lambda work: _recompress(source, work))
    return next(folder.glob("*.deb"))


def _members(deb):
    """(header, content) of each member of an ar archive."""
    at = 8
    while at < len(deb):
        size = int(deb[at + 48:at + 58])
        yield deb[at:at + 60], deb[at + 60:at + 60 + size]
        at += 60 + size + size % 2


def _recompress(source, work):
    """Member by member: nothing need be unpacked for it."""
    data, result = work / "data", b"!<arch>\n"
    run("sh", "-ec", 'dpkg-deb --fsys-tarfile "$0" | zstd -q -1 -o "$1"', source, data)
    for head, content in _members(source.read_bytes()):
        if head.startswith(b"data.tar"):
            content = data.read_bytes()
            head = b"%-16s%s%-10d%s" % (b"data.tar.zst", head[16:48], len(content), head[58:])
        result += head + content + b"\n" * (len(content) % 2)
    (work / source.name).write_bytes(result)
    data.unlink()


def headers_of(release):
    """The packages with the headers of a cloud kernel; what they build with is apart."""
    return [f"linux-headers-{release}",
            f"linux-headers-{release.removesuffix('-cloud-amd64')}-common"]


def meta_package(name, wanted, version, folder):
    """Build the meta-package of this name and version, which wants this package."""
    tree = folder / "meta"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        META_CONTROL.format(name=name, wanted=wanted, version=version))
    deb = folder / f"{name}_{version}_amd64.deb"
    run("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, deb)
    shutil.rmtree(tree)
    return deb


def _index_entry(deb):
    control = run("dpkg-deb", "--field", deb).strip()
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    return (f"{control}\nFilename: ./{deb.name}\nSize: {deb.stat().st_size}\n"
            f"SHA256: {digest}\n\n")


def stage_version(number):
    return f"6.1+lab{number}"


def stage(folder, number, release, headers=False):
    """Repository stage number: the meta-package that wants release, and its kernel; its
    headers, too, where they have arrived. Stage 0 is installed: no more than its names."""
    here = folder / str(number)
    here.mkdir(parents=True)
    version, names = stage_version(number), [f"linux-image-{release}"]
    debs = [meta_package(META, names[0], version, here)]
    if headers:
        debs.append(meta_package(HEADERS_META, f"linux-headers-{release}", version, here))
        names += headers_of(release)
    if number > 0:
        debs += [Path(shutil.copy(quick_package(name), here)) for name in names]
    (here / "Packages").write_text("".join(_index_entry(deb) for deb in debs))
