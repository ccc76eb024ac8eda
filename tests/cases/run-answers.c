/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verdicts beside what a real kernel's loader answered. The kernel stops at the first
 * check that fails, the judge goes on; of the symbols the kernel tells all, unless
 * module_layout or a check before it ended the load.
 */
#include "run-answers.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

bool answer_is_of(const char *answer, const char *name)
{
	size_t len = strcspn(answer, " ");

	return strlen(name) == len && strncmp(answer, name, len) == 0;
}

static const struct compat_module *module_named(const struct compat_set *set,
						const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].file && str_eq(set->items[i].file->name, name))
			return &set->items[i];
	return NULL;
}

static bool exports(const struct module_file *file, const char *symbol)
{
	for (size_t i = 0; file && i < file->export_count; i++)
		if (str_eq(file->exports[i].name, symbol))
			return true;
	return false;
}

/* What went before the judge. */
struct trial {
	const struct kernel_abi *abi;
	const struct compat_set *set;
};

/* "Unknown symbol", the kernel says, where it is missing, where it is hidden from this
 * module, and where its owner was refused before. */
static bool explains_unknown(const struct trial *trial,
			     const struct compat_reason *reason, const char *symbol)
{
	const struct compat_module *owner;
	const struct symbol *of_tree;

	if (reason->code == COMPAT_SYMBOL_MISSING || reason->code == COMPAT_GPL_ONLY)
		return str_eq(reason->symbol, symbol);
	if (reason->code != COMPAT_DEPENDENCY_FAILS)
		return false;
	owner = module_named(trial->set, reason->symbol);
	if (owner)
		return exports(owner->file, symbol);
	of_tree = symbol_table_find(trial->abi->symbols, symbol);
	return of_tree && str_eq(of_tree->owner, reason->symbol);
}

/* CODE[=SYMBOL]; unknown=SYMBOL stands for three of the codes. */
static bool explains(const struct trial *trial, const struct compat_reason *reason,
		     const char *word)
{
	static const char unknown[] = "unknown=";
	const char *name = compat_code_name(reason->code);
	size_t len = strlen(name);

	if (!reason->fatal)
		return false;
	if (str_starts(word, unknown))
		return explains_unknown(trial, reason, word + strlen(unknown));
	if (strncmp(word, name, len) != 0)
		return false;
	return word[len] == '\0' || (word[len] == '=' && reason->symbol &&
				     str_eq(word + len + 1, reason->symbol));
}

static bool is_of_symbols(const struct compat_reason *reason)
{
	switch ((int)reason->code) {
	case COMPAT_SYMBOL_MISSING:
	case COMPAT_SYMBOL_VERSION:
	case COMPAT_SYMBOL_UNVERSIONED:
	case COMPAT_GPL_ONLY:
	case COMPAT_NAMESPACE:
		return reason->fatal;
	default:
		return false;
	}
}

/* The kernel went through the module's symbols where it told of one that is not its own.
 */
static bool went_through_symbols(const struct strv *words)
{
	for (size_t i = 2; i < words->count; i++) {
		const char *symbol = strchr(words->items[i], '=');

		if (symbol && !str_starts(words->items[i], "errno=") &&
		    !str_eq(symbol + 1, "module_layout"))
			return true;
	}
	return false;
}

static int compare_told(const struct strv *words, const struct trial *trial,
			const struct compat_module *module, struct error *err)
{
	for (size_t w = 2; w < words->count; w++) {
		bool found = str_starts(words->items[w], "errno=");

		for (size_t i = 0; i < module->reason_count && !found; i++)
			found = explains(trial, &module->reasons[i], words->items[w]);
		if (!found)
			return error_set(err, -1, "%s: the kernel told %s, the judge not",
					 words->items[0], words->items[w]);
	}
	return 0;
}

static int compare_reasons(const struct strv *words, const struct trial *trial,
			   const struct compat_module *module, struct error *err)
{
	for (size_t i = 0; i < module->reason_count; i++) {
		const struct compat_reason *reason = &module->reasons[i];
		bool told = !is_of_symbols(reason);

		for (size_t w = 2; w < words->count && !told; w++)
			told = explains(trial, reason, words->items[w]);
		if (!told)
			return error_set(err, -1,
					 "%s: the judge tells %s=%s, the kernel not",
					 words->items[0], compat_code_name(reason->code),
					 reason->symbol ? reason->symbol : "");
	}
	return 0;
}

/* Why the judge refuses it; "" where it does not. */
static const char *first_refusal(const struct compat_module *module)
{
	for (size_t i = 0; i < module->reason_count; i++)
		if (module->reasons[i].fatal)
			return module->reasons[i].detail;
	return "";
}

int answer_compare(const char *answer, const struct kernel_abi *abi,
		   const struct compat_set *set, struct error *err)
{
	const struct trial trial = {abi, set};
	autostrv struct strv words = {0};
	const struct compat_module *module;
	int r;

	strv_split(&words, answer, " ");
	if (words.count < 2)
		return error_set(err, -1, "\"%s\" is no answer", answer);
	if (str_eq(words.items[1], "undecided"))
		return 0;
	module = module_named(set, words.items[0]);
	if (!module)
		return error_set(err, -1, "%s: no such module", words.items[0]);
	if (str_eq(words.items[1], "loads") == (module->verdict == COMPAT_FAILS))
		return error_set(err, -1, "%s: the kernel says %s, the judge %s (%s)",
				 words.items[0], answer + strlen(words.items[0]) + 1,
				 compat_verdict_name(module->verdict),
				 first_refusal(module));
	if (str_eq(words.items[1], "loads"))
		return 0;
	if (!str_eq(words.items[1], "refused"))
		return error_set(err, -1, "\"%s\" is no answer", answer);
	r = compare_told(&words, &trial, module, err);
	if (r == 0 && went_through_symbols(&words))
		r = compare_reasons(&words, &trial, module, err);
	return r;
}
