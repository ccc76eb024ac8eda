# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hooks of kuro's that are killed, and DKMS's three traps: apt's run ends as it would without
kuro, dpkg's database is whole, and what was cut off is mended."""
import subprocess

from cases_boot import boots, expect
from cases_vetting import UPDATES, install, required, with_dkms
from machine import (headers_package, index, inside, marks, offer, package, reboot_wanted,
                     upgrade, whole)

CASES = {}
# Each of kuro's hooks is ended as by the kernel's out-of-memory killer.
KILLED = '#!/bin/sh\necho "$2" >>/srv/killed\nkill -KILL $$\n'


def case(function):
    CASES[function.__name__.replace('_', '-')] = function
    return function


def killed(world):
    return set((world.root / 'srv/killed').read_text().split())


def cut(world, call, when):
    """kuro deals with what came, and is killed at that call of its."""
    done = subprocess.run(
        ['strace', '-f', '-o', '/dev/null', '-e', f'trace={call}', '-e',
         f'inject={call}:signal=KILL:when={when}', 'chroot', world.root, '/usr/sbin/kuro', 'hook',
         'packages-done'], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    expect(done.returncode, -9, f'{call} {when}: {done.stdout}{done.stderr}')


@case
def a_kuro_that_is_killed_in_each_hook_is_mended_later(world):
    offer(world, quick=False)
    program = world.root / 'usr/sbin/kuro'
    real = program.rename(world.root / 'srv/kuro')
    program.write_text(KILLED)
    program.chmod(0o755)
    upgrade(world)
    expect(package(world, world.new), 'ii', 'the package')
    whole(world)
    expect(killed(world), {'apt-incoming', 'kernel-changed', 'packages-done', 'initramfs-changed'},
           'killed')
    expect(world.block()[:3], (1, None, None), 'block')
    expect(marks(world), [world.new], 'marks')
    # what deals with it is killed too, wherever it is
    real.rename(program)
    for call, when in ('pwrite64', 8), ('fsync', 2), ('linkat', 1), ('renameat', 3):
        cut(world, call, when)
        expect(marks(world), [world.new], 'marks')
    boots(world, 1)
    told = world.kuro('recover').stderr
    assert world.block()[0] == 1 and world.block()[2], told
    expect(marks(world), [], 'marks')
    # removal: nobody says no, and nothing waits for what is gone
    real = program.rename(world.root / 'srv/kuro')
    program.write_text(KILLED)
    program.chmod(0o755)
    inside(world, 'apt-get', '-y', 'purge', f'linux-image-{world.new}')
    whole(world)
    expect(package(world, world.new), 'no', 'the package')
    assert killed(world) >= {'kernel-removing', 'kernel-removed'}, killed(world)


@case
def an_image_without_headers_that_would_lose_a_module_is_refused(world):
    """apt says success, and the module is silently absent: not with kuro."""
    with_dkms(world)
    offer(world)
    told = upgrade(world, status=100)
    assert 'kuro_base' in told and 'headers' in told and 'Unpacking' not in told, told
    expect(package(world, world.new), 'no', 'the package')
    whole(world)


@case
def headers_after_the_image_lead_to_a_new_initramfs(world):
    """The modules are built by the headers' hook, and the image is the old one without kuro."""
    with_dkms(world)
    offer(world)
    world.policy('modules', '')     # nobody needs the module
    (world.root / 'etc/initramfs-tools/modules').write_text('kuro_base\n')
    upgrade(world)
    expect(world.block()[:3], (1, None, 2), 'block')
    headers_package(world, world.new, 'srv/repo/1', postinst=(
        f'mkdir -p /lib/modules/{world.new}/updates/dkms\n'
        f'cp /srv/kuro_base.ko /lib/modules/{world.new}/updates/dkms\n'
        f'depmod {world.new}\nrun-parts --arg={world.new} /etc/kernel/header_postinst.d'))
    index(world, 'srv/repo/1')
    told = inside(world, 'apt-get', '-y', 'install', f'linux-headers-{world.new}')
    expect(world.block()[:3], (1, None, 3), told)
    held = inside(world, 'lsinitramfs', '/boot/kuro/gen/3/initrd.img')
    assert UPDATES in held, told
    assert UPDATES not in inside(world, 'lsinitramfs', '/boot/kuro/gen/2/initrd.img')
    whole(world)
    expect(reboot_wanted(world), [f'linux-image-{world.new}'], 'a reboot is wanted for')
