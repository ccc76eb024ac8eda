# SPDX-License-Identifier: LGPL-2.1-or-later
"""cpio archives (newc) in memory: what an initramfs is once it is unpacked."""
import subprocess

MAGIC = b"070701"
TRAILER = "TRAILER!!!"


def _aligned(number):
    return (number + 3) & ~3


def plain(image):
    """An image of one zstd archive, as mkinitramfs and dracut make them without microcode."""
    data = image.read_bytes()
    if data[:6] == MAGIC:
        return data
    return subprocess.run(["zstd", "-dcq", image], stdout=subprocess.PIPE, check=True).stdout


def entries(data):
    """(name, the entry's bytes) one after the other; the trailer is left out."""
    at = 0
    while True:
        head = data[at:at + 110]
        if head[:6] != MAGIC:
            raise ValueError(f"no archive at {at}")
        size, name_size = int(head[54:62], 16), int(head[94:102], 16)
        name = data[at + 110:at + 110 + name_size - 1].decode()
        end = _aligned(_aligned(at + 110 + name_size) + size)
        if name == TRAILER:
            return
        yield name, data[at:end]
        at = end


def entry(name, content=b"", mode=0o100644):
    fields = [0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    head = MAGIC + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    head += bytes(_aligned(len(head)) - len(head))
    return head + content + bytes(_aligned(len(content)) - len(content))


def whole(parts):
    """An archive of these entries."""
    return b"".join(parts) + entry(TRAILER, mode=0)


def word_of(name):
    """What an entry is taken out by: a module's name ("virtio_blk"), else its path."""
    base = name.rsplit("/", 1)[-1]
    return base.split(".ko")[0].replace("-", "_") if ".ko" in base else name


def without(data, words):
    """(the archive without the modules and paths named, how many entries went)."""
    kept, gone = [], 0
    for name, part in entries(data):
        if word_of(name) in words:
            gone += 1
        else:
            kept.append(part)
    return whole(kept), gone
