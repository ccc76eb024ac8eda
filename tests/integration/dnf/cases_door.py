# SPDX-License-Identifier: LGPL-2.1-or-later
"""The second door: dnf 4 that somebody else drives brings and takes kernels, and kernel-install
is called by their packages."""
import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "journey"))
from cases_boot import boots, expect, last  # noqa: E402
from machine import CORE, NEEDS  # noqa: E402
from world import run  # noqa: E402

CASES = []
OTHER = NEEDS.replace("Requires: kernel-core = {needs}\n", "").format(name="other")
REFUSING = "kernel: { config_required = [ \"CONFIG_KURO\" ]; };\n"


def case(function):
    CASES.append(function)
    return function


def dnf(m, *args, status=0, env=()):
    """Nobody at the terminal; all that it said."""
    done = run("chroot", m.root, "env", *env, "dnf", "-y", *args, check=False, stdin=-3)
    told = done.stdout + done.stderr
    if status is not None and done.returncode != status:
        raise AssertionError(f"dnf {args}: exit status {done.returncode}, not {status}: {told}")
    return told


def upgrade(m, **options):
    return dnf(m, "upgrade", **options)


def marks(m):
    folder = m.root / "var/lib/kuro/pending"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def whole(m):
    expect(run("chroot", m.root, "rpm", "-Va", "--nomtime", "--nomode", "kernel-core",
               check=False).stdout, "", "rpm -V")
    expect(dnf(m, "check"), "", "dnf check")


def entries(m):
    return {path.name: path.read_bytes() for path in (m.root / "boot/loader/entries").iterdir()}


def begin(m, **options):
    """What runs is generation 1, the good one; the newer kernel is offered."""
    dnf(m, "remove", f"kernel-core-{m.new}")
    for path in m.repository.rglob(f"kernel-core-{m.new}.rpm"):
        path.unlink()
    m.offer(m.new, spec=CORE, **options)
    m.start(m.old, 1)
    m.kuro("hook", "boot-begin")


def bless(m, generation):
    m.policy("outside", "health: { mounts = false; link = false; };\n")
    boots(m, generation, trial=True)
    m.kuro("verdict")
    expect(m.block()[0], generation, "good")


@case
def what_dnf_brings_is_vetted_and_tried(m):
    begin(m, whole=True)
    told = upgrade(m)
    expect(m.block()[:3], (1, None, 2), told)
    expect([(t["kind"], t["state"]) for t in m.history()[:2]],
           [("try", "armed"), ("packages", "done")], "transactions")
    expect((m.root / "run/initramfs.log").read_text().split("\n")[-2:], [f"add {m.new}", ""],
           "initramfs")
    expect(marks(m), [], "marks")
    expect(list(entries(m)), [f"test-{m.new}.conf"], "loader entries")
    whole(m)
    bless(m, 2)


@case
def what_the_policy_refuses_is_never_unpacked(m):
    begin(m)
    m.policy("refusing", REFUSING)
    before = m.files()
    told = upgrade(m, status=1)
    assert "CONFIG_KURO" in told and "Error: kuro:" in told, told
    assert "Running scriptlet" not in told and "Installing  " not in told, told
    expect(m.files(), before, "the boot file system")
    assert m.new not in m.installed(), m.installed()
    expect(last(m)["state"], "undone", "transaction")
    expect(marks(m), [], "marks")
    whole(m)


@case
def what_the_policy_only_warns_of_is_installed_and_never_booted(m):
    begin(m)
    m.policy("refusing", REFUSING + "packages: { unfit = \"warn\"; };\n")
    told = upgrade(m)
    assert "will not be booted" in told and "CONFIG_KURO" in told, told
    assert m.new in m.installed(), m.installed()
    expect(m.block()[:3], (1, None, None), "block")
    whole(m)


@case
def a_proven_kernel_is_not_removed(m):
    begin(m)
    upgrade(m)
    bless(m, 2)
    before = m.files()
    told = dnf(m, "remove", f"kernel-core-{m.new}", status=1)
    assert f"{m.new} stays" in told or "protected" in told, told
    told = dnf(m, "remove", "--setopt=protected_packages=", f"kernel-core-{m.old}", status=1)
    assert f"{m.old} stays" in told, told
    expect(m.files(), before, "the boot file system")
    expect(m.installed(), {m.old, m.new} | m.installed(), "installed")
    dnf(m, "--setopt=protected_packages=", "remove", f"kernel-core-{m.old}",
        env=["KURO_BYPASS=1"])
    assert m.old not in m.installed(), m.installed()
    assert "KURO_BYPASS" in last(m)["summary"], last(m)


@case
def autoremove_takes_no_kernel_that_is_needed(m):
    begin(m)
    upgrade(m)
    run("chroot", m.root, "dnf", "mark", "remove", "kernel-core")
    told = dnf(m, "autoremove", status=None)
    assert {m.old, m.new} <= m.installed(), told
    expect(m.block()[:3], (1, None, 2), "block")


@case
def kernel_install_alone_adds_and_removes(m):
    """What another caller than dnf does: rpm, or a person."""
    begin(m)
    package, = m.repository.rglob(f"kernel-core-{m.new}.rpm")
    run("chroot", m.root, "rpm", "-i", "/" + str(package.relative_to(m.root)))
    expect(m.block()[:3], (1, None, 2), "block")
    before = entries(m)
    told = run("chroot", m.root, "kernel-install", "add", m.new,
               f"/lib/modules/{m.new}/vmlinuz")
    expect(entries(m), before, f"loader entries: {told}")
    m.kuro("rollback")
    m.kuro("unhold", m.new)
    run("chroot", m.root, "kernel-install", "remove", m.new)
    expect(list(entries(m)), [], "loader entries")
    assert not (m.root / f"boot/vmlinuz-{m.new}").exists()
    expect(marks(m), [], "marks")


@case
def what_comes_past_dnfs_plug_ins_is_judged_all_the_same(m):
    """As PackageKit brings it over libdnf, which loads none: too late to refuse it, never too
    late not to boot it."""
    begin(m)
    package, = m.repository.rglob(f"kernel-core-{m.new}.rpm")
    m.policy("refusing", REFUSING)
    run("chroot", m.root, "rpm", "-i", "/" + str(package.relative_to(m.root)))
    assert m.new in m.installed(), m.installed()
    expect(m.block()[:3], (1, None, None), "block")
    run("chroot", m.root, "rpm", "-e", f"kernel-core-{m.new}")
    m.policy("refusing", "")
    m.kuro("hold", m.new)
    run("chroot", m.root, "rpm", "-i", "/" + str(package.relative_to(m.root)))
    expect(m.block()[:3], (1, None, None), "block")
    expect(marks(m), [m.new], "it is looked at again when something has changed")
    m.kuro("unhold", m.new)
    m.kuro("hook", "packages-done")
    expect((m.block()[0], m.block()[2] is not None), (1, True), "it is armed")
    expect(marks(m), [], "marks")


def automatic(m, status=0):
    """dnf-automatic, which is a file of python3-dnf's and no package in Debian."""
    done = run("chroot", m.root, "python3", "-c", "import sys, dnf.automatic.main as a\n"
               "sys.exit(a.main(['--installupdates']))", check=False, stdin=-3)
    expect(done.returncode, status, done.stdout + done.stderr)
    return done.stdout + done.stderr


@case
def what_dnf_automatic_brings_is_vetted_and_tried(m):
    begin(m)
    m.policy("refusing", REFUSING)
    told = automatic(m, status=1)
    assert "kuro: " in told and "CONFIG_KURO" in told, told
    assert m.new not in m.installed(), m.installed()
    m.policy("refusing", "")
    m.kuro("hold", m.new)
    automatic(m)
    assert m.new not in m.installed(), m.installed()
    m.kuro("unhold", m.new)
    told = automatic(m)
    expect(m.block()[:3], (1, None, 2), told)
    whole(m)


@case
def a_plug_in_that_ends_kernel_install_hides_nothing(m):
    """Status 77: what stands behind it is not called, and kernel-install succeeds."""
    begin(m)
    last_one = m.root / "usr/lib/kernel/install.d/60-last.install"
    last_one.write_text("#!/bin/sh\nexit 77\n")
    last_one.chmod(0o755)
    told = upgrade(m)
    expect(m.block()[:3], (1, None, 2), told)
    expect(marks(m), [], "marks")


@contextlib.contextmanager
def program_that(m, script):
    """Until the end of the block kuro is this script, which calls the real one."""
    program = m.root / "usr/sbin/kuro"
    real = program.rename(m.root / "usr/sbin/kuro.real")
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)
    yield
    real.rename(program)


@case
def what_was_killed_is_dealt_with_by_the_next_run(m):
    """SIGKILL while kuro deals with what came, and while it vets what is to come."""
    begin(m)
    with program_that(m, 'case $2 in packages-done) kill -KILL $PPID $$ ;; esac\n'
                      'exec /usr/sbin/kuro.real "$@"\n'):
        upgrade(m, status=None)
        expect(marks(m), [m.new], "marks")
        expect(m.block()[:3], (1, None, None), "block")
    whole(m)
    m.rpm(OTHER)
    m.index()
    told = dnf(m, "install", "other")
    expect(m.block()[:3], (1, None, 2), told)
    expect(marks(m), [], "marks")


@case
def a_run_that_is_killed_before_it_unpacks_leaves_nothing(m):
    begin(m)
    with program_that(m, '/usr/sbin/kuro.real "$@"\n'
                      'case $2 in dnf-incoming) kill -KILL $PPID ;; esac\n'):
        upgrade(m, status=None)
        assert m.new not in m.installed(), m.installed()
    m.kuro("recover")
    expect(marks(m), [], "marks")
    expect(m.block()[:3], (1, None, None), "block")
    told = upgrade(m)
    expect(m.block()[:3], (1, None, 2), told)


@case
def a_kuro_that_is_broken_or_gone_stops_nothing(m):
    begin(m)
    program = m.root / "usr/sbin/kuro"
    program.write_text("#!/bin/sh\nkill -SEGV $$\n")
    upgrade(m)
    assert m.new in m.installed(), m.installed()
    program.write_bytes(b"\0nothing")
    told = dnf(m, "remove", "--setopt=protected_packages=", f"kernel-core-{m.new}")
    assert m.new not in m.installed(), told
    program.unlink()
    upgrade(m)
    whole(m)


@case
def without_kuro_in_charge_nothing_happens(m):
    begin(m)
    m.kuro("disable")
    upgrade(m)
    assert m.new in m.installed(), m.installed()
    expect(marks(m), [], "marks")
    assert not (m.root / "boot/kuro/gen").exists(), "a generation"


def dnf5_says(request, package):
    """As libdnf5-actions(8) has it, of a transaction that brings a package of the repository."""
    domain, args = request["domain"], request["args"]
    if domain == "conf":
        answer = {"keys_val": [{"key": args["key"], "value": "/var/cache/libdnf5"}]}
    else:
        version, release = package.removesuffix(".x86_64").split("-", 1)
        whole = {"action": "I", "name": "kernel-core", "epoch": "0", "version": version,
                 "release": release, "arch": "x86_64", "direction": "IN",
                 "location": f"x86_64/kernel-core-{package}.rpm"}
        answer = {"trans_packages": [{key: whole[key] for key in args["output"]}]}
    return json.dumps({"op": "reply", "requested_op": request["op"], "domain": domain,
                       "status": "OK", "return": answer})


def dnf5(m):
    """What dnf5's actions plug-in does before a transaction; the reason to stop, or None."""
    line, = (line for line in
             (m.root / "etc/dnf/libdnf5-plugins/actions.d/kuro.actions").read_text().splitlines()
             if line.startswith("pre_transaction:"))
    options, command = line.split(":", 4)[3:]
    assert "mode=json" in options.split() and "raise_error" not in options, line
    with subprocess.Popen(["chroot", m.root, *command.split(" ")], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as hook:
        for line in hook.stdout:
            request = json.loads(line)
            if request["op"] == "stop":
                return request["args"]["message"]
            hook.stdin.write(dnf5_says(request, m.new) + "\n")
            hook.stdin.flush()
        told = hook.stderr.read()
        assert hook.wait() == 0, told
    return None


@case
def dnf5_is_answered_as_it_asks(m):
    """Not dnf5 itself, which Debian 12 has not."""
    begin(m)
    cache = m.root / "var/cache/libdnf5/test-0123456789abcdef/packages"
    cache.mkdir(parents=True)
    package, = m.repository.rglob(f"kernel-core-{m.new}.rpm")
    shutil.copy(package, cache)
    expect(dnf5(m), None, "stopped")
    expect(marks(m), [m.new], "marks")
    expect([(t["kind"], t["state"]) for t in m.history()[:1]], [("packages", "done")], "history")
    run("chroot", m.root, "rpm", "-i", f"/var/cache/libdnf5/{cache.parent.name}/packages/"
        + package.name)
    run("chroot", m.root, "/usr/sbin/kuro", "hook", "packages-done")
    expect(m.block()[:3], (1, None, 2), "block")
    m.policy("refusing", REFUSING)
    assert "CONFIG_KURO" in (dnf5(m) or ""), "it was not stopped"
