# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Debian tree with its real initramfs generator, and a repository of small packages that
stand for what makes it run: kernels, headers whose hook builds a module, microcode that
asks through a trigger. Every run of the generator is counted."""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from lab import builder  # noqa: E402

BUILD = Path(os.environ.get('KURO', 'kuro')).resolve().parents[1]
TOOL = BUILD / 'tests/integration/packages/package-tool'
HOOKS = Path(__file__).resolve().parents[3] / 'hooks'
OLD, NEW, META = '6.1.0-1-kuro', '6.1.0-2-kuro', 'linux-image-kuro'
SOURCE = 'deb [trusted=yes] copy:/srv/repo ./\n'

# As Debian's image packages have them.
KERNEL_PREINST = """#!/bin/sh -e
[ "$1" != install ] || { mkdir -p /lib/modules/@; touch /lib/modules/@/.fresh-install; }
"""
KERNEL_POSTINST = """#!/bin/sh -e
[ "$1" = configure ] || exit 0
depmod @
DEB_MAINT_PARAMS="$*" run-parts --report --exit-on-error --arg=@ --arg=/boot/vmlinuz-@ \\
	/etc/kernel/postinst.d
"""
KERNEL_POSTRM = """#!/bin/sh -e
rm -f /lib/modules/@/.fresh-install
DEB_MAINT_PARAMS="$*" run-parts --report --exit-on-error --arg=@ --arg=/boot/vmlinuz-@ \\
	/etc/kernel/postrm.d
if [ "$1" = purge ]; then
	rm -f /lib/modules/@/modules.*
	rmdir /lib/modules/@ || true
fi
"""
HEADERS_POSTINST = """#!/bin/sh -e
run-parts --report --exit-on-error --arg=@ /etc/kernel/header_postinst.d
"""
# What DKMS's hooks do: the module, where headers are, and then (REMAKE_INITRD, POST_INSTALL)
# the image anew.
DKMS_HOOK = """#!/bin/sh -e
[ -d "/usr/src/linux-headers-$1" ] || exit 0
[ ! -e "/lib/modules/$1/updates/dkms/made" ] || exit 0
[ ! -e /etc/test-dkms-fails ] || exit 11
mkdir -p "/lib/modules/$1/updates/dkms"
echo "made for $1" > "/lib/modules/$1/updates/dkms/made"
depmod "$1"
update-initramfs -u -k "$1"
"""
MICROCODE_POSTINST = """#!/bin/sh -e
[ "$1" != configure ] || update-initramfs -u
"""
# The image holds what the packages brought, so that it can be told when it was built.
IMAGE_HOOK = """#!/bin/sh -e
[ "$1" != prereqs ] || exit 0
[ ! -e /etc/test-generator-fails ] || { echo "E: a hook has no use for today" >&2; exit 1; }
[ ! -e /etc/test-generator-waits ] || { touch /generator-waits; sleep 60; }
mkdir -p "$DESTDIR/test"
cp /usr/lib/firmware/test-microcode "$DESTDIR/test/microcode"
cp "/lib/modules/$version/updates/dkms/made" "$DESTDIR/test/dkms" || true
"""
COUNTER = """#!/bin/sh
echo "$0 $*" >> /generator-runs
exec "$0.real" "$@"
"""
DROPPED = [path for path in builder.DROPPED if path.startswith('usr/share/initramfs-tools')]


def run(*argv, check=True, **kwargs):
    done = subprocess.run([str(word) for word in argv], check=False, capture_output=True,
                          **{'text': True, **kwargs})
    if check and done.returncode != 0:
        raise AssertionError(f'{argv}: {done.returncode}: {done.stderr}{done.stdout}')
    return done.stdout


class Package:
    """A binary package in the making."""

    def __init__(self, name, version, depends=''):
        self.name, self.version, self.depends = name, version, depends
        self.files, self.scripts, self.triggers = {}, {}, ''

    def build(self, folder):
        with tempfile.TemporaryDirectory() as work:
            tree = Path(work)
            tree.chmod(0o755)
            control = tree / 'DEBIAN'
            control.mkdir(mode=0o755)
            (control / 'control').write_text(
                f'Package: {self.name}\nVersion: {self.version}\nArchitecture: amd64\n'
                "Maintainer: kuro's tests <root@localhost>\nDescription: a test's package\n"
                + (f'Depends: {self.depends}\n' if self.depends else ''))
            if self.triggers:
                (control / 'triggers').write_text(self.triggers)
            for name, text in self.scripts.items():
                (control / name).write_text(text)
                (control / name).chmod(0o755)
            for name, content in self.files.items():
                path = tree / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                path.chmod(0o755 if content.startswith(b'#!') else 0o644)
            run('dpkg-deb', '--root-owner-group', '-Znone', '-b', tree, folder)


def kernel(release, version):
    package = Package(f'linux-image-{release}', version,
                      'initramfs-tools | linux-initramfs-tool')
    package.scripts = {'preinst': KERNEL_PREINST.replace('@', release),
                       'postinst': KERNEL_POSTINST.replace('@', release),
                       'postrm': KERNEL_POSTRM.replace('@', release)}
    package.files = {f'boot/vmlinuz-{release}': os.urandom(200000),
                     f'boot/config-{release}': b'CONFIG_RD_ZSTD=y\nCONFIG_RD_GZIP=y\n',
                     f'usr/lib/modules/{release}/modules.order': b'',
                     f'usr/lib/modules/{release}/modules.builtin': b''}
    return package


def headers(release, version):
    package = Package(f'linux-headers-{release}', version)
    package.scripts = {'postinst': HEADERS_POSTINST.replace('@', release)}
    package.files = {f'usr/src/linux-headers-{release}/Makefile': b'all:\n'}
    return package


def microcode(version):
    package = Package('test-microcode', version)
    package.scripts = {'postinst': MICROCODE_POSTINST}
    package.triggers = 'activate-noawait update-initramfs\n'
    package.files = {'usr/lib/firmware/test-microcode': f'microcode {version}\n'.encode()}
    return package


def dkms(version):
    package = Package('test-dkms', version)
    package.files = {'etc/kernel/postinst.d/dkms-test': DKMS_HOOK.encode(),
                     'etc/kernel/header_postinst.d/dkms-test': DKMS_HOOK.encode()}
    return package


def repository(folder):
    for version, release in ('1', OLD), ('2', NEW):
        meta = Package(META, version, ', '.join((
            f'linux-image-{release} (= {version})', f'linux-headers-{release}',
            f'test-microcode (= {version})', 'test-dkms')))
        for package in (meta, kernel(release, version), headers(release, version),
                        microcode(version)):
            package.build(folder)
    dkms('1').build(folder)
    index(folder)


def index(folder):
    lines = []
    for path in sorted(folder.glob('*.deb')):
        data = path.read_bytes()
        lines.append(run('dpkg-deb', '-f', path) + f'Filename: ./{path.name}\n'
                     f'Size: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n')
    (folder / 'Packages').write_text('\n'.join(lines))


class Machine:
    """The tree with the old kernel, whose image is there; the repository offers the new."""

    def __init__(self, stack, below=None, size='700m'):
        self.stack = stack
        self.dir = Path(stack.enter_context(
            tempfile.TemporaryDirectory(prefix='kuro-initramfs-')))
        self.root = self.dir / 'root'
        layers = self.dir / 'layers'
        for path in self.root, layers:
            path.mkdir()
        self.mount('-t', 'tmpfs', '-o', f'size={size}', 'none', layers)
        for name in 'upper', 'work':
            (layers / name).mkdir()
        self.layers = [layers / 'upper', *(below or [builder.debian()])]
        self.mount('-t', 'overlay', '-o', f'lowerdir={":".join(map(str, self.layers[1:]))},'
                   f'upperdir={layers}/upper,workdir={layers}/work', 'none', self.root)
        for name in 'dev', 'proc':
            self.mount('--bind', f'/{name}', self.root / name)
        if not below:
            self.settle()

    def mount(self, *args):
        run('mount', *args)
        self.stack.callback(subprocess.run, ['umount', '-l', str(args[-1])], check=False,
                            capture_output=True)

    def write(self, path, text, mode=0o755):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def settle(self):
        (self.root / 'srv/repo').mkdir(parents=True)
        repository(self.root / 'srv/repo')
        shutil.rmtree(self.root / 'etc/apt/sources.list.d', ignore_errors=True)
        self.write('etc/apt/sources.list', SOURCE, 0o644)
        for path in DROPPED + [f'etc/kernel/{when}.d/zz-update-grub'
                               for when in ('postinst', 'postrm')]:
            (self.root / path).unlink()
        self.write('etc/initramfs-tools/conf.d/test', 'MODULES=list\n', 0o644)
        self.write('etc/initramfs-tools/hooks/test', IMAGE_HOOK)
        (self.root / 'usr/sbin/mkinitramfs').rename(self.root / 'usr/sbin/mkinitramfs.real')
        self.write('usr/sbin/mkinitramfs', COUNTER)
        once = self.root / 'usr/lib/kuro/initramfs/update-initramfs'
        once.parent.mkdir(parents=True)
        shutil.copy(HOOKS / 'initramfs/once', once)
        (once.parent / 'dracut').symlink_to(once.name)
        self.apt('update')
        self.apt('-y', 'install', f'{META}=1', f'linux-image-{OLD}=1', 'test-microcode=1')
        self.runs()

    def inside(self, *argv, check=True):
        return run('chroot', self.root, 'env', '-i', 'HOME=/root', 'LC_ALL=C.UTF-8',
                   'DEBIAN_FRONTEND=noninteractive',
                   'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
                   *argv, check=check)

    def apt(self, *args, check=True):
        return self.inside('apt-get', '-q', '-o', 'APT::Sandbox::User=root', *args,
                           check=check)

    def runs(self):
        """The releases that the generator was run for since it was asked last."""
        log = self.root / 'generator-runs'
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line.split()[-1] for line in lines]

    def state(self, name):
        """dpkg's word for a package: "ii", "iU", …"""
        return self.inside('dpkg-query', '-W', '-f', '${db:Status-Abbrev}', name,
                           check=False).strip()

    def image(self, release):
        return self.root / f'boot/initrd.img-{release}'

    def contents(self, release):
        """What the packages brought into the image: microcode, dkms."""
        with tempfile.TemporaryDirectory() as work:
            run('cpio', '-id', '--quiet', 'test/*', cwd=work, text=False,
                input=run('zstd', '-dc', self.image(release), text=False))
            return {path.name: path.read_text().strip()
                    for path in Path(work).glob('test/*')}

    def start(self, *args):
        return subprocess.Popen([str(TOOL), str(self.root), *map(str, args)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def tool(self, *args, status=0, words=''):
        with self.start(*args) as tool:
            said = tool.communicate(timeout=200)[0]
        assert tool.returncode == status and words in said, (args, tool.returncode, said)
        return said

    def resolve(self):
        plan = self.dir / 'plan'
        self.tool('resolve', plan)
        return plan
