/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes and removes the temporary directories of tests; touches nothing outside them.
 */
#include "made-machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static void open_below(struct made_machine *m, const char *name, struct root *ret)
{
	autofree char *path = str_format("%s/%s", m->dir, name);

	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(root_open(ret, path, NULL), 0);
}

int made_machine_set_up(void **state)
{
	struct made_machine *m = mem_zalloc(sizeof(*m));

	strcpy(m->dir, "/tmp/kuro-probe.XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	open_below(m, "root", &m->root);
	open_below(m, "host", &m->host);
	*state = m;
	return 0;
}

int made_machine_tear_down(void **state)
{
	struct made_machine *m = *state;
	struct root tmp = {0};

	root_done(&m->root);
	root_done(&m->host);
	assert_int_equal(root_open(&tmp, "/tmp", NULL), 0);
	assert_int_equal(root_remove_tree(&tmp, m->dir + strlen("/tmp"), NULL), 0);
	root_done(&tmp);
	free(m);
	return 0;
}

void made_dir(const struct root *root, const char *path)
{
	assert_int_equal(root_mkdirs(root, path, 0755, NULL), 0);
}

static void made_parent(const struct root *root, const char *path)
{
	autofree char *parent = str_ndup(path, (size_t)(strrchr(path, '/') - path));

	made_dir(root, parent);
}

void made_bytes(const struct root *root, const char *path, const void *data, size_t len)
{
	made_parent(root, path);
	assert_int_equal(root_write(root, path, 0644, data, len, NULL), 0);
}

void made_file(const struct root *root, const char *path, const char *text)
{
	made_bytes(root, path, text, strlen(text));
}

void made_at(const struct root *root, const char *text, const char *format, ...)
{
	autotext struct text path = {0};
	va_list args;

	va_start(args, format);
	text_vappendf(&path, format, args);
	va_end(args);
	made_file(root, text_str(&path), text);
}

void made_link(const struct root *root, const char *target, const char *path)
{
	made_parent(root, path);
	assert_int_equal(root_symlink(root, target, path), 0);
}
