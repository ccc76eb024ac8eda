/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro policy
 */
#include "core/policy.h"

#include "base/cleanup.h"
#include "command.h"
#include "output.h"

static json_object *policy_value_json(const struct policy *policy, enum policy_key key)
{
	switch (policy_setting(key)->type) {
	case POLICY_NUMBER:
		return json_object_new_int64(policy_number(policy, key));
	case POLICY_BOOLEAN:
		return json_object_new_boolean(policy_bool(policy, key));
	case POLICY_CHOICE:
		return json_object_new_string(policy_choice(policy, key));
	case POLICY_STRINGS:
		break;
	}
	return json_strings(policy_strings(policy, key));
}

static int policy_json(const struct policy *policy, struct error *err)
{
	json_object *document = json_document();
	json_object *settings = json_object_new_array();

	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		json_object *o = json_object_new_object();

		json_add_text(o, "key", policy_setting(key)->path);
		json_object_object_add(o, "value", policy_value_json(policy, key));
		json_add_text(o, "source", policy->values[key].source);
		(void)json_object_array_add(settings, o); /* fails without memory only */
	}
	json_object_object_add(document, "settings", settings);
	return json_print(document, err);
}

static int policy_text(const struct policy *policy, struct error *err)
{
	static const struct column columns[] = {{"SETTING", false, false},
						{"VALUE", false, true},
						{"UNIT", false, false},
						{"SOURCE", false, false},
						{NULL, false, false}};
	struct libscols_table *table = table_new(columns);

	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		autofree char *value = policy_value_text(policy, key);
		const char *values[] = {policy_setting(key)->path, value,
					policy_setting(key)->unit,
					policy->values[key].source};

		table_row(table, values);
	}
	return table_print(table, err);
}

int cmd_policy(struct command *c, struct error *err)
{
	return c->json ? policy_json(&c->policy, err) : policy_text(&c->policy, err);
}
