# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong around kuro: killed, full, read-only, damaged, mistaken."""
import json
import os
import re
import subprocess
import time

from cases_boot import boots, expect, last
from world import KURO, run

CASES = {}
CHANGES = ('fsync,fdatasync,pwrite64,renameat,renameat2,linkat,unlinkat,mkdirat,ioctl,syncfs,'
           'ftruncate,symlinkat,copy_file_range')


def case(function):
    CASES[function.__name__.replace('_', '-')] = function
    return function


def changed_sectors(before, after):
    expect(len(after), len(before), 'length')
    return [n for n in range(0, len(before), 512) if before[n:n + 512] != after[n:n + 512]]


def only_one_sector(before, after, what):
    expect(sorted(after), sorted(before), f'{what}: files')
    changed = [name for name in before if before[name] != after[name]]
    expect(changed, ['kuro/env'], f'{what}: changed files')
    expect(changed_sectors(before['kuro/env'], after['kuro/env']), [0],
           f'{what}: changed sectors')


@case
def blessing_and_going_back_change_one_sector(world):
    world.kuro('try', world.new)
    boots(world, 2, trial=True)
    before = world.files()
    world.kuro('verdict')
    blessed = world.files()
    only_one_sector(before, blessed, 'verdict')
    world.kuro('rollback')
    only_one_sector(blessed, world.files(), 'rollback')


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
    done = world.kuro('try', world.new, status=1)
    assert 'No space left' in done.stderr, done.stderr
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


@case
def a_damaged_database_is_made_anew(world):
    world.kuro('try', world.new)
    path = world.root / 'var/lib/kuro/state.db'
    path.write_bytes(b'not a database' * 500)
    done = world.kuro('status', status=1)
    assert 'kuro recover' in done.stderr, done.stderr
    done = world.kuro('recover')
    assert 'kept as' in done.stderr, done.stderr
    expect(world.block()[:4], (1, None, 2, 1), 'block')
    expect(world.generations()[1]['proven'], True, 'generation 1 proven')
    expect(world.generations()[2]['proven'], False, 'generation 2 proven')
    boots(world, 2, trial=True)
    world.kuro('verdict')
    expect(world.block(), (2, 1, None, 0, 0), 'block')


DAMAGES = {
    'empty': lambda block: b'',
    'torn': lambda block: block[:300] + bytes(212) + block[512:],
    'short': lambda block: block[:100],
    'noise': lambda block: os.urandom(1024),
    'hostile': lambda block: block.replace(b'kuro_good=1', b'kuro_good=../../../etc'),
    'missing': lambda block: None,
}


def damage(world, name):
    path = world.root / 'boot/kuro/env'
    data = DAMAGES[name](path.read_bytes())
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)


def block_damage(name):
    def damaged(world):
        damage(world, name)
        boot = world.grub_decides()
        expect(boot.told.get('kernel') not in (None, 'none'), True,
               f'GRUB boots something: {boot.told}')
        world.start(world.old)
        if name == 'missing':
            world.kuro('recover')
            world.kuro('setup')
        else:
            world.kuro('hook', 'boot-begin')
        expect(world.block()[:4], (1, None, None, 0), 'block')
        boots(world, 1)
    return damaged


for kind in DAMAGES:
    CASES[f'a-block-that-is-{kind}-is-survived'] = block_damage(kind)


@case
def a_second_kuro_says_who_holds_the_lock(world):
    world.check('sleep 5')
    (world.root / 'run/kuro').mkdir(exist_ok=True)
    lock = subprocess.Popen([KURO, '--root', world.root, 'verdict'],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            done = world.kuro('try', world.new, status=None)
            if done.returncode == 5:
                break
        expect(done.returncode, 5, 'exit status')
        assert 'verdict' in done.stderr and str(lock.pid) in done.stderr, done.stderr
        world.kuro('status')
    finally:
        lock.kill()
        lock.wait()


def killed_at(world, call, *args):
    """Run under strace and be killed at the call-th change; False: it ended before."""
    done = world.kuro(*args, status=None, prefix=(
        'strace', '-qq', '-o', '/dev/null', '-e', f'trace={CHANGES}',
        '-e', f'inject={CHANGES}:signal=KILL:when={call}'))
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
            'strace', '-qq', '-o', '/dev/null', '-e', f'trace={CHANGES}',
            '-e', f'inject={CHANGES}:signal=INT:when={call}'))
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


@case
def usage_is_exit_status_two(world):
    for args in ((), ('fly',), ('try',), ('try', 'a', 'b'), ('status', '--to=1'),
                 ('try', '../../etc/passwd'), ('rollback', '-1'), ('rollback', 'x'),
                 ('upgrade', '--reboot=maybe'), ('history', '--limit=-3'),
                 ('explain', 'zero'), ('hook', 'nothing'), ('--nothing',)):
        done = world.kuro(*args, status=2)
        assert done.stderr.startswith('kuro: '), done.stderr
    world.kuro('try', '6.6.6-nowhere', status=1)
    world.kuro('explain', '99', status=1)


@case
def a_wrong_policy_stops_with_its_line(world):
    for text, said in (('boot: { tries = 12; };\n', 'wrong.conf:1'),
                       ('\nboot: { trys = 1; };\n', 'wrong.conf:2'),
                       ('boot: { tries = "many"; };\n', 'wrong.conf:1'),
                       ('boot: { tries = 1;\n', 'wrong.conf'),
                       ('boot: { tries = 2; };\0\n', 'NUL')):
        world.policy('wrong', text)
        done = world.kuro('try', world.new, status=2)
        assert said in done.stderr, done.stderr
    world.policy('wrong', '')
    (world.root / 'etc/kuro/kuro.conf.d/wrong.conf').chmod(0o666)
    done = world.kuro('try', world.new, status=2)
    assert 'chmod go-w' in done.stderr, done.stderr
    expect(world.block()[2], None, 'trial')


@case
def without_root_reading_works_and_changing_is_refused(world):
    world.kuro('try', world.new)
    nobody = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')
    os.chmod(world.dir, 0o755)
    for verb in ('status', 'list', 'history', 'explain', 'policy'):
        world.kuro(verb, prefix=nobody)
        json.loads(world.kuro(verb, '--json', prefix=nobody).stdout)
    done = world.kuro('rollback', status=1, prefix=nobody)
    assert 'as root' in done.stderr, done.stderr


@case
def without_grub_setup_says_what_is_missing(world):
    world.kuro('disable')
    (world.root / 'boot/grub/grub.cfg').unlink()
    done = world.kuro('setup', status=4)
    assert 'GRUB 2' in done.stderr, done.stderr
    (world.root / 'boot/grub/grub.cfg').write_text('')
    (world.root / 'usr/sbin/grub-mkconfig').unlink()
    done = world.kuro('setup', status=4)
    assert re.search('grub', done.stderr), done.stderr
    expect(world.status()['boot']['good'], None, 'good')


@case
def every_verb_helps_and_every_document_has_its_schema(world):
    verbs = re.findall(r'^  (\w+) ', world.kuro('--help').stdout, re.M)
    assert 'upgrade' in verbs, verbs
    for verb in verbs:
        assert f'kuro {verb}' in world.kuro(verb, '--help').stdout, verb
    for verb in ('status', 'list', 'history', 'explain', 'policy', 'doctor', 'health'):
        document = json.loads(world.kuro(verb, '--json', status=None).stdout)
        expect(document['schema'], 1, f'{verb}: schema')
