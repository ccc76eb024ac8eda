/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine made of files in a temporary directory: "root" is its file tree, "host" the
 * /proc, /sys and /dev of the kernel that would run it. Every failure ends the test.
 */
#pragma once

#include "base/root-file.h"

struct made_machine {
	char dir[64];
	struct root root;
	struct root host;
};

/* cmocka's fixtures: *state is a struct made_machine. */
int made_machine_set_up(void **state);
int made_machine_tear_down(void **state);

/* A file with its directories; path below the root. */
void made_file(const struct root *root, const char *path, const char *text);
/* The same with the path given by a format. */
void made_at(const struct root *root, const char *text, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void made_bytes(const struct root *root, const char *path, const void *data, size_t len);
void made_link(const struct root *root, const char *target, const char *path);
void made_dir(const struct root *root, const char *path);
