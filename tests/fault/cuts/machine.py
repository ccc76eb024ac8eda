# SPDX-License-Identifier: LGPL-2.1-or-later
"""The journey suite's machine with a disk that remembers every write: /boot in its first part,
/var/lib/kuro in its second, so that a cut takes both at one moment."""
import random
import struct
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'integration' / 'journey'))
import world as journey  # noqa: E402
from lab_tree import kernel_boot_files  # noqa: E402
from recorder import Recorder, read_log  # noqa: E402, F401

run = journey.run
MEBI = 1 << 20
STATE_SIZE = 24 * MEBI
PAYLOAD = 40 * 512      # of a small kernel: no module is vetted against it
EXT = ('mke2fs', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0')


class FileSystem(NamedTuple):
    """One that /boot may be: how it is made and mounted."""
    name: str
    make: tuple
    size: int = 48 * MEBI
    options: str = 'rw'


FILE_SYSTEMS = {kind.name: kind for kind in (
    FileSystem('ext4', (*EXT, '-t', 'ext4')),
    FileSystem('ext4-data-journal', (*EXT, '-t', 'ext4'), options='data=journal'),
    FileSystem('ext4-no-journal', (*EXT, '-t', 'ext4', '-O', '^has_journal')),
    FileSystem('ext2', (*EXT, '-t', 'ext2')),
    FileSystem('xfs', ('mkfs.xfs', '-q', '-f'), 320 * MEBI, 'nouuid'),  # several machines
)}


def small_kernel(data):
    """A real kernel's first sectors, its own lengths shortened: quick to hash."""
    code = (data[0x1f1] + 1) * 512
    kernel = bytearray(data[:code + PAYLOAD])
    struct.pack_into('<I', kernel, 0x1f4, PAYLOAD // 16)
    struct.pack_into('<I', kernel, 0x24c, PAYLOAD - struct.unpack_from('<I', kernel, 0x248)[0])
    return bytes(kernel)


class Machine(journey.World):
    """kind: /boot's file system."""

    def __init__(self, kind, template=None):
        self.kind = kind
        super().__init__(template)

    def _make_disk(self, template, size):
        if template:
            run('cp', '--sparse=always', template.image, self.image)
        else:
            state = self.image.with_name('state.img')
            for path, length, make in ((self.image, self.kind.size, self.kind.make),
                                       (state, STATE_SIZE, FILE_SYSTEMS['ext4'].make)):
                run('truncate', '-s', length, path)
                run(*make, path)
            run('dd', f'if={state}', f'of={self.image}', 'bs=1M', 'conv=sparse,notrunc',
                f'seek={self.kind.size // MEBI}')
            run('truncate', '-s', self.kind.size + STATE_SIZE, self.image)
            state.unlink()

    def _mount_part(self, options, at, size, place):
        (self.root / place).mkdir(parents=True, exist_ok=True)
        run('mount', '-o', f'loop,offset={at},sizelimit={size},{options}', self.image,
            self.root / place)

    def mount_boot(self, options=None):
        self._mount_part(options or self.kind.options, 0, self.kind.size, 'boot')
        self._mount_part('rw', self.kind.size, STATE_SIZE, 'var/lib/kuro')

    def umount_boot(self):
        for place in 'boot', 'var/lib/kuro':
            run('umount', self.root / place, check=False)

    def install_kernel(self, release, initramfs=b'a small initramfs'):
        super().install_kernel(release, initramfs)
        for path in kernel_boot_files(release):
            if path.name.startswith('vmlinuz-'):
                (self.root / 'boot' / path.name).write_bytes(small_kernel(path.read_bytes()))

    def record(self):
        """From here on every write is kept."""
        self.umount_boot()
        folder = self.image.parent
        run('cp', '--sparse=always', self.image, folder / 'base.img')
        self.recorder = Recorder(self.image, folder / 'recorded', folder / 'log')
        self.image = self.recorder.target
        self.stack.callback(self.recorder.close)
        self.stack.callback(self.umount_boot)
        self.mount_boot()

    def unpack(self, release, number):
        """As a package does: new files over the old ones, not flushed."""
        kernel = self.root / f'boot/vmlinuz-{release}'
        new = kernel.with_name(kernel.name + '.dpkg-new')
        new.write_bytes(kernel.read_bytes())
        new.rename(kernel)
        self.write_initramfs(release, random.Random(number).randbytes(9000))

    def sums(self):
        """What GRUB may load: path below the file system to SHA-256, as Linux has it now."""
        paths = [p for pattern in ('vmlinuz-*', 'initrd.img-*', 'kuro/gen/*/vmlinuz',
                                   'kuro/gen/*/initrd.img', 'kuro/gen/*/boot.cfg')
                 for p in (self.root / 'boot').glob(pattern)]
        done = run('sha256sum', *paths).stdout.splitlines()
        top = str(self.root / 'boot')
        return {name.removeprefix(top): digest
                for digest, _, name in (line.partition('  ') for line in done)}
