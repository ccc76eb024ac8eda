# SPDX-License-Identifier: LGPL-2.1-or-later
"""The journeys of a generation on a recorded machine, and what GRUB may choose during each."""
import contextlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from machine import Machine, journey, read_log
from cases_boot import boots, expect  # pylint: disable=wrong-import-order

END = 'end'


class Section(NamedTuple):
    """A part of the log. allow: decisions that are right at every instant of it; lasts: when
    it has ended, only the last of them is, whatever was not flushed."""
    name: str
    start: int
    end: int
    allow: list
    lasts: bool


class Recording:
    """A log, the image before it, and what is known of the machine: a folder."""

    def __init__(self, folder, kind, boot_size):
        self.folder, self.kind, self.boot_size = Path(folder), kind, boot_size
        self.sections, self.sums, self.configurations = [], {}, []

    @classmethod
    def load(cls, folder):
        known = json.loads((Path(folder) / 'recording.json').read_text())
        made = cls(folder, known['kind'], known['boot_size'])
        made.sections = [Section(*section) for section in known['sections']]
        made.sums, made.configurations = known['sums'], known['configurations']
        return made

    def keep(self, folder):
        """A copy of it there, to judge a cut of it again."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in 'base.img', 'log', 'recording.json':
            subprocess.run(['cp', '--sparse=always', self.folder / name, folder], check=True)

    def save_from(self, folder):
        """Its image and log are in another folder."""
        for name in 'base.img', 'log':
            subprocess.run(['cp', '--sparse=always', folder / name, self.folder], check=True)
        self.save()

    def save(self):
        (self.folder / 'recording.json').write_text(json.dumps({
            'kind': self.kind, 'boot_size': self.boot_size, 'sections': self.sections,
            'sums': self.sums, 'configurations': self.configurations}))

    @property
    def base(self):
        return self.folder / 'base.img'

    def note(self, machine):
        """What lies on the disk now is right, wherever GRUB finds it."""
        for path, digest in machine.sums().items():
            known = self.sums.setdefault(path, [])
            if digest not in known:
                known.append(digest)
        text = (machine.root / 'boot/grub/grub.cfg').read_text()
        if text not in self.configurations:
            self.configurations.append(text)

    def entries(self):
        """(entry, its section) for what touches /boot, as if that were a disk of its own, which
        another's flush does not flush: (offset, bytes), None: a flush; END:
        the section has ended."""
        for section in self.sections:
            for entry in read_log(self.folder / 'log', section.start, section.end,
                                  self.boot_size):
                yield entry, section
            yield END, section


class Walk:
    """Sections, as the machine goes through them."""

    def __init__(self, machine):
        self.machine = machine
        self.made = Recording(machine.image.parent, machine.kind.name, machine.kind.size)
        machine.record()
        self.since = machine.recorder.position()

    @contextlib.contextmanager
    def section(self, name, *allow, lasts=True):
        self.made.note(self.machine)
        allow = list(allow)
        yield allow
        self.made.note(self.machine)
        end = self.machine.recorder.position()
        self.made.sections.append(Section(name, self.since, end, allow, lasts))
        self.since = end

    def kuro(self, name, allow, *args, **kwargs):
        with self.section(name, *allow):
            self.machine.kuro(*args, **kwargs)


def unpacked_and_tried(walk, good, number, prefix=()):
    """A kernel that has just been unpacked is tried."""
    machine = walk.machine
    with walk.section('try', f'good {good}', f'trial {number}'):
        machine.unpack(machine.new, number)
        machine.kuro('try', machine.new, prefix=prefix)


def tried(walk, good, number):
    """So it is, and GRUB takes the try and boots it."""
    machine = walk.machine
    allow = f'good {good}', f'trial {number}'
    unpacked_and_tried(walk, good, number)
    with walk.section('boot', *allow, lasts=False):
        boots(machine, number, trial=True, orderly=False)


def goes_back(walk):
    """From the second to the first, and to the second again."""
    walk.kuro('rollback', ('good 2', 'good 1'), 'rollback')
    expect(walk.machine.block()[:2], (1, 2), 'block after a rollback')
    walk.machine.kuro('unhold', walk.machine.new, status=None)
    walk.kuro('rollback', ('good 1', 'good 2'), 'rollback', '2')


def fails(walk):
    """A trial whose check fails."""
    machine = walk.machine
    tried(walk, 2, 3)
    machine.check('exit 1')
    walk.kuro('failed', ('good 2',), 'verdict', status=4)
    machine.check('exit 0')
    with walk.section('boot', 'good 2', lasts=False):
        boots(machine, 2, orderly=False)
    walk.kuro('verdict', ('good 2',), 'verdict')
    machine.kuro('unhold', machine.new)


def interrupted(walk, call, number):
    """Killed at that change of a try, and recovered after the power was off."""
    machine = walk.machine
    allow = 'trial 5', 'good 4'
    with walk.section('killed', *allow, lasts=False):
        machine.unpack(machine.new, 5)
        done = machine.kuro('try', machine.new, status=None, prefix=(
            'env', 'ASAN_OPTIONS=detect_leaks=0', 'strace', '-qq', '-o', '/dev/null', '-e',
            f'trace={call}', '-e', f'inject={call}:signal=KILL:when={number}'))
        expect(done.returncode, -9, f'exit status when killed at {call}')
    with walk.section('boot', *allow, lasts=False):
        boots(machine, 4, orderly=False)
    walk.kuro('recover', allow, 'recover')


def disabled(walk):
    """The distribution's own entry from now on, and kuro again."""
    machine = walk.machine
    plain = f'distribution /vmlinuz-{machine.new}'
    walk.kuro('disable', ('good 4', plain), 'disable')
    machine.start(machine.new)
    with walk.section('setup', plain) as allow:
        machine.kuro('setup')
        allow.append(f'good {machine.block()[0]}')


def all_journeys(machine):
    """Recorded, one after another; gives the Recording."""
    walk = Walk(machine)
    tried(walk, 1, 2)
    walk.kuro('bless', ('good 1', 'good 2'), 'verdict')
    goes_back(walk)
    fails(walk)
    tried(walk, 2, 4)
    walk.kuro('bless', ('good 2', 'good 4'), 'verdict')
    walk.kuro('prune', ('good 4',), 'prune')
    interrupted(walk, 'linkat', 2)      # in the midst of its files
    interrupted(walk, 'syncfs', 1)      # named, and not pushed to where GRUB looks
    disabled(walk)
    walk.made.save()
    return walk.made


def template(kind):
    return journey.Template(lambda made=None: Machine(kind, made))
