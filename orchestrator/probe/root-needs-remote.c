/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks and file systems at the other end of a network. The network card's driver is
 * found as a device's; these are the protocols, and the programs that connect.
 */
#include <string.h>

#include "base/cleanup.h"
#include "root-needs.h"

/* The module is named by an attribute of the directory that a part of the place names. */
static const struct remote_disk {
	const char *part;      /* of the place in sysfs */
	const char *attribute; /* of what stands there; or NULL */
	const char *module;    /* or "%s" with what the attribute says */
	const char *tool;
} remote_disks[] = {
	{"nvme-fabrics/ctl/", "transport", "nvme_%s", "nvme"},
	{"virtual/block/nbd", NULL, "nbd", "nbd-client"},
	{"rbd/", NULL, "rbd", NULL},
};

/* "virtual/nvme-fabrics/ctl/nvme0" of ".../nvme0/nvme0n1". */
static char *attribute_of(const struct root *root, const char *place,
			  const struct remote_disk *disk)
{
	const char *part = strstr(place, disk->part) + strlen(disk->part);
	size_t length = (size_t)(part - place) + strcspn(part, "/");
	autofree char *path =
		str_format("/sys/devices/%.*s/%s", (int)length, place, disk->attribute);
	char *line = NULL;

	(void)root_read_line(root, path, &line, NULL); /* absent: no answer */
	return line;
}

static void need_disk(struct root_target *target, const char *place,
		      const struct remote_disk *disk)
{
	autofree char *word =
		disk->attribute ? attribute_of(target->root, place, disk) : str_dup("");
	autofree char *name = root_place_name(target->root, place);
	autofree char *why = str_format("network disk %s", name);
	autofree char *module = NULL;

	if (disk->attribute && word && !strchr(word, '/'))
		module = str_format("nvme_%s", word);
	else if (!disk->attribute)
		module = str_dup(disk->module);
	if (module)
		root_target_need(target, module, why);
	if (disk->tool)
		(void)root_need_add(&target->needs->tools, disk->tool, why, false);
}

/* iSCSI in software: platform/host7/session2/target7:0:0/…; the host names its driver. */
static void need_iscsi(struct root_target *target, const char *place)
{
	const char *host = place + strlen("platform/");
	int length = (int)strcspn(host, "/");
	autofree char *path =
		str_format("/sys/devices/platform/%.*s/scsi_host/%.*s/proc_name", length,
			   host, length, host);
	autofree char *driver = NULL, *name = root_place_name(target->root, place);
	autofree char *why = str_format("iSCSI disk %s", name);

	if (root_read_line(target->root, path, &driver, NULL) == 0 &&
	    !strchr(driver, '/'))
		root_target_need(target, driver, why);
	(void)root_need_add(&target->needs->tools, "iscsistart|iscsid", why, false);
}

void root_needs_remote(struct root_target *target, const char *place)
{
	if (str_starts(place, "platform/host") && strstr(place, "/session"))
		need_iscsi(target, place);
	for (size_t i = 0; i < ARRAY_LEN(remote_disks); i++)
		if (strstr(place, remote_disks[i].part))
			need_disk(target, place, &remote_disks[i]);
}
