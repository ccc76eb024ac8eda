/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of initramfs generators, and what is read of their settings. Nothing of
 * those is ever run: a value that only a shell could tell counts as unknown.
 */
#include <string.h>

#include "act/initramfs.h"
#include "base/cleanup.h"
#include "core/release.h"
#include "probe/boot-names.h"

#define SETTINGS_MAX 65536

static const struct initramfs_generator generators[] = {
	{
		.kind = GENERATOR_INITRAMFS_TOOLS,
		.name = "initramfs-tools",
		.argv = {"mkinitramfs", "-v", "-o", "@", "%"},
		.by_rename = true,
		.settings = {"/etc/initramfs-tools/initramfs.conf",
			     "/usr/share/initramfs-tools/conf.d",
			     "/etc/initramfs-tools/conf.d"},
		.compression = "COMPRESS=",
		.drop_in = "/etc/initramfs-tools/conf.d/compress",
		.levels = {[COMPRESSION_GZIP] = 6,
			   [COMPRESSION_XZ] = 6,
			   [COMPRESSION_ZSTD] = 9,
			   [COMPRESSION_LZ4] = 9},
		.stages = {"Calling hook ", "Building cpio "},
		.noise = {"Adding ", "Copying ", "W: Possible missing firmware",
			  "W: Can't find modules.builtin.modinfo", "depmod: WARNING: "},
	},
	{
		.kind = GENERATOR_DRACUT,
		.name = "dracut",
		.argv = {"dracut", "--force", "@", "%"},
		/* dracut 059 copies over the image that is there */
		.by_rename = false,
		.settings = {"/usr/lib/dracut/dracut.conf.d", "/etc/dracut.conf",
			     "/etc/dracut.conf.d"},
		.compression = "compress=",
		.drop_in = "/etc/dracut.conf.d/compress.conf",
		.levels = {[COMPRESSION_GZIP] = 9,
			   [COMPRESSION_XZ] = 6,
			   [COMPRESSION_ZSTD] = 15,
			   [COMPRESSION_LZ4] = 9},
		.stages = {"dracut: *** ", "dracut[I]: *** "},
		.noise = {"dracut: Executing: ", "dracut[I]: ", "dracut: Skipping ",
			  "dracut: dracut module "},
	},
	{
		.kind = GENERATOR_MKINITCPIO,
		.name = "mkinitcpio",
		.argv = {"mkinitcpio", "-n", "-k", "%", "-g", "@"},
		.by_rename = false,
		.settings = {"/etc/mkinitcpio.conf", "/etc/mkinitcpio.conf.d"},
		.compression = "COMPRESSION=",
		.drop_in = "/etc/mkinitcpio.conf.d/compress.conf",
		.levels = {[COMPRESSION_GZIP] = 6,
			   [COMPRESSION_XZ] = 6,
			   [COMPRESSION_ZSTD] = 3,
			   [COMPRESSION_LZ4] = 1},
		.stages = {"==> Starting ", "==> Generating ", "==> Creating ",
			   "==> Image generation ", "  -> Running build hook"},
		.noise = {"  -> ", "==> WARNING: Possibly missing firmware"},
	},
};

const struct initramfs_generator *initramfs_generator(const struct root *root)
{
	enum generator kind = distribution_generator(root);

	for (size_t i = 0; i < ARRAY_LEN(generators); i++)
		if (generators[i].kind == kind)
			return &generators[i];
	return NULL;
}

/* mkinitcpio's images carry the name of the package, as its presets have them. */
static char *mkinitcpio_name(const struct root *root, const char *release)
{
	autofree char *path = str_format("/usr/lib/modules/%s/pkgbase", release);
	autofree char *name = NULL;

	if (distribution_generator(root) != GENERATOR_MKINITCPIO ||
	    root_read_line(root, path, &name, NULL) < 0 || !release_valid(name))
		return NULL;
	return take_ptr(name);
}

char *initramfs_path(const struct root *root, const char *release)
{
	autofree char *name = mkinitcpio_name(root, release);
	const struct boot_layout *layout = boot_layout(root);

	return str_format("%s%s%s", layout->start, name ? name : release, layout->end);
}

/* The value of an assignment without a shell's doing, or NULL; caller frees. */
static char *setting_value(const char *text)
{
	size_t quoted = strspn(text, "\"'") > 0;
	const char *value = text + quoted;
	size_t len = strcspn(value, quoted ? "\"'" : " \t#;");

	if (len == 0 || memchr(value, '$', len) || memchr(value, '`', len) ||
	    memchr(value, '\\', len))
		return NULL;
	return str_ndup(value, strcspn(value, " \"'\t#;"));
}

/* What one file says; the last line wins. */
static void setting_read(const struct root *root, const char *path, const char *variable,
			 char **ret, char **ret_source)
{
	autofree char *text = NULL;
	autostrv struct strv lines = {0};

	if (root_read(root, path, SETTINGS_MAX, &text, NULL, NULL) < 0)
		return; /* not there, or not to be read: it says nothing */
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		const char *line = str_strip(lines.items[i]);

		if (!str_starts(line, variable))
			continue;
		free(*ret);
		free(*ret_source);
		*ret = setting_value(line + strlen(variable));
		*ret_source = str_dup(path);
	}
}

static void setting_read_all(const struct root *root, const char *path,
			     const char *variable, char **ret, char **ret_source)
{
	autostrv struct strv names = {0};
	struct stat st;

	if (root_stat(root, path, &st) < 0)
		return;
	if (!S_ISDIR(st.st_mode)) {
		setting_read(root, path, variable, ret, ret_source);
		return;
	}
	(void)root_list(root, path, &names, NULL); /* one that can't be read is empty */
	for (size_t i = 0; i < names.count; i++) {
		autofree char *file = str_format("%s/%s", path, names.items[i]);

		setting_read(root, file, variable, ret, ret_source);
	}
}

void initramfs_compression(const struct root *root, char **ret, char **ret_source)
{
	const struct initramfs_generator *generator = initramfs_generator(root);

	*ret = *ret_source = NULL;
	for (size_t i = 0; generator && generator->settings[i]; i++)
		setting_read_all(root, generator->settings[i], generator->compression,
				 ret, ret_source);
}
