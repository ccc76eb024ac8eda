#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""recorder.py IMAGE TARGET LOG: the file TARGET is IMAGE until it is unmounted, and every
write and flush of it is noted in LOG, in order. Speaks FUSE's protocol (linux/fuse.h) to the
kernel itself. read_log() gives the entries."""
import ctypes
import errno
import os
import struct
import subprocess
import sys
from pathlib import Path

WRITE, FLUSH = b'W', b'F'
ENTRY = struct.Struct('<cQI')       # kind, offset, length; a write's bytes follow
IN, OUT = struct.Struct('<IIQQIIIHH'), struct.Struct('<IiQ')
READ_IN = WRITE_IN = struct.Struct('<QQIIQII')
NODE, LARGEST = 1, 1 << 20
ASYNC_READ, BIG_WRITES, MAX_PAGES = 1, 1 << 5, 1 << 22
FORGET, GETATTR, SETATTR, OPEN, READ, WRITE_TO, STATFS = 2, 3, 4, 14, 15, 16, 17
RELEASE, FSYNC, FLUSH_FILE, INIT, BATCH_FORGET = 18, 20, 25, 26, 42


def read_log(path, start=0, end=None, below=None):
    """(offset, bytes) of a write, None for a flush, between two positions in it. below: only
    what concerns the part of the image that ends there, as if it were a disk of its own."""
    entries = []
    data = Path(path).read_bytes()[:end]
    while start < len(data):
        kind, offset, length = ENTRY.unpack_from(data, start)
        start += ENTRY.size
        if below is None or offset < below:
            entries.append((offset, data[start:start + length]) if kind == WRITE else None)
        start += length
    return entries


class Recorder:
    """The program beside this one; entered, TARGET is there."""

    def __init__(self, image, target, log):
        self.target, self.log = Path(target), Path(log)
        self.target.touch()
        # pylint: disable=consider-using-with  # it lives as long as this object
        self.process = subprocess.Popen([sys.executable, __file__, image, target, log],
                                        stdout=subprocess.PIPE)
        if self.process.stdout.read(1) != b'+':
            raise OSError('the recording device does not start')

    def position(self):
        """Up to here the log is what was done so far."""
        return self.log.stat().st_size

    def close(self):
        subprocess.run(['umount', '-l', self.target], check=False)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:   # somebody else has it mounted too
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Server:
    """One file, and the kernel's questions about it."""

    def __init__(self, image, target, log):
        self.image = os.open(image, os.O_RDWR)
        self.size = os.fstat(self.image).st_size
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self.fuse = os.open('/dev/fuse', os.O_RDWR)
        self.answers = {
            INIT: self.init, GETATTR: self.attributes, SETATTR: self.attributes,
            OPEN: self.open, READ: self.read,
            WRITE_TO: self.write, FSYNC: self.flush, FLUSH_FILE: lambda _: b'',
            RELEASE: lambda _: b'', STATFS: lambda _: bytes(80)}
        self.used = []      # by each opening of the file: where it read or wrote last
        options = f'fd={self.fuse},rootmode=100600,user_id=0,group_id=0'
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b'kuro-cuts', os.fsencode(target), b'fuse', 6, options.encode()):
            raise OSError(ctypes.get_errno(), f'mounting {target}')

    def init(self, body):
        minor = struct.unpack_from('<II', body)[1]
        return struct.pack('<IIIIHHIIHHI28x', 7, min(minor, 31), LARGEST,
                           ASYNC_READ | BIG_WRITES | MAX_PAGES, 16, 12, LARGEST, 1,
                           LARGEST // 4096, 0, 0)

    def attributes(self, _):
        return struct.pack('<QII', 3600, 0, 0) + struct.pack(
            '<QQQQQQIIIIIIIIII', NODE, self.size, self.size // 512, 0, 0, 0, 0, 0, 0,
            0o100600, 1, 0, 0, 0, 4096, 0)

    def open(self, _):
        self.used.append(0)
        return struct.pack('<QII', len(self.used) - 1, 0, 0)

    def read(self, body):
        handle, offset, size = READ_IN.unpack_from(body)[:3]
        self.used[handle] = offset
        return os.pread(self.image, size, offset)

    def write(self, body):
        handle, offset, size = WRITE_IN.unpack_from(body)[:3]
        self.used[handle] = offset
        data = body[WRITE_IN.size:WRITE_IN.size + size]
        os.pwrite(self.image, data, offset)
        os.writev(self.log, [ENTRY.pack(WRITE, offset, size), data])
        return struct.pack('<II', size, 0)

    def flush(self, body):
        """A loop device has one opening and uses its own part of the image only."""
        handle = struct.unpack_from('<Q', body)[0]
        os.write(self.log, ENTRY.pack(FLUSH, self.used[handle], 0))
        return b''

    def answer(self, request):
        _, opcode, unique = IN.unpack_from(request)[:3]
        if opcode in (FORGET, BATCH_FORGET):
            return
        act = self.answers.get(opcode)
        body = act(request[IN.size:]) if act else b''
        os.writev(self.fuse, [OUT.pack(OUT.size + len(body), 0 if act else -errno.ENOSYS,
                                       unique), body])

    def serve(self):
        while True:
            try:
                self.answer(memoryview(os.read(self.fuse, LARGEST + (1 << 16))))
            except OSError as error:
                if error.errno == errno.ENODEV:     # unmounted
                    return
                if error.errno not in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                    raise


def main():
    server = Server(*sys.argv[1:4])
    os.write(1, b'+')
    server.serve()


if __name__ == '__main__':
    main()
