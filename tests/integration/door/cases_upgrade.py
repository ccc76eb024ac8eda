# SPDX-License-Identifier: LGPL-2.1-or-later
"""kuro upgrade takes from apt what apt itself would bring, and waits where it would wait."""
import json

from cases_boot import expect, last
from cases_vetting import with_dkms
from machine import headers_package, index, inside, install_by_hand, made_package, marks, offer
from machine import package, release_file, upgrade, whole

CASES = {}
META = 'linux-image-cloud-amd64'


def case(function):
    CASES[function.__name__.replace('_', '-')] = function
    return function


def packages(world):
    """Names of what an upgrade would bring."""
    return [line.split()[0] for line in world.kuro('plan').stdout.splitlines()
            if line.startswith('linux-')]


def headers(world, release, folder, told=True):
    """A package of headers; told: its script runs the hooks for headers."""
    hooks = f'run-parts --arg={release} /etc/kernel/header_postinst.d'
    return headers_package(world, release, folder, postinst=hooks if told else None)


@case
def a_mirror_that_has_no_headers_yet_is_waited_for(world):
    with_dkms(world)
    offer(world)
    world.policy('modules', '')     # nobody needs the module
    install_by_hand(world, headers(world, world.old, 'srv/old', told=False))
    expect(packages(world), [f'linux-image-{world.new}', META], 'what would come')
    before = world.files()
    done = world.kuro('upgrade', status=3)
    assert 'its headers are not in the package lists' in done.stderr, done.stderr
    assert 'kuro_base' in world.kuro('plan', status=3).stdout
    expect(last(world)['state'], 'undone', 'transaction')
    expect(world.files(), before, 'the boot file system')
    expect(package(world, world.new), 'no', 'the package')
    # now it has
    headers(world, world.new, 'srv/repo/1')
    index(world, 'srv/repo/1')
    told = world.kuro('upgrade').stderr
    expect(world.block()[:3], (1, None, 2), told)
    assert 'kuro-base/1.0 was built' in told, told
    name = f'linux-headers-{world.new}'
    expect(inside(world, 'dpkg-query', '-W', '-f', '${db:Status-Abbrev}', name), 'ii ', name)
    assert name in inside(world, 'apt-mark', 'showauto'), name


@case
def headers_may_come_in_a_later_run(world):
    """Package by package, as unattended-upgrades go on."""
    with_dkms(world)
    offer(world)
    meta = 'linux-headers-cloud-amd64'
    for release, version, folder in ((world.old, '1', 'srv/old'), (world.new, '2', 'srv/repo/1')):
        headers(world, release, folder, told=release == world.new)
        made_package(world, folder, meta, version, Depends=f'linux-headers-{release}')
    install_by_hand(world, *(world.root / 'srv/old').glob('*.deb'))
    index(world, 'srv/repo/1')
    told = inside(world, 'apt-get', '-y', 'install', f'linux-image-{world.new}')
    assert 'come in a later run' in told and 'will not be booted' in told, told
    expect(package(world, world.new), 'ii', 'the package')
    expect(world.block()[:3], (1, None, None), 'block')
    told = upgrade(world)
    expect(world.block()[:3], (1, None, 2), told)


@case
def an_update_that_is_rolled_out_by_and_by_is_waited_for(world):
    offer(world)
    # apt takes everything at once in a chroot, and in a machine without number
    (world.root / 'etc/apt/apt.conf.d/98phased').write_text('Dir::Bin::ischroot "/bin/false";\n')
    (world.root / 'etc/machine-id').write_text('912e43bd1c1d4ba481f9f8ccab25f9ee\n')
    for percent, comes in ('0', False), ('100', True):
        index(world, 'srv/repo/1',
              linux_image_cloud_amd64=f'Phased-Update-Percentage: {percent}\n')
        told = inside(world, 'apt-get', '-s', 'dist-upgrade')
        expect(f'Inst {META}' in told, comes, told)
        told = world.kuro('plan').stdout
        expect('no newer kernel' not in told, comes, told)


@case
def a_meta_package_that_a_person_holds_stays(world):
    offer(world)
    inside(world, 'apt-mark', 'hold', META)
    told = world.kuro('upgrade').stdout
    assert f'kept back by a hold on {META}' in told, told
    expect(package(world, world.new), 'no', 'the package')
    inside(world, 'apt-mark', 'unhold', META)
    expect(packages(world), [f'linux-image-{world.new}', META], 'what would come')


def newer_elsewhere(world):
    """A kernel newer than that of srv/repo/1, in srv/repo/2; its release."""
    release = '99.1.0-1-cloud-amd64'
    made_package(world, 'srv/repo/2', f'linux-image-{release}', '99.1-1')
    made_package(world, 'srv/repo/2', META, '99.1-1', Depends=f'linux-image-{release} (= 99.1-1)')
    for folder in 'srv/repo/1', 'srv/repo/2':
        index(world, folder)
    (world.root / 'etc/apt/sources.list').write_text(
        ''.join(f'deb [trusted=yes] copy:/srv/repo/{i} ./\n' for i in (1, 2)))
    return release


@case
def only_security_updates_come_where_that_is_asked(world):
    offer(world)
    newer = newer_elsewhere(world)
    says = {'Label': 'Debian', 'Suite': 'oldstable', 'Codename': 'bookworm'}
    release_file(world, 'srv/repo/1', **says)
    release_file(world, 'srv/repo/2', **says)
    inside(world, 'apt-get', '-q', 'update')
    assert f'linux-image-{newer}' in packages(world)
    # no archive says that it has security updates
    told = world.kuro('upgrade', '--security').stdout
    assert f'Nothing to do: {newer} could be had, but no archive' in told, told
    expect(package(world, world.new), 'no', 'the package')
    expect(last(world)['state'], 'done', 'transaction')
    # the older one's does
    release_file(world, 'srv/repo/1', **{**says, 'Suite': 'oldstable-security'})
    inside(world, 'apt-get', '-q', 'update')
    told = json.loads(world.kuro('upgrade', '--security', '--dry-run', '--json').stdout)
    expect((told['release'], told['passed_over']), (world.new, newer), told)
    world.policy('security', 'packages: { security = true; };\n')
    told = world.kuro('upgrade').stderr
    expect(world.block()[:3], (1, None, 2), told)
    expect((package(world, world.new), package(world, newer)), ('ii', 'no'), 'packages')
    # what is installed is the newest of them
    told = world.kuro('plan').stdout
    assert f'Nothing to do: {newer} could be had, but no archive' in told, told
    # a kernel by its name is a person's word
    assert newer in world.kuro('plan', '--to', newer, status=None).stdout


@case
def a_kernel_that_was_left_half_configured_is_tried_later(world):
    """kuro finishes it before its own, and its hooks say nothing meanwhile."""
    offer(world)
    deb, = (world.root / 'srv/repo/1').glob(f'linux-image-{world.new}_*.deb')
    inside(world, 'dpkg', '--unpack', f'/{deb.relative_to(world.root)}')
    expect(package(world, world.new), 'iU', 'the package')
    newer = newer_elsewhere(world)
    told = world.kuro('upgrade', status=None).stderr    # there is nothing in that one
    expect(package(world, world.new), 'ii', told)
    # it can't be taken back, since nobody has the old meta-package any more: it is finished
    assert 'no longer what was there before' in told, told
    expect(package(world, newer), 'ii', told)
    whole(world)
    expect(marks(world), [world.new], told)
    told = inside(world, 'kuro', 'hook', 'packages-done')
    expect(world.block()[:3], (1, None, 2), told)


@case
def a_security_update_that_is_the_newest_comes(world):
    offer(world)
    index(world, 'srv/repo/1')
    release_file(world, 'srv/repo/1', Label='Debian-Security', Suite='oldstable')
    inside(world, 'apt-get', '-q', 'update')
    told = json.loads(world.kuro('plan', '--security', '--json').stdout)
    expect((told['release'], told['passed_over']), (world.new, None), told)
