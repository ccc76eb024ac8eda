/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Package files, read without unpacking them to disk: .deb (ar of tar) and .rpm, through
 * libarchive. Hostile: every size is bounded, names are not believed. Sources: deb(5),
 * the RPM file format (rpm.org, "Package format").
 */
#pragma once

#include "base/root-file.h"
#include "probe/devices.h"
#include "probe/kernel-abi.h"
#include "probe/package-list.h"

#define PACKAGE_MEMBERS_MAX ((uint64_t)2000000)
#define PACKAGE_PLAIN_MAX   ((uint64_t)16 << 30) /* bytes that a package unpacks to ... */
#define PACKAGE_PLAIN_LEAST                                                        \
	((uint64_t)64 << 20)                /* ... and beyond these, so many times \
					     */
#define PACKAGE_PLAIN_RATIO ((uint64_t)100) /* its own size */
#define PACKAGE_CPU_SECONDS 300             /* the caller's share included */

/*
 * One regular file in a package: path as installed, "/lib/modules/…" also where the
 * package says /usr/lib/modules. size is what the archive says. Lives during the call.
 */
struct package_member {
	const char *path;
	uint64_t size;
	void *archive; /* private */
};
/*
 * Its bytes with a NUL behind (caller frees), once. -EFBIG: more than max;
 * -ERROR_DAMAGED: cut off or corrupt.
 */
int package_member_read(struct package_member *member, size_t max, void **ret,
			size_t *ret_len, struct error *err);

struct package_info {
	char *name, *version, *architecture; /* an rpm's version is VERSION-RELEASE */
	bool rpm;
};
void package_info_done(struct package_info *info);
#define autopackage cleanup(package_info_done)

/*
 * Every regular file of a package, in its order, given to each, which may read it or not;
 * it ends where each returns other than 0, and returns that. A whole read goes on to the
 * last byte of the file, so that what is cut off anywhere is found. ret may be NULL.
 * -ERROR_DAMAGED: no package, cut off, corrupt, a name that leads elsewhere, or beyond
 * the bounds above. -ENOENT, -EACCES, -EIO.
 */
int package_file_read(const struct root *root, const char *path,
		      int (*each)(void *data, struct package_member *member,
				  struct error *err),
		      void *data, struct package_info *ret, struct error *err);

/*
 * Kernels out of packages: several packages are one kernel where they hold the same
 * release (Ubuntu's linux-image, linux-modules and -extra; Fedora's kernel-core and
 * -modules; Debian's split since 7.2). A package that holds an image, or modules below
 * /lib/modules/RELEASE/kernel, is that kernel's, and so are all modules of it. Modules of
 * the others, and of releases whose image none of the packages holds, are listed apart.
 *
 * The source has the image, the configuration, symvers (plain), the lists of modules
 * (modules: what is there), what firmware modules name (firmware: "module file", a line
 * each) and the exports in memory; modules and module read the packages again. There is
 * no provider: exports has all.
 */
struct packaged_kernel {
	char *release;
	struct kernel_source source;
	struct strv packages; /* paths of those that are its own */
};
struct packaged_kernels {
	struct packaged_kernel *items; /* newest release first */
	size_t count;
	struct module_file
		*modules; /* of packages that hold modules but no image's release */
	size_t module_count;
	/* "RELEASE/NAME" of modules that come in parts and are linked when their package
	 * is installed (Ubuntu's linux-modules-nvidia). */
	struct strv linked;
	struct package_lists lists; /* what is in the packages */
};
/*
 * One pass over each package. root must live as long as ret. -ERROR_REFUSED: none of the
 * files holds a kernel or a module, or one holds a kernel's modules (more than
 * PACKAGED_MODULES_MAX) and none its image. -ERROR_DAMAGED and others as
 * package_file_read.
 */
#define PACKAGED_MODULES_MAX 512 /* third-party ones; so many MiB as well */
int packaged_kernels_read(const struct root *root, const struct strv *paths,
			  struct packaged_kernels *ret, struct error *err);
void packaged_kernels_done(struct packaged_kernels *kernels);
#define autopackaged cleanup(packaged_kernels_done)

/*
 * What devices the kernel has drivers for: aliases of its modules and of what is built in
 * ("alias module", modules.builtin.modinfo), names of both. Gathered in the same pass.
 */
int packaged_kernel_drivers(const struct packaged_kernel *kernel,
			    struct driver_names *ret, struct error *err);
