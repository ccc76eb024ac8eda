# SPDX-License-Identifier: LGPL-2.1-or-later
"""A trial is vetted first: a module that the new kernel would not have keeps it away."""
import importlib.util
import os
import select
import shutil

from cases_boot import armed, boots, expect, last
from lab_tree import TESTS, archive
from world import HERE, run, run_in

CASES = {}
UPDATES = 'updates/dkms/kuro_base.ko'


def case(function):
    CASES[function.__name__.replace('_', '-')] = function
    return function


def vetting():
    """The vetting suite's modules."""
    path = TESTS / 'integration/vetting/machine.py'
    spec = importlib.util.spec_from_file_location('vetting_machine', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def install(world, release, fits=True):
    """A real module built for the new release; or as if for another version of it."""
    target = world.root / 'usr/lib/modules' / release / UPDATES
    target.parent.mkdir(parents=True, exist_ok=True)
    data = vetting().modules(world.new)['kuro_base'].read_bytes()
    target.write_bytes(data if fits else vetting().another_version(data, '_printk'))
    run_in(world.root, 'depmod', release)


def required(world):
    """This host may have no /proc/modules to show the module as loaded."""
    world.policy('modules', 'modules: { required = [ "kuro_*" ]; };\n')


@case
def a_kernel_without_a_required_module_is_refused(world):
    install(world, world.old, fits=False)
    required(world)
    before = world.files()
    done = world.kuro('try', world.new, status=3)
    assert 'kuro_base' in done.stderr and 'no file' in done.stderr, done.stderr
    expect(last(world)['state'], 'undone', 'transaction')
    expect(world.files(), before, 'the boot file system')
    assert 'kuro_base' in world.kuro('explain').stdout
    assert 'absent' in world.kuro('matrix').stdout
    world.policy('modules', 'modules: { optional = [ "kuro_*" ]; };\n')
    done = world.kuro('try', world.new)
    assert '0 of 1 third-party modules would load' in done.stderr, done.stderr
    expect(world.block()[2], 2, 'trial')


@case
def a_binary_that_loads_as_it_is_is_linked_and_taken_back(world):
    install(world, world.old)   # as if both kernels had one ABI
    required(world)
    link = world.root / 'usr/lib/modules' / world.new / 'weak-updates/kuro/kuro_base.ko'
    world.policy('unarmed', 'kernel: { config_required = [ "CONFIG_KURO" ]; };\n')
    world.kuro('try', world.new, status=3)
    expect(link.exists(), False, 'the link of a refused kernel')
    world.policy('unarmed', '')
    world.kuro('try', world.new)
    expect(link.exists(), True, 'the link')
    expect(world.block()[2], 2, 'trial')
    assert 'loads-tainted' in world.kuro('check', world.new).stdout


@case
def a_module_that_nobody_needs_keeps_no_kernel_away(world):
    install(world, world.old, fits=False)
    armed(world)


def with_dkms(world):
    """DKMS has the module for the old kernel, its source, and the new kernel's headers."""
    install(world, world.old, fits=False)
    required(world)
    home = world.root / 'var/lib/dkms/kuro-base'
    source = world.root / 'usr/src/kuro-base-1.0'
    built = home / '1.0' / world.old / 'x86_64/module'
    headers = world.root / 'usr/lib/modules' / world.new / 'build'
    for folder in (built, source, headers / 'scripts', headers / 'include/generated'):
        folder.mkdir(parents=True)
    (source / 'dkms.conf').write_text('PACKAGE_NAME="kuro-base"\nPACKAGE_VERSION="1.0"\n'
                                      'BUILT_MODULE_NAME[0]="kuro_base"\n'
                                      'DEST_MODULE_LOCATION[0]="/updates"\n')
    (home / '1.0/source').symlink_to('/usr/src/kuro-base-1.0')
    (home / f'kernel-{world.old}-x86_64').symlink_to(f'1.0/{world.old}/x86_64')
    shutil.copy(world.root / 'usr/lib/modules' / world.old / UPDATES, built)
    (headers / 'Makefile').write_text('')
    (headers / 'include/generated/utsrelease.h').write_text(
        f'#define UTS_RELEASE "{world.new}"\n')
    shutil.copy(HERE / 'fakes/dkms', world.root / 'usr/sbin')
    (world.root / 'srv/kuro_base.ko').write_bytes(
        vetting().modules(world.new)['kuro_base'].read_bytes())


@case
def dkms_builds_for_the_new_kernel_before_it_is_tried(world):
    with_dkms(world)
    before = world.kuro('check', world.new, status=3).stdout
    assert 'rebuild' in before and 'absent' in before, before
    done = world.kuro('try', world.new)
    assert 'kuro-base/1.0 was built' in done.stderr, done.stderr
    expect((world.root / 'usr/lib/modules' / world.new / UPDATES).exists(), True, 'the module')
    expect(world.block()[2], 2, 'trial')
    world.kuro('check', world.new)


def with_stale_build(world):
    """... and a build for the new kernel, which another kernel of that name was."""
    with_dkms(world)
    install(world, world.new, fits=False)
    home = world.root / 'var/lib/dkms/kuro-base'
    stale = world.root / 'usr/lib/modules' / world.new / UPDATES
    (home / '1.0' / world.new / 'x86_64/module').mkdir(parents=True)
    shutil.copy(stale, home / '1.0' / world.new / 'x86_64/module')
    (home / f'kernel-{world.new}-x86_64').symlink_to(f'1.0/{world.new}/x86_64')
    os.utime(stale, (1700000000, 1700000000))
    return stale


@case
def a_build_for_another_kernel_of_that_name_is_made_anew(world):
    stale = with_stale_build(world)
    said = world.kuro('check', '-v', world.new, status=3).stdout
    assert 'rebuild' in said and 'dkms build --force kuro-base/1.0' in said, said
    done = world.kuro('try', world.new)
    assert 'kuro-base/1.0 was built anew' in done.stderr, done.stderr
    expect(stale.read_bytes(), (world.root / 'srv/kuro_base.ko').read_bytes(), 'the module')
    expect(world.block()[2], 2, 'trial')


@case
def what_was_made_anew_stays_where_its_kernel_is_refused(world):
    """The stale build was of no use, and the kernel is still installed."""
    stale = with_stale_build(world)
    world.policy('refused', 'kernel: { config_required = [ "CONFIG_KURO" ]; };\n')
    done = world.kuro('try', world.new, status=3)
    assert 'kuro-base/1.0 stays as it was built anew' in done.stderr, done.stderr
    expect(last(world)['state'], 'undone', 'transaction')
    expect(stale.read_bytes(), (world.root / 'srv/kuro_base.ko').read_bytes(), 'the module')


@case
def a_build_that_fails_is_explained_and_undone(world):
    with_dkms(world)
    (world.root / 'srv/broken').write_text('')
    done = world.kuro('try', world.new, status=3)
    assert 'kuro_gone' in done.stderr and 'make.log' in done.stderr, done.stderr
    assert 'kuro_gone' in world.kuro('explain').stdout
    expect(last(world)['state'], 'undone', 'transaction')
    expect(world.block()[2], None, 'trial')


@case
def what_was_built_for_a_refused_kernel_is_taken_back(world):
    with_dkms(world)
    world.policy('refused', 'kernel: { config_required = [ "CONFIG_KURO" ]; };\n')
    world.kuro('try', world.new, status=3)
    expect((world.root / 'usr/lib/modules' / world.new / UPDATES).exists(), False, 'the module')
    expect((world.root / 'usr/lib/modules' / world.old / UPDATES).exists(), True, 'the old one')
    assert f'-k {world.new}' in (world.root / 'run/dkms.log').read_text()


def cut_off(world, where, left):
    """kuro is killed in a build, and then recovers; left: is the module there until then?"""
    with_dkms(world)
    (world.root / 'srv' / where).write_text('')
    world.kuro('try', world.new, status=-9)
    module = world.root / 'usr/lib/modules' / world.new / UPDATES
    ended(int((world.root / 'run/dkms.pid').read_text()))
    expect(module.exists(), left, 'the module when kuro was killed')
    (world.root / 'srv' / where).unlink()
    world.kuro('recover')
    expect(module.exists(), False, 'the module')
    expect((world.root / 'var/lib/dkms/kuro-base/1.0' / world.new).exists(), False, 'the build')
    expect(last(world)['state'], 'undone', 'transaction')


def ended(pid):
    """Wait for the end of a program that is nobody's child any more."""
    try:
        select.select([os.pidfd_open(pid)], [], [], 20)
    except ProcessLookupError:
        pass


@case
def a_build_that_was_cut_off_is_taken_back(world):
    cut_off(world, 'kill', left=True)


@case
def a_module_that_dkms_has_not_noted_yet_is_taken_back(world):
    cut_off(world, 'kill-copied', left=True)


@case
def a_build_does_not_go_on_without_kuro(world):
    cut_off(world, 'kill-begun', left=False)


def offer(world):
    """apt has the old kernel installed, by name, and offers the new one's real package."""
    for path in (world.root / 'boot').glob(f'*-{world.new}'):
        path.unlink()
    shutil.rmtree(world.root / 'usr/lib/modules' / world.new)
    repo = world.root / 'srv/repo'
    old, new = world.dir / 'debs/0', repo / '1'
    archive.stage(world.dir / 'debs', 0, world.old)
    archive.stage(repo, 1, world.new)
    made = world.dir / 'made-package/DEBIAN'
    made.mkdir(parents=True)
    (made / 'control').write_text(
        f'Package: linux-image-{world.old}\nVersion: 1\nArchitecture: amd64\n'
        'Maintainer: tests <root@localhost>\nDescription: stands for the kernel\n')
    run('dpkg-deb', '--root-owner-group', '-b', made.parent, old)
    for deb in old.glob('*.deb'):
        shutil.copy(deb, world.root / 'srv')
    run_in(world.root, 'sh', '-c', 'dpkg -i /srv/*.deb && rm /srv/*.deb')
    shutil.rmtree(world.root / 'etc/apt/sources.list.d', ignore_errors=True)
    (world.root / 'etc/apt/sources.list').write_text(
        f'deb [trusted=yes] copy:/srv/repo/{new.name} ./\n')
    run_in(world.root, 'apt-get', '-q', '-o', 'APT::Sandbox::User=root', 'update')
    (world.root / 'etc/apt/apt.conf.d/99root').write_text('APT::Sandbox::User "root";\n')


@case
def an_upgrade_that_would_lose_a_module_unpacks_nothing(world):
    install(world, world.old, fits=False)
    required(world)
    offer(world)
    before = world.files()
    asked = world.kuro('plan')
    assert 'vetted when its packages are fetched' in asked.stdout, asked.stdout
    done = world.kuro('upgrade', status=3)
    assert 'kuro_base' in done.stderr and 'installing' not in done.stderr, done.stderr
    expect(last(world)['state'], 'undone', 'transaction')
    expect(world.files(), before, 'the boot file system')
    expect((world.root / 'usr/lib/modules' / world.new).exists(), False, 'unpacked')
    told = world.kuro('upgrade', '--dry-run', status=3).stdout
    assert 'kuro_base' in told and 'fails' in told, told
