# SPDX-License-Identifier: LGPL-2.1-or-later
"""A recorded machine as files below a folder: what its kernel showed of it, and the module
tree and configuration of the kernel whose images are proven."""
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from recording import lay_out

KURO = os.environ.get("KURO", "kuro")
ENV_SIZE = 1024


class Machine:
    """One recording below a folder of its own. All take turns with one module tree."""

    def __init__(self, top, recording, debian, release):
        self.root, self.shared = top / recording.name, top / "modules"
        self.root.mkdir()
        lay_out(self.root, recording)
        (self.root / "lib").mkdir(exist_ok=True)
        if not self.shared.exists():
            shutil.copytree(debian / "lib/modules", self.shared, copy_function=os.link)
        (self.root / "boot").mkdir()
        for name in (f"config-{release}", f"vmlinuz-{release}"):
            os.link(debian / "boot" / name, self.root / "boot" / name)

    def good(self, image):
        """That image was used by the last healthy boot."""
        folder = self.root / "boot/kuro/gen/1"
        folder.mkdir(parents=True)
        shutil.copy(image, folder / "initrd.img")
        files = [{"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                 for name, data in (("vmlinuz", b"a kernel"), ("initrd.img", image.read_bytes()))]
        (folder / "manifest.json").write_text(json.dumps({
            "schema": 1, "generation": 1, "release": "6.1.0-56-amd64", "title": "good",
            "command_line": "root=/dev/vda1 ro", "trial_line": "panic=10", "created": 1700000000,
            "transaction": 1, "files": files}))
        block = "# GRUB Environment Block\nkuro_good=1\nkuro_prev=\nkuro_trial=\n" \
                "kuro_tries=0\nkuro_miss=0\n"
        (self.root / "boot/kuro/env").write_text(block.ljust(ENV_SIZE, "#"))

    def check(self, image, *words):
        """(exit status, the document) of kuro check --initramfs."""
        modules = self.root / "lib/modules"
        self.shared.rename(modules)
        try:
            done = subprocess.run([KURO, "--root", self.root, "--json", "check",
                                   f"--initramfs={image}", *words], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, check=False)
        finally:
            modules.rename(self.shared)
        if done.returncode not in (0, 3):
            raise AssertionError(f"status {done.returncode}: {done.stderr.strip()}")
        return done.returncode, json.loads(done.stdout)


def fatal(document):
    """{(code, object)} of the reasons for which it would not boot."""
    return {(reason["code"], reason["object"]) for reason in document["reasons"]
            if reason["fatal"]}


def warnings(document):
    return {(reason["code"], reason["object"]) for reason in document["reasons"]
            if not reason["fatal"]}


def recordings(folder):
    return sorted(path for path in Path(folder).iterdir() if path.name != "outcomes")
