# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Linux and kuro make of a cut disk: GRUB boots, the journal is replayed, `kuro recover`
ends what was begun, and says so; a second one finds nothing to do; GRUB boots again. All that
is recorded too, and cut in its turn."""
import contextlib
import random
import re
import shutil
from typing import NamedTuple

from machine import read_log, run
from cases_boot import expect
from journeys import Recording, Section
from cutting import Cut
from judging import Court, Verdicts, judge_all

AGAIN = 60          # cuts of what followed a cut
FSCK = {'ext2', 'ext4-no-journal'}      # what a boot checks, having no journal
ENDED = 'armed', 'undone', 'done', 'blessed', 'rolled-back'


class Moment(NamedTuple):
    """The power fails in this section: what of the record reached the disk."""
    name: str
    section: Section
    writes: list


def moments(recording, count, seed):
    """A seeded sample; both parts of the disk are cut at one moment."""
    sections = [section for section in recording.sections if section.end > section.start]
    for number in range(count):
        chance = random.Random(f'{seed} {recording.kind} afterwards {number}')
        section = chance.choice(sections)
        log = recording.folder / 'log'
        within = read_log(log, section.start, section.end)
        entries = read_log(log, 0, section.start) + within[:chance.randrange(len(within))]
        flushed = max((n for n, entry in enumerate(entries) if entry is None), default=0)
        yield Moment(f'{recording.kind}/recovery/{number}-of-{section.name}', section,
                     [entry for n, entry in enumerate(entries) if entry is not None and
                      (n < flushed or chance.random() < 0.7)])


class Afterwards:
    """One recording, and machines that go on from a moment of it."""

    def __init__(self, recording, template, folder):
        self.recording, self.template = recording, template
        self.court = Court(recording, folder)

    def close(self):
        self.court.close()

    def _boot(self, moment, world):
        """GRUB boots the cut disk, whose image becomes the machine's."""
        disk = self.court.disk
        undo = disk.apply(moment.writes)
        decision = self.court.judge.decide()
        undo = disk.apply(decision.writes) + undo
        world.umount_boot()
        run('cp', '--sparse=always', disk.path, world.image)
        disk.apply(undo)
        if world.kind.name in FSCK:
            run('e2fsck', '-fy', world.image, check=False)
        return decision

    def _recover(self, world, decision):
        """Linux runs what GRUB chose; kuro makes up for what was cut off."""
        found = re.fullmatch(r'(\w+) (\d+)', str(decision))
        release = world.release_of(int(found.group(2))) if found else world.new
        world.start(release, int(found.group(2)) if found else 0, decision.role == 'trial')
        world.kuro('hook', 'boot-begin')
        world.kuro('recover')
        again = world.kuro('recover').stdout
        assert 'Nothing was interrupted' in again, again
        for transaction in world.history():
            assert transaction['state'] in ENDED, f'after recovery: {transaction}'
        expect([name for name in world.files() if '/.' in name], [], 'left behind')

    def go_on(self, moment, folder):
        """The recording of what followed. Where something is wrong it is raised."""
        with self.template.world() as world:
            decision = self._boot(moment, world)
            expect(str(decision) in moment.section.allow, True, f'GRUB boots {decision}')
            world.record()
            self._recover(world, decision)
            end = world.recorder.position()
            previous = world.block()[1]     # chosen where the good one was booted too often
            boot = world.grub_decides()
            choice = f'{"trial" if boot.trial else "good"} {boot.generation}'
            expect(choice in moment.section.allow or boot.generation in (0, previous), True,
                   f'after recovery GRUB boots {choice}')
            return self._made(world, moment, folder, end, f'previous {previous}')

    def _made(self, world, moment, folder, end, previous):
        """A journal that is replayed while the power fails again may cost the good one; the
        previous one is proven too."""
        made = Recording(folder, self.recording.kind, self.recording.boot_size)
        made.sums = self.recording.sums
        made.configurations = self.recording.configurations
        made.sections = [Section('recovery', 0, end, [*moment.section.allow, previous], False)]
        made.save_from(world.image.parent)
        return made


def judged_twice(recording, template, folder, count, seed):
    """So many moments, and of what followed each a sample of cuts."""
    verdicts = Verdicts()
    with contextlib.closing(Afterwards(recording, template, folder / 'first')) as first:
        for number, moment in enumerate(moments(recording, count, seed)):
            again = folder / str(number)
            again.mkdir()
            try:
                made = first.go_on(moment, again)
                with contextlib.closing(Court(made, again / 'court')) as court:
                    verdicts.add(judge_all(court, lambda _: True, f'{seed} {number}', AGAIN))
                why = None
            except AssertionError as error:
                why = str(error).strip()
            verdicts.take(Cut(moment.name, 'recovered', []), why)
            shutil.rmtree(again)
    return verdicts
