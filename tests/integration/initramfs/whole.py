# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine on which `kuro upgrade` brings a real kernel with real apt and generator."""
import os
import shutil
import sys
from pathlib import Path
from unittest import SkipTest

ROOTS = Path(__file__).resolve().parents[2] / 'corpus/roots'
sys.path.append(str(ROOTS))

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'journey'))
from lab_tree import builder, archive  # noqa: E402
from machine import COUNTER, SOURCE  # noqa: E402
from recording import lay_out  # noqa: E402
from world import World, run_in  # noqa: E402


class Upgradable:
    """The old kernel is installed and good; the repository offers the new one."""

    def __init__(self, stack):
        self.world = stack.enter_context(World(size='256M'))
        self.root = self.world.root
        self.old, self.new = archive.releases(2)
        stages = self.world.dir / 'stages'
        for number, release in (1, self.old), (2, self.new):
            archive.stage(stages, number, release)
        self.settle()
        self.offer(stages / '1')
        self.apt('install', archive.META)
        self.world.update_grub()
        self.world.start(self.old)
        self.world.kuro('setup')
        self.offer(stages / '2')
        real = self.root / 'usr/sbin/mkinitramfs'
        real.rename(f'{real}.real')
        real.write_text(COUNTER)
        real.chmod(0o755)

    def settle(self):
        shutil.rmtree(self.root / 'etc/apt/sources.list.d', ignore_errors=True)
        (self.root / 'etc/apt/sources.list').write_text(SOURCE)
        shutil.copytree(builder.HERE / 'guest/etc/initramfs-tools',
                        self.root / 'etc/initramfs-tools', dirs_exist_ok=True)
        for path in builder.DROPPED:
            (self.root / path).unlink(missing_ok=True)

    def apt(self, *words):
        run_in(self.root, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-y', '-q',
               '-o', 'APT::Sandbox::User=root', *words)

    def offer(self, folder):
        shutil.rmtree(self.root / 'srv/repo', ignore_errors=True)
        shutil.copytree(folder, self.root / 'srv/repo')
        self.apt('update')

    def runs(self):
        log = self.root / 'generator-runs'
        return [line.split()[-1] for line in log.read_text().splitlines()]

    def image(self, release):
        return self.root / f'boot/initrd.img-{release}'


def an_upgrade(stack):
    """kuro upgrade: one run of the generator, and the trial is armed."""
    machine = Upgradable(stack)
    machine.world.kuro('upgrade')
    assert machine.runs() == [machine.new], machine.runs()
    assert machine.world.block()[:4] == (1, None, 2, 1), machine.world.block()
    kept = machine.root / 'boot/kuro/gen/2/initrd.img'
    assert kept.read_bytes() == machine.image(machine.new).read_bytes()
    assert run_in(machine.root, 'dpkg', '--audit').stdout == ''


def a_failing_build(stack):
    """It is taken back, and the log and the message hold the generator's words."""
    machine = Upgradable(stack)
    before = machine.image(machine.old).read_bytes()
    hook = machine.root / 'etc/initramfs-tools/hooks/broken'
    hook.write_text('#!/bin/sh\n[ "$1" != prereqs ] || exit 0\n'
                    f'[ "$version" != {machine.new} ] || {{ echo "E: no such luck" >&2; exit 3; }}\n')
    hook.chmod(0o755)
    said = machine.world.kuro('upgrade', status=1).stderr
    assert 'E: no such luck' in said, said
    assert machine.world.block()[:3] == (1, None, None), machine.world.block()
    assert not machine.image(machine.new).exists()
    assert not (machine.root / f'boot/vmlinuz-{machine.new}').exists()
    assert machine.image(machine.old).read_bytes() == before or \
        machine.old in machine.runs(), 'the old image changed'
    log = machine.root / f'var/lib/kuro/log/{machine.world.history()[0]["id"]}.log'
    assert 'E: no such luck' in log.read_text(errors='replace')
    assert run_in(machine.root, 'dpkg', '--audit').stdout == ''


DRIVER = 'virtio_blk'


def on_a_disk(machine):
    """Of virtio, whatever this host's / stands on, if it stands on a disk at all."""
    device = os.stat('/').st_dev
    if os.major(device) == 0:
        raise SkipTest('/ of this host is on no disk: what it needs can not be told')
    lay_out(machine.root, ROOTS / 'data/plain-virtio', '/sys/')
    link = machine.root / f'sys/dev/block/{os.major(device)}:{os.minor(device)}'
    if not link.is_symlink():
        link.symlink_to(os.readlink(link.with_name('254:1')))


def refused(machine, *words):
    """kuro upgrade ends before the trial is armed, and all is as it was."""
    before = machine.image(machine.old).read_bytes()
    said = machine.world.kuro('upgrade', status=3).stderr
    told = machine.world.kuro('explain').stdout
    for word in words:
        assert word in said and word in told, f'{word}: {said}{told}'
    assert machine.world.block()[:3] == (1, None, None), machine.world.block()
    assert not (machine.root / 'boot/kuro/gen/2').exists()
    assert not machine.image(machine.new).exists()
    assert not (machine.root / f'boot/vmlinuz-{machine.new}').exists()
    assert machine.image(machine.old).read_bytes() == before, 'the old image changed'
    assert run_in(machine.root, 'dpkg', '--audit').stdout == ''


def without_the_driver(stack):
    """A setting that went wrong: the generator is content, and the image is smaller."""
    machine = Upgradable(stack)
    on_a_disk(machine)
    hook = machine.root / 'etc/initramfs-tools/hooks/lab'
    hook.write_text(hook.read_text().replace(f' {DRIVER} ', ' '))
    machine.world.policy('shrunk', 'initramfs: { shrunk = 5; };\n')
    refused(machine, f'it lacks the module {DRIVER}, for device virtio0', 'the last proven one',
            f'gone are {DRIVER}')


def cut_off(stack):
    """By a hook that runs when kuro's image lies there."""
    machine = Upgradable(stack)
    hook = machine.root / 'etc/kernel/postinst.d/zz-cut'
    hook.write_text('#!/bin/sh\ntruncate -s 500000 "/boot/initrd.img-$1"\n')
    hook.chmod(0o755)
    refused(machine, 'cut off')


def only_warned(stack):
    """A warning alone is no reason; what it warned of may be."""
    machine = Upgradable(stack)
    on_a_disk(machine)
    hook = machine.root / 'etc/initramfs-tools/hooks/zz-warns'
    warns = '#!/bin/sh\n[ "$1" != prereqs ] || exit 0\necho "W: %s: no such file" >&2\n'
    hook.write_text(warns % DRIVER + f'find "$DESTDIR" -name {DRIVER}.ko -delete\n')
    hook.chmod(0o755)
    refused(machine, f'it lacks the module {DRIVER}, for device virtio0')
    hook.write_text(warns % 'logo')
    machine.world.kuro('upgrade')
    assert machine.world.block()[:4] == (1, None, 2, 1), machine.world.block()
    log = machine.root / f'var/lib/kuro/log/{machine.world.history()[0]["id"]}.log'
    assert 'W: logo: no such file' in log.read_text(errors='replace')


CASES = {'whole-upgrade': an_upgrade, 'whole-upgrade-that-fails-to-build': a_failing_build,
         'whole-upgrade-without-the-driver': without_the_driver,
         'whole-upgrade-with-a-cut-image': cut_off,
         'whole-upgrade-with-a-warning': only_warned}
