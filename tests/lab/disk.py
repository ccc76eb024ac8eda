# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bootable disk image from a folder: GPT, a BIOS boot partition, an ESP, /boot and /.

No loop device and no mount: mke2fs and mkfs.vfat write into the image at an offset.
"""
import shutil

from . import bootloader
from .programs import run

MIB = 1 << 20
# Fixed, as the images are never attached to one machine together.
BOOT_UUID = "0b007000-4b75-4f72-8000-000000000001"
ROOT_UUID = "0b007000-4b75-4f72-8000-000000000002"
ESP_SERIAL = "4B55524F"
ESP_UUID = "4B55-524F"
SIZES = {"bios": 1, "esp": 64, "boot": 512, "root": 4096}
TABLE = """\
label: gpt
start=1MiB, size={bios}MiB, type=21686148-6449-6E6F-744E-656564454649
size={esp}MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
size={boot}MiB, type=L
size={root}MiB, type=L
"""
# No fsck: ext4 replays its journal by itself, and every boot is paid for.
FSTAB = f"""\
UUID={ROOT_UUID} / ext4 errors=remount-ro 0 0
UUID={BOOT_UUID} /boot ext4 defaults 0 0
UUID={ESP_UUID} /boot/efi vfat umask=0077 0 0
"""


def _ext4(image, folder, label, uuid, start, size):
    run("mke2fs", "-q", "-F", "-t", "ext4", "-L", label, "-U", uuid, "-E",
        f"lazy_itable_init=1,lazy_journal_init=1,offset={start * MIB}",
        "-d", folder, image, f"{size}m")


def _esp(image, start, size):
    run("mkfs.vfat", "-F", "32", "-s", "1", "-n", "ESP", "-i", ESP_SERIAL, "--offset",
        str(start * MIB // 512), image, str(size * 1024))


def make(tree, image):
    """Write the tree into a new raw image; the tree's /boot is moved out of it."""
    bootloader.add_to_tree(tree, BOOT_UUID)
    boot = tree.with_name(tree.name + ".boot")
    (tree / "boot").rename(boot)
    (boot / "efi").mkdir(exist_ok=True)
    (tree / "boot").mkdir()
    with open(image, "wb") as file:
        file.truncate((sum(SIZES.values()) + 2) * MIB)
    run("sfdisk", "-q", image, input=TABLE.format(**SIZES))
    esp = 1 + SIZES["bios"]
    root = esp + SIZES["esp"] + SIZES["boot"]
    _esp(image, esp, SIZES["esp"])
    _ext4(image, boot, "boot", BOOT_UUID, esp + SIZES["esp"], SIZES["boot"])
    _ext4(image, tree, "root", ROOT_UUID, root, SIZES["root"])
    bootloader.write_bios(image, tree / "usr/lib/grub/i386-pc/boot.img",
                          boot / "grub/i386-pc/core.img", MIB // bootloader.SECTOR)
    bootloader.write_efi(image, esp * MIB, boot / "grub/x86_64-efi/core.img")
    shutil.rmtree(boot)


def to_qcow2(raw, image):
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image)


def overlay(base, image):
    """A qcow2 file that holds only what differs from base."""
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, image)
