# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real kuro and GRUB's own code walked through the model's states, beside the model."""
import random

import model


class Walk:
    """One machine and what the model says of it."""

    def __init__(self, world, rules):
        self.world, self.rules = world, rules
        self.disk, self.up = model.Disk(model.Block(good=1), frozenset({1})), model.Up(1)
        self.names = {1: world.old, 2: world.new}
        self.told = []
        world.policy('protocol', f'boot: {{ tries = {rules.tries}; '
                                 f'miss_limit = {rules.miss_limit}; }};\n')
        world.kuro('setup')
        self.disk = model.replace(self.disk, block=self.real())

    def real(self):
        good, previous, trial, tries, miss = self.world.block()
        return model.Block(good or 0, previous or 0, trial or 0, tries, miss)

    def step(self, name):
        """Do it to both; what differs is an AssertionError that tells the way there."""
        self.told.append(name)
        event = model.events(self.names)[name]
        try:
            disks, up = event(self.disk, self.up, self.rules)
        except model.Refused:
            disks, up = [self.disk], self.up
        self.disk, self.up = disks[-1], up
        self.act(name)
        self.compare()

    def act(self, name):
        verb, _, number = name.partition('-')
        if number.isdigit():
            self.world.kuro(verb, self.names[int(number)], status=None)
        else:
            getattr(self, name.replace('-', '_'))()

    def way(self):
        return ' '.join(self.told)

    def compare(self):
        real = self.real()
        if real != self.disk.block:
            raise AssertionError(f'{self.way()}: the block is {real}, not {self.disk.block}')
        row = self.world.generations()
        for number in self.disk.proven - {0}:
            if not row[number]['proven']:
                raise AssertionError(f'{self.way()}: generation {number} is not proven')

    # ---- the events ---------------------------------------------------------------------

    def booted(self, orderly, dies=False):
        boot = self.world.reboot(dies=dies, orderly=orderly)
        return boot.generation, boot.trial

    def expect_boot(self, got):
        wanted = self.up.generation, self.up.trial
        if got != wanted:
            raise AssertionError(f'{self.way()}: GRUB boots {got}, not {wanted}')

    def dies(self):
        self.expect_boot(self.booted(orderly=False))

    def dies_twice(self):
        self.booted(orderly=False, dies=True)
        self.expect_boot(self.booted(orderly=False))

    def reboot(self):
        self.expect_boot(self.booted(orderly=True))

    def verdict(self, check):
        self.world.check(check)
        self.world.kuro('verdict', status=None)

    def healthy(self):
        self.verdict('exit 0')

    def failed(self):
        self.verdict('exit 1')

    def rollback(self):
        self.world.kuro('rollback', status=None)

    def unhold(self):
        for release in self.names.values():
            self.world.kuro('unhold', release, status=None)


def follow(world, names, rules):
    way = Walk(world, rules)
    for name in names.split():
        way.step(name)
    return len(way.told)


def walk(world, seed, steps, rules):
    """A seeded walk; it prefers what it has not done from where it is."""
    chance, way, done = random.Random(seed), Walk(world, rules), set()
    names = sorted(model.events(way.names))
    for _ in range(steps):
        state = way.disk, way.up
        fresh = [n for n in names if (state, n) not in done] or names
        name = chance.choice(fresh)
        done.add((state, name))
        way.step(name)
    return len(done)
