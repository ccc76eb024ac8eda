# SPDX-License-Identifier: LGPL-2.1-or-later
"""GRUB on a disk image, for BIOS and UEFI, with the GRUB of the Debian tree itself.

Does what grub-install does (modules to /boot/grub, a core image that finds /boot by its
UUID, boot sector, ESP), which needs a block device and, under emulation, a minute.
grub.cfg is left to the machine's own update-grub.
"""
import shutil
import struct

from .programs import in_root, run

# What finds and reads /boot; everything else is a module in /boot/grub.
MODULES = ["part_gpt", "ext2", "search_fs_uuid", "normal", "configfile"]
PLATFORMS = {"i386-pc": ["biosdisk"], "x86_64-efi": ["fat"]}
SECTOR = 512
# Fields of boot.img and diskboot.img (grub-core/boot/i386/pc/*.S).
KERNEL_SECTOR, BOOT_DRIVE_CHECK, BLOCK_LIST = 0x5C, 0x66, 0x1F4
LOAD_SEGMENT = 0x820


def add_to_tree(tree, boot_uuid):
    """Fill the tree's /boot/grub; core images are left beside the modules."""
    grub = tree / "boot/grub"
    grub.mkdir(exist_ok=True)
    (grub / "early.cfg").write_text(
        f"search.fs_uuid {boot_uuid} root\nset prefix=($root)/grub\n")
    for platform, drivers in PLATFORMS.items():
        (grub / platform).mkdir()
        for pattern in ("*.mod", "*.lst"):
            for path in (tree / "usr/lib/grub" / platform).glob(pattern):
                shutil.copy(path, grub / platform)
        in_root(tree, "grub-mkimage", "-O", platform, "-p", "/grub",
                "-c", "/boot/grub/early.cfg", "-o", f"/boot/grub/{platform}/core.img",
                *MODULES, *drivers)
    in_root(tree, "grub-editenv", "/boot/grub/grubenv", "create")


def write_bios(image, boot_img, core_img, lba):
    """The boot sector, keeping the partition table, and the core image at sector lba."""
    boot = bytearray(boot_img.read_bytes()[:SECTOR])
    core = bytearray(core_img.read_bytes())
    core += bytes(-len(core) % SECTOR)
    struct.pack_into("<Q", boot, KERNEL_SECTOR, lba)
    boot[BOOT_DRIVE_CHECK:BOOT_DRIVE_CHECK + 2] = b"\x90\x90"
    struct.pack_into("<QHH", core, BLOCK_LIST, lba + 1, len(core) // SECTOR - 1,
                     LOAD_SEGMENT)
    with open(image, "r+b") as file:
        old = file.read(SECTOR)
        boot[0x3:0x5A] = old[0x3:0x5A]
        boot[0x1B8:] = old[0x1B8:]
        file.seek(0)
        file.write(boot)
        file.seek(lba * SECTOR)
        file.write(core)


def write_efi(image, offset, core_img):
    """EFI/BOOT/BOOTX64.EFI into the FAT that begins at this byte of the image."""
    at = ["-i", f"{image}@@{offset}"]
    quiet = {"env": {"PATH": "/usr/bin:/bin", "MTOOLS_SKIP_CHECK": "1"}}
    run("mmd", *at, "::/EFI", "::/EFI/BOOT", **quiet)
    run("mcopy", *at, core_img, "::/EFI/BOOT/BOOTX64.EFI", **quiet)
