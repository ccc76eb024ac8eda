/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One kernel as it is gathered from packages: its files in memory, and of its modules
 * only what they export and which devices they are for.
 */
#pragma once

#include "probe/package-file.h"

enum packaged_file {
	PACKAGED_IMAGE,
	PACKAGED_CONFIG,
	PACKAGED_SYMVERS,
	PACKAGED_MODULES,
	PACKAGED_BUILTIN,
	PACKAGED_BUILTIN_MODINFO,
	PACKAGED_FIRMWARE,
	PACKAGED_FILES,
};

struct packaged_source {
	const struct root *root;
	char *release;
	struct strv packages; /* the kernel's own */
	struct {
		void *data;
		size_t len;
		size_t rank; /* of the place it came from, the lower the better */
	} files[PACKAGED_FILES];
	struct symbol_table *exports;
	struct driver_names drivers;
	struct text modules;  /* paths, a line each */
	struct text firmware; /* "module file", a line each */
	char *sample;         /* the first of them, kept: something asks for one */
	void *sample_bytes;
	size_t sample_len;
};

struct packaged_source *packaged_source_new(const struct root *root, const char *release);
void packaged_source_free(struct packaged_source *source);

/*
 * Take what is needed of a plain module, and its name. Returns the bytes of memory that
 * it cost. One that is no module costs its name only.
 */
size_t packaged_source_gather(struct packaged_source *source, const char *path,
			      const void *bytes, size_t len);
/* Everything is there: work out what is built in; ret->data owns source from now on. */
void packaged_source_finish(struct packaged_source *source, struct kernel_source *ret);

/* The release in "/lib/modules/RELEASE/…/x.ko…", or NULL; caller frees. in_kernel: it
 * stands below kernel/, where only the kernel's own packages put modules. */
char *packaged_module_release(const char *path, bool *ret_in_kernel);
/* package_member_read, to which too large is damaged. */
int packaged_member_read(const char *package, struct package_member *member, size_t max,
			 void **ret, size_t *ret_len, struct error *err);
/*
 * A module's bytes, plain, in a new buffer (caller frees). No module grows by much when
 * it is decompressed. -ERROR_DAMAGED.
 */
int packaged_module_read(const char *package, struct package_member *member, void **ret,
			 size_t *ret_len, struct error *err);
