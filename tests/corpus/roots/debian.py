# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian whose mkinitramfs makes the images: all that LVM, LUKS, RAID and btrfs bring to
an initramfs is installed, and one kernel's files lie in it."""
import shutil

from lab import archive as debs
from lab import cache
from lab.programs import in_root, run

RELEASE = "6.1.0-56-amd64"
PACKAGES = ("initramfs-tools", "kmod", "udev", "cryptsetup-initramfs", "lvm2", "mdadm",
            "btrfs-progs", "e2fsprogs", "busybox-static", "zstd", "dracut-core", "cpio")


def _make(work):
    root = work / "tree"
    run("mmdebstrap", "--mode=root", "--variant=minbase", "--include=" + ",".join(PACKAGES),
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*", "bookworm", root, "-",
        input="\n".join(debs.sources()) + "\n")
    kernel = work / "kernel"
    run("dpkg-deb", "--extract", debs.package(f"linux-image-{RELEASE}"), kernel)
    run("depmod", "-b", kernel, RELEASE)
    shutil.copytree(kernel / "boot", root / "boot", dirs_exist_ok=True)
    (root / "lib/modules").mkdir(exist_ok=True)
    shutil.move(kernel / "lib/modules" / RELEASE, root / "lib/modules")
    # a boot that does not find its root gives up after seconds
    local = root / "usr/share/initramfs-tools/scripts/local"
    local.write_text(local.read_text().replace("slumber=30", "slumber=6"))
    for name in ("conf-hook",):
        with open(root / "etc/cryptsetup-initramfs" / name, "a", encoding="ascii") as out:
            out.write("CRYPTSETUP=y\n")
    in_root(root, "mkinitramfs", "-o", f"/boot/initrd.img-{RELEASE}", RELEASE)
    in_root(root, "dracut", "--no-hostonly", "--zstd", "--force", "--quiet",
            f"/boot/dracut-{RELEASE}", RELEASE)
    shutil.rmtree(kernel)


def tree():
    """The tree, with /boot/initrd.img-RELEASE and /boot/dracut-RELEASE; kept in the cache."""
    return cache.entry("roots", cache.key(RELEASE, PACKAGES), _make) / "tree"
