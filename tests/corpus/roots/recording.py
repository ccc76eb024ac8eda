# SPDX-License-Identifier: LGPL-2.1-or-later
"""What recorder.c told of a machine, as files."""


def _write(root, kind, path, text):
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if kind == "link":
        place.symlink_to(text)
    elif kind == "head":
        place.write_bytes(bytes.fromhex(text))
    else:
        parts = [part.replace("\\n", "\n").replace("\\t", "\t") for part in text.split("\\\\")]
        place.write_text("\\".join(parts))


def lay_out(root, recording, below="/"):
    """A recording's files below that folder, as files below root."""
    for line in recording.read_text().splitlines():
        kind, path, text = (line.split(" ", 2) + [""])[:3]
        if path.startswith(below):
            _write(root, kind, path, text)
