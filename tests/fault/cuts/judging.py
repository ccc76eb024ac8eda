# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every cut of a recording, or a seeded sample of them, put before GRUB."""
import random
from collections import Counter

import cutting
from disk import Disk
from journeys import END
from judge import Judge

BOOTS = 3       # after each other, until none is a trial


class Verdicts:
    """counts: (journey, kind of cut): how many; wrong: (cut's name, why)."""

    def __init__(self):
        self.counts, self.wrong, self.runs = Counter(), [], 0

    def add(self, other):
        self.counts += other.counts
        self.wrong += other.wrong
        self.runs += other.runs

    def take(self, cut, why):
        self.counts[cut.name.split('/')[1], cut.kind] += 1
        if why:
            self.wrong.append((cut.name, why))


class Epoch:
    """Writes between two flushes, the sections that they belong to, and those that ended there
    and must last: what was not flushed by then may be lost."""

    def __init__(self, number):
        self.number, self.writes, self.sections, self.ends = number, [], [], []

    def take(self, entry, section):
        if entry == END:
            self.ends += [section] if section.lasts else []
            return
        self.writes.append(entry)
        if section not in self.sections:
            self.sections.append(section)

    @property
    def journey(self):
        return (self.sections or self.ends)[-1].name

    @property
    def name(self):
        return f'{self.journey}/{self.number}'

    @property
    def allow(self):
        return {choice for section in self.sections for choice in section.allow}


def epochs(recording):
    """Each with what was durable before it: (writes to apply first, Epoch)."""
    last, epoch = [], Epoch(0)
    for entry, section in [*recording.entries(), (None, None)]:
        if entry is not None:
            epoch.take(entry, section)
        elif epoch.writes or epoch.ends:
            yield last, epoch
            last, epoch = epoch.writes, Epoch(epoch.number + 1)


class Court:
    """One recording's disk, and GRUB, which may be a signed one."""

    def __init__(self, recording, folder, signed=False):
        folder.mkdir()
        self.mark = '@signed' if signed else ''
        self.recording = recording
        self.disk = Disk(folder / 'disk', recording.base)
        self.judge = Judge(self.disk, folder / 'grub', recording.configurations,
                           signed)

    def close(self):
        self.disk.close()

    def fault(self, allow):
        """What is wrong with the boot that would follow now; None: nothing."""
        return self._fault(allow, BOOTS)

    def _fault(self, allow, boots):
        decision = self.judge.decide()
        if str(decision) not in allow:
            return f'GRUB: {decision}; right: {", ".join(sorted(allow))}'
        if decision.passed_over and not any(name.startswith('previous') for name in allow):
            return f'GRUB: {decision}, for what the block names is not there'
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

    def count(self, seed):
        return sum(1 for _, epoch in epochs(self.recording)
                   for _ in cutting.cuts(epoch.writes, '', seed))

    def every(self, seed, wanted=lambda _: True):
        """(cut, what is wrong with it) for each that is wanted."""
        for before, epoch in epochs(self.recording):
            self.disk.apply(before)
            name = f'{self.recording.kind}/{epoch.name}'
            for cut in filter(wanted, cutting.cuts(epoch.writes, name, seed, self.mark)):
                yield cut, self.cut(cut, epoch.allow)
            for section in epoch.ends:
                cut = cutting.Cut(f'{self.recording.kind}/{section.name}/{epoch.number}/end{self.mark}',
                                  'ended', [])
                if wanted(cut):
                    yield cut, self.end(section)

    def end(self, section):
        """A journey has ended: is what it did lost with what was not flushed?"""
        decision = str(self.judge.decide())
        lasts = section.allow[-1]
        return None if decision == lasts else f'GRUB: {decision}, and {lasts} was told'


def first_fault(recording, folder, seed, signed=True):
    """Of the cuts in their order the first that is wrong, (name, why); and how many were
    judged."""
    court, judged = Court(recording, folder, signed), 0
    try:
        for cut, why in court.every(seed):
            judged += 1
            if why:
                return (cut.name, why), judged
        return None, judged
    finally:
        court.close()


def judge_all(court, chosen, seed, count=None):
    """chosen(name): is this cut wanted; count: of those about so many, by the seed."""
    verdicts = Verdicts()
    chance = random.Random(f'{seed} {court.recording.kind}{court.mark}')
    share = count / max(1, court.count(seed)) if count else 1.0
    for cut, why in court.every(seed, lambda cut: (
            chosen(cut.name) and (cut.kind == 'ended' or chance.random() < share))):
        verdicts.take(cut, why)
    verdicts.runs = court.judge.runs
    return verdicts
