# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that kuro watches over, and programs of its own that know nothing of kuro."""
import hashlib
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'journey'))
from cases_boot import boots, expect  # noqa: E402
from cases_vetting import offer as offer_kernel  # noqa: E402
from lab_tree import archive  # noqa: E402
from world import run  # noqa: E402

PATH = 'PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin'


def offer(world, quick=True):
    """quick: a small initramfs, which the generator makes in a third of the time."""
    offer_kernel(world)
    # not at level 9, which takes most of an initramfs's time
    (world.root / 'etc/initramfs-tools/conf.d/level').write_text('COMPRESSLEVEL=1\n')
    if quick:
        (world.root / 'etc/initramfs-tools/conf.d/quick').write_text('MODULES=list\n')


def inside(world, *argv, status=0, env=()):
    """A program of the machine's own, nobody at the terminal; all that it said."""
    done = run('chroot', world.root, 'env', PATH, 'DEBIAN_FRONTEND=noninteractive', *env, *argv,
               check=False, stdin=-3)
    told = done.stdout + done.stderr
    if status is not None and done.returncode != status:
        raise AssertionError(f'{argv}: exit status {done.returncode}, not {status}: {told}')
    return told


def upgrade(world, **options):
    return inside(world, 'apt-get', '-y', '-q', 'dist-upgrade', **options)


def install_by_hand(world, *debs):
    """Packages that lie in the machine. Its own dpkg: the host may not know its groups."""
    inside(world, 'dpkg', '-i', *(f'/{deb.relative_to(world.root)}' for deb in debs))


def package(world, release):
    done = run('chroot', world.root, 'dpkg-query', '-W', '-f', '${db:Status-Abbrev}',
               f'linux-image-{release}', check=False)
    return done.stdout.strip() or 'no'


def whole(world):
    expect(inside(world, 'dpkg', '--audit'), '', 'dpkg --audit')


def marks(world):
    """Releases that wait for their trial, or for what would let them have it."""
    folder = world.root / 'var/lib/kuro/pending'
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def reboot_wanted(world):
    path = world.root / 'run/reboot-required.pkgs'
    return path.read_text().split() if path.exists() else []


def bless(world, generation):
    """Asked from outside, where no other kernel runs; the mounts are other ones there."""
    world.policy('outside', 'health: { mounts = false; link = false; };\n')
    boots(world, generation, trial=True)
    world.kuro('verdict')
    expect(world.block()[0], generation, 'good')


def made_package(world, folder, name, version, **fields):
    """A package in a folder of the machine; postinst is its script, files
    what it holds."""
    tree = world.dir / 'made' / f'{name}_{version}'
    (tree / 'DEBIAN').mkdir(parents=True, exist_ok=True)
    for path, text in fields.pop('files', {}).items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(text if isinstance(text, bytes) else text.encode())
    script = fields.pop('postinst', None)
    if script:
        (tree / 'DEBIAN/postinst').write_text('#!/bin/sh\nset -e\n' + script + '\n')
        (tree / 'DEBIAN/postinst').chmod(0o755)
    fields = {'Package': name, 'Version': version, 'Architecture': 'amd64',
              'Maintainer': 'tests <root@localhost>', 'Description': 'made by a test', **fields}
    (tree / 'DEBIAN/control').write_text(''.join(f'{k}: {v}\n' for k, v in fields.items()))
    target = world.root / folder
    target.mkdir(parents=True, exist_ok=True)
    run('dpkg-deb', '--root-owner-group', '-Znone', '-b', tree, target)
    return target / f'{name}_{version}_amd64.deb'


def headers_package(world, release, folder, **fields):
    """A package of headers, as far as dkms' stand-in looks at them."""
    home = f'usr/lib/modules/{release}/build'
    return made_package(world, folder, f'linux-headers-{release}', '1', files={
        f'{home}/Makefile': '', f'{home}/scripts/none': '',
        f'{home}/include/generated/utsrelease.h': f'#define UTS_RELEASE "{release}"\n'},
        **fields)


def dkms_hooks(world):
    """The real package's, beside the stand-in for dkms itself."""
    run('dpkg-deb', '-x', archive.package('dkms'), world.dir / 'dkms')
    for path in ('etc/kernel', 'usr/lib/dkms'):
        run('cp', '-a', world.dir / 'dkms' / path, world.root / Path(path).parent)


def index(world, folder='srv/repo/made', **more):
    """A folder made a repository, and apt told of it alone; more: by package name, fields
    that only the archive gives."""
    lines = []
    for path in sorted((world.root / folder).glob('*.deb')):
        data = path.read_bytes()
        control = run('dpkg-deb', '-f', path).stdout
        name = control.split('\n', 1)[0].split(': ')[1]
        lines.append(control + more.get(name.replace('-', '_'), '')
                     + f'Filename: ./{path.name}\nSize: {len(data)}\n'
                     f'SHA256: {hashlib.sha256(data).hexdigest()}\n')
    (world.root / folder / 'Packages').write_text('\n'.join(lines))
    shutil.rmtree(world.root / 'etc/apt/sources.list.d', ignore_errors=True)
    (world.root / 'etc/apt/sources.list').write_text(f'deb [trusted=yes] copy:/{folder} ./\n')
    (world.root / 'etc/apt/apt.conf.d/99root').write_text('APT::Sandbox::User "root";\n')
    inside(world, 'apt-get', '-q', 'update')


def release_file(world, folder, **fields):
    """What a repository says of itself: Label, Suite, Codename."""
    data = (world.root / folder / 'Packages').read_bytes()
    fields['SHA256'] = f'\n {hashlib.sha256(data).hexdigest()} {len(data)} Packages'
    (world.root / folder / 'Release').write_text(
        ''.join(f'{k}: {v}\n' for k, v in fields.items()))
