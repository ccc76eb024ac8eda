/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One table for root-chain.c and root-needs.c. Sources: Documentation/ABI/testing/
 * sysfs-block-dm, Documentation/admin-guide/md.rst; the prefixes of device mapper UUIDs
 * are their makers' (libcryptsetup, LVM, multipath-tools); LVM's parts of a volume are
 * told by the ends of their UUIDs and names (lvm2, lib/activate and lib/metadata).
 */
#include "root-layers.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"

#define CRYPT "cryptsetup|systemd-cryptsetup"

static const struct root_layer layers[] = {
	{"dm/uuid", LAYER_BEGINS, "", "dm_mod", NULL, false},
	{"dm/uuid", LAYER_BEGINS, "CRYPT-", "dm_crypt", CRYPT, false},
	{"dm/uuid", LAYER_BEGINS, "CRYPT-VERITY", "dm_verity",
	 "veritysetup|systemd-veritysetup", false},
	{"dm/uuid", LAYER_BEGINS, "CRYPT-INTEGRITY", "dm_integrity",
	 "integritysetup|systemd-integritysetup|" CRYPT, false},
	{"dm/uuid", LAYER_BEGINS, "LVM-", NULL, "lvm", false},
	{"dm/uuid", LAYER_HOLDS, "-tpool", "dm_thin_pool", NULL, false},
	{"dm/uuid", LAYER_HOLDS, "-cow", "dm_snapshot", NULL, false},
	{"dm/name", LAYER_HOLDS, "_rimage_", "dm_raid", NULL, false},
	{"dm/name", LAYER_HOLDS, "_mimage_", "dm_mirror", NULL, false},
	{"dm/name", LAYER_HOLDS, "_corig", "dm_cache", NULL, false},
	{"dm/name", LAYER_HOLDS, "_corig", "dm_cache_smq", NULL, true},
	{"dm/name", LAYER_HOLDS, "_wcorig", "dm_writecache", NULL, false},
	{"dm/uuid", LAYER_BEGINS, "mpath-", "dm_multipath", "multipath|multipathd", true},
	{"dm/uuid", LAYER_BEGINS, "mpath-", "dm_service_time", NULL, true},
	{"dm/uuid", LAYER_BEGINS, "VDO-", "dm_vdo", NULL, false},
	{"dm/uuid", LAYER_BEGINS, "DMRAID-", NULL, "dmraid", false},
	{"md/level", LAYER_BEGINS, "", "md_mod", "mdadm", false},
	{"md/level", LAYER_IS, "linear", "linear", NULL, false},
	{"md/level", LAYER_IS, "raid0", "raid0", NULL, false},
	{"md/level", LAYER_IS, "raid1", "raid1", NULL, false},
	{"md/level", LAYER_IS, "raid10", "raid10", NULL, false},
	{"md/level", LAYER_IS, "raid4", "raid456", NULL, false},
	{"md/level", LAYER_IS, "raid5", "raid456", NULL, false},
	{"md/level", LAYER_IS, "raid6", "raid456", NULL, false},
	{"bcache/dev/dev", LAYER_BEGINS, "", "bcache", "bcache-register|bcache", false},
	{"loop/backing_file", LAYER_BEGINS, "", "loop", NULL, false},
};

static_assert(ARRAY_LEN(layers) <= ROOT_LAYERS_MAX, "ROOT_LAYERS_MAX");

/* Of libcryptsetup's devices two kinds encrypt nothing. */
static bool layer_is_other(const struct root_layer *layer, const char *line)
{
	return str_eq(layer->text, "CRYPT-") &&
	       (str_starts(line, "CRYPT-VERITY") || str_starts(line, "CRYPT-INTEGRITY"));
}

static bool layer_fits(const struct root_layer *layer, const char *line)
{
	switch (layer->how) {
	case LAYER_IS: /* raid1 is no raid10 */
		return str_eq(line, layer->text);
	case LAYER_HOLDS:
		return strstr(line, layer->text) != NULL;
	case LAYER_BEGINS:
		break;
	}
	return str_starts(line, layer->text) && !layer_is_other(layer, line);
}

size_t root_layers(const struct root *root, const char *place,
		   const struct root_layer *ret[ROOT_LAYERS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(layers); i++) {
		autofree char *path =
			str_format("/sys/devices/%s/%s", place, layers[i].file);
		autofree char *line = NULL;

		if (root_read_line(root, path, &line, NULL) == 0 &&
		    layer_fits(&layers[i], line))
			ret[count++] = &layers[i];
	}
	return count;
}
