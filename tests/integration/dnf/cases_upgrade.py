# SPDX-License-Identifier: LGPL-2.1-or-later
"""kuro upgrade over dnf 4: what it would bring, brings, refuses, and takes back."""
import json

from machine import CORE, PLUGIN_DIR
from world import KURO

from cases_door import REFUSING, begin, bless, dnf, expect, last, marks, run, whole

CASES = []


def case(function):
    CASES.append(function)
    return function


def packages(m):
    """What is installed, and why dnf thinks that it is there."""
    said = run("chroot", m.root, "dnf", "-q", "repoquery", "--installed", "--qf",
               "%{name}-%{evr}.%{arch} %{reason}").stdout
    return sorted(said.split("\n"))


@case
def an_upgrade_is_armed_and_dnf_knows_why_its_packages_are_there(m):
    begin(m)
    run("chroot", m.root, "dnf", "-y", "mark", "remove", "kernel-core")
    plan = json.loads(m.kuro("plan", "--json").stdout)
    assert m.new in json.dumps(plan), plan
    told = m.kuro("upgrade").stderr
    expect(m.block()[:3], (1, None, 2), told)
    logs = "".join(path.read_text() for path in m.root.glob("var/lib/kuro/log/*.log"))
    assert "Installing" in logs and "Complete!" in logs, f"dnf is not heard: {logs}"
    expect([line.split()[-1] for line in packages(m) if line.startswith("kernel-core")],
           ["dependency"] * len(m.installed()), "reasons")
    expect(marks(m), [], "marks")
    expect([t["kind"] for t in m.history()[:2]], ["upgrade", "setup"], "transactions")
    expect((m.root / "run/initramfs.log").read_text().count(f"add {m.new}"), 1, "initramfs built")
    whole(m)
    bless(m, 2)
    assert "no newer" in m.kuro("upgrade").stderr + last(m)["summary"]


@case
def an_upgrade_that_is_refused_unpacks_nothing(m):
    begin(m)
    m.policy("refusing", REFUSING)
    before, known = m.files(), packages(m)
    told = m.kuro("upgrade", status=3).stderr
    assert "CONFIG_KURO" in told and "Installing" not in told, told
    expect(m.files(), before, "the boot file system")
    expect(packages(m), known, "packages")
    expect(last(m)["state"], "undone", "transaction")


def broken_generator(m, text):
    """Without an image of its own maker, and without one that kuro could call."""
    for path in m.root.glob("usr/sbin/mkinitramfs"):
        path.unlink()
    (m.root / "usr/lib/kernel/install.d/50-dracut.install").write_text("#!/bin/sh\n" + text)


@case
def an_upgrade_that_fails_is_taken_back(m):
    begin(m)
    broken_generator(m, "case $1 in\nadd) echo no image >/boot/initramfs-$2.img ;;\n"
                     "remove) rm -f /boot/initramfs-$2.img ;;\nesac\n")
    before, known = m.files(), packages(m)
    told = m.kuro("upgrade", status=None).stderr
    expect(last(m)["state"], "undone", told)
    expect(packages(m), known, "packages")
    expect(m.files(), before, "the boot file system")
    assert not (m.root / "usr/lib/modules" / m.new).exists(), told
    expect(m.block()[:3], (1, None, None), "block")


@case
def an_upgrade_that_is_killed_is_taken_back(m):
    """Between what kernel-install's plug-ins do, kuro and dnf are gone."""
    begin(m)
    broken_generator(m, "[ $1 != add ] || [ -e /run/killed ] || {\n"
                     ": >/run/killed; kill -KILL $(cat /run/kuro.pid) ; }\nexit 0\n")
    known = packages(m)
    done = run("sh", "-c", f"echo $$ >{m.root}/run/kuro.pid; exec \"$0\" \"$@\"",
               KURO, "--root", m.root, "upgrade", check=False)
    expect(done.returncode, -9, done.stderr)
    m.kuro("recover")
    expect(packages(m), known, "packages")
    expect(last(m)["state"], "undone", "transaction")
    expect(m.block()[:3], (1, None, None), "block")
    whole(m)


@case
def what_a_person_locks_is_not_brought(m):
    begin(m)
    dnf(m, "versionlock", "add", f"kernel-core-{m.old}")
    told = m.kuro("upgrade").stderr
    assert "hold" in last(m)["summary"] and m.new in last(m)["summary"], (told, last(m))
    assert m.new not in m.installed(), told
    dnf(m, "versionlock", "clear")
    (m.root / "etc/dnf/dnf.conf").write_text(
        "[main]\ngpgcheck=0\ninstallonly_limit=0\nexcludepkgs=kernel-core\n")
    m.kuro("upgrade")
    assert m.new not in m.installed(), "an exclude was passed over"
    assert "hold" in last(m)["summary"], last(m)


@case
def a_release_that_is_named_is_brought(m):
    begin(m)
    m.offer(m.newer)
    told = m.kuro("upgrade", "--to", m.new).stderr
    expect(m.block()[:3], (1, None, 2), told)
    assert m.newer not in m.installed() and m.new in m.installed(), told
    told = m.kuro("upgrade", "--to", "6.1.0-99.none.x86_64", status=None)
    assert told.returncode != 0 and "6.1.0-99.none.x86_64" in told.stderr, told


def refused(m):
    """With apt's words, and its status."""
    for args in ["plan"], ["upgrade"], ["upgrade", "--to", m.new]:
        told = m.kuro(*args, status=3).stderr
        assert f"{m.new} is on hold: not before the fair" in told, (args, told)
    assert m.new not in m.installed(), m.installed()


@case
def what_is_on_hold_is_kept_away_by_dnf_itself(m):
    begin(m)
    locks = m.root / "etc/dnf/plugins/versionlock.list"
    dnf(m, "versionlock", "exclude", "--raw", "other-0:1-1.*")
    mine = locks.read_text()
    m.kuro("hold", m.new, "--reason", "not before the fair")
    assert "not before the fair" in locks.read_text(), locks.read_text()
    listed = dnf(m, "-q", "versionlock", "list")
    assert f"!kernel*-{m.new}" in listed, listed
    told = dnf(m, "upgrade")
    assert m.new not in m.installed(), told
    refused(m)
    m.kuro("unhold", m.new)
    expect(locks.read_text(), mine, "dnf's list")
    told = dnf(m, "upgrade")
    expect(m.block()[:3], (1, None, 2), told)


@case
def what_is_on_hold_is_kept_away_without_versionlock(m):
    """Few machines have that plug-in of dnf's."""
    begin(m)
    (m.root / "etc/dnf/plugins/versionlock.list").unlink()
    (m.root / PLUGIN_DIR / "versionlock.py").unlink()
    m.kuro("hold", m.new, "--reason", "not before the fair")
    told = dnf(m, "upgrade")
    assert f"kuro: {m.new} is kept away: not before the fair" in told, told
    assert "Nothing to do" in told and m.new not in m.installed(), told
    assert "filtered out" in dnf(m, "install", f"kernel-core-{m.new}", status=1)
    told = dnf(m, "list", "--showduplicates", "kernel-core")
    assert m.new.removesuffix(".x86_64") in told and "kept away" not in told, told
    refused(m)
    # a list that is damaged stops nothing
    holds = m.root / "etc/dnf/plugins/kuro-holds.list"
    whole_one = holds.read_text()
    for text in "nothing\n", "no-release but words\n", "\n":
        holds.write_text(text)
        assert "Error" not in dnf(m, "--assumeno", "upgrade", status=None), text
    holds.write_text(whole_one)
    m.kuro("unhold", m.new)
    assert not holds.exists(), "the list"
    told = dnf(m, "upgrade")
    expect(m.block()[:3], (1, None, 2), told)


@case
def what_an_advisory_names_is_a_security_update(m):
    """Of a newer kernel nobody says so; dnf's upgrade --security would bring that one."""
    begin(m)
    m.offer(m.newer, spec=CORE)
    told = m.kuro("upgrade", "--security")
    assert f"{m.newer} could be had, but no archive calls it a security update" in \
        told.stdout + last(m)["summary"], told
    assert not {m.new, m.newer} & m.installed(), m.installed()
    m.advise(m.new)
    assert m.newer in m.kuro("plan", status=None).stdout
    dnf(m, "versionlock", "exclude", f"kernel-core-{m.new}")
    told = m.kuro("upgrade", "--security")
    assert not {m.new, m.newer} & m.installed(), told
    dnf(m, "versionlock", "clear")
    told = m.kuro("upgrade", "--security").stderr
    expect(m.block()[:3], (1, None, 2), told)
    assert m.new in m.installed() and m.newer not in m.installed(), told
