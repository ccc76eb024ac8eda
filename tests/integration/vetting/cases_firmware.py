# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a driver asks for newly, of an installed kernel and of one in its package."""
from cases import case, expect
from machine import Opened, put


def notes_on(machine, driver):
    return [f["text"] for f in machine.check(machine.clone)["findings"]
            if f["weight"] == "note" and f"driver {driver} " in f["text"]]


@case
def firmware_that_a_driver_names_newly_is_told_where_it_is_missing(machine):
    machine.device("03.0", "pci:v00001762d00003113sv00000000sd00000000bc00sc00i00", "jr3_pci",
                   "jr3_pci")
    expect(notes_on(machine, "jr3_pci"), [], "neither release finds its file, as ever")
    path, = machine.tree(machine.clone).rglob("jr3_pci.ko")
    now, newly = b"firmware=comedi/jr3pci.idm\0", b"firmware=comedi/jr3new.idm\0"
    data = path.read_bytes()
    expect(data.count(now), 1, "names of its firmware")
    put(path, data.replace(now, newly))
    note, = notes_on(machine, "jr3_pci")
    assert "names 1 firmware" in note and "comedi/jr3new.idm" in note, note
    put(machine.root / "usr/lib/firmware/comedi/jr3new.idm.xz", "x")
    expect(notes_on(machine, "jr3_pci"), [], "the file is there")


@case
def firmware_that_packages_name_is_noted_while_they_are_read(machine):
    """A module's place in a package is behind all that is before it."""
    machine.device("03.0", "pci:v00001762d00003113sv00000000sd00000000bc00sc00i00", "jr3_pci",
                   "jr3_pci")
    path, = machine.tree(machine.run).rglob("jr3_pci.ko")
    now, other = b"firmware=comedi/jr3pci.idm\0", b"firmware=comedi/jr3old.idm\0"
    data = path.read_bytes()
    path.unlink()
    put(path, data.replace(now, other))
    deb = machine.template.packages[machine.template.other]
    with Opened(deb) as opened:
        told = machine.check(deb)["findings"]
    note, = [f["text"] for f in told if "driver jr3_pci " in f["text"]]
    assert "names 1 firmware" in note and "comedi/jr3pci.idm" in note, note
    expect(opened.times, 1, f"times that {deb} was opened")
