/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel options that the policy asks for: set, set otherwise, not set and no longer
 * there are four things; only whole names count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "vet-parts.h"

static const char config[] = "#\n# Automatically generated file; DO NOT EDIT.\n#\n"
			     "CONFIG_A=y\nCONFIG_AB=m\n# CONFIG_B is not set\n"
			     "CONFIG_HZ=250\nCONFIG_NAME=\"a b\"\nCONFIG_LAST=y";

static int config_file(void *data, const char *what, const void **ret, size_t *ret_len,
		       struct error *err)
{
	const char *text = data;

	(void)err; /* nothing is looked at in it */
	if (!text || !str_eq(what, "config"))
		return -ENOENT;
	*ret = text;
	*ret_len = strlen(text);
	return 0;
}

/* The findings as "weight text" lines, of a kernel with this configuration or none. */
static char *weigh(const char *policy_text, const char *text)
{
	autopolicy struct policy policy;
	autovet struct vet_report report = {.release = str_dup("6.1")};
	struct root root = {.fd = -1};
	const struct machine machine = {.root = &root, .policy = &policy};
	struct vet vet = {
		.machine = &machine,
		.report = &report,
		.source = {.data = (void *)(uintptr_t)text, .file = config_file},
	};
	struct text said = {0};

	policy_init(&policy);
	assert_int_equal(policy_apply(&policy, "x", policy_text, NULL), 0);
	assert_int_equal(vet_weigh_config(&vet, NULL), 0);
	for (size_t i = 0; i < report.finding_count; i++)
		text_appendf(&said, "%s %s\n", vet_weight_name(report.findings[i].weight),
			     report.findings[i].text);
	return text_take(&said);
}

static void options_are_told_apart(void **state)
{
	static const struct {
		const char *wish, *says; /* NULL: nothing is wrong */
	} cases[] = {
		{"config_required = [ \"CONFIG_A\", \"CONFIG_AB\", \"CONFIG_AB=m\" ];",
		 NULL},
		{"config_required = [ \"CONFIG_HZ=250\", \"CONFIG_NAME=a b\" ];", NULL},
		{"config_required = [ \"CONFIG_LAST\", \"CONFIG_B=n\", \"CONFIG_X=n\" ];",
		 NULL},
		{"config_required = [ \"CONFIG_AB=y\" ];", "CONFIG_AB=m"},
		{"config_required = [ \"CONFIG_B\" ];", "it is not set"},
		{"config_required = [ \"CONFIG_HZ=1000\" ];", "CONFIG_HZ=250"},
		{"config_required = [ \"CONFIG_LA\" ];", "does not know CONFIG_LA,"},
		{"config_required = [ \"CONFIG_A=n\" ];", "CONFIG_A=y"},
		{"config_forbidden = [ \"CONFIG_A\" ];", "CONFIG_A=y, which"},
		{"config_forbidden = [ \"CONFIG_AB=m\" ];", "CONFIG_AB=m, which"},
		{"config_forbidden = [ \"CONFIG_B\", \"CONFIG_X\", \"CONFIG_A=m\" ];",
		 NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *policy = str_format("kernel: { %s };", cases[i].wish);
		autofree char *said = weigh(policy, config);

		if (!cases[i].says && *said)
			fail_msg("%s: %s", cases[i].wish, said);
		if (cases[i].says &&
		    (!strstr(said, cases[i].says) || !str_starts(said, "refusal ")))
			fail_msg("%s: \"%s\" does not say %s", cases[i].wish, said,
				 cases[i].says);
	}
}

static void what_vanished_may_be_a_warning(void **state)
{
	autofree char *said = weigh("kernel: { config_required = [ \"CONFIG_X\" ]; "
				    "config_vanished = \"warn\"; };",
				    config);

	(void)state;
	assert_true(str_starts(said, "warning 6.1 does not know CONFIG_X"));
}

static void a_kernel_without_configuration_proves_nothing(void **state)
{
	autofree char *asked =
		weigh("kernel: { config_forbidden = [ \"CONFIG_X\" ]; };", NULL);
	autofree char *not_asked = weigh("", NULL);

	(void)state;
	assert_true(str_starts(asked, "refusal the configuration of 6.1 is not there"));
	assert_string_equal(not_asked, "");
}

static int has_modules(const char *text)
{
	const struct kernel_source source = {.data = (void *)(uintptr_t)text,
					     .file = config_file};

	return vet_config_has_modules(&source);
}

static void only_options_set_to_m_make_modules(void **state)
{
	(void)state;
	assert_int_equal(has_modules("CONFIG_MODULES=y\nCONFIG_A=m\nCONFIG_B=y\n"), 1);
	assert_int_equal(has_modules("CONFIG_MODULES=y\nCONFIG_A=y\n"), 0);
	assert_int_equal(has_modules("# CONFIG_MODULES is not set\nCONFIG_A=m\n"), 0);
	assert_int_equal(has_modules(NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_told_apart),
		cmocka_unit_test(what_vanished_may_be_a_warning),
		cmocka_unit_test(a_kernel_without_configuration_proves_nothing),
		cmocka_unit_test(only_options_set_to_m_make_modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
