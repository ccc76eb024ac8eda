# SPDX-License-Identifier: LGPL-2.1-or-later
"""How often one run of apt has an initramfs made that brings a kernel, its headers (so that DKMS
builds a module), microcode and initramfs-tools itself: counted, without kuro and with it."""
from cases_boot import expect
from cases_vetting import UPDATES, with_dkms
from lab_tree import archive
from machine import dkms_hooks, headers_package, index, made_package, offer
from machine import install_by_hand, upgrade, whole
from world import run

CASES = {}
GENERATOR = 'usr/sbin/mkinitramfs'
COUNTER = '#!/bin/sh\nfor last; do :; done\necho "$last" >>/srv/builds\nexec "$0.real" "$@"\n'


def case(function):
    CASES[function.__name__.replace('_', '-')] = function
    return function


def newer_tools(world):
    """initramfs-tools as it is, at a newer version: its own script asks for an image."""
    tree = world.dir / 'tools'
    run('dpkg-deb', '-R', archive.package('initramfs-tools'), tree)
    control = tree / 'DEBIAN/control'
    control.write_text(''.join(
        line.rstrip('\n') + '+new\n' if line.startswith('Version:') else line
        for line in control.read_text().splitlines(keepends=True)))
    run('dpkg-deb', '--root-owner-group', '-Znone', '-b', tree, world.root / 'srv/repo/1')


def microcode(world, folder, version):
    """As Debian's: its script asks, and dpkg makes a trigger of that."""
    return made_package(world, folder, 'test-microcode', version, postinst='update-initramfs -u',
                        files={'usr/lib/firmware/test-microcode': version})


def dkms_builds(world):
    """The stand-in for dkms, whose hooks build the module as the real one does."""
    dkms_hooks(world)
    dkms = world.root / 'usr/sbin/dkms'
    text = dkms.read_text()
    done = '[ ! -e /srv/broken ] || exit 11\n'
    assert done in text, text
    dkms.write_text(text.replace(done, done + (
        f'\t[ -e "/lib/modules/$3/{UPDATES}" ] || exec "$0" install kuro-base/1.0 -k "$3"\n')))


def everything_comes(world):
    with_dkms(world)
    offer(world)
    dkms_builds(world)
    install_by_hand(world, headers_package(world, world.old, 'srv/old'),
                    microcode(world, 'srv/old', '1'))
    made_package(world, 'srv/old', 'linux-headers-cloud-amd64', '1',
                 Depends=f'linux-headers-{world.old}')
    install_by_hand(world, *(world.root / 'srv/old').glob('linux-headers-cloud*.deb'))
    headers_package(world, world.new, 'srv/repo/1',
                    postinst=f'run-parts --arg={world.new} /etc/kernel/header_postinst.d')
    made_package(world, 'srv/repo/1', 'linux-headers-cloud-amd64', '2',
                 Depends=f'linux-headers-{world.new}')
    microcode(world, 'srv/repo/1', '2')
    newer_tools(world)
    index(world, 'srv/repo/1')
    (world.root / GENERATOR).rename(world.root / f'{GENERATOR}.real')
    (world.root / GENERATOR).write_text(COUNTER)
    (world.root / GENERATOR).chmod(0o755)


def counted(world):
    """The builds of one run that brings everything, and what it said."""
    told = upgrade(world)
    assert (world.root / 'usr/lib/modules' / world.new / UPDATES).exists(), told
    for name in 'initramfs-tools', 'test-microcode':
        assert f'Setting up {name} (' in told, told
    whole(world)
    return (world.root / 'srv/builds').read_text().split(), told


@case
def a_run_of_apt_alone_makes_an_initramfs_twice(world):
    """By the kernel's own hook, and by the trigger of initramfs-tools and of the microcode."""
    everything_comes(world)
    world.kuro('disable')
    builds, told = counted(world)
    expect(builds, [world.new] * 2, told)


@case
def kuro_adds_no_build_of_an_initramfs(world):
    everything_comes(world)
    builds, told = counted(world)
    expect(world.block()[:3], (1, None, 2), told)
    expect(builds, [world.new] * 2, told)
