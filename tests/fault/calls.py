# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every call by which a verb changes the machine, failed. Which calls those are, and from which
place of the program each comes, is told by a run of the verb under strace; each place then
fails in a run of its own, and the machine must still boot what was proven. A sample of them;
all with KURO_FAULT_ALL=1, others with KURO_FAULT_SEED=N."""
import errno
import hashlib
import os
import random
import re

from cases_boot import boots, expect
from world import World

CASES = {}
# what changes something on a disk or in the kernel; writes and opens where they do
CALLS = ('openat2', 'write', 'pwrite64', 'writev', 'fsync', 'fdatasync', 'syncfs', 'ftruncate',
         'fallocate', 'copy_file_range', 'renameat', 'renameat2', 'linkat', 'symlinkat',
         'unlinkat', 'mkdirat', 'fchmod', 'fchown', 'utimensat', 'ioctl')
ERRORS = ('ENOSPC', 'EIO', 'EROFS', 'ENOMEM', 'EINTR')
STATUSES = (0, 1, 3, 4)     # 5 and 6 can't come of a failing call here; a signal neither
FRAME = re.compile(r'^ > .*/kuro\((\w+)\+0x[0-9a-f]+\)')
ALL = bool(os.environ.get('KURO_FAULT_ALL'))
SEED = os.environ.get('KURO_FAULT_SEED', '1')
SOME = 5                    # places of a verb, where not all are asked for
DEPTH = 3                   # frames of the program's own that make a place


def traced(world, calls, *args, inject=None):
    """Run it under strace; the finished process, and its calls: (name, place, line)."""
    trace = world.dir / 'trace'
    tracer = ['env', 'ASAN_OPTIONS=detect_leaks=0', 'strace', '-qq', '-k', '-o', trace,
              '-e', f'trace={",".join(calls)}', *(['-e', f'inject={inject}'] if inject else [])]
    done = world.kuro(*args, status=None, prefix=tracer)
    assert trace.exists(), f'{inject}: {done}'
    return done, list(parse(trace.read_text(errors='replace')))


def parse(text):
    line, frames = None, []
    for row in text.splitlines() + ['end()']:
        frame = FRAME.match(row)
        if frame:
            frames.append(frame[1])
        elif not row.startswith(' >'):
            if re.match(r'\w+\(', line or ''):
                yield line.split('(')[0], ' < '.join(frames[:DEPTH]), line
            line, frames = row, []


def changes(name, line):
    """Opening to read and writing to a terminal or a pipe change nothing."""
    if name == 'openat2':
        return 'O_CREAT' in line or 'O_TRUNC' in line
    if name in ('write', 'writev'):
        return not re.match(r'\w+\([0-2],', line)
    if name == 'ioctl':
        return 'TCGETS' not in line and 'TIOCG' not in line
    return True


def places(calls):
    """The first call of each place: {(name, place): how manieth call of that name}."""
    counts, found = {}, {}
    for name, place, line in calls:
        counts[name] = counts.get(name, 0) + 1
        if changes(name, line):
            found.setdefault((name, place), counts[name])
    return found


def whole(world, generation):
    """The generation's files are those of its manifest."""
    folder = world.root / f'boot/kuro/gen/{generation}'
    for line in (folder / 'sums').read_text().splitlines():
        digest, name = line.split('  ')
        got = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        expect(got, digest, f'generation {generation}: {name}')


def holds(world, what, proven):
    """What must be true after any failure, before and after kuro recover."""
    state = world.block()
    boot = world.grub_decides()
    ours = boot.generation in proven and not boot.trial
    trial = boot.trial and boot.generation == state[2]
    plain = boot.generation == 0 and state[0] is None
    assert ours or trial or plain, f'{what}: GRUB boots {boot}, of {state}'
    if boot.generation:
        whole(world, boot.generation)
    for number in proven & {state[0], state[1]}:
        whole(world, number)
    again = None
    for _ in range(2):
        again = world.kuro('recover')
    assert 'Nothing was interrupted' in again.stdout, f'{what}: {again.stdout}'
    rows = world.history()
    assert all(row['state'] != 'running' for row in rows), f'{what}: {rows[0]}'
    hidden = [name for name in world.files() if '/.' in name]
    expect(hidden, [], f'{what}: left behind')


def told(done, what, error):
    """A failure says that it is one, and why."""
    expect(done.returncode in STATUSES, True, f'{what}: {done}')
    if done.returncode == 1:
        causes = os.strerror(getattr(errno, error)), '(SQLite: '
        assert any(c in done.stderr for c in causes), f'{what}: not why: {done.stderr}'
    elif done.returncode:
        assert 'kuro: ' in done.stderr or done.stdout, f'{what}: it says nothing'


def begun(world, made):
    world.old, world.new = world.releases
    made.begin(world)


def named(world, args):
    return [world.new if word == 'NEW' else word for word in args]


def fail_at(made, at, error, args, proven):
    """One run on a machine of its own, with that call failing; the places that failed."""
    name, nth = at
    with World(made) as world:
        begun(world, made)
        done, calls = traced(world, (name,), *named(world, args),
                             inject=f'{name}:error={error}:when={nth}')
        failed = {(n, place) for n, place, line in calls if '(INJECTED)' in line}
        what = f'{name} {nth} fails with {error} ({next(iter(failed), ("", ""))[1]})'
        told(done, what, error)
        holds(world, what, proven)
        return failed


def fail_place(made, place, nth, error, args, proven):
    """Until the call that fails is that place's: a program's output comes in more pieces, and
    is kept by more calls, in one run than in another."""
    for more in (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5):
        if nth + more > 0 and place in fail_at(made, (place[0], nth + more), error, args, proven):
            return
    raise AssertionError(f'{place} was never the one that failed')


def every_call(args, prepare, proven, status=0):
    """A case: the verb with each of its places failing in turn; some of them, where not all
    are asked for."""
    def case(world):
        chance = random.Random(f'{SEED} {args} {prepare.__name__}')
        made = frozen(world, prepare)
        with World(made) as copy:
            begun(copy, made)
            done, calls = traced(copy, CALLS, *named(copy, args))
            expect(done.returncode, status, f'{args} by itself: {done.stderr}')
        found = sorted(places(calls).items())
        assert len(found) > 3, f'only {len(found)} places were found'
        for place, nth in found if ALL else chance.sample(found, min(SOME, len(found))):
            fail_place(made, place, nth, chance.choice(ERRORS), args, proven)
    return case


# ---- the verbs, and the machine that each finds ---------------------------------------------

def running(release, generation, trial=False):
    """How a machine that starts from another's disk comes up."""
    def begin(world):
        world.start(getattr(world, release), generation, trial)
        world.kuro('hook', 'boot-begin')
    return begin


def frozen(world, prepare):
    """The world as prepare left it, for others to start from; how they begin goes with it."""
    world.begin = prepare(world) or running('old', 1)
    world.freeze()
    return world


def nothing(_world):
    return None


def an_armed_trial(world):
    world.kuro('try', world.new)


def a_trial_that_runs(world):
    world.kuro('try', world.new)
    boots(world, 2, trial=True)
    return running('new', 2, True)


def a_trial_that_fails(world):
    world.check('echo it is broken; exit 1')
    return a_trial_that_runs(world)


def a_blessed_trial(world):
    a_trial_that_runs(world)
    world.kuro('verdict')
    return running('new', 2)


def a_spent_trial(world):
    world.kuro('try', world.new)
    boots(world, 2, trial=True, dies=True)
    expect(world.block()[2:4], (2, 0), 'the trial is spent')
    return lambda copy: copy.start(copy.old, 1)


def a_trial_taken_back(world):
    world.kuro('try', world.new)
    world.kuro('rollback')


def a_disabled_machine(world):
    world.kuro('disable')


def an_orderly_shutdown(world):
    begin = a_trial_that_runs(world)

    def shutting_down(copy):
        begin(copy)
        (copy.root / 'run/system-state').write_text('stopping\n')
    return shutting_down


VERBS = {
    'try': (('try', 'NEW'), nothing, {1}),
    'a-healthy-verdict': (('verdict',), a_trial_that_runs, {1, 2}),
    'a-failed-verdict': (('verdict',), a_trial_that_fails, {1}, 4),
    'a-rollback': (('rollback',), a_blessed_trial, {1, 2}),
    'a-trial-taken-back': (('rollback',), an_armed_trial, {1}),
    'boot-begin': (('hook', 'boot-begin'), a_spent_trial, {1}),
    'boot-end': (('hook', 'boot-end'), an_orderly_shutdown, {1}),
    'unhold': (('unhold', 'NEW'), a_trial_taken_back, {1}),
    'hold': (('hold', 'NEW'), nothing, {1}),
    'pin': (('pin', '1'), nothing, {1}),
    'disable': (('disable',), nothing, {1}),
    'setup': (('setup',), a_disabled_machine, {1, 2}),
}
for verb, row in VERBS.items():
    CASES[f'every-call-of-{verb}-fails-cleanly'] = every_call(*row)
