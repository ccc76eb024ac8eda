# SPDX-License-Identifier: LGPL-2.1-or-later
"""GRUB's own code decides on a cut disk. What it reads is noted: where a later disk holds the
same there, the decision is the same and GRUB is not asked again."""
import hashlib
import os
import re
from pathlib import Path
from typing import NamedTuple

from machine import journey

# Tells what would be loaded, with its sums as GRUB's own file systems read it.
TELL = '''
function kuro_test_sum {
	if [ -e "$1" ]; then echo "S $1="; hashsum --hash sha256 "$1"; fi
}
function kuro_test_boot {
	echo
	kuro_test_sum "$kuro_test_kernel"
	kuro_test_sum "$kuro_test_initrd"
	if [ -n "$kuro_role" ]; then
		kuro_test_sum "$kuro_dir/boot.cfg"
		kuro_read_block
	fi
	echo "T kernel=$kuro_test_kernel;"
	echo "T initrd=$kuro_test_initrd;"
	echo "T trial=$kuro_test_trial;"
	echo "T tries=$kuro_tries;"
	echo "T role=$kuro_role;"
	exit
}
'''
NOTING = Path(os.environ.get('KURO', 'kuro')).resolve().parents[1] / 'tests/fault/libnoting.so'
STUCK = 10      # seconds; a decision takes 0.05


class Decision(NamedTuple):
    """role: what kuro's entry called it, empty for the distribution's; sums: path to what
    was read; writes: what GRUB wrote, its count of tries."""
    role: str
    kernel: str
    sums: dict
    tries: str
    writes: tuple
    passed_over: list       # "ROLE N" that the block names and that could not be started

    def __str__(self):
        found = re.search(r'/kuro/gen/(\d+)/vmlinuz$', self.kernel)
        if found and self.role:
            return f'{self.role} {found.group(1)}'
        return f'distribution {self.kernel}' if self.kernel else 'nothing'


def touched(notes):
    """The extents (offset, length) that were read, each once, and those that were written."""
    notes = [line.split() for line in notes.splitlines()]
    extents = [(what, (int(offset), int(length))) for what, offset, length in notes]
    return (list(dict.fromkeys(extent for what, extent in extents if what == 'read')),
            [extent for what, extent in extents if what == 'write'])


def judged(done, writes):
    """What the run told. GRUB breaks lines where its screen ends."""
    output = done.output.replace('\n', '')
    told = dict(re.findall(r'T (\w+)=([^;]*);', output))
    sums = dict(re.findall(r'S (?:\(hd0\))?(/[^=]*)=\s*(?:\[[^]]*\])?([0-9a-f]{64})', output))
    role = 'stuck' if done.stuck else told.get('role', 'lost')
    passed_over = re.findall(r"kuro: generation (\d+) \((\w+)\) can't be started", output)
    return Decision(role, told.get('kernel', '').removeprefix('(hd0)'), sums,
                    told.get('tries', ''), writes, passed_over)


def emulated(configuration, signed):
    """signed: by a GRUB without hashsum, as the distributions' signed images are: it boots
    whatever has the right size."""
    text = journey.emulated(configuration)
    if signed:
        text = re.sub(r'hashsum --hash sha256 --check "[^"]*/hashable"', 'kuro_test_unknown', text)
    return text


def selection(configurations, folder, signed):
    """A grub.cfg for grub-emu that takes the one of these that lies on the disk."""
    text = ''
    for n, configuration in enumerate(configurations):
        (folder / f'{n}.emulated').write_text(emulated(configuration, signed))
        digest = hashlib.sha256(configuration.encode()).hexdigest()
        (folder / f'{n}.sums').write_text(f'{digest}  grub.cfg\n')
        text += (f'{"elif" if n else "if"} hashsum --hash sha256 --prefix (hd0)/grub '
                 f'--check (host){folder}/{n}.sums; then source (host){folder}/{n}.emulated\n')
    return (journey.grub.PRELUDE + TELL + text +
            'else echo; echo "T role=lost;"; exit; fi\n')


class Question:
    """What does this extent hold? By digest of the answer: the next question or the decision."""

    def __init__(self, extent):
        self.extent, self.answers = extent, {}


class Judge:
    """configurations: every grub.cfg that the disk may hold."""

    def __init__(self, disk, folder, configurations, signed):
        self.disk, self.folder = disk, folder
        folder.mkdir()
        (folder / 'grub.cfg').write_text(selection(configurations, folder, signed))
        self.first = None       # of the questions that GRUB asks of every disk
        self.runs = 0

    def decide(self):
        return self._remembered() or self._run()

    def _remembered(self):
        node = self.first
        while isinstance(node, Question):
            node = node.answers.get(self.disk.digest(node.extent))
        return node

    def _run(self):
        trace = self.folder / 'notes'
        trace.write_text('')
        done = journey.grub.emulate(
            str(self.folder), {'hd0': self.disk.path}, limit=STUCK,
            environment={'LD_PRELOAD': str(NOTING), 'KURO_NOTED': self.disk.path,
                         'KURO_NOTES': str(trace)})
        self.runs += 1
        reads, writes = touched(trace.read_text())
        decision = judged(done, tuple(self.disk.undo(writes)))
        if not done.stuck:
            self._remember(reads, decision)
        return decision

    def _remember(self, reads, decision):
        node = self.first = self.first or Question(reads[0])
        for extent in reads[1:]:
            node = node.answers.setdefault(self.disk.digest(node.extent), Question(extent))
            assert node.extent == extent, 'GRUB read something else for no reason'
        node.answers[self.disk.digest(node.extent)] = decision
