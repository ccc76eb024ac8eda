# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images as the distribution's own generators make them, in a tree that has both; kept in
the cache. Early archives stand for microcode, which Debian main has none of."""
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from lab import archive, cache  # noqa: E402
from lab.programs import in_root, run  # noqa: E402

PACKAGES = ("initramfs-tools-core", "dracut-core", "kmod", "udev", "busybox", "systemd", "dbus",
            "cryptsetup", "lvm2", "mdadm", "binutils", "cpio", "bzip2", "lz4", "lzop", "pigz",
            "xz-utils", "zstd")
EARLY_HOOK = """\
#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
for name in AuthenticAMD GenuineIntel; do
	folder=$(mktemp -d)
	mkdir -p "$folder/kernel/x86/microcode"
	seq 20000 >"$folder/kernel/x86/microcode/$name.bin"
	(cd "$folder" && find . | cpio --quiet -o -H newc) >"/early-$name"
	prepend_earlyinitramfs "/early-$name"
done
"""
# A few modules, so that the slow compressions take seconds.
FEW = "MODULES=list\n"
LIST = "ext4\nvirtio_blk\nvirtio_net\nnvme\ndm-crypt\n"
DRIVERS = "ext4 xfs btrfs virtio_blk virtio_net virtio_scsi nvme ahci dm-crypt raid1 raid456"
SMALL = ("gzip", "bzip2", "lzma", "xz", "lzop", "lz4", "zstd")


def newest(series):
    """The newest release of a series that apt offers for ordinary machines."""
    names = run("apt-cache", "search", "--names-only", f"^linux-image-{series}.*-amd64$")
    found = re.findall(r"^linux-image-(\S+?-amd64) ", names, re.MULTILINE)
    plain = [name for name in found if not re.search("cloud|rt|dbg|unsigned", name)]
    return max(plain, key=lambda name: [int(n) for n in re.findall(r"\d+", name)], default=None)


def _tree(work):
    run("mmdebstrap", "--mode=root", "--variant=minbase", "--include=" + ",".join(PACKAGES),
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*", "bookworm", work / "tree", "-",
        input="\n".join(archive.sources()) + "\n")


def tree():
    """A Debian with both generators and no kernel."""
    return cache.entry("generators", cache.key(PACKAGES, archive.sources()), _tree) / "tree"


def _kernel(root, release):
    run("sh", "-c", 'dpkg-deb --fsys-tarfile "$0" | tar -x --keep-directory-symlink -C "$1"',
        archive.package(f"linux-image-{release}"), root)
    in_root(root, "depmod", release)


def _mkinitramfs(root, release, compression, name, small=False):
    conf = root / "kuro-conf"
    shutil.rmtree(conf, ignore_errors=True)
    shutil.copytree(root / "etc/initramfs-tools", conf)
    (conf / "hooks").mkdir(exist_ok=True)
    if small:
        (conf / "conf.d/few").write_text(FEW)
        (conf / "modules").write_text(LIST)
    else:
        (conf / "hooks/early").write_text(EARLY_HOOK)
        (conf / "hooks/early").chmod(0o755)
    in_root(root, "mkinitramfs", "-d", "/kuro-conf", "-c", compression, "-o", f"/out/{name}",
            release)


def _dracut(root, release, name, *options):
    firmware = root / "usr/lib/firmware/amd-ucode"
    firmware.mkdir(parents=True, exist_ok=True)
    (firmware / "microcode_amd.bin").write_bytes(bytes(range(256)) * 400)
    in_root(root, "dracut", "--quiet", "--no-hostonly", "--early-microcode", "--drivers",
            DRIVERS, *options,
            f"/out/{name}", release)


def _images(work, plain, packed):
    root = work / "tree"
    run("cp", "--archive", "--reflink=auto", tree(), root)
    (root / "out").mkdir()
    for release in {plain, packed}:
        _kernel(root, release)
    _mkinitramfs(root, plain, "zstd", "most-zstd")
    for compression in SMALL:
        _mkinitramfs(root, packed, compression, f"few-{compression}", small=True)
    _dracut(root, packed, "dracut-zstd", "--zstd")
    _dracut(root, plain, "dracut-gzip", "--gzip")
    _dracut(root, plain, "dracut-plain", "--no-compress")
    in_root(root, "sh", "-c", 'cd /out && for f in *; do lsinitramfs "$f" >"$f.list"; done')
    for path in (root / "out").iterdir():
        path.rename(work / path.name)
    for release in {plain, packed}:
        (root / f"usr/lib/modules/{release}").rename(work / release)
    shutil.rmtree(root)


def images():
    """A folder of images, NAME.list of each what lsinitramfs says, and their kernels' module
    trees: the first ones' modules are plain, the second ones' packed by xz. (folder, plain
    release, packed release)"""
    plain, packed = newest("6.1.0-"), newest("6.12.")
    key = cache.key(Path(__file__), plain, packed, tree().parent.name)
    return cache.entry("initramfs", key, lambda work: _images(work, plain, packed)), plain, packed
