# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs cases, each on a machine of its own that starts from one template."""
import argparse
import concurrent.futures
import os
import time
import traceback

from world import Template


def run_cases(suite, cases, about, machine=Template):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument('--only', action='append', default=[])
    parser.add_argument('--list', action='store_true')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='cases at once')
    options = parser.parse_args()
    if options.list:
        print('\n'.join(cases))
        return 0
    chosen = {n: c for n, c in cases.items() if not options.only or n in options.only}
    with machine() as template, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        good = list(pool.map(lambda name: run_case(f'{suite}/{name}', chosen[name], template),
                             chosen))
    return 0 if all(good) else 1


def run_case(name, case, template):
    start = time.monotonic()
    try:
        with template.world() as world:
            case(world)
    except Exception as error:  # a case that breaks is a case that failed
        lines = str(error).strip().splitlines() or [type(error).__name__]
        print(f'not ok {name}: {lines[0]}\n{traceback.format_exc()}', end='', flush=True)
        return False
    print(f'ok {name} ({time.monotonic() - start:.1f}s)\n', end='', flush=True)
    return True
