/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room on file systems as root may fill them, and what files take of it: those of a
 * package's archive, and those of an installed package. Changes nothing, runs no program
 * but apt-cache and dpkg-query.
 */
#pragma once

#include "base/root-file.h"
#include "core/space.h"
#include "probe/package-list.h"
#include "probe/packages.h"

/*
 * The file system that path lies on, or would lie on (its nearest directory that is
 * there), as index into the plan's; added where the plan has it not yet.
 *
 * free is what root may fill: on ext4 the reserved blocks count as free (mke2fs -m), the
 * clusters that the kernel keeps for itself do not (Documentation/ABI, sysfs-fs-ext4,
 * reserved_clusters), and statvfs tells neither. A project's quota is in what statvfs
 * says of the directory; quotas of users do not bind root. Sources: fs/ext4/balloc.c
 * ext4_has_free_clusters, fs/ext4/super.c ext4_statfs.
 */
int space_place(const struct root *root, const char *path, struct space_plan *plan,
		size_t *ret, struct error *err);

/* What some files take, for each file system of a plan, in its order. */
struct space_tally {
	struct space_taken {
		uint64_t bytes; /* of whole blocks, directories included */
		uint64_t inodes;
	} * items;
	size_t count; /* no more than the plan has; those behind it take nothing */
};
void space_tally_done(struct space_tally *tally);
#define autotally cleanup(space_tally_done)
/* So much more on that file system. */
void space_tally_add(struct space_tally *tally, size_t space, uint64_t bytes,
		     uint64_t inodes);

/*
 * The files of a .deb or .rpm where they would be installed, by its own list; directories
 * that are not there yet count. Errors as package_file_read.
 */
int space_package_file(const struct root *root, const char *path, struct space_plan *plan,
		       struct space_tally *ret, struct error *err);
/* The same by a list that is here already. */
int space_package_files(const struct root *root, const struct package_files *files,
			struct space_plan *plan, struct space_tally *ret,
			struct error *err);
/*
 * The files of an installed package (dpkg's list and stat); without those that are gone.
 * -ENOENT: dpkg has no list of it.
 */
int space_package_installed(const struct root *root, const char *name,
			    struct space_plan *plan, struct space_tally *ret,
			    struct error *err);
/* What an archive's index or dpkg's database says of one package; 0: unknown. */
struct package_size {
	char *name, *version;
	uint64_t installed; /* bytes, by Installed-Size: files rounded up to KiB */
	uint64_t archive;   /* bytes to fetch */
};
struct package_sizes {
	struct package_size *items;
	size_t count;
};
void package_sizes_done(struct package_sizes *sizes);
#define autosizes cleanup(package_sizes_done)
/* That package at that version (NULL: any), or NULL. */
const struct package_size *package_sizes_find(const struct package_sizes *sizes,
					      const char *name, const char *version);

/* Of what the plan brings, by the package manager's index. */
int package_sizes_offered(const struct root *root, const struct package_plan *plan,
			  struct package_sizes *ret, struct error *err);
/* Of the installed packages whose names fit the pattern ("linux-*"). */
int package_sizes_installed(const struct root *root, const char *pattern,
			    struct package_sizes *ret, struct error *err);
/* The answer of apt-cache show or of dpkg's database, stanza by stanza. */
void package_sizes_parse(const char *text, struct package_sizes *ret);

/*
 * Is b the package of another release of the same kernel flavour as a?
 * linux-image-6.1.0-53-amd64 and linux-image-6.12.117+deb12-amd64 are,
 * linux-image-6.1.0-53-cloud-amd64 is not.
 */
bool package_is_sibling(const char *a, const char *b);
