/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A line of version 3: package, old version, its architecture and multi-arch flag,
 * direction, new version, its architecture and flag, and the archive's path or an action
 * between asterisks. "-" stands for what there is not.
 */
#include "probe/apt-incoming.h"

#include <string.h>

#include "base/cleanup.h"

#define VERSION_LINE "VERSION 3"
#define SHOWN        200 /* characters of a line in a message */

enum field {
	FIELD_NAME,
	FIELD_OLD = 1,
	FIELD_NEW = 5,
	FIELD_ACTION = 8,
	FIELDS,
};

static const char *version_of(const char *field)
{
	return str_eq(field, "-") ? NULL : field;
}

static bool version_fits(const char *version)
{
	return !version || package_version_valid(version);
}

/* The paths of archives may hold what a package's name may not: blanks too. */
static char *action_of(const char *line)
{
	for (int skipped = 0; skipped < FIELD_ACTION; skipped++) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return str_dup(line);
}

static int incoming_line(const char *line, struct package_plan *ret, struct error *err)
{
	autostrv struct strv fields = {0};
	autofree char *action = NULL;
	struct package_change *change;
	bool removed;

	strv_split(&fields, line, " ");
	if (fields.count < FIELDS || !package_name_valid(fields.items[FIELD_NAME]) ||
	    !version_fits(version_of(fields.items[FIELD_OLD])) ||
	    !version_fits(version_of(fields.items[FIELD_NEW])))
		return error_set(err, -ERROR_DAMAGED,
				 "apt names a package in a way that kuro does not know: "
				 "%.*s",
				 SHOWN, line);
	action = action_of(line);
	removed = str_eq(action, "**REMOVE**");
	if (!removed && *action != '/')
		return 0;
	change = package_plan_add(ret, fields.items[FIELD_NAME]);
	free(change->old_version);
	free(change->new_version);
	free(change->archive);
	change->old_version = str_dup(version_of(fields.items[FIELD_OLD]));
	change->new_version =
		removed ? NULL : str_dup(version_of(fields.items[FIELD_NEW]));
	change->archive = removed ? NULL : take_ptr(action);
	return 0;
}

int apt_incoming_parse(const char *text, struct package_plan *ret, struct error *err)
{
	/* behind the version stands apt's configuration, ended by an empty line */
	const char *packages = strstr(text, "\n\n");
	autostrv struct strv lines = {0};
	int r = 0;

	if (!str_starts(text, VERSION_LINE "\n") || !packages)
		return error_set(err, -ERROR_DAMAGED,
				 "this is not what apt gives to a program of "
				 "DPkg::Pre-Install-Pkgs (version 3)");
	free(ret->manager);
	ret->manager = str_dup("apt");
	strv_split(&lines, packages, "\n");
	for (size_t i = 0; r == 0 && i < lines.count; i++)
		r = incoming_line(lines.items[i], ret, err);
	return r;
}
