/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The distribution's initramfs generator, run into staging, its result put into place
 * by rename: the image that a boot uses is never written over.
 *
 * Generators: initramfs-tools (mkinitramfs(8), update-initramfs(8), initramfs.conf(5)),
 * dracut (dracut(8), dracut.conf(5)), mkinitcpio (mkinitcpio(8), mkinitcpio.conf(5)).
 */
#pragma once

#include "act/packages.h"
#include "core/kernel.h"
#include "probe/decompress.h"
#include "probe/distribution.h"

/* What a generator is like; a row of the table in initramfs-generator.c. */
struct initramfs_generator {
	enum generator kind;
	const char *name;
	/* The command; "@" is the image's file, "%" the release. NULL-terminated. */
	const char *argv[8];
	/* Its own tools replace an image by rename: a hard link to it stays true. */
	bool by_rename;
	/* Files and directories of its settings, the last one that sets it wins. */
	const char *settings[5];
	const char *compression; /* the variable in them */
	const char *drop_in;     /* where a person would set it */
	/* The level at which it runs each compressor; 0: never. */
	int levels[COMPRESSION_BZIP2 + 1];
	/* Beginnings of lines of its output: one a stage; for the log alone. */
	const char *stages[8];
	const char *noise[12];
};

/* The one in use on this machine, static; NULL for none. */
const struct initramfs_generator *initramfs_generator(const struct root *root);
/* Where that generator puts the image of a release on this layout. Caller frees. */
char *initramfs_path(const struct root *root, const char *release);
/*
 * Which compression its settings ask for ("zstd"), and the file that says so; both NULL
 * where they say nothing that can be read without a shell: it chooses then. Caller frees.
 */
void initramfs_compression(const struct root *root, char **ret, char **ret_source);

/*
 * Build for a release and put the image into its place; one that was there stays as it is
 * until the new one is whole. It takes the place of the old one by rename, and hard links
 * to that stay true. Works in a directory of a file system with room, which is empty
 * again at the end. May be repeated. -ERROR_PROGRAM with the generator's last lines, or
 * after initramfs.build_limit seconds; -ENOSPC; -ERROR_DAMAGED: what it made is no image.
 */
int initramfs_build(const struct package_run *run, const char *release,
		    struct error *err);
/*
 * Bytes that building takes in between, by the images that are here (of that release,
 * else the largest): the tree, its archive, and the image.
 */
uint64_t initramfs_staging_need(const struct root *root, const char *release);
/* Bytes that are free in a place of staging, for anybody; 0 where it can't be used.
 * Changes nothing. */
uint64_t initramfs_staging_room(const struct root *root, const char *path);
/* What staging has to have room for, and how room is told (initramfs_staging_room). */
struct initramfs_staging {
	uint64_t need; /* bytes */
	uint64_t (*room)(void *data, const char *path);
	void *data;
};
/* The first place that has it, else the roomiest; static. Builds go there. */
const char *initramfs_staging_choose(const struct initramfs_staging *staging);
/* Take away what a build that was cut off left, in staging and beside the images. */
void initramfs_clean(const struct root *root);
/*
 * Were modules of the release made or changed after its image? 1, 0, or negative. Their
 * indexes do not count: depmod writes them anew.
 */
int initramfs_is_stale(const struct root *root, const char *release, struct error *err);
