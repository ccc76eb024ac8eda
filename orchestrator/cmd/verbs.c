/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of verbs.
 */
#include "command.h"

const struct verb verbs[] = {
	{"status", "", "what runs, what is good, what is being tried",
	 "Shows the running release and generation, the good, previous and trial one, "
	 "the last "
	 "transaction, room on the boot file system, holds, what waits for a reboot, and "
	 "whether the "
	 "good kernel would still load its third-party modules.",
	 NEED_READ | NEED_ANY_POLICY, 0, 0, 0, false, cmd_status},
	{"list", "", "releases and generations, and what the policy keeps",
	 "Lists every installed kernel release (image, initramfs, module tree, owning "
	 "package, "
	 "room on the boot file system) and every generation with its role and verdict, "
	 "each with why it stays or would go, left-overs, and who takes what of the "
	 "boot file system. With --sizes the module trees are measured too.",
	 NEED_READ | NEED_ANY_POLICY, OPTION_SIZES, 0, 0, false, cmd_list},
	{"check", "[RELEASE|FILE…]",
	 "would a kernel take this machine's modules and devices with it",
	 "Vets a kernel before it is booted, or before it is installed: an installed "
	 "release "
	 "(by default the newest one that does not run), packages of one (FILE.deb or "
	 "FILE.rpm, several as one kernel) or an image. Shows for each third-party "
	 "module "
	 "whether the kernel's own loader would take it and what would mend it, which "
	 "devices would lose their driver, and what the policy makes of it. With -v all "
	 "reasons and all devices. Exit status 3: the policy refuses this kernel. "
	 "--initramfs=FILE proves an initramfs for a release (told by its module tree, "
	 "where that is one) instead: it is read to its last byte, and holds all that "
	 "this machine needs to reach its root: modules, programs, tables; what the "
	 "kernel has built in is needed in no image. Exit status 3: it would not boot.",
	 NEED_READ | NEED_POLICY, OPTION_INITRAMFS, 0, 64, false, cmd_check},
	{"plan", "", "what upgrade would do, nothing done",
	 "Asks the package manager what a kernel upgrade would bring and shows it; where "
	 "the packages are at hand already, the kernel is vetted out of them. Nothing is "
	 "changed. Exit status 3: the policy would refuse this kernel.",
	 NEED_READ | NEED_POLICY, OPTION_TO | OPTION_SECURITY, 0, 0, false, cmd_plan},
	{"upgrade", "", "upgrade the kernel as a transaction",
	 "Installs the newest kernel that the package manager offers (or the one named "
	 "with --to), "
	 "makes a generation of it and arms a trial: the next boot tries it, and unless "
	 "it is "
	 "found healthy the machine is back on the good generation by itself. The kernel "
	 "is vetted before it is unpacked, and again when third-party modules were built "
	 "for it; one that the policy refuses, and an interrupted or failed upgrade, are "
	 "undone. With --security only a kernel that an archive of security updates "
	 "has is brought: an older one than the newest where that is none, and nothing "
	 "where there is none.",
	 NEED_WRITE | NEED_POLICY,
	 OPTION_TO | OPTION_SECURITY | OPTION_REBOOT | OPTION_DRY_RUN, 0, 0, false,
	 cmd_upgrade},
	{"try", "RELEASE", "try an installed release at the next boot",
	 "Makes a generation of a release that is installed already and arms a trial of "
	 "it.",
	 NEED_WRITE | NEED_POLICY, OPTION_REBOOT | OPTION_DRY_RUN, 1, 1, false, cmd_try},
	{"rollback", "[GENERATION]", "go back to a proven generation",
	 "Takes an armed or running trial back; without one, makes the previous "
	 "generation (or "
	 "the one named) the good one again. Only generations that were proven on this "
	 "machine "
	 "and whose files are whole are accepted. What was left is put on hold.",
	 NEED_WRITE | NEED_ANY_POLICY, OPTION_REBOOT | OPTION_DRY_RUN, 0, 1, false,
	 cmd_rollback},
	{"verdict", "", "judge this boot: bless the trial or take it back",
	 "Run at boot by kuro-verdict.service. Uses the result of this boot's health "
	 "checks (or "
	 "runs them), then blesses the trial, or takes it back and reboots. --failed "
	 "says that "
	 "the boot did not reach boot-complete.target.",
	 NEED_WRITE | NEED_PATIENCE | NEED_ANY_POLICY, OPTION_FAILED, 0, 0, false,
	 cmd_verdict},
	{"health", "", "run the health checks, change nothing",
	 "Runs every built-in check and every executable in /etc/kuro/health.d, "
	 "/usr/lib/kuro/health.d and greenboot's directories once, and shows the result. "
	 "Exit "
	 "status 1 when a required one fails. --boot is for kuro-health.service: it "
	 "repeats "
	 "them until the answer is believed (see health.settle and health.attempts).",
	 NEED_READ | NEED_ANY_POLICY, OPTION_BOOT, 0, 0, false, cmd_health},
	{"prune", "", "remove what the retention policy does not keep",
	 "Removes kernels, generations and left-overs that the retention policy does "
	 "not keep, each with its reason: kernels through the package manager that owns "
	 "them. What runs, the good, the previous and the trial generation, what is "
	 "pinned "
	 "or held, and the two newest proven generations stay whatever the policy says. "
	 "Does nothing beside a transaction or a trial (exit status 5). With "
	 "--emergency, "
	 "for a /boot that is full while packages are half-configured: makes room "
	 "without "
	 "the package manager, first of what can be made again, until it can finish.",
	 NEED_WRITE | NEED_POLICY | NEED_DRY_READ, OPTION_DRY_RUN | OPTION_EMERGENCY, 0,
	 0, false, cmd_prune},
	{"pin", "GENERATION", "keep a generation whatever the policy says",
	 "A pinned generation is never removed by retention.",
	 NEED_WRITE | NEED_ANY_POLICY, 0, 1, 1, false, cmd_pin},
	{"unpin", "GENERATION", "take a pin back", "Takes the pin off a generation.",
	 NEED_WRITE | NEED_ANY_POLICY, 0, 1, 1, false, cmd_unpin},
	{"hold", "RELEASE", "never try a release",
	 "A release on hold is refused by upgrade and try until the hold ends (--days, "
	 "0: until "
	 "lifted) or unhold lifts it.",
	 NEED_WRITE | NEED_POLICY, OPTION_REASON | OPTION_DAYS, 1, 1, false, cmd_hold},
	{"unhold", "RELEASE", "lift a hold", "Lifts the hold on a release.",
	 NEED_WRITE | NEED_ANY_POLICY, 0, 1, 1, false, cmd_unhold},
	{"history", "", "transactions, newest first",
	 "Lists transactions with their outcome. --limit=N shows the newest N (default "
	 "20, 0 for "
	 "all).",
	 NEED_READ, OPTION_LIMIT, 0, 0, false, cmd_history},
	{"explain", "[TRANSACTION]", "what happened and why, with the evidence",
	 "Tells one transaction (the last one by default): its steps, the boots it led "
	 "to, the "
	 "verdict and the evidence that was kept.",
	 NEED_READ, 0, 0, 1, false, cmd_explain},
	{"matrix", "", "third-party modules and releases: foretold and seen",
	 "Shows the compatibility record: for each third-party module and release what "
	 "the "
	 "vetting foretold and what boots of that release showed. Predictions that "
	 "proved "
	 "wrong are marked.",
	 NEED_READ, 0, 0, 0, false, cmd_matrix},
	{"policy", "", "every setting in force, with its source",
	 "Shows each setting, its value and the file and line that it comes from.",
	 NEED_POLICY, 0, 0, 0, false, cmd_policy},
	{"recover", "", "finish or undo what was interrupted",
	 "Undoes or finishes interrupted transactions, removes half-made generations and "
	 "mends a "
	 "damaged environment block or database from what is proven. Run at every boot "
	 "too.",
	 NEED_WRITE | NEED_ANY_POLICY, 0, 0, 0, false, cmd_recover},
	{"wait", "", "block until this boot has its verdict",
	 "Exit status 0: healthy; 6: failed or rolled back; 1: no verdict within "
	 "--timeout "
	 "seconds.",
	 NEED_NOTHING, OPTION_TIMEOUT, 0, 0, false, cmd_wait},
	{"setup", "", "put kuro in charge of this machine's boots",
	 "Makes the first generation from the running, proven boot, writes the "
	 "environment block, "
	 "adds kuro's entries to GRUB's configuration and enables the units. May be "
	 "repeated.",
	 NEED_WRITE | NEED_POLICY, OPTION_DRY_RUN, 0, 0, false, cmd_setup},
	{"disable", "", "boot as the distribution intended again",
	 "Takes kuro's entries out of GRUB's configuration, disables the units, removes "
	 "the "
	 "generations, and proves that the entry which GRUB chooses then is whole.",
	 NEED_WRITE | NEED_PATIENCE | NEED_ANY_POLICY, OPTION_DRY_RUN, 0, 0, false,
	 cmd_disable},
	{"doctor", "", "which promises are kept on this machine, and why not",
	 "Looks at everything that kuro's promises stand on: GRUB, the file systems, "
	 "watchdogs, "
	 "room, units. Exit status 1 when one is broken. Changes nothing.",
	 NEED_READ | NEED_POLICY, 0, 0, 0, false, cmd_doctor},
	{0},
};

const struct verb hooks[] = {
	{"boot-begin", "", "record this boot, find a spent trial", "",
	 NEED_WRITE | NEED_PATIENCE | NEED_ANY_POLICY, 0, 0, 0, true,
	 cmd_hook_boot_begin},
	{"boot-end", "", "give the try back in an orderly shutdown", "",
	 NEED_WRITE | NEED_PATIENCE | NEED_ANY_POLICY, 0, 0, 0, true, cmd_hook_boot_end},
	{"deadman", "", "record that this boot reached no verdict in time", "",
	 NEED_WRITE | NEED_PATIENCE | NEED_ANY_POLICY, 0, 0, 0, true, cmd_hook_deadman},
	{"prune", "", "what kuro-prune.service does", "",
	 NEED_WRITE | NEED_PATIENCE | NEED_POLICY, 0, 0, 0, true, cmd_hook_prune},
	{"apt-incoming", "", "vet what apt is about to unpack", "",
	 NEED_PATIENCE | NEED_ANY_POLICY, 0, 0, 0, true, cmd_hook_apt_incoming},
	{"dnf-incoming", "", "vet what dnf 4 is about to unpack", "",
	 NEED_PATIENCE | NEED_ANY_POLICY, 0, 0, 0, true, cmd_hook_dnf_incoming},
	{"dnf5-incoming", "", "vet what dnf5 is about to unpack", "",
	 NEED_PATIENCE | NEED_ANY_POLICY, 0, 0, 0, true, cmd_hook_dnf5_incoming},
	{"packages-done", "", "deal with the kernels that came", "",
	 NEED_PATIENCE | NEED_ANY_POLICY, 0, 0, 0, true, cmd_hook_packages_done},
	{"kernel-changed", "RELEASE", "a kernel came, or its headers", "",
	 NEED_PATIENCE | NEED_ANY_POLICY, 0, 1, 1, true, cmd_hook_kernel_changed},
	{"initramfs-changed", "RELEASE", "a kernel has a new initramfs", "",
	 NEED_PATIENCE | NEED_ANY_POLICY, 0, 1, 1, true, cmd_hook_initramfs_changed},
	{"kernel-removing", "RELEASE", "may this kernel go?", "",
	 NEED_PATIENCE | NEED_ANY_POLICY, 0, 1, 1, true, cmd_hook_kernel_removing},
	{"kernel-removed", "RELEASE", "a kernel went", "",
	 NEED_PATIENCE | NEED_ANY_POLICY, 0, 1, 1, true, cmd_hook_kernel_removed},
	{"completion", "SHELL", "completion for bash or zsh", "", NEED_NOTHING, 0, 1, 1,
	 true, cmd_hook_completion},
	{"man-verbs", "", "the verbs, for the manual page", "", NEED_NOTHING, 0, 0, 0,
	 true, cmd_hook_man_verbs},
	{"policy-document", "", "a policy file with every setting at its default", "",
	 NEED_NOTHING, 0, 0, 0, true, cmd_hook_policy_document},
	{0},
};
