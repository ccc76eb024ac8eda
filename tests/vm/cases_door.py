# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kernels that somebody else's run of apt brings to a machine with a module from DKMS.

The module's source and what DKMS built for the kernel that runs are there, the policy
wants it. The repository offers a kernel whose headers have not arrived, and later a newer
one that came with them.
"""
from scenario import Failed, expect

MODULE = "acpi_call"
APT = ("DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet --with-new-pkgs upgrade "
       "</dev/null")
UNATTENDED = "unattended-upgrade --verbose </dev/null"
ANY_ORIGIN = 'Unattended-Upgrade::Origins-Pattern { "origin=*"; };'
TIMEOUT = 900


def _policy(s, unfit):
    s.policy(f'modules: {{ required = [ "{MODULE}" ]; }}; '
             f'packages: {{ unfit = "{unfit}"; }}; retention: {{ automatic = false; }};')


def _begin(s):
    s.run(f"tar -C / -xzf /srv/dkms.tar.gz && depmod {s.old} && modprobe {MODULE} && "
          f"echo {MODULE} >/etc/modules-load.d/lab.conf")
    s.run(f"echo '{ANY_ORIGIN}' >/etc/apt/apt.conf.d/91lab")


def _installed(s, release):
    said = s.run(f"dpkg-query -W -f '${{db:Status-Abbrev}}' linux-image-{release}",
                 check=False)
    return said.out.strip() or "no"


def _brings(s, command, stage, status=None):
    """The repository is at this stage, and the package manager runs; what it said."""
    s.run(f"/usr/lib/kuro-lab/publish {stage} && apt-get update", timeout=TIMEOUT)
    done = s.run(command, timeout=TIMEOUT, check=False)
    if status is not None and done.status != status:
        raise Failed(f"{command} ended with {done.status}: {done.out[-2000:]} {done.err}")
    expect(s.run("dpkg --audit", timeout=TIMEOUT).out, "", "dpkg --audit")
    return done.out + done.err


def _reboot_wanted(s):
    return s.run("cat /run/reboot-required.pkgs", check=False).out.split()


def _refused(s, command, status):
    _policy(s, "refuse")
    said = _brings(s, command, 1, status)
    if MODULE not in said and MODULE not in s.run("kuro explain").out:
        raise Failed(f"nobody said why: {said[-2000:]}")
    expect(_installed(s, s.offered[0]), "no", "the refused kernel's package")


def _never_booted(s, command):
    _policy(s, "warn")
    said = _brings(s, command, 1, 0)
    expect(_installed(s, s.offered[0]), "ii", "the unfit kernel's package")
    status = s.is_at(s.old, state="steady", good=1, trial=None)
    expect(status["running"]["generation"], 1, "running generation")
    expect(_reboot_wanted(s), [], f"packages that want a reboot, after {said[-800:]}")


def _tried_and_blessed(s, command, *before):
    """before: the boots until now."""
    _policy(s, "refuse")
    _brings(s, command, 2, 0)
    new = s.offered[1]
    expect(s.status()["boot"]["state"], "armed", "boot.state after the upgrade")
    expect(_reboot_wanted(s), [f"linux-image-{new}"], "packages that want a reboot")
    s.reboot()
    s.reaches(*before, new)
    s.settles(*before, new)
    s.is_at(new, state="steady", previous=1, trial=None)
    s.run(f"modprobe {MODULE}")
    expect(_reboot_wanted(s), [], "packages that want a reboot, after it")


def apt_upgrade(s):
    """apt-get upgrade: a kernel is refused, installed and not booted; the next blessed."""
    _begin(s)
    _refused(s, APT, 100)
    _never_booted(s, APT)
    s.reboot()
    s.reaches(s.old, s.old)
    _tried_and_blessed(s, APT, s.old, s.old)


def unattended_upgrade(s):
    """unattended-upgrades, which go on package by package and then remove what they take
    for unused: a kernel is refused; the next one is tried and blessed."""
    _begin(s)
    _refused(s, UNATTENDED, 1)
    _tried_and_blessed(s, UNATTENDED, s.old)
    expect(_installed(s, s.old), "ii", "the previous kernel's package")
