# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots a kernel under QEMU and has its loader try sets of modules, one after the other.

The in-tree modules that a set needs are found by depmod's indexes and by nm, not by kuro:
what is asked here is the oracle.
"""
import re
import subprocess
from functools import lru_cache
from pathlib import Path

from lab.programs import run
from lab.timeline import LabError

HERE = Path(__file__).resolve().parent
APPEND = ("console=ttyS0 quiet loglevel=1 rdinit=/init panic=-1 oops=panic nokaslr "
          "mitigations=off tsc=reliable random.trust_cpu=on")
QEMU = ("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
        "-accel", "tcg", "-cpu", "qemu64", "-smp", "1", "-m", "512", "-serial", "stdio",
        "-no-reboot")
SECONDS = 400  # for one boot; a machine with other work on it needs a tenth


def plain(name):
    return Path(name).name.split(".ko")[0].replace("-", "_")


@lru_cache(maxsize=None)
def symbols(path):
    """(undefined, exported) of a module file, by nm; nothing where nm can't read it."""
    undefined, exported = set(), set()
    listed = subprocess.run(["nm", path], text=True, capture_output=True, check=False).stdout
    for line in listed.splitlines():
        kind, name = line.split()[-2:]
        if kind == "U":
            undefined.add(name)
        elif name.startswith("__ksymtab_"):
            exported.add(name[len("__ksymtab_"):])
    return undefined, exported


@lru_cache(maxsize=None)
def softdeps(path):
    """Names in its pre: softdeps."""
    found = []
    said = subprocess.run(["modinfo", "-F", "softdep", path], text=True, capture_output=True,
                          check=False).stdout
    for line in said.splitlines():
        before = re.search(r"pre: (.*?)( post:|$)", line)
        found += before.group(1).split() if before else []
    return found


class Tree:
    """A kernel's own modules, below root; depmod has been there."""

    def __init__(self, root, release):
        self.release = release
        self.folder = root / "lib/modules" / release
        if not (self.folder / "modules.dep").exists():
            run("depmod", "-b", root, release)
        self.paths, self.needs = {}, {}
        for line in self._lines("modules.dep"):
            path, needs = line.split(":")
            self.paths[plain(path)] = path
            self.needs[plain(path)] = [plain(word) for word in needs.split()]
        self.owners = {line.split()[1][len("symbol:"):]: line.split()[2]
                       for line in self._lines("modules.symbols")}
        self.softdeps, self.aliases = {}, {}
        for line in self._lines("modules.softdep"):
            before = re.match(r"softdep (\S+) pre: (.*?)( post:|$)", line)
            if before:
                self.softdeps[before.group(1)] = before.group(2).split()
        for line in self._lines("modules.alias"):
            self.aliases.setdefault(line.split()[1], []).append(line.split()[2])

    def _lines(self, name):
        return [line for line in (self.folder / name).read_text().splitlines()
                if line and not line.startswith("#")]

    def image(self):
        for path in (self.folder / "vmlinuz",
                     self.folder.parents[2] / f"boot/vmlinuz-{self.release}",
                     self.folder.parents[3] / f"boot/vmlinuz-{self.release}"):
            if path.exists():
                return path
        raise LabError(f"{self.release}: no image")

    def with_needs(self, name, seen):
        """The tree's module and all it needs, in the order of loading."""
        names = [self._known(name)] if self._known(name) else \
            [self._known(other) for other in self.aliases.get(name, [])]
        for known in names:
            if known in seen:
                continue
            seen.append(known)
            for soft in self.softdeps.get(known, []):
                yield from self.with_needs(soft, seen)
            for need in reversed(self.needs[known]):
                yield from self.with_needs(need, seen)
            yield known

    def _known(self, name):
        return name.replace("-", "_") if name.replace("-", "_") in self.paths else None

    def extract(self, name, folder):
        """The module's plain file in folder."""
        source = self.folder / self.paths[name]
        target = folder / f"{name}.ko"
        if source.suffix == ".xz":
            with open(target, "wb") as out:
                subprocess.run(["xz", "-dc", source], stdout=out, check=True)
        elif not target.exists():
            target.symlink_to(source.resolve())


def _set_order(files):
    """The set's files, each behind those whose symbols it needs."""
    owners = {name: file for file in files for name in symbols(file)[1]}
    order = []

    def place(file, trail):
        if file in order or file in trail:
            return
        for owner in sorted({owners[name] for name in symbols(file)[0] if name in owners}):
            place(owner, trail + [file])
        order.append(file)

    for file in files:
        place(file, [])
    return order, set(owners)


def _plan_set(tree, name, folder):
    """Lines of the plan, and the names of the tree's modules in it."""
    files = sorted(folder.glob("*.ko"))
    order, own = _set_order(files)
    members = {plain(file) for file in files}
    lines, loaded = [f"set {name}"], []
    for file in order:
        wanted = [tree.owners[symbol] for symbol in sorted(symbols(file)[0] - own)
                  if symbol in tree.owners] + softdeps(file)
        for want in wanted:
            for need in tree.with_needs(want, loaded):
                if need not in members:
                    lines.append(f"tree /tree/{need}.ko")
        lines.append(f"try /sets/{name}/{file.name}")
    return lines + ["end"]


def _initramfs(tree, sets, work):
    content = work / "content"
    run("rm", "-rf", content)
    (content / "tree").mkdir(parents=True)
    plan = []
    for name, folder in sets.items():
        plan += _plan_set(tree, name, folder)
        (content / "sets" / name).mkdir(parents=True)
        for file in folder.glob("*.ko"):
            (content / "sets" / name / file.name).symlink_to(file.resolve())
    for name in {plain(line) for line in plan if line.startswith("tree ")}:
        tree.extract(name, content / "tree")
    (content / "plan").write_text("\n".join(plan) + "\n")
    run("gcc", "-O2", "-static", "-D_GNU_SOURCE", "-o", content / "init", HERE / "boot-init.c")
    run("sh", "-c", "find -L . | cpio --quiet -L -o -H newc >../initramfs", cwd=content)
    return work / "initramfs"


def _boot(tree, initramfs, log, words):
    argv = ["nice", "-n", "5", *QEMU, "-kernel", tree.image(), "-initrd", initramfs,
            "-append", f"{APPEND} {words}"]
    with open(log, "wb") as out:
        try:
            subprocess.run([str(word) for word in argv], stdout=out, check=False,
                           stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                           timeout=SECONDS)
        except subprocess.TimeoutExpired:
            pass
    return log.read_text(errors="replace").splitlines()


def _ended(lines):
    """Names of the sets that were gone through."""
    current, ended = None, []
    for line in lines:
        if line.startswith("@ set "):
            current = line.split()[2]
        elif line == "@ end" or line.startswith("@ stuck"):
            ended.append(current)
    return ended


def ask(tree, sets, work, words=""):
    """{set: the lines of its part of a boot}, the kernel being started with these words. A
    set behind which modules stay loaded, or that ends the kernel, ends a boot; the others
    are asked in the next."""
    left, answers = dict(sets), {}
    number = 0
    while left:
        number += 1
        lines = _boot(tree, _initramfs(tree, left, work), work / f"boot-{number}.log",
                      words)
        lines = [line.strip("\r") for line in lines]
        ended = _ended(lines)
        current = None
        for line in lines:
            if line.startswith("@ set "):
                current = line.split()[2]
                answers[current] = []
            elif current and line.startswith("@ "):
                answers[current].append(line)
        if not ended:
            ended = [current] if current else []
        if not ended:
            raise LabError(f"{tree.release} said nothing: {work}/boot-{number}.log")
        for name in ended:
            left.pop(name, None)
    return answers
