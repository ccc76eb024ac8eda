/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Boot loader specification entries, as kernel-install and grubby leave them. Their
 * text may come from anywhere: sizes and counts are bounded, and a path out of one is
 * used only below the root and only if it is plain.
 */
#include "loader-entries.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "core/release.h"

#define ENTRY_MAX_BYTES 65536
#define ENTRY_BLANKS    " \t\r"

void loader_entry_done(struct loader_entry *entry)
{
	free(entry->path);
	free(entry->mount);
	free(entry->title);
	free(entry->version);
	free(entry->machine_id);
	free(entry->image);
	free(entry->options);
	strv_done(&entry->initrds);
	*entry = (struct loader_entry){0};
}

void loader_entries_done(struct loader_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		loader_entry_done(&entries->items[i]);
	free(entries->items);
	*entries = (struct loader_entries){0};
}

static void key_set(char **field, const char *value)
{
	free(*field);
	*field = str_dup(value);
}

/* "options" may stand several times; they add up. */
static void key_add_options(struct loader_entry *entry, const char *value)
{
	autofree char *before = entry->options;

	entry->options = before ? str_format("%s %s", before, value) : str_dup(value);
}

static void key_add_initrds(struct loader_entry *entry, const char *value)
{
	autostrv struct strv words = {0};

	strv_split(&words, value, ENTRY_BLANKS);
	for (size_t i = 0; i < words.count; i++)
		if (words.items[i][0] != '$')
			strv_add(&entry->initrds, words.items[i]);
}

static void entry_take_key(struct loader_entry *entry, const char *key, const char *value)
{
	const struct {
		const char *key;
		char **field;
	} rows[] = {
		{"title", &entry->title},
		{"version", &entry->version},
		{"machine-id", &entry->machine_id},
		{"linux", &entry->image},
	};

	if (str_eq(key, "options"))
		key_add_options(entry, value);
	if (str_eq(key, "initrd"))
		key_add_initrds(entry, value);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(key, rows[i].key))
			key_set(rows[i].field, value);
}

void loader_entry_parse(const char *text, struct loader_entry *ret)
{
	autostrv struct strv lines = {0};

	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		char *key = str_strip(lines.items[i]);
		size_t n = strcspn(key, ENTRY_BLANKS);

		if (key[0] == '#' || !key[n])
			continue;
		key[n] = '\0';
		entry_take_key(ret, key, str_strip(key + n + 1));
	}
}

/* An entry of another system that shares the boot file system is not ours. */
static bool entry_is_foreign(const struct loader_entry *entry, const char *machine_id)
{
	return entry->machine_id && machine_id && !str_eq(entry->machine_id, machine_id);
}

static void entries_add(const struct root *root, const char *mount, const char *name,
			const char *machine_id, struct loader_entries *ret)
{
	struct loader_entry entry = {0};
	autofree char *path = str_format("%s/loader/entries/%s", mount, name);
	autofree char *text = NULL;

	if (root_read(root, path, ENTRY_MAX_BYTES, &text, NULL, NULL) < 0)
		return;
	loader_entry_parse(text, &entry);
	if (!entry.image || entry_is_foreign(&entry, machine_id)) {
		loader_entry_done(&entry);
		return;
	}
	entry.path = take_ptr(path);
	entry.mount = str_dup(mount);
	ret->items = mem_regrow(ret->items, ret->count + 1, sizeof(*ret->items));
	ret->items[ret->count++] = entry;
}

/*
 * Would looking below path wait for an automount? O_PATH without O_DIRECTORY (open(2))
 * reaches an automount point without triggering it.
 */
static bool is_waiting_automount(const struct root *root, const char *path)
{
	autoclose int fd = root_openat(root, path, O_PATH, 0);
	struct statfs st;

	return fd >= 0 && fstatfs(fd, &st) == 0 && st.f_type == AUTOFS_SUPER_MAGIC;
}

void loader_entries_read(const struct root *root, struct loader_entries *ret)
{
	static const char *const mounts[] = {"/boot", "/boot/efi", "/efi"};
	autofree char *machine_id = NULL;

	(void)root_read_line(root, "/etc/machine-id", &machine_id,
			     NULL); /* then no entry is foreign */
	for (size_t m = 0; m < ARRAY_LEN(mounts); m++) {
		autofree char *dir = str_format("%s/loader/entries", mounts[m]);
		autostrv struct strv names = {0};

		if (m > 0 && is_waiting_automount(root, mounts[m]))
			continue;
		(void)root_list(root, dir, &names, NULL); /* often root's alone to read */
		for (size_t i = 0; i < names.count; i++)
			if (str_ends(names.items[i], ".conf") &&
			    ret->count < LOADER_ENTRIES_MAX)
				entries_add(root, mounts[m], names.items[i], machine_id,
					    ret);
	}
}

static bool is_rescue(const char *release)
{
	return str_starts(release, "0-rescue");
}

/* ".../vmlinuz-REL", or ".../REL/linux" and ".../REL/vmlinuz". Caller frees. */
static char *release_of_image(const char *image)
{
	const char *base = strrchr(image, '/');
	const char *parent;

	base = base ? base + 1 : image;
	if (str_starts(base, "vmlinuz-"))
		return str_dup(base + strlen("vmlinuz-"));
	if (base - image < 2 ||
	    (!str_starts(base, "linux") && !str_starts(base, "vmlinuz")))
		return NULL;
	parent = memrchr(image, '/', (size_t)(base - image - 1));
	return parent ? str_ndup(parent + 1, (size_t)(base - parent - 2)) : NULL;
}

char *loader_entry_release(const struct loader_entry *entry)
{
	autofree char *release = NULL;

	if (entry->version && release_valid(entry->version))
		release = str_dup(entry->version);
	else if (entry->image)
		release = release_of_image(entry->image);
	if (!release || !release_valid(release) || is_rescue(release))
		return NULL;
	return take_ptr(release);
}

/* Fit for a table, a program's argument and a GRUB script alike. */
static bool path_is_plain(const char *path)
{
	if (path[0] != '/' || strlen(path) > 512 || strstr(path, "/../"))
		return false;
	for (const char *c = path; *c; c++)
		if (*c <= ' ' || *c > '~' || strchr("*?[]\\'\"$`", *c))
			return false;
	return true;
}

char *loader_entry_file(const struct root *root, const struct loader_entry *entry,
			const char *path)
{
	autofree char *below = NULL;
	struct stat st;

	if (!path_is_plain(path))
		return NULL;
	below = str_format("%s%s", entry->mount, path);
	if (root_stat(root, below, &st) == 0 && S_ISREG(st.st_mode))
		return take_ptr(below);
	if (str_starts(path, "/boot/") && str_eq(entry->mount, "/boot") &&
	    root_stat(root, path, &st) == 0 && S_ISREG(st.st_mode))
		return str_dup(path);
	return NULL;
}
