/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tables: columns and members, one row each. The first column of a table that rows
 * are added to is its number.
 */
#include "tables.h"

#include "core/compat-record.h"
#include "core/transaction.h"

#define WORDS(noun)                                                    \
	static const char *noun##_word(unsigned int value)             \
	{                                                              \
		const char *name = noun##_name(value);                 \
                                                                       \
		return noun##_parse(name) == (int)value ? name : NULL; \
	}                                                              \
	static const struct words noun##_words = {noun##_word, noun##_parse}

WORDS(transaction_kind);
WORDS(transaction_state);
WORDS(step_state);
WORDS(verdict);
WORDS(boot_end);
WORDS(prediction);
WORDS(observation);

#define FIELD(record, member, column, kind, role)                         \
	{                                                                 \
		column, kind, role, offsetof(struct record, member), NULL \
	}
#define FIELD_OF_WORDS(record, member, column, words, role)                         \
	{                                                                           \
		column, FIELD_WORD, role, offsetof(struct record, member), &(words) \
	}

static const struct field transaction_fields[] = {
	FIELD(transaction, id, "id", FIELD_INT64, FIELD_KEY),
	FIELD_OF_WORDS(transaction, kind, "kind", transaction_kind_words, FIELD_FIXED),
	FIELD_OF_WORDS(transaction, state, "state", transaction_state_words, FIELD_PLAIN),
	FIELD(transaction, release, "release", FIELD_TEXT_OR_NULL, FIELD_PLAIN),
	FIELD(transaction, generation, "generation", FIELD_UNSIGNED, FIELD_PLAIN),
	FIELD(transaction, tries, "tries", FIELD_UNSIGNED, FIELD_PLAIN),
	FIELD(transaction, begun, "begun", FIELD_INT64, FIELD_FIXED),
	FIELD(transaction, ended, "ended", FIELD_INT64, FIELD_PLAIN),
	FIELD(transaction, summary, "summary", FIELD_TEXT_OR_NULL, FIELD_PLAIN),
	FIELD(transaction, detail, "detail", FIELD_TEXT_OR_NULL, FIELD_PLAIN),
};

/*
 * A number is never given twice: after the database was rebuilt from the manifests,
 * which name transactions, the count goes on behind them.
 */
const struct table transactions_table = {
	.name = "transactions",
	.noun = "transaction",
	.fields = transaction_fields,
	.field_count = ARRAY_LEN(transaction_fields),
	.record_size = sizeof(struct transaction),
	.new_key = "(SELECT 1 + max(coalesce((SELECT max(id) FROM transactions), 0), "
		   "coalesce((SELECT max(transaction_id) FROM generations), 0)))",
};

static const struct field step_fields[] = {
	FIELD(step, transaction, "transaction_id", FIELD_INT64, FIELD_KEY),
	FIELD(step, name, "name", FIELD_TEXT, FIELD_KEY),
	FIELD_OF_WORDS(step, state, "state", step_state_words, FIELD_PLAIN),
	FIELD(step, begun, "begun", FIELD_INT64, FIELD_PLAIN),
	FIELD(step, ended, "ended", FIELD_INT64, FIELD_PLAIN),
	FIELD(step, detail, "detail", FIELD_TEXT_OR_NULL, FIELD_PLAIN),
};

const struct table steps_table = {
	.name = "steps",
	.noun = "step",
	.fields = step_fields,
	.field_count = ARRAY_LEN(step_fields),
	.record_size = sizeof(struct step),
};

static const struct field boot_fields[] = {
	FIELD(boot, boot_id, "boot_id", FIELD_TEXT, FIELD_KEY),
	FIELD(boot, release, "release", FIELD_TEXT, FIELD_PLAIN),
	FIELD(boot, generation, "generation", FIELD_UNSIGNED, FIELD_PLAIN),
	FIELD(boot, trial, "trial", FIELD_BOOL, FIELD_PLAIN),
	FIELD(boot, transaction, "transaction_id", FIELD_INT64, FIELD_PLAIN),
	FIELD(boot, begun, "begun", FIELD_INT64, FIELD_PLAIN),
	FIELD(boot, ended, "ended", FIELD_INT64, FIELD_PLAIN),
	FIELD_OF_WORDS(boot, verdict, "verdict", verdict_words, FIELD_PLAIN),
	FIELD_OF_WORDS(boot, end, "ended_how", boot_end_words, FIELD_PLAIN),
	FIELD(boot, reason, "reason", FIELD_TEXT_OR_NULL, FIELD_PLAIN),
};

const struct table boots_table = {
	.name = "boots",
	.noun = "boot",
	.fields = boot_fields,
	.field_count = ARRAY_LEN(boot_fields),
	.record_size = sizeof(struct boot),
};

static const struct field generation_fields[] = {
	FIELD(generation_record, generation, "generation", FIELD_UNSIGNED, FIELD_KEY),
	FIELD(generation_record, release, "release", FIELD_TEXT, FIELD_PLAIN),
	FIELD(generation_record, created, "created", FIELD_INT64, FIELD_PLAIN),
	FIELD(generation_record, transaction, "transaction_id", FIELD_INT64, FIELD_PLAIN),
	FIELD_OF_WORDS(generation_record, verdict, "verdict", verdict_words, FIELD_PLAIN),
	FIELD(generation_record, proven, "proven", FIELD_BOOL, FIELD_PLAIN),
	FIELD(generation_record, pinned, "pinned", FIELD_BOOL, FIELD_PLAIN),
	FIELD(generation_record, present, "present", FIELD_BOOL, FIELD_PLAIN),
};

const struct table generations_table = {
	.name = "generations",
	.noun = "generation",
	.fields = generation_fields,
	.field_count = ARRAY_LEN(generation_fields),
	.record_size = sizeof(struct generation_record),
};

static const struct field hold_fields[] = {
	FIELD(hold, release, "release", FIELD_TEXT, FIELD_KEY),
	FIELD(hold, reason, "reason", FIELD_TEXT, FIELD_PLAIN),
	FIELD(hold, generation, "generation", FIELD_UNSIGNED, FIELD_PLAIN),
	FIELD(hold, created, "created", FIELD_INT64, FIELD_PLAIN),
	FIELD(hold, expires, "expires", FIELD_INT64, FIELD_PLAIN),
};

const struct table holds_table = {
	.name = "holds",
	.noun = "hold on release",
	.fields = hold_fields,
	.field_count = ARRAY_LEN(hold_fields),
	.record_size = sizeof(struct hold),
};

static const struct field compatibility_fields[] = {
	FIELD(compat_record, module, "module", FIELD_TEXT, FIELD_KEY),
	FIELD(compat_record, version, "version", FIELD_TEXT, FIELD_KEY),
	FIELD(compat_record, release, "release", FIELD_TEXT, FIELD_KEY),
	FIELD(compat_record, machine, "machine", FIELD_TEXT, FIELD_KEY),
	FIELD(compat_record, platform, "platform", FIELD_TEXT, FIELD_KEY),
	FIELD(compat_record, region, "region", FIELD_TEXT, FIELD_KEY),
	FIELD_OF_WORDS(compat_record, predicted, "predicted", prediction_words,
		       FIELD_PLAIN),
	FIELD(compat_record, codes, "codes", FIELD_TEXT_OR_NULL, FIELD_PLAIN),
	FIELD(compat_record, vetted, "vetted", FIELD_INT64, FIELD_PLAIN),
	FIELD_OF_WORDS(compat_record, observed, "observed", observation_words,
		       FIELD_PLAIN),
	FIELD_OF_WORDS(compat_record, foretold, "foretold", prediction_words,
		       FIELD_PLAIN),
	FIELD(compat_record, detail, "detail", FIELD_TEXT_OR_NULL, FIELD_PLAIN),
	FIELD(compat_record, seen, "seen", FIELD_INT64, FIELD_PLAIN),
};

const struct table compatibility_table = {
	.name = "compatibility",
	.noun = "compatibility record of module",
	.fields = compatibility_fields,
	.field_count = ARRAY_LEN(compatibility_fields),
	.record_size = sizeof(struct compat_record),
};

static const struct field evidence_fields[] = {
	FIELD(evidence, id, "id", FIELD_INT64, FIELD_KEY),
	FIELD(evidence, transaction, "transaction_id", FIELD_INT64, FIELD_PLAIN),
	FIELD(evidence, boot_id, "boot_id", FIELD_TEXT_OR_NULL, FIELD_PLAIN),
	FIELD(evidence, kind, "kind", FIELD_TEXT, FIELD_PLAIN),
	FIELD(evidence, created, "created", FIELD_INT64, FIELD_PLAIN),
	FIELD(evidence, content, "content", FIELD_TEXT, FIELD_PLAIN),
};

const struct table evidence_table = {
	.name = "evidence",
	.noun = "evidence",
	.fields = evidence_fields,
	.field_count = ARRAY_LEN(evidence_fields),
	.record_size = sizeof(struct evidence),
	.new_key = "NULL",
};
