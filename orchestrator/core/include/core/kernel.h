/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is known of one installed kernel, of the storage it boots from, and of a
 * generation: the inventory that probe/ fills and everything above decides on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"

struct kernel_file {
	char *path;    /* as the machine sees it, or NULL where there is none */
	uint64_t size; /* bytes of content */
	uint64_t room; /* bytes that it occupies on its file system */
};

struct kernel {
	char *release;
	struct kernel_file image, initramfs, config;
	char *modules;         /* directory of the module tree, or NULL */
	uint64_t modules_room; /* bytes that the tree occupies */
	char *package;         /* owner of the image, or NULL */
	char *loader_entry;    /* its boot loader specification entry, or NULL */
	char *loader_options;  /* that entry's options, or NULL */
	bool running;
};

struct kernel_list {
	struct kernel *items; /* newest release first */
	size_t count;
};

void kernel_done(struct kernel *kernel);
void kernel_list_done(struct kernel_list *list);
#define autokernels cleanup(kernel_list_done)
/* The one of that release, or NULL. */
const struct kernel *kernel_find(const struct kernel_list *list, const char *release);

enum storage_role { STORAGE_ROOT, STORAGE_BOOT, STORAGE_ESP, STORAGE_ROLES };

/* One mounted file system that booting stands on. */
struct storage {
	bool present;      /* an own mount for this role (boot may lie on root) */
	char *mount;       /* mount point as the machine sees it */
	char *device;      /* /dev/vda3, or what mountinfo names */
	char *uuid;        /* of the file system, or NULL */
	char *type;        /* ext4 */
	char *options;     /* mount options */
	struct strv stack; /* from the file system down: "crypt luks-1", "lvm vg-root",
			      "raid md0", "partition vda3", "disk vda" */
	bool plain; /* a partition or disk, nothing between: GRUB can write there */
	bool read_only;
	uint64_t total, free; /* bytes; free as an unprivileged user gets it */
	uint64_t inodes, inodes_free;
};

struct storage_map {
	struct storage roles[STORAGE_ROLES];
};

void storage_map_done(struct storage_map *map);
#define autostorage cleanup(storage_map_done)
/* The file system that /boot lies on: its own, else root's. */
const struct storage *storage_of_boot(const struct storage_map *map);
const char *storage_role_name(enum storage_role role);

struct firmware {
	bool efi;
	bool secure_boot_known;
	bool secure_boot; /* enforced */
	int boot_current; /* Boot####, or -1 */
};
