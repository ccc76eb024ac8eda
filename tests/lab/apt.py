# SPDX-License-Identifier: LGPL-2.1-or-later
"""Questions to apt: with this host's lists, or with those of another suite of Debian's, which
the cache keeps for a day."""
import functools
import re
import time

from . import cache
from .programs import run

ARCHIVE = "http://deb.debian.org/debian"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def _settings(folder, suite):
    """What apt makes of its lists is kept by apt's own means: where a host is set up to keep
    none (containers are), each question costs it a second."""
    settings = {f"Dir::Cache::{name}": f"{folder}/{name}.bin"
                for name in ("pkgcache", "srcpkgcache")}
    settings["APT::Sandbox::User"] = "root"
    if suite:
        settings |= {"Dir::Etc::sourcelist": f"{folder}/sources.list",
                     "Dir::Etc::sourceparts": "-", "Dir::State::lists": f"{folder}/lists",
                     "Acquire::Languages": "none"}
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _lists(work, suite):
    (work / "lists/partial").mkdir(parents=True)
    (work / "sources.list").write_text(
        f"deb [signed-by={KEYS} arch=amd64] {ARCHIVE} {suite} main\n")
    run("apt-get", *_settings(work, suite), "update", "--error-on=any")


@functools.cache
def _folder(suite):
    if suite:
        return cache.entry(f"apt-{suite}", cache.key(suite, time.strftime("%F"), ARCHIVE),
                           lambda work: _lists(work, suite))
    folder = cache.root() / "apt"
    folder.mkdir(exist_ok=True)
    return folder


def ask(program, *words, suite=None, **options):
    """What apt-cache says, or apt-get where it changes nothing of this host."""
    return run(program, *_settings(_folder(suite), suite), *words, **options)


def version(package, suite=None):
    """The version that would be installed."""
    said = ask("apt-cache", "show", "--no-all-versions", package, suite=suite)
    return re.search(r"^Version: (\S+)", said, re.MULTILINE).group(1)


def download(folder, *packages, suite=None):
    ask("apt-get", "download", *packages, suite=suite, cwd=folder)


def newest(pattern, suite=None):
    """The release of the newest package whose name the pattern matches, whose group 1 the
    release is; None without one."""
    said = ask("apt-cache", "search", "--names-only", "^linux-", suite=suite)
    return max(re.findall(f"^{pattern} - ", said, re.MULTILINE), default=None,
               key=lambda release: [int(number) for number in re.findall(r"\d+", release)])
