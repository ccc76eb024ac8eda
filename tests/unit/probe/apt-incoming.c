/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What apt says it will do, as apt 2.6 wrote it; and what it never writes.
 */
#include "probe/apt-incoming.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define HEAD "VERSION 3\nAPT::Architecture=amd64\nAPT::Install-Recommends=1\n\n"
#define NEW                                                                        \
	"linux-image-6.1.0-50-amd64 - - none < 6.1.176-1 amd64 none "              \
	"/var/cache/apt/archives/linux-image-6.1.0-50-amd64_6.1.176-1_amd64.deb\n" \
	"linux-image-6.1.0-50-amd64 - - none < 6.1.176-1 amd64 none **CONFIGURE**\n"

static int parse(const char *text, struct package_plan *ret)
{
	struct error err = {0};
	int r = apt_incoming_parse(text, ret, &err);

	assert_true(r == 0 || err.message[0]);
	return r;
}

static void what_comes_has_its_archive(void **state)
{
	autoplan struct package_plan plan = {0};

	(void)state;
	assert_int_equal(parse(HEAD NEW, &plan), 0);
	assert_string_equal(plan.manager, "apt");
	assert_int_equal(plan.count, 1);
	assert_string_equal(plan.items[0].name, "linux-image-6.1.0-50-amd64");
	assert_null(plan.items[0].old_version);
	assert_string_equal(plan.items[0].new_version, "6.1.176-1");
	assert_string_equal(
		plan.items[0].archive,
		"/var/cache/apt/archives/linux-image-6.1.0-50-amd64_6.1.176-1_amd64.deb");
}

static void what_goes_has_no_new_version(void **state)
{
	autoplan struct package_plan plan = {0};

	(void)state;
	assert_int_equal(parse(HEAD
			       "wget 1.21-1 amd64 none > - - none **REMOVE**\n"
			       "curl 7.88 amd64 none < 7.89 amd64 none /srv/a b.deb\n",
			       &plan),
			 0);
	assert_int_equal(plan.count, 2);
	assert_string_equal(plan.items[0].old_version, "1.21-1");
	assert_null(plan.items[0].new_version);
	assert_null(plan.items[0].archive);
	assert_string_equal(plan.items[1].archive, "/srv/a b.deb");
}

static void what_is_configured_alone_is_no_change(void **state)
{
	autoplan struct package_plan plan = {0};

	(void)state;
	assert_int_equal(parse(HEAD "wget 1 amd64 none < 2 amd64 none **CONFIGURE**\n",
			       &plan),
			 0);
	assert_int_equal(plan.count, 0);
}

static void what_apt_never_writes_is_damaged(void **state)
{
	static const char *const texts[] = {
		"",
		"VERSION 2\n\nwget - < 1 /a.deb\n",
		"VERSION 3\nAPT::Architecture=amd64\n",
		HEAD "wget 1 amd64 none\n",
		HEAD "--force 1 amd64 none < 2 amd64 none /a.deb\n",
		HEAD "wget 1 amd64 none < -o=x amd64 none /a.deb\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		autoplan struct package_plan plan = {0};

		assert_int_equal(parse(texts[i], &plan), -ERROR_DAMAGED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_has_its_archive),
		cmocka_unit_test(what_goes_has_no_new_version),
		cmocka_unit_test(what_is_configured_alone_is_no_change),
		cmocka_unit_test(what_apt_never_writes_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
