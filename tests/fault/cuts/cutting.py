# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which cuts there are: what of the writes between two flushes has reached the disk when the
power fails. A flush makes what came before it last; nothing else does."""
import random
from typing import NamedTuple

SECTOR = 512
RANDOM = 12         # subsets an epoch
TORN = 160          # places in a write


class Cut(NamedTuple):
    """name: where and how; writes: what reached the disk since the flush before."""
    name: str
    kind: str
    writes: list


def pieces(write, chosen):
    """The sectors of a write whose numbers were chosen."""
    offset, data = write
    return [(offset + n * SECTOR, data[n * SECTOR:(n + 1) * SECTOR]) for n in chosen]


def sectors(write):
    return range(len(write[1]) // SECTOR)


def places(write):
    """Where a write of more than one sector is torn: everywhere, but for those that are larger
    than what kuro makes (an XFS log that is made empty), which are torn in some places."""
    count = len(write[1]) // SECTOR
    return range(0 if count > 1 else 1, count, max(1, count // TORN))


def _torn(writes, name):
    for n, (offset, data) in enumerate(writes):
        for at in places((offset, data)):
            if at:
                yield Cut(f'{name}/first-{at}-sectors-of-{n}', 'torn',
                          [*writes[:n], (offset, data[:at * SECTOR])])
            after = (at + 1) * SECTOR
            yield Cut(f'{name}/sector-{at}-of-{n}-lost', 'torn',
                      [*writes[:n], (offset, data[:at * SECTOR]), (offset + after, data[after:]),
                       *writes[n + 1:]])


def _random(writes, name, seed):
    for count in range(RANDOM):
        chance = random.Random(f'{seed} {name} {count}')
        cut = []
        for write in chance.sample(writes, len(writes)):
            fate = chance.random()
            if fate < 0.4:
                cut.append(write)
            elif fate < 0.6:
                cut += pieces(write, [n for n in sectors(write) if chance.random() < 0.5])
        yield Cut(f'{name}/random-{count}', 'reordered', cut)


def cuts(writes, name, seed, mark=''):
    """Every cut of one epoch but the one where all of it is there at its very end. mark: at
    the end of each name."""
    for cut in _cuts(writes, name, seed):
        yield cut._replace(name=cut.name + mark)


def _cuts(writes, name, seed):
    for count in range(len(writes)):
        yield Cut(f'{name}/first-{count}', 'prefix', writes[:count])
    for count in range(len(writes) - 1):
        yield Cut(f'{name}/without-{count}', 'dropped', writes[:count] + writes[count + 1:])
    yield from _torn(writes, name)
    if len(writes) > 1 or writes and len(sectors(writes[0])) > 1:
        yield from _random(writes, name, seed)
