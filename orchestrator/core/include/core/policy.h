/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy: every setting with its type, bounds, default and source. One table
 * (policy.c) holds all of them; the documentation of a key lives in that row, and
 * kuro.conf(5) is made from it.
 *
 * Sources in rising order: built in < /usr/share/kuro/policies/ *.conf <
 * /etc/kuro/kuro.conf < /etc/kuro/kuro.conf.d/ *.conf < command line. The format is
 * libconfig's. An unknown key, a wrong type, a value outside its bounds stops with
 * file:line and what is allowed; so do @include, hexadecimal numbers and a file of more
 * than 256 KiB.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

enum policy_key {
	POLICY_BOOT_TRIES,
	POLICY_BOOT_MISS_LIMIT,
	POLICY_BOOT_MENU_TIMEOUT,
	POLICY_BOOT_VERIFY_GOOD,
	POLICY_BOOT_TRIAL_ARGS,
	POLICY_REBOOT_MODE,
	POLICY_HEALTH_SETTLE,
	POLICY_HEALTH_ATTEMPTS,
	POLICY_HEALTH_INTERVAL,
	POLICY_HEALTH_TIMEOUT,
	POLICY_HEALTH_DEADLINE,
	POLICY_HEALTH_GENERATION,
	POLICY_HEALTH_MODULES,
	POLICY_HEALTH_UNITS,
	POLICY_HEALTH_MOUNTS,
	POLICY_HEALTH_LINK,
	POLICY_HEALTH_KERNEL_LOG,
	POLICY_MODULES_REQUIRED,
	POLICY_MODULES_OPTIONAL,
	POLICY_MODULES_IGNORED,
	POLICY_MODULES_INCOMPATIBLE,
	POLICY_MODULES_IN_USE,
	POLICY_MODULES_TAINTED,
	POLICY_MODULES_BUILD,
	POLICY_DEVICES_LOST,
	POLICY_KERNEL_CONFIG_REQUIRED,
	POLICY_KERNEL_CONFIG_FORBIDDEN,
	POLICY_KERNEL_CONFIG_VANISHED,
	POLICY_PACKAGES_REFRESH,
	POLICY_PACKAGES_SECURITY,
	POLICY_PACKAGES_UNFIT,
	POLICY_PACKAGES_TIMEOUT,
	POLICY_HOLDS_DAYS,
	POLICY_RETENTION_KEEP,
	POLICY_RETENTION_REMOVE,
	POLICY_RETENTION_MAX_RELEASES,
	POLICY_RETENTION_MAX_ROOM,
	POLICY_RETENTION_MAX_DAYS,
	POLICY_RETENTION_AUTOMATIC,
	POLICY_ROOM_RESERVE,
	POLICY_INITRAMFS_SHRUNK,
	POLICY_INITRAMFS_BUILD_LIMIT,
	POLICY_KEYS,
};

enum policy_type { POLICY_NUMBER, POLICY_BOOLEAN, POLICY_CHOICE, POLICY_STRINGS };
/* What each string of a POLICY_STRINGS must be. */
enum policy_item {
	POLICY_ITEM_ARGUMENT, /* of a kernel's command line */
	POLICY_ITEM_MODULE,   /* a module's name, or a pattern with * and ? */
	POLICY_ITEM_CONFIG,   /* CONFIG_X or CONFIG_X=value */
	POLICY_ITEM_SELECTOR, /* of releases: core/retention.h */
	POLICY_ITEM_PATH,     /* absolute, or a pattern of such with * and ? */
};

struct policy_setting {
	const char *path; /* "boot.tries" */
	enum policy_type type;
	long long min, max;         /* numbers */
	const char *unit;           /* "seconds", or NULL */
	const char *const *choices; /* POLICY_CHOICE, NULL-terminated */
	enum policy_item item;      /* POLICY_STRINGS */
	const char *fallback; /* default as policy text: "1", "true", "later", words */
	const char *doc;      /* one or two sentences */
};

struct policy_value {
	long long number; /* number, boolean (0, 1), index of the choice */
	struct strv strings;
	char *source; /* "built in", "FILE:LINE", "command line" */
};

struct policy {
	struct policy_value values[POLICY_KEYS];
};

/* All settings at their built-in values. */
void policy_init(struct policy *policy);
void policy_done(struct policy *policy);
#define autopolicy cleanup(policy_done)

/*
 * Lay one file's text over the policy. name is what errors and sources call it.
 * -ERROR_USAGE with file:line; the policy is then as it was.
 */
int policy_apply(struct policy *policy, const char *name, const char *text,
		 struct error *err);
/*
 * Set one value given as text by option: "3", "true", "later"; strings separated by
 * blanks, double quotes keep blanks. -ERROR_USAGE; the policy is then as it was.
 */
int policy_set(struct policy *policy, enum policy_key key, const char *value,
	       struct error *err);

const struct policy_setting *policy_setting(enum policy_key key);
long long policy_number(const struct policy *policy, enum policy_key key);
bool policy_bool(const struct policy *policy, enum policy_key key);
/* The chosen word of a POLICY_CHOICE. */
const char *policy_choice(const struct policy *policy, enum policy_key key);
const struct strv *policy_strings(const struct policy *policy, enum policy_key key);
/* Does one of these names and patterns fit the module? - and _ are the same. */
bool policy_module_fits(const struct strv *patterns, const char *module);
/* The value as policy text ("[ \"a\", \"b\" ]"); caller frees. */
char *policy_value_text(const struct policy *policy, enum policy_key key);
/* A commented policy file with every setting at its default; caller frees. */
char *policy_document(void);
