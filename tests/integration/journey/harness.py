# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs cases, each on a machine of its own that starts from one template."""
import argparse
import time
import traceback

from world import Template


def run_cases(suite, cases, about):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument('--only', action='append', default=[])
    parser.add_argument('--list', action='store_true')
    options = parser.parse_args()
    if options.list:
        print('\n'.join(cases))
        return 0
    failed = 0
    with Template() as template:
        for name, case in cases.items():
            if options.only and name not in options.only:
                continue
            failed += not run_case(f'{suite}/{name}', case, template)
    return 1 if failed else 0


def run_case(name, case, template):
    start = time.monotonic()
    try:
        with template.world() as world:
            case(world)
    except Exception as error:  # a case that breaks is a case that failed
        lines = str(error).strip().splitlines() or [type(error).__name__]
        print(f'not ok {name}: {lines[0]}', flush=True)
        traceback.print_exc()
        return False
    print(f'ok {name} ({time.monotonic() - start:.1f}s)', flush=True)
    return True
