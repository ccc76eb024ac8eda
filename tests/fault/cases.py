# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every change that kuro makes to the machine, failed, killed or interrupted in turn, and
disks that take no more. Which calls those are comes from the run itself (strace)."""
import os
import subprocess
import time

from cases_boot import boots, expect, last
from world import KURO, run

CASES = {}
CHANGES = ('fsync,fdatasync,pwrite64,renameat,renameat2,linkat,unlinkat,mkdirat,ioctl,syncfs,'
           'ftruncate,symlinkat,copy_file_range')
# The leak checker of a sanitized build can't work below a tracer.
STRACE = ('env', 'ASAN_OPTIONS=detect_leaks=0', 'strace', '-qq', '-o', '/dev/null',
          '-e', f'trace={CHANGES}', '-e')



def case(function):
    CASES[function.__name__.replace('_', '-')] = function
    return function


def killed_at(world, call, *args):
    """Run under strace and be killed at the call-th change; False: it ended before."""
    done = world.kuro(*args, status=None, prefix=(
        *STRACE, f'inject={CHANGES}:signal=KILL:when={call}'))
    return done.returncode not in (0, 1, 3)


def recovers(world, what):
    """The machine boots a proven kernel or an armed trial; recovery is then complete."""
    state = world.block()
    boot = world.reboot(orderly=False)
    allowed = {(1, False)} | ({(state[2], True)} if state[2] else set())
    expect((boot.generation, boot.trial) in allowed, True, f'{what}: GRUB boots {boot}')
    world.kuro('recover')
    again = world.kuro('recover')
    assert 'Nothing was interrupted' in again.stdout, again.stdout
    expect(world.history()[0]['state'] in ('armed', 'undone', 'done', 'blessed'), True,
           f'{what}: {world.history()[0]}')
    hidden = [name for name in world.files() if '/.' in name]
    expect(hidden, [], f'{what}: left behind')


@case
def killed_anywhere_in_a_try_it_recovers(world):
    call, step = 1, 23
    while killed_at(world, call, 'try', world.new):
        recovers(world, f'killed at change {call}')
        world.kuro('unhold', world.new, status=None)
        world.kuro('rollback', status=None)
        world.kuro('unhold', world.new, status=None)
        world.start(world.old, 1)
        call += step
    expect(call > 3 * step, True, 'changes were counted')


@case
def killed_anywhere_in_a_verdict_it_recovers(world):
    call = 1
    while True:
        world.kuro('try', world.new)
        boots(world, 2, trial=True)
        killed = killed_at(world, call, 'verdict')
        good = world.block()[0]
        boot = world.reboot(orderly=False)
        expect(boot.generation in (1, 2) and not boot.trial, True,
               f'killed at change {call}: GRUB boots {boot}')
        if not killed:
            break
        expect(world.block()[2], None, f'killed at change {call}: trial')
        if good == 2 or world.block()[0] == 2:
            world.kuro('recover')
            world.kuro('rollback', '1')
        world.kuro('unhold', world.new, status=None)
        world.start(world.old, 1)
        call += 5
    expect(call > 10, True, 'changes were counted')


@case
def interrupted_anywhere_in_a_try_it_is_undone(world):
    call = 1
    while True:
        done = world.kuro('try', world.new, status=None, prefix=(
            *STRACE, f'inject={CHANGES}:signal=INT:when={call}'))
        if done.returncode == 0:
            break
        expect(done.returncode, 1, 'exit status')
        assert 'interrupted' in done.stderr, done.stderr
        expect(world.block()[:4], (1, None, None, 0), f'interrupted at {call}: block')
        expect(last(world)['state'], 'undone', f'interrupted at {call}: transaction')
        generations = [n for n in world.generations() if n > 1]
        expect(generations, [], f'interrupted at {call}: generations')
        call += 25
    expect(call > 26, True, 'changes were counted')


GENERATOR = """#!/bin/sh
while [ $# -gt 0 ]; do
	case $1 in -o) out=$2 ;; esac
	shift
done
if [ -e /hangs ]; then
	echo half of it >"$out"
	echo $$ >/hangs.pid
	sleep 60
fi
cd /srv/image && echo init | cpio -o -H newc --quiet >"$out"
"""
STAGING = 'var/lib/kuro/staging', 'var/tmp/kuro-staging', 'tmp/kuro-staging'


def killed_while_building(world):
    """kuro try, and SIGKILL when the generator has written half an image."""
    pid = world.root / 'hangs.pid'
    (world.root / 'hangs').touch()
    with subprocess.Popen([KURO, '--root', world.root, 'try', world.new],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as kuro:
        until = time.monotonic() + 60
        while not (pid.exists() and pid.read_text()) and time.monotonic() < until:
            assert kuro.poll() is None, 'it ended without a build'
            time.sleep(0.01)
        kuro.kill()
    (world.root / 'hangs').unlink()
    return int(pid.read_text())


@case
def killed_while_an_initramfs_is_built_it_recovers(world):
    """Nothing of it on /boot, nothing goes on, and nothing is left after kuro recover."""
    (world.root / 'srv/image').mkdir()
    (world.root / 'srv/image/init').write_text('#!/bin/sh\n')
    (world.root / 'srv/image/init').chmod(0o755)
    (world.root / 'usr/sbin/mkinitramfs').write_text(GENERATOR)
    image = world.root / f'boot/initrd.img-{world.new}'
    image.unlink()
    before = world.files()
    generator = killed_while_building(world)
    expect(world.files(), before, 'files')
    until = time.monotonic() + 20
    while os.path.exists(f'/proc/{generator}/root') and time.monotonic() < until:
        time.sleep(0.01)  # its death is on its way
    expect(os.path.exists(f'/proc/{generator}/exe'), False, 'the generator goes on')
    boots(world, 1)
    world.kuro('recover')
    expect(last(world)['state'], 'undone', 'transaction')
    expect([name for name in STAGING if list((world.root / name).glob('*'))], [], 'staging')
    expect(world.files().keys() - {'kuro/env'}, before.keys() - {'kuro/env'}, 'files')
    world.kuro('try', world.new)
    boots(world, 2, trial=True)


def fill(path):
    """Write until nothing more fits."""
    with open(path, 'wb', buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b'x' * size)
                    os.fsync(file)
            except OSError:
                pass


@case
def a_full_boot_file_system_leaves_nothing_behind(world):
    names = sorted(world.files())
    fill(world.root / 'boot/filler')
    done = world.kuro('try', world.new, status=3)
    assert 'there is no room' in done.stderr and '/boot/filler' in done.stderr, done.stderr
    (world.root / 'boot/filler').unlink()
    expect(sorted(world.files()), names, 'files')
    expect(last(world)['state'], 'undone', 'transaction')
    boots(world, 1)


@case
def a_read_only_boot_file_system_is_told(world):
    world.umount_boot()
    world.mount_boot('ro')
    done = world.kuro('try', world.new, status=1)
    assert 'Read-only' in done.stderr, done.stderr
    world.kuro('status')
    world.umount_boot()
    world.mount_boot()
    boots(world, 1)


@case
def a_full_state_disk_hinders_no_reader_and_no_verdict(world):
    world.kuro('try', world.new)
    boots(world, 2, trial=True)
    run('mount', '-o', 'remount,size=32m', world.dir / 'layers')
    filler = world.root / 'var/filler'
    fill(filler)
    for verb in ('status', 'list', 'history', 'explain', 'policy'):
        world.kuro(verb)
    world.kuro('verdict', status=None)
    filler.unlink()
    expect(world.block(), (2, 1, None, 0, 0), 'block')
    world.kuro('recover')
    expect(last(world)['state'], 'blessed', 'transaction')
    expect(world.generations()[2]['proven'], True, 'proven')


def left_overs(world):
    """Files that nobody owns any more."""
    left = [world.root / path for path in (
        'boot/initrd.img-5.10.0-9-amd64', f'boot/initrd.img-{world.old}.bak',
        'usr/lib/modules/5.10.0-9-amd64/updates/dkms/x.ko',
        'var/lib/dkms/mine/1.0/5.10.0-9-amd64/x86_64/module/x.ko')]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'x' * 5000)
        os.utime(path, (time.time() - 7200, time.time() - 7200))
    return left


def prune_fails_cleanly(error):
    def failing(world):
        call = 1
        while True:
            left = left_overs(world)
            good = {n: d for n, d in world.files().items() if n.startswith('kuro/gen/1/')}
            done, reached = failed_at(world, error, call, 'prune')
            if not reached:
                break
            what = f'{error} at change {call}'
            expect(done.returncode in (0, 1, 4), True, f'{what}: {done}')
            if done.returncode != 0:
                assert done.stderr.count('kuro: '), f'{what}: it says nothing'
            files = world.files()
            expect({n: files.get(n) for n in good}, good, f'{what}: the good generation')
            world.kuro('prune')
            expect([path for path in left if path.exists()], [], f'{what}: left')
            call += 1
        expect(call > 4, True, 'changes were counted')
        expect(done.returncode, 0, f'{done}')
        boots(world, 1)
    return failing


def failed_at(world, error, call, *args):
    """The call-th change fails; the exit status, and whether that call was reached."""
    trace = world.dir / 'trace'
    done = world.kuro(*args, status=None, prefix=(
        *STRACE[:4], '-o', trace, *STRACE[6:],
        f'inject={CHANGES}:error={error}:when={call}'))
    return done, '(INJECTED)' in trace.read_text()


def fails_cleanly(error):
    def failing(world):
        call = 1
        while True:
            done, reached = failed_at(world, error, call, 'try', world.new)
            if not reached:
                break
            what = f'{error} at change {call}'
            expect(done.returncode in (0, 1, 4), True, f'{what}: {done}')
            if done.returncode != 0:
                assert done.stderr.count('kuro: '), f'{what}: it says nothing'
            world.kuro('recover')
            boot = world.grub_decides()
            state = world.block()
            allowed = {(1, False)} | ({(state[2], True)} if state[2] else set())
            expect((boot.generation, boot.trial) in allowed, True, f'{what}: GRUB {boot}')
            world.start(world.old, 1)
            world.kuro('hook', 'boot-begin')
            world.kuro('rollback', status=None)
            world.kuro('unhold', world.new, status=None)
            call += 11
        expect(call > 11, True, 'changes were counted')
    return failing


for kind in ('ENOSPC', 'EIO', 'EROFS'):
    CASES[f'{kind.lower()}-anywhere-in-a-try-leaves-a-proven-boot'] = fails_cleanly(kind)
    CASES[f'{kind.lower()}-anywhere-in-a-prune-is-made-up-for'] = prune_fails_cleanly(kind)
