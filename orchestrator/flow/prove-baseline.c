/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The image of the good generation: what another one is compared with. It never changes,
 * so that what was read of it once is kept, by its hash in the manifest: reading it again
 * would double the time of every proof. What is kept is no more than a saving: where it
 * is missing, damaged or of another image, the image itself is read.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/boot-files.h"
#include "probe/initramfs.h"
#include "prove-baseline.h"

#define CACHE_DIR  "/var/cache/kuro"
#define CACHE_PATH CACHE_DIR "/proven-initramfs"
#define CACHE_MAX  ((size_t)1 << 20)
#define CACHE_END  "end" /* and how many there were */

/* "SHA256 SIZE PLAIN", a module's name a line, and how many. */
char *prove_baseline_format(const char *sha256, const struct initramfs_baseline *proven)
{
	struct text t = {0};

	text_appendf(&t, "%s %llu %llu\n", sha256, (unsigned long long)proven->size,
		     (unsigned long long)proven->plain);
	for (size_t i = 0; i < proven->modules.count; i++)
		text_appendf(&t, "%s\n", proven->modules.items[i]);
	text_appendf(&t, CACHE_END " %zu\n", proven->modules.count);
	return t.data;
}

static bool parse_head(const char *line, const char *sha256,
		       struct initramfs_baseline *ret)
{
	autostrv struct strv words = {0};
	unsigned long long size, plain;

	strv_split(&words, line, " ");
	if (words.count != 3 || !str_eq(words.items[0], sha256) ||
	    str_to_u64(words.items[1], 0, UINT64_MAX, &size) < 0 ||
	    str_to_u64(words.items[2], 0, UINT64_MAX, &plain) < 0)
		return false;
	ret->size = size;
	ret->plain = plain;
	return true;
}

bool prove_baseline_parse(const char *text, const char *sha256,
			  struct initramfs_baseline *ret)
{
	struct initramfs_baseline proven = {0};
	autostrv struct strv lines = {0};
	autofree char *end = NULL;

	strv_split(&lines, text, "\n");
	if (lines.count < 2 || !parse_head(lines.items[0], sha256, &proven))
		return false;
	end = str_format(CACHE_END " %zu", lines.count - 2);
	if (!str_eq(lines.items[lines.count - 1], end))
		return false;
	for (size_t i = 1; i + 1 < lines.count; i++)
		strv_add(&proven.modules, lines.items[i]);
	*ret = proven;
	return true;
}

static bool cache_read(const struct root *root, const char *sha256,
		       struct initramfs_baseline *ret)
{
	autofree char *text = NULL;

	return root_read(root, CACHE_PATH, CACHE_MAX, &text, NULL, NULL) == 0 &&
	       prove_baseline_parse(text, sha256, ret);
}

static void cache_write(const struct root *root, const char *sha256,
			const struct initramfs_baseline *proven)
{
	autofree char *text = prove_baseline_format(sha256, proven);

	/* without it the image is read again */
	if (geteuid() == 0 && root_mkdirs(root, CACHE_DIR, 0755, NULL) == 0)
		(void)root_write(root, CACHE_PATH, 0644, text, strlen(text), NULL);
}

static bool image_read(const struct root *root, const char *path,
		       struct initramfs_baseline *ret)
{
	autoinitramfs struct initramfs image = {0};

	if (initramfs_read(root, path, &image, NULL) < 0 || image.fault)
		return false;
	ret->size = image.size;
	ret->plain = image.plain;
	for (size_t i = 0; i < image.module_count; i++)
		strv_add(&ret->modules, image.modules[i].name);
	return true;
}

bool prove_baseline(const struct root *root, struct initramfs_baseline *ret)
{
	autofree char *path = NULL;
	automanifest struct manifest manifest = {0};
	const struct manifest_file *file = NULL;
	struct boot_block block;

	if (boot_files_read_block(root, &block, NULL) < 0 || block.good == 0)
		return false;
	path = str_format(BOOT_GENERATIONS "/%u/initrd.img", block.good);
	if (boot_files_manifest(root, block.good, &manifest, NULL) == 0)
		file = manifest_file(&manifest, "initrd.img");
	if (file && cache_read(root, file->sha256, ret))
		return true;
	if (!image_read(root, path, ret))
		return false;
	if (file && file->size == ret->size)
		cache_write(root, file->sha256, ret);
	return true;
}
