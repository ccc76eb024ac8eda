# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which kernel a run of apt is about: of two flavours, of debug symbols, of two names of one."""
import shutil

from cases_boot import expect, last
from cases_vetting import install, required
from machine import index, inside, made_package, offer, package, whole

CASES = {}
OTHER = '99.1.0-1-rt-amd64'


def case(function):
    CASES[function.__name__.replace('_', '-')] = function
    return function


def brought(world, *names, **options):
    index(world, 'srv/repo/1')
    return inside(world, 'apt-get', '-y', 'install', *names, **options)


@case
def of_two_flavours_that_of_the_good_kernel_is_vetted_and_tried(world):
    install(world, world.old, fits=False)
    required(world)
    offer(world)
    names = [f'linux-image-{release}' for release in (world.new, OTHER)]
    image = (world.root / f'boot/vmlinuz-{world.old}').read_bytes()
    made_package(world, 'srv/repo/1', names[1], '1', files={f'boot/vmlinuz-{OTHER}': image})
    told = brought(world, *names, status=100)
    assert 'kuro_base' in told and 'Unpacking' not in told, told
    world.policy('modules', '')
    told = brought(world, *names)
    assert f'{OTHER} comes beside the kernel that is tried' in told, told
    expect(world.block()[:3], (1, None, 2), told)
    expect(world.release_of(2), world.new, 'release')
    whole(world)


def stands_beside(world, release):
    """An installed kernel of that release, by the old one's image."""
    shutil.copy(world.root / f'boot/vmlinuz-{world.old}', world.root / f'boot/vmlinuz-{release}')
    world.write_initramfs(release, b'a small initramfs')
    trees = world.root / 'usr/lib/modules'
    shutil.copytree(trees / world.old, trees / release)
    return inside(world, 'kuro', 'hook', 'kernel-changed', release)


@case
def another_flavour_is_tried_when_its_first_kernel_comes(world):
    told = stands_beside(world, OTHER)
    expect(world.block()[:3], (1, None, 2), told)
    world.kuro('rollback')
    told = stands_beside(world, OTHER.replace('0-1', '0-2'))
    assert 'of another flavour than the good kernel' in told, told
    expect(world.block()[:3], (1, None, None), told)


@case
def debug_symbols_are_no_kernel(world):
    offer(world)
    before = last(world)['id']
    name = f'linux-image-{world.new}-dbg'
    made_package(world, 'srv/repo/1', name, '1')
    brought(world, name)
    expect(last(world)['id'], before, 'transaction')


@case
def a_kernel_may_come_under_its_other_name(world):
    offer(world)
    signed = f'linux-image-{world.old}'
    name = f'linux-image-unsigned-{world.old}'
    made_package(world, 'srv/repo/1', name, '1', Conflicts=signed)
    brought(world, name)
    expect(package(world, f'unsigned-{world.old}'), 'ii', 'the package')
