/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's state is read from /proc and /sys as the kernel writes them, survives
 * JSON unchanged, and damaged input makes it neither wrong nor endless.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"
#include "probe/state.h"

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

#define ROUTE_HEAD                     \
	"Iface\tDestination\tGateway " \
	"\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
#define ZERO32      "00000000000000000000000000000000"
#define SOCKET_TAIL " 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0\n"

static void modules_are_those_that_live(void **state)
{
	autostate struct machine_state s = {0};

	made_file(machine(state), "/proc/modules",
		  "virtio_net 81920 0 - Live 0xffffffffc0a00000\n"
		  "ext4 983040 2 - Live 0xffffffffc0800000\n"
		  "stuck 16384 1 - Loading 0xffffffffc0700000 (OE+)\n"
		  "rubbish\n\n");
	assert_int_equal(machine_state_probe(machine(state), &s, NULL), 0);
	assert_int_equal(s.modules.count, 2);
	assert_string_equal(s.modules.items[0], "ext4");
	assert_string_equal(s.modules.items[1], "virtio_net");
}

static void put_device(const struct root *root, const char *bus, const char *name,
		       const char *alias, const char *driver)
{
	autofree char *path = str_format("/sys/bus/%s/devices/%s/modalias", bus, name);
	autofree char *link = str_format("/sys/bus/%s/devices/%s/driver", bus, name);
	autofree char *target =
		str_format("../../../../bus/%s/drivers/%s", bus, driver ? driver : "");

	made_file(root, path, alias);
	if (driver)
		made_link(root, target, link);
}

static void devices_are_told_with_their_drivers(void **state)
{
	autostate struct machine_state s = {0};

	put_device(machine(state), "pci", "0000:00:03.0", "pci:v00001AF4d00001000\n",
		   "virtio-pci");
	put_device(machine(state), "pci", "0000:00:04.0", "pci:v00001AF4d00001000\n",
		   "virtio-pci");
	put_device(machine(state), "pci", "0000:00:05.0", "pci:v00008086d00007010\n",
		   NULL);
	put_device(machine(state), "virtio", "virtio0", "virtio:d1v1\x01\n",
		   "virtio_net");
	assert_int_equal(machine_state_probe(machine(state), &s, NULL), 0);
	assert_int_equal(s.drivers.count, 3);
	assert_string_equal(s.drivers.items[0], "pci:v00001AF4d00001000 virtio-pci");
	assert_string_equal(s.drivers.items[1], "pci:v00001AF4d00001000 virtio-pci");
	assert_string_equal(s.drivers.items[2], "virtio:d1v1\\x01 virtio_net");
}

static void mounts_are_those_on_block_devices(void **state)
{
	autostate struct machine_state s = {0};

	made_file(machine(state), "/proc/self/mountinfo",
		  "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
		  "23 22 0:5 / /dev rw,nosuid - devtmpfs udev rw,size=1k\n"
		  "24 22 0:21 / /proc rw - proc proc rw\n"
		  "25 22 254:2 / /boot ro,relatime - ext4 /dev/vda2 ro\n"
		  "26 22 0:40 / /tank rw - zfs rpool/tank rw,xattr\n"
		  "27 22 254:3 / /srv/my\\040data rw - xfs /dev/vda3 rw\n");
	assert_int_equal(machine_state_probe(machine(state), &s, NULL), 0);
	assert_int_equal(s.mounts.count, 4);
	assert_string_equal(s.mounts.items[0], "/dev/vda1 ext4 /");
	assert_string_equal(s.mounts.items[1], "/dev/vda2 ext4,ro /boot");
	assert_string_equal(s.mounts.items[2], "/dev/vda3 xfs /srv/my data");
	assert_string_equal(s.mounts.items[3], "rpool/tank zfs /tank");
}

static void links_are_those_with_a_default_route(void **state)
{
	autostate struct machine_state s = {0};

	made_file(machine(state), "/proc/net/route",
		  ROUTE_HEAD
		  "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
		  "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
		  "eth9\t00000000\t010200C0\t0203\t0\t0\t0\t00000000\t0\t0\t0\n"
		  "../../etc\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
	made_file(machine(state), "/proc/net/ipv6_route",
		  ZERO32 " 00 " ZERO32 " 00 fe800000000000000000000000000001 00000400 "
			 "00000002 00000000 00000003     wlan0\n" ZERO32 " 00 " ZERO32
			 " 00 " ZERO32 " ffffffff 00000001 00000000 00200200       lo\n"
			 "fe800000000000000000000000000000 40 " ZERO32 " 00 " ZERO32
			 " 00000100 00000002 00000000 00000001     eth5\n");
	made_file(machine(state), "/sys/class/net/eth0/operstate", "up\n");
	made_file(machine(state), "/sys/class/net/wlan0/operstate", "dormant\n");
	assert_int_equal(machine_state_probe(machine(state), &s, NULL), 0);
	assert_int_equal(s.links.count, 2);
	assert_string_equal(s.links.items[0], "eth0 up");
	assert_string_equal(s.links.items[1], "wlan0 down");
}

static void sockets_are_told_as_people_write_them(void **state)
{
	const uint32_t loopback = 0x0100007f; /* 127.0.0.1 as bytes, little endian */
	const uint16_t order = 1;
	bool little = *(const unsigned char *)&order == 1;
	autofree char *line = str_format("   1: %08X:1F90 00000000:0000 0A" SOCKET_TAIL,
					 little ? loopback : __builtin_bswap32(loopback));
	autofree char *table =
		str_format("  sl  local_address rem_address   st\n"
			   "   0: 00000000:0016 00000000:0000 0A" SOCKET_TAIL "%s"
			   "   2: 00000000:0016 00000000:0000 01" SOCKET_TAIL
			   "   3: 00000000:0017 00000000:0000 0A" SOCKET_TAIL,
			   line);
	autostate struct machine_state s = {0};

	made_file(machine(state), "/proc/net/tcp", table);
	made_file(machine(state), "/proc/net/tcp6",
		  "  sl  local_address remote_address st\n"
		  "   0: " ZERO32 ":0016 " ZERO32 ":0000 0A" SOCKET_TAIL "   1: " ZERO32
		  "00:0016 " ZERO32 ":0000 0A" SOCKET_TAIL "   2: :0016 " ZERO32
		  ":0000 0A" SOCKET_TAIL);
	assert_int_equal(machine_state_probe(machine(state), &s, NULL), 0);
	assert_int_equal(s.listening.count, 3);
	assert_string_equal(s.listening.items[0], "tcp 0.0.0.0:22");
	assert_string_equal(s.listening.items[1], "tcp 127.0.0.1:8080");
	assert_string_equal(s.listening.items[2], "tcp6 [::]:22");
}

static void endless_lines_are_passed_over(void **state)
{
	autostate struct machine_state s = {0};
	autotext struct text modules = {0};

	for (int i = 0; i < 20000; i++)
		text_append(&modules, "x");
	text_append(&modules, " 1 0 - Live 0\next4 983040 2 - Live 0x0\n");
	made_file(machine(state), "/proc/modules", text_str(&modules));
	assert_int_equal(machine_state_probe(machine(state), &s, NULL), 0);
	assert_int_equal(s.modules.count, 1);
	assert_string_equal(s.modules.items[0], "ext4");
}

static void state_survives_json(void **state)
{
	autostate struct machine_state s = {0}, again = {0};
	autofree char *text = NULL, *text_again = NULL;

	(void)state;
	strv_add(&s.modules, "ext4");
	strv_add(&s.drivers, "pci:v1 a");
	strv_add(&s.drivers, "pci:v1 a");
	strv_add(&s.mounts, "/dev/vda1 ext4 /srv/\"quoted\"");
	strv_add(&s.failed_units, "a@b\\x2dc.service");
	strv_add(&s.links, "eth0 up");
	text = machine_state_format(&s);
	assert_int_equal(machine_state_parse(text, &again, NULL), 0);
	assert_int_equal(again.drivers.count, 2);
	assert_string_equal(again.mounts.items[0], s.mounts.items[0]);
	assert_string_equal(again.failed_units.items[0], s.failed_units.items[0]);
	assert_int_equal(again.listening.count, 0);
	text_again = machine_state_format(&again);
	assert_string_equal(text, text_again);
}

static void damaged_json_is_told(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		"{\"schema\":2}",
		"{\"schema\":1}",
		"{\"schema\":1,\"modules\":{}}",
		"{\"schema\":1,\"modules\":[1],\"drivers\":[],\"mounts\":[],"
		"\"failed_units\":[],\"links\":[],\"listening\":[]}",
		"{\"schema\":1,\"modules\":[\"a\\u0000b\"],\"drivers\":[],\"mounts\":[],"
		"\"failed_units\":[],\"links\":[],\"listening\":[]}",
		"{\"schema\":1,\"modules\":[],\"drivers\":[],\"mounts\":[],"
		"\"failed_units\":[],\"links\":[]}",
		"{\"schema\":1,\"modules\":[],\"drivers\":[],\"mounts\":[],"
		"\"failed_units\":[],\"links\":[],\"listening\":[]} x",
		"[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]",
		"{\"schema\":1,\"modules\":[\"\xff\"]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct machine_state s = {0};
		struct error err = {0};

		assert_int_equal(machine_state_parse(texts[i], &s, &err), -ERROR_DAMAGED);
		assert_non_null(strstr(err.message, "machine state: "));
		assert_null(s.modules.items);
	}
}

/* The baseline and each round of checks stay within 100 ms of processor time. */
static void this_machine_answers_quickly(void **state)
{
	autostate struct machine_state s = {0};
	struct root live = {0};
	clock_t begun = clock();

	(void)state;
	assert_int_equal(root_open(&live, "/", NULL), 0);
	assert_int_equal(machine_state_probe(&live, &s, NULL), 0);
	assert_true(clock() - begun < CLOCKS_PER_SEC / 10);
	root_done(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(modules_are_those_that_live),
		MACHINE_TEST(devices_are_told_with_their_drivers),
		MACHINE_TEST(mounts_are_those_on_block_devices),
		MACHINE_TEST(links_are_those_with_a_default_route),
		MACHINE_TEST(sockets_are_told_as_people_write_them),
		MACHINE_TEST(endless_lines_are_passed_over),
		cmocka_unit_test(state_survives_json),
		cmocka_unit_test(damaged_json_is_told),
		cmocka_unit_test(this_machine_answers_quickly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
