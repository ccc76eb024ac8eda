/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Policy files, found and read in rising order.
 */
#include "flow/policy-files.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"

#define POLICY_FILE_MAX (256 * 1024)

/* What others may write could set what root does. */
static int policy_file_trusted(int fd, const char *name, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, -errno, "%s", name);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -ERROR_USAGE, "%s is not a regular file", name);
	if (st.st_mode & 0022 && st.st_uid == 0)
		return error_set(
			err, -ERROR_USAGE,
			"%s can be written by others than its owner; chmod go-w it",
			name);
	return 0;
}

static int policy_file_apply(int fd, const char *name, struct policy *policy,
			     struct error *err)
{
	autofree char *text = NULL;
	size_t len = 0;
	int r = policy_file_trusted(fd, name, err);

	if (r == 0)
		r = fd_read_all(fd, name, POLICY_FILE_MAX, &text, &len, err);
	if (r == 0 && strlen(text) != len)
		return error_set(err, -ERROR_USAGE,
				 "%s: holds a NUL byte, so it is no text", name);
	return r < 0 ? r : policy_apply(policy, name, text, err);
}

static int policy_path_apply(const struct root *root, const char *path,
			     struct policy *policy, struct error *err)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK, 0);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return error_errno(err, fd, "policy %s", path);
	return policy_file_apply(fd, path, policy, err);
}

/* Every *.conf of a directory in the order of their names. */
static int policy_dir_apply(const struct root *root, const char *directory,
			    struct policy *policy, struct error *err)
{
	autostrv struct strv names = {0};
	int r = root_list(root, directory, &names, err);

	for (size_t i = 0; r == 0 && i < names.count; i++) {
		autofree char *path = str_format("%s/%s", directory, names.items[i]);

		if (str_ends(path, ".conf"))
			r = policy_path_apply(root, path, policy, err);
	}
	return r;
}

static int policy_extra_apply(const char *path, struct policy *policy, struct error *err)
{
	autoclose int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, -errno, "policy %s", path);
	return policy_file_apply(fd, path, policy, err);
}

int policy_files_load(const struct root *root, const char *extra, struct policy *ret,
		      struct error *err)
{
	int r;

	policy_init(ret);
	r = policy_dir_apply(root, "/usr/share/kuro/policies", ret, err);
	if (r == 0)
		r = policy_path_apply(root, "/etc/kuro/kuro.conf", ret, err);
	if (r == 0)
		r = policy_dir_apply(root, "/etc/kuro/kuro.conf.d", ret, err);
	if (r == 0 && extra)
		r = policy_extra_apply(extra, ret, err);
	if (r < 0)
		policy_done(ret);
	return r;
}
