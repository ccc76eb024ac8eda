/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A release's module tree as its package and depmod would leave it: small ELF files whose
 * dependencies depmod finds by their symbols.
 */
#pragma once

#include "made-machine.h"

struct made_tree_row {
	const char *path;  /* "fs/ext4/ext4.ko" below kernel/; NULL ends the list */
	const char *info;  /* lines of .modinfo: "alias=fs-ext4\nsoftdep=pre: crc32c" */
	const char *needs; /* names of modules whose symbols it needs, a blank between */
	bool built_in;
};

/* Runs depmod; every failure ends the test. */
void made_tree(const struct made_machine *m, const char *release,
	       const struct made_tree_row *rows);
