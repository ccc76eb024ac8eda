/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A check fails when what it looks at is worse than the baseline, is skipped when it
 * can't know, and never passes by not having looked. Executables are run only where
 * nobody but root could have put them.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "health-parts.h"
#include "made-machine.h"

#define ROUTE_HEAD          "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n"
#define DEFAULT_ROUTE(link) link "\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\n"
#define MOUNT_ROOT          "22 1 254:1 / / rw shared:1 - ext4 /dev/vda1 rw\n"
#define MOUNT_BOOT          "25 22 254:2 / /boot rw,relatime - ext4 /dev/vda2 rw\n"

/* A boot of generation 7 on a made machine, and the context that judges it. */
struct judged {
	const struct root *root;
	struct policy policy;
	struct this_boot boot;
	struct machine_state baseline;
	struct health_context context;
};

static int judged_set_up(void **state)
{
	struct judged *j = mem_zalloc(sizeof(*j));
	void *machine;

	assert_int_equal(made_machine_set_up(&machine), 0);
	j->root = &((struct made_machine *)machine)->root;
	policy_init(&j->policy);
	j->boot.generation = 7;
	j->boot.release = str_dup("6.1.0-50-amd64");
	j->context = (struct health_context){.root = j->root,
					     .policy = &j->policy,
					     .boot = &j->boot,
					     .baseline = &j->baseline};
	*state = j;
	return 0;
}

static int judged_tear_down(void **state)
{
	struct judged *j = *state;
	void *machine = (char *)(uintptr_t)j->root - offsetof(struct made_machine, root);

	this_boot_done(&j->boot);
	machine_state_done(&j->baseline);
	policy_done(&j->policy);
	free(j);
	return made_machine_tear_down(&machine);
}

#define JUDGED_TEST(f) cmocka_unit_test_setup_teardown(f, judged_set_up, judged_tear_down)

/* One built-in check; words must stand in its detail (NULL: no detail). */
static void expect(const struct judged *j,
		   void (*run)(const struct health_context *, struct check *),
		   enum check_result result, const char *words)
{
	struct check check = {0};

	run(&j->context, &check);
	if (check.result != result)
		fail_msg("%s: %s", check_result_name(check.result),
			 check.detail ? check.detail : "no detail");
	if (words) {
		assert_non_null(check.detail);
		assert_non_null(strstr(check.detail, words));
	} else {
		assert_null(check.detail);
	}
	free(check.detail);
}

static void the_generation_that_was_meant_must_run(void **state)
{
	struct judged *j = *state;

	expect(j, check_generation, CHECK_SKIPPED, "no generation");
	j->context.expected = 7;
	expect(j, check_generation, CHECK_PASSED, NULL);
	j->context.expected_release = "6.1.0-50-amd64";
	expect(j, check_generation, CHECK_PASSED, NULL);
	j->context.expected_release = "6.1.0-51-amd64";
	expect(j, check_generation, CHECK_FAILED, "6.1.0-51-amd64 was meant");
	j->context.expected = 8;
	expect(j, check_generation, CHECK_FAILED, "generation 8 was meant");
	j->boot.generation = 0;
	expect(j, check_generation, CHECK_FAILED, "none of kuro's generations");
}

static void required_modules_are_loaded_or_built_in(void **state)
{
	struct judged *j = *state;

	expect(j, check_modules, CHECK_SKIPPED, "requires no modules");
	assert_int_equal(policy_set(&j->policy, POLICY_MODULES_REQUIRED, "nvme-core ext4",
				    NULL),
			 0);
	expect(j, check_modules, CHECK_FAILED, "nvme-core, ext4");
	made_file(j->root, "/proc/modules", "nvme_core 1 0 - Live 0x0\n");
	expect(j, check_modules, CHECK_FAILED, "not loaded: ext4");
	made_file(j->root, "/lib/modules/6.1.0-50-amd64/modules.builtin",
		  "kernel/fs/ext4/ext4.ko\nkernel/fs/ext4/ext4x.ko\n");
	expect(j, check_modules, CHECK_PASSED, NULL);
	made_file(j->root, "/proc/modules", "nvme_core 1 0 - Loading 0x0\n");
	expect(j, check_modules, CHECK_FAILED, "nvme-core");
	assert_int_equal(policy_set(&j->policy, POLICY_MODULES_REQUIRED, "nv?me* ext*",
				    NULL),
			 0);
	expect(j, check_modules, CHECK_FAILED, "not loaded: nv?me*");
	made_file(j->root, "/proc/modules", "nv_me_core 1 0 - Live 0x0\n");
	expect(j, check_modules, CHECK_PASSED, NULL);
}

static void only_new_failed_units_count(void **state)
{
	struct judged *j = *state;
	autostrv struct strv failed = {0};
	struct check check = {0};

	strv_add(&failed, "kuro-health.service");
	strv_add(&failed, "old.service");
	strv_add(&j->baseline.failed_units, "old.service");
	check_units_compare(&j->context, &failed, &check);
	assert_int_equal(check.result, CHECK_PASSED);
	strv_add(&failed, "ssh.service");
	check_units_compare(&j->context, &failed, &check);
	assert_int_equal(check.result, CHECK_FAILED);
	assert_non_null(strstr(check.detail, "ssh.service failed"));
	assert_null(strstr(check.detail, "old.service"));
	j->context.baseline = NULL;
	check_units_compare(&j->context, &failed, &check);
	assert_int_equal(check.result, CHECK_SKIPPED);
	assert_non_null(strstr(check.detail, "old.service, ssh.service"));
	j->boot.trial = true;
	check_units_compare(&j->context, &failed, &check);
	assert_int_equal(check.result, CHECK_FAILED);
	free(check.detail);
	expect(j, check_units, CHECK_SKIPPED, "another root");
}

static void base_mounts_must_be_there_and_writable(void **state)
{
	struct judged *j = *state;

	expect(j, check_mounts, CHECK_SKIPPED, "no baseline");
	strv_add(&j->baseline.mounts, "/dev/sda1 ext4 /");
	strv_add(&j->baseline.mounts, "/dev/sda2 ext4 /boot");
	strv_add(&j->baseline.mounts, "/dev/sdb1 vfat /media/stick");
	strv_add(&j->baseline.mounts, "rubbish");
	made_file(j->root, "/proc/self/mountinfo", MOUNT_ROOT MOUNT_BOOT);
	expect(j, check_mounts, CHECK_PASSED, NULL);
	made_file(j->root, "/proc/self/mountinfo", MOUNT_ROOT);
	expect(j, check_mounts, CHECK_FAILED, "/boot is not mounted");
	made_file(j->root, "/proc/self/mountinfo",
		  "22 1 254:1 / / ro shared:1 - ext4 /dev/vda1 ro\n" MOUNT_BOOT);
	expect(j, check_mounts, CHECK_FAILED, "/ is mounted read-only now");
}

static void mounts_of_fstab_must_be_there(void **state)
{
	struct judged *j = *state;

	strv_add(&j->baseline.mounts, "/dev/sda1 ext4 /");
	strv_add(&j->baseline.mounts, "/dev/sdb1 xfs,ro /srv/my data");
	made_file(j->root, "/proc/self/mountinfo", MOUNT_ROOT);
	expect(j, check_mounts, CHECK_PASSED, NULL);
	made_file(j->root, "/etc/fstab", "UUID=1 /srv/my\\040data xfs nofail 0 2\n");
	expect(j, check_mounts, CHECK_FAILED, "/srv/my data is not mounted");
	made_file(j->root, "/etc/fstab", "UUID=1 /srv/my\\040data xfs rw,noauto 0 2\n");
	expect(j, check_mounts, CHECK_PASSED, NULL);
}

static void a_default_route_must_be_up_again(void **state)
{
	struct judged *j = *state;

	expect(j, check_link, CHECK_SKIPPED, "no default route before");
	strv_add(&j->baseline.links, "eth0 up");
	strv_add(&j->baseline.links, "eth1 down");
	expect(j, check_link, CHECK_FAILED, "it was on eth0");
	made_file(j->root, "/proc/net/route", ROUTE_HEAD DEFAULT_ROUTE("eth0"));
	made_file(j->root, "/sys/class/net/eth0/operstate", "down\n");
	expect(j, check_link, CHECK_FAILED, "eth0 down");
	made_file(j->root, "/sys/class/net/eth0/operstate", "up\n");
	expect(j, check_link, CHECK_PASSED, NULL);
	made_file(j->root, "/proc/net/route", ROUTE_HEAD DEFAULT_ROUTE("enp1s0"));
	made_file(j->root, "/sys/class/net/enp1s0/operstate", "up\n");
	expect(j, check_link, CHECK_PASSED, "was on eth0 and is on enp1s0");
}

static void devices_that_lost_their_driver_are_told(void **state)
{
	struct judged *j = *state;

	expect(j, check_devices, CHECK_SKIPPED, "no baseline");
	strv_add(&j->baseline.drivers, "pci:a one");
	strv_add(&j->baseline.drivers, "pci:a one");
	strv_add(&j->baseline.drivers, "pci:gone two");
	made_file(j->root, "/sys/bus/pci/devices/1/modalias", "pci:a\n");
	made_file(j->root, "/sys/bus/pci/devices/2/modalias", "pci:a\n");
	made_file(j->root, "/sys/bus/pci/devices/3/modalias", "pci:never\n");
	made_link(j->root, "../../../bus/pci/drivers/other",
		  "/sys/bus/pci/devices/1/driver");
	expect(j, check_devices, CHECK_FAILED, "no driver any more for pci:a");
	made_link(j->root, "../../../bus/pci/drivers/other",
		  "/sys/bus/pci/devices/2/driver");
	expect(j, check_devices, CHECK_PASSED, NULL);
}

static void only_the_kernel_condemns_itself(void **state)
{
	static const struct {
		const char *record;
		bool trouble;
	} cases[] = {
		{"1,900,5,-;BUG: kernel NULL pointer dereference, address: 0", true},
		{"0,900,5,-;watchdog: BUG: soft lockup - CPU#0 stuck for 26s!", true},
		{"2,900,5,-;kernel BUG at fs/inode.c:611!", true},
		{"4,900,5,-;Oops: 0002 [#1] PREEMPT SMP PTI", true},
		{"4,900,5,-;general protection fault, probably for non-canonical", true},
		{"4,900,5,-,x;Internal error: Oops: 96000004 [#1] SMP", true},
		{"4,900,5,-;WARNING: CPU: 0 PID: 1 at kernel/fork.c:1", false},
		{"4,900,5,-;Call Trace:", false},
		{"4,900,5,-;[Firmware Bug]: TSC not synchronous", false},
		{"6,900,5,-;traps: a[1] general protection fault ip:1 sp:2", false},
		{"6,900,5,-;a: BUG: the name of a process", false},
		{"12,900,5,-;BUG: user space says", false},
		{"1,900;", false},
		{" 1,9;BUG: x", false},
		{"1 BUG: x", false},
		{"", false},
		{"BUG: x", false},
		{"-1,2,3,-;BUG: x", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if ((kernel_log_trouble(cases[i].record) != NULL) != cases[i].trouble)
			fail_msg("%s", cases[i].record);
}

static void the_kernel_log_is_searched(void **state)
{
	struct judged *j = *state;

	expect(j, check_kernel_log, CHECK_SKIPPED, "can't be read");
	made_file(j->root, "/dev/kmsg", "6,1,0,-;Linux version 6.1\n SUBSYSTEM=cpu\n");
	expect(j, check_kernel_log, CHECK_PASSED, NULL);
	made_file(j->root, "/dev/kmsg",
		  "6,1,0,-;Linux\n4,2,9,-;Oops: 0002 [#1]\n1,3,9,-;BUG: second\n");
	expect(j, check_kernel_log, CHECK_FAILED, "Oops: 0002 [#1] (and more)");
}

/* An executable check that does what its name says. */
static void put_program(const struct judged *j, const char *path)
{
	autofree char *full = root_path(j->root, path), *program = NULL;
	struct root live = {0};
	size_t len = 0;

	assert_int_equal(root_open(&live, "/", NULL), 0);
	assert_int_equal(root_read(&live, getenv("CHECK_PROGRAM"),
				   (size_t)16 * 1024 * 1024, &program, &len, NULL),
			 0);
	root_done(&live);
	made_bytes(j->root, path, program, len);
	assert_int_equal(chmod(full, 0755), 0);
}

static void run_programs(const struct judged *j, struct health *ret)
{
	struct error err = {0};

	if (health_run_programs(&j->context, ret, &err) < 0)
		fail_msg("%s", err.message);
}

static void expect_program(const struct health *h, size_t at, const char *name,
			   enum check_result result, const char *words)
{
	assert_true(at < h->count);
	assert_string_equal(h->items[at].name, name);
	if (h->items[at].result != result)
		fail_msg("%s: %s", name,
			 h->items[at].detail ? h->items[at].detail : "no detail");
	if (words)
		assert_non_null(strstr(h->items[at].detail, words));
}

/* Running below another root takes chroot(2). */
static void skip_unprivileged(void)
{
	if (geteuid() != 0)
		skip();
}

#define ETC_REQUIRED "/etc/kuro/health.d/required.d/"
#define LIB_REQUIRED "/usr/lib/kuro/health.d/required.d/"
#define ETC_WANTED   "/etc/kuro/health.d/wanted.d/"

static void programs_are_run_and_judged(void **state)
{
	struct judged *j = *state;
	autohealth struct health h = {0};

	skip_unprivileged();
	assert_int_equal(policy_set(&j->policy, POLICY_HEALTH_TIMEOUT, "1", NULL), 0);
	put_program(j, ETC_REQUIRED "20-talks");
	put_program(j, LIB_REQUIRED "10-pass");
	put_program(j, ETC_REQUIRED "30-hang");
	put_program(j, ETC_REQUIRED "40-environment");
	put_program(j, ETC_REQUIRED "50-killed");
	put_program(j, ETC_WANTED "10-silent");
	run_programs(j, &h);
	assert_int_equal(h.count, 6);
	expect_program(&h, 0, LIB_REQUIRED "10-pass", CHECK_PASSED, NULL);
	expect_program(&h, 1, ETC_REQUIRED "20-talks", CHECK_FAILED,
		       "exit status 3: three / four \\x1b[31m / five");
	assert_null(strstr(h.items[1].detail, "two"));
	expect_program(&h, 2, ETC_REQUIRED "30-hang", CHECK_TIMED_OUT, "1 second");
	expect_program(&h, 3, ETC_REQUIRED "40-environment", CHECK_FAILED,
		       "7 6.1.0-50-amd64 0 /");
	expect_program(&h, 4, ETC_REQUIRED "50-killed", CHECK_FAILED, "signal 9");
	expect_program(&h, 5, ETC_WANTED "10-silent", CHECK_FAILED, "exit status 3");
	assert_true(h.items[4].required);
	assert_false(h.items[5].required);
	assert_false(health_good(&h));
}

static void etc_replaces_and_masks(void **state)
{
	struct judged *j = *state;
	autohealth struct health h = {0};

	skip_unprivileged();
	put_program(j, LIB_REQUIRED "10-replaced");
	put_program(j, ETC_REQUIRED "10-replaced");
	put_program(j, LIB_REQUIRED "20-masked");
	made_link(j->root, "/dev/null", ETC_REQUIRED "20-masked");
	put_program(j, LIB_REQUIRED "30-pass.dpkg-old");
	put_program(j, LIB_REQUIRED ".hidden");
	made_file(j->root, LIB_REQUIRED "README", "not a check");
	put_program(j, "/etc/greenboot/check/required.d/10-pass.sh");
	put_program(j, "/etc/greenboot/check/required.d/20-not-shell");
	run_programs(j, &h);
	assert_int_equal(h.count, 2);
	expect_program(&h, 0, ETC_REQUIRED "10-replaced", CHECK_FAILED, NULL);
	expect_program(&h, 1, "/etc/greenboot/check/required.d/10-pass.sh", CHECK_PASSED,
		       NULL);
}

static void set_mode(const struct judged *j, const char *path, mode_t mode)
{
	autofree char *full = root_path(j->root, path);

	assert_int_equal(chmod(full, mode), 0);
}

/* The one check that is there fails without being run, for this reason. */
static void expect_not_run(const struct judged *j, const char *words)
{
	autohealth struct health h = {0};

	run_programs(j, &h);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.items[0].result, CHECK_FAILED);
	assert_true(h.items[0].required);
	if (!strstr(h.items[0].detail, words))
		fail_msg("%s", h.items[0].detail);
}

static void what_others_may_write_is_not_run(void **state)
{
	static const char program[] = LIB_REQUIRED "10-pass";
	struct judged *j = *state;

	skip_unprivileged();
	put_program(j, program);
	set_mode(j, program, 0775);
	expect_not_run(j, "may be written by others");
	set_mode(j, program, 0757);
	expect_not_run(j, "may be written by others");
	set_mode(j, program, 0644);
	expect_not_run(j, "is not executable");
	set_mode(j, program, 0755);
	set_mode(j, LIB_REQUIRED, 0777);
	expect_not_run(j, "may be written by others");
	set_mode(j, LIB_REQUIRED, 0755);
	set_mode(j, "/usr/lib", 0775);
	expect_not_run(j, "/usr/lib may be written by others");
}

static void foreign_files_and_links_to_them_are_not_run(void **state)
{
	static const char program[] = LIB_REQUIRED "10-pass";
	struct judged *j = *state;
	autofree char *full = root_path(j->root, program);

	skip_unprivileged();
	put_program(j, program);
	assert_int_equal(chown(full, 1000, 1000), 0);
	expect_not_run(j, "belongs to user 1000");
	assert_int_equal(root_unlink(j->root, program, NULL), 0);
	made_link(j->root, "/home/me/check-pass", program);
	expect_not_run(j, "can't be reached");
	put_program(j, "/home/me/check-pass");
	set_mode(j, "/home/me", 0777);
	expect_not_run(j, "/home/me may be written by others");
	assert_int_equal(root_unlink(j->root, program, NULL), 0);
	made_dir(j->root, program);
	expect_not_run(j, "is not a file");
}

static void the_policy_switches_checks_off(void **state)
{
	struct judged *j = *state;
	autohealth struct health all = {0}, less = {0};

	assert_int_equal(health_run(&j->context, &all, NULL), 0);
	assert_int_equal(policy_set(&j->policy, POLICY_HEALTH_MOUNTS, "false", NULL), 0);
	assert_int_equal(health_run(&j->context, &less, NULL), 0);
	assert_int_equal(less.count, all.count - 1);
	for (size_t i = 0; i < less.count; i++)
		assert_string_not_equal(less.items[i].name, "built in: mounts");
}

static void put_check(struct health *h, const char *name, bool required,
		      enum check_result result, const char *detail)
{
	check_end(health_add(h, str_dup(name), required), result, "%s", detail);
}

static void health_is_what_required_checks_say(void **state)
{
	autohealth struct health h = {0};
	autofree char *summary = NULL;

	(void)state;
	assert_true(health_good(&h));
	assert_null(health_summary(&h));
	put_check(&h, "built in: link", true, CHECK_SKIPPED, "no baseline");
	put_check(&h, "/etc/x/10-a", false, CHECK_FAILED, "exit status 1");
	assert_true(health_good(&h));
	put_check(&h, "built in: units", true, CHECK_FAILED, "ssh.service failed");
	assert_false(health_good(&h));
	put_check(&h, "/etc/x/20-b", true, CHECK_TIMED_OUT, "no end");
	summary = health_summary(&h);
	assert_string_equal(summary,
			    "ssh.service failed; check 20-b: no end; check 10-a: "
			    "exit status 1 (wanted, not required)");
}

static void health_survives_json(void **state)
{
	autohealth struct health h = {0}, again = {0};
	autofree char *text = NULL, *text_again = NULL;

	(void)state;
	put_check(&h, "built in: link", true, CHECK_PASSED, "");
	put_check(&h, "/etc/x/10-\"a\"", false, CHECK_TIMED_OUT, "no \033 end");
	h.items[1].milliseconds = 61234;
	text = health_format(&h);
	assert_int_equal(health_parse(text, &again, NULL), 0);
	assert_int_equal(again.count, 2);
	assert_null(again.items[0].detail);
	assert_string_equal(again.items[1].detail, "no \\x1b end");
	assert_int_equal(again.items[1].milliseconds, 61234);
	assert_int_equal(again.items[1].result, CHECK_TIMED_OUT);
	text_again = health_format(&again);
	assert_string_equal(text, text_again);
}

static void damaged_json_is_told(void **state)
{
	static const char *const texts[] = {
		"",
		"{\"schema\":1}",
		"{\"schema\":1,\"checks\":3}",
		"{\"schema\":1,\"checks\":[3]}",
		"{\"schema\":1,\"checks\":[{}]}",
		"{\"schema\":1,\"checks\":[{\"name\":\"a\",\"required\":1,"
		"\"result\":\"passed\",\"detail\":null,\"milliseconds\":1}]}",
		"{\"schema\":1,\"checks\":[{\"name\":\"a\",\"required\":true,"
		"\"result\":\"splendid\",\"detail\":null,\"milliseconds\":1}]}",
		"{\"schema\":1,\"checks\":[{\"name\":\"a\",\"required\":true,"
		"\"result\":\"passed\",\"detail\":null,\"milliseconds\":-1}]}",
		"{\"schema\":1,\"checks\":[{\"name\":\"a\",\"required\":true,"
		"\"result\":\"passed\",\"detail\":null,\"milliseconds\":4294967296}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct health h = {0};
		struct error err = {0};

		assert_int_equal(health_parse(texts[i], &h, &err), -ERROR_DAMAGED);
		assert_non_null(strstr(err.message, "health: "));
		assert_null(h.items);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		JUDGED_TEST(the_generation_that_was_meant_must_run),
		JUDGED_TEST(required_modules_are_loaded_or_built_in),
		JUDGED_TEST(only_new_failed_units_count),
		JUDGED_TEST(base_mounts_must_be_there_and_writable),
		JUDGED_TEST(mounts_of_fstab_must_be_there),
		JUDGED_TEST(a_default_route_must_be_up_again),
		JUDGED_TEST(devices_that_lost_their_driver_are_told),
		cmocka_unit_test(only_the_kernel_condemns_itself),
		JUDGED_TEST(the_kernel_log_is_searched),
		JUDGED_TEST(programs_are_run_and_judged),
		JUDGED_TEST(etc_replaces_and_masks),
		JUDGED_TEST(what_others_may_write_is_not_run),
		JUDGED_TEST(foreign_files_and_links_to_them_are_not_run),
		JUDGED_TEST(the_policy_switches_checks_off),
		cmocka_unit_test(health_is_what_required_checks_say),
		cmocka_unit_test(health_survives_json),
		cmocka_unit_test(damaged_json_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
