# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every cut of a recording, or a seeded sample of them, put before GRUB."""
import random
from collections import Counter
from typing import NamedTuple

import cutting
from disk import Disk
from judge import Judge

BOOTS = 3       # after each other, until none is a trial


class Verdicts:
    """counts: (journey, kind of cut): how many; wrong: (cut's name, why)."""

    def __init__(self):
        self.counts, self.wrong, self.runs = Counter(), [], 0

    def take(self, name, cut, why):
        self.counts[name, cut.kind] += 1
        if why:
            self.wrong.append((cut.name, why))


class Epoch(NamedTuple):
    """Writes between two flushes, and the sections that they belong to."""
    number: int
    writes: list
    sections: list

    @property
    def journey(self):
        return self.sections[-1].name

    @property
    def name(self):
        return f'{self.journey}/{self.number}'

    @property
    def allow(self):
        return {choice for section in self.sections for choice in section.allow}


def epochs(recording):
    """Each with what was durable before it: (writes to apply first, Epoch)."""
    last, writes, sections, number = [], [], [], 0
    for entry, section in [*recording.entries(), (None, None)]:
        if entry is not None:
            writes.append(entry)
            if section not in sections:
                sections.append(section)
        elif writes:
            yield last, Epoch(number, writes, sections)
            last, writes, sections, number = writes, [], [], number + 1


class Court:
    """One recording's disk, and GRUB."""

    def __init__(self, recording, folder):
        folder.mkdir()
        self.recording = recording
        self.disk = Disk(folder / 'disk', recording.base)
        self.judge = Judge(self.disk, folder / 'grub', recording.configurations)

    def close(self):
        self.disk.close()

    def fault(self, allow):
        """What is wrong with the boot that would follow now; None: nothing."""
        return self._fault(allow, BOOTS)

    def _fault(self, allow, boots):
        decision = self.judge.decide()
        if str(decision) not in allow:
            return f'GRUB: {decision}; right: {", ".join(sorted(allow))}'
        if not decision.sums:
            return f'GRUB: {decision} loads nothing'
        for path, digest in decision.sums.items():
            if digest not in self.recording.sums.get(path, ()):
                return f'GRUB: {decision}, {path} is not what it was'
        if decision.role != 'trial':
            return None
        if boots == 1 or decision.tries not in tuple('012345678'):
            return f'GRUB: {decision} again and again ({decision.tries} tries)'
        undo = self.disk.apply(decision.writes)
        try:
            return self._fault(allow, boots - 1)
        finally:
            self.disk.apply(undo)

    def cut(self, cut, allow):
        undo = self.disk.apply(cut.writes)
        try:
            return self.fault(allow)
        finally:
            self.disk.apply(undo)


def judge_all(recording, folder, chosen, seed, share=1.0):
    """chosen(name): is this cut wanted; share: of the cuts that are no prefixes."""
    court, verdicts = Court(recording, folder), Verdicts()
    chance = random.Random(f'{seed} {recording.kind}')
    for before, epoch in epochs(recording):
        court.disk.apply(before)
        for cut in cutting.cuts(epoch.writes, f'{recording.kind}/{epoch.name}', seed):
            wanted = cut.kind == 'prefix' or chance.random() < share
            if wanted and chosen(cut.name):
                verdicts.take(epoch.journey, cut, court.cut(cut, epoch.allow))
    verdicts.runs = court.judge.runs
    court.close()
    return verdicts
