/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the package manager knows of a package's size before it is fetched: Installed-Size
 * (deb-control(5)) and Size, of the index and of what is installed.
 */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "probe/space.h"

#define INDEX_TIMEOUT    300 /* seconds */
#define INDEX_OUTPUT_MAX (16 * 1024 * 1024)
#define KIBIBYTE         1024
#define SIZE_KIB_MAX     ((unsigned long long)1 << 40)

void package_sizes_done(struct package_sizes *sizes)
{
	for (size_t i = 0; i < sizes->count; i++) {
		free(sizes->items[i].name);
		free(sizes->items[i].version);
	}
	free(sizes->items);
	*sizes = (struct package_sizes){0};
}

/* Names may carry an architecture, which says nothing here. */
static bool name_is(const char *name, const char *other)
{
	size_t n = strcspn(name, ":");

	return n == strcspn(other, ":") && strncmp(name, other, n) == 0;
}

const struct package_size *package_sizes_find(const struct package_sizes *sizes,
					      const char *name, const char *version)
{
	for (size_t i = 0; i < sizes->count; i++)
		if (name_is(sizes->items[i].name, name) &&
		    (!version || str_eq(sizes->items[i].version, version)))
			return &sizes->items[i];
	return NULL;
}

/* What stands behind "FIELD: " in the line, or NULL. */
static char *field_value(char *line, const char *field)
{
	size_t n = strlen(field);

	if (strncmp(line, field, n) != 0 || line[n] != ':')
		return NULL;
	return str_strip(line + n + 1);
}

static uint64_t field_number(const char *value, uint64_t unit)
{
	unsigned long long number;

	return str_to_u64(value, 0, SIZE_KIB_MAX, &number) == 0 ? number * unit : 0;
}

static void stanza_take(struct package_size *size, char *line)
{
	char *value;

	if (!size->name && (value = field_value(line, "Package")) &&
	    package_name_valid(value))
		size->name = str_dup(value);
	else if (!size->version && (value = field_value(line, "Version")) &&
		 package_version_valid(value))
		size->version = str_dup(value);
	else if ((value = field_value(line, "Installed-Size")))
		size->installed = field_number(value, KIBIBYTE);
	else if ((value = field_value(line, "Size")))
		size->archive = field_number(value, 1);
}

/* Keep what was read of a stanza, if it names a package at a version. */
static void stanza_end(struct package_size *size, struct package_sizes *ret)
{
	if (size->name && size->version) {
		ret->items = mem_regrow(ret->items, ret->count + 1, sizeof(*ret->items));
		ret->items[ret->count++] = *size;
	} else {
		free(size->name);
		free(size->version);
	}
	*size = (struct package_size){0};
}

void package_sizes_parse(const char *text, struct package_sizes *ret)
{
	struct package_size size = {0};

	while (*text) {
		size_t n = strcspn(text, "\n");
		autofree char *line = str_ndup(text, n);

		if (n == 0)
			stanza_end(&size, ret);
		else
			stanza_take(&size, line);
		text += n + (text[n] == '\n');
	}
	stanza_end(&size, ret);
}

/* A question to the package manager, answered in stanzas. */
static int sizes_ask(const struct root *root, const char *const *argv,
		     struct package_sizes *ret, struct error *err)
{
	autoprocess struct process_result result = {0};
	struct process process = {.argv = argv,
				  .root = root,
				  .timeout = INDEX_TIMEOUT,
				  .output_max = INDEX_OUTPUT_MAX};
	int r = process_run(&process, &result, err);

	if (r < 0)
		return r;
	if (result.timed_out)
		return error_set(err, -ERROR_PROGRAM, "%s gave no answer", argv[0]);
	/* one that knows not all of them exits with an error, and tells of the others */
	package_sizes_parse(text_str(&result.out), ret);
	return 0;
}

int package_sizes_offered(const struct root *root, const struct package_plan *plan,
			  struct package_sizes *ret, struct error *err)
{
	autofree const char **argv = mem_zalloc((plan->count + 4) * sizeof(*argv));
	autostrv struct strv names = {0};
	size_t n = 0;

	argv[n++] = "apt-cache";
	argv[n++] = "show";
	argv[n++] = "--";
	for (size_t i = 0; i < plan->count; i++) {
		const struct package_change *change = &plan->items[i];

		if (!change->new_version)
			continue;
		strv_add_take(&names,
			      str_format("%s=%s", change->name, change->new_version));
		argv[n++] = names.items[names.count - 1];
	}
	return names.count ? sizes_ask(root, argv, ret, err) : 0;
}

int package_sizes_installed(const struct root *root, const char *pattern,
			    struct package_sizes *ret, struct error *err)
{
	static const char format[] = "-f=Package: ${Package}\\nVersion: ${Version}\\n"
				     "Installed-Size: ${Installed-Size}\\n\\n";
	const char *argv[] = {"dpkg-query", "-W", format, "--", pattern, NULL};

	return sizes_ask(root, argv, ret, err);
}

/* Part of a name up to its release ("linux-image-"), and what follows the release. */
static size_t release_start(const char *name)
{
	size_t i = 0;

	while (name[i] && !(name[i] == '-' && isdigit((unsigned char)name[i + 1])))
		i++;
	return name[i] ? i + 1 : i;
}

static const char *release_flavour(const char *release)
{
	while (isdigit((unsigned char)*release)) {
		release += strcspn(release, "-");
		release += *release == '-';
	}
	return release;
}

bool package_is_sibling(const char *a, const char *b)
{
	autofree char *first = str_ndup(a, strcspn(a, ":"));
	autofree char *second = str_ndup(b, strcspn(b, ":"));
	size_t n = release_start(first);

	return n == release_start(second) && strncmp(first, second, n) == 0 && first[n] &&
	       second[n] &&
	       str_eq(release_flavour(first + n), release_flavour(second + n));
}
