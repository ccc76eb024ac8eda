# SPDX-License-Identifier: LGPL-2.1-or-later
"""The boot protocol as a state machine, written from its description and not from the code.

A disk is what a power cut leaves: the environment block, the generations that were found
healthy, the ones on hold, the newest trial boot's verdict, the orderly reboots that cost the
trial nothing. An event gives every disk that it passes through, in order, and the machine it
ends with: a cut may come behind each of them."""
from collections import deque
from dataclasses import dataclass, replace
from typing import NamedTuple

GIVEN_BACK = 2      # orderly reboots without a verdict that cost a trial nothing


class Block(NamedTuple):
    good: int = 0
    previous: int = 0
    trial: int = 0
    tries: int = 0
    miss: int = 0


@dataclass(frozen=True)
class Disk:
    block: Block
    proven: frozenset
    held: frozenset = frozenset()
    healthy: bool = False       # the newest boot of this trial reached that verdict
    given: int = 0


@dataclass(frozen=True)
class Up:
    """What runs; judged: this boot has its verdict."""
    generation: int
    trial: bool = False
    judged: bool = False


@dataclass(frozen=True)
class Rules:
    tries: int = 2
    miss_limit: int = 2


class Refused(Exception):
    """The event is not possible here; nothing changes."""


# ---- the block's own transitions ------------------------------------------------------------

def arm(block, trial, tries):
    if not block.good or trial == block.good or (block.trial and block.tries == 0):
        raise Refused
    return block._replace(trial=trial, tries=tries)


def disarm(block):
    return block._replace(trial=0, tries=0)


def bless(block, running):
    if not block.good or not running:
        raise Refused
    if running == block.trial:
        previous = block.good if block.good != running else block.previous
        return Block(running, previous)
    if running == block.good:
        return block._replace(miss=0)
    if running == block.previous:
        return block
    raise Refused


def roll_back(block, generation, keep_good):
    if not generation or (generation == block.trial and
                          generation not in (block.good, block.previous)):
        raise Refused
    if generation == block.good:
        return disarm(block)._replace(miss=0)
    return Block(generation, block.good if keep_good else 0)


def give_back(block, running, as_trial):
    if as_trial:
        left = min(9, block.tries + 1) if running and running == block.trial else block.tries
        return block._replace(tries=left)
    if running and running == block.good:
        return block._replace(miss=max(0, block.miss - 1))
    return block


def choose(block, miss_limit):
    """GRUB's choice, and the block that it leaves."""
    if not block.good:
        return ('previous' if block.previous else 'distribution'), block
    if block.trial and block.trial != block.good and block.tries:
        return 'trial', block._replace(tries=block.tries - 1)
    if block.miss < min(miss_limit, 9):
        return 'good', block._replace(miss=block.miss + 1)
    if block.previous and block.previous != block.good:
        return 'previous', block
    return 'good', block


def chosen(block, role):
    return {'good': block.good, 'previous': block.previous, 'trial': block.trial,
            'distribution': 0}[role]


# ---- what happens to a machine --------------------------------------------------------------

def boot(disk, _up, rules):
    """GRUB, then the new boot's first look at what the last one left."""
    role, block = choose(disk.block, rules.miss_limit)
    disks = [replace(disk, block=block)]
    up = Up(chosen(block, role), role == 'trial')
    if up.trial:
        disks.append(replace(disks[-1], healthy=False))
    elif block.trial and block.tries == 0:
        disks += settle(disks[-1])
    return disks, up


def settle(disk):
    """A trial without tries that does not run: its verdict was healthy, or it failed."""
    trial = disk.block.trial
    if disk.healthy:
        return [replace(disk, block=bless(disk.block, trial), proven=disk.proven | {trial})]
    return taken_back(disk)


def taken_back(disk):
    held = replace(disk, held=disk.held | {disk.block.trial}, healthy=False)
    return [held, replace(held, block=disarm(disk.block), given=0)]


def trying(disk, up):
    return up.trial and up.generation == disk.block.trial


def try_it(disk, up, rules, generation):
    if up is None or generation in disk.held or trying(disk, up):
        raise Refused
    return [replace(disk, block=arm(disk.block, generation, rules.tries), healthy=False,
                    given=0)], up


def verdict_healthy(disk, up, rules):
    if up is None or up.judged:
        raise Refused
    block, running = disk.block, up.generation
    told = replace(disk, healthy=up.trial or disk.healthy)
    after = replace(up, judged=True)
    if trying(disk, up):
        return [told, replace(told, block=bless(block, running), healthy=False, given=0,
                              proven=disk.proven | {running})], after
    if running == block.good:
        return [replace(disk, block=bless(block, running),
                        proven=disk.proven | {running})], after
    if running == block.previous and block.miss >= rules.miss_limit:
        return [replace(disk, block=roll_back(block, running, False))], after
    return [disk], after


def verdict_failed(disk, up, _rules):
    if up is None or up.judged:
        raise Refused
    after = replace(up, judged=True)
    if trying(disk, up):
        return taken_back(disk), after
    return [disk], after


def reboot(disk, up, rules):
    """In order. A boot that had no verdict gives its try, or its miss, back."""
    if up is None:
        raise Refused
    disks = [disk]
    if not up.judged and (not up.trial or disk.given < GIVEN_BACK):
        disks.append(replace(disk, block=give_back(disk.block, up.generation, up.trial)))
    if up.trial and not up.judged:
        disks.append(replace(disks[-1], given=min(disk.given + 1, GIVEN_BACK)))
    later, now = boot(disks[-1], None, rules)
    return disks + later, now


def dies(disk, up, rules):
    """The power fails, or the kernel panics, whatever ran; the next boot follows."""
    if up is None:
        raise Refused
    return boot(disk, None, rules)


def dies_twice(disk, up, rules):
    """So does the next boot, before anything of kuro runs in it."""
    disks, _ = dies(disk, up, rules)
    later, now = boot(disks[0], None, rules)
    return disks[:1] + later, now


def rollback(disk, up, _rules):
    """A person's word."""
    if up is None:
        raise Refused
    block = disk.block
    if block.trial:
        return taken_back(disk), up
    if not block.previous or block.previous not in disk.proven:
        raise Refused
    held = replace(disk, held=disk.held | {block.good})
    return [held, replace(held, block=roll_back(block, block.previous, True))], up


def unhold(disk, up, _rules):
    if up is None or not disk.held:
        raise Refused
    return [replace(disk, held=frozenset())], up


def events(generations):
    """Name to function (disk, up, rules) -> (disks, up)."""
    told = {'dies': dies, 'dies-twice': dies_twice, 'reboot': reboot, 'healthy': verdict_healthy,
            'failed': verdict_failed, 'rollback': rollback, 'unhold': unhold}
    for number in generations:
        told[f'try-{number}'] = (
            lambda disk, up, rules, n=number: try_it(disk, up, rules, n))
    return told


# ---- every state ----------------------------------------------------------------------------

def wrong(disk, rules):
    """What GRUB would do with this disk and must not, or None."""
    role, _ = choose(disk.block, rules.miss_limit)
    generation = chosen(disk.block, role)
    if role == 'distribution':
        return 'nothing of kuro is left to boot'
    if role == 'trial' and not disk.block.tries:
        return 'a trial without a try'
    if role != 'trial' and generation not in disk.proven:
        return f'generation {generation} as the {role} one, never found healthy'
    return None


def endless(disk, rules):
    """Boots that all die must come to a proven generation and stay with it."""
    block = disk.block
    for _ in range(9 + rules.miss_limit + 1):
        _, block = choose(block, rules.miss_limit)
    role, _ = choose(block, rules.miss_limit)
    return role == 'trial'


def explore(generations, rules):
    """Every (disk, up) that can be reached, cuts included, and each step between them:
    (disks and ups, [(from, event, to or None where refused)], faults)."""
    begin = (Disk(Block(good=1), frozenset({1})), Up(1))
    todo, seen, steps, faults = deque([begin]), {begin}, [], []
    while todo:
        disk, up = state = todo.popleft()
        for name, event in events(generations).items():
            try:
                disks, after = event(disk, up, rules)
            except Refused:
                steps.append((state, name, None))
                continue
            steps.append((state, name, (disks[-1], after)))
            reached = [(disks[-1], after)]
            for cut in disks:
                faults += [f'{name} from {state}: {what}' for what in
                           (wrong(cut, rules), endless(cut, rules) and 'tried for ever')
                           if what]
                later, now = boot(cut, None, rules)
                reached.append((later[-1], now))
            for state_after in reached:
                if state_after not in seen:
                    seen.add(state_after)
                    todo.append(state_after)
    return seen, steps, faults
