# SPDX-License-Identifier: LGPL-2.1-or-later
"""A relocatable x86-64 ELF file, to be changed in place."""
import struct

HEADER = struct.Struct("<IIQQQQIIQQ")  # sh_name, type, flags, addr, offset, size, link, ...
NAME, TYPE, FLAGS, ADDR, OFFSET, SIZE, LINK, INFO, ALIGN, ENTRY = range(10)
PROGBITS, SYMTAB = 1, 2
ALLOC = 2
SYMBOL = struct.Struct("<IBBHQQ")
COMMON = 0xfff2
RECORD = 64  # of __versions: a version of 8 bytes, a name


class Lacks(Exception):
    """The file has no such thing: this change is none for it."""


class Elf:
    """A module's bytes."""

    def __init__(self, data):
        self.data = bytearray(data)

    def u16(self, at, value):
        struct.pack_into("<H", self.data, at, value)

    def _table(self):
        at, = struct.unpack_from("<Q", self.data, 0x28)
        count, names = struct.unpack_from("<HH", self.data, 0x3c)
        return at, count, names

    def header(self, number):
        return list(HEADER.unpack_from(self.data, self._table()[0] + 64 * number))

    def set_header(self, number, **fields):
        header = self.header(number)
        for name, value in fields.items():
            header[globals()[name.upper()]] = value
        HEADER.pack_into(self.data, self._table()[0] + 64 * number, *header)

    def section_name(self, number):
        at = self.header(self._table()[2])[OFFSET] + self.header(number)[NAME]
        return self.data[at:self.data.index(0, at)].decode()

    def number(self, name):
        for number in range(1, self._table()[1]):
            if self.section_name(number) == name:
                return number
        raise Lacks(name)

    def content(self, name):
        header = self.header(self.number(name))
        return header[OFFSET], header[SIZE]

    def replace(self, section, old, new):
        """Bytes of a section, by as many others; the first place only."""
        at, size = self.content(section)
        place = self.data.find(old, at, at + size)
        if place < 0:
            raise Lacks(f"{old} in {section}")
        assert len(old) == len(new), (old, new)
        self.data[place:place + len(old)] = new

    def replace_all(self, old, new):
        """A word, wherever it stands."""
        assert len(old) == len(new) and old in self.data, (old, new)
        self.data[:] = self.data.replace(old, new)

    def rename(self, old, new):
        """A section's name; the names move to the end of the file."""
        self.set_header(self.number(old), name=self._add_name(new))

    def _add_name(self, name):
        names = self._table()[2]
        offset, size = self.header(names)[OFFSET], self.header(names)[SIZE]
        moved = self.data[offset:offset + size] + name.encode() + b"\0"
        self.set_header(names, offset=len(self.data), size=len(moved))
        self.data += moved
        return size

    def add_section(self, name, content, flags=0):
        """A new one, at the end; and the table of sections with it."""
        self.data += b"\0" * (-len(self.data) % 16)
        at = len(self.data)
        self.data += content
        place = self._add_name(name)
        table, count, _ = self._table()
        self.data += b"\0" * (-len(self.data) % 16)
        moved = self.data[table:table + 64 * count] + HEADER.pack(
            place, PROGBITS, flags, 0, at, len(content), 0, 0, 1, 0)
        struct.pack_into("<Q", self.data, 0x28, len(self.data))
        self.u16(0x3c, count + 1)
        self.data += moved

    def symbol(self, name):
        """Where the symbol of that name lies in the file."""
        symtab = self.header(self.number(".symtab"))
        strings = self.header(symtab[LINK])[OFFSET]
        for at in range(symtab[OFFSET], symtab[OFFSET] + symtab[SIZE], SYMBOL.size):
            start = strings + SYMBOL.unpack_from(self.data, at)[0]
            if self.data[start:self.data.index(0, start)].decode() == name:
                return at
        raise Lacks(name)

    def _record(self, name):
        offset, size = self.content("__versions")
        for at in range(offset, offset + size, RECORD):
            if self.data[at + 8:at + RECORD].rstrip(b"\0").decode() == name:
                return at
        raise Lacks(name)

    def wrong_version(self, name):
        self.data[self._record(name)] ^= 0xff

    def without_version(self, name):
        at = self._record(name) + 8
        self.data[at] = ord("Q")
