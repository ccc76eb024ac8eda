# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which cuts there are: what of the writes between two flushes has reached the disk when the
power fails. A flush makes what came before it last; nothing else does."""
import random
from typing import NamedTuple

SECTOR = 512
RANDOM = 12         # subsets an epoch


class Cut(NamedTuple):
    """name: where and how; writes: what reached the disk since the flush before."""
    name: str
    kind: str
    writes: list


def epochs(entries):
    """(writes before it, writes of it) for what lies between two flushes, in order."""
    done, writes = [], []
    for entry in [*entries, None]:
        if entry is not None:
            writes.append(entry)
        elif writes:
            yield done, writes
            done, writes = writes, []


def pieces(write, chosen):
    """The sectors of a write whose numbers were chosen."""
    offset, data = write
    return [(offset + n * SECTOR, data[n * SECTOR:(n + 1) * SECTOR]) for n in chosen]


def sectors(write):
    return range(len(write[1]) // SECTOR)


def _torn(writes, name):
    for n, write in enumerate(writes):
        for sector in sectors(write)[1:]:
            yield Cut(f'{name}/first-{sector}-sectors-of-{n}', 'torn',
                      [*writes[:n], *pieces(write, range(sector))])
        for sector in sectors(write) if len(sectors(write)) > 1 else ():
            kept = [other for other in sectors(write) if other != sector]
            yield Cut(f'{name}/sector-{sector}-of-{n}-lost', 'torn',
                      [*writes[:n], *pieces(write, kept), *writes[n + 1:]])


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


def cuts(writes, name, seed):
    """Every cut of one epoch but the one where all of it is there at its very end."""
    for count in range(len(writes)):
        yield Cut(f'{name}/first-{count}', 'prefix', writes[:count])
    for count in range(len(writes) - 1):
        yield Cut(f'{name}/without-{count}', 'dropped', writes[:count] + writes[count + 1:])
    yield from _torn(writes, name)
    if len(writes) > 1 or len(sectors(writes[0])) > 1:
        yield from _random(writes, name, seed)
