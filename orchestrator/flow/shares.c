/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shares of the boot file system, inode by inode.
 */
#include "flow/shares.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "probe/boot-files.h"
#include "probe/boot-names.h"

#define BLOCK 512 /* stat(2): st_blocks counts these */

/* A file that was counted already, and how many of its names go. */
struct seen {
	ino_t inode;
	nlink_t names, going;
	size_t share;
	uint64_t bytes;
};

struct measure {
	const struct root *root;
	const struct inventory *inv;
	const struct retention_set *set;
	struct share_list list;
	struct seen *seen;
	size_t seen_count;
	dev_t device;
};

void share_list_done(struct share_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].label);
	}
	free(list->items);
	free(list->mount);
	*list = (struct share_list){0};
}

const char *share_kind_name(enum share_kind kind)
{
	static const char *const names[] = {
		[SHARE_GENERATION] = "generation",
		[SHARE_KERNEL] = "kernel",
		[SHARE_LEFT_OVERS] = "left-overs",
		[SHARE_OTHER] = "other",
	};

	return names[kind];
}

static struct share *add_share(struct measure *m, enum share_kind kind, const char *name,
			       char *label)
{
	struct share_list *list = &m->list;
	struct share *share;

	list->items = mem_regrow(list->items, list->count + 1, sizeof(*list->items));
	share = &list->items[list->count++];
	*share = (struct share){.kind = kind, .name = str_dup(name), .label = label};
	return share;
}

/* One name of a file for the share that was added last. */
static void take_name(struct measure *m, const char *path, bool goes)
{
	struct seen *seen = NULL;
	struct stat st;

	if (root_lstat(m->root, path, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_dev != m->device)
		return;
	for (size_t i = 0; i < m->seen_count && !seen; i++)
		if (m->seen[i].inode == st.st_ino)
			seen = &m->seen[i];
	if (!seen) {
		m->seen = mem_regrow(m->seen, m->seen_count + 1, sizeof(*m->seen));
		seen = &m->seen[m->seen_count++];
		*seen = (struct seen){.inode = st.st_ino,
				      .names = st.st_nlink,
				      .share = m->list.count - 1,
				      .bytes = (uint64_t)st.st_blocks * BLOCK};
		m->list.items[seen->share].bytes += seen->bytes;
	}
	seen->going += goes;
	if (seen->going == seen->names)
		m->list.items[seen->share].goes += seen->bytes;
}

static bool goes(const struct retention_set *set, enum retention_kind kind,
		 const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].kind == kind && str_eq(set->items[i].name, name))
			return set->items[i].removed;
	return false;
}

static void measure_generation(struct measure *m, const struct inventory_generation *g)
{
	autofree char *number = str_format("%u", g->number);
	autofree char *directory = str_format(BOOT_GENERATIONS "/%u", g->number);
	const char *role = inventory_role(m->inv, g->number);
	bool gone = goes(m->set, RETENTION_GENERATION, number);
	autostrv struct strv names = {0};

	(void)add_share(m, SHARE_GENERATION, number,
			str_format("generation %u, %s%s%s%s", g->number,
				   g->readable ? g->manifest.release : "unreadable",
				   *role ? " (" : "", role, *role ? ")" : ""));
	if (root_list(m->root, directory, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		autofree char *path = str_format("%s/%s", directory, names.items[i]);

		take_name(m, path, gone);
	}
}

static void measure_kernel(struct measure *m, const struct kernel *kernel,
			   const struct strv *names)
{
	bool gone = goes(m->set, RETENTION_KERNEL, kernel->release);

	(void)add_share(m, SHARE_KERNEL, kernel->release,
			str_format("%s, in no generation", kernel->release));
	for (size_t i = 0; i < names->count; i++) {
		autofree char *release = boot_name_release(names->items[i]);
		autofree char *path = str_format("/boot/%s", names->items[i]);

		if (str_eq(release, kernel->release))
			take_name(m, path, gone);
	}
}

static void measure_left_overs(struct measure *m)
{
	(void)add_share(m, SHARE_LEFT_OVERS, "left-overs", str_dup("left-overs"));
	for (size_t i = 0; i < m->set->count; i++) {
		const struct retention_item *item = &m->set->items[i];

		if (item->kind == RETENTION_LEFTOVER && str_starts(item->name, "/boot/"))
			take_name(m, item->name, item->removed);
	}
}

/* What is taken and not counted yet: GRUB, other systems, the file system itself. */
static void measure_rest(struct measure *m)
{
	uint64_t used = m->list.total - m->list.free, counted = 0;

	for (size_t i = 0; i < m->list.count; i++)
		counted += m->list.items[i].bytes;
	add_share(m, SHARE_OTHER, "other", str_dup("everything else"))->bytes =
		used > counted ? used - counted : 0;
}

/* Shares of nothing are not worth a line, but a generation is always told. */
static void drop_empty(struct share_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].bytes > 0 || list->items[i].kind == SHARE_GENERATION) {
			list->items[kept++] = list->items[i];
			continue;
		}
		free(list->items[i].name);
		free(list->items[i].label);
	}
	list->count = kept;
}

void shares_measure_esp(const struct storage_map *storage, struct share_list *ret)
{
	const struct storage *esp = &storage->roles[STORAGE_ESP];
	const struct storage *boot = storage_of_boot(storage);
	struct measure m = {0};

	if (!esp->present || esp->total == 0 || str_eq(esp->mount, boot->mount))
		return;
	m.list = (struct share_list){.mount = str_dup(esp->mount),
				     .total = esp->total,
				     .free = esp->free};
	measure_rest(&m);
	*ret = m.list;
}

int shares_measure(const struct root *root, const struct inventory *inventory,
		   const struct retention_set *set, struct share_list *ret,
		   struct error *err)
{
	struct measure m = {.root = root, .inv = inventory, .set = set};
	const struct storage *boot = storage_of_boot(&inventory->storage);
	autoclose int fd = root_openat(root, "/boot", O_RDONLY | O_DIRECTORY, 0);
	autostrv struct strv names = {0};
	struct statvfs room;
	struct stat st;

	if (fd < 0 || fstatvfs(fd, &room) < 0 || fstat(fd, &st) < 0)
		return error_errno(err, fd < 0 ? fd : -errno, "/boot");
	m.device = st.st_dev;
	m.list.mount = str_dup(boot->mount ? boot->mount : "/boot");
	m.list.total = (uint64_t)room.f_blocks * room.f_frsize;
	m.list.free = (uint64_t)room.f_bfree * room.f_frsize;
	(void)root_list(root, "/boot", &names, NULL); /* unreadable: nothing to tell */
	for (size_t i = 0; i < inventory->generation_count; i++)
		measure_generation(&m, &inventory->generations[i]);
	for (size_t i = 0; i < inventory->kernels.count; i++)
		measure_kernel(&m, &inventory->kernels.items[i], &names);
	measure_left_overs(&m);
	measure_rest(&m);
	drop_empty(&m.list);
	free(m.seen);
	*ret = m.list;
	return 0;
}
