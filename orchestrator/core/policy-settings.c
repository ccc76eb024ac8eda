/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every setting there is: one row each. Adding one is a row here and its name in
 * enum policy_key; messages, "kuro policy" and kuro.conf(5) follow from the row.
 */
#include "core/policy.h"

#include <assert.h>

#include "base/cleanup.h"
#include "core/boot-protocol.h"

static const char *const reboot_modes[] = {"now", "later", "never", NULL};
static const char *const refuse_or_warn[] = {"refuse", "warn", NULL};
static const char *const required_or_optional[] = {"required", "optional", NULL};
static const char *const lost_devices[] = {"refuse", "refuse-root-and-link", "warn",
					   NULL};

/* Rows: key, path, type's own columns, default, documentation. */
#define NUMBER(key, path_, min_, max_, unit_, fallback_, doc_) \
	[key] = {.path = (path_),                              \
		 .type = POLICY_NUMBER,                        \
		 .min = (min_),                                \
		 .max = (max_),                                \
		 .unit = (unit_),                              \
		 .fallback = (fallback_),                      \
		 .doc = (doc_)}
#define BOOLEAN(key, path_, fallback_, doc_) \
	[key] = {.path = (path_),            \
		 .type = POLICY_BOOLEAN,     \
		 .max = 1,                   \
		 .fallback = (fallback_),    \
		 .doc = (doc_)}
#define CHOICE(key, path_, words_, fallback_, doc_) \
	[key] = {.path = (path_),                   \
		 .type = POLICY_CHOICE,             \
		 .choices = (words_),               \
		 .fallback = (fallback_),           \
		 .doc = (doc_)}
#define STRINGS(key, path_, item_, fallback_, doc_) \
	[key] = {.path = (path_),                   \
		 .type = POLICY_STRINGS,            \
		 .item = (item_),                   \
		 .fallback = (fallback_),           \
		 .doc = (doc_)}

static const struct policy_setting settings[] = {
	NUMBER(POLICY_BOOT_TRIES, "boot.tries", 1, BOOT_TRIES_MAX, NULL, "1",
	       "Boots that a trial gets. One that ends without a verdict costs a try; "
	       "when none is left, GRUB starts the known good generation."),
	NUMBER(POLICY_BOOT_MISS_LIMIT, "boot.miss_limit", 1, BOOT_TRIES_MAX, NULL, "3",
	       "Boots in a row of the known good generation that end without a verdict "
	       "before GRUB starts the previous one instead."),
	NUMBER(POLICY_BOOT_MENU_TIMEOUT, "boot.menu_timeout", 0, 60, "seconds", "5",
	       "How long GRUB shows its menu where the distribution's settings would "
	       "make it wait for ever: a machine without a person must not."),
	BOOLEAN(POLICY_BOOT_VERIFY_GOOD, "boot.verify_good", "false",
		"Let GRUB check the SHA-256 sums of the good and the previous generation "
		"too, not the trial's alone. Costs the time of reading them twice."),
	STRINGS(POLICY_BOOT_TRIAL_ARGS, "boot.trial_args", POLICY_ITEM_ARGUMENT,
		"panic=10 oops=panic softlockup_panic=1 rd.shell=0 rd.emergency=reboot "
		"systemd.crash_reboot=1",
		"Further kernel arguments of a trial boot, so that one that dies resets "
		"the machine by itself. A proven generation boots without."),
	CHOICE(POLICY_REBOOT_MODE, "reboot.mode", reboot_modes, "later",
	       "What an upgrade does when the trial is armed: reboot now, leave the "
	       "reboot to whoever does it and say that one is due (later), or leave it "
	       "and say nothing (never)."),
	NUMBER(POLICY_HEALTH_SETTLE, "health.settle", 0, 3600, "seconds", "30",
	       "How long the checks must stay good, round after round, before a boot "
	       "is healthy: its bake time."),
	NUMBER(POLICY_HEALTH_ATTEMPTS, "health.attempts", 1, 20, NULL, "3",
	       "Rounds in a row that must fail before \"failed\" is believed."),
	NUMBER(POLICY_HEALTH_INTERVAL, "health.interval", 1, 600, "seconds", "10",
	       "The pause between two rounds of checks."),
	NUMBER(POLICY_HEALTH_TIMEOUT, "health.timeout", 1, 3600, "seconds", "60",
	       "How long one check may take; a longer one has failed."),
	NUMBER(POLICY_HEALTH_DEADLINE, "health.deadline", 60, 86400, "seconds", "600",
	       "A trial boot without a verdict after this time is reset."),
	BOOLEAN(POLICY_HEALTH_GENERATION, "health.generation", "true",
		"Check that what runs is the generation and release that was meant."),
	BOOLEAN(POLICY_HEALTH_MODULES, "health.modules", "true",
		"Check that the required modules are loaded and that devices which had a "
		"driver before have one again."),
	BOOLEAN(POLICY_HEALTH_UNITS, "health.units", "true",
		"Check that no systemd unit failed that had not failed before."),
	BOOLEAN(POLICY_HEALTH_MOUNTS, "health.mounts", "true",
		"Check that what was mounted before is mounted, and root writable where "
		"it was."),
	BOOLEAN(POLICY_HEALTH_LINK, "health.link", "true",
		"Check that interfaces which carried a default route do so again."),
	BOOLEAN(POLICY_HEALTH_KERNEL_LOG, "health.kernel_log", "true",
		"Check that the kernel logged no BUG, oops, lockup or hung task."),
	STRINGS(POLICY_MODULES_REQUIRED, "modules.required", POLICY_ITEM_MODULE, "",
		"Modules without which a kernel is of no use here. Of those that a "
		"pattern "
		"fits one must be there, and every third-party one must load."),
	STRINGS(POLICY_MODULES_OPTIONAL, "modules.optional", POLICY_ITEM_MODULE, "",
		"Third-party modules that a kernel may lose even where they are in use: "
		"told, never refused."),
	STRINGS(POLICY_MODULES_IGNORED, "modules.ignored", POLICY_ITEM_MODULE, "",
		"Third-party modules that are not looked at at all."),
	CHOICE(POLICY_MODULES_INCOMPATIBLE, "modules.incompatible", refuse_or_warn,
	       "refuse",
	       "What follows from a required module that a kernel would not load: the "
	       "kernel is refused, or it is told."),
	CHOICE(POLICY_MODULES_IN_USE, "modules.in_use", required_or_optional, "required",
	       "What it implies that this machine uses a third-party module now."),
	BOOLEAN(POLICY_MODULES_TAINTED, "modules.tainted", "true",
		"May a required module taint the kernel as it is loaded (unsigned, "
		"signed "
		"by an unknown key, without versions)? Otherwise it counts as one that "
		"does not load."),
	BOOLEAN(POLICY_MODULES_BUILD, "modules.build", "true",
		"Let DKMS and akmods build third-party modules for a kernel before it is "
		"tried."),
	CHOICE(POLICY_DEVICES_LOST, "devices.lost", lost_devices, "refuse-root-and-link",
	       "What follows from a device in use that has no driver in a kernel: it is "
	       "refused; refused for what the root file system or the default route "
	       "stands on, and told for others; or told."),
	STRINGS(POLICY_KERNEL_CONFIG_REQUIRED, "kernel.config_required",
		POLICY_ITEM_CONFIG, "",
		"Options that a kernel must be built with: as y or m (CONFIG_X), or with "
		"this value (CONFIG_X=y)."),
	STRINGS(POLICY_KERNEL_CONFIG_FORBIDDEN, "kernel.config_forbidden",
		POLICY_ITEM_CONFIG, "",
		"Options that a kernel must not be built with, at all (CONFIG_X) or with "
		"this value (CONFIG_X=m)."),
	CHOICE(POLICY_KERNEL_CONFIG_VANISHED, "kernel.config_vanished", refuse_or_warn,
	       "refuse",
	       "What follows from a required option that a kernel does not know any "
	       "more: it was renamed, removed, or what it depends on is off."),
	BOOLEAN(POLICY_PACKAGES_REFRESH, "packages.refresh", "true",
		"Refresh the package manager's lists before an upgrade is resolved."),
	BOOLEAN(POLICY_PACKAGES_SECURITY, "packages.security", "false",
		"An upgrade brings kernels that the archive calls security updates, and "
		"no others; see --security."),
	CHOICE(POLICY_PACKAGES_UNFIT, "packages.unfit", refuse_or_warn, "refuse",
	       "What follows when somebody else's run of the package manager brings a "
	       "kernel that does not pass: the run is refused before anything is "
	       "unpacked, or it is told, and the kernel is installed and never booted."),
	NUMBER(POLICY_PACKAGES_TIMEOUT, "packages.timeout", 60, 86400, "seconds", "3600",
	       "How long fetching packages, refreshing their lists and asking the "
	       "package "
	       "manager may take. Installing has no limit: it is never killed half-way."),
	NUMBER(POLICY_HOLDS_DAYS, "holds.days", 0, 3650, "days", "30",
	       "How long a release that failed here is not tried again; 0: until a "
	       "person lifts the hold."),
	STRINGS(POLICY_RETENTION_KEEP, "retention.keep", POLICY_ITEM_SELECTOR,
		"running good good-1 pinned latest",
		"Kernels that no limit removes: running, good, good-N (proven before the "
		"good one), latest, latest-N, oldest, oldest+N (by version), pinned, a "
		"release, or a pattern of releases. Whatever stands here, these stay "
		"too: "
		"what runs, the good, the previous and the trial generation, what is "
		"pinned or held, and the two newest proven generations."),
	STRINGS(POLICY_RETENTION_REMOVE, "retention.remove", POLICY_ITEM_PATH, "",
		"Files that neither a package nor kuro made and that may be removed all "
		"the same: left-overs, and hand-installed kernels, named by their image "
		"(/boot/vmlinuz-...)."),
	NUMBER(POLICY_RETENTION_MAX_RELEASES, "retention.max_releases", 0, 100,
	       "releases", "2",
	       "How many kernels stay. Above it the oldest go that nothing keeps. With 2 "
	       "only the good and the previous one stay beside what retention.keep "
	       "chooses, and as much comes free as \"apt autoremove\" would free. 0: no "
	       "limit."),
	NUMBER(POLICY_RETENTION_MAX_ROOM, "retention.max_room", 0, 1048576, "MiB", "0",
	       "How much of the boot file systems kernels and generations may take. "
	       "Above it the oldest go that nothing keeps. 0: no limit."),
	NUMBER(POLICY_RETENTION_MAX_DAYS, "retention.max_days", 0, 3650, "days", "0",
	       "The age from which kernels go that nothing keeps. 0: no limit."),
	BOOLEAN(POLICY_RETENTION_AUTOMATIC, "retention.automatic", "true",
		"Remove by itself: at the end of a transaction, and when the timer says "
		"so. Otherwise only \"kuro prune\" does, and an upgrade that lacks "
		"room."),
	NUMBER(POLICY_ROOM_RESERVE, "room.reserve", 0, 1048576, "MiB", "16",
	       "Room that stays free on each boot file system even at the peak of a "
	       "transaction."),
	NUMBER(POLICY_INITRAMFS_SHRUNK, "initramfs.shrunk", 0, 100, "per cent", "30",
	       "By how much an initramfs may be smaller than the last proven one before "
	       "it counts as incomplete. 100: by any amount."),
	NUMBER(POLICY_INITRAMFS_BUILD_LIMIT, "initramfs.build_limit", 60, 86400,
	       "seconds", "3600",
	       "How long building one initramfs may take; a longer build has failed."),
};
_Static_assert(ARRAY_LEN(settings) == POLICY_KEYS, "a row for each key");

const struct policy_setting *policy_setting(enum policy_key key)
{
	assert((unsigned int)key < POLICY_KEYS);
	return &settings[key];
}
