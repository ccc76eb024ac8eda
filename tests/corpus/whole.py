# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole of `kuro check` beside what a boot answered; KURO names the program."""
import json
import os
import shutil
import subprocess

from lab.timeline import LabError

VERDICTS = {"loads": ("loads", "loads-tainted"), "refused": ("fails",)}


def told_of(case):
    """{module: loads, refused or undecided}"""
    return {words[1]: words[2] for words in map(str.split, case.read_text().splitlines())
            if words and words[0] == "answer:"}


def check_set(root, release, modules, case):
    """How many modules of that folder were compared, and a line for each of which kuro,
    finding them in the release's tree, says other than the boot did."""
    updates = root / "lib/modules" / release / "updates"
    shutil.rmtree(updates, ignore_errors=True)
    shutil.copytree(modules, updates / "dkms")
    try:
        done = subprocess.run([os.environ.get("KURO", "kuro"), "--root", root, "check", release,
                               "--json"], text=True, capture_output=True, check=False)
    finally:
        shutil.rmtree(updates)
    try:
        said = {module["name"].replace("-", "_"): module["verdict"]
                for module in json.loads(done.stdout)["modules"]}
    except ValueError as error:
        raise LabError(f"kuro check {release}: {done.stderr or done.stdout}") from error
    told = told_of(case)
    wrong = [f"{case.stem}: {module}: kuro says {said.get(module, 'nothing')}, the boot {how}"
             for module, how in told.items() if how != "undecided" and
             said.get(module) not in VERDICTS[how]]
    return sum(how != "undecided" for how in told.values()), wrong
