/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A made /sys: devices, their drivers, block devices, interfaces.
 */
#include "made-devices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"

/* A link at path to target, both below /sys, written relatively as sysfs does. */
void put_link(const struct root *root, const char *path, const char *target)
{
	static const char sys[] = "/sys/";
	autotext struct text link = {0};

	for (const char *c = path + strlen(sys); (c = strchr(c, '/')); c++)
		text_append(&link, "../");
	text_append(&link, target + strlen(sys));
	made_link(root, text_str(&link), path);
}

/* A loaded module, or (with a dash before its name) a built-in one that sysfs names. */
static void put_module(const struct root *root, const char *driver, const char *module)
{
	autofree char *link = str_format("%s/module", driver);
	autofree char *path = NULL;
	bool built_in = *module == '-';

	module += built_in ? 1 : 0;
	path = str_format("/sys/module/%s", module);
	made_dir(root, path);
	if (!root_exists(root, link))
		put_link(root, link, path);
	if (!built_in)
		made_at(root, "live\n", "%s/initstate", path);
}

/* A device: where, its modalias, "bus/driver" and module; NULL for what it lacks. */
void put_device(const struct root *root, const char *where, const char *alias,
		const char *driver, const char *module)
{
	autofree char *dir = str_format("/sys/devices/%s", where);
	autofree char *link = str_format("%s/driver", dir);
	autofree char *place = NULL;
	autofree char *bus = driver ? str_ndup(driver, strcspn(driver, "/")) : NULL;

	made_dir(root, dir);
	if (alias) {
		autofree char *line = str_format("%s\n", alias);

		made_at(root, line, "%s/modalias", dir);
	}
	if (!driver)
		return;
	place = str_format("/sys/bus/%s/drivers/%s", bus, driver + strlen(bus) + 1);
	made_dir(root, place);
	put_link(root, link, place);
	if (module)
		put_module(root, place, module);
}

/* A block device: number, place, and the kernel names it stands on. */
void put_block(const struct root *root, const char *number, const char *where,
	       const char *slaves)
{
	const char *name = strrchr(where, '/') + 1;
	autofree char *dir = str_format("/sys/devices/%s", where);
	autofree char *dev = str_format("/sys/dev/block/%s", number);
	autofree char *class = str_format("/sys/class/block/%s", name);
	autofree char *event = str_format("DEVNAME=%s\n", name);
	autofree char *line = str_format("%s\n", number);
	autostrv struct strv below = {0};

	made_at(root, line, "%s/dev", dir);
	made_at(root, event, "%s/uevent", dir);
	put_link(root, dev, dir);
	put_link(root, class, dir);
	strv_split(&below, slaves, " ");
	for (size_t i = 0; i < below.count; i++)
		made_at(root, "", "%s/slaves/%s/x", dir, below.items[i]);
}

void put_partition(const struct root *root, const char *number, const char *where)
{
	put_block(root, number, where, "");
	made_at(root, "1\n", "/sys/devices/%s/partition", where);
}

void put_interface(const struct root *root, const char *where, const char *lower)
{
	const char *name = strrchr(where, '/') + 1;
	autofree char *dir = str_format("/sys/devices/%s", where);
	autofree char *class = str_format("/sys/class/net/%s", name);
	autostrv struct strv below = {0};

	made_at(root, "up\n", "%s/operstate", dir);
	put_link(root, class, dir);
	strv_split(&below, lower, " ");
	for (size_t i = 0; i < below.count; i++)
		made_at(root, "", "%s/lower_%s/x", dir, below.items[i]);
}

void put_route(const struct root *root, const char *interface)
{
	autofree char *text = str_format(
		"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
		"%s\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
		interface);

	made_file(root, "/proc/net/route", text);
}

void put_mounts(const struct root *root, const char *text)
{
	made_file(root, "/proc/self/mountinfo", text);
}
