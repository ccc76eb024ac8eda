/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro check
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "command.h"
#include "core/release.h"
#include "flow/vet.h"
#include "output.h"
#include "probe/kernels.h"
#include "probe/this-boot.h"
#include "report.h"
#include "store/database.h"

/* The newest installed one that does not run; where there is none, the one that does. */
static int check_choose(struct command *c, char **ret, struct error *err)
{
	autokernels struct kernel_list kernels = {0};
	autothisboot struct this_boot boot = {0};
	int r = this_boot_probe(&c->root, &boot, err);

	if (r == 0)
		r = kernels_probe(&c->root, false, &kernels, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < kernels.count && !*ret; i++)
		if (kernels.items[i].image.path &&
		    !str_eq(kernels.items[i].release, boot.release))
			*ret = str_dup(kernels.items[i].release);
	if (!*ret && kernel_find(&kernels, boot.release ? boot.release : ""))
		*ret = str_dup(boot.release);
	if (!*ret)
		return error_set(err, -ENOENT, "no kernel is installed here");
	return 0;
}

static bool is_package(const char *argument)
{
	return str_ends(argument, ".deb") || str_ends(argument, ".rpm");
}

/* A file as the person who typed it sees it: outside any root, like a policy's. */
static int check_path(const char *argument, char **ret, struct error *err)
{
	*ret = realpath(argument, NULL);
	if (!*ret)
		return error_errno(err, -errno, "%s", argument);
	return 0;
}

static int check_packages(struct command *c, const struct root *host,
			  struct vet_report *ret, struct error *err)
{
	autostrv struct strv paths = {0};
	const struct vet_place place = {.root = host, .paths = &paths};
	struct error local = {0};
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < c->arg_count; i++) {
		char *path = NULL;

		if (!is_package(c->args[i]))
			return error_set(err, -ERROR_USAGE,
					 "%s is no package (.deb, .rpm); several files "
					 "must be packages of one kernel",
					 c->args[i]);
		r = check_path(c->args[i], &path, err);
		if (r == 0)
			strv_add_take(&paths, path);
	}
	if (r == 0)
		r = vet_packages(&c->machine, &place, VET_WHOLE, ret, &local);
	if (r == -ERROR_DAMAGED) {
		vet_damaged(c->args[0], &local, ret);
		return 0;
	}
	return local.code ? error_set(err, r, "%s", local.message) : r;
}

static int check_image(struct command *c, const struct root *host, struct vet_report *ret,
		       struct error *err)
{
	autofree char *path = NULL;
	int r = check_path(c->args[0], &path, err);

	return r < 0 ? r : vet_image(&c->machine, host, path, ret, err);
}

/* A word that is a release here, or else could only be one, is no file. */
static int check_is_release(struct command *c, const char *argument, bool *ret,
			    struct error *err)
{
	autokernels struct kernel_list kernels = {0};
	int r = 0;

	*ret = false;
	if (strchr(argument, '/'))
		return 0;
	if (!release_valid(argument) && access(argument, F_OK) < 0)
		return error_set(err, -ERROR_USAGE,
				 "\"%s\" is neither a kernel release nor a file",
				 argument);
	r = kernels_probe(&c->root, false, &kernels, err);
	if (r < 0)
		return r;
	*ret = kernel_find(&kernels, argument) || access(argument, F_OK) < 0;
	if (*ret && !kernel_find(&kernels, argument))
		return error_set(err, -ENOENT,
				 "no kernel %s is installed here; see: kuro list",
				 argument);
	return 0;
}

static int check_files(struct command *c, struct vet_report *ret, struct error *err)
{
	struct root host = {.fd = -1};
	int r = root_open(&host, "/", err);

	if (r < 0)
		return r;
	if (c->arg_count > 1 || is_package(c->args[0]))
		r = check_packages(c, &host, ret, err);
	else
		r = check_image(c, &host, ret, err);
	root_done(&host);
	return r;
}

static int check_vet(struct command *c, struct vet_report *ret, struct error *err)
{
	autofree char *release = NULL;
	bool is_release = false;
	int r = 0;

	if (c->arg_count == 0)
		r = check_choose(c, &release, err);
	else if (c->arg_count == 1 && !is_package(c->args[0]))
		r = check_is_release(c, c->args[0], &is_release, err);
	if (r < 0)
		return r;
	if (is_release)
		release = str_dup(c->args[0]);
	return release ? vet_release(&c->machine, release, VET_WHOLE, ret, err)
		       : check_files(c, ret, err);
}

/* Into the record, where this machine has one and this person may write it. */
static void check_record(struct command *c, const struct vet_report *report)
{
	struct machine machine = c->machine;
	struct database *db = NULL;
	struct lock lock = {.fd = -1};

	if (geteuid() != 0 || !root_exists(&c->root, DATABASE_PATH) ||
	    lock_take(&c->root, c->verb->name, &lock, NULL) < 0)
		return;
	if (database_open(&c->root, DATABASE_WRITE, &db, NULL) == 0) {
		machine.db = db;
		/* the answer does not depend on it */
		(void)vet_record(&machine, report, NULL);
	}
	database_close(db);
	lock_release(&lock);
}

int cmd_check(struct command *c, struct error *err)
{
	autovet struct vet_report report = {0};
	autostrv struct strv drift = {0};
	struct error local = {0};
	int r;

	if (c->initramfs)
		return check_initramfs(c, err);
	r = check_vet(c, &report, err);

	if (r < 0)
		return r;
	if (vet_drift(&c->machine, &drift, &local) < 0)
		log_warning("the way back could not be vetted: %s", local.message);
	check_record(c, &report);
	r = c->json ? report_json(&report, &drift, err)
		    : report_text(&report, &drift, err);
	if (r < 0)
		return r;
	if (!report.compatible)
		return EXIT_REFUSED;
	return report.unjudged > 0 ? EXIT_UNSUPPORTED : 0;
}
