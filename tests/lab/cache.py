# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is costly to build is kept, named by a hash of everything it was built from."""
import fcntl
import hashlib
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

KEEP = 2


def root():
    path = Path(os.environ.get("KURO_TEST_CACHE", "/var/cache/kuro-tests"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def _feed(digest, item):
    if isinstance(item, Path) and item.is_dir():
        for child in sorted(item.rglob("*")):
            if "__pycache__" not in child.parts:
                digest.update(str(child.relative_to(item)).encode())
                _feed(digest, child)
    elif isinstance(item, Path):
        if item.is_symlink():
            digest.update(os.readlink(item).encode())
        elif item.is_file():
            digest.update(oct(item.stat().st_mode & 0o111).encode())
            digest.update(item.read_bytes())
    else:
        digest.update(repr(item).encode())


def key(*items):
    """A short name for these inputs: files and folders by content, the rest by value."""
    digest = hashlib.sha256()
    for item in items:
        _feed(digest, item)
        digest.update(b"\0")
    return digest.hexdigest()[:16]


@contextmanager
def _locked(name):
    with open(root() / f".{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _drop_old(name):
    """Keep the newest; take away what a build left that did not end."""
    for path in root().glob(f"{name}-*.new"):
        shutil.rmtree(path, ignore_errors=True)
    entries = sorted(root().glob(f"{name}-" + "[0-9a-f]" * 16),
                     key=lambda path: path.stat().st_mtime)
    for path in entries[:-KEEP]:
        shutil.rmtree(path, ignore_errors=True)


def entry(name, name_key, build):
    """The folder NAME-KEY in the cache; build(folder) makes it where it is not there."""
    final = root() / f"{name}-{name_key}"
    with _locked(name):
        if not final.exists():
            work = root() / f"{name}-{name_key}.new"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            build(work)
            work.rename(final)
        os.utime(final)
        _drop_old(name)
    return final
