# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine whose kernels are packages that real apt and dpkg own: the world of the journeys
with small kernels made here beside two real images."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "journey"))
from lab_tree import archive, kernel_boot_files, lab_releases  # noqa: E402
from world import World, run, run_in  # noqa: E402

HOUR = 3600
KIB = 1024
# As a kernel's hooks do it: a new file beside, renamed; nothing is left of one that failed.
POSTINST = """#!/bin/sh
set -e
[ ! -e /no-hooks ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work" /boot/initrd.img-{release}.new' EXIT
echo {release} >"$work/init"
chmod 755 "$work/init"
head -c {pad} /dev/urandom >"$work/pad"
(cd "$work" && printf 'init\\npad\\n' | cpio -o -H newc --quiet) >/boot/initrd.img-{release}.new
mv /boot/initrd.img-{release}.new /boot/initrd.img-{release}
mkdir -p /var/lib/initramfs-tools
: >/var/lib/initramfs-tools/{release}
"""
POSTRM = """#!/bin/sh
set -e
[ ! -e /slow-postrm ] || sleep 1
[ ! -e /no-hooks ] || exit 0
rm -f /boot/initrd.img-{release} /var/lib/initramfs-tools/{release}
"""


def kernel_deb(folder, release, version, image=None, size=20 * KIB, pad=20 * KIB):
    """linux-image-RELEASE: image, System.map, module tree, and an initramfs by its script.
    image: a real one's files; else size bytes of nothing."""
    name = f"linux-image-{release}"
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work)
        tree.chmod(0o755)
        (tree / "DEBIAN").mkdir(mode=0o755)
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n"
            "Maintainer: kuro's tests <root@localhost>\nDescription: a test's kernel\n")
        for script, text in ("postinst", POSTINST), ("postrm", POSTRM):
            (tree / "DEBIAN" / script).write_text(text.format(release=release, pad=pad))
            (tree / "DEBIAN" / script).chmod(0o755)
        (tree / "boot").mkdir()
        for path in image or ():
            shutil.copy(path, tree / "boot" / path.name)
        if not image:
            (tree / f"boot/vmlinuz-{release}").write_bytes(os.urandom(size))
        modules = tree / "usr/lib/modules" / release
        (modules / "kernel").mkdir(parents=True)
        (modules / "kernel/x.ko").write_bytes(os.urandom(1000))
        for name in "order", "dep", "alias":
            (modules / f"modules.{name}").write_text("")
        # the machine's / is this host's
        kind = run("findmnt", "-no", "FSTYPE", "/").stdout.strip()
        (modules / "modules.builtin").write_text(f"kernel/fs/{kind}/{kind}.ko\n")
        run("dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, folder)


def meta_deb(folder, name, version, depends):
    with tempfile.TemporaryDirectory() as work:
        tree = Path(work)
        tree.chmod(0o755)
        (tree / "DEBIAN").mkdir(mode=0o755)
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nDepends: {depends}\n"
            "Maintainer: kuro's tests <root@localhost>\nDescription: a test's kernel\n")
        run("dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, folder)


class Machine(World):
    """Two real images, the older of which runs and is good; stale ones are added."""

    def __init__(self, template=None, size="128M"):
        super().__init__(template, size=size)
        self.repository = self.root / "srv/repo"
        if template:
            self.old, self.new = template.old, template.new
            self.start(self.old)
            return
        self.repository.mkdir(parents=True)
        shutil.rmtree(self.root / "etc/apt/sources.list.d", ignore_errors=True)
        (self.root / "etc/apt/sources.list").write_text(
            "deb [trusted=yes] copy:/srv/repo ./\n")
        self.old, self.new = lab_releases()

    def add(self, *releases, real=False, check=True, **sizes):
        """Packages made and installed, as apt has them from a repository."""
        for release in releases:
            image = kernel_boot_files(release) if real else None
            # apt's own choice of kernels to keep goes by their packages' versions
            version = release.replace("-", ".").replace("+", ".") + "-1"
            kernel_deb(self.repository, release, version, image, **sizes)
        self.index()
        return self.apt("-y", "install", *(f"linux-image-{r}" for r in releases),
                        check=check)

    def index(self):
        lines = []
        for path in sorted(self.repository.glob("*.deb")):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            lines.append(run("dpkg-deb", "-f", path).stdout + f"Filename: ./{path.name}\n"
                         f"Size: {path.stat().st_size}\nSHA256: {digest}\n")
        (self.repository / "Packages").write_text("\n".join(lines))
        self.apt("update")

    def apt(self, *args, check=True):
        return run("chroot", self.root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q",
                   "-o", "APT::Sandbox::User=root", *args, check=check)

    def automatic(self, *releases):
        run_in(self.root, "apt-mark", "auto", *(f"linux-image-{r}" for r in releases))

    def settle_kuro(self):
        """The old kernel runs and is known to be good."""
        self.update_grub()
        self.start(self.old)
        self.kuro("setup")

    def prove(self, release):
        """Tried and found healthy, without GRUB."""
        self.kuro("try", release)
        generation = self.block()[2]
        self.start(release, generation, trial=True)
        self.kuro("hook", "boot-begin")
        self.kuro("verdict")
        return generation

    def installed(self):
        """Releases whose package is there; settings of one that went are no package."""
        said = run_in(self.root, "dpkg-query", "-W", "-f",
                      "${Package} ${db:Status-Abbrev}\n", "linux-image-*").stdout
        return {line.split()[0].removeprefix("linux-image-") for line in said.splitlines()
                if line.split()[1][1] not in "cn"}

    def prune(self, *args, status=0):
        """Items by (kind, name)."""
        said = self.kuro("prune", "--json", *args, status=status).stdout
        return {(i["kind"], i["name"]): i for i in json.loads(said)["items"]}

    def boot_used(self):
        st = os.statvfs(self.root / "boot")
        return (st.f_blocks - st.f_bfree) * st.f_frsize

    def put(self, path, data=b"x" * 5000, age=2 * HOUR):
        """A file that somebody left."""
        path = self.root / path.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        then = path.stat().st_mtime - age
        os.utime(path, (then, then))
        return path

    def kuro_killed(self, *args, after):
        """SIGKILL after so many seconds; True: it did not end before."""
        command = [os.environ.get("KURO", "kuro"), "--root", str(self.root), *args]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(after)
                return False
            except subprocess.TimeoutExpired:
                process.kill()
                return True


def gone(items):
    return {key for key, item in items.items() if item["removed"]}
