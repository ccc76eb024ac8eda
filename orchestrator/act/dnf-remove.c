/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packages taken away by dnf, and nothing beside them: rpm's own test says first whether
 * anything needs them. kuro's own protection (/etc/dnf/protected.d/kuro.conf) names
 * packages without version, so that it would stop kuro as well: it is laid aside for the
 * run, which takes nothing but what it names; dnf's word for the kernel that runs holds.
 */
#include "dnf-remove.h"

#include <string.h>

#include "base/cleanup.h"
#include "run.h"

#define TEST_TIMEOUT 300 /* seconds */

static int run_with(const struct package_run *run, const char *const *words,
		    const struct strv *names, struct error *err)
{
	size_t fixed = 0;
	autofree const char **argv = NULL;
	struct run_program program = {0};

	while (words[fixed])
		fixed++;
	argv = mem_zalloc((fixed + names->count + 1) * sizeof(*argv));
	memcpy(argv, words, fixed * sizeof(*argv));
	for (size_t i = 0; i < names->count; i++)
		argv[fixed + i] = names->items[i];
	program.argv = argv;
	program.timeout = str_eq(argv[0], "rpm") ? TEST_TIMEOUT : 0;
	return run_program(run, &program, err);
}

int dnf_remove_check(const struct package_run *run, const struct strv *names,
		     struct error *err)
{
	static const char *const words[] = {"rpm", "-e", "--test", NULL};
	struct error local = {0};
	int r = run_with(run, words, names, &local);

	if (r == -ERROR_PROGRAM)
		return error_set(err, -ERROR_REFUSED, "other packages need it: %s",
				 local.message);
	return r < 0 ? error_set(err, r, "%s", local.message) : 0;
}

int dnf_remove(const struct package_run *run, const struct strv *names, struct error *err)
{
	static const char *const words[] = {"dnf",
					    "-y",
					    "--setopt=clean_requirements_on_remove=False",
					    "--setopt=protected_packages=",
					    "remove",
					    NULL};
	int r = dnf_remove_check(run, names, err);

	return r < 0 ? r : run_with(run, words, names, err);
}
