/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call of kuro: what was asked for, the machine it is asked of, and how answers are
 * given. Verbs print through output.h and log.h only.
 */
#pragma once

#include <stdbool.h>

#include "act/lock.h"
#include "flow/journey.h"

enum verb_option {
	OPTION_TO = 1 << 0,
	OPTION_REBOOT = 1 << 1,
	OPTION_TIMEOUT = 1 << 2,
	OPTION_LIMIT = 1 << 3,
	OPTION_FAILED = 1 << 4,
	OPTION_BOOT = 1 << 5,
	OPTION_REASON = 1 << 6,
	OPTION_DAYS = 1 << 7,
	OPTION_DRY_RUN = 1 << 8,
	OPTION_SIZES = 1 << 9,
	OPTION_EMERGENCY = 1 << 10,
	OPTION_INITRAMFS = 1 << 11,
	OPTION_SECURITY = 1 << 12,
};

/* What a verb needs open before it runs. */
enum verb_need {
	NEED_NOTHING = 0,
	NEED_POLICY = 1,
	NEED_READ = 2,     /* the database, read */
	NEED_WRITE = 4,    /* the lock, and the database, written */
	NEED_PATIENCE = 8, /* wait for the lock instead of saying who holds it */
	/* a wrong policy is told, and then the built-in values count */
	NEED_ANY_POLICY = 16 | NEED_POLICY,
	NEED_DRY_READ = 32, /* with --dry-run the database is read, and that is all */
};

struct command;

struct verb {
	const char *name;
	const char *arguments; /* "RELEASE", "[GENERATION]", "" */
	const char *summary;   /* one line, no full stop */
	const char *help;      /* paragraphs for --help and the man page */
	unsigned int need;     /* of enum verb_need */
	unsigned int options;  /* of enum verb_option, beside the global ones */
	unsigned int min, max; /* number of arguments */
	bool hidden;           /* for hooks, not for people */
	/* 0 or a positive exit status; negative as everywhere. */
	int (*run)(struct command *c, struct error *err);
};

struct command {
	const struct verb *verb;
	const char *root_path, *policy_path;
	bool json, dry_run, no_color, failed, boot, sizes, emergency, security;
	const char *to, *reboot, *reason, *initramfs;
	unsigned long long timeout, limit, days;
	bool timeout_given, limit_given, days_given;
	const char *const *args; /* NULL-terminated */
	unsigned int arg_count;

	struct root root;
	struct policy policy;
	struct listener listener;
	struct machine machine;
	struct lock lock;
	bool opened;
	bool answered; /* the document that tells of a failure is printed */
};

/* All verbs, ended by one without a name; for help, man page and completion. */
extern const struct verb verbs[];
/* What units and package hooks call as `kuro hook NAME`. */
extern const struct verb hooks[];

/* Open what the verb needs; command_close undoes it, also after a failure. */
int command_open(struct command *c, struct error *err);
void command_close(struct command *c);
/* The lock and the database, for a verb that learns late that it needs them. */
int command_open_write(struct command *c, struct error *err);

/* "later" by policy, or what --reboot says; checked. */
int command_reboot_mode(const struct command *c, const char **ret, struct error *err);

/* The verbs, one a file. */
int cmd_status(struct command *c, struct error *err);
int cmd_list(struct command *c, struct error *err);
int cmd_check(struct command *c, struct error *err);
/* kuro check --initramfs FILE [RELEASE] */
int check_initramfs(struct command *c, struct error *err);
int cmd_matrix(struct command *c, struct error *err);
int cmd_plan(struct command *c, struct error *err);
int cmd_upgrade(struct command *c, struct error *err);
int cmd_try(struct command *c, struct error *err);
int cmd_rollback(struct command *c, struct error *err);
int cmd_verdict(struct command *c, struct error *err);
int cmd_health(struct command *c, struct error *err);
int cmd_prune(struct command *c, struct error *err);
int cmd_pin(struct command *c, struct error *err);
int cmd_unpin(struct command *c, struct error *err);
int cmd_hold(struct command *c, struct error *err);
int cmd_unhold(struct command *c, struct error *err);
int cmd_history(struct command *c, struct error *err);
int cmd_explain(struct command *c, struct error *err);
int cmd_policy(struct command *c, struct error *err);
int cmd_recover(struct command *c, struct error *err);
int cmd_wait(struct command *c, struct error *err);
int cmd_setup(struct command *c, struct error *err);
int cmd_disable(struct command *c, struct error *err);
int cmd_doctor(struct command *c, struct error *err);
int cmd_hook_boot_begin(struct command *c, struct error *err);
int cmd_hook_boot_end(struct command *c, struct error *err);
int cmd_hook_deadman(struct command *c, struct error *err);
int cmd_hook_apt_incoming(struct command *c, struct error *err);
int cmd_hook_dnf_incoming(struct command *c, struct error *err);
int cmd_hook_dnf5_incoming(struct command *c, struct error *err);
int cmd_hook_packages_done(struct command *c, struct error *err);
int cmd_hook_kernel_changed(struct command *c, struct error *err);
int cmd_hook_initramfs_changed(struct command *c, struct error *err);
int cmd_hook_kernel_removing(struct command *c, struct error *err);
int cmd_hook_kernel_removed(struct command *c, struct error *err);
int cmd_hook_prune(struct command *c, struct error *err);
int cmd_hook_completion(struct command *c, struct error *err);
int cmd_hook_man_verbs(struct command *c, struct error *err);
int cmd_hook_policy_document(struct command *c, struct error *err);
