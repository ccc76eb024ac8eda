/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A .deb: an ar of a version, control.tar and data.tar. The control file names the
 * package; data.tar's members go to whoever reads the package.
 */
#include <string.h>

#include "base/cleanup.h"
#include "package-stream.h"

#define CONTROL_MAX ((size_t)1 << 20)

/* What is found on the way through a .deb. */
struct deb {
	struct package_info *info;
	const struct package_visitor *visitor;
	bool control; /* its file control was there */
	size_t seen;  /* of deb_parts */
};

static void control_field(const char *line, size_t len, const char *field, char **ret)
{
	size_t name = strlen(field);

	if (len > name && !*ret && strncasecmp(line, field, name) == 0) {
		autofree char *value = str_ndup(line + name, len - name);

		*ret = str_printable(str_strip(value));
	}
}

/* The first stanza; lines that go on a field begin with a space, and are no field. */
static int control_member(void *data, struct package_member *member, struct error *err)
{
	struct deb *deb = data;
	autofree void *bytes = NULL;
	size_t len;
	int r;

	if (!str_eq(member->path, "/control"))
		return 0;
	r = package_member_read(member, CONTROL_MAX, &bytes, &len, err);
	if (r < 0)
		return r;
	deb->control = true;
	for (const char *line = bytes; *line;) {
		size_t n = strcspn(line, "\n");

		control_field(line, n, "Package:", &deb->info->name);
		control_field(line, n, "Version:", &deb->info->version);
		control_field(line, n, "Architecture:", &deb->info->architecture);
		line += n + (line[n] == '\n');
	}
	return 0;
}

static int deb_version(struct package_reading *reading, struct deb *deb,
		       struct error *err)
{
	char version[2] = "";

	(void)deb;
	if (sym_archive_read_data(reading->ar, version, sizeof(version)) < 0)
		return package_reading_error(reading, reading->ar, err);
	if (memcmp(version, "2.", sizeof(version)) != 0)
		return package_reading_refuse(reading, err, "its format is not 2.x");
	return 0;
}

static int deb_control(struct package_reading *reading, struct deb *deb,
		       struct error *err)
{
	const struct package_visitor visitor = {control_member, deb};
	int r = package_stream_read(reading, sym_archive_read_support_format_tar,
				    &visitor, err);

	if (r < 0)
		return r;
	if (!deb->control || !deb->info->name || !deb->info->version)
		return package_reading_refuse(
			reading, err, "its control file is missing, or names no package");
	return 0;
}

static int deb_data(struct package_reading *reading, struct deb *deb, struct error *err)
{
	return package_stream_read(reading, sym_archive_read_support_format_tar,
				   deb->visitor, err);
}

/* In this order and once each (deb(5)). */
static const struct {
	const char *name;
	int (*read)(struct package_reading *reading, struct deb *deb, struct error *err);
} deb_parts[] = {
	{"debian-binary", deb_version},
	{"control.tar", deb_control},
	{"data.tar", deb_data},
};

static int deb_member(struct package_reading *reading, struct deb *deb, const char *name,
		      struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(deb_parts); i++) {
		if (!str_starts(name, deb_parts[i].name))
			continue;
		if (i < deb->seen)
			return package_reading_refuse(reading, err,
						      "it has two members %s",
						      deb_parts[i].name);
		if (i > deb->seen)
			break;
		deb->seen++;
		return deb_parts[i].read(reading, deb, err);
	}
	if (name[0] == '_' || deb->seen == ARRAY_LEN(deb_parts))
		return 0; /* dpkg passes over these */
	return package_reading_refuse(reading, err,
				      "its member %s is not where it must be",
				      deb_parts[deb->seen].name);
}

static int deb_read(struct package_reading *reading, struct deb *deb, struct error *err)
{
	autoarchive struct archive *ar = sym_archive_read_new();
	struct archive_entry *entry;
	int r;

	if (!ar || sym_archive_read_support_format_ar(ar) != ARCHIVE_OK)
		return error_set(err, -ENOMEM, "%s: no memory to read it", reading->path);
	if (sym_archive_read_open(ar, reading, NULL, package_file_bytes, NULL) !=
	    ARCHIVE_OK)
		return package_reading_error(reading, ar, err);
	reading->ar = ar;
	while ((r = sym_archive_read_next_header(ar, &entry)) == ARCHIVE_OK ||
	       r == ARCHIVE_WARN) {
		const char *name = sym_archive_entry_pathname(entry);
		int done = deb_member(reading, deb, name ? name : "", err);

		if (done != 0)
			return done;
	}
	if (r != ARCHIVE_EOF)
		return package_reading_error(reading, ar, err);
	if (deb->seen < ARRAY_LEN(deb_parts))
		return package_reading_refuse(reading, err, "it has no %s",
					      deb_parts[deb->seen].name);
	return 0;
}

int package_deb_read(struct package_reading *reading,
		     const struct package_visitor *visitor, struct package_info *info,
		     struct error *err)
{
	struct deb deb = {.info = info, .visitor = visitor};
	int r = deb_read(reading, &deb, err);

	if (!info->architecture)
		info->architecture = str_dup("");
	return r;
}
