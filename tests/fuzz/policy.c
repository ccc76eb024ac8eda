/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text as a policy file: refused with file and line, and nothing changed; or laid
 * over the defaults with every number within its bounds.
 */
#include <assert.h>
#include <string.h>

#include "core/policy.h"
#include "fuzz.h"

/*
 * libconfig 1.5 forgets the last string of a text that it refuses; not ours to mend. The
 * name is the one that LeakSanitizer looks for.
 */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c): LeakSanitizer's name */
const char *__lsan_default_suppressions(void);
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c): as above */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static void check_value(const struct policy *policy, enum policy_key key, bool applied)
{
	const struct policy_setting *setting = policy_setting(key);
	const struct policy_value *value = &policy->values[key];
	autofree char *text = policy_value_text(policy, key);

	assert(text && value->source);
	assert(applied || strcmp(value->source, "built in") == 0);
	if (setting->type == POLICY_NUMBER)
		assert(value->number >= setting->min && value->number <= setting->max);
	if (setting->type == POLICY_CHOICE)
		assert(policy_choice(policy, key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text =
		str_ndup((const char *)data, strnlen((const char *)data, size));
	autopolicy struct policy policy;
	struct error err = {0};
	int r;

	policy_init(&policy);
	r = policy_apply(&policy, "input", text, &err);
	assert(r == 0 || r == -ERROR_USAGE);
	if (r < 0)
		assert(strncmp(err.message, "input:", 6) == 0);
	for (unsigned int key = 0; key < POLICY_KEYS; key++)
		check_value(&policy, key, r == 0);
	return 0;
}
