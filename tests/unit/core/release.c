/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Releases are ordered as the version format specification says, with its own examples
 * and with real ones; what could leave a path or enter a script is no release.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/release.h"

struct pair {
	const char *lower, *higher;
};

static void compare_both_ways(const struct pair *pairs, size_t count, int expected)
{
	for (size_t i = 0; i < count; i++) {
		int there = release_compare(pairs[i].lower, pairs[i].higher);
		int back = release_compare(pairs[i].higher, pairs[i].lower);

		if (there != expected || back != -expected)
			fail_msg("\"%s\" against \"%s\": %d and back %d", pairs[i].lower,
				 pairs[i].higher, there, back);
	}
}

static void order_is_that_of_the_specification(void **state)
{
	static const struct pair lower[] = {
		{"bar-123", "foo-123"},
		{"123", "123a"},
		{"123", "123.a"},
		{"123.a", "123.b"},
		{"123.a", "123a"},
		{"A", "a"},
		{"", "0"},
		{"0", "0."},
		{"0", "0.0"},
		{"1_", "1.2"},
		{"1.3.3", "1_2_3"},
		{"1+", "1.2"},
		{"1.3.3", "1+2+3"},
		{"123~rc1", "123"},
		{"123~rc1", "123~rc2"},
		{"123", "123^post1"},
		{"123^post1", "123.1"},
		{"123-a", "123-b"},
		{"123-1", "123.1-1"},
		{"123-3", "123^45-2"},
		{"123^45-2", "123.45-1"},
		{"~", ""},
		{"9", "10"},
		{"a", "b"},
		{"a1.", "a1.0"},
		{"1.a", "1.0"},
		{"a", "ab"},
		{"18446744073709551615", "18446744073709551616"},
	};

	(void)state;
	compare_both_ways(lower, ARRAY_LEN(lower), -1);
}

static void releases_of_distributions_in_order(void **state)
{
	static const struct pair lower[] = {
		{"6.1.0-9-amd64", "6.1.0-10-amd64"},
		{"6.1.0-9", "6.1.0-10"},
		{"6.12.0~rc1", "6.12.0"},
		{"6.1.0-56-amd64", "6.1.0-56-cloud-amd64"},
		{"6.1.0-56-cloud-amd64", "6.1.0-57-amd64"},
		{"5.14.0-362.8.1.el9_3.x86_64", "5.14.0-362.18.1.el9_3.x86_64"},
		{"5.14.0-362.24.1.el9_3.x86_64", "5.14.0-427.el9.x86_64"},
		{"6.8.5-201.fc39.x86_64", "6.8.5-301.fc40.x86_64"},
		{"6.5.0-9-generic", "6.5.0-10-generic"},
		{"5.14.21-150500.55.7-default", "6.4.0-150600.21-default"},
	};

	(void)state;
	compare_both_ways(lower, ARRAY_LEN(lower), -1);
}

static void what_differs_in_no_component_is_equal(void **state)
{
	static const struct pair equal[] = {
		{"11", "11"},
		{"systemd-123", "systemd-123"},
		{"1_", "1"},
		{"_1", "1"},
		{"1+", "1"},
		{"+1", "1"},
		{"", ""},
		{"007", "7"},
		{"11\xce\xb1", "11\xce\xb2"},
	};

	(void)state;
	compare_both_ways(equal, ARRAY_LEN(equal), 0);
}

static void order_is_transitive(void **state)
{
	static const char *const all[] = {
		"",    "~",       "0",        "1",        "1~rc1",     "1^a", "1.0",
		"1-1", "1-a",     "1a",       "1.a",      "1~~",       "1^",  "1-",
		"1.",  "a",       "A",        "01",       "1+",        "10",  "1.10",
		"1.9", "1-9",     "1-10",     "-",        ".",         "^",   "a1",
		"a-1", "6.1.0-9", "6.1.0-9~", "6.1.0-9+", "6.1.0-9-x",
	};
	size_t n = ARRAY_LEN(all);

	(void)state;
	for (size_t i = 0; i < n * n * n; i++) {
		const char *a = all[i % n], *b = all[i / n % n], *c = all[i / n / n];

		assert_int_equal(release_compare(a, b), -release_compare(b, a));
		if (release_compare(a, b) <= 0 && release_compare(b, c) <= 0 &&
		    release_compare(a, c) > 0)
			fail_msg("\"%s\" <= \"%s\" <= \"%s\" but not the ends", a, b, c);
	}
}

static void only_plain_names_are_releases(void **state)
{
	static const char *const good[] = {
		"6.1.0-56-amd64",
		"5.14.0-362.8.1.el9_3.x86_64",
		"6.12.0~rc1+",
		"6",
		"0123456789012345678901234567890123456789012345678901234567890123",
	};
	static const char *const bad[] = {
		"",
		".",
		"..",
		"-6.1",
		"6.1/../..",
		"6..1",
		"6.1 x",
		"6.1\n",
		"6.1'",
		"6.1\"",
		"6.1$root",
		"6.1;ls",
		"6.1\xff",
		"_6.1",
		"6.1{a}",
		"6.1\\",
		"~6.1",
		"/",
		"01234567890123456789012345678901234567890123456789012345678901234",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!release_valid(good[i]))
			fail_msg("\"%s\" is a release", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (release_valid(bad[i]))
			fail_msg("\"%s\" is no release", bad[i]);
}

static void headers_of_a_release_are_known_by_their_name(void **state)
{
	static const struct {
		const char *release, *name;
		bool is;
	} rows[] = {
		{"6.1.0-50-amd64", "linux-headers-6.1.0-50-amd64_6.1.1_amd64.deb", true},
		{"6.1.0-50-amd64", "linux-headers-6.1.0-49-amd64_6.1.1_amd64.deb", false},
		{"6.1.0-50-amd64", "linux-image-6.1.0-50-amd64_6.1.1_amd64.deb", false},
		{"6.9.7-200.fc40.x86_64", "kernel-devel-6.9.7-200.fc40.x86_64.rpm", true},
		{"6.9.7-200.fc40.x86_64", "kernel-core-6.9.7-200.fc40.x86_64.rpm", false},
		{"6.4.0-150600.23.25-default",
		 "kernel-default-devel-6.4.0-150600.23.25.1.x86_64.rpm", true},
		{"6.9.7-1-default", "kernel-default-devel-6.9.7-1.1.x86_64.rpm", true},
		{"6.4.0-150600.23.25-default",
		 "kernel-rt-devel-6.4.0-150600.23.25.1.x86_64.rpm", false},
		{"6.4.0-150600.23.2-default",
		 "kernel-default-devel-6.4.0-150600.23.25.1.x86_64.rpm", false},
		{"6.4.0", "kernel-default-devel-6.5.0.x86_64.rpm", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (release_headers_package(rows[i].release, rows[i].name) != rows[i].is)
			fail_msg("%s", rows[i].name);
}

static void packages_name_their_release(void **state)
{
	static const struct {
		const char *name, *release;
		bool image;
	} rows[] = {
		{"linux-image-6.1.0-50-amd64", "6.1.0-50-amd64", true},
		{"linux-image-6.1.0-50-amd64:amd64", "6.1.0-50-amd64", true},
		{"linux-image-unsigned-6.5.0-9-generic", "6.5.0-9-generic", true},
		{"linux-image-6.1.0-50-amd64-unsigned", "6.1.0-50-amd64", true},
		{"linux-modules-extra-6.5.0-9-generic", "6.5.0-9-generic", false},
		{"linux-modules-6.5.0-9-generic", "6.5.0-9-generic", false},
		{"linux-image-6.1.0-50-amd64-dbg", NULL, false},
		{"linux-image-unsigned-6.5.0-9-generic-dbgsym", NULL, false},
		{"linux-image-amd64", NULL, false},
		{"linux-image-686", NULL, false},
		{"linux-modules-nvidia-535-6.5.0-9-generic", NULL, false},
		{"linux-headers-6.1.0-50-amd64", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool image = false;
		autofree char *release = release_of_package(rows[i].name, &image);

		if (!str_eq(release, rows[i].release) || image != rows[i].image)
			fail_msg("%s: %s", rows[i].name, release ? release : "none");
	}
}

static void flavours_stand_behind_the_version(void **state)
{
	static const char *const alike[][2] = {
		{"6.1.0-55-cloud-amd64", "6.12.117+deb12-cloud-amd64"},
		{"6.10-rc3-amd64", "6.1.0-50-amd64"},
		{"6.5.6-300.fc39.x86_64", "6.9.7-200.fc40.x86_64"},
		{"6.5.6-300.fc39.x86_64+debug", "6.9.7-200.fc40.x86_64+debug"},
		{"6.6.30", "6.6.31"},
	};
	static const char *const apart[][2] = {
		{"6.1.0-55-cloud-amd64", "6.1.0-55-amd64"},
		{"6.1.0-55-rt-amd64", "6.1.0-55-amd64"},
		{"6.5.6-300.fc39.x86_64+debug", "6.5.6-300.fc39.x86_64"},
		{"6.4.0-21-default", "6.4.0-21-kvmsmall"},
		{"6.1.0-1-686-pae", "6.1.0-1-686"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(alike); i++)
		assert_true(release_same_flavour(alike[i][0], alike[i][1]));
	for (size_t i = 0; i < ARRAY_LEN(apart); i++)
		assert_false(release_same_flavour(apart[i][0], apart[i][1]));
	assert_true(release_preferred("6.1.0-50-amd64", "6.1.0-51-rt-amd64",
				      "6.1.0-49-amd64"));
	assert_false(
		release_preferred("6.1.0-50-amd64", "6.1.0-51-amd64", "6.1.0-49-amd64"));
	assert_true(release_preferred("6.1.0-51-rt-amd64", "6.1.0-50-amd64",
				      "6.1.0-49-cloud-amd64"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_is_that_of_the_specification),
		cmocka_unit_test(releases_of_distributions_in_order),
		cmocka_unit_test(what_differs_in_no_component_is_equal),
		cmocka_unit_test(order_is_transitive),
		cmocka_unit_test(only_plain_names_are_releases),
		cmocka_unit_test(headers_of_a_release_are_known_by_their_name),
		cmocka_unit_test(packages_name_their_release),
		cmocka_unit_test(flavours_stand_behind_the_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
