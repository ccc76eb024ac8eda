# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine of rpm and dnf 4: the world of the journeys without dpkg, whose kernels are
packages made here that real rpm owns and real dnf installs from a repository of files."""
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "journey"))
from lab_tree import TESTS, archive, cache, debian, kernel_boot_files, lab_releases  # noqa: E402
from world import World, run, run_in  # noqa: E402

PACKAGES = "dnf rpm createrepo-c dnf-plugins-core"
# As the distribution has it: the image is the package's, the initramfs its script's.
SPEC = """\
Name: kernel-core
Version: {version}
Release: {release}
Summary: a test's kernel
License: none
Provides: installonlypkg(kernel)
AutoReqProv: no
%description
A test's kernel.
%post
cd /srv && echo init | cpio -o -H newc --quiet >/boot/initramfs-{uname}.img
%preun
rm -f /boot/initramfs-{uname}.img
%files
/boot/vmlinuz-{uname}
/lib/modules/{uname}
"""
# As Fedora and RHEL have it: all that is in /boot is made by kernel-install's plug-ins.
CORE = """\
Name: kernel-core
Version: {version}
Release: {release}
Summary: a test's kernel
License: none
Provides: installonlypkg(kernel), kernel-uname-r = {uname}
AutoReqProv: no
%description
A test's kernel.
%preun
/usr/bin/kernel-install remove {uname} || exit $?
%posttrans
/usr/bin/kernel-install add {uname} /lib/modules/{uname}/vmlinuz || exit $?
%files
/lib/modules/{uname}
"""
# What such a machine's grub2 and dracut do there.
PLUGINS = {"20-grub.install": """\
#!/bin/sh
entry=/boot/loader/entries/test-$2.conf
case $1 in
add) cp "$4" "/boot/vmlinuz-$2" && cp "/lib/modules/$2/config" "/boot/config-$2" &&
	printf 'title %s\\nlinux /vmlinuz-%s\\ninitrd /initramfs-%s.img\\n' "$2" "$2" "$2" >"$entry" ;;
remove) rm -f "/boot/vmlinuz-$2" "/boot/config-$2" "$entry" ;;
esac
""", "50-dracut.install": """\
#!/bin/sh
echo "$1 $2" >>/run/initramfs.log
case $1 in
add) cd /run && echo a program >init && chmod 755 init && echo init | cpio -o -H newc --quiet >"/boot/initramfs-$2.img" ;;
remove) rm -f "/boot/initramfs-$2.img" ;;
esac
"""}
ADVISORY = """\
<update from="tests" status="stable" type="security" version="1">
<id>TEST-{uname}</id><title>kernel</title><issued date="2026-01-01 00:00:00"/>
<pkglist><collection short="test"><name>test</name>
<package name="kernel-core" epoch="0" version="{version}" release="{release}" arch="x86_64"
src="kernel-core.src.rpm"><filename>kernel-core-{uname}.rpm</filename></package>
</collection></pkglist></update>
"""
PLUGIN_DIR = "usr/lib/python3/dist-packages/dnf-plugins"
BASE = """\
Name: base
Version: 1
Release: 1
Summary: what the tree has that no package of rpm brought
License: none
BuildArch: noarch
Provides: /bin/sh
%description
The tree.
%files
"""
NEEDS = """\
Name: {name}
Version: 1
Release: 1
Summary: what needs a kernel
License: none
BuildArch: noarch
Requires: kernel-core = {needs}
%description
Needs a kernel.
%files
"""


def _install(work):
    """The layer that dnf and rpm are in Debian's tree."""
    (work / "upper").mkdir()
    (work / "work").mkdir()
    tree = work / "tree"
    tree.mkdir()
    run("mount", "-t", "overlay", "-o", f"lowerdir={debian()},upperdir={work}/upper,"
        f"workdir={work}/work", "kuro-dnf", tree)
    for name in "proc", "dev":
        run("mount", "--bind", f"/{name}", tree / name)
    try:
        (tree / "etc/apt/sources.list").write_text("\n".join(archive.sources()) + "\n")
        shutil.copy("/etc/resolv.conf", tree / "etc/resolv.conf")
        run_in(tree, "sh", "-c", "apt-get -q update && DEBIAN_FRONTEND=noninteractive "
               f"apt-get -y -q install --no-install-recommends {PACKAGES} && apt-get clean")
        for place in "var/lib/dpkg", "var/lib/apt", "usr/share/doc", "usr/share/man":
            shutil.rmtree(tree / place)
        for path in (*tree.glob("usr/bin/apt*"), *tree.glob("usr/bin/dpkg*")):
            path.unlink()
    finally:
        for name in "proc", "dev", ".":
            run("umount", "-l", tree / name)
    for name in "tree", "work":
        shutil.rmtree(work / name)


def named(release):
    """A lab's release as rpm can have it; as long, so that its image can be told so."""
    return release.replace("-cloud-amd64", ".clou.x86_64")


def real_file(release, start):
    """Of the lab's kernel that is named so, or None."""
    for real in lab_releases():
        if named(real) == release:
            path, = (p for p in kernel_boot_files(real) if p.name.startswith(start))
            return path.read_bytes().replace(real.encode(), release.encode())
    return None


def image_of(release):
    return real_file(release, "vmlinuz-") or os.urandom(20000)


def config_of(release):
    """Without a tree of modules: of a kernel that has none."""
    text = real_file(release, "config-") or b""
    return text.replace(b"CONFIG_MODULES=y", b"# CONFIG_MODULES is not set")


def real_tree(release):
    """All that the lab's kernel of that name has: paths in a package, and content."""
    real, = (r for r in lab_releases() if named(r) == release)
    with tempfile.TemporaryDirectory() as work:
        run("dpkg-deb", "-x", archive.package(f"linux-image-{real}"), work)
        tree = Path(work, "lib/modules", real)
        run("depmod", "-b", work, real)
        files = [(f"lib/modules/{release}/{path.relative_to(tree)}",
                  path.read_bytes().replace(real.encode(), release.encode()))
                 for path in tree.rglob("*") if path.is_file() and not path.is_symlink()]
    return [*files, (f"lib/modules/{release}/vmlinuz", image_of(release)),
            (f"lib/modules/{release}/config", real_file(release, "config-"))]


def layer():
    return cache.entry("dnf-layer", cache.key(PACKAGES, str(debian())), _install) / "upper"


class Machine(World):
    """Two real images, the older of which runs and is good."""

    def __init__(self, template=None, size="128M"):
        super().__init__(template, size=size)
        self.repository = self.root / "srv/repo"
        self.old, self.new = map(named, lab_releases())
        self.newer = "6.1.900-1.test.x86_64"
        if template:
            self.start(self.old)
            return
        self.repository.mkdir(parents=True)
        for path, text in {
                "etc/rpm/macros": "%_dbpath /var/lib/rpm\n",
                "etc/dnf/dnf.conf": "[main]\ngpgcheck=0\ninstallonly_limit=0\n",
                "etc/dnf/vars/releasever": "1\n",
                "etc/dnf/vars/basearch": "x86_64\n", "etc/dnf/vars/arch": "x86_64\n",
                "etc/yum.repos.d/test.repo": "[test]\nname=test\nbaseurl=file:///srv/repo\n"
                                             "metadata_expire=0\n"}.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)
        (self.root / "var/lib/rpm").mkdir(parents=True, exist_ok=True)
        run_in(self.root, "rpm", "--initdb")
        self.rpm(BASE)
        shutil.copy(TESTS.parent / "hooks/dnf/kuro.py", self.root / PLUGIN_DIR)
        (self.root / "boot/loader/entries").mkdir(parents=True)
        for path in self.root.glob("usr/lib/kernel/install.d/[5-9]*.install"):
            if path.name != "99-kuro.install":
                path.unlink()   # Debian's own
        for name, text in PLUGINS.items():
            path = self.root / "usr/lib/kernel/install.d" / name
            path.write_text(text)
            path.chmod(0o755)

    def _mount_root(self, template):
        layers = self.dir / "layers"
        self._mount("-t", "tmpfs", "-o", "size=400m", "kuro-dnf", layers)
        (layers / "work").mkdir()
        if template:
            run("cp", "-a", template.dir / "layers/upper", layers / "upper")
        else:
            (layers / "upper").mkdir()
        self._mount("-t", "overlay", "-o", f"lowerdir={layer()}:{debian()},"
                    f"upperdir={layers}/upper,workdir={layers}/work", "kuro-dnf", self.root)
        for name in "dev", "proc":
            self._mount("--bind", f"/{name}", self.root / name)
        self._mount("-t", "tmpfs", "-o", "size=16m", "kuro-dnf", self.root / "run")

    def rpm(self, spec, files=()):
        """Built into the repository; files: path in the package and content."""
        with tempfile.TemporaryDirectory() as work:
            tree = Path(work, "root")
            tree.mkdir()
            for name, content in files:
                path = tree / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            Path(work, "spec").write_text(spec)
            # nothing is built: what rpm would do to binaries and what it would write there
            run("rpmbuild", "-bb", "--quiet", "--target", "x86_64", "--buildroot", tree,
                "--define", f"_topdir {work}", "--define", f"_rpmdir {self.repository}",
                "--define", "__os_install_post %{nil}", "--define", "debug_package %{nil}",
                "--define", "__spec_install_pre %{nil}", "--define", "_build_id_links none",
                "--define", "_binary_payload w0.gzdio", Path(work, "spec"))

    def offer(self, *releases, spec=SPEC, whole=False):
        """Packages of them in the repository, with real images where the lab has them; or with
        all their modules."""
        kind = run("findmnt", "-no", "FSTYPE", "/").stdout.strip()
        for release in releases:
            version, rest = release.removesuffix(".x86_64").split("-", 1)
            tree = f"lib/modules/{release}"
            image = f"{tree}/vmlinuz" if spec == CORE else f"boot/vmlinuz-{release}"
            self.rpm(spec.format(version=version, release=rest, uname=release),
                     real_tree(release) if whole else [
                         (image, image_of(release)), (f"{tree}/config", config_of(release)),
                         (f"{tree}/modules.order", b""), (f"{tree}/modules.dep", b""),
                         (f"{tree}/modules.builtin",
                          f"kernel/fs/{kind}/{kind}.ko\n".encode())])
        self.index()

    def add(self, *releases):
        self.offer(*releases)
        for release in releases:
            self.dnf("install", f"kernel-core-{release}")

    def index(self):
        run_in(self.root, "createrepo_c", "-q", "/srv/repo")

    def advise(self, *releases):
        """The repository calls these kernels security updates."""
        (self.root / "srv/updateinfo.xml").write_text("<updates>" + "".join(
            ADVISORY.format(uname=release, version=release.split("-")[0],
                            release=release.split("-")[1].removesuffix(".x86_64"))
            for release in releases) + "</updates>\n")
        run_in(self.root, "modifyrepo_c", "/srv/updateinfo.xml", "/srv/repo/repodata")

    def dnf(self, *args, check=True):
        return run("chroot", self.root, "dnf", "-y", *args, check=check)

    def installed(self):
        said = run_in(self.root, "rpm", "-qa", "--qf", "%{VERSION}-%{RELEASE}.%{ARCH}\\n",
                      "kernel-core").stdout
        return set(said.split())

    def prune(self, *args, status=0):
        said = self.kuro("prune", "--json", *args, status=status).stdout
        return {(i["kind"], i["name"]): i for i in json.loads(said)["items"]}
