/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who takes what of the boot file systems, what the policy would free of it, and the bar
 * that says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "flow/shares.h"
#include "made-machine.h"
#include "prune.h"

#define MIB ((uint64_t)1024 * 1024)
#define OLD "6.1.0-1-amd64"
#define NEW "6.1.0-2-amd64"

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

static void bar_is(uint64_t total, const uint64_t *bytes, size_t count,
		   const char *wanted)
{
	struct share items[4] = {0};
	const struct share_list shares = {.total = total, .items = items, .count = count};
	autofree char *bar = NULL;

	for (size_t i = 0; i < count; i++) {
		items[i].bytes = bytes[i];
		items[i].kind = i + 1 == count ? SHARE_OTHER : SHARE_GENERATION;
	}
	bar = shares_bar(&shares, 10);
	assert_string_equal(bar, wanted);
}

/* Boundaries are rounded, so that a full file system has no dot and small shares none. */
static void bar_is_true_to_its_end(void **state)
{
	(void)state;
	bar_is(100, (const uint64_t[]){30, 20, 10}, 3, "[aaabb#....]");
	bar_is(100, (const uint64_t[]){33, 33, 34}, 3, "[aaabbbb###]");
	bar_is(100, (const uint64_t[]){4, 4, 4}, 3, "[b.........]");
	bar_is(100, (const uint64_t[]){60, 60, 60}, 3, "[aaaaaabbbb]");
	bar_is(0, NULL, 0, "[..........]");
}

static struct retention_item *item_add(struct retention_set *set,
				       enum retention_kind kind, const char *name)
{
	struct retention_item *item;

	set->items = mem_regrow(set->items, set->count + 1, sizeof(*set->items));
	item = &set->items[set->count++];
	*item = (struct retention_item){.kind = kind,
					.name = str_dup(name),
					.removed = true};
	return item;
}

static const struct share *share_of(const struct share_list *shares, const char *name)
{
	for (size_t i = 0; i < shares->count; i++)
		if (str_eq(shares->items[i].name, name))
			return &shares->items[i];
	fail_msg("%s has no share", name);
	return NULL;
}

static void put(const struct made_machine *m, const char *path)
{
	static char data[65536];

	memset(data, 'x', sizeof(data));
	made_bytes(&m->root, path, data, sizeof(data));
}

/* A file with two names is the generation's, and goes only where both names go. */
static void each_file_counts_once(void **state)
{
	const struct made_machine *m = *state;
	struct inventory_generation generation = {.number = 1,
						  .readable = true,
						  .manifest.release =
							  (char *)(uintptr_t)OLD};
	struct kernel kernels[] = {{.release = (char *)(uintptr_t)NEW},
				   {.release = (char *)(uintptr_t)OLD}};
	const struct inventory inv = {.generations = &generation,
				      .generation_count = 1,
				      .kernels = {.items = kernels, .count = 2}};
	autoretention struct retention_set set = {0};
	autoshares struct share_list shares = {0};

	put(m, "/boot/vmlinuz-" OLD);
	put(m, "/boot/vmlinuz-" NEW);
	put(m, "/boot/initrd.img-" NEW);
	put(m, "/boot/initrd.img-" NEW ".bak");
	made_dir(&m->root, "/boot/kuro/gen/1");
	assert_int_equal(root_link(&m->root, "/boot/vmlinuz-" OLD,
				   "/boot/kuro/gen/1/vmlinuz"),
			 0);
	(void)item_add(&set, RETENTION_GENERATION, "1");
	(void)item_add(&set, RETENTION_KERNEL, NEW);
	(void)item_add(&set, RETENTION_LEFTOVER, "/boot/initrd.img-" NEW ".bak");
	assert_int_equal(shares_measure(&m->root, &inv, &set, &shares, NULL), 0);
	assert_int_equal(share_of(&shares, "1")->bytes, 65536);
	assert_int_equal(share_of(&shares, "1")->goes, 0);
	assert_int_equal(share_of(&shares, NEW)->bytes, 2 * 65536);
	assert_int_equal(share_of(&shares, NEW)->goes, 2 * 65536);
	assert_int_equal(share_of(&shares, "left-overs")->goes, 65536);
	share_list_done(&shares);
	(void)item_add(&set, RETENTION_KERNEL, OLD);
	assert_int_equal(shares_measure(&m->root, &inv, &set, &shares, NULL), 0);
	assert_int_equal(share_of(&shares, "1")->goes, 65536);
}

static void esp_has_a_bar_of_its_own(void **state)
{
	static char boot[] = "/boot", place[] = "/boot/efi";
	struct storage_map map = {0};
	struct storage *esp = &map.roles[STORAGE_ESP];
	autoshares struct share_list shares = {0};
	autofree char *bar = NULL;

	(void)state;
	map.roles[STORAGE_BOOT] =
		(struct storage){.present = true, .mount = boot, .total = 512 * MIB};
	shares_measure_esp(&map, &shares); /* there is none */
	assert_null(shares.mount);
	*esp = (struct storage){.present = true, .mount = place};
	shares_measure_esp(&map, &shares); /* it waits to be mounted */
	assert_null(shares.mount);
	*esp = (struct storage){.present = true,
				.mount = boot,
				.total = 512 * MIB,
				.free = 512 * MIB};
	shares_measure_esp(&map, &shares); /* it is /boot */
	assert_null(shares.mount);
	*esp = (struct storage){.present = true,
				.mount = place,
				.total = 100 * MIB,
				.free = 60 * MIB};
	shares_measure_esp(&map, &shares);
	assert_string_equal(shares.mount, place);
	bar = shares_bar(&shares, 10);
	assert_string_equal(bar, "[####......]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bar_is_true_to_its_end),
		MACHINE_TEST(each_file_counts_once),
		cmocka_unit_test(esp_has_a_bar_of_its_own),
	};

	return cmocka_run_group_tests_name("shares", tests, NULL, NULL);
}
