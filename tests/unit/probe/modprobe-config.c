/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * modprobe.d as modprobe reads it, of the machine's root and of no other, and what the
 * command line of the next boot adds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "made-machine.h"
#include "probe/modprobe-config.h"

#define MACHINE_TEST(f) \
	cmocka_unit_test_setup_teardown(f, made_machine_set_up, made_machine_tear_down)

static const struct root *machine(void **state)
{
	const struct made_machine *m = *state;

	return &m->root;
}

static void read_config(const struct root *root, const char *line,
			struct modprobe_config *ret)
{
	struct error err = {0};

	if (modprobe_config_read(root, line, ret, &err) < 0)
		fail_msg("%s", err.message);
}

static void assert_list(const struct strv *list, const char *words)
{
	autofree char *joined = strv_join(list, " | ");

	assert_string_equal(joined ? joined : "", words);
}

static void files_are_read_as_modprobe_does(void **state)
{
	const struct root *root = machine(state);
	automodprobe struct modprobe_config config = {0};

	made_at(root, "# dkms\nblacklist no-uveau\nalias net-pf-3 off\n",
		"/etc/modprobe.d/b.conf");
	made_at(root, "blacklist hidden\n", "/lib/modprobe.d/b.conf");
	made_at(root, "install  nvi* \\\n/bin/false", "/usr/lib/modprobe.d/a.conf");
	made_at(root,
		"blacklist from_run\nsoftdep x-y pre: a b post: c\n"
		"softdep z post: d\n",
		"/run/modprobe.d/c.conf");
	made_at(root, "blacklist no\n", "/etc/modprobe.d/note.txt");
	read_config(root, NULL, &config);
	assert_list(&config.blacklisted, "no_uveau | from_run");
	assert_list(&config.installs, "nvi*");
	assert_list(&config.commands, "/bin/false");
	assert_list(&config.aliases, "net_pf_3 off");
	assert_list(&config.softdeps, "x_y a | x_y b");
	assert_list(&config.newly, "");
}

static void links_stay_below_the_root(void **state)
{
	const struct root *root = machine(state);
	automodprobe struct modprobe_config config = {0};

	made_at(root, "blacklist inside\n", "/srv/there.conf");
	made_at(root, "", "/etc/modprobe.d/z.conf");
	assert_int_equal(root_symlink(root, "/srv/there.conf", "/etc/modprobe.d/a.conf"),
			 0);
	assert_int_equal(root_symlink(root, "/gone", "/etc/modprobe.d/b.conf"), 0);
	read_config(root, NULL, &config);
	assert_list(&config.blacklisted, "inside");
}

static void a_machine_without_any_has_none(void **state)
{
	automodprobe struct modprobe_config config = {0};

	read_config(machine(state), "root=/dev/vda1 ro", &config);
	assert_true(modprobe_autoloads(&config, "nouveau", false));
	assert_null(modprobe_disabled(&config, "nouveau"));
}

/* Only what is new on the command line takes away what is loaded. */
static void command_lines_of_this_boot_and_of_the_next_count(void **state)
{
	const struct root *root = machine(state);
	automodprobe struct modprobe_config config = {0};

	made_at(root, "ro modprobe.blacklist=old,both\n", "/proc/cmdline");
	made_at(root, "blacklist filed\n", "/etc/modprobe.d/a.conf");
	read_config(root, "modprobe.blacklist=both modprobe.blacklist=new,filed quiet",
		    &config);
	assert_list(&config.blacklisted, "filed | old | both");
	assert_list(&config.newly, "new");
	assert_true(modprobe_autoloads(&config, "both", true));
	assert_false(modprobe_autoloads(&config, "both", false));
	assert_false(modprobe_autoloads(&config, "new", true));
	assert_true(modprobe_autoloads(&config, "other", false));
}

static void commands_that_load_nothing_are_known(void **state)
{
	static const struct {
		const char *command;
		bool disabled;
	} cases[] = {
		{"/bin/false", true},
		{"/bin/true", true},
		{"/usr/bin/true $CMDLINE_OPTS", true},
		{":", true},
		{"true", true},
		{"modprobe -i nvidia-current $CMDLINE_OPTS", false},
		{"/bin/true; modprobe -i x", false},
		{"/bin/false || modprobe -i x", false},
		{"/sbin/truer", false},
	};
	const struct root *root = machine(state);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		automodprobe struct modprobe_config config = {0};
		autofree char *text =
			str_format("install some-module %s\ninstall some* /bin/false\n",
				   cases[i].command);

		made_at(root, text, "/etc/modprobe.d/a.conf");
		read_config(root, NULL, &config);
		if (!modprobe_disabled(&config, "some_module") == cases[i].disabled)
			fail_msg("%s", cases[i].command);
		assert_string_equal(modprobe_disabled(&config, "some_more"),
				    "/bin/false");
	}
}

static void more_than_it_ever_has_is_refused(void **state)
{
	const struct root *root = machine(state);
	struct modprobe_config config = {0};
	autofree char *large = mem_zalloc((4 << 20) + 2);
	struct error err = {0};

	memset(large, '\n', (4 << 20) + 1);
	made_at(root, large, "/etc/modprobe.d/a.conf");
	assert_int_equal(modprobe_config_read(root, NULL, &config, &err), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE_TEST(files_are_read_as_modprobe_does),
		MACHINE_TEST(links_stay_below_the_root),
		MACHINE_TEST(a_machine_without_any_has_none),
		MACHINE_TEST(command_lines_of_this_boot_and_of_the_next_count),
		MACHINE_TEST(commands_that_load_nothing_are_known),
		MACHINE_TEST(more_than_it_ever_has_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
