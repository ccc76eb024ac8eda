/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices bound to a driver now: one walk over /sys/devices, each directory opened once
 * (Documentation/admin-guide/sysfs-rules.rst; drivers/base/bus.c for the links). Opens
 * directories and small attributes only, follows no link while it walks.
 */
#include "probe/devices.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "device-use.h"

#define SYS_DEVICES   "/sys/devices"
#define DEPTH_MAX     48
#define DIRECTORY_MAX 524288
#define DEVICE_MAX    131072
#define ALIAS_MAX     8192 /* a page, and CPUs print nearly half of one */

/* A driver, known by the place that "driver" links point to. */
struct driver_seen {
	char *place; /* "bus/pci/drivers/nvme" */
	char *module;
	bool built_in;
};

struct walk {
	const struct root *root;
	struct text path; /* below SYS_DEVICES, where the walk is */
	size_t directories, room, driver_count;
	struct driver_seen *drivers;
	struct device_list found;
};

static void device_done(struct device *device)
{
	free(device->path);
	free(device->modalias);
	free(device->driver);
	free(device->module);
	free(device->user);
	free(device->by);
}

void device_list_done(struct device_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		device_done(&list->items[i]);
	free(list->items);
	*list = (struct device_list){0};
}

static void walk_done(struct walk *walk)
{
	for (size_t i = 0; i < walk->driver_count; i++) {
		free(walk->drivers[i].place);
		free(walk->drivers[i].module);
	}
	free(walk->drivers);
	text_done(&walk->path);
	device_list_done(&walk->found);
}

/*
 * Groups of attributes, queues, and classes below whose devices no bus has devices of its
 * own. There are many on a large machine, and each costs as much as a device.
 */
static bool holds_no_device(const char *path, const char *name)
{
	static const char *const names[] = {
		"power",        "trace",
		"mq",           "queues",
		"queue",        "cache",
		"topology",     "cpuidle",
		"statistics",   "msi_irqs",
		"hugepages",    "block",
		"tty",          "hwmon",
		"leds",         "power_supply",
		"scsi_host",    "bsg",
		"scsi_generic", "scsi_disk",
		"scsi_device",  "thermal_throttle",
	};
	static const char *const places[] = {"system/memory", "system/node",
					     "virtual/bdi", "virtual/vc"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(name, names[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (str_eq(path, places[i]))
			return true;
	return false;
}

/* An attribute's one line, made printable; "" where there is none. */
static char *attribute_read(int dir, const char *name)
{
	struct root here = {.fd = dir};
	autoclose int fd =
		root_openat(&here, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	autofree char *text = NULL;

	if (fd < 0 || fd_read_all(fd, name, ALIAS_MAX, &text, NULL, NULL) < 0)
		return str_dup("");
	text[strcspn(text, "\n")] = '\0';
	return str_printable(str_strip(text));
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Is there a loaded module of that name? What is built in has no state of loading. */
static bool module_is_loaded(const struct root *root, const char *name)
{
	autofree char *path = str_format("/sys/module/%s/initstate", name);

	return root_exists(root, path);
}

static const struct driver_seen *driver_look(struct walk *walk, const char *link)
{
	const char *place = link + strspn(link, "./");
	autofree char *path = NULL, *target = NULL;
	struct driver_seen *seen;

	for (size_t i = 0; i < walk->driver_count; i++)
		if (str_eq(walk->drivers[i].place, place))
			return &walk->drivers[i];
	walk->drivers = mem_regrow(walk->drivers, walk->driver_count + 1, sizeof(*seen));
	seen = &walk->drivers[walk->driver_count++];
	*seen = (struct driver_seen){.place = str_dup(place), .built_in = true};
	path = str_format("/sys/%s/module", place);
	if (root_readlink(walk->root, path, &target) < 0)
		return seen;
	seen->module = str_printable(last_name(target));
	seen->built_in = !module_is_loaded(walk->root, seen->module);
	return seen;
}

static void device_add(struct walk *walk, int dir)
{
	const struct driver_seen *seen;
	struct device *device;
	char link[PATH_MAX];
	ssize_t n = readlinkat(dir, "driver", link, sizeof(link) - 1);

	if (n <= 0)
		return; /* unbound while the walk looked */
	link[n] = '\0';
	if (walk->found.count == walk->room) {
		walk->room = walk->room ? walk->room * 2 : 64;
		walk->found.items = mem_regrow(walk->found.items, walk->room,
					       sizeof(*walk->found.items));
	}
	seen = driver_look(walk, link);
	device = &walk->found.items[walk->found.count++];
	*device = (struct device){
		.path = str_dup(text_str(&walk->path)),
		.modalias = attribute_read(dir, "modalias"),
		.driver = str_printable(last_name(link)),
		.module = str_dup(seen->module),
		.built_in = seen->built_in,
		.use = MODULE_USE_DEVICE,
	};
}

static unsigned char entry_type(int dir, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DT_UNKNOWN;
	return IFTODT(st.st_mode);
}

static int walk_directory(struct walk *walk, int fd, unsigned int depth);

/* Into a directory and back; one that went away or is closed to us holds nothing. */
static int walk_into(struct walk *walk, int dir, const char *name, unsigned int depth)
{
	struct root here = {.fd = dir};
	size_t length = walk->path.len;
	int fd, r;

	text_append(&walk->path, length > 0 ? "/" : "");
	text_append(&walk->path, name);
	fd = holds_no_device(text_str(&walk->path), name)
		     ? -ENOENT
		     : root_openat(&here, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	r = fd >= 0 ? walk_directory(walk, fd, depth) : 0;
	walk->path.len = length;
	walk->path.data[length] = '\0';
	return r;
}

/* Takes fd. Recursion ends at DEPTH_MAX, the whole walk at DIRECTORY_MAX. */
static int walk_directory(struct walk *walk, int fd, unsigned int depth)
{
	autodir DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	bool bound = false;
	int r = 0;

	if (!dir) {
		(void)close(fd); /* nothing was read through it */
		return -errno;
	}
	if (depth >= DEPTH_MAX || ++walk->directories > DIRECTORY_MAX ||
	    walk->found.count > DEVICE_MAX)
		return -ERROR_DAMAGED;
	while (r == 0 && (entry = readdir(dir))) {
		unsigned char type = entry_type(fd, entry);

		if (type == DT_LNK && str_eq(entry->d_name, "driver"))
			bound = true;
		else if (type == DT_DIR && !str_eq(entry->d_name, ".") &&
			 !str_eq(entry->d_name, ".."))
			r = walk_into(walk, fd, entry->d_name, depth + 1);
	}
	if (r == 0 && bound && depth > 0)
		device_add(walk, fd);
	return r;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct device *)a)->path, ((const struct device *)b)->path);
}

static int compare_uses(const void *a, const void *b)
{
	const struct device *x = a, *y = b;

	if (x->use != y->use)
		return x->use < y->use ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void device_use(struct device *device, const struct device_claim *claim)
{
	if (!device || claim->use >= device->use)
		return;
	device->use = claim->use;
	free(device->user);
	device->user = str_dup(claim->user);
}

/* Every device of the list, which is sorted by path, on the way to the claim's place. */
static void claim_apply(const struct device_claim *claim, struct device_list *list)
{
	autofree char *path = str_dup(claim->path);
	char *end = path;

	while (*end) {
		struct device key = {.path = path};
		char cut;

		end += strspn(end, "/");
		end += strcspn(end, "/");
		cut = *end;
		*end = '\0';
		device_use(bsearch(&key, list->items, list->count, sizeof(key),
				   compare_paths),
			   claim);
		*end = cut;
	}
}

static void claim_apply_driver(const struct device_claim *claim, struct device_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i].driver, claim->path))
			device_use(&list->items[i], claim);
}

static void devices_weigh(const struct device_claims *claims, struct device_list *list)
{
	if (list->count == 0)
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare_paths);
	for (size_t i = 0; i < claims->count; i++) {
		if (claims->items[i].by_driver)
			claim_apply_driver(&claims->items[i], list);
		else
			claim_apply(&claims->items[i], list);
	}
	qsort(list->items, list->count, sizeof(*list->items), compare_uses);
}

int devices_probe(const struct root *root, struct device_list *ret, struct error *err)
{
	cleanup(walk_done) struct walk walk = {.root = root};
	autoclaims struct device_claims claims = {0};
	int fd = root_openat(root, SYS_DEVICES, O_RDONLY | O_DIRECTORY, 0);
	int r = fd == -ENOENT ? 0 : fd;

	if (fd >= 0)
		r = walk_directory(&walk, fd, 0);
	if (r == -ERROR_DAMAGED)
		return error_set(err, r, "%s is deeper or larger than any machine's",
				 SYS_DEVICES);
	if (r < 0)
		return error_errno(err, r, "listing %s", SYS_DEVICES);
	device_claims_gather(root, &claims);
	devices_weigh(&claims, &walk.found);
	*ret = walk.found;
	walk.found = (struct device_list){0};
	return 0;
}
