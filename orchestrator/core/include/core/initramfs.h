/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An initramfs image as it was read to its last byte, what the root file system of this
 * machine needs of it, and the judgement: would a boot with it find its root?
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"

/* One cpio archive, compressed or not; an image is several, with zero bytes between. */
struct initramfs_segment {
	uint64_t offset;     /* in the file, bytes */
	uint64_t packed;     /* bytes in the file */
	uint64_t plain;      /* bytes unpacked */
	const char *packing; /* "none", "zstd", …; static */
	size_t entries;      /* without TRAILER!!! */
	bool early; /* not compressed, microcode or ACPI tables only (kernel/…) */
};

/* Sums of a plain module that packed ones carry: .gz and .xz the first, .zst the second.
 */
struct module_sums {
	uint64_t size; /* bytes */
	uint32_t crc32, xxh64;
	bool has_crc32, has_xxh64; /* xxh64: its lower half */
};

/*
 * What tells whether a module of an image is the installed one: its bytes as they are
 * stored, since unpacking every .ko.xz takes ten times what reading an image takes.
 */
struct module_content {
	const char *packing; /* of these bytes: "none", "xz", …; static; NULL: not read */
	uint64_t size;       /* bytes */
	char digest[17];     /* XXH64, hexadecimal; "" unknown */
	struct module_sums plain;
	char build_id[41]; /* GNU build-id, hexadecimal; "" none, or unknown */
	bool is_signed;    /* packing "none": a signature is appended */
};

/* A kernel module in it. */
struct initramfs_module {
	char *path; /* "lib/modules/6.1.0/kernel/fs/ext4/ext4.ko", usr/ taken away */
	char *name; /* "ext4" */
	struct module_content content;
};

struct initramfs {
	char *path;
	uint64_t size; /* of the file, bytes */
	char *fault;   /* why it would not unpack, no end stop; NULL */
	struct initramfs_segment *segments;
	size_t segment_count;
	uint64_t plain;                   /* bytes of all archives */
	struct strv trees;                /* releases below lib/modules */
	struct initramfs_module *modules; /* sorted by name */
	size_t module_count;
	/* every other path that is there, sorted: "usr/bin/kmod", directories as "etc/",
	 * links as "bin -> usr/bin"; no leading "/" or "./" */
	struct strv files;
	bool init; /* /init (or what it leads to) is there */
	bool init_executable;
};
void initramfs_done(struct initramfs *image);
#define autoinitramfs cleanup(initramfs_done)
/* NULL: it has none of that name. */
const struct initramfs_module *initramfs_module_find(const struct initramfs *image,
						     const char *name);
/*
 * The entry of files that a path of the image leads to, through its own links ("init" ->
 * "usr/lib/systemd/systemd", lib -> usr/lib); modules are not among them. NULL: none.
 */
const char *initramfs_file_find(const struct initramfs *image, const char *path);
/*
 * Is what the image holds what is installed? The same bytes are; and two modules without
 * a signature that have the same build-id, since dracut strips debugging symbols from
 * those. Where one is packed in another way the sums of the plain module decide; where
 * they are not known, it can't be told and nothing is said against it: true.
 */
bool module_content_equal(const struct module_content *image,
			  const struct module_content *installed);

/* Why the root file system needs something: "root file system (ext4)", "disk vda". */
struct root_need {
	/* module, "firmware/path", "cryptsetup", "etc/crypttab"; of "a|b" any will do,
	 * and a path may be a pattern */
	char *name;
	char *why;
	bool built_in; /* the target has it in its image: nothing is needed */
	bool optional; /* a boot may well do without: a warning where it is missing */
	/* programs: the image's files that start it, "a|b"; an image with none of them
	 * was made to do without. Static; NULL: it is needed whatever there is */
	const char *starter;
	/* modules: of the installed file, by module_content_probe; digest "" unknown */
	struct module_content content;
};
struct root_need_list {
	struct root_need *items;
	size_t count;
};
/* What a boot of one release needs to reach its root file system. */
struct root_needs {
	char *release;
	struct root_need_list modules; /* with dependencies and softdeps */
	struct root_need_list
		firmware;            /* that those modules ask for and this machine has */
	struct root_need_list tools; /* programs: any of "a|b" will do */
	struct root_need_list files; /* crypttab, mdadm.conf, modules.dep */
	/* Modules of the image that is judged, as the release's tree has them, with their
	 * content; why is NULL where the tree has none of that name any more. */
	struct root_need_list installed;
	struct strv unpacks; /* compressions by CONFIG_RD_*: "zstd"; empty: unknown */
	struct strv unknown; /* sentences: what could not be told on this machine */
	/* Why nothing at all could be told of a release with modules, and what to do; or
	 * NULL. An image can't be proven then. */
	char *untold;
};
void root_needs_done(struct root_needs *needs);
/* Add one, or make one that is there stricter: what is needed once is not optional. */
struct root_need *root_need_add(struct root_need_list *list, const char *name,
				const char *why, bool optional);
#define autoneeds cleanup(root_needs_done)

enum initramfs_code {
	INITRAMFS_MALFORMED,      /* cut off, corrupt, no archive */
	INITRAMFS_PACKING,        /* the target can't unpack it */
	INITRAMFS_NO_INIT,        /* no /init, or not executable */
	INITRAMFS_OTHER_RELEASE,  /* no module tree of the target, or another's too */
	INITRAMFS_MODULE_MISSING, /* of the root's chain */
	INITRAMFS_MODULE_STALE,   /* differs from the installed one */
	INITRAMFS_FIRMWARE_MISSING,
	INITRAMFS_TOOL_MISSING,
	INITRAMFS_FILE_MISSING,
	INITRAMFS_SHRUNK, /* against the last proven one, beyond the policy's limit */
	INITRAMFS_NEEDS_UNKNOWN, /* nothing is known of what it is to hold */
	INITRAMFS_CODES,
};
/* "malformed", "packing", "no-init", "other-release", "module-missing", "module-stale",
 * "firmware-missing", "tool-missing", "file-missing", "shrunk", "needs-unknown" */
const char *initramfs_code_name(enum initramfs_code code);

struct initramfs_reason {
	enum initramfs_code code;
	bool fatal;   /* the boot would not reach its root; else a warning */
	char *object; /* module, tool, path; or NULL */
	char *detail; /* a sentence */
};
struct initramfs_proof {
	struct initramfs_reason *reasons; /* fatal ones first */
	size_t count;
	bool boots;  /* no fatal reason */
	bool untold; /* the one fatal reason is that what it is to hold is not known */
};
/* "boots", "would-not-boot", or "unknown" */
const char *initramfs_verdict(const struct initramfs_proof *proof);
void initramfs_proof_done(struct initramfs_proof *proof);
#define autoproof cleanup(initramfs_proof_done)

/* Size and modules of the last image that a healthy boot of this machine used. */
struct initramfs_baseline {
	uint64_t size, plain;
	struct strv modules; /* names, sorted */
};
/*
 * Judge. proven may be NULL: no comparison. shrink_limit: per cent that size or number of
 * modules may fall before it is told. All reasons are told, not the first.
 */
void initramfs_judge(const struct initramfs *image, const struct root_needs *needs,
		     const struct initramfs_baseline *proven, unsigned int shrink_limit,
		     struct initramfs_proof *ret);
