# SPDX-License-Identifier: LGPL-2.1-or-later
"""A trial is vetted first: a module that the new kernel would not have keeps it away."""
import importlib.util

from cases_boot import armed, boots, expect, last
from lab_tree import TESTS
from world import run_in

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
