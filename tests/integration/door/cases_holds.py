# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is on hold is kept away by apt itself, which says so, until the hold ends."""
import sqlite3

from cases_boot import boots, expect
from machine import index, inside, install_by_hand, made_package, offer, package, upgrade
from machine import whole

CASES = {}
MARKS = 'etc/apt/preferences.d/99kuro-holds'


def case(function):
    CASES[function.__name__.replace('_', '-')] = function
    return function


def candidate(world, name):
    for line in inside(world, 'apt-cache', 'policy', name).splitlines():
        if line.strip().startswith('Candidate: '):
            return line.split(': ')[1]
    return None


@case
def apt_keeps_a_held_kernel_and_its_meta_package_back(world):
    offer(world)
    image, meta = f'linux-image-{world.new}', 'linux-image-cloud-amd64'
    world.kuro('hold', world.new, '--reason', 'not before the fair')
    expect(candidate(world, image), '(none)', 'candidate')
    asked = inside(world, 'apt-cache', 'policy')
    assert f'{image} ->' in asked, asked
    assert 'kuro' in (world.root / MARKS).read_text() and 'the fair' in \
        (world.root / MARKS).read_text()
    told = upgrade(world)
    assert f'kept back:\n  {meta}' in told, told
    expect(package(world, world.new), 'no', 'the package')
    # kuro itself asks past its own mark, and says why
    for verb in 'plan', 'upgrade':
        done = world.kuro(verb, status=3)
        assert 'is on hold: not before the fair' in done.stderr, done.stderr
    world.kuro('unhold', world.new)
    expect((world.root / MARKS).exists(), False, 'marks')
    assert f'Inst {image}' in inside(world, 'apt-get', '-s', 'dist-upgrade')
    # a person's own preferences count for kuro as for apt
    world.kuro('hold', world.new)
    (world.root / 'etc/apt/preferences.d/mine').write_text(
        f'Package: {meta}\nPin: version *lab1\nPin-Priority: -1\n')
    assert 'no newer kernel' in world.kuro('plan').stdout
    world.kuro('disable')
    expect((world.root / MARKS).exists(), False, 'marks')


def failed(world):
    """The new kernel, installed as version 1 of its package, was tried and taken back."""
    name = f'linux-image-{world.new}'
    deb = made_package(world, 'srv/old', name, '1')
    install_by_hand(world, deb)
    world.kuro('try', world.new)
    for path, text in ('', 'a reboot'), ('.pkgs', name):
        (world.root / f'run/reboot-required{path}').write_text(text + '\n')
    boots(world, 2, trial=True, dies=True)
    boots(world, 1, orderly=False)
    return name


@case
def a_version_that_failed_stays_away_and_a_newer_one_comes(world):
    name = failed(world)
    assert 'Pin: version 1\n' in (world.root / MARKS).read_text()
    expect((world.root / 'run/reboot-required').exists(), False, 'a reboot is wanted')
    made_package(world, 'srv/repo/made', name, '1')
    index(world)
    expect(candidate(world, name), '(none)', 'candidate')
    whole(world)
    made_package(world, 'srv/repo/made', name, '2',
                 postinst=f'run-parts --arg={world.new} /etc/kernel/postinst.d')
    index(world)
    expect(candidate(world, name), '2', 'candidate')
    world.write_initramfs(world.new, b'a newer one')
    for hook in (world.root / 'etc/kernel/postinst.d').iterdir():
        if hook.name != 'zz-kuro':
            hook.unlink()
    told = upgrade(world)
    expect(world.block()[:3], (1, None, 3), told)
    assert 'not on hold any more' in told, told
    expect(world.status()['holds'], [], 'holds')
    expect((world.root / MARKS).exists(), False, 'marks')


@case
def a_hold_that_expired_is_gone_at_the_next_boot(world):
    failed(world)
    with sqlite3.connect(world.root / 'var/lib/kuro/state.db') as state:
        state.execute('UPDATE holds SET expires = 1')
    expect((world.root / MARKS).exists(), True, 'marks')
    boots(world, 1)
    expect((world.root / MARKS).exists(), False, 'marks')
