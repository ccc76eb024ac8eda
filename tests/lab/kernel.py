# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real kernel's files, unpacked once for all tests that want them: xz and depmod's look into
every module take most of the time that a tree costs. Whoever changes one takes links or a copy.
"""
from . import archive, cache
from .programs import run


def root(tree):
    """A folder whose /usr/lib is /lib: packages have modules in the one or the other."""
    (tree / "lib/modules").mkdir(parents=True)
    (tree / "usr").mkdir()
    (tree / "usr/lib").symlink_to("../lib")
    return tree


def unpack(deb, tree):
    """A package's files, into a root."""
    run("sh", "-ec", 'dpkg-deb --fsys-tarfile "$0" | tar -x --keep-directory-symlink -C "$1"',
        deb, tree)


def unpacked(release):
    """A folder with boot and lib/modules as linux-image-RELEASE and depmod make them."""
    deb = archive.package(f"linux-image-{release}")

    def build(work):
        unpack(deb, root(work))
        run("depmod", "-b", work, release)

    return cache.entry(f"kernel-{release}", cache.key(deb.name), build)
