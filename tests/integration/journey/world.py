# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine whose boots are decided by GRUB and run by nobody.

The root is an overlay over a real Debian tree, /boot a real ext4 (or another file system)
on a loop device, kernels are real ones out of their packages. `kuro --root` changes it;
reboot() takes /boot away, lets GRUB's own code decide on the very image (lab.py of the
GRUB suite), mounts it again and shows kuro the command line that GRUB chose.
"""
import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

from lab_tree import debian, grub_emulator, kernel_boot_files, lab_releases

grub = grub_emulator()
KURO = os.environ.get('KURO', 'kuro')
HERE = Path(__file__).parent
FAKES = {'grub-probe': 'usr/sbin', 'linux-version': 'usr/bin', 'systemctl': 'usr/bin'}


def run(*argv, check=True, **kwargs):
    done = subprocess.run([str(a) for a in argv], check=False, text=True,
                          capture_output=True, **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f'{argv}: {done.returncode}: {done.stderr}{done.stdout}')
    return done


class Boot:
    """What GRUB chose: generation (0: the distribution's own entry), as a trial or not."""

    def __init__(self, told):
        path = told.get('kernel', '')
        found = re.search(r'/kuro/gen/(\d+)/vmlinuz$', path)
        self.generation = int(found.group(1)) if found else 0
        self.trial = told.get('trial') == 'trial'
        self.told = told

    def __repr__(self):
        return f'generation {self.generation}{" trial" if self.trial else ""}'


class World:
    """template: a World that was built and frozen, to start from; None: from nothing."""

    below = ()  # layers over the Debian tree, the upmost first

    def __init__(self, template=None, size='128M'):
        self.stack = contextlib.ExitStack()
        self.dir = Path(tempfile.mkdtemp(prefix='kuro-journey.'))
        self.stack.callback(shutil.rmtree, self.dir, ignore_errors=True)
        self.root = self.dir / 'root'
        self.image = self.dir / 'disk/boot.img'
        self.releases = list(template.releases) if template else []
        self._mount_root(template)
        # What is synced to a disk of memory costs nothing.
        self._mount('-t', 'tmpfs', '-o', 'size=200m', 'kuro-journey', self.image.parent)
        self._make_disk(template, size)
        self.mount_boot()
        self.stack.callback(self.umount_boot)
        if not template:
            self._settle()
        self._settle_proc()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def _mount(self, *args):
        target = args[-1]
        Path(target).mkdir(parents=True, exist_ok=True) if not Path(target).exists() else None
        run('mount', *args)
        self.stack.callback(run, 'umount', '-l', target, check=False)

    def _mount_root(self, template):
        layers = self.dir / 'layers'
        self._mount('-t', 'tmpfs', '-o', 'size=400m', 'kuro-journey', layers)
        (layers / 'work').mkdir()
        if template:
            run('cp', '-a', template.dir / 'layers/upper', layers / 'upper')
        else:
            (layers / 'upper').mkdir()
        lower = ':'.join(map(str, (*self.below, debian())))
        self._mount('-t', 'overlay', '-o', f'lowerdir={lower},upperdir={layers}/upper,'
                    f'workdir={layers}/work', 'kuro-journey', self.root)
        for name in ('dev', 'proc'):
            self._mount('--bind', f'/{name}', self.root / name)
        self._mount('-t', 'tmpfs', '-o', 'size=16m', 'kuro-journey', self.root / 'run')

    def _make_disk(self, template, size):
        if template:
            run('cp', '--sparse=always', template.image, self.image)
        else:
            run('truncate', '-s', size, self.image)
            run('mke2fs', '-q', '-t', 'ext4', '-F', self.image)

    def mount_boot(self, options='rw'):
        run('mount', '-o', f'loop,{options}', self.image, self.root / 'boot')

    def umount_boot(self):
        run('umount', self.root / 'boot', check=False)

    def _settle(self):
        """GRUB's tools, kuro's files, and programs that can't run here stood in for."""
        destdir = os.environ.get('KURO_DESTDIR')
        if destdir:
            run('cp', '-a', f'{destdir}/.', self.root)
        (self.root / 'usr/bin/systemctl').rename(self.root / 'usr/bin/systemctl.real')
        for fake, place in FAKES.items():
            shutil.copy(HERE / 'fakes' / fake, self.root / place / fake)
        (self.root / 'etc/default').mkdir(exist_ok=True)
        (self.root / 'etc/default/grub').write_text(
            'GRUB_DEFAULT=0\nGRUB_TIMEOUT=1\nGRUB_DISTRIBUTOR=Debian\n'
            'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="console=ttyS0"\n')
        # debconf looks through each package for questions, of which none here has any
        (self.root / 'etc/apt/apt.conf.d/70debconf').unlink(missing_ok=True)
        (self.root / 'boot/grub').mkdir()
        (self.root / 'run').mkdir(exist_ok=True)
        (self.root / 'etc/kuro/kuro.conf.d').mkdir(parents=True, exist_ok=True)
        self.policy('quick', 'health: { settle = 0; attempts = 1; };\n'
                             'packages: { refresh = false; };\n')

    def policy(self, name, text):
        (self.root / f'etc/kuro/kuro.conf.d/{name}.conf').write_text(text)

    def check(self, body, name='10-test', kind='required'):
        """A person's health check."""
        path = self.root / f'etc/kuro/health.d/{kind}.d/{name}'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#!/bin/sh\n' + body + '\n')
        path.chmod(0o755)

    def _settle_proc(self):
        self.proc = self.dir / 'proc'
        self.proc.mkdir()
        for name, place in (('cmdline', 'proc/cmdline'),
                            ('osrelease', 'proc/sys/kernel/osrelease'),
                            ('boot_id', 'proc/sys/kernel/random/boot_id')):
            (self.proc / name).write_text('\n')
            run('mount', '--bind', self.proc / name, self.root / place)
            self.stack.callback(run, 'umount', '-l', self.root / place, check=False)

    def install_kernel(self, release, initramfs=b'a small initramfs'):
        """Image and config as the package has them; the initramfs is a small archive."""
        for path in kernel_boot_files(release):
            shutil.copy(path, self.root / 'boot' / path.name)
        self.write_initramfs(release, initramfs)
        modules = self.root / 'usr/lib/modules' / release
        modules.mkdir(parents=True, exist_ok=True)
        for name in 'modules.dep', 'modules.alias':
            (modules / name).write_text('')
        # the machine's / is this host's
        kind = run('findmnt', '-no', 'FSTYPE', '/').stdout.strip()
        (modules / 'modules.builtin').write_text(f'kernel/fs/{kind}/{kind}.ko\n')
        self.releases.append(release)

    def update_grub(self):
        run_in(self.root, 'grub-mkconfig', '-o', '/boot/grub/grub.cfg')

    def write_initramfs(self, release, content, program='init'):
        """As update-initramfs does: a new file, renamed over the old one."""
        new = self.root / 'boot' / f'initrd.img-{release}.new'
        data = run_bytes('cpio', '-o', '-H', 'newc', '--quiet', names={program: content})
        new.write_bytes(data)
        new.rename(self.root / 'boot' / f'initrd.img-{release}')

    def start(self, release, generation=0, trial=False):
        """The machine is running this from now on: a new boot."""
        words = ['BOOT_IMAGE=/vmlinuz', 'root=/dev/vda4', 'ro', 'quiet', 'console=ttyS0']
        if generation:
            words.append(f'kuro.generation={generation}')
        if trial:
            words.append('kuro.trial=1')
        (self.proc / 'cmdline').write_text(' '.join(words) + '\n')
        (self.proc / 'osrelease').write_text(release + '\n')
        (self.proc / 'boot_id').write_text(str(uuid.uuid4()) + '\n')
        shutil.rmtree(self.root / 'run/kuro', ignore_errors=True)

    def kuro(self, *args, status=0, prefix=()):
        """Runs it; an exit status other than the one wanted (None: any) is a failure."""
        done = run(*prefix, KURO, '--root', self.root, *args, check=False)
        if status is not None and done.returncode != status:
            raise AssertionError(f'kuro {" ".join(args)}: exit status {done.returncode}, '
                                 f'not {status}: {done.stderr}{done.stdout}')
        return done

    def status(self):
        return json.loads(self.kuro('status', '--json').stdout)

    def block(self):
        b = self.status()['boot']
        return (b['good'], b['previous'], b['trial'], b['tries'], b['miss'])

    def generations(self):
        return {g['generation']: g
                for g in json.loads(self.kuro('list', '--json').stdout)['generations']}

    def history(self):
        return json.loads(self.kuro('history', '--json').stdout)['transactions']

    def grub_decides(self):
        """GRUB's choice on the image itself; what it counts stays counted."""
        text = (self.root / 'boot/grub/grub.cfg').read_text()
        self.umount_boot()
        folder = self.dir / 'grub'
        folder.mkdir(exist_ok=True)
        (folder / 'grub.cfg').write_text(grub.PRELUDE + emulated(text))
        try:
            done = grub.emulate(str(folder), {'hd0': str(self.image)}, stop=b'T role=')
        finally:
            self.mount_boot()
        if done.stuck:
            raise AssertionError('GRUB waits for a key:\n' + done.output[-2000:])
        return Boot(done.told)

    def release_of(self, generation):
        path = self.root / f'boot/kuro/gen/{generation}/manifest.json'
        return json.loads(path.read_text())['release']

    def freeze(self):
        """Stop here, to be a template."""
        self.umount_boot()

    def files(self):
        """What lies on the boot file system: path to content."""
        top = self.root / 'boot'
        return {str(p.relative_to(top)): p.read_bytes()
                for p in sorted(top.rglob('*')) if p.is_file() and not p.is_symlink()}

    def reboot(self, dies=False, orderly=True):
        """GRUB decides, and what it chose runs; dies: before kuro sees it."""
        if orderly:
            (self.root / 'run/system-state').write_text('stopping\n')
            self.kuro('hook', 'boot-end')
            (self.root / 'run/system-state').unlink()
        boot = self.grub_decides()
        if boot.generation and not dies:
            self.start(self.release_of(boot.generation), boot.generation, boot.trial)
            self.kuro('hook', 'boot-begin')
        return boot


def emulated(text, boot='hd0'):
    """A grub.cfg that grub-emu can run: it tells what it would boot, from the device BOOT."""
    text, count = re.subn(r'\bthen boot;', 'then kuro_test_boot;', text)
    if count != 1:
        text += '\nset kuro_test_plain=1\n'
    text = re.sub(r'^\s*search .*$', f'set root={boot}', text, flags=re.M)
    text = re.sub(r'^\s*(terminal_output|insmod|load_video|loadfont|gfxmode) .*$', 'true',
                  text, flags=re.M)
    text = re.sub(r'if loadfont .*; then', 'if false; then', text)
    text = re.sub(r'^(\s*)set timeout=.*$', r'\1set timeout=0', text, flags=re.M)
    return re.sub(r'^(\s*initrd\t.*)$', r'\1\nkuro_test_boot', text, flags=re.M)


def run_bytes(*argv, names=None):
    """Standard output of a program; with names: cpio over programs of that content."""
    if names is None:
        return subprocess.run([str(a) for a in argv], check=True,
                              capture_output=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        for name, content in names.items():
            Path(folder, name).write_bytes(content)
            Path(folder, name).chmod(0o755)
        return subprocess.run([str(a) for a in argv], check=True, capture_output=True,
                              input='\n'.join(names).encode() + b'\n', cwd=folder).stdout


def run_in(root, *argv):
    """A program below the root, with the search path of a login."""
    return run('chroot', root, 'env', 'PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin',
               *argv)


class Template:
    """A machine that kuro was set up on, with two kernels; every case starts from it.
    make(template): such a World."""

    def __init__(self, make=World):
        self.make = make

    def __enter__(self):
        self.made = self.make()
        with contextlib.ExitStack() as undo:
            undo.callback(self.made.stack.close)
            old, new = lab_releases()
            for release in (old, new):
                self.made.install_kernel(release, release.encode())
            self.made.update_grub()
            self.made.start(old)
            self.made.kuro('setup')
            self.made.freeze()
            undo.pop_all()
        return self

    def __exit__(self, *_):
        self.made.stack.close()

    def world(self):
        world = self.make(self.made)
        world.old, world.new = world.releases
        world.start(world.old, 1)
        world.kuro('hook', 'boot-begin')
        return world
