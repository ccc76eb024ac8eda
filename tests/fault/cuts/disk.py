# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk image that is changed and changed back, and that knows what its parts hold."""
import hashlib
import mmap
import os
import subprocess
from collections import defaultdict

CHUNK = 1 << 15


def mapped(base, path):
    subprocess.run(['cp', '--sparse=always', base, path], check=True)
    file = os.open(path, os.O_RDWR)
    try:
        return mmap.mmap(file, 0)
    finally:
        os.close(file)


class Disk:
    """The image at PATH, from a copy of BASE. Others may read the file; what they write is
    taken back by undo()."""

    def __init__(self, path, base):
        self.path = str(path)
        self.seen = mapped(base, path)              # what the file holds
        self.bytes = mapped(base, f'{path}.true')   # what it holds but for others' writes
        os.unlink(f'{path}.true')
        self.digests = {}                   # (offset, length): digest
        self.within = defaultdict(set)      # chunk: such extents

    def close(self):
        self.bytes.close()
        self.seen.close()
        os.unlink(self.path)

    def digest(self, extent):
        """Of an extent (offset, length), as it is now."""
        found = self.digests.get(extent)
        if found is None:
            offset, length = extent
            found = hashlib.blake2b(self.bytes[offset:offset + length],
                                    digest_size=16).digest()
            self.digests[extent] = found
            for chunk in range(offset // CHUNK, (offset + length - 1) // CHUNK + 1):
                self.within[chunk].add(extent)
        return found

    def _forget(self, offset, length):
        for chunk in range(offset // CHUNK, (offset + length - 1) // CHUNK + 1):
            for extent in self.within.pop(chunk, ()):
                self.digests.pop(extent, None)

    def write(self, offset, data):
        """Give what was there before, to be written back."""
        end = offset + len(data)
        before = self.bytes[offset:end]
        self.bytes[offset:end] = self.seen[offset:end] = data
        self._forget(offset, len(data))
        return offset, before

    def apply(self, writes):
        """Writes in order; what undoes them, in the order to write it."""
        return [self.write(offset, data) for offset, data in writes][::-1]

    def undo(self, extents):
        """Another program wrote there: give what it wrote, (offset, bytes), and take it back."""
        wrote = [(offset, self.seen[offset:offset + length]) for offset, length in extents]
        for offset, length in extents:
            self.seen[offset:offset + length] = self.bytes[offset:offset + length]
        return wrote
