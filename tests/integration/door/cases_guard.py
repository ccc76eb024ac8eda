# SPDX-License-Identifier: LGPL-2.1-or-later
"""No proven kernel goes, whatever kuro is busy with and whatever of its memory is lost."""
import contextlib
import fcntl

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
