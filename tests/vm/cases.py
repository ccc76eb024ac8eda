# SPDX-License-Identifier: LGPL-2.1-or-later
"""The boots that must end well, one function each: (name, firmware, function) in CASES.

Every case starts on a machine that runs the old release under kuro as generation 1.
The new one is installed too, is the default of the distribution's own menu, and has
never run.
"""
import cases_door as door
from scenario import BLOCK, BOOT_TIMEOUT, PUSH, Failed, expect

# In kuro's order, and hostile: not numbers, too long, out of bounds, a path.
HOSTILE = ("# GRUB Environment Block\\nkuro_good=1\\nkuro_prev=../../etc\\n"
           "kuro_trial=99999999\\nkuro_tries=7x\\nkuro_miss=-1\\n")


def good(s):
    """A healthy kernel is blessed, and is the default from then on."""
    s.machine.run_to_reset(f"kuro try {s.new} --reboot=now", BOOT_TIMEOUT)
    s.reaches(s.old, s.new)
    s.settles(s.old, s.new)
    status = s.is_at(s.new, state="steady", previous=1, trial=None)
    expect(status["boot"]["good"], status["running"]["generation"], "boot.good")
    s.reboot()
    s.reaches(s.old, s.new, s.new)
    line = s.run("cat /proc/cmdline").out
    if "kuro.trial" in line or "softlockup_panic" in line:
        raise Failed(f"the blessed kernel still has a trial's arguments: {line}")


def _dies(s, fault, release=None):
    release = release or s.new
    s.fault(release, fault)
    s.arm(release)
    s.reboot()
    s.reaches(s.old, release, s.old)
    s.settles(s.old, release, s.old)
    s.rolled_back(release)


def panic(s):
    """A kernel that panics before the system starts."""
    _dies(s, "panic")
    s.machine.wait_serial("Kernel panic - not syncing: sysrq triggered crash", 1)


def hang(s):
    """A CPU that spins in the kernel: the soft lock-up detector ends the trial."""
    _dies(s, "hang")
    s.machine.wait_serial("softlockup: hung tasks", 1)


def stall(s):
    """A system that never finishes starting: the dead man's timer ends the trial."""
    s.policy("health: { deadline = 60; };")
    s.run("kuro setup", timeout=240)
    _dies(s, "stall")


def watchdog(s):
    """All CPUs spin with interrupts off: only a hardware watchdog ends that."""
    s.run("mkdir -p /etc/systemd/system.conf.d && printf '[Manager]\\n"
          "RuntimeWatchdogSec=20\\n' >/etc/systemd/system.conf.d/watchdog.conf")
    _dies(s, "hard-hang", s.full)
    s.machine.wait_event("WATCHDOG", 1)


def emergency(s):
    """A trial that ends in emergency mode does not wait for a person."""
    _dies(s, "emergency")


def failed_check(s):
    """A kernel that comes up, but under which the machine's service fails."""
    _dies(s, "check")


def two_tries(s):
    """boot.tries=2: the second try is taken, and not a third."""
    s.policy("boot: { tries = 2; };")
    s.fault(s.new, "panic")
    s.arm(s.new)
    s.reboot()
    chain = (s.old, s.new, s.new, s.old)
    s.reaches(*chain)
    s.settles(*chain)
    s.rolled_back(s.new)


def _damage(s, script):
    generation = s.arm(s.new)
    s.run(f"set -e; cd /boot/kuro/gen/{generation}; {script}; {PUSH}")
    s.reboot()
    s.reaches(s.old, s.old)
    s.settles(s.old, s.old)
    s.rolled_back(s.new)


def missing_kernel(s):
    """The trial's kernel is gone: GRUB boots the good one."""
    _damage(s, "rm vmlinuz")


def missing_initramfs(s):
    """The trial's initramfs is gone: GRUB would boot on without it."""
    _damage(s, "rm initrd.img")


def corrupted_kernel(s):
    """One bit of the trial's kernel flipped: it would halt in silence."""
    _damage(s, "byte=$(od -An -tu1 -j 5000000 -N 1 vmlinuz); "
               "printf \"\\\\$(printf %o $((byte ^ 1)))\" | "
               "dd of=vmlinuz bs=1 seek=5000000 conv=notrunc status=none; "
               "if sha256sum --status --check sums; then exit 1; fi")


def empty_block(s):
    """An empty environment block: the distribution's own default boots."""
    s.run(f"truncate --size 0 {BLOCK}; {PUSH}")
    s.reboot()
    s.reaches(s.old, s.new)
    s.is_at(s.new, state="damaged")


def torn_block(s):
    """A block that ends in the middle of an armed trial: the good one boots."""
    s.fault(s.new, "panic")
    s.arm(s.new)
    s.run(f"set -e; head -c $(($(sed '/^kuro_trial/,$d' {BLOCK} | wc -c) + 8)) {BLOCK} "
          f">/run/torn; truncate --size 1024 /run/torn; "
          f"dd if=/run/torn of={BLOCK} conv=notrunc status=none; {PUSH}")
    s.reboot()
    s.reaches(s.old, s.old)


def hostile_block(s):
    """Values outside their sets: the good one boots, nothing is taken for a path."""
    s.run(f"set -e; printf '{HOSTILE}' >/run/hostile; "
          "head -c 1024 /dev/zero | tr '\\0' '#' >>/run/hostile; "
          f"truncate --size 1024 /run/hostile; "
          f"dd if=/run/hostile of={BLOCK} conv=notrunc status=none; {PUSH}")
    s.reboot()
    s.reaches(s.old, s.old)


def orderly_reboot(s):
    """A person reboots the trial before its verdict: it gets its try back."""
    s.policy("health: { settle = 100; };")
    s.arm(s.new)
    s.reboot()
    s.reaches(s.old, s.new)
    expect(s.status()["boot"]["state"], "trying", "boot.state")
    s.run("rm /etc/kuro/kuro.conf.d/90-case.conf")
    s.reboot()
    chain = (s.old, s.new, s.new)
    s.reaches(*chain)
    s.settles(*chain)
    s.is_at(s.new, state="steady", previous=1, trial=None)


def misses(s):
    """A proven kernel that breaks later: at the limit the previous one boots."""
    s.arm(s.new)
    s.reboot()
    s.reaches(s.old, s.new)
    s.settles(s.old, s.new)
    s.fault(s.new, "reset")
    s.reboot()
    s.reaches(s.old, s.new, s.new, s.new, s.new, s.old)


def disabled(s):
    """After kuro disable the machine boots as the distribution intended."""
    s.run("kuro disable", timeout=240)
    s.reboot()
    s.reaches(s.old, s.new)
    if "kuro." in s.run("cat /proc/cmdline").out:
        raise Failed("kuro's arguments are still on the command line")


# The long ones first: two run at a time, and the last should not run alone for long.
CASES = (
    ("apt-upgrade", "bios", door.apt_upgrade),
    ("unattended-upgrade", "bios", door.unattended_upgrade),
    ("deadman", "bios", stall),
    ("misses", "bios", misses),
    ("hang-watchdog", "bios", watchdog),
    ("two-tries", "bios", two_tries),
    ("hang-softlockup", "bios", hang),
    ("good", "bios", good),
    ("good-uefi", "uefi", good),
    ("orderly-reboot", "bios", orderly_reboot),
    ("failed-check", "bios", failed_check),
    ("failed-check-uefi", "uefi", failed_check),
    ("panic", "bios", panic),
    ("panic-uefi", "uefi", panic),
    ("emergency", "bios", emergency),
    ("corrupted-kernel", "bios", corrupted_kernel),
    ("corrupted-kernel-uefi", "uefi", corrupted_kernel),
    ("missing-kernel", "bios", missing_kernel),
    ("missing-initramfs", "bios", missing_initramfs),
    ("torn-block", "bios", torn_block),
    ("hostile-block", "bios", hostile_block),
    ("empty-block", "bios", empty_block),
    ("disabled", "bios", disabled),
)
