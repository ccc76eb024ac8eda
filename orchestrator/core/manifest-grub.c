/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two files that GRUB reads and that are made from a manifest: boot.cfg and sums.
 * What the manifest holds stands in them as quoted words, never as script.
 */
#include "core/manifest.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "core/command-line.h"

#define SECTOR 512

/* Put every argument of a command line behind, each one GRUB word. */
static void append_words(struct text *t, const char *line)
{
	autostrv struct strv args = {0};

	command_line_split(line ? line : "", &args);
	for (size_t i = 0; i < args.count; i++) {
		autofree char *word = command_line_grub_word(args.items[i]);

		text_appendf(t, " %s", word);
	}
}

static void append_linux(struct text *t, const struct manifest *m, bool trial)
{
	text_append(t, "\t\tif linux \"$kuro_dir/vmlinuz\"");
	append_words(t, m->command_line);
	if (trial)
		append_words(t, m->trial_line);
	text_appendf(t, " 'kuro.generation=%u'", m->generation);
	if (trial)
		text_append(t, " 'kuro.trial=1'");
	text_appendf(t, "; then set kuro_linux=%u; fi\n", m->generation);
}

/* What a GRUB without hashsum compares; it can count sectors, not bytes. */
static void append_sectors(struct text *t, const struct manifest *m, const char *name,
			   const char *variable)
{
	const struct manifest_file *file = manifest_file(m, name);

	if (file && file->size > 0)
		text_appendf(t, "set %s=%" PRIu64 "\n", variable,
			     (file->size - 1) / SECTOR + 1);
}

char *manifest_boot_cfg(const struct manifest *m)
{
	autofree char *clean = str_printable(m->title ? m->title : "");
	autofree char *title = command_line_grub_word(clean);
	struct text t = {0};

	text_appendf(&t, "# generation %u of kuro; written once, never changed\n",
		     m->generation);
	text_appendf(&t, "set kuro_this=%u\n", m->generation);
	text_appendf(&t, "set kuro_title=%s\n", title);
	append_sectors(&t, m, "vmlinuz", "kuro_vmlinuz_sectors");
	append_sectors(&t, m, "initrd.img", "kuro_initrd_sectors");
	text_append(&t, "function kuro_load {\n"
			"\tset kuro_linux=\n"
			"\tif [ \"$kuro_role\" = trial ]; then\n");
	append_linux(&t, m, true);
	text_append(&t, "\telse\n");
	append_linux(&t, m, false);
	text_append(&t, "\tfi\n");
	text_appendf(&t, "\tif [ \"$kuro_linux\" = %u ]; then\n", m->generation);
	text_appendf(&t,
		     manifest_file(m, "initrd.img")
			     ? "\t\tif initrd \"$kuro_dir/initrd.img\"; then "
			       "set kuro_loaded=%u; fi\n"
			     : "\t\tset kuro_loaded=%u\n",
		     m->generation);
	text_append(&t, "\tfi\n}\n");
	return text_take(&t);
}

char *manifest_sums(const struct manifest *m)
{
	struct text t = {0};

	for (size_t i = 0; i < m->file_count; i++) {
		if (str_eq(m->files[i].name, "manifest.json") ||
		    str_eq(m->files[i].name, "sums"))
			continue;
		text_appendf(&t, "%s  %s\n", m->files[i].sha256, m->files[i].name);
	}
	return text_take(&t);
}
