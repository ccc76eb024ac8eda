# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each flush that a journey makes on /boot, taken out in turn: the call does nothing and
answers that it was done. Some cut must then be wrong, or the flush is for something that cuts
of /boot alone don't show."""
import itertools
import re
import tempfile
from pathlib import Path

import journeys
import judging

FLUSHES = 'fsync,fdatasync,syncfs,ioctl'
PUSHES = 'FIFREEZE', '_IOC(_IOC_WRITE, 0x66, 0x2b, 0x4)'     # EXT4_IOC_CHECKPOINT
STRACE = ('env', 'ASAN_OPTIONS=detect_leaks=0', 'strace', '-y', '-qq', '-s', '0', '-o')
CALL = re.compile(r'^(\w+)\(\d+<([^>]*)>(?:, ([^)]*\)?))?')


# Steps without which no cut is wrong, and why they stay.
PLACE = ('the block is written in place and its fdatasync is enough, but not where it is new, '
         'nor where a journal holds data')
UNSEEN = {
    'try: push 2 of 2': PLACE, 'bless: push 1 of 2': PLACE, 'disable: push 1 of 3': PLACE,
    'bless: the block': 'a verdict looks for left-overs next, which flushes the disk of /boot',
    'bless: push 2 of 2': 'what is removed after the block is of no use to GRUB',
}


def off(walk):
    """What is still in memory is written in whatever order suits Linux."""
    with walk.section('off', *walk.made.sections[-1].allow):
        walk.machine.umount_boot()
        walk.machine.mount_boot()


def trial(walk, prefix):
    journeys.unpacked_and_tried(walk, 1, 2, prefix)
    off(walk)


def disable(walk, prefix):
    machine = walk.machine
    walk.kuro('disable', ('good 1', f'distribution /vmlinuz-{machine.new}'), 'disable',
              prefix=prefix)
    off(walk)


def bless(walk, prefix):
    journeys.tried(walk, 1, 2)
    walk.kuro('bless', ('good 1', 'good 2'), 'verdict', prefix=prefix)
    off(walk)


JOURNEYS = {'try': trial, 'bless': bless, 'disable': disable}


def calls(trace, boot):
    """(call, which of that name, path below /boot) of every flush on /boot, in order."""
    counts = {}
    for line in trace.splitlines():
        found = CALL.match(line)
        if not found:
            continue
        name, path, argument = found.groups()
        counts[name] = counts.get(name, 0) + 1
        if name == 'ioctl' and not any(push in line for push in PUSHES):
            continue
        if path.startswith(boot):
            yield name, counts[name], path.removeprefix(boot) or '/'


def flushes(template, journey):
    """Of one undisturbed journey."""
    with template.world() as world:
        trace = world.dir / 'trace'
        walk = journeys.Walk(world)
        journey(walk, (*STRACE, trace, '-e', f'trace={FLUSHES}'))
        return list(calls(trace.read_text(), str(world.root / 'boot')))


def pushes_of(found):
    """Each a syncfs, and the ioctl behind it where there is one."""
    pushes = []
    for flush in found:
        if flush[0] == 'syncfs':
            pushes.append([flush])
        elif flush[0] == 'ioctl' and pushes:
            pushes[-1].append(flush)
    return pushes


def steps(found):
    """What is taken out together: a push, and the block's fdatasync with each push behind it,
    which would make up for it."""
    pushes = pushes_of(found)
    for number, push in enumerate(pushes):
        yield f'push {number + 1} of {len(pushes)}', push
    for place, flush in enumerate(found):
        if flush[0] == 'fdatasync':
            yield 'the block', [flush, *itertools.chain(*pushes_of(found[place:]))]


def without(template, journey, taken, seed):
    """The first wrong cut of the journey without these flushes, and how many were judged."""
    with template.world() as world, \
            tempfile.TemporaryDirectory(prefix='kuro-cuts.', dir='/dev/shm') as folder:
        walk = journeys.Walk(world)
        injected = [word for call, number, _ in taken
                    for word in ('-e', f'inject={call}:retval=0:when={number}')]
        journey(walk, (*STRACE, '/dev/null', '-e', f'trace={FLUSHES}', *injected))
        walk.made.save()
        return judging.first_fault(walk.made, Path(folder) / 'court', seed)


def all_taken_out(kind, everything, seed):
    """(journey, step, the first wrong cut or None, how many were judged) for each step; those
    that cuts don't see only with everything."""
    with journeys.template(kind) as template:
        for name, journey in JOURNEYS.items():
            for step, taken in steps(flushes(template, journey)):
                if everything or f'{name}: {step}' not in UNSEEN:
                    yield name, step, *without(template, journey, taken, seed)
