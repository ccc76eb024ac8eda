/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a verb needs, opened in order: root, policy, lock, database.
 */
#include "command.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "flow/policy-files.h"
#include "flow/recover.h"

#define LOCK_PATIENCE 120 /* seconds that boot-time verbs wait for another kuro */

#define PROGRESS_WIDTH 70 /* characters of a program's line that a terminal shows */

/*
 * On a terminal the last line that a program printed stands below the step and is
 * overwritten by the next; elsewhere programs' output is for -v and the log.
 */
static void command_progress(const char *text)
{
	autofree char *printable = str_printable(text);

	if (isatty(STDERR_FILENO) && log_level() == LOG_LEVEL_INFO)
		(void)fprintf(stderr, "\r\033[K    %.*s", PROGRESS_WIDTH, printable);
}

static void command_progress_clear(void)
{
	if (isatty(STDERR_FILENO) && log_level() == LOG_LEVEL_INFO)
		(void)fputs("\r\033[K", stderr);
}

static void command_note(void *data, enum note kind, const char *text)
{
	static const enum log_level levels[] = {
		[NOTE_STEP] = LOG_LEVEL_INFO,
		[NOTE_INFO] = LOG_LEVEL_INFO,
		[NOTE_WARNING] = LOG_LEVEL_WARNING,
		[NOTE_OUTPUT] = LOG_LEVEL_DEBUG,
	};

	(void)data;
	if (kind == NOTE_OUTPUT)
		command_progress(text);
	else
		command_progress_clear();
	log_at(levels[kind], kind == NOTE_STEP ? "==> %s" : "%s", text);
}

static int command_lock(struct command *c, struct error *err)
{
	unsigned int left = c->verb->need & NEED_PATIENCE ? LOCK_PATIENCE : 0;
	int r;

	while ((r = lock_take(&c->root, c->verb->name, &c->lock, err)) == -ERROR_BUSY &&
	       left-- > 0 && !process_interrupted())
		(void)sleep(1); /* an early end only asks again sooner */
	return r;
}

int command_open_write(struct command *c, struct error *err)
{
	int r;

	if (geteuid() != 0)
		return error_set(err, -EPERM,
				 "kuro %s changes this machine: run it as root",
				 c->verb->name);
	r = command_lock(c, err);
	if (r == 0)
		r = recover_open(&c->machine, err);
	return r;
}

/* What the verb needs, by its options. */
static unsigned int command_need(const struct command *c)
{
	unsigned int need = c->verb->need;

	if (c->dry_run && need & NEED_DRY_READ)
		need = (need & ~(unsigned int)NEED_WRITE) | NEED_READ;
	if (c->emergency)
		need |= NEED_ANY_POLICY;
	return need;
}

/* What must work whatever the policy says goes on with the built-in values. */
static int command_policy(struct command *c, struct error *err)
{
	int r = policy_files_load(&c->root, c->policy_path, &c->policy, err);

	if (r == 0 || (command_need(c) & NEED_ANY_POLICY) != NEED_ANY_POLICY)
		return r;
	log_warning("%s; going on with the built-in policy", err->message);
	policy_init(&c->policy);
	return 0;
}

int command_open(struct command *c, struct error *err)
{
	int r = root_open(&c->root, c->root_path, err);
	unsigned int need = command_need(c);

	if (r < 0)
		return r;
	c->opened = true;
	c->lock.fd = -1;
	c->listener.note = command_note;
	c->machine = (struct machine){.root = &c->root,
				      .policy = &c->policy,
				      .listener = &c->listener};
	if (need & NEED_POLICY)
		r = command_policy(c, err);
	if (r == 0 && need & NEED_READ)
		r = database_open(&c->root, DATABASE_READ, &c->machine.db, err);
	if (r == 0 && need & NEED_WRITE)
		r = command_open_write(c, err);
	return r;
}

void command_close(struct command *c)
{
	if (!c->opened)
		return;
	database_close(c->machine.db);
	lock_release(&c->lock);
	policy_done(&c->policy);
	root_done(&c->root);
}

int command_reboot_mode(const struct command *c, const char **ret, struct error *err)
{
	static const char *const modes[] = {"now", "later", "never"};

	*ret = c->reboot ? c->reboot : policy_choice(&c->policy, POLICY_REBOOT_MODE);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (str_eq(*ret, modes[i]))
			return 0;
	return error_set(err, -ERROR_USAGE, "--reboot=%s: allowed is now, later or never",
			 *ret);
}
