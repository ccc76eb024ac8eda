/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The environment block: created once, then one sector overwritten in place. It is
 * never replaced by rename: GRUB would find the old file, or none (DESIGN.md, Durable
 * writes).
 */
#include "act/boot-env.h"

#include <string.h>

#include "act/durable.h"
#include "base/cleanup.h"
#include "probe/boot-files.h"

static char *boot_env_directory(const char *path)
{
	return str_ndup(path, (size_t)(strrchr(path, '/') - path));
}

static int boot_env_push(const struct root *root, const char *path, struct error *err)
{
	autofree char *directory = boot_env_directory(path);

	return durable_push(root, directory, err);
}

int boot_env_create(const struct root *root, const char *path,
		    const struct boot_block *block, struct error *err)
{
	autofree char *directory = boot_env_directory(path);
	char content[BOOT_BLOCK_SIZE];
	struct stat st;
	int r;

	boot_block_format(block, content);
	if (root_lstat(root, path, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size == BOOT_BLOCK_SIZE) {
		r = durable_overwrite(root, path, content, sizeof(content), err);
	} else {
		r = root_mkdirs(root, directory, 0755, err);
		if (r == 0)
			r = root_write(root, path, 0644, content, sizeof(content), err);
	}
	return r < 0 ? r : boot_env_push(root, path, err);
}

static int boot_env_confirm(const struct root *root, const struct boot_block *block,
			    struct error *err)
{
	struct boot_block now;
	int r = boot_files_read_block(root, &now, err);

	if (r < 0)
		return error_prefix(err, r, "reading back the environment block");
	if (!boot_block_equal(block, &now))
		return error_set(
			err, -ESTALE,
			"the environment block does not hold what was written to it");
	return 0;
}

int boot_env_write(const struct root *root, const struct boot_block *block,
		   struct error *err)
{
	autofree char *path = boot_files_env_path(root);
	char content[BOOT_BLOCK_SIZE];
	struct boot_block now;
	int r = boot_files_read_block(root, &now, err);

	if (r < 0)
		return r;
	if (boot_block_equal(block, &now))
		return 0;
	boot_block_format(block, content);
	r = durable_overwrite(root, path, content, BOOT_SECTOR_SIZE, err);
	if (r == 0)
		r = boot_env_push(root, path, err);
	return r < 0 ? r : boot_env_confirm(root, block, err);
}
