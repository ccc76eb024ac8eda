/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * grub.cfg as grub-mkconfig writes it (GRUB 2.06, util/grub.d/00_header.in and
 * 10_linux.in): one statement a line, blocks closed by a line "}". What a person wrote
 * in another style is not understood, and then no entry is found.
 */
#include "probe/grub-config.h"

#include <string.h>

#include "base/cleanup.h"
#include "probe/boot-image.h"
#include "probe/kernels.h"

#define GRUB_CONFIG_MAX (4 * 1024 * 1024)
#define GRUB_DEPTH_MAX  16

/* A menu entry or a submenu; parents stand before their children. */
struct grub_entry {
	char *title, *id, *kernel, *initramfs;
	int parent; /* index of its submenu, -1 at the top */
	bool submenu;
};

struct grub_menu {
	struct grub_entry *items;
	size_t count;
	char *chosen;        /* what "set default=" says last */
	bool loader_entries; /* blscfg */
};

/* Where in the file the reader is. */
struct grub_reader {
	struct grub_menu *menu;
	int open[GRUB_DEPTH_MAX]; /* entry of each open block, -1 for a function */
	size_t depth;
	bool skipping; /* kuro's own section */
};

static void grub_menu_done(struct grub_menu *menu)
{
	for (size_t i = 0; i < menu->count; i++) {
		free(menu->items[i].title);
		free(menu->items[i].id);
		free(menu->items[i].kernel);
		free(menu->items[i].initramfs);
	}
	free(menu->items);
	free(menu->chosen);
}

void grub_choice_done(struct grub_choice *choice)
{
	free(choice->title);
	free(choice->kernel);
	free(choice->initramfs);
	*choice = (struct grub_choice){0};
}

/* The next word at *at, quotes taken off ('\'' as grub-mkconfig writes it); NULL at the
 * end. */
static char *grub_word(const char **at)
{
	struct text word = {0};
	int quote = 0;
	const char *s = *at + strspn(*at, " \t");

	if (!*s)
		return NULL;
	for (; *s && (quote || !strchr(" \t", *s)); s++) {
		if (quote ? *s == quote : (*s == '\'' || *s == '"'))
			quote = quote ? 0 : *s;
		else if (!quote && *s == '\\' && s[1])
			text_append_n(&word, ++s, 1);
		else
			text_append_n(&word, s, 1);
	}
	*at = s;
	return text_take(&word);
}

static int grub_reader_parent(const struct grub_reader *reader)
{
	return reader->depth > 0 ? reader->open[reader->depth - 1] : -1;
}

static void grub_reader_enter(struct grub_reader *reader, int entry)
{
	if (reader->depth < GRUB_DEPTH_MAX)
		reader->open[reader->depth++] = entry;
}

static void grub_read_entry(struct grub_reader *reader, const char *rest, bool submenu)
{
	struct grub_menu *menu = reader->menu;
	struct grub_entry entry = {.parent = grub_reader_parent(reader),
				   .submenu = submenu,
				   .title = grub_word(&rest)};
	char *word;

	while ((word = grub_word(&rest))) {
		if (str_eq(word, "$menuentry_id_option") || str_eq(word, "--id")) {
			free(entry.id);
			entry.id = grub_word(&rest);
		}
		free(word);
	}
	menu->items = mem_regrow(menu->items, menu->count + 1, sizeof(*menu->items));
	menu->items[menu->count] = entry;
	grub_reader_enter(reader, (int)menu->count++);
}

static void grub_read_file(struct grub_reader *reader, const char *rest, bool kernel)
{
	int at = grub_reader_parent(reader);
	struct grub_entry *entry = at >= 0 ? &reader->menu->items[at] : NULL;
	char **slot;

	if (!entry || entry->submenu)
		return;
	slot = kernel ? &entry->kernel : &entry->initramfs;
	if (!*slot)
		*slot = grub_word(&rest);
}

static void grub_read_default(struct grub_menu *menu, const char *rest)
{
	autofree char *value = grub_word(&rest);

	if (!value || str_eq(value, "default=${next_entry}"))
		return;
	free(menu->chosen);
	menu->chosen = str_dup(value + strlen("default="));
}

static void grub_read_statement(struct grub_reader *reader, const char *line)
{
	if (str_starts(line, "menuentry "))
		grub_read_entry(reader, line + 10, false);
	else if (str_starts(line, "submenu "))
		grub_read_entry(reader, line + 8, true);
	else if (str_starts(line, "function "))
		grub_reader_enter(reader, -1);
	else if (str_eq(line, "}") && reader->depth > 0)
		reader->depth--;
	else if (str_starts(line, "linux\t") || str_starts(line, "linux ") ||
		 str_starts(line, "linuxefi "))
		grub_read_file(reader, line + strcspn(line, " \t"), true);
	else if (str_starts(line, "initrd\t") || str_starts(line, "initrd ") ||
		 str_starts(line, "initrdefi "))
		grub_read_file(reader, line + strcspn(line, " \t"), false);
	else if (str_starts(line, "set default=") && reader->depth == 0)
		grub_read_default(reader->menu, line + 4);
	else if (str_starts(line, "blscfg"))
		reader->menu->loader_entries = true;
}

static void grub_read_line(struct grub_reader *reader, char *line)
{
	line = str_strip(line);
	if (str_starts(line, "### BEGIN ") && strstr(line, "_kuro ###"))
		reader->skipping = true;
	else if (str_starts(line, "### END ") && strstr(line, "_kuro ###"))
		reader->skipping = false;
	else if (!reader->skipping && *line != '#')
		grub_read_statement(reader, line);
}

static int grub_menu_read(const struct root *root, struct grub_menu *ret,
			  struct error *err)
{
	static const char *const places[] = {"/boot/grub/grub.cfg",
					     "/boot/grub2/grub.cfg"};
	struct grub_reader reader = {.menu = ret};
	autofree char *content = NULL;
	autostrv struct strv lines = {0};
	int r = -ENOENT;

	for (size_t i = 0; i < ARRAY_LEN(places) && !content; i++)
		if (root_exists(root, places[i]))
			r = root_read(root, places[i], GRUB_CONFIG_MAX, &content, NULL,
				      err);
	if (r == -ENOENT)
		return error_set(err, r,
				 "there is no grub.cfg in /boot/grub or /boot/grub2");
	if (r < 0)
		return r;
	strv_split(&lines, content, "\n");
	for (size_t i = 0; i < lines.count; i++)
		grub_read_line(&reader, lines.items[i]);
	return 0;
}

/* saved_entry of the distribution's grubenv; NULL where there is none. */
static char *grub_saved_entry(const struct root *root)
{
	static const char *const places[] = {"/boot/grub/grubenv", "/boot/grub2/grubenv"};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		autofree char *content = NULL;
		autostrv struct strv lines = {0};

		if (root_read(root, places[i], 65536, &content, NULL, NULL) < 0)
			continue;
		strv_split(&lines, content, "\n");
		for (size_t k = 0; k < lines.count; k++)
			if (str_starts(lines.items[k], "saved_entry="))
				return str_dup(lines.items[k] + strlen("saved_entry="));
	}
	return NULL;
}

static bool grub_entry_is(const struct grub_entry *entry, unsigned long long position,
			  const char *wanted)
{
	unsigned long long number;

	if (str_to_u64(wanted, 0, 10000, &number) == 0)
		return number == position;
	return str_eq(entry->title, wanted) || str_eq(entry->id, wanted);
}

/* The child of parent that wanted names; -1 for none. */
static int grub_menu_child(const struct grub_menu *menu, int parent, const char *wanted)
{
	unsigned long long position = 0;

	for (size_t i = 0; i < menu->count; i++) {
		if (menu->items[i].parent != parent)
			continue;
		if (grub_entry_is(&menu->items[i], position, wanted))
			return (int)i;
		position++;
	}
	return -1;
}

/* "A>B" down the submenus; a submenu as the last one means its first entry. */
static int grub_menu_find(const struct grub_menu *menu, const char *wanted)
{
	autostrv struct strv path = {0};
	int at = -1;

	strv_split(&path, wanted, ">");
	for (size_t i = 0; i < path.count; i++) {
		at = grub_menu_child(menu, at, path.items[i]);
		if (at < 0)
			return -1;
	}
	while (at >= 0 && menu->items[at].submenu)
		at = grub_menu_child(menu, at, "0");
	return at;
}

/* A path as GRUB sees it: from the root of the file system that /boot is on. */
static char *grub_file(const struct root *root, const char *path)
{
	autofree char *below = str_format("/boot%s", path);

	if (str_starts(path, "(")) /* ($root)/vmlinuz */
		return grub_file(root,
				 path + strcspn(path, ")") + (strchr(path, ')') ? 1 : 0));
	return root_exists(root, below) ? take_ptr(below) : str_dup(path);
}

static int grub_choice_take(const struct root *root, const struct grub_entry *entry,
			    struct grub_choice *ret, struct error *err)
{
	if (!entry->kernel)
		return error_set(err, -ENOENT,
				 "GRUB's default entry \"%s\" starts no Linux kernel",
				 entry->title);
	ret->title = str_dup(entry->title);
	ret->kernel = grub_file(root, entry->kernel);
	ret->initramfs = entry->initramfs ? grub_file(root, entry->initramfs) : NULL;
	return 0;
}

/* Boot loader specification entries: the saved one, else the newest. */
static int grub_choice_loader(const struct root *root, const char *wanted,
			      struct grub_choice *ret, struct error *err)
{
	autokernels struct kernel_list kernels = {0};
	const struct kernel *chosen = NULL;
	int r = kernels_probe(root, false, &kernels, err);

	for (size_t i = 0; r == 0 && i < kernels.count; i++) {
		const struct kernel *k = &kernels.items[i];

		if (!k->loader_entry || !k->image.path)
			continue;
		if (!chosen || (wanted && strstr(k->loader_entry, wanted)))
			chosen = k;
	}
	if (r < 0)
		return r;
	if (!chosen)
		return error_set(err, -ENOENT,
				 "there is no boot loader entry of a kernel");
	ret->title = str_dup(chosen->loader_entry);
	ret->kernel = str_dup(chosen->image.path);
	ret->initramfs = str_dup(chosen->initramfs.path);
	return 0;
}

static int grub_choice_find(const struct root *root, const struct grub_menu *menu,
			    struct grub_choice *ret, struct error *err)
{
	autofree char *saved = grub_saved_entry(root);
	const char *wanted = menu->chosen ? menu->chosen : "0";
	int at;

	if (str_eq(wanted, "${saved_entry}"))
		wanted = saved ? saved : "0";
	at = grub_menu_find(menu, wanted);
	if (at < 0 && menu->loader_entries)
		return grub_choice_loader(root, saved, ret, err);
	if (at < 0) /* GRUB itself takes the first one then */
		at = grub_menu_find(menu, "0");
	if (at < 0)
		return error_set(err, -ENOENT,
				 "grub.cfg has no entry of the distribution's own");
	return grub_choice_take(root, &menu->items[at], ret, err);
}

static int grub_choice_check(const struct root *root, const struct grub_choice *choice,
			     struct error *err)
{
	int r = boot_image_check_kernel(root, choice->kernel, err);

	if (r == 0 && choice->initramfs)
		r = boot_image_check_initramfs(root, choice->initramfs, err);
	if (r == 0)
		return 0;
	error_prefix(err, r, "GRUB's default entry \"%s\"", choice->title);
	return r;
}

int grub_config_choice(const struct root *root, struct grub_choice *ret,
		       struct error *err)
{
	cleanup(grub_menu_done) struct grub_menu menu = {0};
	struct grub_choice choice = {0};
	int r = grub_menu_read(root, &menu, err);

	if (r == 0)
		r = grub_choice_find(root, &menu, &choice, err);
	if (r == 0)
		r = grub_choice_check(root, &choice, err);
	if (r < 0)
		grub_choice_done(&choice);
	else
		*ret = choice;
	return r;
}
