/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One value against its setting: bounds, words, items. What policy.c (text from an
 * option) and policy-file.c (libconfig) share; private to core.
 */
#pragma once

#include "core/policy.h"

/* What the setting allows, as the end of a sentence: "a whole number from 1 to 9". Free.
 */
char *policy_allowed(const struct policy_setting *setting);

/*
 * Fill ret->number or ret->strings; -ERROR_USAGE says what is wrong and what is allowed.
 * strings are copied.
 */
int policy_value_number(const struct policy_setting *setting, long long number,
			struct policy_value *ret, struct error *err);
int policy_value_choice(const struct policy_setting *setting, const char *word,
			struct policy_value *ret, struct error *err);
int policy_value_strings(const struct policy_setting *setting, const struct strv *strings,
			 struct policy_value *ret, struct error *err);
/* The strings of a list, each and together: -ERROR_USAGE names the one that can't be. */
int policy_items_check(const struct policy_setting *setting, const struct strv *items,
		       struct error *err);
/* What several of them are called. */
const char *policy_item_name(enum policy_item item);
void policy_value_done(struct policy_value *value);

/* The value in quotes, escaped for a policy file and fit for a message; caller frees. */
char *policy_quote(const char *s);
