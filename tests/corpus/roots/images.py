# SPDX-License-Identifier: LGPL-2.1-or-later
"""The image of a boot, made anew from the whole one; and what the boots did."""
import archive
from layouts import CRYPTTAB, KEY


def image_of(full, layout, taken):
    """The plain image of a boot."""
    parts = [part for _, part in archive.entries(full)]
    if layout == "luks":
        for name, mode, data in (("cryptroot", 0o040755, b""),
                                 ("cryptroot/keyfiles", 0o040755, b""),
                                 ("cryptroot/crypttab", 0o100644, CRYPTTAB),
                                 ("cryptroot/keyfiles/cr.key", 0o100600, KEY)):
            parts.append(archive.entry(name, data, mode))
    data, gone = archive.without(archive.whole(parts), taken)
    if gone < len(taken):
        raise ValueError(f"{gone} of {taken} in the image")
    return data


def outcomes(path):
    """{(layout, bus, taken): "reached" or "lost"}"""
    lines = path.read_text().splitlines() if path.exists() else []
    return {(word[0], word[1], tuple(word[3:])): word[2]
            for word in (line.split() for line in lines if not line.startswith("#"))}
