/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel options that the policy requires and forbids, against the configuration that
 * the kernel was built with. An option that is not set and one that the kernel does not
 * know any more are two things (Documentation/kbuild/kconfig-language.rst).
 */
#include "vet-parts.h"

#include <string.h>

#include "base/cleanup.h"

#define CONFIG_FILE_MAX ((size_t)4 * 1024 * 1024)

/* What a configuration says of an option. */
enum config_state { CONFIG_UNKNOWN, CONFIG_NOT_SET, CONFIG_SET };

/* The line that begins so, or NULL. */
static const char *config_line(const char *text, const char *start)
{
	size_t len = strlen(start);

	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, start, len) == 0)
			return at;
		if (!*at)
			return NULL;
	}
	return NULL;
}

/* ret_value is the value without its quotes, where it is set; caller frees. */
static enum config_state config_look(const char *text, const char *name, char **ret_value)
{
	autofree char *set = str_format("%s=", name);
	autofree char *not_set = str_format("# %s is not set", name);
	const char *line = config_line(text, set);
	char *value;

	*ret_value = NULL;
	if (!line)
		return config_line(text, not_set) ? CONFIG_NOT_SET : CONFIG_UNKNOWN;
	line += strlen(set);
	value = str_ndup(line, strcspn(line, "\n"));
	(void)str_strip(value); /* blanks at the end, if any, are cut in place */
	if (*value == '"' && str_ends(value, "\"") && strlen(value) > 1) {
		memmove(value, value + 1, strlen(value));
		value[strlen(value) - 1] = '\0';
	}
	*ret_value = value;
	return str_eq(value, "n") ? CONFIG_NOT_SET : CONFIG_SET;
}

/* An option of the policy: its name, and the value asked for or NULL for any. */
struct config_wish {
	char *name;
	const char *value;
};

static struct config_wish config_wish(const char *option)
{
	size_t len = strcspn(option, "=");
	struct config_wish wish = {.name = str_ndup(option, len)};

	wish.value = option[len] ? option + len + 1 : NULL;
	return wish;
}

static bool config_fits(enum config_state state, const char *value,
			const struct config_wish *wish)
{
	if (wish->value && str_eq(wish->value, "n"))
		return state != CONFIG_SET;
	return state == CONFIG_SET && (!wish->value || str_eq(wish->value, value));
}

/* The configuration as text; NULL where it can't be read. */
static char *config_text(const struct kernel_source *source)
{
	const void *bytes;
	size_t len = 0;

	if (source->file(source->data, "config", &bytes, &len, NULL) < 0 ||
	    len > CONFIG_FILE_MAX)
		return NULL;
	return str_ndup(bytes, len);
}

int vet_config_has_modules(const struct kernel_source *source)
{
	autofree char *text = config_text(source), *value = NULL;

	if (!text)
		return -ENOENT;
	return config_look(text, "CONFIG_MODULES", &value) == CONFIG_SET &&
	       strstr(text, "=m\n") != NULL;
}

static char *config_of_running(const struct vet *vet)
{
	autosource struct kernel_source source = {0};

	if (!vet->running ||
	    kernel_source_installed(vet->machine->root, vet->running, &source, NULL) < 0)
		return NULL;
	return config_text(&source);
}

static void config_vanished(struct vet *vet, const char *option, const char *name)
{
	autofree char *running = config_of_running(vet), *value = NULL;
	bool refuse =
		str_eq(policy_choice(vet->machine->policy, POLICY_KERNEL_CONFIG_VANISHED),
		       "refuse");
	bool known = running && config_look(running, name, &value) != CONFIG_UNKNOWN;

	vet_find(
		vet, refuse ? VET_REFUSAL : VET_WARNING,
		"%s does not know %s%s, which kernel.config_required of the policy wants "
		"as %s: it was renamed or removed, or what it depends on is off",
		vet->report->release, name, known ? " any more" : "", option);
}

static void config_require(struct vet *vet, const char *text, const char *option)
{
	struct config_wish wish = config_wish(option);
	autofree char *value = NULL;
	enum config_state state = config_look(text, wish.name, &value);

	if (!config_fits(state, value, &wish)) {
		if (state == CONFIG_UNKNOWN)
			config_vanished(vet, option, wish.name);
		else if (state == CONFIG_NOT_SET)
			vet_find(vet, VET_REFUSAL,
				 "%s is built without %s (it is not set), which "
				 "kernel.config_required of the policy wants",
				 vet->report->release, option);
		else
			vet_find(vet, VET_REFUSAL,
				 "%s is built with %s=%s; kernel.config_required of the "
				 "policy wants %s",
				 vet->report->release, wish.name, value, option);
	}
	free(wish.name);
}

static void config_forbid(struct vet *vet, const char *text, const char *option)
{
	struct config_wish wish = config_wish(option);
	autofree char *value = NULL;
	enum config_state state = config_look(text, wish.name, &value);

	if (config_fits(state, value, &wish))
		vet_find(vet, VET_REFUSAL,
			 "%s is built with %s%s%s, which kernel.config_forbidden of the "
			 "policy does not allow",
			 vet->report->release, wish.name, value ? "=" : " not set",
			 value ? value : "");
	free(wish.name);
}

int vet_weigh_config(struct vet *vet, struct error *err)
{
	const struct policy *policy = vet->machine->policy;
	const struct strv *required =
		policy_strings(policy, POLICY_KERNEL_CONFIG_REQUIRED);
	const struct strv *forbidden =
		policy_strings(policy, POLICY_KERNEL_CONFIG_FORBIDDEN);
	autofree char *text = NULL;

	(void)err; /* what can't be read is a finding */
	if (required->count + forbidden->count == 0)
		return 0;
	text = config_text(&vet->source);
	if (!text) {
		vet_find(vet, VET_REFUSAL,
			 "the configuration of %s is not there, and the policy requires "
			 "or forbids kernel options",
			 vet->report->release);
		return 0;
	}
	for (size_t i = 0; i < required->count; i++)
		config_require(vet, text, required->items[i]);
	for (size_t i = 0; i < forbidden->count; i++)
		config_forbid(vet, text, forbidden->items[i]);
	return 0;
}
