/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Made module trees. Each module exports one symbol, "use_NAME".
 */
#include "made-tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "made-module.h"
#include "probe/module-file.h"

#define NEEDS_MAX 16

/* Lines to words that end with NUL. */
static void modinfo(const char *lines, const char *prefix, struct text *ret)
{
	autostrv struct strv words = {0};

	strv_split(&words, lines ? lines : "", "\n");
	for (size_t i = 0; i < words.count; i++) {
		text_append(ret, prefix);
		text_append_n(ret, words.items[i], strlen(words.items[i]) + 1);
	}
}

static void write_module(const struct root *root, const char *folder,
			 const struct made_tree_row *row)
{
	autofree char *path = str_format("%s/kernel/%s", folder, row->path);
	autofree char *name = module_name_of(path);
	autofree char *export = str_format("use_%s", name);
	autofree char *record = str_format("__ksymtab_%s", export);
	autofree char *crc = str_format("__crc_%s", export);
	struct made_symbol symbols[NEEDS_MAX + 5] = {{record, "__ksymtab", 0, STB_LOCAL},
						     {crc, "ABS", 1, STB_GLOBAL},
						     {export, ".text", 0, STB_GLOBAL}};
	autotext struct text info = {0};
	autostrv struct strv needs = {0}, wanted = {0};
	autofree void *bytes = NULL;
	size_t len;

	modinfo(row->info, "", &info);
	text_append_n(&info, "license=GPL", sizeof("license=GPL"));
	strv_split(&needs, row->needs ? row->needs : "", " ");
	assert_true(needs.count <= NEEDS_MAX);
	for (size_t i = 0; i < needs.count; i++) {
		strv_add_take(&wanted, str_format("use_%s", needs.items[i]));
		symbols[3 + i] =
			(struct made_symbol){wanted.items[i], NULL, 0, STB_GLOBAL};
	}
	const struct made_section sections[] = {
		{".modinfo", 0, SHF_ALLOC, info.data, info.len},
		{".gnu.linkonce.this_module", 0, SHF_ALLOC, "module", 7},
		{"__ksymtab", 0, SHF_ALLOC, "12 bytes, 12", 12},
		{"__ksymtab_strings", 0, SHF_ALLOC, export, strlen(export) + 1},
		{".text", 0, SHF_ALLOC, "\xc3", 1},
		{NULL, 0, 0, NULL, 0}};
	const struct made_module module = {sections, symbols};

	bytes = made_module_bytes(&module, &len);
	made_bytes(root, path, bytes, len);
}

static void run_depmod(const struct made_machine *m, const char *release)
{
	const char *const argv[] = {"depmod", "-b", m->root.path, release, NULL};
	const struct process process = {.argv = argv, .timeout = 60};
	autoprocess struct process_result result = {0};
	struct error err = {0};

	if (process_check(&process, &result, &err) < 0)
		fail_msg("%s", err.message);
}

void made_tree(const struct made_machine *m, const char *release,
	       const struct made_tree_row *rows)
{
	autofree char *folder = str_format("/lib/modules/%s", release);
	autofree char *path = str_format("%s/modules.builtin.modinfo", folder);
	autotext struct text built_in = {0}, info = {0}, order = {0};

	for (const struct made_tree_row *row = rows; row->path; row++) {
		autofree char *name = module_name_of(row->path);
		autofree char *prefix = str_format("%s.", name);

		if (!row->built_in) {
			write_module(&m->root, folder, row);
			text_appendf(&order, "kernel/%s\n", row->path);
			continue;
		}
		text_appendf(&built_in, "kernel/%s\n", row->path);
		modinfo(row->info, prefix, &info);
	}
	made_at(&m->root, text_str(&built_in), "%s/modules.builtin", folder);
	made_at(&m->root, text_str(&order), "%s/modules.order", folder);
	made_bytes(&m->root, path, text_str(&info), info.len);
	run_depmod(m, release);
}
