# SPDX-License-Identifier: LGPL-2.1-or-later
"""What came by the door and is marked: when it has its trial, and who is told of a reboot."""
from cases_boot import armed, boots, expect, last
from cases_vetting import install, required
from machine import inside, marks, reboot_wanted

CASES = {}


def case(function):
    CASES[function.__name__.replace('_', '-')] = function
    return function


def changed(world, release, what='initramfs'):
    return inside(world, 'kuro', 'hook', f'{what}-changed', release)


def done(world):
    return inside(world, 'kuro', 'hook', 'packages-done')


def wants_reboot(world, *packages):
    (world.root / 'run/reboot-required').write_text('*** System restart required ***\n')
    (world.root / 'run/reboot-required.pkgs').write_text('\n'.join(packages) + '\n')


@case
def an_armed_trial_is_not_given_up_for_an_older_kernel(world):
    armed(world)
    world.write_initramfs(world.old, b'another one')
    wants_reboot(world, f'linux-image-{world.old}', f'linux-image-{world.new}')
    told = changed(world, world.old)
    expect(world.block()[:3], (1, None, 2), told)
    expect(marks(world), [world.old], 'marks')
    expect(reboot_wanted(world), [f'linux-image-{world.new}'], 'a reboot is wanted for')
    # its turn comes when the newer one failed
    boots(world, 2, trial=True, dies=True)
    boots(world, 1, orderly=False)
    told = world.kuro('recover').stderr
    expect(world.block()[:3], (1, None, 3), told)
    expect(world.release_of(3), world.old, 'release')
    expect(marks(world), [], 'marks')


@case
def a_kernel_that_is_not_tried_asks_for_no_reboot(world):
    armed(world)
    boots(world, 2, trial=True)
    world.kuro('verdict')
    wants_reboot(world, f'linux-image-unsigned-{world.old}', 'libc6')
    changed(world, world.old, 'kernel')
    expect(reboot_wanted(world), ['libc6'], 'a reboot is wanted for')
    wants_reboot(world, f'linux-image-{world.new}')
    changed(world, world.new, 'kernel')
    expect(reboot_wanted(world), [], 'a reboot is wanted for')


@case
def a_kernel_that_is_armed_asks_for_one_still(world):
    """A new attempt at it is refused, and its older generation is what the next boot tries."""
    armed(world)
    wants_reboot(world, f'linux-image-{world.new}')
    world.write_initramfs(world.new, b'a program', program='linuxrc')
    told = changed(world, world.new)
    assert 'it holds no /init' in told, told
    expect(world.block()[:3], (1, None, 2), told)
    expect(reboot_wanted(world), [f'linux-image-{world.new}'], 'a reboot is wanted for')


@case
def a_refused_kernel_is_tried_when_its_module_came(world):
    install(world, world.old, fits=False)
    required(world)
    told = changed(world, world.new, 'kernel')
    assert 'will not be booted' in told and 'kuro_base' in told, told
    expect(marks(world), [world.new], 'marks')
    before = last(world)['id']
    expect(done(world), '', 'nothing changed: packages-done')
    expect(last(world)['id'], before, 'transaction')
    # dkms' postinst builds it, and calls no hook of the kernel
    install(world, world.new)
    told = done(world)
    expect(world.block()[:3], (1, None, 2), told)
    expect(marks(world), [], 'marks')


@case
def a_kernel_without_room_is_tried_when_there_is_some(world):
    filler = world.root / 'boot/filler'
    filler.write_bytes(bytes(70 << 20))
    told = changed(world, world.new, 'kernel')
    assert 'there is no room' in told, told
    expect(marks(world), [world.new], 'marks')
    expect(done(world), '', 'nothing changed: packages-done')
    filler.unlink()
    told = world.kuro('hook', 'prune').stderr
    expect(world.block()[:3], (1, None, 2), told)


@case
def a_kernel_that_came_while_on_hold_is_tried_when_that_ended(world):
    world.kuro('hold', world.new)
    told = changed(world, world.new, 'kernel')
    assert 'is on hold' in told, told
    expect(done(world), '', 'nothing changed: packages-done')
    world.kuro('unhold', world.new)
    told = done(world)
    expect(world.block()[:3], (1, None, 2), told)
