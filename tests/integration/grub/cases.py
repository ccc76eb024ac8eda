# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cases: every value of every variable, every damage of a block and of a generation."""
import itertools
import random
from dataclasses import dataclass, field, replace

from lab import SIGNATURE, block, boot_cfg, generation, sectors
from model import Generation, Grub

GOOD, PREV, TRIAL, MISSING = '11', '12', '13', '404'

POINTERS = ['', '1', '999999', MISSING, '0', '011', '1000000', '12345678901234567890', '-1', '+11',
            '0x11', '11 ', ' 11', '11\n', '\n11', '11 12', '11;echo', '$kuro_good', '../11', '11/../12',
            '--help', '-h', '--usage', '-u', '--set', '!', '(', ')', '-f', '-n', '=', '*', '1*', '[1-9]', '\\',
            '"', "'", '{', '}', '\u00b2', 'x' * 300, '1' * 300, 'true', 'y']
COUNTS = list('0123456789') + ['', 'x', '10', '-1', '00', '01', '1 ', '1\n', '0x1', '!', '--help', '-', '\\', '1>0']


@dataclass
class Case:
    name: str
    block: bytes
    grub: Grub = field(default_factory=Grub)
    default: str = '0'
    boot_once: bool = False
    settings: dict = field(default_factory=dict)
    to_the_end: bool = False                        # through every fallback, 2.5 s each
    expect: dict = field(default_factory=dict)      # more that must be told, by name


def flip(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1:]


def damages(number, whole):
    """name -> (files to put in or take out (None), boot.cfg opens, it loads)."""
    cfg, sums = whole['boot.cfg'], whole['sums']
    noise = random.Random(5).randbytes(700)
    other = boot_cfg(GOOD, whole['vmlinuz'], whole['initrd.img'])
    return {
        'vmlinuz flipped': ({'vmlinuz': flip(whole['vmlinuz'])}, True, True),
        'vmlinuz missing': ({'vmlinuz': None}, True, True),
        'vmlinuz empty': ({'vmlinuz': b''}, True, True),
        'vmlinuz short': ({'vmlinuz': whole['vmlinuz'][:5000]}, True, True),
        'vmlinuz long': ({'vmlinuz': whole['vmlinuz'] + bytes(5000)}, True, True),
        'vmlinuz one byte short': ({'vmlinuz': whole['vmlinuz'][:-1]}, True, True),
        'vmlinuz refused': ({'unloadable': b''}, True, True),
        'initrd flipped': ({'initrd.img': flip(whole['initrd.img'])}, True, True),
        'initrd missing': ({'initrd.img': None}, True, True),
        'initrd empty': ({'initrd.img': b''}, True, True),
        'initrd truncated': ({'initrd.img': whole['initrd.img'][:4096]}, True, True),
        'initrd zeroed': ({'initrd.img': bytes(len(whole['initrd.img']))}, True, True),
        'sums missing': ({'sums': None}, True, True),
        'sums empty': ({'sums': b''}, True, True),
        'sums torn': ({'sums': sums[:100]}, True, True),
        'sums zeroed': ({'sums': bytes(len(sums))}, True, True),
        'sums zeroed in its block': ({'sums': bytes(len(sums)) + b'\n'}, True, True),
        'sums flipped': ({'sums': b'f' + sums[1:] if sums[:1] != b'f' else b'0' + sums[1:]}, True, True),
        'boot.cfg missing': ({'boot.cfg': None}, False, False),
        'boot.cfg empty': ({'boot.cfg': b''}, False, False),
        'boot.cfg zeroed': ({'boot.cfg': bytes(len(cfg))}, False, False),
        'boot.cfg noise': ({'boot.cfg': noise}, False, False),
        'boot.cfg of another': ({'boot.cfg': other}, False, False),
        'boot.cfg says another': (
            {'boot.cfg': cfg.replace(f'kuro_this={number}'.encode(), b'kuro_this=11')}, False, True),
        'boot.cfg torn in the function': ({'boot.cfg': cfg[:len(cfg) - 40]}, True, False),
        'boot.cfg torn early': ({'boot.cfg': cfg[:60]}, False, False),
        'boot.cfg open quote': ({'boot.cfg': cfg.replace(b"amd64'", b'amd64')}, False, False),
        'boot.cfg open if': ({'boot.cfg': cfg.replace(b'\tfi\n}', b'}')}, True, False),
        'boot.cfg without function': ({'boot.cfg': cfg.split(b'function')[0]}, True, False),
        'boot.cfg loads another': (
            {'boot.cfg': cfg.replace(f'kuro_loaded={number}'.encode(), b'kuro_loaded=11')}, True, False),
    }


def make_generations():
    """number -> Generation, and damage -> number for the sized and the unsized ones."""
    made, numbers = {}, {True: {}, False: {}}
    for number in (1, 11, 12, 13, 999999):
        made[str(number)] = generation(number)
    made['14'] = generation(14, initrd=False)
    made['15'] = generation(15, sized=False)
    result = {n: Generation(n, f) for n, f in made.items()}
    for it in result.values():
        if it.number != '15':
            it.declared = declared(it.files)
    count = itertools.count(100)
    for sized in (True, False):
        for name in damages(0, generation(0)):
            number = next(count)
            whole = generation(number, sized=sized)
            change, opens, defines = damages(number, whole)[name]
            files = {k: v for k, v in {**whole, **change}.items() if v is not None}
            result[str(number)] = Generation(str(number), files, opens, defines,
                                             declared(whole) if sized else {})
            numbers[sized][name] = str(number)
    return result, numbers


def declared(files):
    return {n: sectors(files[n]) for n in ('vmlinuz', 'initrd.img') if n in files}


STATES = {'steady': {'trial': '', 'tries': '0', 'miss': '0'}, 'armed': {}, 'spent': {'tries': '0'},
          'at the limit': {'trial': '', 'tries': '0', 'miss': '3'}}


def state(**changed):
    return {'good': GOOD, 'prev': PREV, 'trial': TRIAL, 'tries': '1', 'miss': '0', **changed}


def combinations(numbers):
    """All together: pointers empty, whole, missing, damaged, illegal x counters."""
    bad = numbers[True]['vmlinuz flipped']
    for good, prev, trial, tries, miss in itertools.product(
            ['', GOOD, MISSING, '1x'], ['', PREV, '1x'], ['', TRIAL, bad, '1x'],
            ['0', '1', '2', '', 'x'], ['0', '2', '3', 'x']):
        values = dict(good=good, prev=prev, trial=trial, tries=tries, miss=miss)
        yield Case('combination ' + ' '.join(f'{k}={v}' for k, v in values.items()), block(**values))


def every_value(_):
    """Each variable through all its legal and illegal values, in each state."""
    for (name, base), variable in itertools.product(STATES.items(), ('good', 'prev', 'trial', 'tries', 'miss')):
        for value in COUNTS if variable in ('tries', 'miss') else POINTERS:
            yield Case(f'{name}, {variable}={value[:24]!r}', block(**state(**{**base, variable: value})))
    for limit in range(1, 10):
        for miss in range(10):
            yield Case(f'limit {limit}, miss {miss}', block(**state(trial='', tries='0', miss=str(miss))),
                       Grub(miss_limit=limit), settings={'kuro_miss_limit': str(limit)})


def same_generation(_):
    for good, prev, trial in itertools.product((GOOD, PREV), repeat=3):
        for miss in '03':
            yield Case(f'shared {good} {prev} {trial} {miss}',
                       block(**state(good=good, prev=prev, trial=trial, miss=miss)))


def blocks(_):
    """The block damaged in every way; each with a state that would try."""
    whole = block(**state())
    noise = random.Random(3)
    body = whole[len(SIGNATURE):]
    for limit in ('at the limit', 'armed'):
        full = block(**state(**STATES[limit]))
        for name, data in {
                'missing': None, 'empty': b'', 'short': full[:100], '512 bytes': full[:512],
                'random': noise.randbytes(1024), 'no signature': b'# A Environment Block!!!\n' + body,
                'signature only': SIGNATURE, 'one byte': b'#', 'zero after the first sector': full[:512] + bytes(512),
                'zero first sector': bytes(512) + full[512:], 'all zero': bytes(1024), 'no room': full.replace(b'#', b''),
                'torn in the middle': full[:60] + bytes(1024 - 60), 'noise after the first sector': full[:512] + noise.randbytes(512),
                'CRLF': full.replace(b'\n', b'\r\n')[:1024], 'one megabyte': full.ljust(1 << 20, b'#'),
                'twice': (full.rstrip(b'#') + full[len(SIGNATURE):]).ljust(1024, b'#')[:1024],
                'tries twice': (full.rstrip(b'#') + b'kuro_tries=1\n').ljust(1024, b'#'),
                'other variables': (full.rstrip(b'#') + b'root=x\nprefix=y\ndefault=z\ntimeout=-1\npager=1\nboot_once=true\n'
                                    b'kuro_env=/x\nkuro_choice=trial\nkuro_sound=y\nkuro_ok=y\n').ljust(1024, b'#'),
                'good only': block(good=GOOD), 'no variables': SIGNATURE.ljust(1024, b'#'),
                'backslash at the end': (full.rstrip(b'#') + b'a=b').ljust(1023, b'#') + b'\\',
        }.items():
            yield Case(f'{limit}, block {name}', data if data is not None else b'',
                       settings={} if data is not None else {'kuro_env': '(hd0)/kuro/none'})
        for cut in range(0, 140, 5):
            yield Case(f'{limit}, block cut at {cut}', full[:cut] + bytes(1024 - cut))


def left_over(_):
    """What was set before counts for nothing, whichever of the variables the block lacks."""
    before = {f'kuro_{name}': value for name, value in state().items()}
    yield Case('set before, no block', b'', settings={**before, 'kuro_env': '(hd0)/kuro/none'})
    for name in state():
        rest = {k: v for k, v in state().items() if k != name}
        yield Case(f'set before, block without {name}', block(**rest), settings=before)


def damaged_generations(numbers):
    """Every damage in every role, on a GRUB with and without hashsum, loopback."""
    grubs = {'': Grub(), 'no hashsum': Grub(hashsum=False), 'no loopback': Grub(hashsum=False, loopback=False),
             'verified good': Grub(verify_good=True)}
    for (title, grub), sized in itertools.product(grubs.items(), (True, False)):
        if not sized and (grub.verify_good or not grub.loopback):
            continue                                # says nothing that the others do not
        for damage, number in {**numbers[sized], 'none': '15', 'no initrd': '14'}.items():
            for changed in ({'trial': number}, {'trial': '', 'good': number},
                            {'trial': '', 'good': number, 'prev': number}, {'trial': number, 'good': number, 'prev': ''},
                            {'trial': number, 'good': MISSING, 'prev': number}, {'trial': number, 'good': '15'}, {'trial': '', 'prev': number, 'miss': '3'}):
                yield Case(f'{damage} {title} sized={sized} {changed}', block(**state(**changed)), grub)


def crippled(_):
    """GRUB without regexp, a disk that does not write, and one that says it did."""
    for grub in (Grub(regexp=False), Grub(writes='fail'), Grub(writes='lost')):
        for changed in (*STATES.values(), {'good': ''}, {'good': '', 'prev': ''}, {'tries': '2', 'miss': '1'}):
            yield Case(f'{grub} {changed}', block(**state(**changed)), grub)


def person(_):
    """grub-reboot: the choice stands, nothing is written."""
    for default, changed in itertools.product(('third', 'kuro-previous', 'kuro-trial', 'kuro-good', 'more>inner2'),
                                              (*STATES.values(), {'good': ''}, {'trial': 'x'})):
        yield Case(f'one-shot {default} {changed}', block(**state(**changed)), default=default, boot_once=True)


def distribution(_):
    """Nothing proven is known: the distribution's default, wherever its entries stand now."""
    for default in ('', '0', '1', '2', '1>0', '1>1', 'more>inner2', 'third', '12', 'gone'):
        for good, prev in (('', ''), ('', PREV), (GOOD, '')):
            yield Case(f'default {default!r} good={good!r}', block(**state(good=good, prev=prev)), default=default)


def fallbacks(numbers):
    """Nothing proven can be started: the distribution's first entry, without a key."""
    for good, prev, trial in ((MISSING, '', ''), (MISSING, MISSING, MISSING), ('', MISSING, ''),
                              (numbers[True]['boot.cfg open quote'], numbers[True]['vmlinuz refused'],
                               numbers[False]['initrd missing'])):
        yield Case(f'fallback good={good} prev={prev} trial={trial}', to_the_end=True,
                   block=block(**state(good=good, prev=prev, trial=trial)))
    yield Case('fallback from an unknown entry', block(**state(good='', prev='')), default='gone', to_the_end=True)


def settings(_):
    """Settings out of their bounds, and a menu that would wait."""
    for timeout, seen in {'0': '0', '5': '5', '9999': '9999', '-1': '7', '': '7', 'x': '7', '99999': '7',
                          '4294967295': '7', '--help': '7', '1 ': '7', '-0': '7'}.items():
        yield Case(f'timeout {timeout!r}', block(**state()), expect={'timeout': seen},
                   settings={'timeout': timeout, 'kuro_menu_timeout': '7', 'pager': '1'})
    for given, seen in {'0': '0', '60': '60', '61': '5', '': '5', '-1': '5', 'x': '5', '05': '5', '--help': '5'}.items():
        yield Case(f'menu timeout {given!r}', block(**state()), expect={'timeout': seen},
                   settings={'timeout': '-1', 'kuro_menu_timeout': given})
    for given in ('', '0', 'x', '10', '-1', '--help', '3'):
        for miss in '239':
            yield Case(f'miss limit {given!r} {miss}', block(**state(trial='', miss=miss)),
                       settings={'kuro_miss_limit': given})


GROUPS = {
    'all combinations of the five variables': combinations,
    'every legal and illegal value of each variable': every_value,
    'pointers that share a generation': same_generation,
    'damaged environment blocks': blocks,
    'variables that were set before': left_over,
    'damaged generations in every role': damaged_generations,
    'GRUB without regexp, disks that do not write': crippled,
    "a person's choice for one boot": person,
    "the distribution's default when nothing is proven": distribution,
    'fallback to the distribution when nothing can be started': fallbacks,
    'settings out of bounds and timeouts': settings,
}


def everything():
    generations, numbers = make_generations()
    groups = {name: [replace(c, name=c.name) for c in make(numbers)] for name, make in GROUPS.items()}
    return generations, groups
