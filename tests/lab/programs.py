# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the host's programs for the builders: quiet when they succeed."""
import subprocess

from .timeline import LabError


def run(*argv, **options):
    """Run to the end; LabError with the tail of the output where it fails."""
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace",
                          check=False, **options)
    if done.returncode != 0:
        raise LabError(f"{' '.join(str(a) for a in argv)[:300]}: status "
                       f"{done.returncode}\n{done.stdout[-1500:]}")
    return done.stdout


def in_root(tree, *argv):
    """Run a program inside a Debian tree; its mounts end with it."""
    script = ('mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && '
              'mount --rbind /sys "$0/sys" && exec chroot "$0" "$@"')
    return run("unshare", "--mount", "--fork", "--propagation", "private",
               "sh", "-c", script, tree, *argv,
               env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                    "DEBIAN_FRONTEND": "noninteractive"})
