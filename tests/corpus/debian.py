# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kernels, packages and chroots out of Debian's archive, for those that obtain the data."""
import os
import shutil
import subprocess

from lab.programs import run
from lab.timeline import LabError

TOOLS = "dkms,make,gcc,gcc-12,libc6-dev,kmod,pkg-config,libelf1"
MIRROR = "deb http://deb.debian.org/debian"
SOURCES = """\
{mirror} bookworm main contrib
{mirror} bookworm-backports main contrib
deb http://security.debian.org/debian-security bookworm-security main
{mirror} trixie main contrib
{mirror} trixie-backports main contrib
{mirror} sid main contrib
"""
APT = """\
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "{folder}/lists";
Dir::Cache "{folder}";
Acquire::Languages "none";
APT::Sandbox::User "root";
"""


class Work:
    """Where everything lies."""

    def __init__(self, folder):
        self.folder = folder

    def __truediv__(self, name):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def facts(self, *args):
        tool = os.environ.get("FACTS", "corpus-facts")
        return subprocess.run([tool, *map(str, args)], check=True, text=True,
                              stdout=subprocess.PIPE).stdout


def apt_environment(work):
    folder = work / "apt"
    if not (folder / "lists").exists():
        (folder / "lists/partial").mkdir(parents=True)
        (folder / "archives/partial").mkdir(parents=True)
        (folder / "sources.list").write_text(SOURCES.format(mirror=MIRROR))
        (folder / "apt.conf").write_text(APT.format(folder=folder))
        run("apt-get", "update", env={**os.environ, "APT_CONFIG": str(folder / "apt.conf")})
    return {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}


def download(work, package, folder):
    """The package's .deb in folder; False where the archive has none."""
    folder.mkdir(parents=True, exist_ok=True)
    name = package.split("/")[0]
    if list(folder.glob(f"{name}_*.deb")):
        return True
    try:
        run("apt-get", "download", package, cwd=folder, env=apt_environment(work))
    except LabError:
        return False
    return True


def unpack(deb, tree, *members):
    """What of a package is below members; links of the tree to folders stay links."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as tar:
        run("tar", "-x", "--keep-directory-symlink", "-C", tree, *members, stdin=tar.stdout)


def file_list(deb, tree):
    """What dpkg would know of the package."""
    listed = subprocess.run(f"dpkg-deb --fsys-tarfile '{deb}' | tar -t", shell=True, text=True,
                            check=True, stdout=subprocess.PIPE).stdout.split("\n")
    info = tree / "var/lib/dpkg/info"
    info.mkdir(parents=True, exist_ok=True)
    (info / f"{deb.name.split('_')[0]}.list").write_text(
        "/.\n" + "".join(f"{name[1:].rstrip('/')}\n" for name in listed if name[2:]))


def kernel_tree(work, release, suite):
    """The kernel as its packages install it: image, modules, dpkg's lists."""
    tree = work / f"trees/{release}"
    if tree.exists():
        return
    packages = [f"linux-image-{release}"] if suite == "bookworm" else \
        [f"linux-{part}-{release}" for part in ("base", "binary", "modules")]
    new = work / f"trees/{release}.new"
    shutil.rmtree(new, ignore_errors=True)
    (new / "usr/lib").mkdir(parents=True)
    (new / "lib").symlink_to("usr/lib")
    for package in packages:
        if not download(work, package, work / "kernels"):
            raise LabError(f"the archive has no {package} (any more)")
        deb = next((work / "kernels").glob(f"{package}_*.deb"))
        unpack(deb, new)
        file_list(deb, new)
    new.rename(tree)


def build_chroot(work, suite, releases):
    """A Debian of that suite that builds modules for these kernels."""
    chroot = work / suite
    headers = [f"linux-headers-{release}" for release in releases]
    if chroot.exists():
        return
    sources = "".join(line + "\n" for line in
                      (work / "apt/sources.list").read_text().splitlines() if suite in line)
    tools = TOOLS if suite == "bookworm" else TOOLS.replace("gcc-12,", "").replace(
        "libelf1", "libelf1t64")
    new = work / f"{suite}.new"
    run("mmdebstrap", "--mode=root", "--variant=minbase",
        "--include=" + ",".join([tools, *headers]), "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--aptopt=Apt::Install-Recommends \"false\"", suite, new, "-", input=sources)
    new.rename(chroot)
