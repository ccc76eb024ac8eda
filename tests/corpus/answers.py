# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a kernel said of modules, as answer: lines of a case (tests/cases/run-answers.c)."""
import re

from boots import plain, symbols

SAID = (  # the kernel's line behind "MODULE: ", and the code that says the same
    (re.compile(r"disagrees about version of symbol (\S+)"), "symbol-version"),
    (re.compile(r"no symbol version for (\S+)"), "symbol-unversioned"),
    (re.compile(r"Unknown symbol (\S+) \(err -2\)"), "unknown"),
    (re.compile(r"uses symbol \(?([^ )]+)\)? from namespace"), "namespace"),
    (re.compile(r"tries to import module namespace"), "namespace"),
    (re.compile(r"exports duplicate symbol (\S+)"), "duplicate-export"),
    (re.compile(r"version magic '.*' should be '.*'"), "vermagic"),
    (re.compile(r"this_module section size must match"), "layout"),
    (re.compile(r"failed to validate module \[.*\] BTF"), "btf"),
    (re.compile(r"Invalid architecture in ELF header"), "machine"),
    (re.compile(r"Invalid ELF (?:header|section)|module has no symbols|"
                r"compile with -fno-common|this_module section must exist|"
                r"this_module must occupy|[.]modinfo section must exist|"
                r"no flags for exported symbols"), "malformed"),
    (re.compile(r"module is already loaded"), "name-taken"),
    (re.compile(r"Module \S+ is blacklisted"), "blacklisted"),
    (re.compile(r"(?:Loading of .*|unsigned module loading) is re(?:jec|stric)ted"), "signature"),
    (re.compile(r"livepatch support is disabled"), "livepatch"),
)
SIGNATURE = (74, 129)  # EBADMSG, EKEYREJECTED: the kernel has no words for a bad one


def _codes(said, errno):
    found = ["signature"] if errno in SIGNATURE else []
    for line in said:
        for pattern, code in SAID:
            match = pattern.search(line)
            if match and pattern.groups:
                code = f"{code}={match.group(1)}"
            if match and code not in found:
                found.append(code)
    return found


def _records(lines):
    """(what, path, errno, how, lines of the kernel) of each load."""
    records = []
    for line in lines:
        words = line.split()
        if words[1] in ("try", "tree"):
            records.append((words[1], words[2], int(words[3]), words[4], []))
        elif words[1] == "said" and records:
            records[-1][4].append(line[len("@ said "):])
        elif words[1] == "trying":
            records.append(("hung", words[2], 0, "", []))
        if words[1] == "try" and len(records) > 1 and records[-2][0] == "hung":
            del records[-2]
    return records


def _without_idle(codes, idle):
    """Codes but those of symbols whose owner passed the loader and then found no hardware:
    no fault of the module that was refused. Second: one such owner, or None."""
    found, owner = [], None
    for code in codes:
        symbol = code[len("unknown="):] if code.startswith("unknown=") else None
        if symbol in idle:
            owner = idle[symbol]
        else:
            found.append(code)
    return found, owner


def answers(lines, tree, folder, quoted=False):
    """Lines of a case: one a module that was tried. quoted: with what the kernel wrote,
    as comments."""
    idle, told = {}, []
    for what, path, errno, how, said in _records(lines):
        name = plain(path)
        file = folder / path.rsplit("/", 1)[1] if what != "tree" else \
            tree.folder / tree.paths[name]
        if how == "reached" and errno:
            owned = symbols(file)[1] if what == "try" else \
                {symbol for symbol, owner in tree.owners.items() if owner == name}
            idle.update({symbol: name for symbol in owned})
        if what == "tree":
            continue
        codes, owner = _without_idle(_codes(said, errno), idle)
        if what == "hung":
            told.append(f"answer: {name} undecided the kernel did not come back")
        elif how == "reached" or errno == 0:
            told.append(f"answer: {name} loads" + (f" errno={errno}" if errno else ""))
        elif owner and not codes:
            told.append(f"answer: {name} undecided init() of {owner} failed before it")
        else:
            told.append(f"answer: {name} refused errno={errno} " + " ".join(codes))
        told += [f"# {line}" for line in said if quoted]
    return [line.rstrip() for line in told]
