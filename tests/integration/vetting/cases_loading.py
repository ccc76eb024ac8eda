# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the machine keeps from loading, and what boots then went without."""
import contextlib
import sqlite3
import time

from cases import (VIRTIO, case, codes, expect, in_use, loaded_in_tree, mounted, record,
                   set_up)
from machine import put

ENA = "pci:v00001D0Fd0000EC20sv00001D0Fsd0000EC20bc02sc00i00"
CLEAN = {   # as Debian, Ubuntu, NVIDIA's packages and hardening guides have them
    "dkms": "# modprobe information used for DKMS modules\n",
    "fbdev-blacklist": "blacklist vesafb\nblacklist viafb\nblacklist vt8623fb\n",
    "blacklist": "blacklist pcspkr\nblacklist ena\nblacklist virtio_pci\n",
    "blacklist-rare-network": "alias net-pf-3 off\nalias net-pf-6 off\n",
    "nvidia-blacklists-nouveau": "blacklist nouveau\n",
    "nvidia": "install kuro-base modprobe -i kuro-base-current $CMDLINE_OPTS\n"
              "options kuro-base x=1\n",
    "cis": "install cramfs /bin/true\ninstall usb-storage /bin/false\n",
}


def boots(machine, verdict, later):
    """Another boot, so many seconds from now, with a verdict."""
    put(machine.root / "proc/sys/kernel/random/boot_id",
        f"0b7c1f4e-0000-4000-8000-{later:012}\n")
    put(machine.root / "proc/stat", f"btime {int(time.time()) + later}\n")
    machine.kuro("verdict", status=None)
    with contextlib.closing(sqlite3.connect(machine.root / "var/lib/kuro/state.db")) as state:
        changed = state.execute("UPDATE boots SET verdict = ? WHERE boot_id LIKE ?",
                                (verdict, f"%{later:012}"))
        expect(changed.rowcount, 1, "this boot's row")
        state.commit()


def modprobe_d(machine, **files):
    for name, text in files.items():
        put(machine.root / f"etc/modprobe.d/{name}.conf", text)


@case
def a_module_whose_file_has_another_name_is_there(machine):
    """As Debian's nvidia, which is nvidia-current.ko."""
    for release in machine.run, machine.clone:
        put(machine.tree(release) / "updates/dkms/kuro-current.ko",
            machine.template.modules["kuro_base"].read_bytes())
        machine.depmod(release)
    machine.load("kuro_base")
    set_up(machine, machine.run)
    for release in machine.run, machine.clone:
        module, = machine.check(release)["modules"]
        expect((module["name"], module["in_use"], module["verdict"]),
               ("kuro_current", True, "loads-tainted"), release)
    machine.kuro("hold", "6.6.6", "--reason=makes the database")
    machine.policy("health: { settle = 0; attempts = 1; };")
    boots(machine, "healthy", -100)
    expect([(r["module"], r["observed"]) for r in record(machine)["records"]],
           [("kuro_current", "loaded")], "the record")
    expect(machine.status()["drift"], [], "drift")


@case
def what_a_clean_machine_keeps_from_loading_is_no_alarm(machine):
    machine.device("01.0", ENA, "kuro_base", "kuro_base")
    machine.device("03.0", VIRTIO, "virtio-pci", "virtio_pci")
    in_use(machine, "kuro_base")
    machine.install(machine.clone, "kuro_base")
    before = machine.check(machine.clone)
    modprobe_d(machine, **CLEAN)
    after = machine.check(machine.clone)
    for part in "modules", "devices", "findings":
        expect(after[part], before[part], part)
    expect([d["verdict"] for d in after["devices"]], ["covered"] * 2, "devices")


@case
def what_is_blacklisted_drives_no_device_of_another_driver(machine):
    """The card's own driver is not there; the kernel's is, and would not be loaded."""
    machine.device("01.0", ENA, "ena_new", "ena_new")
    expect(machine.check(machine.clone)["devices"][0]["by"], "ena", "by its alias")
    modprobe_d(machine, own="blacklist ena\n")
    report = machine.check(machine.clone)
    expect([d["verdict"] for d in report["devices"]], ["lost"], "devices")
    expect([f["weight"] for f in report["findings"]], ["warning"], "findings")
    modprobe_d(machine, own="install ena /bin/false\n")
    expect(machine.check(machine.clone)["devices"][0]["verdict"], "lost", "device")


@case
def a_module_in_use_that_modprobe_does_not_load_is_told(machine):
    in_use(machine, "kuro_base")
    machine.install(machine.clone, "kuro_base")
    modprobe_d(machine, off="install kuro-base /bin/false\n")
    report = machine.check(machine.clone)
    module, = report["modules"]
    expect((module["verdict"], "disabled" in codes(module)), ("loads-tainted", True), "module")
    assert [(f["weight"], "install kuro_base /bin/false" in f["text"])
            for f in report["findings"]] == [("warning", True)], report["findings"]
    machine.load()
    expect(machine.check(machine.clone)["findings"], [], "not in use")


@case
def what_the_next_command_line_forbids_is_lost(machine):
    """What is on the line of this boot already did not hinder what runs."""
    machine.device("03.0", VIRTIO, "virtio-pci", "virtio_pci")
    mounted(machine, ("xfs", "/srv"))
    loaded_in_tree(machine, "ext4", "xfs", "virtio_pci")
    for argument in "modprobe.blacklist=virtio_pci,xfs", "module_blacklist=virtio_pci,xfs":
        put(machine.root / "etc/default/grub", f'GRUB_CMDLINE_LINUX="{argument}"\n')
        put(machine.root / "proc/cmdline", "root=/dev/vda1 ro\n")
        report = machine.check(machine.clone)
        expect([d["verdict"] for d in report["devices"]], ["lost"], argument)
        assert any("would not load module xfs, by which /srv is mounted: "
                   + argument.split("=")[0] in f["text"] for f in report["findings"]), report
        put(machine.root / "proc/cmdline", f"root=/dev/vda1 ro {argument}\n")
        verdicts = [d["verdict"] for d in machine.check(machine.clone)["devices"]]
        expect(verdicts, ["covered" if "modprobe" in argument else "lost"], argument)
    put(machine.root / "proc/self/mountinfo", "21 1 254:1 / / rw - xfs /dev/vda1 rw\n")
    put(machine.root / "etc/default/grub", 'GRUB_CMDLINE_LINUX="module_blacklist=xfs"\n')
    report = machine.check(machine.clone, status=3)
    assert "would not load: module_blacklist=" in report["findings"][0]["text"], report


@case
def what_modprobe_d_wants_beforehand_is_missed(machine):
    in_use(machine, "kuro_base")
    machine.install(machine.clone, "kuro_base")
    modprobe_d(machine, soft="softdep kuro-base pre: blake2b_generic post: gone\n")
    expect(machine.check(machine.clone)["findings"], [], "findings")
    machine.remove(machine.clone, "blake2b_generic")
    told = machine.check(machine.clone)["findings"]
    expect([(f["weight"], "kuro_base asks for blake2b_generic" in f["text"]) for f in told],
           [("warning", True)], "findings")


@case
def what_a_healthy_boot_went_without_is_missed_no_more(machine):
    """The package of a module was purged."""
    in_use(machine, "kuro_base")
    set_up(machine, machine.run)
    machine.kuro("hold", "6.6.6", "--reason=makes the database")
    machine.policy("health: { settle = 0; attempts = 1; };")
    boots(machine, "healthy", -100)
    expect(machine.status()["drift"], [], "the module is there")
    machine.remove(machine.run, "kuro_base")
    machine.load()
    assert "kuro_base" in str(machine.status()["drift"]), "just removed"
    boots(machine, "failed", 100)
    assert "kuro_base" in str(machine.status()["drift"]), "a boot that failed proves nothing"
    boots(machine, "healthy", 200)
    expect(machine.status()["drift"], [], "a healthy boot without it")
    expect([r["module"] for r in record(machine)["records"]], ["kuro_base"], "the record stays")
    machine.policy('modules: { required = [ "kuro_base" ]; };')
    assert "kuro_base" in str(machine.status()["drift"]), "the policy requires it"
