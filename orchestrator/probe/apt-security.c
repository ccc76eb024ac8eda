/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two answers of `apt-cache policy`, joined by how it describes an archive. Their lines
 * are known by their indentation; labels and suites are text from an archive, so they
 * are compared and never shown.
 */
#include "probe/apt-security.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"

#define POLICY_TIMEOUT    300 /* seconds; as apt's other questions */
#define POLICY_OUTPUT_MAX (16 * 1024 * 1024)
#define VERSION_COLUMN    5 /* " *** VERSION …", and its archives stand deeper */

#define SECURITY_PIN(release) \
	"Package: linux-*\nPin: release " release "\nPin-Priority: 991\n\n"

const char apt_security_pins[] = SECURITY_PIN("l=Debian-Security")
	SECURITY_PIN("a=*-security") SECURITY_PIN("n=*-security");

/* "PRIORITY DESCRIPTION" without the priority; NULL: it has none. */
static const char *archive_described(const char *line)
{
	size_t digits;

	line += strspn(line, " ");
	line += *line == '-';
	digits = strspn(line, "0123456789");
	return digits > 0 && line[digits] == ' ' ? line + digits + 1 : NULL;
}

/* "release v=12,o=Debian,a=stable-security,n=bookworm-security,l=Debian-Security,…" */
static bool release_is_security(const char *line)
{
	autostrv struct strv fields = {0};

	strv_split(&fields, line, ",");
	for (size_t i = 0; i < fields.count; i++) {
		const char *field = fields.items[i];

		if (str_eq(field, "l=Debian-Security"))
			return true;
		if ((str_starts(field, "a=") || str_starts(field, "n=")) &&
		    str_ends(field, "-security"))
			return true;
	}
	return false;
}

/* Descriptions of the archives of security updates. */
static void archives_parse(const char *text, struct strv *ret)
{
	autostrv struct strv lines = {0};
	const char *archive = NULL;

	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		const char *line = str_strip(lines.items[i]);
		const char *described = archive_described(line);

		if (described)
			archive = described;
		else if (archive && str_starts(line, "release ") &&
			 release_is_security(line + strlen("release ")))
			strv_add(ret, archive);
	}
}

/* The word at the start of s, if it can be a version; else NULL. Caller frees. */
static char *version_at(const char *s)
{
	char *version = str_ndup(s, strcspn(s, " "));

	if (package_version_valid(version))
		return version;
	free(version);
	return NULL;
}

void apt_security_parse(const char *archives, const char *versions, struct strv *ret)
{
	autostrv struct strv security = {0}, lines = {0};
	autofree char *name = NULL, *version = NULL;

	archives_parse(archives, &security);
	strv_split(&lines, versions, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		const char *line = lines.items[i];
		size_t column =
			str_starts(line, " *** ") ? VERSION_COLUMN : strspn(line, " ");
		const char *archive = archive_described(line);

		if (column == 0) {
			free(name);
			name = str_ndup(line, strlen(line) - str_ends(line, ":"));
			free(version);
			version = NULL;
		} else if (column == VERSION_COLUMN) {
			free(version);
			version = version_at(line + column);
		} else if (name && version && archive && strv_has(&security, archive) &&
			   package_name_valid(name)) {
			strv_add_take(ret, str_format("%s=%s", name, version));
		}
	}
}

static int policy_ask(const struct root *root, const struct strv *names,
		      struct process_result *ret, struct error *err)
{
	autofree const char **argv = mem_zalloc((names->count + 3) * sizeof(*argv));
	struct process process = {.argv = argv,
				  .root = root,
				  .timeout = POLICY_TIMEOUT,
				  .output_max = POLICY_OUTPUT_MAX};

	argv[0] = "apt-cache";
	argv[1] = "policy";
	for (size_t i = 0; i < names->count; i++)
		argv[2 + i] = names->items[i];
	return process_check(&process, ret, err);
}

int apt_security_versions(const struct root *root, const struct strv *names,
			  struct strv *ret, struct error *err)
{
	autoprocess struct process_result archives = {0}, versions = {0};
	static const struct strv none;
	int r;

	if (names->count == 0)
		return 0;
	r = policy_ask(root, &none, &archives, err);
	if (r == 0)
		r = policy_ask(root, names, &versions, err);
	if (r == 0)
		apt_security_parse(text_str(&archives.out), text_str(&versions.out), ret);
	return r;
}
