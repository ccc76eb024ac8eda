/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Package files, read without unpacking them to disk: .deb (ar of tar) and .rpm, through
 * libarchive. Hostile: every size is bounded, names are not believed.
 */
#pragma once

#include "base/root-file.h"
#include "probe/kernel-abi.h"

/*
 * One file in a package: path as installed ("/lib/modules/…", usr-merge undone). size is
 * what the archive says; read gives its bytes (caller frees) once, during the call.
 */
struct package_member {
	const char *path;
	uint64_t size;
	void *archive; /* private */
};
int package_member_read(struct package_member *member, size_t max, void **ret,
			size_t *ret_len, struct error *err);
/*
 * Every regular file of a package, in its order. wanted is asked first; each is called for
 * those. -ERROR_DAMAGED: no package, cut off, or beyond the bounds (2 M members,
 * 16 GiB); a package's name, version and architecture go to info.
 */
struct package_info {
	char *name, *version, *architecture;
	bool rpm;
};
void package_info_done(struct package_info *info);
int package_file_read(const struct root *root, const char *path,
		      int (*each)(void *data, struct package_member *member,
				  struct error *err),
		      void *data, struct package_info *ret, struct error *err);

/*
 * Kernels out of packages: several packages are one kernel where they hold the same
 * release (Ubuntu's linux-image, linux-modules and -extra; Fedora's kernel-core and
 * -modules). Third-party modules in them (a kmod package) are listed apart.
 */
struct packaged_kernel {
	char *release;
	struct kernel_source source;
	struct strv packages;
};
struct packaged_kernels {
	struct packaged_kernel *items;
	size_t count;
	struct module_file *modules; /* of packages that hold modules but no image's release */
	size_t module_count;
};
/* -ERROR_REFUSED: none of the files holds a kernel or a module. */
int packaged_kernels_read(const struct root *root, const struct strv *paths,
			  struct packaged_kernels *ret, struct error *err);
void packaged_kernels_done(struct packaged_kernels *kernels);
#define autopackaged cleanup(packaged_kernels_done)
