# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the machine's disk: a Debian from the archive, kernels, faults, GRUB.

Three layers, each cached by what it was made from: the Debian tree; a disk of one
variant (which kernels are installed); and, in install.py, that disk with kuro on it.
"""
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import archive, cache, disk, faultmodule
from .programs import in_root, run

HERE = Path(__file__).parent
STAGES = 4
# A module of somebody else's that DKMS builds in seconds, and what its building needs.
DKMS_MODULE = "acpi-call-dkms"
TOOLS = ("linux-kbuild-6.1", "linux-compiler-gcc-12-x86")
# One demo runs alone. Of the suite's machines two run on two cores: there a second CPU
# costs more (waiting for each other's locks) than it brings.
CPUS = {"demo": 2, "suite": 1}
# Units that a machine without people, devices and time to spare can do without.
MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
          "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
          "getty@tty1.service", "serial-getty@ttyS0.service",
          "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount",
          "sys-kernel-tracing.mount", "sys-kernel-config.mount",
          "sys-fs-fuse-connections.mount", "proc-sys-fs-binfmt_misc.automount",
          "modprobe@configfs.service", "modprobe@drm.service", "modprobe@fuse.service",
          "systemd-ask-password-console.path", "systemd-ask-password-wall.path",
          "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
          "systemd-user-sessions.service", "modprobe@dm_mod.service",
          "modprobe@loop.service", "kmod-static-nodes.service", "systemd-sysctl.service",
          "systemd-sysusers.service", "systemd-tmpfiles-clean.timer",
          "unattended-upgrades.service")
# Makers of units that it has no use for either; each is a program's start in every boot.
MASKED_GENERATORS = ("cryptsetup", "getty", "gpt-auto", "hibernate-resume", "integritysetup",
                     "rc-local", "run", "system-update", "sysv", "veritysetup")
# Parts of the initramfs and of grub.cfg that this machine has no use for. A program's
# start costs 50 to 100 ms under emulation: mkinitramfs starts 680, without these 340.
DROPPED = ("usr/share/initramfs-tools/hooks/dmsetup",
           "usr/share/initramfs-tools/hooks/fsck",
           "usr/share/initramfs-tools/hooks/keymap",
           "usr/share/initramfs-tools/hooks/resume",
           "usr/share/initramfs-tools/hooks/thermal",
           "usr/share/initramfs-tools/hooks/udev",
           "usr/share/initramfs-tools/scripts/init-top/udev",
           "usr/share/initramfs-tools/scripts/init-bottom/udev",
           "usr/share/initramfs-tools/scripts/init-top/keymap",
           "usr/share/initramfs-tools/scripts/local-premount/resume",
           "etc/grub.d/05_debian_theme", "etc/grub.d/20_linux_xen",
           "etc/grub.d/30_os-prober", "etc/grub.d/30_uefi-firmware",
           "etc/grub.d/41_custom")
ENABLED = {"kuro-lab-fault.service": "multi-user.target.wants",
           "kuro-lab-emergency.service": "local-fs.target.requires"}
APPEND = (f"root=UUID={disk.ROOT_UUID} ro console=ttyS0,115200 loglevel=6")


@dataclass(frozen=True)
class Disk:
    """A bootable machine without kuro, and how to start it without GRUB."""

    image: Path
    kernel: Path
    initrd: Path
    releases: tuple
    cpus: int
    key: str


def _debian(work):
    packages = (HERE / "packages.guest").read_text().split()
    run("mmdebstrap", "--mode=root", "--variant=minbase", "--include=" + ",".join(packages),
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/info/*",
        "bookworm", work / "tree", "-", input="\n".join(archive.sources()) + "\n")


def debian():
    """The Debian tree without kernels; key is the list of its packages."""
    return cache.entry("debian", cache.key(HERE / "packages.guest"), _debian) / "tree"


def _layer(work, packages):
    tree = work / "tree"
    for folder in tree, work / "upper", work / "work":
        folder.mkdir()
    run("mount", "-t", "overlay", "-o", f"lowerdir={debian()},upperdir={work}/upper,"
        f"workdir={work}/work", "kuro-layer", tree)
    try:
        (tree / "etc/apt/sources.list").write_text("\n".join(archive.sources()) + "\n")
        shutil.copy("/etc/resolv.conf", tree / "etc/resolv.conf")
        in_root(tree, "sh", "-c", "apt-get -q update && DEBIAN_FRONTEND=noninteractive "
                f"apt-get -y -q install --no-install-recommends {' '.join(packages)} && "
                "apt-get clean && rm -rf /var/lib/apt/lists/*")
    finally:
        run("umount", "-l", tree)
    for name in "tree", "work":
        shutil.rmtree(work / name)


def layer(*packages):
    """The layer that these packages of Debian's are over its tree."""
    return cache.entry("layer", cache.key(packages, str(debian())),
                       lambda work: _layer(work, packages)) / "upper"


def _settle_files(tree):
    shutil.copytree(HERE / "guest", tree, symlinks=True, dirs_exist_ok=True)
    (tree / "etc/fstab").write_text(disk.FSTAB)
    (tree / "etc/kuro-lab").mkdir()
    (tree / "var/log/journal").mkdir(exist_ok=True)
    units = tree / "etc/systemd/system"
    for path in DROPPED:
        (tree / path).unlink()
    (tree / "usr/sbin/grub-probe").rename(tree / "usr/lib/kuro-lab/grub-probe.debian")
    (tree / "usr/sbin/grub-probe").symlink_to("/usr/lib/kuro-lab/grub-probe")
    for unit in MASKED:
        (units / unit).symlink_to("/dev/null")
    generators = tree / "etc/systemd/system-generators"
    generators.mkdir(exist_ok=True)
    for name in MASKED_GENERATORS:
        (generators / f"systemd-{name}-generator").symlink_to("/dev/null")
    for unit, wanted_by in ENABLED.items():
        (units / wanted_by).mkdir(exist_ok=True)
        (units / wanted_by / unit).symlink_to(f"../{unit}")


def _install_debs(tree, debs):
    (tree / "debs").mkdir()
    for deb in debs:
        shutil.copy(deb, tree / "debs")
    in_root(tree, "sh", "-c", "exec dpkg --install /debs/*.deb")
    shutil.rmtree(tree / "debs")


def _offline_apt(tree):
    """The machine's only source of packages is its own folder."""
    for path in (tree / "etc/apt/sources.list", tree / "etc/apt/sources.list.d"):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (tree / "etc/apt/sources.list").write_text(
        "deb [trusted=yes] file:/srv/repo/current ./\n")
    lists = tree / "var/lib/apt/lists"
    shutil.rmtree(lists, ignore_errors=True)
    lists.mkdir()


def _repository(tree, offered, headers):
    folder = tree / "srv/repo"
    for number, release in enumerate(offered):
        archive.stage(folder, number, release, release in headers)
    (folder / "current").symlink_to("0")
    return sorted((folder / "0").glob("*.deb"))


def _dkms_module(tree, release):
    """Leave DKMS as it is, and beside it an archive with a module that it built for
    release: a machine that unpacks it has what an installation would have left there."""
    _install_debs(tree, [archive.package(name) for name in
                         (*TOOLS, *archive.headers_of(release), DKMS_MODULE)])
    in_root(tree, "sh", "-ec", f"""
        dkms install acpi-call/$(ls /var/lib/dkms/acpi-call | head -n 1) -k {release} --force
        tar -C / -czf /srv/dkms.tar.gz usr/src/acpi-call-* var/lib/dkms/acpi-call \
            usr/lib/modules/{release}/updates
        dpkg --purge {DKMS_MODULE}""")


def _fault_modules(tree, hanging):
    for release in hanging:
        folder = tree / "usr/lib/kuro-lab" / release
        folder.mkdir()
        shutil.copy(faultmodule.build(release), folder)


def _disk(work, installed, offered, headers, hanging):
    tree = work / "tree"
    run("cp", "--archive", "--reflink=auto", debian(), tree)
    _settle_files(tree)
    _offline_apt(tree)
    metas = _repository(tree, offered, headers)
    _install_debs(tree, [archive.package(f"linux-image-{name}") for name in installed]
                  + [deb for deb in metas if deb.name.startswith(archive.META)])
    if headers:
        _dkms_module(tree, installed[0])
        _install_debs(tree, [deb for deb in metas
                             if deb.name.startswith(archive.HEADERS_META)])
    _fault_modules(tree, hanging)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copy(tree / "boot" / f"{name}-{installed[0]}", work / name)
    disk.make(tree, work / "disk.raw")
    shutil.rmtree(tree)
    disk.to_qcow2(work / "disk.raw", work / "disk.qcow2")
    (work / "disk.raw").unlink()


def variant(name):
    """The disk called demo (one kernel, four more in its repository) or suite (two
    cloud kernels and one full kernel installed; two more in its repository, the first of
    them without its headers); built where the cache has none."""
    if name == "suite":
        known = archive.releases(4, headers=True)
        full = known[1].replace("-cloud", "")
        installed, hanging = [known[0], known[1], full], [known[1], full]
        offered, headers = [known[0], *known[2:]], [known[0], known[3]]
        releases = installed + known[2:]
    else:
        releases = offered = archive.releases(STAGES + 1)
        installed, headers, hanging = offered[:1], [], [offered[3]]
    code = [HERE / file for file in ("builder.py", "disk.py", "archive.py", "bootloader.py",
                                     "guest", "fault", "packages.guest")]
    key = cache.key(*code, installed, offered, headers)
    folder = cache.entry(f"disk-{name}", key,
                         lambda work: _disk(work, installed, offered, headers, hanging))
    return Disk(folder / "disk.qcow2", folder / "vmlinuz", folder / "initrd.img",
                tuple(releases), CPUS[name], key)
