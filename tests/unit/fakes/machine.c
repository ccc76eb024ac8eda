/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The root is a tmpfs in a mount name space of the test's own: it goes with the test,
 * and flushing it flushes nothing else.
 */
#include "machine.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "base/cleanup.h"

static bool write_small(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return false;
	(void)fputs(text, file); /* fclose tells */
	return fclose(file) == 0;
}

static bool enter_name_space(void)
{
	autofree char *map = str_format("0 %d 1", (int)geteuid());
	int flags = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;

	if (unshare(flags) < 0)
		return false;
	if (flags & CLONE_NEWUSER && !write_small("/proc/self/uid_map", map))
		return false;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void take_line(void *data, const char *line)
{
	text_appendf(data, "%s\n", line);
}

int fake_machine_set_up(void **state)
{
	static int entered = -1;
	struct fake_machine *m;
	autofree char *path = NULL;

	*state = NULL;
	if (entered < 0)
		entered = enter_name_space();
	if (!entered)
		return 0;
	m = mem_zalloc(sizeof(*m));
	(void)snprintf(m->dir, sizeof(m->dir), "/tmp/kuro-fake-XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	assert_int_equal(mount("none", m->dir, "tmpfs", 0, "size=64m"), 0);
	assert_int_equal(root_open(&m->root, m->dir, NULL), 0);
	/* from outside and from inside of the root, nothing but fakes is found */
	path = str_format("%s/fake/bin:/fake/bin", m->dir);
	assert_int_equal(setenv("KURO_PATH", path, 1), 0);
	assert_int_equal(setenv("KURO_TEST", m->dir, 1), 0);
	policy_init(&m->policy);
	m->run = (struct package_run){.root = &m->root,
				      .policy = &m->policy,
				      .line = take_line,
				      .line_data = &m->lines};
	assert_int_equal(root_mkdirs(&m->root, "/fake", 0755, NULL), 0);
	*state = m;
	return 0;
}

int fake_machine_tear_down(void **state)
{
	struct fake_machine *m = *state;

	if (!m)
		return 0;
	root_done(&m->root);
	policy_done(&m->policy);
	text_done(&m->lines);
	assert_int_equal(umount2(m->dir, MNT_DETACH), 0);
	assert_int_equal(rmdir(m->dir), 0);
	free(m);
	return 0;
}

struct fake_machine *fake_machine(void **state)
{
	if (!*state)
		skip();
	return *state;
}

void fake_file(struct fake_machine *m, const char *path, const char *text)
{
	autofree char *parent = str_ndup(path, (size_t)(strrchr(path, '/') - path));

	if (*parent)
		assert_int_equal(root_mkdirs(&m->root, parent, 0755, NULL), 0);
	assert_int_equal(root_write(&m->root, path, 0644, text, strlen(text), NULL), 0);
}

void fake_program(struct fake_machine *m, const char *name)
{
	autofree char *path = str_format("/fake/bin/%s", name), *data = NULL;
	struct root live;
	size_t len;

	assert_int_equal(root_open(&live, "/", NULL), 0);
	assert_int_equal(root_read(&live, getenv("FAKE_PROGRAM"), 1 << 25, &data, &len,
				   NULL),
			 0);
	root_done(&live);
	assert_int_equal(root_mkdirs(&m->root, "/fake/bin", 0755, NULL), 0);
	assert_int_equal(root_write(&m->root, path, 0755, data, len, NULL), 0);
}

void fake_rules(struct fake_machine *m, const char *rules)
{
	fake_file(m, "/fake/rules", rules);
}

char *fake_read(struct fake_machine *m, const char *path)
{
	char *text = NULL;

	assert_int_equal(root_read(&m->root, path, 1 << 20, &text, NULL, NULL), 0);
	return text;
}

bool fake_ran(struct fake_machine *m, const char *words)
{
	autofree char *log = NULL;

	return root_read(&m->root, "/fake/log", 1 << 20, &log, NULL, NULL) == 0 &&
	       strstr(log, words);
}

void fake_forget(struct fake_machine *m)
{
	assert_int_equal(root_unlink(&m->root, "/fake/log", NULL), 0);
}
