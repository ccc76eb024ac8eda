/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The boot that runs. The kernel command line is what a person may have typed at the
 * menu: a generation outside its bounds counts as none.
 */
#include "probe/this-boot.h"

#include <stdint.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "core/boot-protocol.h"
#include "core/command-line.h"
#include "core/release.h"

#define PROC_STAT_MAX \
	((size_t)32 * 1024 * 1024) /* one column per interrupt and processor */
#define PROC_CMDLINE_MAX ((size_t)64 * 1024)
#define BOOT_ID_LENGTH   36

unsigned int this_boot_trying(const struct this_boot *b)
{
	return b->trial ? b->generation : 0;
}

void this_boot_done(struct this_boot *b)
{
	free(b->boot_id);
	free(b->release);
	strv_done(&b->command_line);
	*b = (struct this_boot){0};
}

/* A first line, or nothing where the file is missing below a root that is not live. */
static int read_field(const struct root *root, const char *path, char **ret,
		      struct error *err)
{
	int r = root_read_line(root, path, ret, err);

	if (r == -ENOENT && !root_is_live(root))
		return 0;
	if (r == -ENOENT)
		return error_set(err, r, "%s is missing: is /proc mounted?", path);
	return r;
}

static int probe_boot_id(const struct root *root, struct this_boot *b, struct error *err)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	autofree char *id = NULL;
	int r = read_field(root, path, &id, err);

	if (r < 0 || !id)
		return r;
	if (strlen(id) != BOOT_ID_LENGTH ||
	    strspn(id, "0123456789abcdefABCDEF-") != BOOT_ID_LENGTH)
		return error_set(err, -ERROR_DAMAGED, "%s: holds no boot id", path);
	b->boot_id = take_ptr(id);
	return 0;
}

static int probe_release(const struct root *root, struct this_boot *b, struct error *err)
{
	static const char path[] = "/proc/sys/kernel/osrelease";
	autofree char *release = NULL;
	struct utsname uts;
	int r;

	if (root_is_live(root)) {
		if (uname(&uts) < 0)
			return error_errno(err, -errno,
					   "asking for the kernel's release");
		b->release = str_dup(uts.release);
		return 0;
	}
	r = read_field(root, path, &release, err);
	if (r < 0 || !release)
		return r;
	if (!release_valid(release))
		return error_set(err, -ERROR_DAMAGED, "%s: holds no release", path);
	b->release = take_ptr(release);
	return 0;
}

static int probe_command_line(const struct root *root, struct this_boot *b,
			      struct error *err)
{
	static const char path[] = "/proc/cmdline";
	autofree char *line = NULL;
	unsigned long long number;
	const char *value;
	int r;

	r = root_read(root, path, PROC_CMDLINE_MAX, &line, NULL, err);
	if (r == -ENOENT && !root_is_live(root))
		return 0;
	if (r < 0)
		return r;
	command_line_split(str_strip(line), &b->command_line);
	value = command_line_get(&b->command_line, "kuro.generation");
	if (value && str_to_u64(value, 1, BOOT_GENERATION_MAX, &number) == 0)
		b->generation = (unsigned int)number;
	b->trial = str_eq(command_line_get(&b->command_line, "kuro.trial"), "1");
	return 0;
}

static int probe_begun(const struct root *root, struct this_boot *b, struct error *err)
{
	static const char path[] = "/proc/stat";
	autofree char *text = NULL;
	unsigned long long seconds;
	char *line, *end;
	int r;

	r = root_read(root, path, PROC_STAT_MAX, &text, NULL, err);
	if (r == -ENOENT && !root_is_live(root))
		return 0;
	if (r < 0)
		return r;
	line = str_starts(text, "btime ") ? text : strstr(text, "\nbtime ");
	if (!line)
		return error_set(err, -ERROR_DAMAGED, "%s: has no line 'btime'", path);
	line = strchr(line, ' ') + 1;
	end = line + strcspn(line, "\n");
	*end = '\0';
	if (str_to_u64(str_strip(line), 0, INT64_MAX, &seconds) < 0)
		return error_set(err, -ERROR_DAMAGED, "%s: btime is not a time", path);
	b->begun = (int64_t)seconds;
	return 0;
}

int this_boot_probe(const struct root *root, struct this_boot *ret, struct error *err)
{
	static int (*const probes[])(const struct root *, struct this_boot *,
				     struct error *) = {
		probe_boot_id,
		probe_release,
		probe_command_line,
		probe_begun,
	};
	autothisboot struct this_boot b = {0};

	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		int r = probes[i](root, &b, err);

		if (r < 0)
			return r;
	}
	*ret = b;
	b = (struct this_boot){0};
	return 0;
}
