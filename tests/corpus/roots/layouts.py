# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machines that are booted: what root lies on, what carries its disks, and what was
taken out of the image."""

UUID = "00000000-0000-4000-8000-00000000000"
KEY = b"the key of the laboratory's disk"
CRYPTTAB = f"cr UUID={UUID}2 /cryptroot/keyfiles/cr.key luks\n".encode()
# disks by the names that maker-init knows them by, and root=
LAYOUTS = {
    "plain": (("plain",), f"UUID={UUID}7"),
    "lvm": (("vda",), "/dev/mapper/vg-root"),
    "luks": (("vdb",), "/dev/mapper/cr"),
    "md": (("vdc", "vdd"), f"UUID={UUID}5"),
    "btrfs": (("vde", "vdf"), f"UUID={UUID}6"),
}
# QEMU's controller, and its kind of disk
BUSES = {
    "virtio": ((), "virtio-blk-pci,drive={id}"),
    "nvme": ((), "nvme,drive={id},serial={id}"),
    "scsi": (("virtio-scsi-pci,id=hba",), "scsi-hd,bus=hba.0,drive={id}"),
    "sata": (("ich9-ahci,id=hba",), "ide-hd,bus=hba.{number},drive={id}"),
}
DRIVER = {"virtio": "virtio_blk", "nvme": "nvme", "scsi": "virtio_scsi", "sata": "ahci"}
LAYER = {"plain": "ext4", "lvm": "dm_mod", "luks": "dm_crypt", "md": "raid1", "btrfs": "btrfs"}
OTHERS = ("xfs", "e1000e", "megaraid_sas", "raid456", "nbd", "usb_storage")
TREE = "usr/lib/modules/{release}/"
# Beyond the driver and the layer of each: dependencies, softdeps, programs, tables.
FURTHER = {
    ("plain", "virtio"): (("virtio_pci",), ("virtio_ring",), ("jbd2",), ("mbcache",),
                          ("crc32c_generic",), ("crc32c_generic", "crc32c_intel"),
                          ("crc16",), ("scsi_mod",), ("usr/bin/kmod", "usr/sbin/modprobe"),
                          ("usr/bin/kmod",), ("usr/sbin/modprobe",),
                          ("usr/lib/systemd/systemd-udevd",)),
    ("plain", "scsi"): (("sd_mod",), ("scsi_mod",), ("t10_pi",), ("virtio_pci",)),
    ("plain", "sata"): (("libata",), ("libahci",), ("sd_mod",)),
    ("plain", "nvme"): (("nvme_core",), ("virtio_pci",), ("virtio_blk",)),
    ("lvm", "virtio"): (("usr/sbin/lvm",), ("dm_snapshot",), ("dm_raid",)),
    ("luks", "virtio"): (("xts",), ("ecb",), ("aesni_intel",), ("usr/sbin/cryptsetup",),
                         ("cryptroot/crypttab",), ("dm_mod",), ("crypto_simd",)),
    ("md", "virtio"): (("md_mod",), ("usr/sbin/mdadm",), ("etc/mdadm/mdadm.conf",),
                       ("raid0",)),
    ("btrfs", "virtio"): (("libcrc32c",), ("raid6_pq",), ("xor",), ("zstd_compress",),
                          ("blake2b_generic",), ("xxhash_generic",), ("usr/bin/btrfs",)),
}


def cases():
    """(layout, bus, taken out) of each boot; the whole image's first."""
    for layout in LAYOUTS:
        for bus in BUSES:
            if bus == "sata" and layout != "plain":
                continue
            yield layout, bus, ()
    for layout in LAYOUTS:
        for bus in BUSES:
            if bus == "sata" and layout != "plain":
                continue
            yield layout, bus, (DRIVER[bus],)
            yield layout, bus, (LAYER[layout],)
    for layout in LAYOUTS:
        yield layout, "virtio", OTHERS
    for (layout, bus), all_taken in FURTHER.items():
        for taken in all_taken:
            yield layout, bus, taken
