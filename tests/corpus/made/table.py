# SPDX-License-Identifier: LGPL-2.1-or-later
"""The made modules: how each is built, and what is changed in the built file.

A module that fits is followed by the ways in which one may not. Every one is built for
each kernel; where a change has nothing to change (__versions of a kernel without
MODVERSIONS) that kernel has no such module.
"""
import io
import lzma
import struct
import tarfile

from elf import ALLOC, COMMON, PROGBITS, SIZE, SYMTAB, TYPE, Elf, Lacks

# What boots with words on the command line are asked of.
FEW = ("made_fits", "made_giver", "made_gpl", "made_machine", "made_module_layout",
       "made_signature_garbage", "made_taker", "made_tree", "made_unknown_key")
GPL = "kobject_put(kobject_create_and_add(\"made\", NULL));"
SPACE = "dma_buf_put(NULL);"
TREE = "mii_link_ok(NULL);"
MARKER = b"~Module signature appended~\n"
MADE = {}  # name: (words before the calls, the calls, licence, change)


def row(name, words="", calls="", licence="GPL"):
    """A module as it is built; as a decorator, with what is changed in it."""
    MADE[name] = (words, calls, licence, None)

    def changed(change):
        MADE[name] = (words, calls, licence, change)
        return change
    return changed


def built(archive):
    """{name: bytes} of an archive of built modules. Unpacked first: going back in a packed
    one begins it again."""
    with lzma.open(archive) as packed:
        plain = io.BytesIO(packed.read())
    with tarfile.open(fileobj=plain) as tar:
        return {entry.name.removesuffix(".ko"): tar.extractfile(entry).read() for entry in tar}


def changed(name, data):
    """The module's bytes, changed as the table says; None where there is nothing to change."""
    change = MADE[name][3]
    if not change:
        return bytes(data)
    elf = Elf(data)
    try:
        made = change(elf)
    except Lacks:
        return None
    return bytes(elf.data if made is None else made)


# The file

row("made_fits")
row("made_firmware", 'MODULE_FIRMWARE("made/not-there.bin");')


@row("made_machine")
def _(elf):
    elf.u16(0x12, 183)  # arm64


@row("made_class")
def _(elf):
    elf.data[4] = 1  # of 32 bits, it says


@row("made_big_endian")
def _(elf):
    elf.data[5] = 2


@row("made_ident_version")
def _(elf):
    elf.data[6] = 0


@row("made_executable")
def _(elf):
    elf.u16(0x10, 2)


@row("made_magic")
def _(elf):
    elf.data[0] = 0


@row("made_header_size")
def _(elf):
    elf.u16(0x3a, 63)


@row("made_no_sections")
def _(elf):
    elf.u16(0x3c, 0)


@row("made_truncated")
def _(elf):
    return elf.data[:len(elf.data) * 3 // 5]


@row("made_cut_header")
def _(elf):
    return elf.data[:40]


@row("made_text")
def _(_elf):
    return b"This is no module, but long enough to be looked at. " * 8


@row("made_section_outside")
def _(elf):
    elf.set_header(elf.number(".comment"), offset=1 << 40)


@row("made_names_outside")
def _(elf):
    elf.u16(0x3e, 0xfe00)


@row("made_stripped")
def _(elf):
    elf.set_header(elf.number(".symtab"), type=PROGBITS)


@row("made_two_symtabs")
def _(elf):
    elf.set_header(elf.number(".comment"), type=SYMTAB)


@row("made_common")
def _(elf):
    elf.u16(elf.symbol("kfree") + 6, COMMON)


@row("made_no_this_module")
def _(elf):
    elf.rename(".gnu.linkonce.this_module", ".gnu.linkonce.that_module")


@row("made_this_module_aside")
def _(elf):
    elf.set_header(elf.number(".gnu.linkonce.this_module"), flags=0)


@row("made_two_this_modules")
def _(elf):
    elf.rename(".comment", ".gnu.linkonce.this_module")


@row("made_layout")
def _(elf):
    number = elf.number(".gnu.linkonce.this_module")
    elf.set_header(number, size=elf.header(number)[SIZE] + 64)


@row("made_no_modinfo")
def _(elf):
    elf.rename(".modinfo", ".modinfa")


@row("made_two_modinfos")
def _(elf):
    elf.rename(".comment", ".modinfo")


# What it is for

@row("made_vermagic_flags")
def _(elf):
    elf.replace(".modinfo", b" mod_unload ", b" mod_unlord ")


@row("made_vermagic_release")
def _(elf):
    at = elf.data.find(b"vermagic=") + len("vermagic=")
    elf.data[at:at + 1] = b"9"


@row("made_vermagic_absent")
def _(elf):
    elf.replace(".modinfo", b"vermagic=", b"vermagix=")


row("made_livepatch", 'MODULE_INFO(livepatch, "Y");')


# Its versions

@row("made_module_layout")
def _(elf):
    elf.wrong_version("module_layout")


@row("made_version")
def _(elf):
    elf.wrong_version("kfree")


@row("made_versions_three")
def _(elf):
    elf.wrong_version("kfree")
    elf.wrong_version("kstrdup")
    elf.without_version("_printk")


@row("made_unversioned")
def _(elf):
    elf.without_version("kfree")


@row("made_no_versions")
def _(elf):
    elf.rename("__versions", "__varsions")


@row("made_no_versions_release")
def _(elf):
    elf.rename("__versions", "__varsions")
    at = elf.data.find(b"vermagic=") + len("vermagic=")
    elf.data[at:at + 1] = b"9"


@row("made_versions_odd")
def _(elf):
    number = elf.number("__versions")
    elf.set_header(number, size=elf.header(number)[SIZE] - 8)


@row("made_extended_versions")
def _(elf):
    elf.add_section("__version_ext_crcs", struct.pack("<I", 0x1234), ALLOC)
    elf.add_section("__version_ext_names", b"kfree\0", ALLOC)


# Its symbols

row("made_missing", "TAKES(made_nowhere)", "made_nowhere();")
row("made_missing_weak", "TAKES_WEAKLY(made_nowhere)", "if (made_nowhere) made_nowhere();")
row("made_weak", "WEAK(kstrndup)", "if (kstrndup) kfree(kstrndup(\"\", 0, 0));")


@row("made_weak_version", "WEAK(kstrndup)", "if (kstrndup) kfree(kstrndup(\"\", 0, 0));")
def _(elf):
    elf.wrong_version("kstrndup")


row("made_gpl", "", GPL)
row("made_bsd_gpl", "", GPL, "Dual BSD/GPL")


@row("made_gpl_only", "", GPL)
def _(elf):
    elf.replace(".modinfo", b"license=GPL\0", b"license=BSD\0")


@row("made_gpl_alike", "", GPL, "GPL v2")
def _(elf):
    elf.replace(".modinfo", b"license=GPL v2", b"license=GPL v3")


@row("made_no_license", "", GPL)
def _(elf):
    elf.replace(".modinfo", b"license=", b"licence=")


@row("made_proprietary")
def _(elf):
    elf.replace(".modinfo", b"license=GPL\0", b"license=BSD\0")


@row("made_gpl_weak", "WEAK(kobject_create_and_add)",
     "if (kobject_create_and_add) kobject_create_and_add(\"made\", NULL);")
def _(elf):
    elf.replace(".modinfo", b"license=GPL\0", b"license=BSD\0")


@row("made_gpl_only_version", "", GPL)
def _(elf):
    elf.replace(".modinfo", b"license=GPL\0", b"license=BSD\0")
    elf.wrong_version("kfree")


row("made_space", "IMPORT(DMA_BUF)", SPACE)


@row("made_space_absent", "IMPORT(DMA_BUF)", SPACE)
def _(elf):
    elf.replace(".modinfo", b"import_ns=", b"impart_ns=")


@row("made_space_by_name", "IMPORT(DMA_BUF)")
def _(elf):
    elf.replace(".modinfo", b"import_ns=DMA_BUF", b"import_ns=module:")


row("made_tree", "", TREE)


@row("made_tree_version", "", TREE)
def _(elf):
    elf.wrong_version("mii_link_ok")


# Modules of each other

row("made_giver", "GIVES(made_given)")
row("made_taker", "TAKES(made_given)", "made_given();")


@row("made_taker_version", "TAKES(made_given)", "made_given();")
def _(elf):
    elf.wrong_version("made_given")


row("made_giver_gpl", "GIVES_GPL(made_given_gpl)")


@row("made_taker_gpl", "TAKES(made_given_gpl)", "made_given_gpl();")
def _(elf):
    elf.replace(".modinfo", b"license=GPL\0", b"license=BSD\0")


@row("made_giver_owned", "GIVES(made_owned)")
def _(elf):
    elf.replace(".modinfo", b"license=GPL\0", b"license=BSD\0")


row("made_taker_owned", "TAKES(made_owned)", "made_owned();")
row("made_taker_owned_gpl", "TAKES(made_owned)", "made_owned();" + GPL)
row("made_taker_gpl_owned", "TAKES(made_owned)", GPL + "made_owned();")
row("lve", "", GPL)  # known for a licence that it does not have
row("ndiswrapper", "", GPL)


@row("made_giver_named", "GIVES_TO(made_named, \"made_chosen,made_other,made_like*\")")
def _(elf):
    if b"made_other," in elf.data:  # of kernels that know such a thing
        elf.replace_all(b"made_other,", b"made_othex,")


row("made_chosen", "TAKES(made_named)", "made_named();")
row("made_other", "TAKES(made_named)", "made_named();")
row("made_likely", "TAKES(made_named)", "made_named();")
row("made_giver_space", 'GIVES_SPACE(made_spaced, MADE)')
row("made_taker_space", 'TAKES(made_spaced) IMPORT(MADE)', "made_spaced();")


@row("made_taker_no_space", 'TAKES(made_spaced) IMPORT(MADE)', "made_spaced();")
def _(elf):
    elf.replace(".modinfo", b"import_ns=MADE", b"import_ns=MAID")


@row("made_giver_fails", "GIVES(made_lost)")
def _(elf):
    elf.u16(0x12, 183)


row("made_taker_fails", "TAKES(made_lost)", "made_lost();")


row("made_taker_fails_weakly", "TAKES_WEAKLY(made_lost)", "if (made_lost) made_lost();")


# What it exports

@row("made_export_kernel", "GIVES(made_gcd)")
def _(elf):
    elf.replace_all(b"made_gcd", b"kstrndup")


@row("made_twice", "GIVES(made_givem)")
def _(elf):
    elf.replace_all(b"made_givem", b"made_given")


@row("made_export_tree", "GIVES(made_restart_mii)", TREE)
def _(elf):
    elf.replace_all(b"made_restart_mii", b"mii_nway_restart")


@row("made_export_idle", "GIVES(made_slhc)")
def _(elf):
    elf.replace_all(b"made_slhc", b"slhc_init")


@row("made_export_versions", "GIVES(made_exported)")
def _(elf):
    elf.rename("__kcrctab", "__kcrctob")


@row("made_export_flags", "GIVES(made_flagged)")
def _(elf):
    elf.rename("__kflagstab", "__kflagstub")


@row("made_export_obsolete", "GIVES(made_obsolete)")
def _(elf):
    elf.number("__kflagstab")
    elf.add_section("__ksymtab_gpl", b"\0" * 12, ALLOC)


# Its name, its BTF, its signature

row("printk")
row("linear_ranges")  # built in, without an entry of its own


@row("made_btf")
def _(elf):
    try:
        at, size = elf.content(".BTF")
        elf.data[at:at + size] = bytes(i * 7 % 251 for i in range(size))
    except Lacks:
        elf.add_section(".BTF", bytes(i * 7 % 251 for i in range(400)))


@row("made_btf_types")
def _(elf):
    at, _ = elf.content(".BTF")
    start = at + struct.unpack_from("<I", elf.data, at + 4)[0]
    struct.pack_into("<I", elf.data, start + 4, 0)  # of no kind


@row("made_btf_absent")
def _(elf):
    elf.rename(".BTF", ".BTG")


def signed(elf, message, length=None, kind=2):
    length = len(message) if length is None else length
    return bytes(elf.data) + message + struct.pack(">8BI", 0, 0, kind, 0, 0, 0, 0, 0,
                                                   length) + MARKER


@row("made_signature_garbage")
def _(elf):
    return signed(elf, b"\x30\x20" + b"no message at all, but long enough")


@row("made_signature_length")
def _(elf):
    return signed(elf, b"", 1 << 30)


@row("made_signature_kind")
def _(elf):
    return signed(elf, b"of another kind", None, 1)


@row("made_signature_marker")
def _(elf):
    return bytes(elf.data) + MARKER


row("made_unknown_key")  # signed by obtain, with a key that nobody knows
