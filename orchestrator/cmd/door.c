/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro hook …: what apt, dpkg, kernel-install and the kernel's packages call. A run that
 * has nothing to do with kernels opens nothing and waits for nobody. Only a refusal stops
 * a package manager: its hooks pass on no other status.
 */
#include <stdlib.h>
#include <unistd.h>

#include "act/front-end.h"
#include "act/pending.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "command.h"
#include "core/release.h"
#include "door.h"
#include "flow/door.h"
#include "probe/apt-incoming.h"
#include "probe/boot-files.h"

#define INCOMING_MAX ((size_t)64 * 1024 * 1024)

bool door_is_closed(const struct command *c)
{
	struct boot_block block;

	return getenv(PROCESS_MARK) ||
	       boot_files_read_block(&c->root, &block, NULL) == -ENOENT;
}

/* A way around was taken: it is recorded. */
static int door_let_pass(struct command *c, const char *what, struct error *err)
{
	int r = command_open_write(c, err);

	if (r == 0)
		(void)door_bypassed(&c->machine, what); /* asked already */
	return r;
}

/* What kuro remembers, read beside whoever is at work; without it the block counts. */
static void door_open_read(struct command *c)
{
	struct error local = {0};

	if (database_open(&c->root, DATABASE_READ, &c->machine.db, &local) < 0)
		log_warning("%s", local.message);
}

static int door_ask_removals(struct command *c, const struct package_plan *packages,
			     struct error *err)
{
	int r;

	door_open_read(c);
	r = door_removals(&c->machine, packages, err);
	database_close(c->machine.db);
	c->machine.db = NULL;
	return r;
}

int door_ask(struct command *c, struct package_plan *packages, const char *bypassed,
	     struct error *err)
{
	int r;

	if (door_bypassed(&c->machine, NULL))
		return door_let_pass(c, bypassed, err);
	r = door_ask_removals(c, packages, err);
	if (r < 0 || !door_brings(packages))
		return r;
	r = command_open_write(c, err);
	if (r < 0) {
		door_unvetted(&c->machine, packages);
		return r;
	}
	return door_incoming(&c->machine, packages, err);
}

int cmd_hook_apt_incoming(struct command *c, struct error *err)
{
	autoplan struct package_plan packages = {0};
	autofree char *text = NULL;
	int r;

	if (door_is_closed(c))
		return 0;
	r = fd_read_all(STDIN_FILENO, "apt's list of packages", INCOMING_MAX, &text, NULL,
			err);
	if (r == 0)
		r = apt_incoming_parse(text, &packages, err);
	if (r < 0 || !door_concerns(&packages))
		return r;
	return door_ask(c, &packages, "what apt brings or removes", err);
}

static int door_settle_all(struct command *c, struct error *err)
{
	int r = command_open_write(c, err);

	if (r == 0 && !door_bypassed(&c->machine, "kernels that came or changed"))
		door_settle(&c->machine);
	return r;
}

int cmd_hook_packages_done(struct command *c, struct error *err)
{
	autostrv struct strv waiting = {0};
	int r;

	if (door_is_closed(c))
		return 0;
	r = pending_list(&c->root, &waiting, err);
	return r < 0 || waiting.count == 0 ? r : door_settle_all(c, err);
}

static int door_changed(struct command *c, bool later, struct error *err)
{
	int r;

	if (door_is_closed(c))
		return 0;
	r = pending_add(&c->root, c->args[0], err);
	return r < 0 || later ? r : door_settle_all(c, err);
}

/* A front end (apt, aptitude, dnf) calls kuro when all of its run is done; dpkg and rpm
 * alone do not. */
int cmd_hook_kernel_changed(struct command *c, struct error *err)
{
	return door_changed(c, front_end_works(&c->root), err);
}

/* Where the kernel's own package has it made, that package's hook comes yet. */
int cmd_hook_initramfs_changed(struct command *c, struct error *err)
{
	const char *package = getenv("DPKG_MAINTSCRIPT_PACKAGE");
	bool kernel = package && str_starts(package, "linux-image-");

	return door_changed(c, kernel || front_end_works(&c->root), err);
}

/* dpkg notes what was asked for before it asks, and keeps its database locked meanwhile.
 */
static int removing_refused(struct error *err)
{
	const char *package = getenv("DPKG_MAINTSCRIPT_PACKAGE");
	autofree char *why = err ? str_dup(err->message) : NULL;

	if (!package || !package_name_valid(package) || !why)
		return -ERROR_REFUSED;
	return error_set(err, -ERROR_REFUSED,
			 "%s. dpkg goes on to note it as one to be removed; to take that "
			 "back: echo %s install | dpkg --set-selections",
			 why, package);
}

int cmd_hook_kernel_removing(struct command *c, struct error *err)
{
	int r;

	if (door_is_closed(c))
		return 0;
	if (!release_valid(c->args[0]))
		return error_set(err, -ERROR_USAGE, "\"%s\" is not a kernel release",
				 c->args[0]);
	if (door_bypassed(&c->machine, NULL))
		return door_let_pass(c, c->args[0], err);
	door_open_read(c);
	r = door_removing(&c->machine, c->args[0], err);
	return r == -ERROR_REFUSED ? removing_refused(err) : r;
}

int cmd_hook_kernel_removed(struct command *c, struct error *err)
{
	int r;

	if (door_is_closed(c))
		return 0;
	r = pending_remove(&c->root, c->args[0], err);
	if (r < 0 || !door_removed_concerns(&c->machine, c->args[0]))
		return r;
	r = command_open_write(c, err);
	return r < 0 ? r : door_removed(&c->machine, c->args[0], err);
}
