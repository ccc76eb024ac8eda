# SPDX-License-Identifier: LGPL-2.1-or-later
"""No proven kernel goes, whatever kuro is busy with and whatever of its memory is lost."""
import contextlib
import fcntl
import shutil
from pathlib import Path

from cases_boot import armed, boots, expect
from machine import inside, offer, package

CASES = {}


def case(function):
    CASES[function.__name__.replace('_', '-')] = function
    return function


@contextlib.contextmanager
def at_work(world):
    """Another kuro holds the lock."""
    path = world.root / 'run/kuro/lock'
    path.parent.mkdir(exist_ok=True)
    with path.open('w', encoding='ascii') as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        yield


def stays(world, release):
    told = inside(world, 'kuro', 'hook', 'kernel-removing', release, status=3)
    assert f'{release} stays' in told, told
    return told


def may_go(world, release):
    return inside(world, 'kuro', 'hook', 'kernel-removing', release)


@case
def a_kuro_at_work_lets_no_proven_kernel_go(world):
    offer(world)
    with at_work(world):
        stays(world, world.old)
        told = inside(world, 'apt-get', '-y', 'purge', f'linux-image-{world.old}', status=100)
        assert f'{world.old} stays' in told and 'Removing' not in told, told
        may_go(world, world.new)
    expect(package(world, world.old), 'ii', 'the package')


@case
def a_damaged_block_lets_no_proven_kernel_go(world):
    armed(world)
    boots(world, 2, trial=True)
    world.kuro('verdict')
    env = world.root / 'boot/kuro/env'
    env.write_bytes(env.read_bytes().replace(b'GRUB', b'grub'))
    told = stays(world, world.old)
    assert 'kuro recover' in told, told
    stays(world, world.new)
    may_go(world, '6.0.0-1-amd64')
    # and nobody knows what is proven
    (world.root / 'var/lib/kuro/state.db').write_bytes(b'lost')
    assert 'all generations' in stays(world, world.old)
    may_go(world, '6.0.0-1-amd64')
    world.kuro('recover', status=None)


@case
def a_lost_memory_lets_no_proven_kernel_go(world):
    armed(world)
    world.kuro('rollback')
    may_go(world, world.new)
    (world.root / 'var/lib/kuro/state.db').write_bytes(b'lost')
    stays(world, world.old)
    stays(world, world.new)


def went(world, release):
    """Its package was removed by force."""
    shutil.rmtree(world.root / 'usr/lib/modules' / release)
    return inside(world, 'kuro', 'hook', 'kernel-removed', release)


@case
def without_its_modules_no_generation_is_gone_back_to(world):
    armed(world)
    boots(world, 2, trial=True)
    world.kuro('verdict')
    tree = world.root / 'usr/lib/modules' / world.old
    tree.rename(world.root / 'srv/tree')
    done = world.kuro('rollback', '1', status=3)
    assert f'the modules of {world.old} are gone' in done.stderr, done.stderr
    (world.root / 'srv/tree').rename(tree)
    # who removes it, tells
    inside(world, 'kuro', 'hook', 'kernel-removed', world.old)
    expect(world.block()[:3], (2, 1, None), 'block')
    told = went(world, world.old)
    assert 'generation 1 counts as proven no more' in told, told
    expect(world.block()[:3], (2, None, None), 'block')
    expect(world.generations()[1]['proven'], False, 'proven')
    boots(world, 2)


@case
def a_trial_whose_kernel_was_removed_is_not_made(world):
    armed(world)
    went(world, world.new)
    expect(world.block()[:3], (1, None, None), 'block')
    boots(world, 1)
    expect(world.history()[0]['state'], 'undone', 'transaction')
    expect(world.status()['holds'], [], 'holds')


def removal_of_kuro(world, **options):
    """What dpkg asks before it removes kuro's package."""
    script = Path(__file__).resolve().parents[3] / 'packaging/debian/kuro.prerm'
    shutil.copy(script, world.root / 'srv/prerm')
    return inside(world, 'sh', '/srv/prerm', 'remove', **options)


@case
def a_wrong_policy_keeps_no_kuro_installed(world):
    world.policy('wrong', 'boot: { tries = ;\n')
    told = removal_of_kuro(world)
    assert 'built-in policy' in told, told
    expect((world.root / 'boot/kuro').exists(), False, '/boot/kuro')


@case
def a_broken_kuro_can_be_removed(world):
    (world.root / 'usr/sbin/kuro').write_text('#!/bin/sh\nexit 127\n')
    told = removal_of_kuro(world, status=1)
    assert 'kuro stays' in told and 'rm -r /boot/kuro' in told, told
    removal_of_kuro(world, env=['KURO_BYPASS=1'])
    shutil.rmtree(world.root / 'boot/kuro')
    removal_of_kuro(world)


@case
def what_is_left_of_kuro_is_silent(world):
    """Its package is removed, its configuration and state are not."""
    offer(world)
    (world.root / 'usr/sbin/kuro').unlink()
    (world.root / 'var/lib/kuro/pending').mkdir(parents=True, exist_ok=True)
    told = inside(world, 'apt-get', '-y', 'purge', f'linux-image-{world.old}')
    assert 'kuro' not in told, told


@case
def each_way_around_is_recorded_once(world):
    world.write_initramfs(world.old, b'another one')
    before = len(world.history())
    for _ in range(2):
        inside(world, 'kuro', 'hook', 'initramfs-changed', world.old, env=['KURO_BYPASS=1'])
    expect(len(world.history()), before + 1, 'transactions')
    assert 'KURO_BYPASS' in world.history()[0]['summary'], world.history()[0]
    expect(world.block()[:3], (1, None, None), 'block')
