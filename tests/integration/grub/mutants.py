# SPDX-License-Identifier: LGPL-2.1-or-later
"""Breaks kuro.cfg in one place at a time. Each mutant must change a decision of some case that
is named with it; one that goes unnoticed means that the tests hold nothing there."""
import random
import tempfile

import cases
import lab

# what it breaks: (text, instead of it, prefix of the group that must notice)
MUTANTS = {
    'no try is taken': ('set kuro_tries="$kuro_less"', 'set kuro_tries="$kuro_tries"', 'pointers'),
    'the taken try is not saved': ('if ! save_env --file "$kuro_env" kuro_tries', 'if [ -z y ]', 'pointers'),
    'a failed save is not noticed': ("can't be written, no trial\"\n", 'written"; set kuro_taken=y\n', 'GRUB'),
    'the block is not compared': ('"x$kuro_good/$kuro_prev/$kuro_trial/$kuro_tries/$kuro_miss" = "x$kuro_is"',
                                  '-n y', 'GRUB'),
    'the block is not read again': ('\telse\n\t\tkuro_read_block\n', '\telse\n', 'GRUB'),
    'variables are not cleared first': ('\tset kuro_tries=\n', '', 'variables'),
    'pointers are not checked': ("if ! regexp '^x[1-9][0-9]?[0-9]?[0-9]?[0-9]?[0-9]?$' \"x$1\"", 'if [ -z "$1" ]', 'every'),
    'a pointer may be an option': ("'^x[1-9][0-9]?[0-9]?[0-9]?[0-9]?[0-9]?$' \"x$1\"",
                                   "'^[1-9][0-9]?[0-9]?[0-9]?[0-9]?[0-9]?$' \"$1\"", 'every'),
    'a pointer is not bound at its end': ('[0-9]?$\' "x$1"', '[0-9]?\' "x$1"', 'every'),
    'counters are not checked': ('else unset kuro_ok\n', 'else set kuro_more=1\n', 'every'),
    'an unsound block is tried': ('if [ -z "$kuro_sound" ]', 'if [ -z y ]', 'every'),
    'tries 0 is tried': ('if [ -z "$kuro_less" ]; then return 0; fi', '', 'every'),
    'the good one is tried': ('if [ "x$kuro_trial" = "x$kuro_good" ]; then return 0; fi', '', 'pointers'),
    'misses are not counted': ('set kuro_miss="$kuro_more"', '', 'pointers'),
    'misses are not saved': ('save_env --file "$kuro_env" kuro_miss\n', '', 'pointers'),
    'the miss limit is ignored': ('if [ "$kuro_miss" -ge "$kuro_miss_limit" ]', 'if [ -z y ]', 'pointers'),
    'the miss limit is one off': ('-ge "$kuro_miss_limit"', '-gt "$kuro_miss_limit"', 'every'),
    'the limit without a previous one': ('if [ -z "$kuro_prev" ]; then return 0; fi\n', '', 'every'),
    'a one-shot choice is ignored': ('if [ -n "$boot_once" ]; then return 0; fi', '', "a person"),
    'sums are not checked': ('if [ -n "$kuro_ok" ]; then kuro_check_sums; fi', '', 'damaged gen'),
    'sums may be absent': ('if [ ! -s "$kuro_dir/sums" ]; then unset kuro_ok; return 0; fi', '', 'damaged gen'),
    'an unreadable list of sums is one that ended': ('if ! hashsum --hash sha256 "$kuro_dir/sums"; then unset kuro_ok; fi', '', 'damaged gen'),
    'sizes are not checked': ('if [ ! -s "(kuro_loop)0+$2" ]; then unset kuro_ok; fi', '', 'damaged gen'),
    'a file may be too long': ('if [ -s "(kuro_loop)$2+1" ]; then unset kuro_ok; fi', '', 'damaged gen'),
    'files may be empty': ('if [ ! -s "$kuro_dir/$1" ]; then unset kuro_ok; return 0; fi', '', 'damaged gen'),
    'no hashsum counts as present': ('if ! hashsum --hash sha256 --check "($kuro_dev)$kuro_path/hashable"; then', 'if hashsum --hash sha256 --check "($kuro_dev)$kuro_path/hashable"; then set x=; else set x=; fi; if [ -z y ]; then', 'damaged gen'),
    'no regexp counts as proof': ('"x$1"; then return 0; else set kuro_ok=y; fi', '"x$1"; then set kuro_ok=y; fi', 'GRUB'),
    'no loopback counts as damage': ('echo "kuro: size of $1 not checked"', 'unset kuro_ok', 'damaged gen'),
    'the loop device stays': ('loopback -d kuro_loop', '', 'damaged gen'),
    'boot.cfg may be of another': ('if [ "x$kuro_this" = "x$2" ]; then', 'if [ -n "$kuro_this" ]; then', 'damaged gen'),
    'another one may be loaded': ('if [ "x$kuro_loaded" = "x$2" ]', 'if [ -n "$kuro_loaded" ]', 'damaged gen'),
    'what was loaded is not asked': ('if [ "x$kuro_loaded" = "x$2" ]', 'if [ -n y ]', 'damaged gen'),
    'a former size counts': ('\tunset kuro_vmlinuz_sectors\n', '', 'damaged gen'),
    'a trial falls to nothing': ('kuro_start trial "$kuro_trial"\n\tkuro_start good "$kuro_good"',
                                 'kuro_start trial "$kuro_trial"', 'damaged gen'),
    'a good one falls to nothing': ('kuro_start good "$kuro_good"\n\tkuro_start previous "$kuro_prev"\n\t!; }\nkuro_describe trial',
                                    'kuro_start good "$kuro_good"\n\t!; }\nkuro_describe trial', 'damaged gen'),
    'fallback is an id': ('set fallback="0 2 3"', 'set fallback="kuro-good"', 'fallback'),
    'the menu may wait': ('set timeout="$kuro_menu_timeout"', '', 'settings'),
    'the menu time is unbounded': ('set kuro_menu_timeout=5', '', 'settings'),
    'the pager stays on': ('set pager=0', '', 'settings'),
    'the miss limit is unbounded': ('set kuro_miss_limit=3', '', 'settings'),
    "the distribution's default is not moved": ('set default="3$kuro_rest"', 'set default="0$kuro_rest"', 'the dist'),
    'an entry ends without the error': ('\t!; }', '\t}', 'fallback'),
}


def run(folder, jobs, make_lab, run_group, wanted):
    generations, groups = cases.everything()
    places = {n: make_lab(tempfile.mkdtemp(dir=folder), generations, {n: g}) for n, g in groups.items()}
    whole, good = lab.kuro_cfg(), True
    for name, (text, instead, prefix) in MUTANTS.items():
        if not wanted(name):
            continue
        assert text in whole, f'mutant {name}: its text is gone from kuro.cfg'
        place = next(p for n, p in places.items() if n.startswith(prefix))
        judged, wrong = notice(place, whole.replace(text, instead), jobs, run_group)
        print(f'ok mutant {name}: noticed, {judged} decisions' if wrong
              else f'not ok mutant {name}: nobody of {judged} notices', flush=True)
        good &= bool(wrong)
    return good


def notice(place, text, jobs, run_group):
    """Runs cases in a fixed, mixed order until one is wrong. Each starts from its own block."""
    order = random.Random(7).sample(place.cases, len(place.cases))
    for at in range(0, len(order), 8):
        wrong = run_group(place, order[at:at + 8], text, jobs)
        for case in order[at:at + 8]:
            place.image.write(place.names[id(case)], case.block)
        if wrong:
            return at + 8, wrong
    return len(order), []
