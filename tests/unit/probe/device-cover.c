/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Another release covers a device by alias or by name, and a loss is told only where
 * there is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"
#include "probe/devices.h"

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

#define OLD "6.1.0-1-amd64"
#define NEW "6.12.1-amd64"

static void put_tree(const struct root *root, const char *release, const char *aliases,
		     const char *dep, const char *built_in)
{
	made_at(root, aliases, "/lib/modules/%s/modules.alias", release);
	made_at(root, dep, "/lib/modules/%s/modules.dep", release);
	made_at(root, built_in, "/lib/modules/%s/modules.builtin", release);
}

/* The one device that is looked at, "" for no module; alias may be "". */
static void list_one(const char *alias, const char *driver, const char *module,
		     bool built_in, struct device_list *ret)
{
	ret->items = mem_zalloc(sizeof(*ret->items));
	ret->count = 1;
	ret->items[0] = (struct device){.path = str_dup("x"),
					.modalias = str_dup(alias),
					.driver = str_dup(driver),
					.module = *module ? str_dup(module) : NULL,
					.built_in = built_in};
}

static void cover_by(const struct root *root, const struct cover_terms *terms,
		     struct device_list *list)
{
	struct error err = {0};

	if (devices_cover(root, OLD, NEW, terms, list, &err) < 0)
		fail_msg("%s", err.message);
}

static void cover(const struct root *root, const struct strv *extra,
		  struct device_list *list)
{
	cover_by(root, &(struct cover_terms){.extra = extra}, list);
}

static void assert_cover_by(const struct root *root, const struct cover_terms *terms,
			    const char *facts, const char *by)
{
	autodevices struct device_list list = {0};
	autostrv struct strv words = {0};
	bool built_in;

	strv_split(&words, facts, " ");
	assert_int_equal(words.count, 3);
	built_in = *words.items[2] == '-';
	list_one(str_eq(words.items[0], "none") ? "" : words.items[0], words.items[1],
		 words.items[2] + (built_in ? 1 : 0), built_in, &list);
	cover_by(root, terms, &list);
	if (!list.items[0].covered != !by || !str_eq(list.items[0].by, by))
		fail_msg("%s is covered by %s, not by %s", facts,
			 list.items[0].by ? list.items[0].by : "nothing",
			 by ? by : "nothing");
}

static void assert_cover(const struct root *root, const char *facts, const char *by)
{
	assert_cover_by(root, NULL, facts, by);
}

static void alias_in_the_target_covers(void **state)
{
	const struct root *root = machine(state);

	put_tree(root, NEW,
		 "# Aliases\nalias pci:v00008086d000015B8sv*sd*bc*sc*i* e1000e\n"
		 "alias usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid\n"
		 "alias acpi*:PNP0C0A:* battery\n"
		 "alias of:N*T*Cfoo,a-b foo-bar\n",
		 "kernel/a/e1000e.ko.xz: kernel/b.ko\nkernel/usbhid.ko:\n"
		 "kernel/battery.ko.zst:\nkernel/foo-bar.ko:\n",
		 "");
	assert_cover(root, "pci:v00008086d000015B8sv0sd0bc02sc00i00 was was", "e1000e");
	assert_cover(root, "pci:v00008086d000015B9sv0sd0bc02sc00i00 was was", NULL);
	assert_cover(root, "usb:v1p2d3dc0dsc0dp0ic03isc01ip02in00 was was", "usbhid");
	assert_cover(root, "usb:v1p2d3dc0dsc0dp0ic04isc01ip02in00 was was", NULL);
	assert_cover(root, "acpi:PNP0C0A: was was", "battery");
	assert_cover(root, "of:NaTbCfoo,a-b was was", "foo_bar");
}

static void module_that_became_built_in_covers(void **state)
{
	const struct root *root = machine(state);

	put_tree(root, OLD, "alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci\n",
		 "kernel/drivers/virtio/virtio_pci.ko:\n", "");
	put_tree(root, NEW, "", "", "kernel/drivers/virtio/virtio_pci.ko\n");
	assert_cover(root,
		     "pci:v00001AF4d00001041sv1sd1bc02sc00i00 virtio-pci virtio_pci",
		     "built in");
	assert_cover(root, "none virtio-pci virtio_pci", "built in");
	assert_cover(root, "none virtio-pci other", "built in");
}

static void module_of_the_old_alias_covers(void **state)
{
	const struct root *root = machine(state);

	put_tree(root, OLD, "alias pci:v00008086d00009D23* i2c_i801\n",
		 "kernel/i2c-i801.ko:\n", "");
	put_tree(root, NEW, "", "", "kernel/drivers/i2c/busses/i2c-i801.ko\n");
	assert_cover(root, "pci:v00008086d00009D23sv1 i801_smbus -", "built in");
	assert_cover(root, "pci:v00008086d00009D24sv1 i801_smbus gone", NULL);
	assert_cover(root, "none i801_smbus i2c_i801", "built in");
}

static void module_that_is_gone_is_lost(void **state)
{
	const struct root *root = machine(state);

	put_tree(root, OLD, "alias pci:v000019A2d* be2net\n", "kernel/be2net.ko:\n", "");
	put_tree(root, NEW, "alias pci:v000019A3d* other\n", "kernel/other.ko:\n", "");
	assert_cover(root, "pci:v000019A2d00000710sv1 be2net be2net", NULL);
}

static void id_that_a_staying_module_drops_is_lost(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};
	autostrv struct strv loads = {0};

	put_tree(root, OLD,
		 "alias pci:v00001000d00000054* mpt3sas\nalias usb:v1p2* mpt3sas\n"
		 "alias pci:v00001000d00000097* mpt3sas\nalias platform:x mpt3sas\n",
		 "kernel/mpt3sas.ko:\n", "");
	put_tree(root, NEW, "alias pci:v00001000d00000097* mpt3sas\n",
		 "kernel/mpt3sas.ko:\n", "");
	assert_cover(root, "pci:v00001000d00000097sv1 mpt3sas mpt3sas", "mpt3sas");
	assert_cover(root, "pci:v00001000d00000054sv1 mpt3sas mpt3sas", NULL);
	assert_cover(root, "usb:v1p2d3 mpt3sas mpt3sas", NULL);
	/* bound by hand, or by a parent that asks for the module by its name */
	assert_cover(root, "pci:v00001000d00000001sv1 mpt3sas mpt3sas", "mpt3sas");
	assert_cover(root, "platform:x mpt3sas mpt3sas", "mpt3sas");
	assert_cover(root, "none mpt3sas mpt3sas", "mpt3sas");
	/* one that is to be built has no aliases yet */
	list_one("pci:v00001000d00000054sv1", "mpt3sas", "mpt3sas", false, &list);
	strv_add(&loads, "mpt3sas");
	cover(root, &loads, &list);
	assert_true(list.items[0].covered);
	put_tree(root, NEW, "", "", "kernel/mpt3sas.ko\n");
	assert_cover(root, "pci:v00001000d00000054sv1 mpt3sas mpt3sas", "built in");
	put_tree(root, NEW, "alias pci:v00001000d00000054* mpt4sas\n",
		 "kernel/mpt3sas.ko:\nkernel/mpt4sas.ko:\n", "");
	assert_cover(root, "pci:v00001000d00000054sv1 mpt3sas mpt3sas", "mpt4sas");
}

static void built_in_driver_is_lost_where_its_name_is(void **state)
{
	const struct root *root = machine(state);

	put_tree(root, OLD, "alias pci:v*d*sv*sd*bc06sc04i* shpchp\n",
		 "kernel/shpchp.ko:\n",
		 "kernel/drivers/ata/ahci.ko\nkernel/drivers/tty/8250/8250_pci.ko\n");
	put_tree(root, NEW, "", "", "kernel/drivers/nvme/host/nvme.ko\n");
	assert_cover(root, "pci:a ahci -", NULL);
	assert_cover(root, "pci:a serial -8250_pci", NULL);
	assert_cover(root, "pci:a nvme -", "built in");
	assert_cover(root, "pci:v1d2sv3sd4bc06sc04i00 pcieport -", "built in");
	assert_cover(root, "none serial -", "built in");
}

static void aliases_of_built_in_modules_count(void **state)
{
	const struct root *root = machine(state);

	put_tree(root, OLD, "", "", "kernel/drivers/scsi/sd_mod.ko\n");
	put_tree(root, NEW, "", "", "kernel/drivers/ata/ahci.ko\n");
	made_bytes(root, "/lib/modules/" OLD "/modules.builtin.modinfo",
		   "sd_mod.license=GPL\0sd_mod.alias=scsi:t-0x00*", 44);
	made_bytes(root, "/lib/modules/" NEW "/modules.builtin.modinfo",
		   "ahci.alias=pci:v*d*sv*sd*bc01sc06i01*\0ahci.license=GPL", 54);
	assert_cover(root, "scsi:t-0x00 sd -", NULL);
	assert_cover(root, "pci:v1d2sv3sd4bc01sc06i01 was was", "built in");
}

static void core_drivers_are_covered_without_todays_tree(void **state)
{
	const struct root *root = machine(state);

	put_tree(root, NEW, "", "", "");
	assert_cover(root, "pci:a ahci -", "built in");
	assert_cover(root, "pci:a ahci ahci", NULL);
}

static void third_party_modules_cover_where_they_load(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};
	autostrv struct strv loads = {0};

	put_tree(root, NEW, "alias pci:a* r8168\n", "updates/dkms/r8168.ko:\n", "");
	assert_cover(root, "pci:ab r8168 r8168", "r8168");
	list_one("pci:ab", "r8168", "r8168", false, &list);
	cover(root, &loads, &list);
	assert_false(list.items[0].covered);
	assert_null(list.items[0].by);
	strv_add(&loads, "r8168");
	cover(root, &loads, &list);
	assert_true(list.items[0].covered);
	assert_string_equal(list.items[0].by, "r8168");
}

/* kernel-modules-extra of RHEL and Fedora: where kernel/ has the file too, it is not. */
static void module_that_its_kernels_package_moved_covers(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};
	autostrv struct strv none = {0};

	put_tree(root, NEW, "alias pci:a* c_can\n", "extra/drivers/net/c_can.ko.xz:\n",
		 "");
	list_one("pci:ab", "c_can", "c_can", false, &list);
	cover(root, &none, &list);
	assert_false(list.items[0].covered);
	made_at(root, "kernel/a.ko\nkernel/drivers/net/c_can.ko\n",
		"/lib/modules/%s/modules.order", NEW);
	cover(root, &none, &list);
	assert_true(list.items[0].covered);
	made_at(root, "", "/lib/modules/%s/kernel/drivers/net/c_can.ko.xz", NEW);
	cover(root, &none, &list);
	assert_false(list.items[0].covered);
}

static void third_party_module_that_is_to_be_built_covers(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};
	autostrv struct strv loads = {0};

	put_tree(root, NEW, "", "", "");
	list_one("pci:ab", "nvidia", "nvidia", false, &list);
	strv_add(&loads, "nvidia");
	cover(root, &loads, &list);
	assert_string_equal(list.items[0].by, "nvidia");
}

static void tree_that_depmod_never_saw_is_an_error(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};
	struct error err = {0};

	list_one("pci:ab", "a", "a", false, &list);
	assert_int_equal(devices_cover(root, OLD, NEW, NULL, &list, &err), -ENOENT);
	assert_non_null(strstr(err.message, NEW));
	made_at(root, "kernel/a.ko\n", "/lib/modules/" NEW "/modules.builtin");
	assert_int_equal(devices_cover(root, OLD, NEW, NULL, &list, &err), -ENOENT);
	assert_non_null(strstr(err.message, "depmod " NEW));
	made_at(root, "", "/lib/modules/" NEW "/modules.dep");
	assert_int_equal(devices_cover(root, OLD, NEW, NULL, &list, &err), -ENOENT);
	assert_non_null(strstr(err.message, "modules.alias"));
	assert_int_equal(devices_cover(root, OLD, "../x", NULL, &list, &err), -EINVAL);
}

static void torn_index_gives_way_to_the_text(void **state)
{
	const struct root *root = machine(state);

	put_tree(root, NEW, "alias pci:a* nvme\n", "kernel/nvme.ko:\n", "");
	made_at(root, "\xb0\x07\xf4\x57", "/lib/modules/" NEW "/modules.alias.bin");
	made_at(root, "", "/lib/modules/" NEW "/modules.dep.bin");
	made_at(root, "", "/lib/modules/" NEW "/modules.builtin.bin");
	assert_cover(root, "pci:ab was was", "nvme");
}

static void lists_of_a_package_cover_alike(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};
	struct driver_names names = {0};

	put_tree(root, OLD, "alias pci:c* c\n", "kernel/c.ko:\n", "");
	strv_add(&names.aliases, "pci:v00008086d*sv* e1000e");
	strv_add(&names.aliases, "malformed");
	strv_add(&names.modules, "e1000e");
	strv_add(&names.built_in, "c");
	strv_add(&names.built_in, "virtio_pci");
	list_one("pci:v00008086d1sv2", "was", "was", false, &list);
	assert_int_equal(devices_cover_names(root, OLD, &names, NULL, &list, NULL), 0);
	assert_string_equal(list.items[0].by, "e1000e");
	device_list_done(&list);
	list_one("pci:v1", "virtio-pci", "virtio_pci", false, &list);
	assert_int_equal(devices_cover_names(root, OLD, &names, NULL, &list, NULL), 0);
	assert_string_equal(list.items[0].by, "built in");
	device_list_done(&list);
	list_one("pci:cc", "was", "was", false, &list);
	assert_int_equal(devices_cover_names(root, OLD, &names, NULL, &list, NULL), 0);
	assert_string_equal(list.items[0].by, "built in");
	device_list_done(&list);
	list_one("pci:d", "was", "was", false, &list);
	assert_int_equal(devices_cover_names(root, OLD, &names, NULL, &list, NULL), 0);
	assert_false(list.items[0].covered);
	driver_names_done(&names);
}

/* It had the device's id, and as it is not there yet, no list of the package has it. */
static void a_module_that_comes_later_covers_what_it_drives_now(void **state)
{
	const struct root *root = machine(state);
	autodevices struct device_list list = {0};
	struct driver_names names = {0};
	autostrv struct strv extra = {0};
	const struct cover_terms terms = {.extra = &extra};

	put_tree(root, OLD, "alias pci:e* third\n", "updates/third.ko:\n", "");
	strv_add(&names.modules, "e1000e");
	list_one("pci:e1", "third", "third", false, &list);
	assert_int_equal(devices_cover_names(root, OLD, &names, NULL, &list, NULL), 0);
	assert_false(list.items[0].covered);
	strv_add(&extra, "third");
	assert_int_equal(devices_cover_names(root, OLD, &names, &terms, &list, NULL), 0);
	assert_string_equal(list.items[0].by, "third");
	driver_names_done(&names);
}

/* A machine with NVIDIA's own driver: nouveau must not, and would not, take the card. */
static void what_modprobe_would_not_load_covers_only_what_runs_on_it(void **state)
{
	const struct root *root = machine(state);
	automodprobe struct modprobe_config config = {0};
	autostrv struct strv extra = {0}, loaded = {0};
	const struct cover_terms terms = {.extra = &extra,
					  .config = &config,
					  .loaded = &loaded};

	put_tree(root, OLD, "", "", "kernel/was-built-in.ko\n");
	put_tree(root, NEW,
		 "alias pci:a* nouveau\nalias pci:b* i2c-i801\nalias pci:c* ok\n",
		 "kernel/nouveau.ko:\nkernel/i2c-i801.ko:\nkernel/ok.ko:\n"
		 "kernel/was-built-in.ko:\n",
		 "kernel/inside.ko\n");
	assert_cover_by(root, &terms, "pci:a1 nvidia nvidia", "nouveau");
	strv_add(&config.blacklisted, "nouveau");
	strv_add(&config.blacklisted, "i2c_i801");
	strv_add(&config.blacklisted, "inside");
	strv_add(&config.blacklisted, "was_built_in");
	assert_cover_by(root, &terms, "pci:a1 nvidia nvidia", NULL);
	assert_cover_by(root, &terms, "pci:b1 i801_smbus i2c_i801", "i2c_i801");
	assert_cover_by(root, &terms, "pci:c1 was was", "ok");
	assert_cover_by(root, &terms, "none inside inside", "built in");
	assert_cover_by(root, &terms, "none was-built-in -was_built_in", NULL);
	strv_add(&loaded, "nouveau"); /* for another card */
	assert_cover_by(root, &terms, "pci:a1 gone gone", "nouveau");
	strv_add(&extra, "nvidia");
	assert_cover_by(root, &terms, "pci:a1 nvidia nvidia", "nvidia");
}

static void what_the_next_command_line_forbids_does_not_cover(void **state)
{
	const struct root *root = machine(state);
	automodprobe struct modprobe_config config = {0};
	autostrv struct strv barred = {0};
	const struct cover_terms terms = {.config = &config, .barred = &barred};

	put_tree(root, NEW, "", "kernel/a.ko:\nkernel/b.ko:\nkernel/c.ko:\n",
		 "kernel/inside.ko\n");
	strv_add(&config.newly, "a");
	strv_add(&barred, "b");
	strv_add(&barred, "inside");
	assert_cover_by(root, &terms, "none a a", NULL);
	assert_cover_by(root, &terms, "none b b", NULL);
	assert_cover_by(root, &terms, "none c c", "c");
	assert_cover_by(root, &terms, "none inside inside", "built in");
}

static void an_alias_of_modprobe_d_hides_the_trees(void **state)
{
	const struct root *root = machine(state);
	automodprobe struct modprobe_config config = {0};
	const struct cover_terms terms = {.config = &config};

	put_tree(root, NEW, "alias pci:a* one\n", "kernel/one.ko:\nkernel/two.ko:\n", "");
	assert_cover_by(root, &terms, "pci:a1 was was", "one");
	strv_add(&config.aliases, "pci:a* two");
	assert_cover_by(root, &terms, "pci:a1 was was", "two");
	free(config.aliases.items[0]);
	config.aliases.items[0] = str_dup("pci:a* off");
	assert_cover_by(root, &terms, "pci:a1 was was", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(alias_in_the_target_covers),
		MACHINE_TEST(module_that_became_built_in_covers),
		MACHINE_TEST(module_of_the_old_alias_covers),
		MACHINE_TEST(module_that_is_gone_is_lost),
		MACHINE_TEST(id_that_a_staying_module_drops_is_lost),
		MACHINE_TEST(built_in_driver_is_lost_where_its_name_is),
		MACHINE_TEST(aliases_of_built_in_modules_count),
		MACHINE_TEST(core_drivers_are_covered_without_todays_tree),
		MACHINE_TEST(third_party_modules_cover_where_they_load),
		MACHINE_TEST(module_that_its_kernels_package_moved_covers),
		MACHINE_TEST(third_party_module_that_is_to_be_built_covers),
		MACHINE_TEST(tree_that_depmod_never_saw_is_an_error),
		MACHINE_TEST(torn_index_gives_way_to_the_text),
		MACHINE_TEST(lists_of_a_package_cover_alike),
		MACHINE_TEST(a_module_that_comes_later_covers_what_it_drives_now),
		MACHINE_TEST(what_modprobe_would_not_load_covers_only_what_runs_on_it),
		MACHINE_TEST(what_the_next_command_line_forbids_does_not_cover),
		MACHINE_TEST(an_alias_of_modprobe_d_hides_the_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
