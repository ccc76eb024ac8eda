/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro's units, enabled and disabled by systemctl, and the one setting of the policy
 * that a unit must know: when the dead-man ends a boot.
 */
#include "act/integrate.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "run.h"

#define DEADLINE_DIR  "/etc/systemd/system/kuro-deadman.timer.d"
#define DEADLINE_FILE DEADLINE_DIR "/50-policy.conf"
#define UNITS         6   /* in integrate_units */
#define UNITS_TIMEOUT 120 /* seconds */

const char *const integrate_units[] = {
	"kuro-boot.service",
	"kuro-health.service",
	"kuro-verdict.service",
	"kuro-recover.service",
	"kuro-deadman.timer",
	"kuro-prune.timer",
	NULL,
};

static const char *const unit_directories[] = {"/etc/systemd/system",
					       "/usr/local/lib/systemd/system",
					       "/usr/lib/systemd/system",
					       "/lib/systemd/system"};

static bool unit_exists(const struct root *root, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(unit_directories); i++) {
		autofree char *path = str_format("%s/%s", unit_directories[i], name);

		if (root_exists(root, path))
			return true;
	}
	return false;
}

/* Is there a systemd that runs, and is the root its machine? */
static bool systemd_listens(const struct root *root)
{
	return root_is_live(root) && root_exists(root, "/run/systemd/system");
}

/* systemctl VERB with those of kuro's units that exist; an image is changed from outside.
 */
static int units_systemctl(const struct package_run *run, const char *verb,
			   struct error *err)
{
	autofree char *root = str_format("--root=%s", run->root->path);
	const char *argv[UNITS + 5] = {"systemctl"};
	struct run_program program = {.argv = argv,
				      .timeout = UNITS_TIMEOUT,
				      .outside = true};
	size_t n = 1, fixed;

	if (!root_is_live(run->root))
		argv[n++] = root;
	argv[n++] = "--no-ask-password";
	argv[n++] = verb;
	fixed = n;
	for (size_t i = 0; i < UNITS; i++)
		if (unit_exists(run->root, integrate_units[i]))
			argv[n++] = integrate_units[i];
	return n > fixed ? run_program(run, &program, err) : 0;
}

static int units_reload(const struct package_run *run, struct error *err)
{
	static const char *const argv[] = {"systemctl", "--no-ask-password",
					   "daemon-reload", NULL};
	struct run_program program = {.argv = argv,
				      .timeout = UNITS_TIMEOUT,
				      .outside = true};

	return systemd_listens(run->root) ? run_program(run, &program, err) : 0;
}

static int units_write_deadline(const struct package_run *run, struct error *err)
{
	autofree char *text = str_format(
		"# Written by `kuro setup` from the policy's health.deadline.\n"
		"[Timer]\nOnBootSec=\nOnBootSec=%llds\n",
		policy_number(run->policy, POLICY_HEALTH_DEADLINE));
	int r = root_mkdirs(run->root, DEADLINE_DIR, 0755, err);

	return r < 0 ? r
		     : root_write(run->root, DEADLINE_FILE, 0644, text, strlen(text),
				  err);
}

int integrate_enable_units(const struct package_run *run, struct error *err)
{
	int r;

	if (!process_exists(NULL, "systemctl"))
		return error_set(
			err, -ERROR_UNSUPPORTED,
			"there is no systemctl: kuro's boot checks need systemd");
	for (size_t i = 0; i < UNITS; i++)
		if (!unit_exists(run->root, integrate_units[i]))
			return error_set(err, -ENOENT,
					 "unit %s is not installed; install kuro anew",
					 integrate_units[i]);
	r = units_write_deadline(run, err);
	if (r == 0)
		r = units_systemctl(run, "enable", err);
	return r < 0 ? r : units_reload(run, err);
}

int integrate_disable_units(const struct package_run *run, struct error *err)
{
	int r = 0;

	if (process_exists(NULL, "systemctl"))
		r = units_systemctl(run, "disable", err);
	if (r == 0)
		r = root_remove_tree(run->root, DEADLINE_DIR, err);
	return r < 0 ? r : units_reload(run, err);
}

int integrate_start_prune(const struct root *root, struct error *err)
{
	static const char *const argv[] = {"systemctl",          "--no-ask-password",
					   "--no-block",         "start",
					   "kuro-prune.service", NULL};
	const struct package_run run = {.root = root};
	struct run_program program = {.argv = argv,
				      .timeout = UNITS_TIMEOUT,
				      .outside = true};

	if (!systemd_listens(root) || !unit_exists(root, argv[4]))
		return error_set(err, -ERROR_UNSUPPORTED,
				 "no systemd runs here that has %s", argv[4]);
	return run_program(&run, &program, err);
}
