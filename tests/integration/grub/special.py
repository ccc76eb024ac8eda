# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is not one decision of many: the drop-in under the real grub-mkconfig, the block on
another file system, the syntax, the titles. Each test gets a folder and returns None or what
was wrong."""
import os
import re
import shutil
import subprocess

import cases
import lab

DROP_IN = os.path.join(lab.GRUB, '09_kuro')
TEMPLATE = os.path.join(lab.GRUB, 'kuro.cfg')

# grub-probe and grub-mkrelpath of a machine whose /boot is the test's image.
FAKES = {
    'grub-probe': f'''#!/bin/sh
case "$*" in
*--target=device*|*"-t device"*) echo /dev/vda2 ;;
*fs_uuid*) echo {lab.UUID} ;;
*--target=fs*|*"-t fs"*) echo ext2 ;;
*partmap*) echo gpt ;;
*hints_string*) echo "--hint-bios=hd9,gpt2" ;;
esac
''',
    'grub-mkrelpath': '#!/bin/sh\necho "/kuro${1#*/boot/kuro}"\n',
}


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path, mode)


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


class Machine:
    """/etc/grub.d, /boot/kuro and the tools in a folder; the drop-in's two paths point there."""

    def __init__(self, folder):
        self.folder = folder
        self.boot = folder + '/boot/kuro'
        self.template = folder + '/share/kuro.cfg'
        for name, text in FAKES.items():
            write(f'{folder}/bin/{name}', text, 0o755)
        write(self.boot + '/env', 'x')
        write(self.template, lab.kuro_cfg())
        drop_in = read(DROP_IN).replace('boot=/boot/kuro\n', f'boot={self.boot}\n')
        drop_in = drop_in.replace('template=/usr/share/kuro/grub/kuro.cfg', f'template={self.template}')
        write(f'{folder}/grub.d/09_kuro', drop_in, 0o755)
        self.environment = {**os.environ, 'pkgdatadir': '/usr/share/grub', 'LC_ALL': 'C',
                            **{n.replace('-', '_'): f'{folder}/bin/{n}' for n in FAKES}}

    def drop_in(self):
        return subprocess.run([self.folder + '/grub.d/09_kuro'], env=self.environment, text=True,
                              capture_output=True, check=False)

    def mkconfig(self):
        """The distribution's own grub-mkconfig and 00_header, on this folder."""
        script = shutil.which('grub-mkconfig') or shutil.which('grub2-mkconfig')
        text = re.sub(r'^sysconfdir=.*', f'sysconfdir={self.folder}', read(script), flags=re.M)
        text = re.sub(r'^grub_probe=.*', f'grub_probe={self.folder}/bin/grub-probe', text, flags=re.M)
        text = text.replace('EUID=`id -u`', 'EUID=0').replace('"$EUID" != 0', '"$EUID" != "$EUID"')
        write(self.folder + '/grub-mkconfig', text, 0o755)
        write(self.folder + '/default/grub', 'GRUB_DEFAULT=0\nGRUB_TIMEOUT=-1\nGRUB_TERMINAL=console\n')
        header = next(p for p in ('/etc/grub.d/00_header',) if os.path.exists(p))
        shutil.copy(header, self.folder + '/grub.d/00_header')
        write(self.folder + '/grub.d/01_test', f"#!/bin/sh\ncat <<'E'\n{lab.PRELUDE}E\n", 0o755)
        write(self.folder + '/grub.d/40_own', f"#!/bin/sh\ncat <<'E'\n{lab.DISTRIBUTION}E\n", 0o755)
        return subprocess.run([self.folder + '/grub-mkconfig', '-o', self.folder + '/cfg/grub.cfg'],
                              env={**self.environment}, text=True, capture_output=True, check=False)


def generated(folder):
    machine = Machine(folder)
    write(machine.boot + '/grub.conf', 'KURO_MISS_LIMIT=2\nKURO_MENU_TIMEOUT=9\n')
    os.makedirs(folder + '/cfg')
    made = machine.mkconfig()
    if made.returncode:
        return f'grub-mkconfig failed: {made.stderr[-300:]}'
    if subprocess.run(['grub-script-check', folder + '/cfg/grub.cfg'], check=False).returncode:
        return 'the generated grub.cfg has a syntax error'
    generations = {n: lab.generation(n) for n in (11, 12, 13)}
    values = cases.state(miss='1')
    image = lab.Image(folder, generations, {'kuro/env': lab.block(**values)})
    seen = []
    for _ in range(4):
        run = lab.emulate(folder + '/cfg', {'hd0': image.path})
        told = run.told
        if run.stuck or run.waits or told.get('timeout') != '9' or told.get('root') != 'host':
            return f'stuck or wrong settings: {told} {run.output[-300:]}'
        seen.append(told.get('kernel', '?').split('/')[-2])
    return None if seen == ['13', '11', '12', '12'] else f'boots in a row: {seen}'


def silent(folder):
    machine = Machine(folder)
    os.unlink(machine.boot + '/env')
    made = machine.drop_in()
    if made.returncode or made.stdout or made.stderr:
        return f'without a block: {made}'
    return None


def broken(folder):
    """Each thing that it needs is missing or fails: nothing printed, a line said, success."""
    for what in ('template', 'grub-probe', 'grub-mkrelpath', 'library'):
        here = f'{folder}/{what}'
        machine = Machine(here)
        if what == 'template':
            os.unlink(machine.template)
        elif what == 'library':
            machine.environment['pkgdatadir'] = here
        else:
            write(f'{here}/bin/{what}', '#!/bin/sh\nexit 1\n', 0o755)
        made = machine.drop_in()
        if made.returncode or made.stdout or 'kuro: ' not in made.stderr:
            return f'{what}: status {made.returncode}, {len(made.stdout)} bytes, {made.stderr!r}'
    return None


def hostile(folder):
    """grub.conf is read, never run, and nothing but harmless characters gets into grub.cfg."""
    machine = Machine(folder)
    write(machine.boot + '/grub.conf', f'touch {folder}/ran\nKURO_MISS_LIMIT=`touch {folder}/ran`\n'
          f'KURO_MENU_TIMEOUT=5"; halt; set x="\nKURO_UNRESTRICTED=$(touch {folder}/ran)\nKURO_VERIFY_GOOD=a b\n'
          'KURO_OTHER=1\nset -- KURO_MISS_LIMIT=7\n')
    made = machine.drop_in()
    if os.path.exists(folder + '/ran') or 'halt' in made.stdout:
        return 'a line of grub.conf was run'
    for line in ('kuro_miss_limit=""', 'kuro_menu_timeout=""', 'kuro_verify_good=""', 'kuro_unrestricted='):
        if f'set {line}\n' not in made.stdout:
            return f'no line "set {line}"'
    return None


def settings(folder):
    machine = Machine(folder)
    write(machine.boot + '/grub.conf', f'KURO_MISS_LIMIT=4\nKURO_MENU_TIMEOUT=11\nKURO_VERIFY_GOOD=yes\n'
          f'KURO_UNRESTRICTED=yes\nKURO_ENV={folder}/boot/kuro/esp/env\n')
    write(folder + '/boot/kuro/esp/env', 'x')
    text = machine.drop_in().stdout
    for line in ('kuro_miss_limit="4"', 'kuro_menu_timeout="11"', 'kuro_verify_good="yes"', 'kuro_path="/kuro"',
                 'kuro_unrestricted=--unrestricted', 'kuro_env="($root)/kuro/esp/env"', 'root="$kuro_root"'):
        if f'set {line}\n' not in text:
            return f'no line "set {line}"'
    return None if text.endswith(read(machine.template)) else 'the template is not the end'


def syntax(_):
    made = subprocess.run(['grub-script-check', TEMPLATE], capture_output=True, text=True, check=False)
    return made.stderr or None


def dropin_style(_):
    lines = read(DROP_IN).count('\n')
    if lines > 40:
        return f'{lines} lines'
    if not shutil.which('shellcheck'):
        return None
    made = subprocess.run(['shellcheck', DROP_IN], capture_output=True, text=True, check=False)
    return made.stdout[:300] or None


def titles(folder):
    """The menu as a person sees it, waiting; every role, with and without a generation."""
    image = lab.Image(folder, {11: lab.generation(11), 13: {'boot.cfg': b'set kuro_this=1\n'}},
                      {'kuro/env': lab.block(**cases.state(prev='', tries='0'))})
    os.makedirs(folder + '/cfg')
    settings_ = {'timeout': '2', 'kuro_dev': 'hd0', 'kuro_path': '/kuro', 'kuro_env': '(hd0)/kuro/env'}
    write(folder + '/cfg/grub.cfg', lab.configuration(
        settings_, lab.kuro_cfg(), lab.DISTRIBUTION.replace('set timeout=0', '')))
    seen = lab.emulate(folder + '/cfg', {'hd0': image.path})
    for title in ('Known good: Debian GNU/Linux, 6.1.0-11-amd64 (generation 11)', 'Previous: none',
                  'Trial: generation 13, damaged'):
        if title not in seen.output:
            return f'no entry "{title}"'
    return None if seen.told.get('role') == 'good' else f'did not boot by itself: {seen.told}'


def on_fat(folder):
    """The block on an EFI system partition, on another disk than the generations."""
    if not shutil.which('mformat'):
        return None
    image = lab.Image(folder, {n: lab.generation(n) for n in (11, 12, 13)}, {})
    write(folder + '/env', lab.block(**cases.state(tries='2')).decode())
    esp = folder + '/esp.img'
    for command in (['mformat', '-i', esp, '-C', '-T', '8192', '::'], ['mmd', '-i', esp, '::/kuro'],
                    ['mcopy', '-i', esp, folder + '/env', '::/kuro/env']):
        subprocess.run(command, check=True)
    os.makedirs(folder + '/cfg')
    write(folder + '/cfg/grub.cfg', lab.configuration(
        {'timeout': '0', 'kuro_dev': 'hd0', 'kuro_path': '/kuro', 'kuro_env': '(hd1)/kuro/env'}, lab.kuro_cfg()))
    boots = []
    for _ in range(3):
        told = lab.emulate(folder + '/cfg', {'hd0': image.path, 'hd1': esp}).told
        boots.append(told.get('kernel', '?').split('/')[-2:-1])
    block = subprocess.run(['mtype', '-i', esp, '::/kuro/env'], capture_output=True, check=True).stdout
    if boots != [['13'], ['13'], ['11']] or block != lab.block(**cases.state(tries='0', miss='1')):
        return f'{boots} {block[:120]!r}'
    return None


def without_a_hand(folder):
    """Errors of GRUB's own, nothing proven that starts, nobody who cuts its rests short."""
    image = lab.Image(folder, {11: {'boot.cfg': b"set x='\n"}}, {'kuro/env': lab.block(**cases.state())})
    os.makedirs(folder + '/cfg')
    write(folder + '/cfg/grub.cfg', lab.configuration(
        {'timeout': '0', 'kuro_dev': 'hd0', 'kuro_path': '/kuro', 'kuro_env': '(hd0)/kuro/env'}, lab.kuro_cfg()))
    seen = lab.emulate(folder + '/cfg', {'hd0': image.path}, limit=90, press=False)
    return None if seen.told.get('distribution') == 'first' else f'{seen.told} after {seen.seconds:.0f} s'


def poisoned(folder):
    """An entry that starts nothing leaves GRUB's error set, so that no half-loaded kernel is
    booted; `no command is specified` is that error, shown when GRUB falls back."""
    image = lab.Image(folder, {11: {}}, {'kuro/env': lab.block(**cases.state(trial=''))})
    os.makedirs(folder + '/cfg')
    write(folder + '/cfg/grub.cfg', lab.configuration(
        {'timeout': '0', 'kuro_dev': 'hd0', 'kuro_path': '/kuro', 'kuro_env': '(hd0)/kuro/env'}, lab.kuro_cfg()))
    seen = lab.emulate(folder + '/cfg', {'hd0': image.path})
    found = seen.output.count('no command is specified')
    return None if found == 3 else f'{found} of 3 entries'


TESTS = {
    'kuro.cfg is well-formed GRUB script': syntax,
    'the drop-in is short and clean': dropin_style,
    'grub.cfg of the real grub-mkconfig boots trial, good, previous': generated,
    'the drop-in prints nothing without a block': silent,
    'a failing drop-in prints nothing and succeeds': broken,
    'the drop-in does not run grub.conf': hostile,
    'the drop-in passes the settings on': settings,
    'the menu names each role': titles,
    'the block on a FAT file system': on_fat,
    'an entry that starts nothing leaves an error': poisoned,
    'nobody touches a key': without_a_hand,
}
