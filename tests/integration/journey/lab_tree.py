# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian tree and the kernels of the lab of real boots, shared with it."""
import importlib.util
import subprocess
import sys
import tarfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS))
from lab import archive, builder, cache  # noqa: E402
from lab.opened import Opened  # noqa: E402,F401 (for the programs that import this)


def grub_emulator():
    """lab.py of the GRUB suite, under a name of its own."""
    path = TESTS / 'integration' / 'grub' / 'lab.py'
    spec = importlib.util.spec_from_file_location('grub_emulator', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def debian():
    return builder.debian()


def lab_releases():
    """Two real releases, the older first."""
    return archive.releases(2)


def _boot_files(deb, work):
    """The package's /boot, unpacked. It comes first: the rest is never decompressed."""
    with subprocess.Popen(['dpkg-deb', '--fsys-tarfile', deb],
                          stdout=subprocess.PIPE) as unpack:
        with tarfile.open(fileobj=unpack.stdout, mode='r|') as tar:
            for member in tar:
                if member.name > './boot0':
                    break
                if member.isfile() and member.name.startswith('./boot/'):
                    member.name = Path(member.name).name
                    tar.extract(member, work)
        unpack.kill()


def kernel_boot_files(release):
    deb = archive.package(f'linux-image-{release}')
    folder = cache.entry(f'boot-{release}', cache.key(deb.name),
                         lambda work: _boot_files(deb, work))
    return sorted(folder.iterdir())
