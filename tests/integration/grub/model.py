# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a boot must do, written down without looking at kuro.cfg: from the bytes of the
environment block, the files of the generations and what this GRUB can do, to the entry that
becomes the default, what is started, and the bytes of the block afterwards."""
import hashlib
import re
from dataclasses import dataclass, field

from lab import SIGNATURE, sectors

NAMES = ('good', 'prev', 'trial', 'tries', 'miss')


@dataclass
class Generation:
    number: str
    files: dict
    opens: bool = True          # boot.cfg is readable and of this generation
    defines: bool = True        # boot.cfg's function loads this generation
    declared: dict = field(default_factory=dict)

    def sizes_fit(self, loopback):
        names = ['vmlinuz'] + [n for n in ('initrd.img',) if n in self.declared or n in self.files]
        for name in names:
            data = self.files.get(name)
            if not data:
                return False
            if loopback and name in self.declared and sectors(data) != self.declared[name]:
                return False
        return True

    def sums_fit(self):
        for line in self.files.get('sums', b'').decode('latin-1').splitlines():
            match = re.fullmatch(r'([0-9a-f]{64})  (.+)', line)
            if not match or match[2] not in self.files:
                return False
            if hashlib.sha256(self.files[match[2]]).hexdigest() != match[1]:
                return False
        return bool(self.files.get('sums'))

    def starts(self, role, grub):
        if not self.opens or not self.sizes_fit(grub.loopback):
            return False
        if role == 'trial' or grub.verify_good:
            if not self.files.get('sums') or (grub.hashsum and not self.sums_fit()):
                return False
        wants_initrd = b'initrd "' in self.files.get('boot.cfg', b'')
        return (self.defines and 'unloadable' not in self.files
                and (not wants_initrd or 'initrd.img' in self.files))


@dataclass
class Grub:
    """What this GRUB and this machine can do."""
    hashsum: bool = True
    loopback: bool = True
    regexp: bool = True
    writes: str = 'yes'         # 'yes'; 'fail': an error; 'lost': success, nothing written
    verify_good: bool = False
    miss_limit: int = 3


@dataclass
class Outcome:
    default: str
    started: str                # 'role/number', or the id of the distribution's entry
    block: bytes


def lines(data):
    """The lines of a block; a backslash takes what follows it, a newline too, into the line."""
    at, line = 0, re.compile(rb'((?:[^\\\n]|\\.)*)\n', re.DOTALL)
    while match := line.match(data, at):
        yield match[1]
        at = match.end()


def parse(data):
    """The variables, or none of them, as GRUB reads a block; the last of a name counts."""
    values = dict.fromkeys(NAMES, '')
    if not data.startswith(SIGNATURE):
        return values
    for raw in lines(data[len(SIGNATURE):]):
        name, equals, value = raw.partition(b'=')
        name = name.decode('latin-1')
        if equals and not raw.startswith(b'#') and name.removeprefix('kuro_') in NAMES:
            text = re.sub(rb'\\(.)', rb'\1', value, flags=re.DOTALL).decode('latin-1')
            values[name.removeprefix('kuro_')] = text
    return values


def put(data, name, digit):
    """The block with the first such variable's one digit replaced."""
    if not data.rstrip(b'#').endswith(b'\n'):   # GRUB finds no end of the variables
        return data
    return re.sub(rb'(\nkuro_' + name.encode() + rb'=)[0-9]', rb'\g<1>' + digit.encode(), data,
                  count=1)


def number_or_nothing(value, grub):
    return value if grub.regexp and re.fullmatch(r'[1-9][0-9]{0,5}', value) else ''


def decide(data, grub):
    """The role that becomes the default (or None), and the block afterwards."""
    raw = parse(data)
    good, prev, trial = (number_or_nothing(raw[n], grub) for n in ('good', 'prev', 'trial'))
    digits = {n: raw[n] if raw[n] in tuple('0123456789') else None for n in ('tries', 'miss')}
    sound = (good and prev == raw['prev'] and trial == raw['trial']
             and None not in digits.values())
    if sound and trial and trial != good and digits['tries'] != '0':
        left = str(int(digits['tries']) - 1)
        after = put(data, 'tries', left) if grub.writes == 'yes' else data
        if grub.writes != 'fail' and parse(after) == {**raw, 'tries': left}:
            return 'trial', after
        data = after
    if not good:
        return ('previous' if prev else None), data
    if digits['miss'] is None:
        return 'good', data
    if int(digits['miss']) >= grub.miss_limit:
        return ('previous' if prev and prev != good else 'good'), data
    if grub.writes == 'yes':
        data = put(data, 'miss', str(int(digits['miss']) + 1))
    return 'good', data


DISTRIBUTION = {'': ('3', 'first'), '0': ('3', 'first'), '1': ('4', 'inner'), '2': ('5', 'third'),
                '1>0': ('4>0', 'inner'), '1>1': ('4>1', 'inner2'), 'more>inner2': (None, 'inner2'),
                'third': (None, 'third'), '12': ('3', 'first'), 'gone': (None, 'first')}


def judge(case, generations):
    """What must be seen of CASE."""
    grub, raw = case.grub, parse(case.block)
    pointer = {role: number_or_nothing(raw[name], grub) for role, name in
               (('good', 'good'), ('previous', 'prev'), ('trial', 'trial'))}
    chosen, after, default = None, case.block, case.default
    if case.boot_once:
        chosen = case.default.removeprefix('kuro-') if case.default.startswith('kuro-') else None
    else:
        chosen, after = decide(case.block, grub)
        default = f'kuro-{chosen}' if chosen else DISTRIBUTION[case.default][0] or case.default
    order = {'good': ('good', 'previous'), 'previous': ('previous', 'good'),
             'trial': ('trial', 'good', 'previous'), None: ()}[chosen]
    for role in order:
        it = generations.get(pointer[role])
        if it and it.starts(role, grub):
            return Outcome(default, f'{role}/{it.number}', after)
    if chosen:
        return Outcome(default, 'first' if case.to_the_end else 'fallback', after)
    started = DISTRIBUTION[case.default][1]
    if started == 'first' and case.default == 'gone':      # GRUB takes entry 0 for an unknown id
        case = type(case)('', case.block, grub, default='kuro-good', boot_once=True,
                          to_the_end=case.to_the_end)
        return Outcome(default, judge(case, generations).started, after)
    return Outcome(default, started, after)
