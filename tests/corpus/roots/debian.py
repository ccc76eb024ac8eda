# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian whose generators make the images: all that LVM, LUKS, RAID and btrfs bring to
an initramfs is installed, and one kernel's files lie in it."""
from pathlib import Path

from lab import archive as debs
from lab import cache, kernel
from lab.programs import in_root, run

RELEASE = "6.1.0-56-amd64"
PACKAGES = ("initramfs-tools", "kmod", "udev", "cryptsetup-initramfs", "lvm2", "mdadm",
            "btrfs-progs", "e2fsprogs", "busybox-static", "dracut-core", "systemd", "dbus",
            "binutils", "cpio", "bzip2", "lz4", "lzop", "pigz", "xz-utils", "zstd")
# Of the packages that others bring along; a filter of the first ones costs more than it saves.
UNWANTED = "".join(f"path-exclude=/usr/share/{name}/*\\n" for name in ("doc", "man", "locale"))


def _make(work):
    root = work / "tree"
    run("mmdebstrap", "--mode=root", "--variant=essential", "--include=" + ",".join(PACKAGES),
        "--dpkgopt=force-unsafe-io",
        f"--essential-hook=printf '{UNWANTED}' >\"$1/etc/dpkg/dpkg.cfg.d/unwanted\"",
        "bookworm", root, "-", input="\n".join(debs.sources()) + "\n")
    files = kernel.unpacked(RELEASE)
    run("cp", "--archive", "--link", *(files / "boot").iterdir(), root / "boot")
    (root / "lib/modules").mkdir(exist_ok=True)
    run("cp", "--archive", "--link", files / "lib/modules" / RELEASE, root / "lib/modules")
    # a boot that does not find its root gives up after seconds
    local = root / "usr/share/initramfs-tools/scripts/local"
    local.write_text(local.read_text().replace("slumber=30", "slumber=6"))
    for name in ("conf-hook",):
        with open(root / "etc/cryptsetup-initramfs" / name, "a", encoding="ascii") as out:
            out.write("CRYPTSETUP=y\n")
    in_root(root, "mkinitramfs", "-l", "1", "-o", f"/boot/initrd.img-{RELEASE}", RELEASE)
    in_root(root, "dracut", "--no-hostonly", "--compress", "zstd -1 -q -T0", "--force", "--quiet",
            f"/boot/dracut-{RELEASE}", RELEASE)


def tree():
    """The tree, with /boot/initrd.img-RELEASE and /boot/dracut-RELEASE; kept in the cache."""
    key = cache.key(RELEASE, PACKAGES, Path(__file__))
    return cache.entry("roots", key, _make) / "tree"
