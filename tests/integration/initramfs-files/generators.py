# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images as the distribution's own generators make them, in a tree that has both; kept in
the cache. Early archives stand for microcode, which Debian main has none of."""
import contextlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "corpus/roots"), str(TESTS)]
import debian  # noqa: E402
from lab import apt, cache, kernel  # noqa: E402
from lab.programs import in_root, run  # noqa: E402

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
# A few modules, and none of what is large beside them: the slow compressions take seconds.
FEW = "MODULES=list\n"
LIST = "ext4\nvirtio_blk\nvirtio_net\nnvme\ndm-crypt\ndm-snapshot\ndm-raid\nraid10\nraid0\n"
LARGE = ("lvm2", "mdadm", "dmsetup", "btrfs", "crypt*")
DRIVERS = "ext4 xfs btrfs virtio_blk virtio_net virtio_scsi nvme ahci dm-crypt raid1 raid456"
SMALL = ("gzip", "bzip2", "lzma", "xz", "lzop", "lz4", "zstd")
# One of the small ones has early archives, too.
WITH_EARLY = "bzip2"
# Compressors that take their time do without: what they write is read the same way.
QUICK = ("bzip2", "lzma", "xz", "zstd")
# For each member of what is not packed lsinitramfs starts four programs; dracut made the same
# content packed.
LIST_ALL = """\
cd /out
for image in *; do
	[ "$image" = dracut-plain ] || lsinitramfs "$image" >"$image.list"
done
cp dracut-gzip.list dracut-plain.list
"""
# Of the releases for ordinary machines the newest is taken.
PACKED = r"linux-image-(6\.12\.(?!\S*(?:cloud|rt|dbg|unsigned))\S+-amd64)"


@contextlib.contextmanager
def copy_of(tree, place):
    """The tree to be changed: what is changed is in memory, and gone behind it."""
    root, layers = place / "root", place / "layers"
    for path in root, layers:
        path.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        def mount(*words):
            run("mount", *words)
            stack.callback(subprocess.run, ["umount", "-l", words[-1]], check=True)

        mount("-t", "tmpfs", "-o", "size=1000m", "none", layers)
        for name in ("upper", "work"):
            (layers / name).mkdir()
        mount("-t", "overlay", "-o",
              f"lowerdir={tree},upperdir={layers}/upper,workdir={layers}/work", "none", root)
        yield root


def _mkinitramfs(root, release, compression, early=False):
    conf = root / "kuro-conf"
    shutil.rmtree(conf, ignore_errors=True)
    shutil.copytree(root / "etc/initramfs-tools", conf)
    (conf / "conf.d/few").write_text(FEW)
    (conf / "modules").write_text(LIST)
    (conf / "hooks").mkdir(exist_ok=True)
    if early:
        (conf / "hooks/early").write_text(EARLY_HOOK)
        (conf / "hooks/early").chmod(0o755)
    level = ("-l", "1") if compression in QUICK else ()
    in_root(root, "mkinitramfs", "-d", "/kuro-conf", "-c", compression, *level, "-o",
            f"/out/few-{compression}", release)


def _dracut(root, release, name, *options):
    firmware = root / "usr/lib/firmware/amd-ucode"
    firmware.mkdir(parents=True, exist_ok=True)
    (firmware / "microcode_amd.bin").write_bytes(bytes(range(256)) * 400)
    in_root(root, "dracut", "--quiet", "--no-hostonly", "--early-microcode", "--drivers",
            DRIVERS, *options,
            f"/out/{name}", release)


def _images(work, plain, packed):
    with tempfile.TemporaryDirectory(dir=work) as place, \
            copy_of(debian.tree(), Path(place)) as root:
        (root / "out").mkdir()
        (root / f"boot/initrd.img-{plain}").rename(root / "out/most-zstd")
        files = kernel.unpacked(packed)
        shutil.copytree(files / "lib/modules" / packed, root / "usr/lib/modules" / packed)
        shutil.copy(files / f"boot/config-{packed}", root / "boot")
        _dracut(root, packed, "dracut-zstd", "--compress", "zstd -1 -q -T0")
        _dracut(root, plain, "dracut-gzip", "--compress", "pigz -1 -n -T -R")
        _dracut(root, plain, "dracut-plain", "--no-compress")
        hooks = root / "usr/share/initramfs-tools/hooks"
        for path in [path for name in LARGE for path in hooks.glob(name)]:
            path.unlink()
        for compression in SMALL:
            _mkinitramfs(root, packed, compression, early=compression == WITH_EARLY)
        in_root(root, "sh", "-c", LIST_ALL)
        for path in (root / "out").iterdir():
            shutil.move(path, work / path.name)


def images():
    """A folder of images, NAME.list of each what lsinitramfs says; and two releases, whose
    kernels lab.kernel has: of the first one the modules are plain, of the second one packed
    by xz. (folder, plain release, packed release)"""
    plain, packed = debian.RELEASE, apt.newest(PACKED)
    key = cache.key(Path(__file__), plain, packed, debian.tree().parent.name)
    return cache.entry("initramfs", key, lambda work: _images(work, plain, packed)), plain, packed
