# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lets GRUB's own code take a boot decision in userspace.

One ext4 image holds every generation and every case's environment block; grub-emu runs one
grub.cfg a case against it, reading and writing the image with GRUB's own drivers. `linux` and
`initrd` do not exist there and are GRUB functions; `boot` is replaced by one that tells what
would be booted and ends. Nothing is mounted and no privilege is needed.
"""
import functools
import hashlib
import os
import random
import re
import select
import shutil
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
GRUB = os.path.join(HERE, '..', '..', '..', 'grub')
SIGNATURE = b'# GRUB Environment Block\n'
SECTOR = 512


def block(size=1024, **variables):
    """An environment block as kuro writes it; a value may be hostile."""
    text = SIGNATURE
    for name, value in variables.items():
        value = value.replace('\\', '\\\\').replace('\n', '\\\n')
        text += f'kuro_{name}={value}\n'.encode()
    return text.ljust(size, b'#')


def sectors(data):
    return -(-len(data) // SECTOR)


def boot_cfg(number, vmlinuz, initrd, sized=True):
    """boot.cfg exactly as kuro writes it (see grub/README.md)."""
    lines = [f'# generation {number} of kuro; written once, never changed',
             f'set kuro_this={number}',
             f"set kuro_title='Debian GNU/Linux, 6.1.0-{number}-amd64'"]
    if sized:
        lines.append(f'set kuro_vmlinuz_sectors={sectors(vmlinuz)}')
        if initrd is not None:
            lines.append(f'set kuro_initrd_sectors={sectors(initrd)}')
    linux = f"\t\tif linux \"$kuro_dir/vmlinuz\" 'root=UUID=0a' 'ro'"
    mine, then = f" 'kuro.generation={number}'", f'; then set kuro_linux={number}; fi'
    loaded = f'set kuro_loaded={number}'
    lines += ['function kuro_load {', '\tset kuro_linux=',
              '\tif [ "$kuro_role" = trial ]; then',
              linux + " 'panic=10'" + mine + " 'kuro.trial=1'" + then,
              '\telse', linux + mine + then, '\tfi',
              f'\tif [ "$kuro_linux" = {number} ]; then',
              '\t\t' + (loaded if initrd is None else f'if initrd "$kuro_dir/initrd.img"; then {loaded}; fi'),
              '\tfi', '}']
    return ('\n'.join(lines) + '\n').encode()


def generation(number, initrd=True, sized=True):
    """The files of a whole generation; every one of them unlike any other's."""
    noise = random.Random(number)
    files = {'vmlinuz': noise.randbytes(9000 + number % 8 * 600)}
    if initrd:
        files['initrd.img'] = b'\x1f\x8b\x08\x00' + noise.randbytes(12000 + number % 8 * 600)
    files['boot.cfg'] = boot_cfg(number, files['vmlinuz'], files.get('initrd.img'), sized)
    files['sums'] = ''.join(f'{hashlib.sha256(data).hexdigest()}  {name}\n'
                            for name, data in sorted(files.items())).encode()
    files['manifest.json'] = b'{}\n'
    return files


class Image:
    """The machine's boot file system, in a file."""

    def __init__(self, folder, generations, blocks):
        self.path = os.path.join(folder, 'disk.img')
        self.tree = os.path.join(folder, 'tree')
        for number, files in generations.items():
            for name, data in files.items():
                self.put(f'kuro/gen/{number}/{name}', data)
        self.put('kuro/hashable', b'')
        self.put('kuro/unhashable', b'no list of sums\n')
        for name, data in blocks.items():
            self.put(name, data)
        self.make(max(len(blocks) * 3, 1024))
        self.offsets = self.locate(list(blocks))

    def put(self, name, data):
        path = os.path.join(self.tree, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if data is None:
            os.makedirs(path, exist_ok=True)
        else:
            with open(path, 'wb') as file:
                file.write(data)

    def make(self, room):
        subprocess.run(['mke2fs', '-q', '-F', '-t', 'ext4', '-b', '1024', '-N', str(room),
                        '-U', UUID, '-d', self.tree, self.path, f'{room + 16384}'],
                       check=True, stdout=subprocess.DEVNULL)

    def locate(self, names):
        """Byte offset and length of each file; each is contiguous or a test says so."""
        script = self.path + '.debugfs'
        with open(script, 'w', encoding='ascii') as file:
            file.writelines(f'blocks /{name}\n' for name in names)
        out = subprocess.run(['debugfs', '-f', script, self.path], check=True, text=True,
                             capture_output=True).stdout
        rows = re.split(r'debugfs: blocks .*\n', out)[1:]
        offsets = {}
        for name, row in zip(names, rows):
            first = [int(x) for x in row.split()]
            assert first == list(range(first[0], first[0] + len(first))) if first else True
            size = os.path.getsize(os.path.join(self.tree, name))
            offsets[name] = (first[0] * 1024 if first else None, size)
        return offsets

    def read(self, name):
        offset, size = self.offsets[name]
        if offset is None:                      # a hole: mke2fs leaves zeroes out
            return bytes(size)
        with open(self.path, 'rb') as file:
            file.seek(offset)
            return file.read(size)


    def write(self, name, data):
        offset, _ = self.offsets[name]
        if offset is not None:
            with open(self.path, 'r+b') as file:
                file.seek(offset)
                file.write(data)


UUID = '5d1f9d0c-7c0e-4c8e-8c55-3d2f0c8e1a77'

# What stands for the commands that load and boot. A kernel is loaded without its initramfs until
# `initrd` has been called, exactly as in GRUB.
PRELUDE = '''
set kuro_test_kernel=none
function linux {
	if [ ! -s "$1" ]; then return 1; fi
	if [ -e "$kuro_dir/unloadable" ]; then return 1; fi
	set kuro_test_kernel="$1"
	set kuro_test_initrd=none
	set kuro_test_trial=
	for kuro_test_word in "$@"; do
		if [ "$kuro_test_word" = kuro.trial=1 ]; then set kuro_test_trial=trial; fi
	done
}
function initrd {
	if [ ! -e "$1" ]; then return 1; fi
	set kuro_test_initrd="$1"
}
function kuro_test_boot {
	echo
	echo "T kernel=$kuro_test_kernel;"
	echo "T initrd=$kuro_test_initrd;"
	echo "T trial=$kuro_test_trial;"
	echo "T role=$kuro_role;"
	exit
}
function kuro_test_fail { return 1; }
function kuro_test_save { if [ -n yes ]; then return 0; fi; }
'''

DISTRIBUTION = '''
echo
echo "T default=$default;"
echo "T fallback=$fallback;"
echo "T timeout=$timeout;"
echo "T pager=$pager;"
echo "T root=$root;"
set timeout=0
menuentry "first" --id first { echo; echo "T distribution=first;"; exit; }
submenu "more" --id more {
	menuentry "inner" --id inner { echo; echo "T distribution=inner;"; exit; }
	menuentry "inner2" --id inner2 { echo; echo "T distribution=inner2;"; exit; }
}
menuentry "third" --id third { echo; echo "T distribution=third;"; exit; }
'''


class Run:
    """What one boot showed: `told` is what the test's functions printed."""

    def __init__(self, output, stuck, waits, seconds):
        self.output, self.stuck, self.waits, self.seconds = output, stuck, waits, seconds
        self.fell_back = 'Falling back' in output
        self.told = dict(re.findall(r'T (\w+)=([^;\n]*);', output))


ANSI = re.compile(rb'\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][0-9A-B]|[\r\x0f]')


def address_and_offset(path):
    """The addresses of a program's symbols, and what leads from one in .data into the file."""
    rows = subprocess.run(['nm', path], check=True, text=True, capture_output=True).stdout
    addresses = {row[2]: int(row[0], 16) for row in map(str.split, rows.splitlines()) if len(row) == 3}
    table = subprocess.run(['readelf', '-SW', path], check=True, text=True, capture_output=True).stdout
    start, offset = re.search(r' \.data +PROGBITS +(\w+) (\w+)', table).groups()
    return addresses, int(offset, 16) - int(start, 16)


@functools.cache
def quick_grub():
    """A copy of grub-emu that spares two thirds of a decision's time, in a file without a name;
    grub-emu as it is where that can't be made. Its driver for ZFS, which is asked first about
    every disk and reads half a megabyte each time, asks romfs's question (struct grub_fs: next,
    prev, name, mod, fs_dir). SDL and its forty libraries, for a screen that is not used, are
    not loaded."""
    path = shutil.which('grub-emu')
    try:
        addresses, offset = address_and_offset(path)
        places = [addresses[f'grub_{name}_fs'] + offset + 32 for name in ('zfs', 'romfs')]
    except (OSError, subprocess.CalledProcessError, AttributeError, KeyError):
        return path, ()
    with open(path, 'rb') as file:
        data = bytearray(file.read())
    data[places[0]:places[0] + 8] = data[places[1]:places[1] + 8]
    data = data.replace(b'libSDL-1.2.so.0\0', b'libc.so.6\0'.ljust(16, b'\0'))
    copy = os.memfd_create('grub-emu')
    with open(copy, 'wb', closefd=False) as file:
        file.write(data)
    return f'/proc/self/fd/{copy}', (copy,)


def emulate(folder, devices, limit=20, press=True, stop=None, environment=None):
    """Runs grub-emu on FOLDER/grub.cfg. PRESS: GRUB's own 10 s after an error are cut short,
    and counted; nothing else is ever typed. STOP: this text ends the run (GRUB rests for
    2.5 s before each fallback). ENVIRONMENT: for it alone."""
    with open(os.path.join(folder, 'device.map'), 'w', encoding='ascii') as file:
        file.writelines(f'({name}) {path}\n' for name, path in devices.items())
    start = time.monotonic()
    program, files = quick_grub()
    process = subprocess.Popen([program, '-d', folder, '-m', folder + '/device.map', '-r', 'host'],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True, pass_fds=files,
                               env={'TERM': 'dumb', 'PATH': os.environ['PATH'],
                                    **(environment or {})})
    screen = process.stdout.fileno()
    output, waits, stuck = b'', 0, True
    while time.monotonic() - start < limit:
        if not select.select([screen], [], [], 0.5)[0]:
            if output.rstrip().endswith(b'grub>'):
                break
            continue
        data = os.read(screen, 65536)
        if not data:
            stuck = False
            break
        output += data
        if stop and stop in output:
            stuck = False
            break
        if output.count(b'Press any key') > waits:
            waits = output.count(b'Press any key')
            if press:
                os.write(process.stdin.fileno(), b' ')
        time.sleep(0.005)                       # it writes letter by letter
    process.kill()
    process.stdin.close()
    process.stdout.close()
    process.wait()
    text = ANSI.sub(b'', output).decode('utf-8', 'replace')
    return Run(text, stuck, waits, time.monotonic() - start)


def configuration(settings, body, after=DISTRIBUTION):
    """grub.cfg of a case: what 00_header would have set, the drop-in's settings, kuro.cfg."""
    return PRELUDE + ''.join(f'set {k}="{v}"\n' for k, v in settings.items()) + body + after


def kuro_cfg(path=None):
    """kuro.cfg with `boot` replaced; everything else is the shipped text."""
    with open(path or os.path.join(GRUB, 'kuro.cfg'), encoding='utf-8') as file:
        text = file.read()
    text, count = re.subn(r'\bthen boot;', 'then kuro_test_boot;', text)
    assert count == 1, 'kuro.cfg boots in one place'
    return text


