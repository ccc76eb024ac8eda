# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots and their verdicts: what GRUB chooses, what kuro makes of it."""
CASES = {}


def case(function):
    CASES[function.__name__.replace('_', '-')] = function
    return function


def expect(got, wanted, what):
    if got != wanted:
        raise AssertionError(f'{what}: {got!r}, not {wanted!r}')


def boots(world, generation, trial=False, **kwargs):
    boot = world.reboot(**kwargs)
    expect((boot.generation, boot.trial), (generation, trial), 'GRUB boots')
    return boot


def last(world):
    return world.history()[0]


def told(world, words):
    """Status, explain and the login message agree on what happened."""
    for text in (world.kuro('status').stdout, world.kuro('explain').stdout,
                 (world.root / 'run/motd.d/kuro').read_text()):
        if words not in text:
            raise AssertionError(f'"{words}" is not told: {text}')


def armed(world):
    world.kuro('try', world.new)
    expect(world.block(), (1, None, 2, 1, world.block()[4]), 'block after try')


@case
def a_healthy_trial_is_blessed(world):
    armed(world)
    boots(world, 2, trial=True)
    expect(world.block()[:4], (1, None, 2, 0), 'block while trying')
    expect(world.status()['boot']['state'], 'trying', 'state')
    world.kuro('verdict')
    expect(world.block(), (2, 1, None, 0, 0), 'block after blessing')
    expect(last(world)['state'], 'blessed', 'transaction')
    boots(world, 2)
    world.kuro('wait', '--timeout=1', status=1)
    world.kuro('verdict')
    world.kuro('wait', '--timeout=1')
    expect(world.block(), (2, 1, None, 0, 0), 'block after a good boot')


@case
def a_trial_that_never_comes_up_is_taken_back(world):
    armed(world)
    boots(world, 2, trial=True, dies=True)
    boots(world, 1, orderly=False)
    expect(world.block()[:4], (1, None, None, 0), 'block after the rollback')
    expect(last(world)['state'], 'rolled-back', 'transaction')
    told(world, 'it never came up')
    refused = world.kuro('try', world.new, status=3)
    assert 'kuro unhold' in refused.stderr, refused.stderr
    world.kuro('unhold', world.new)
    armed(world)


@case
def a_trial_that_dies_later_is_taken_back(world):
    armed(world)
    boots(world, 2, trial=True)
    boots(world, 1, orderly=False)
    told(world, 'it came up')
    expect(world.block()[:4], (1, None, None, 0), 'block')


@case
def a_hang_in_user_space_is_told_as_one(world):
    armed(world)
    boots(world, 2, trial=True)
    world.kuro('hook', 'deadman')
    boots(world, 1, orderly=False)
    told(world, 'it hung')


@case
def a_panic_that_pstore_kept_is_told_as_one(world):
    armed(world)
    boots(world, 2, trial=True, dies=True)
    record = world.root / 'var/lib/systemd/pstore/dmesg-efi-1'
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text('<0>[  1.0] Kernel panic - not syncing: no init \x1b[31mfound\n')
    boots(world, 1, orderly=False)
    told(world, 'its kernel panicked: Kernel panic - not syncing: no init \\x1b[31mfound')


@case
def a_failed_check_takes_the_trial_back(world):
    world.check(f'[ "$KURO_RELEASE" != {world.new} ] || {{ echo the web is down; exit 1; }}')
    armed(world)
    boots(world, 2, trial=True)
    done = world.kuro('verdict', status=4)     # --root: there is nothing to reboot
    assert 'the web is down' in done.stdout, done.stdout
    expect(world.block()[:4], (1, None, None, 0), 'block')
    boots(world, 1, orderly=False)
    told(world, 'the web is down')
    world.kuro('verdict')
    expect(world.block(), (1, None, None, 0, 0), 'block')


@case
def a_wanted_check_is_told_and_not_acted_on(world):
    world.check('echo slow mirror; exit 1', kind='wanted')
    armed(world)
    boots(world, 2, trial=True)
    world.kuro('verdict')
    expect(world.block(), (2, 1, None, 0, 0), 'block')


@case
def a_boot_that_is_not_complete_is_failed(world):
    armed(world)
    boots(world, 2, trial=True)
    world.kuro('health', '--boot')
    world.kuro('verdict', '--failed', status=4)
    expect(world.block()[:4], (1, None, None, 0), 'block')
    told_text = world.kuro('explain').stdout
    assert 'boot-complete.target was not reached' in told_text, told_text


@case
def two_tries_are_two(world):
    world.policy('tries', 'boot: { tries = 2; };\n')
    world.kuro('try', world.new)
    expect(world.block()[:4], (1, None, 2, 2), 'block')
    boots(world, 2, trial=True, dies=True)
    boots(world, 2, trial=True, dies=True, orderly=False)
    boots(world, 1, orderly=False)
    expect(last(world)['state'], 'rolled-back', 'transaction')


@case
def a_second_try_can_succeed(world):
    world.policy('tries', 'boot: { tries = 2; };\n')
    world.kuro('try', world.new)
    boots(world, 2, trial=True, dies=True)
    boots(world, 2, trial=True, orderly=False)
    world.kuro('verdict')
    expect(world.block(), (2, 1, None, 0, 0), 'block')


@case
def an_orderly_reboot_gives_the_try_back_twice(world):
    armed(world)
    for _ in range(3):
        boots(world, 2, trial=True)
    boots(world, 1)
    expect(last(world)['state'], 'rolled-back', 'transaction')


@case
def a_good_one_that_fails_again_and_again_has_a_successor(world):
    armed(world)
    boots(world, 2, trial=True)
    world.kuro('verdict')
    for _ in range(3):
        boots(world, 2, orderly=False, dies=True)
    boots(world, 1, orderly=False)
    done = world.kuro('verdict')
    assert 'did not come up 3 times' in done.stdout, done.stdout
    expect(world.block(), (1, None, None, 0, 0), 'block')
    boots(world, 1)


@case
def a_damaged_trial_is_passed_over_and_told(world):
    armed(world)
    path = world.root / 'boot/kuro/gen/2/vmlinuz'
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.unlink()
    path.write_bytes(data)
    boots(world, 1)
    expect(world.block()[:4], (1, None, None, 0), 'block')
    told(world, 'its files are damaged')


@case
def a_person_goes_back(world):
    armed(world)
    boots(world, 2, trial=True)
    world.kuro('verdict')
    world.kuro('rollback', '7', status=1)
    world.kuro('rollback')
    expect(world.block(), (1, 2, None, 0, 0), 'block')
    boots(world, 1)
    world.kuro('try', world.new, status=3)
    world.kuro('rollback', '1')
    world.kuro('rollback', '2')
    expect(world.block(), (2, 1, None, 0, world.block()[4]), 'block')


@case
def a_person_takes_an_armed_trial_back(world):
    armed(world)
    world.kuro('rollback', '--dry-run')
    expect(world.block()[2], 2, 'trial after a dry run')
    world.kuro('rollback')
    expect(world.block()[:4], (1, None, None, 0), 'block')
    boots(world, 1)


@case
def never_proven_is_never_gone_back_to(world):
    armed(world)
    world.kuro('rollback')
    done = world.kuro('rollback', '2', status=3)
    assert 'never proven' in done.stderr, done.stderr


@case
def the_same_kernel_is_not_tried_again(world):
    done = world.kuro('try', world.old)
    assert 'already' in done.stdout, done.stdout
    expect(world.block()[:4], (1, None, None, 0), 'block')


@case
def a_new_initramfs_is_a_new_generation(world):
    before = world.files()
    world.write_initramfs(world.old, b'another one')
    world.kuro('try', world.old)
    expect(world.block()[:3], (1, None, 2), 'block')
    after = world.files()
    for name in ('vmlinuz', 'initrd.img', 'boot.cfg', 'sums', 'manifest.json'):
        path = f'kuro/gen/1/{name}'
        expect(after[path] == before[path], True, f'{path} unchanged')
    expect(after['kuro/gen/2/initrd.img'] == before['kuro/gen/1/initrd.img'], False,
           'the new initramfs taken')
    boots(world, 2, trial=True)


@case
def an_initramfs_that_would_not_boot_is_not_tried(world):
    before = world.block()
    world.write_initramfs(world.new, b'a program', program='linuxrc')
    done = world.kuro('try', world.new, status=3)
    assert 'it holds no /init' in done.stderr, done.stderr
    expect(world.block(), before, 'block')
    expect('kuro/gen/2/manifest.json' in world.files(), False, 'a generation of it')
    boots(world, 1)


@case
def a_menu_choice_costs_no_verdict(world):
    """The good one is chosen by hand while a trial is armed: the trial stays armed."""
    world.policy('tries', 'boot: { tries = 2; };\n')
    world.kuro('try', world.new)
    world.grub_decides()
    world.start(world.old, 1)
    world.kuro('hook', 'boot-begin')
    world.kuro('verdict')
    expect(world.block()[:4], (1, None, 2, 1), 'block')
    boots(world, 2, trial=True)


@case
def disable_leaves_the_distribution_in_charge(world):
    done = world.kuro('disable')
    assert 'all there and whole' in done.stdout, done.stdout
    expect((world.root / 'boot/kuro').exists(), False, '/boot/kuro is there')
    boot = world.grub_decides()
    expect(boot.generation, 0, 'GRUB boots')
    expect(boot.told['kernel'].endswith(f'/vmlinuz-{world.new}'), True,
           f'the newest kernel, {boot.told}')
    world.start(world.new)
    world.kuro('setup')
    expect(world.release_of(world.block()[0]), world.new, 'the good release')


@case
def setup_may_be_repeated(world):
    before = world.files()
    world.kuro('setup')
    after = world.files()
    for path in before:
        if path.startswith('kuro/'):
            expect(after[path] == before[path], True, f'{path} unchanged')
    expect(world.block()[:2], (1, None), 'block')
