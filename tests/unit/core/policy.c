/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy begins with its documented defaults; a layer changes what it names and says
 * where that came from, or changes nothing at all. What a bad file is told in which line
 * is tests/cases/policy; here is what text alone can't show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/policy.h"

/* Every value with its source, one a line. */
static char *policy_dump(const struct policy *policy)
{
	struct text t = {0};

	for (unsigned int key = 0; key < POLICY_KEYS; key++) {
		autofree char *value = policy_value_text(policy, key);

		text_appendf(&t, "%s = %s from %s\n", policy_setting(key)->path, value,
			     policy->values[key].source);
	}
	return text_take(&t);
}

static void defaults_are_those_documented(void **state)
{
	static const char expected[] =
		"boot.tries = 1 from built in\n"
		"boot.miss_limit = 3 from built in\n"
		"boot.menu_timeout = 5 from built in\n"
		"boot.verify_good = false from built in\n"
		"boot.trial_args = [ \"panic=10\", \"oops=panic\", "
		"\"softlockup_panic=1\", "
		"\"rd.shell=0\", \"rd.emergency=reboot\", \"systemd.crash_reboot=1\" ] "
		"from built in\n"
		"reboot.mode = \"later\" from built in\n"
		"health.settle = 30 from built in\n"
		"health.attempts = 3 from built in\n"
		"health.interval = 10 from built in\n"
		"health.timeout = 60 from built in\n"
		"health.deadline = 600 from built in\n"
		"health.generation = true from built in\n"
		"health.modules = true from built in\n"
		"health.units = true from built in\n"
		"health.mounts = true from built in\n"
		"health.link = true from built in\n"
		"health.kernel_log = true from built in\n"
		"modules.required = [ ] from built in\n"
		"modules.optional = [ ] from built in\n"
		"modules.ignored = [ ] from built in\n"
		"modules.incompatible = \"refuse\" from built in\n"
		"modules.in_use = \"required\" from built in\n"
		"modules.tainted = true from built in\n"
		"modules.build = true from built in\n"
		"devices.lost = \"refuse-root-and-link\" from built in\n"
		"kernel.config_required = [ ] from built in\n"
		"kernel.config_forbidden = [ ] from built in\n"
		"kernel.config_vanished = \"refuse\" from built in\n"
		"packages.refresh = true from built in\n"
		"packages.security = false from built in\n"
		"packages.unfit = \"refuse\" from built in\n"
		"packages.timeout = 3600 from built in\n"
		"holds.days = 30 from built in\n"
		"retention.keep = [ \"running\", \"good\", \"good-1\", \"pinned\", "
		"\"latest\" ] from built in\n"
		"retention.remove = [ ] from built in\n"
		"retention.max_releases = 2 from built in\n"
		"retention.max_room = 0 from built in\n"
		"retention.max_days = 0 from built in\n"
		"retention.automatic = true from built in\n"
		"room.reserve = 16 from built in\n"
		"initramfs.shrunk = 30 from built in\n"
		"initramfs.build_limit = 3600 from built in\n";
	autopolicy struct policy policy;
	autofree char *dump = NULL;

	(void)state;
	policy_init(&policy);
	dump = policy_dump(&policy);
	assert_string_equal(dump, expected);
}

static void rows_are_whole(void **state)
{
	(void)state;
	for (unsigned int key = 0; key < POLICY_KEYS; key++) {
		const struct policy_setting *setting = policy_setting(key);

		assert_non_null(strchr(setting->path, '.'));
		assert_non_null(setting->fallback);
		assert_true(strlen(setting->doc) > 20);
		if (setting->type == POLICY_NUMBER)
			assert_true(setting->min < setting->max);
		if (setting->type == POLICY_CHOICE)
			assert_non_null(setting->choices[0]);
	}
}

static void layers_lie_over_each_other(void **state)
{
	autopolicy struct policy policy;
	struct error err = {0};

	(void)state;
	policy_init(&policy);
	if (policy_apply(
		    &policy, "a.conf",
		    "boot: { tries = 2; trial_args = [ \"panic=5\", \"a=b c\" ]; };\n"
		    "health: { units = false; };\n",
		    &err) < 0 ||
	    policy_apply(&policy, "b.conf",
			 "# nothing\nreboot = { mode = \"now\" }\n"
			 "boot = {\n\n tries = 3L };\nmodules : { required = ( "
			 "\"nvidia\" ) }\n",
			 &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(policy_number(&policy, POLICY_BOOT_TRIES), 3);
	assert_string_equal(policy.values[POLICY_BOOT_TRIES].source, "b.conf:5");
	assert_false(policy_bool(&policy, POLICY_HEALTH_UNITS));
	assert_string_equal(policy.values[POLICY_HEALTH_UNITS].source, "a.conf:2");
	assert_true(policy_bool(&policy, POLICY_HEALTH_LINK));
	assert_string_equal(policy_choice(&policy, POLICY_REBOOT_MODE), "now");
	assert_int_equal(policy_strings(&policy, POLICY_BOOT_TRIAL_ARGS)->count, 2);
	assert_string_equal(policy_strings(&policy, POLICY_BOOT_TRIAL_ARGS)->items[1],
			    "a=b c");
	assert_string_equal(policy_strings(&policy, POLICY_MODULES_REQUIRED)->items[0],
			    "nvidia");
	assert_int_equal(policy_apply(&policy, "c.conf", "modules = { required = [] }",
				      NULL),
			 0);
	assert_int_equal(policy_strings(&policy, POLICY_MODULES_REQUIRED)->count, 0);
}

static void a_bad_layer_changes_nothing(void **state)
{
	static const char *const bad[] = {
		"boot: { tries = 2; miss_limit = 99; };",
		"boot: { tries = 2; }; health: { settle = \"x\"; };",
		"boot: { tries = 2; }; nonsense: { };",
		"modules: { required = [ \"a\", \"b/c\" ]; };",
		"boot: { tries = 2; }; }",
	};
	autopolicy struct policy policy;
	autofree char *before = NULL;

	(void)state;
	policy_init(&policy);
	assert_int_equal(policy_set(&policy, POLICY_MODULES_REQUIRED, "zfs", NULL), 0);
	before = policy_dump(&policy);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		autofree char *after = NULL;
		struct error err = {0};

		assert_int_equal(policy_apply(&policy, "x.conf", bad[i], &err),
				 -ERROR_USAGE);
		assert_int_equal(err.code, -ERROR_USAGE);
		assert_int_equal(policy_apply(&policy, "x.conf", bad[i], NULL),
				 -ERROR_USAGE);
		after = policy_dump(&policy);
		assert_string_equal(after, before);
	}
}

static void an_included_file_is_never_opened(void **state)
{
	static const char *const forms[] = {
		"@include \"%s\"\n",
		"boot: { tries = 2; };\n \t@include\t\"%s\"\n",
		"/* \n@include \"%s\"\n*/\n",
		"a = \"\n@include \"%s\"\n\";\n",
		"\f@include \"%s\"\n",
		"// c\n@include \"%s\"",
	};
	char path[] = "/tmp/kuro-include-XXXXXX";
	static const char content[] = "boot: { tries = 7; };\n";
	autoclose int fd = mkstemp(path);
	autopolicy struct policy policy;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, sizeof(content) - 1), sizeof(content) - 1);
	policy_init(&policy);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct text t = {0};
		const char *hole = strstr(forms[i], "%s");
		struct error err = {0};

		text_append_n(&t, forms[i], (size_t)(hole - forms[i]));
		text_append(&t, path);
		text_append(&t, hole + 2);
		assert_int_equal(policy_apply(&policy, "x.conf", text_str(&t), &err),
				 -ERROR_USAGE);
		assert_non_null(strstr(err.message, "@include is not allowed"));
		assert_int_equal(policy_number(&policy, POLICY_BOOT_TRIES), 1);
		text_done(&t);
	}
	assert_int_equal(unlink(path), 0);
}

static void options_set_one_value(void **state)
{
	autopolicy struct policy policy;

	(void)state;
	policy_init(&policy);
	assert_int_equal(policy_set(&policy, POLICY_BOOT_TRIES, "4", NULL), 0);
	assert_int_equal(policy_number(&policy, POLICY_BOOT_TRIES), 4);
	assert_string_equal(policy.values[POLICY_BOOT_TRIES].source, "command line");
	assert_int_equal(policy_set(&policy, POLICY_REBOOT_MODE, "never", NULL), 0);
	assert_string_equal(policy_choice(&policy, POLICY_REBOOT_MODE), "never");
	assert_int_equal(policy_set(&policy, POLICY_HEALTH_LINK, "false", NULL), 0);
	assert_false(policy_bool(&policy, POLICY_HEALTH_LINK));
	assert_int_equal(policy_set(&policy, POLICY_MODULES_REQUIRED, "zfs nvidia", NULL),
			 0);
	assert_int_equal(policy_strings(&policy, POLICY_MODULES_REQUIRED)->count, 2);
	assert_int_equal(policy_set(&policy, POLICY_BOOT_TRIAL_ARGS, "a=\"b c\" d", NULL),
			 0);
	assert_string_equal(policy_strings(&policy, POLICY_BOOT_TRIAL_ARGS)->items[0],
			    "a=b c");
}

static void options_out_of_bounds_change_nothing(void **state)
{
	static const struct {
		enum policy_key key;
		const char *value, *says;
	} cases[] = {
		{POLICY_BOOT_TRIES, "0", "boot.tries = 0 is out of bounds"},
		{POLICY_BOOT_TRIES, "10", "a whole number from 1 to 9"},
		{POLICY_BOOT_TRIES, "", "a whole number from 1 to 9"},
		{POLICY_BOOT_TRIES, "3x", "\"3x\" can't be its value"},
		{POLICY_BOOT_TRIES, "-1", "\"-1\" can't be its value"},
		{POLICY_BOOT_TRIES, "99999999999999999999999", "can't be its value"},
		{POLICY_HEALTH_SETTLE, "3601",
		 "a whole number of seconds from 0 to 3600"},
		{POLICY_HEALTH_LINK, "yes", "allowed is true or false"},
		{POLICY_REBOOT_MODE, "soon",
		 "allowed is \"now\", \"later\" or \"never\""},
		{POLICY_REBOOT_MODE, "\x1b[2J", "\"\\x1b[2J\" is not known"},
		{POLICY_MODULES_REQUIRED, "a/b", "\"a/b\" can't be a module's name"},
		{POLICY_MODULES_REQUIRED,
		 "a123456789012345678901234567890123456789012345678901234", NULL},
		{POLICY_MODULES_REQUIRED,
		 "a1234567890123456789012345678901234567890123456789012345",
		 "module's name"},
		{POLICY_MODULES_OPTIONAL, "nvidia* v?box", NULL},
		{POLICY_MODULES_IGNORED, "[a-z]", "* and ? for any of them"},
		{POLICY_MODULES_IN_USE, "maybe",
		 "allowed is \"required\" or \"optional\""},
		{POLICY_DEVICES_LOST, "ignore", "\"refuse-root-and-link\" or \"warn\""},
		{POLICY_KERNEL_CONFIG_REQUIRED, "CONFIG_A CONFIG_B=m CONFIG_C=\"x y\"",
		 NULL},
		{POLICY_KERNEL_CONFIG_REQUIRED, "EXT4_FS", "CONFIG_NAME=VALUE"},
		{POLICY_KERNEL_CONFIG_REQUIRED, "CONFIG_", "can't be a kernel option"},
		{POLICY_KERNEL_CONFIG_FORBIDDEN, "CONFIG_A=", "can't be a kernel option"},
		{POLICY_KERNEL_CONFIG_FORBIDDEN, "CONFIG_A-B",
		 "can't be a kernel option"},
		{POLICY_KERNEL_CONFIG_FORBIDDEN, "CONFIG_A=\x1b",
		 "can't be a kernel option"},
		{POLICY_BOOT_TRIAL_ARGS, "kuro.trial=0", "kuro's own marks"},
		{POLICY_BOOT_TRIAL_ARGS, "it's", "boot.trial_args: kernel command line"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autopolicy struct policy policy;
		autofree char *before = NULL, *after = NULL;
		struct error err = {0};
		int r;

		policy_init(&policy);
		before = policy_dump(&policy);
		r = policy_set(&policy, cases[i].key, cases[i].value, &err);
		assert_int_equal(r, cases[i].says ? -ERROR_USAGE : 0);
		if (!cases[i].says)
			continue;
		if (!strstr(err.message, cases[i].says))
			fail_msg("\"%s\" does not say \"%s\"", err.message,
				 cases[i].says);
		after = policy_dump(&policy);
		assert_string_equal(after, before);
	}
}

static void a_pattern_fits_whole_names_only(void **state)
{
	static const struct {
		const char *pattern, *module;
		bool fits;
	} cases[] = {
		{"nvidia", "nvidia", true},
		{"nvidia", "nvidia_drm", false},
		{"nvidia*", "nvidia_drm", true},
		{"nvidia-d?m", "nvidia_drm", true},
		{"snd-hda-*", "snd_hda_intel", true},
		{"*", "zfs", true},
		{"?fs", "zfs", true},
		{"?fs", "zzfs", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autostrv struct strv patterns = {0};

		strv_add(&patterns, "nothing");
		strv_add(&patterns, cases[i].pattern);
		assert_int_equal(policy_module_fits(&patterns, cases[i].module),
				 cases[i].fits);
	}
}

static void lists_are_bounded(void **state)
{
	autopolicy struct policy policy;
	struct text t = {0};
	struct error err = {0};

	(void)state;
	policy_init(&policy);
	for (int i = 0; i < 64; i++)
		text_append(&t, "m ");
	assert_int_equal(policy_set(&policy, POLICY_MODULES_REQUIRED, text_str(&t), NULL),
			 0);
	text_append(&t, "m");
	assert_int_equal(policy_set(&policy, POLICY_MODULES_REQUIRED, text_str(&t), &err),
			 -ERROR_USAGE);
	assert_non_null(strstr(err.message, "65 items"));
	text_done(&t);
	for (int i = 0; i < 60; i++)
		text_append(&t, "a=1234567 ");
	assert_int_equal(policy_set(&policy, POLICY_BOOT_TRIAL_ARGS, text_str(&t), &err),
			 -ERROR_USAGE);
	assert_non_null(strstr(err.message, "allowed are at most 512"));
	text_done(&t);
}

static void huge_and_deep_files_are_refused(void **state)
{
	autofree char *huge = mem_zalloc(300 * 1024);
	autopolicy struct policy policy;
	struct error err = {0};

	(void)state;
	policy_init(&policy);
	memset(huge, ' ', 262144);
	assert_int_equal(policy_apply(&policy, "x.conf", huge, &err), 0);
	huge[262144] = ' ';
	assert_int_equal(policy_apply(&policy, "x.conf", huge, &err), -ERROR_USAGE);
	assert_non_null(strstr(err.message, "more than 262144 bytes"));
	memset(huge, '(', 100000);
	huge[100000] = '\0';
	memcpy(huge, "a=", 2);
	assert_int_equal(policy_apply(&policy, "x.conf", huge, &err), -ERROR_USAGE);
}

static void document_holds_every_setting_at_its_default(void **state)
{
	autofree char *document = policy_document();
	autopolicy struct policy policy;
	struct error err = {0};

	(void)state;
	policy_init(&policy);
	if (policy_apply(&policy, "document", document, &err) < 0)
		fail_msg("%s in:\n%s", err.message, document);
	for (unsigned int key = 0; key < POLICY_KEYS; key++) {
		autopolicy struct policy fresh;
		autofree char *value = policy_value_text(&policy, key), *expected = NULL;

		policy_init(&fresh);
		expected = policy_value_text(&fresh, key);
		assert_string_equal(value, expected);
		assert_true(strncmp(policy.values[key].source, "document:", 9) == 0);
	}
}

static void value_texts_read_back(void **state)
{
	autopolicy struct policy policy, again;
	autofree char *value = NULL, *file = NULL;
	struct error err = {0};

	(void)state;
	policy_init(&policy);
	policy_init(&again);
	assert_int_equal(policy_set(&policy, POLICY_BOOT_TRIAL_ARGS,
				    "root=PARTLABEL=a\\x20b \"c d\" e=\xc3\xa9", NULL),
			 0);
	value = policy_value_text(&policy, POLICY_BOOT_TRIAL_ARGS);
	file = str_format("boot: { trial_args = %s; };", value);
	if (policy_apply(&again, "x.conf", file, &err) < 0)
		fail_msg("%s in %s", err.message, file);
	assert_string_equal(policy_strings(&again, POLICY_BOOT_TRIAL_ARGS)->items[0],
			    "root=PARTLABEL=a\\x20b");
	assert_string_equal(policy_strings(&again, POLICY_BOOT_TRIAL_ARGS)->items[1],
			    "c d");
	assert_string_equal(policy_strings(&again, POLICY_BOOT_TRIAL_ARGS)->items[2],
			    "e=\xc3\xa9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_documented),
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(layers_lie_over_each_other),
		cmocka_unit_test(a_bad_layer_changes_nothing),
		cmocka_unit_test(an_included_file_is_never_opened),
		cmocka_unit_test(options_set_one_value),
		cmocka_unit_test(options_out_of_bounds_change_nothing),
		cmocka_unit_test(a_pattern_fits_whole_names_only),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(huge_and_deep_files_are_refused),
		cmocka_unit_test(document_holds_every_setting_at_its_default),
		cmocka_unit_test(value_texts_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
