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
    for verb in ('status', 'list', 'history', 'explain', 'policy', 'check', 'matrix'):
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
    for verb in ('status', 'list', 'history', 'explain', 'policy', 'doctor', 'health', 'check',
                 'matrix'):
        document = json.loads(world.kuro(verb, '--json', status=None).stdout)
        expect(document['schema'], 1, f'{verb}: schema')
