/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text as a kernel's configuration: what it says of the module loader and of the
 * policy's options, told from lines that are there.
 */
#include <assert.h>
#include <string.h>

#include "fuzz.h"
#include "kernel-options.h"
#include "vet-parts.h"

static int config_file(void *data, const char *what, const void **ret, size_t *ret_len,
		       struct error *err)
{
	const struct source_text *config = data;

	if (!str_eq(what, "config"))
		return error_set(err, -ENOENT, "no %s", what);
	*ret = config->text;
	*ret_len = config->len;
	return 0;
}

/* Does a line begin so? */
static bool says(const struct source_text *config, const char *start)
{
	const char *at = config->text, *end = at + config->len;
	size_t len = strlen(start);

	for (; (at = memmem(at, (size_t)(end - at), start, len)); at++)
		if (at == config->text || at[-1] == '\n')
			return true;
	return false;
}

static void options(const struct kernel_source *source, const struct source_text *config)
{
	const struct option_hints hints = {0};
	autoabi struct kernel_abi abi = {0};

	kernel_options_read(source, &hints, &abi);
	assert(abi.config_known);
	assert(!abi.modversions || says(config, "CONFIG_MODVERSIONS=y"));
	assert(!abi.sig_enforced || says(config, "CONFIG_MODULE_SIG_FORCE=y") ||
	       says(config, "CONFIG_LOCK_DOWN_KERNEL_FORCE_"));
	kernel_abi_boot(&abi, source, "quiet module.sig_enforce", true);
	assert(abi.sig_enforced == abi.sig_checked);
}

static void wishes(const struct kernel_source *source)
{
	static const char wishes[] =
		"kernel: { config_required = [ \"CONFIG_A\", \"CONFIG_HZ=250\" ]; "
		"config_forbidden = [ \"CONFIG_B=m\", \"CONFIG_C=n\" ]; };";
	autopolicy struct policy policy;
	autovet struct vet_report report = {.release = str_dup("6.1")};
	const struct root root = {.fd = -1};
	const struct machine machine = {.root = &root, .policy = &policy};
	struct vet vet = {.machine = &machine, .report = &report, .source = *source};

	policy_init(&policy);
	assert(policy_apply(&policy, "x", wishes, NULL) == 0);
	assert(vet_weigh_config(&vet, NULL) == 0);
	for (size_t i = 0; i < report.finding_count; i++)
		assert(report.findings[i].weight == VET_REFUSAL &&
		       strstr(report.findings[i].text, "CONFIG_"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a fuzzer may give no bytes at all */
	struct source_text config = {size > 0 ? (const char *)data : "", size};
	const struct kernel_source source = {.data = &config, .file = config_file};
	int modules = vet_config_has_modules(&source);

	assert(modules == 0 || modules == 1);
	assert(!modules || says(&config, "CONFIG_MODULES="));
	options(&source, &config);
	wishes(&source);
	return 0;
}
