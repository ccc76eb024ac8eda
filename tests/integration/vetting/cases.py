# SPDX-License-Identifier: LGPL-2.1-or-later
"""What kuro check says of machines, and what it must not say."""
import json
import os

from machine import another_version, put, run

CASES = {}
VIRTIO = "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00"
KURO_BASE = "pci:v0000B0A5d00000001sv00001AF4sd00000001bc02sc00i00"


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


def expect(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r}, not {wanted!r}")


def codes(module):
    return {reason["code"] for reason in module["reasons"]}


def in_use(machine, *names):
    """Built for the running kernel, and loaded."""
    for name in names:
        machine.install(machine.run, name)
    machine.load(*names)


@case
def a_machine_without_third_party_modules_is_compatible(machine):
    machine.device("03.0", VIRTIO, "virtio-pci", "virtio_pci")
    report = machine.check()
    expect(report["release"], machine.clone, "the newest that does not run")
    expect(report["modules"], [], "modules")
    expect([d["verdict"] for d in report["devices"]], ["covered"], "devices")
    expect(report["kernel"]["source"], "image", "source")
    assert report["kernel"]["symbols"] > 5000 and report["kernel"]["modversions"], report
    said = machine.kuro("check", machine.run).stdout
    assert "no third-party modules" in said and "compatible" in said, said


@case
def a_module_in_use_that_is_absent_refuses_the_kernel(machine):
    in_use(machine, "kuro_base")
    module = machine.module("kuro_base", machine.clone, status=3)
    expect((module["verdict"], module["path"], module["in_use"]), ("absent", None, True),
           "module")
    expect(module["provider"], "dkms", "provider")
    expect(module["built_for"], machine.run, "built for")
    assert "absent" in codes(module), module
    expect(module["remedy"], "link", "the present binary would load as it is")
    said = machine.kuro("check", machine.clone, status=3).stdout
    assert "refused: module kuro_base" in said, said
    expect(machine.check(machine.run)["modules"][0]["verdict"], "loads-tainted", "where it runs")


@case
def one_that_is_not_in_use_is_told_only(machine):
    machine.install(machine.run, "kuro_base")
    module = machine.module("kuro_base", machine.clone)
    expect((module["verdict"], module["in_use"]), ("absent", False), "module")


@case
def the_targets_own_build_loads(machine):
    in_use(machine, "kuro_base", "kuro_user")
    for name in ("kuro_base", "kuro_user"):
        machine.install(machine.clone, name)
    report = machine.check(machine.clone)
    expect([m["verdict"] for m in report["modules"]], ["loads-tainted"] * 2, "verdicts")
    expect(report["modules"][0]["path"],
           f"/lib/modules/{machine.clone}/updates/dkms/kuro_base.ko", "path")


@case
def what_the_command_line_blacklists_does_not_load(machine):
    in_use(machine, "kuro_base")
    machine.install(machine.clone, "kuro_base")
    put(machine.root / "etc/default/grub",
        'GRUB_CMDLINE_LINUX="quiet module_blacklist=kuro_base"\n')
    module = machine.module("kuro_base", machine.clone, status=3)
    expect((module["verdict"], "blacklisted" in codes(module)), ("fails", True), "module")


@case
def what_must_be_signed_and_is_not_does_not_load(machine):
    in_use(machine, "kuro_base")
    machine.install(machine.clone, "kuro_base")
    put(machine.root / "etc/default/grub", 'GRUB_CMDLINE_LINUX="module.sig_enforce=1"\n')
    module = machine.module("kuro_base", machine.clone, status=3)
    expect((module["verdict"], "signature" in codes(module)), ("fails", True), "module")


@case
def a_stale_build_fails_and_takes_its_dependants_along(machine):
    in_use(machine, "kuro_base", "kuro_user")
    machine.install(machine.clone, "kuro_base",
                    lambda data: another_version(data, "_printk"))
    machine.install(machine.clone, "kuro_user")
    report = machine.check(machine.clone, status=3)
    base, user = report["modules"]
    expect((base["verdict"], user["verdict"]), ("fails", "fails"), "verdicts")
    assert "symbol-version" in codes(base), base
    expect([r["symbol"] for r in base["reasons"] if r["code"] == "symbol-version"],
           ["_printk"], "the symbol")
    assert "dependency-fails" in codes(user), user
    table = machine.kuro("check", machine.clone, status=3).stdout
    assert "_printk" in table and "and 1 more" in table, table
    told = machine.kuro("check", "-v", machine.clone, status=3).stdout
    assert told.count("\n") > table.count("\n"), told


def tree_chain(machine):
    """Three of the kernel's own: the first needs the second alone of the other two, that one
    the third."""
    files = {path.stem.replace("-", "_"): path
             for path in (machine.tree(machine.clone) / "kernel").rglob("*.ko")}
    said = run("modinfo", "-F", "depends", *files.values()).stdout.splitlines()
    needs = {name: set(line.replace("-", "_").split(",")) & set(files)
             for name, line in zip(files, said)}
    top, middle, base = next(
        (top, middle, base) for top in sorted(needs) for middle in sorted(needs[top])
        for base in sorted(needs[middle] - needs[top]))
    return files[top], files[middle], files[base]


@case
def what_stands_on_a_replaced_module_through_the_kernels_own_fails(machine):
    top, middle, base = tree_chain(machine)
    for path, change in ((top, bytes), (base, lambda data: another_version(data, "module_layout"))):
        put(machine.tree(machine.clone) / "updates/dkms" / path.name, change(path.read_bytes()))
    machine.depmod(machine.clone)
    name = top.stem.replace("-", "_")
    module = machine.module(name, machine.clone)
    expect((module["verdict"], [r["symbol"] for r in module["reasons"]
                                if r["code"] == "dependency-fails"]),
           ("fails", [middle.stem.replace("-", "_")]), "verdict")
    put(machine.tree(machine.clone) / "updates/dkms" / base.name, base.read_bytes())
    machine.depmod(machine.clone)
    expect(machine.module(name, machine.clone)["verdict"], "loads", "with one that fits")


@case
def a_hostile_file_is_malformed_and_no_more(machine):
    in_use(machine, "kuro_base", "kuro_user")
    machine.install(machine.clone, "kuro_base", lambda data: data[:2000])
    machine.install(machine.clone, "kuro_user", lambda data: b"\x7fELF" + os.urandom(5000))
    report = machine.check(machine.clone, status=3)
    for module in report["modules"]:
        expect(module["verdict"], "fails", module["name"])
        assert "malformed" in codes(module), module


@case
def a_link_that_leads_nowhere_is_no_file(machine):
    in_use(machine, "kuro_base")
    link = machine.tree(machine.clone) / "weak-updates/kuro_base.ko"
    link.parent.mkdir()
    link.symlink_to("/lib/modules/5.0.0-gone/extra/kuro_base.ko")
    expect(machine.module("kuro_base", machine.clone, status=3)["verdict"], "absent", "link")
    link.unlink()
    link.symlink_to(f"/lib/modules/{machine.run}/updates/dkms/kuro_base.ko")
    machine.depmod(machine.clone)
    expect(machine.module("kuro_base", machine.clone)["verdict"], "loads-tainted", "link")


@case
def the_policy_decides_what_a_loss_means(machine):
    in_use(machine, "kuro_base")
    for text, status in (('modules: { optional = [ "kuro-*" ]; };', 0),
                         ('modules: { in_use = "optional"; };', 0),
                         ('modules: { incompatible = "warn"; };', 0),
                         ('modules: { in_use = "optional"; required = [ "kuro_b?se" ]; };', 3),
                         ('modules: { required = [ "kuro_base" ]; optional = [ "*" ]; };', 3)):
        machine.policy(text)
        module = machine.module("kuro_base", machine.clone, status=status)
        expect(module["verdict"], "absent", text)
    machine.policy('modules: { ignored = [ "kuro_base" ]; };')
    expect(machine.check(machine.clone)["modules"], [], "ignored")
    machine.policy('modules: { required = [ "xfs", "none_such" ]; ignored = [ "kuro*" ]; };')
    report = machine.check(machine.clone, status=3)
    said = [f["text"] for f in report["findings"] if f["weight"] == "refusal"]
    assert len(said) == 1 and "none_such" in said[0], said


@case
def what_is_ignored_is_told_as_a_number(machine):
    in_use(machine, "kuro_base", "kuro_user")
    machine.install(machine.clone, "kuro_user")
    machine.policy('modules: { ignored = [ "kuro_*" ]; };')
    said = machine.kuro("check", machine.clone).stdout
    assert "no other third-party modules (modules.ignored of the policy leaves out 2)" in said, said


@case
def what_stands_on_an_ignored_one_has_its_symbols(machine):
    in_use(machine, "kuro_base", "kuro_user")
    machine.policy('modules: { ignored = [ "kuro_base" ]; };')
    machine.install(machine.clone, "kuro_user")
    user, = machine.check(machine.clone, status=3)["modules"]
    expect((user["name"], "symbol-missing" in codes(user)), ("kuro_user", True), "without it")
    machine.install(machine.clone, "kuro_base")
    user, = machine.check(machine.clone)["modules"]
    expect((user["name"], user["verdict"]), ("kuro_user", "loads-tainted"), "with it")


@case
def a_signed_module_may_be_linked_where_signatures_are_demanded(machine):
    """One of the kernel's own, which the same kernel trusts under another name too."""
    put(machine.root / "etc/default/grub", 'GRUB_CMDLINE_LINUX="module.sig_enforce=1"\n')
    path, = machine.tree(machine.run).rglob("dummy.ko")
    put(machine.tree(machine.run) / "updates/dummy.ko", path.read_bytes())
    for release in (machine.run, machine.clone):
        next(machine.tree(release).glob("kernel/**/dummy.ko")).unlink()
        machine.depmod(release)
    expect(machine.module("dummy", machine.run)["verdict"], "loads", "where it is")
    expect(machine.module("dummy", machine.run)["signature"]["trust"], "trusted", "signature")
    assert ": trusted" in machine.kuro("check", "-v", machine.run).stdout
    module = machine.module("dummy", machine.clone)
    expect((module["verdict"], module["remedy"]), ("absent", "link"), "where it is not")


@case
def loading_with_a_taint_may_be_refused(machine):
    in_use(machine, "kuro_base")
    machine.install(machine.clone, "kuro_base")
    machine.policy("modules: { tainted = false; };")
    report = machine.check(machine.clone, status=3)
    assert "modules.tainted of the policy" in report["findings"][0]["text"], report["findings"]


@case
def kernel_options_are_required_and_forbidden(machine):
    for wish, status, said in (
            ('config_required = [ "CONFIG_MODVERSIONS", "CONFIG_MODULES=y" ];', 0, None),
            ('config_required = [ "CONFIG_KURO" ];', 3, "does not know CONFIG_KURO"),
            ('config_required = [ "CONFIG_KURO" ]; config_vanished = "warn";', 0,
             "does not know CONFIG_KURO"),
            ('config_required = [ "CONFIG_MODULES=m" ];', 3, "CONFIG_MODULES=y"),
            ('config_required = [ "CONFIG_MODULE_SIG_FORCE" ];', 3, "not set"),
            ('config_forbidden = [ "CONFIG_MODULES" ];', 3, "forbidden"),
            ('config_forbidden = [ "CONFIG_MODULES=m", "CONFIG_KURO" ];', 0, None)):
        machine.policy(f"kernel: {{ {wish} }};")
        texts = [f["text"] for f in machine.check(machine.clone, status=status)["findings"]]
        expect(len(texts), 1 if said else 0, f"{wish} findings {texts}")
        if said:
            assert said in texts[0], texts
    config = machine.root / f"boot/config-{machine.clone}"
    put(config, config.read_bytes().replace(b"CONFIG_MODVERSIONS=y", b""))
    machine.policy('kernel: { config_required = [ "CONFIG_MODVERSIONS" ]; };')
    report = machine.check(machine.clone, status=3)
    assert "any more" in str(report["findings"]), report["findings"]


@case
def a_device_that_loses_its_driver_is_told_or_refused(machine):
    machine.device("03.0", VIRTIO, "virtio-pci", "virtio_pci")
    expect(machine.check(machine.clone)["devices"][0]["verdict"], "covered", "device")
    machine.remove(machine.clone, "virtio_pci")
    report = machine.check(machine.clone)
    expect((report["devices"][0]["verdict"], report["devices"][0]["by"]), ("lost", None),
           "device")
    assert "virtio-pci" in report["findings"][0]["text"], report["findings"]
    said = machine.kuro("check", machine.clone).stdout
    assert "lost" in said and "1 device would lose its driver" in said, said
    machine.policy('devices: { lost = "refuse"; };')
    machine.check(machine.clone, status=3)


def mounted(machine, *mounts):
    """/ on ext4, and each (type, target) from somewhere."""
    lines = ["21 1 254:1 / / rw - ext4 /dev/vda1 rw\n"]
    lines += [f"{22 + i} 21 0:{40 + i} / {target} rw - {kind} from rw\n"
              for i, (kind, target) in enumerate(mounts)]
    put(machine.root / "proc/self/mountinfo", "".join(lines))


def loaded_in_tree(machine, *names):
    put(machine.root / "proc/modules",
        "".join(f"{name} 16384 0 - Live 0x0000000000000000\n" for name in names))
    for name in names:
        put(machine.root / f"sys/module/{name}/initstate", "live\n")


@case
def a_file_system_that_is_mounted_needs_its_module(machine):
    """One of the network's as well; a pseudo file system has no module to lose."""
    mounted(machine, ("xfs", "/srv"), ("proc", "/proc"), ("cifs", "/shared"))
    loaded_in_tree(machine, "ext4", "xfs", "cifs")
    expect(machine.check(machine.clone)["findings"], [], "findings")
    for name, target in ("xfs", "/srv"), ("cifs", "/shared"):
        machine.remove(machine.clone, name)
        told = machine.check(machine.clone)["findings"]
        expect({f["weight"] for f in told}, {"warning"}, "findings")
        assert any(f"{name}, by which {target} is mounted" in f["text"] for f in told), told
    machine.policy('devices: { lost = "refuse"; };')
    machine.check(machine.clone, status=3)


@case
def a_disk_that_is_mapped_needs_its_mapper(machine):
    """/home on LUKS: no device is bound to dm_crypt."""
    mounted(machine)
    with (machine.root / "proc/self/mountinfo").open("a") as mounts:
        mounts.write("30 21 253:0 / /home rw - ext4 /dev/mapper/home rw\n")
    put(machine.root / "sys/devices/virtual/block/dm-0/dm/uuid", "CRYPT-LUKS2-0-home\n")
    put(machine.root / "sys/devices/virtual/block/dm-0/dev", "253:0\n")
    link = machine.root / "sys/dev/block/253:0"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../devices/virtual/block/dm-0")
    loaded_in_tree(machine, "ext4", "dm_mod", "dm_crypt")
    expect(machine.check(machine.clone)["findings"], [], "findings")
    machine.remove(machine.clone, "dm-crypt")
    told = machine.check(machine.clone)["findings"]
    expect([(f["weight"], "dm_crypt, by which /home is mounted" in f["text"]) for f in told],
           [("warning", True)], "findings")


@case
def what_a_module_asks_for_beforehand_is_missed(machine):
    """kuro_user has a softdep on an alias of blake2b_generic."""
    in_use(machine, "kuro_base", "kuro_user")
    for name in ("kuro_base", "kuro_user"):
        machine.install(machine.clone, name)
    expect(machine.check(machine.clone)["findings"], [], "findings")
    machine.remove(machine.clone, "blake2b_generic")
    told = machine.check(machine.clone)["findings"]
    expect([(f["weight"], "kuro_user asks for crypto_blake2b_256" in f["text"]) for f in told],
           [("warning", True)], "findings")


@case
def the_default_route_needs_the_modules_of_its_links(machine):
    """A VLAN on a bond; neither is a device with a driver."""
    for name, kind, lower in ("bond0", "bond", None), ("bond0.5", "vlan", "bond0"):
        place = machine.root / f"sys/devices/virtual/net/{name}"
        put(place / "uevent", f"DEVTYPE={kind}\nINTERFACE={name}\n")
        if lower:
            (place / f"lower_{lower}").symlink_to(f"../{lower}")
        link = machine.root / f"sys/class/net/{name}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"../../devices/virtual/net/{name}")
    put(machine.root / "proc/net/route",
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
        "bond0.5\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\n")
    loaded_in_tree(machine, "bonding", "8021q")
    expect(machine.check(machine.clone)["findings"], [], "findings")
    for name in "bonding", "8021q":
        machine.remove(machine.clone, name)
        told = machine.check(machine.clone, status=3)["findings"]
        expect({f["weight"] for f in told}, {"refusal"}, "findings")
        assert any(f"no module {name}, by which bond0.5, the default route" in f["text"]
                   for f in told), told


@case
def packages_are_vetted_before_they_are_installed(machine):
    in_use(machine, "kuro_base")
    deb = machine.template.packages[machine.template.other]
    report = json.loads(machine.kuro("check", "--json", deb, status=None).stdout)
    expect(report["release"], machine.template.other, "release")
    expect(report["packages"], [str(deb)], "packages")
    expect([m["name"] for m in report["modules"]], ["kuro_base"], "modules")
    assert report["kernel"]["symbols"] > 5000, report["kernel"]
    expect(list((machine.root / "boot").glob(f"*{machine.template.other}*")), [], "unpacked")
    machine.install(machine.run, "kuro_base", lambda data: another_version(data, "_printk"))
    module = machine.module("kuro_base", deb, status=3)
    assert "symbol-version" in codes(module), module
    machine.kuro("check", deb, "/etc/hostname", status=2)
    broken = machine.dir / "broken.deb"
    broken.write_bytes(deb.read_bytes()[:300000])
    assert "malformed: " in str(machine.check(broken, status=3)["findings"])
    assert "it is damaged" in machine.kuro("check", broken, status=3).stdout


@case
def what_will_be_built_drives_its_device(machine):
    machine.install(machine.run, "kuro_base", lambda data: another_version(data, "_printk"))
    machine.load("kuro_base")
    machine.dkms(machine.run, "kuro_base")
    machine.device("03.0", KURO_BASE, "kuro_base", "kuro_base")
    machine.policy('devices: { lost = "refuse"; };')
    release = machine.template.other
    deb = machine.template.packages[release]
    report = machine.check(deb, status=3)
    expect([d["verdict"] for d in report["devices"]], ["lost"], "without headers")
    report = machine.check(deb, machine.headers(release))
    expect([(d["verdict"], d["by"]) for d in report["devices"]], [("covered", "kuro_base")],
           "with the headers that DKMS builds it with")
    parts = machine.package(f"linux-modules-kuro-1-{release}", {
        f"lib/modules/{release}/kernel/kuro-1/bits/kuro_base.ko.sig": "PKCS#7"})
    expect([d["verdict"] for d in machine.check(deb, parts)["devices"]], ["covered"],
           "with parts that its package links")
    machine.policy('devices: { lost = "refuse"; }; modules: { build = false; };')
    machine.check(deb, machine.headers(release), status=3)


@case
def what_a_container_builds_is_not_there_by_itself(machine):
    machine.install(machine.run, "kuro_base", lambda data: another_version(data, "_printk"))
    machine.load("kuro_base")
    put(machine.root / "etc/kvc/kuro.conf", 'KMOD_NAMES="kuro_base"\n')
    module = machine.module("kuro_base", machine.template.packages[machine.template.other],
                            status=3)
    expect((module["provider"], module["remedy"]), ("container", "rebuild"), "module")


@case
def modules_of_packages_are_vetted_that_are_new_here(machine):
    tree = f"lib/modules/{machine.run}/updates"
    base = machine.template.modules["kuro_base"].read_bytes()
    user = machine.template.modules["kuro_user"].read_bytes()
    good = machine.package("kmod-good", {f"{tree}/kuro_base.ko": base})
    module, = machine.check(good)["modules"]
    expect((module["name"], module["verdict"], module["provider"], module["built_for"]),
           ("kuro_base", "loads-tainted", "package", machine.run), "a new one")
    alone = machine.package("kmod-alone", {f"{tree}/kuro_user.ko": user})
    module, = machine.check(alone, status=3)["modules"]
    expect("symbol-missing" in codes(module), True, "without what it needs")
    expect([m["verdict"] for m in machine.check(alone, good)["modules"]], ["loads-tainted"] * 2,
           "with it")
    cut = machine.package("kmod-cut", {f"{tree}/kuro_base.ko": base[:2000]})
    module, = machine.check(cut, status=3)["modules"]
    expect("malformed" in codes(module), True, "a damaged one")
    machine.policy('modules: { optional = [ "*" ]; };')
    machine.check(cut)
    machine.policy('modules: { ignored = [ "kuro_base" ]; };')
    expect(machine.check(cut)["modules"], [], "ignored")


@case
def a_kernel_that_can_not_be_read_is_vetted_as_far_as_it_goes(machine):
    in_use(machine, "kuro_base", "kuro_user")
    machine.device("03.0", VIRTIO, "virtio-pci", "virtio_pci")
    machine.device("04.0", KURO_BASE, "kuro_base", "kuro_base")
    machine.install(machine.clone, "kuro_base")
    machine.install(machine.clone, "kuro_user", lambda data: data[:2000])
    put(machine.root / f"boot/vmlinuz-{machine.clone}", b"\x7fELF\x01\x01" + bytes(4000))
    machine.policy('modules: { optional = [ "*" ]; };')
    report = json.loads(machine.kuro("check", "--json", machine.clone, status=4).stdout)
    expect((report["verdict"], [m["name"] for m in report["modules"]]), ("unknown", ["kuro_user"]),
           "a damaged file is one in every kernel")
    expect(report["modules"][0]["verdict"], "fails", "the damaged one")
    assert "whether kuro_base would load" in str(report["findings"]), report["findings"]
    expect([d["verdict"] for d in report["devices"]], ["covered"] * 2, "devices")
    said = machine.kuro("check", machine.clone, status=4).stdout
    assert "can't be judged whole here: 1 third-party module could not" in said, said
    machine.remove(machine.clone, "virtio_pci")
    machine.policy('modules: { optional = [ "*" ]; }; devices: { lost = "refuse"; };')
    report = json.loads(machine.kuro("check", "--json", machine.clone, status=3).stdout)
    expect(sorted(d["verdict"] for d in report["devices"]), ["covered", "lost"], "devices")


def image_package(machine, *names):
    """A package of that kernel's /boot files only, as where its modules come apart."""
    release = machine.template.other
    tree = machine.dir / "-".join(("image", *names))
    whole = machine.template.packages[release]
    (tree / "DEBIAN").mkdir(parents=True)
    put(tree / "DEBIAN/control", f"Package: linux-image-{release}\nVersion: 1\n"
        "Architecture: amd64\nMaintainer: kuro\nDescription: an image\n")
    run("sh", "-c", 'dpkg-deb --fsys-tarfile "$0" | tar -x -C "$@"', whole, tree,
        *(f"./boot/{name}-{release}" for name in names))
    run("dpkg-deb", "-Znone", "--build", tree, f"{tree}.deb")
    return f"{tree}.deb"


@case
def packages_without_the_modules_name_what_is_missing(machine):
    in_use(machine, "kuro_base")
    machine.device("03.0", "pci:v00008086d000010D3sv00008086sd0000A01Fbc02sc00i00", "e1000e",
                   "e1000e")
    for names, word in ((("vmlinuz",), "nor its configuration"),
                        (("vmlinuz", "config"), "CONFIG_MODULES=y")):
        report = machine.check(image_package(machine, *names), status=3)
        missing, = [f["text"] for f in report["findings"] if f["weight"] == "refusal"]
        assert word in missing and f"linux-modules-{machine.template.other}" in missing, missing
        expect(report["devices"], [], "devices, of which nothing is known")


@case
def an_image_package_is_vetted_with_the_tree_that_is_installed(machine):
    release = machine.template.other
    run("dpkg-deb", "--extract", machine.template.packages[release], machine.dir / "installed")
    run("cp", "-a", next((machine.dir / "installed").rglob(f"lib/modules/{release}")),
        machine.tree(release))
    machine.depmod(release)
    machine.install(release, "kuro_base", lambda data: another_version(data, "_printk"))
    machine.device("03.0", VIRTIO, "virtio-pci", "virtio_pci")
    report = machine.check(image_package(machine, "vmlinuz", "config"))
    expect(report["release"], release, "release")
    assert any("installed ones are vetted" in f["text"] for f in report["findings"]), report
    module, = report["modules"]
    assert module["path"].startswith(f"/lib/modules/{release}/"), module
    expect(module["verdict"], "fails", "a module of the tree")
    expect([d["verdict"] for d in report["devices"]], ["covered"], "devices")


@case
def an_image_alone_is_vetted_as_far_as_it_goes(machine):
    in_use(machine, "kuro_base")
    machine.install(machine.clone, "kuro_base")
    image = machine.root / f"boot/vmlinuz-{machine.run}"
    expect(machine.check(image)["release"], machine.run, "release")
    alone = machine.dir / "vmlinuz-9.9.9-else"
    data = image.read_bytes()
    alone.write_bytes(data.replace(machine.run.encode() + b" (", b"9.9.9-else".ljust(
        len(machine.run), b" ") + b" (", 1))
    report = machine.check(alone)
    expect(report["release"], "9.9.9-else", "release")
    expect(report["modules"][0]["verdict"], "loads-tainted", "module")
    alone.write_bytes(data[:3000000])
    assert "cut off" in str(machine.check(alone, status=3)["findings"])
    put(machine.root / f"boot/vmlinuz-{machine.clone}", data[:3000000])
    report = machine.check(machine.clone, status=3)
    assert "cut off" in str(report["findings"]), report["findings"]
    expect(report["modules"], [], "of which nothing can be told")
    machine.load()
    machine.remove(machine.clone, "kuro_base")
    machine.remove(machine.run, "kuro_base")
    assert "cut off" in str(machine.check(machine.clone, status=3)["findings"])


@case
def headers_of_another_kernel_are_told(machine):
    symvers = machine.tree(machine.clone) / "build/Module.symvers"
    put(symvers, "0x00000001\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n")
    report = machine.check(machine.clone)
    assert "disagree" in (report["kernel"]["second_source"] or ""), report["kernel"]


@case
def without_root_and_on_a_read_only_disk_it_answers_too(machine):
    in_use(machine, "kuro_base")
    machine.template.dir.chmod(0o755)
    machine.dir.chmod(0o755)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    machine.module("kuro_base", machine.clone, status=3, prefix=nobody)
    run("mount", "--bind", machine.root, machine.root)
    machine.stack.callback(run, "umount", "-l", machine.root, check=False)
    run("mount", "-o", "remount,bind,ro", machine.root)
    machine.module("kuro_base", machine.clone, status=3)
    machine.module("kuro_base", machine.clone, status=3, prefix=nobody)


@case
def what_it_can_not_check_it_says(machine):
    for args, status in ((("6.6.6-nowhere",), 1), (("./none",), 1), (("../../etc",), 1),
                         (("a b",), 2), (("/etc/hostname",), 1), (("a", "b"), 2)):
        done = machine.kuro("check", *args, status=status, cwd="/")
        assert done.stderr.startswith("kuro: "), done.stderr


def record(machine):
    return json.loads(machine.kuro("matrix", "--json").stdout)


@case
def the_matrix_remembers_what_was_foretold_and_seen(machine):
    assert "No third-party module" in machine.kuro("matrix").stdout
    in_use(machine, "kuro_base", "kuro_user")
    machine.kuro("check", machine.clone, status=3)
    expect(record(machine)["records"], [], "nothing is kept where kuro is not set up")
    machine.kuro("hold", "6.6.6", "--reason=makes the database")
    machine.kuro("check", machine.clone, status=3)
    first = record(machine)["records"]
    expect([(r["module"], r["release"], r["predicted"], r["observed"]) for r in first],
           [("kuro_base", machine.clone, "absent", None),
            ("kuro_user", machine.clone, "absent", None)], "records")
    expect((first[0]["version"], first[0]["machine"]), ("1.2", "kuro test machine"), "key")
    machine.install(machine.run, "kuro_user", lambda data: another_version(data, "module_layout"))
    machine.kuro("check", machine.run, status=3)
    machine.load("kuro_user")
    machine.policy("health: { settle = 0; attempts = 1; };")
    put(machine.root / "dev/kmsg", "4,1,2,-;kuro_base: Unknown symbol none (err -2)\n")
    machine.kuro("verdict", status=None)
    seen = {r["module"]: r for r in record(machine)["records"] if r["release"] == machine.run}
    expect((seen["kuro_base"]["foretold"], seen["kuro_base"]["observed"]),
           ("loads-tainted", "failed"), "kuro_base")
    assert "Unknown symbol" in seen["kuro_base"]["detail"], seen
    expect((seen["kuro_user"]["foretold"], seen["kuro_user"]["observed"]),
           ("fails", "loaded"), "kuro_user")
    expect(record(machine)["wrong"], 2, "wrong predictions")
    table = machine.kuro("matrix").stdout
    assert table.count("WRONG") == 2 and "2 of 4 predictions proved wrong" in table, table


def set_up(machine, release):
    """As if kuro had been set up: generation 1 of the release is the good one."""
    block = b"# GRUB Environment Block\nkuro_good=1\nkuro_prev=\nkuro_trial=\nkuro_tries=0\n" \
            b"kuro_miss=0\n"
    put(machine.root / "boot/kuro/env", block.ljust(1024, b"#"))
    zeroes = "0" * 64
    put(machine.root / "boot/kuro/gen/1/manifest.json", json.dumps({
        "schema": 1, "generation": 1, "release": release, "title": "a test",
        "command_line": "ro", "trial_line": "", "created": 1700000000, "transaction": 1,
        "files": [{"name": "vmlinuz", "size": 1, "sha256": zeroes}]}))


@case
def a_way_back_that_no_longer_holds_is_told(machine):
    in_use(machine, "kuro_base")
    machine.install(machine.clone, "kuro_base")
    set_up(machine, machine.run)
    expect(machine.status()["drift"], [], "drift")
    machine.install(machine.run, "kuro_base", lambda data: another_version(data, "_printk"))
    drift = machine.status()["drift"]
    assert len(drift) == 1 and "kuro_base" in drift[0] and "_printk" in drift[0], drift
    said = machine.kuro("status").stdout
    assert "the way back has changed" in said, said
    assert machine.check(machine.clone)["drift"] == drift
    machine.policy('modules: { ignored = [ "kuro*" ]; };')
    expect(machine.status()["drift"], [], "ignored")
    machine.install(machine.run, "kuro_base")
    machine.policy("modules: { tainted = false; };")
    assert "modules.tainted" in str(machine.status()["drift"]), "a taint that is not allowed"


@case
def what_the_good_kernel_has_itself_by_now_is_no_drift(machine):
    own, = machine.tree(machine.run).rglob("dummy.ko")
    third = machine.tree(machine.run) / "updates/dummy.ko"
    put(third, own.read_bytes())
    machine.depmod(machine.run)
    machine.load("dummy")
    set_up(machine, machine.run)
    machine.kuro("hold", "6.6.6", "--reason=makes the database")
    machine.policy("health: { settle = 0; attempts = 1; };")
    machine.kuro("verdict", status=None)
    expect([(r["module"], r["observed"]) for r in record(machine)["records"]],
           [("dummy", "loaded")], "what was seen")
    third.unlink()
    machine.depmod(machine.run)
    machine.load()
    expect(machine.status()["drift"], [], "the kernel's own is there")
    own.unlink()
    machine.depmod(machine.run)
    assert "dummy" in str(machine.status()["drift"]), "none is there"
