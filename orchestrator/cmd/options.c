/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Options: a table, and getopt_long(3) over it.
 */
#include "options.h"

#include <getopt.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "help.h"

#define OPTION_VALUE 256 /* getopt's val: OPTION_VALUE + row */

static int take_root(struct command *c, const char *value, struct error *err)
{
	(void)err; /* opened later, with its own error */
	c->root_path = value;
	return 0;
}

static int take_policy(struct command *c, const char *value, struct error *err)
{
	(void)err; /* read later, with its own error */
	c->policy_path = value;
	return 0;
}

static int take_json(struct command *c, const char *value, struct error *err)
{
	(void)value, (void)err; /* a flag can't be wrong */
	c->json = true;
	return 0;
}

static int take_dry_run(struct command *c, const char *value, struct error *err)
{
	(void)value, (void)err; /* a flag can't be wrong */
	c->dry_run = true;
	return 0;
}

static int take_no_color(struct command *c, const char *value, struct error *err)
{
	(void)value, (void)err; /* a flag can't be wrong */
	c->no_color = true;
	return 0;
}

static int take_verbose(struct command *c, const char *value, struct error *err)
{
	(void)c, (void)value, (void)err; /* a flag can't be wrong */
	log_set_level(LOG_LEVEL_DEBUG);
	return 0;
}

static int take_quiet(struct command *c, const char *value, struct error *err)
{
	(void)c, (void)value, (void)err; /* a flag can't be wrong */
	log_set_level(LOG_LEVEL_WARNING);
	return 0;
}

static int take_failed(struct command *c, const char *value, struct error *err)
{
	(void)value, (void)err; /* a flag can't be wrong */
	c->failed = true;
	return 0;
}

static int take_boot(struct command *c, const char *value, struct error *err)
{
	(void)value, (void)err; /* a flag can't be wrong */
	c->boot = true;
	return 0;
}

static int take_sizes(struct command *c, const char *value, struct error *err)
{
	(void)value, (void)err; /* a flag can't be wrong */
	c->sizes = true;
	return 0;
}

static int take_emergency(struct command *c, const char *value, struct error *err)
{
	(void)value, (void)err; /* a flag can't be wrong */
	c->emergency = true;
	return 0;
}

static int take_security(struct command *c, const char *value, struct error *err)
{
	(void)value, (void)err; /* a flag can't be wrong */
	c->security = true;
	return 0;
}

static int take_to(struct command *c, const char *value, struct error *err)
{
	(void)err; /* checked by the flow */
	c->to = value;
	return 0;
}

static int take_reboot(struct command *c, const char *value, struct error *err)
{
	static const char *const modes[] = {"now", "later", "never"};

	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (str_eq(value, modes[i]))
			c->reboot = modes[i];
	if (c->reboot)
		return 0;
	return error_set(err, -ERROR_USAGE, "--reboot=%s: allowed is now, later or never",
			 value);
}

static int take_reason(struct command *c, const char *value, struct error *err)
{
	(void)err; /* any text is a reason */
	c->reason = value;
	return 0;
}

static int take_initramfs(struct command *c, const char *value, struct error *err)
{
	(void)err; /* opened later, with its own error */
	c->initramfs = value;
	return 0;
}

static int take_number(const char *name, const char *value, unsigned long long max,
		       unsigned long long *ret, struct error *err)
{
	if (str_to_u64(value, 0, max, ret) == 0)
		return 0;
	return error_set(err, -ERROR_USAGE,
			 "--%s=%s: allowed is a whole number from 0 to %llu", name, value,
			 max);
}

static int take_timeout(struct command *c, const char *value, struct error *err)
{
	c->timeout_given = true;
	return take_number("timeout", value, 604800, &c->timeout, err);
}

static int take_limit(struct command *c, const char *value, struct error *err)
{
	c->limit_given = true;
	return take_number("limit", value, 1000000, &c->limit, err);
}

static int take_days(struct command *c, const char *value, struct error *err)
{
	c->days_given = true;
	return take_number("days", value, 3650, &c->days, err);
}

const struct option_row option_rows[] = {
	{"help", 'h', NULL, "show this help", 0, NULL},
	{"version", 0, NULL, "show the version", 0, NULL},
	{"root", 0, "DIR", "work on the machine whose root is DIR", 0, take_root},
	{"policy", 0, "FILE", "lay this policy file over the others", 0, take_policy},
	{"json", 0, NULL, "answer as JSON", 0, take_json},
	{"no-color", 0, NULL, "no colours", 0, take_no_color},
	{"verbose", 'v', NULL, "tell more, with the output of programs", 0, take_verbose},
	{"quiet", 'q', NULL, "tell warnings and errors only", 0, take_quiet},
	{"dry-run", 0, NULL, "show what would be done, do nothing", OPTION_DRY_RUN,
	 take_dry_run},
	{"to", 0, "RELEASE", "this release instead of the newest", OPTION_TO, take_to},
	{"security", 0, NULL, "only what the archive calls a security update",
	 OPTION_SECURITY, take_security},
	{"reboot", 0, "WHEN", "now, later or never; default: reboot.mode of the policy",
	 OPTION_REBOOT, take_reboot},
	{"timeout", 0, "SECONDS", "how long to wait (default 900, 0: for ever)",
	 OPTION_TIMEOUT, take_timeout},
	{"limit", 0, "N", "at most N, 0 for all", OPTION_LIMIT, take_limit},
	{"failed", 0, NULL, "boot-complete.target was not reached", OPTION_FAILED,
	 take_failed},
	{"boot", 0, NULL, "repeat until believed, keep the result for the verdict",
	 OPTION_BOOT, take_boot},
	{"reason", 0, "TEXT", "why", OPTION_REASON, take_reason},
	{"days", 0, "N", "for N days, 0: until lifted", OPTION_DAYS, take_days},
	{"initramfs", 0, "FILE", "prove this initramfs", OPTION_INITRAMFS,
	 take_initramfs},
	{"sizes", 0, NULL, "measure module trees too", OPTION_SIZES, take_sizes},
	{"emergency", 0, NULL, "make room without the package manager until it can go on",
	 OPTION_EMERGENCY, take_emergency},
	{0},
};

#define OPTION_ROWS (ARRAY_LEN(option_rows) - 1)

static void options_for_getopt(struct option *ret, char *letters)
{
	*letters++ = ':';
	for (size_t i = 0; i < OPTION_ROWS; i++) {
		ret[i] = (struct option){option_rows[i].name,
					 option_rows[i].argument ? required_argument
								 : no_argument,
					 NULL, OPTION_VALUE + (int)i};
		if (option_rows[i].letter)
			*letters++ = option_rows[i].letter;
	}
	*letters = '\0';
}

static const struct option_row *option_found(int value)
{
	for (size_t i = 0; i < OPTION_ROWS; i++)
		if (value == OPTION_VALUE + (int)i ||
		    (option_rows[i].letter && value == option_rows[i].letter))
			return &option_rows[i];
	return NULL;
}

static const struct verb *verb_find(const struct verb *table, const char *name)
{
	for (; table->name; table++)
		if (str_eq(table->name, name))
			return table;
	return NULL;
}

static int options_verb(struct command *c, struct strv *words, struct error *err)
{
	size_t skip = 1;

	if (words->count == 0)
		return error_set(err, -ERROR_USAGE,
				 "no verb was given; see: kuro --help");
	c->verb = verb_find(verbs, words->items[0]);
	if (!c->verb && str_eq(words->items[0], "hook") && words->count > 1) {
		c->verb = verb_find(hooks, words->items[1]);
		skip = 2;
	}
	if (!c->verb)
		return error_set(err, -ERROR_USAGE,
				 "\"%s\" is not a verb of kuro; see: kuro --help",
				 words->items[skip - 1]);
	c->args = (const char *const *)(words->items + skip);
	c->arg_count = (unsigned int)(words->count - skip);
	return 0;
}

static int options_check_arguments(const struct command *c, struct error *err)
{
	if (c->arg_count < c->verb->min)
		return error_set(err, -ERROR_USAGE,
				 "kuro %s needs %s; see: kuro %s --help", c->verb->name,
				 c->verb->arguments, c->verb->name);
	if (c->arg_count > c->verb->max)
		return error_set(err, -ERROR_USAGE,
				 "kuro %s takes no argument \"%s\"; see: kuro %s --help",
				 c->verb->name, c->args[c->verb->max], c->verb->name);
	return 0;
}

/* What getopt found, before the verb is known. */
struct options_seen {
	bool help, version;
	unsigned int used;                /* enum verb_option */
	const struct option_row *special; /* the last of these, for the error */
};

static int options_take(struct command *c, const struct option_row *row,
			struct options_seen *seen, struct error *err)
{
	if (str_eq(row->name, "help"))
		seen->help = true;
	if (str_eq(row->name, "version"))
		seen->version = true;
	if (row->verbs) {
		seen->used |= row->verbs;
		seen->special = row;
	}
	return row->take ? row->take(c, optarg, err) : 0;
}

static int options_scan(int argc, char **argv, struct command *c,
			struct options_seen *seen, struct error *err)
{
	struct option table[OPTION_ROWS + 1] = {{0}};
	char letters[OPTION_ROWS + 2];
	int value, r = 0;

	options_for_getopt(table, letters);
	opterr = 0;
	while (r == 0 && (value = getopt_long(argc, argv, letters, table, NULL)) != -1) {
		const struct option_row *row = option_found(value);

		if (value == ':')
			return error_set(err, -ERROR_USAGE, "%s needs a value",
					 argv[optind - 1]);
		if (!row)
			return error_set(err, -ERROR_USAGE,
					 "\"%s\" is not an option; see: kuro --help",
					 argv[optind - 1]);
		r = options_take(c, row, seen, err);
	}
	return r;
}

int options_parse(int argc, char **argv, struct command *c, struct strv *ret_args,
		  struct error *err)
{
	struct options_seen seen = {0};
	int r = options_scan(argc, argv, c, &seen, err);

	if (r < 0)
		return r;
	for (int i = optind; i < argc; i++)
		strv_add(ret_args, argv[i]);
	if (seen.version || (seen.help && ret_args->count == 0)) {
		seen.version ? help_version() : help_all();
		return 1;
	}
	r = options_verb(c, ret_args, err);
	if (r == 0 && seen.help) {
		help_verb(c->verb);
		return 1;
	}
	if (r == 0 && seen.used & ~c->verb->options)
		return error_set(err, -ERROR_USAGE, "kuro %s has no option --%s",
				 c->verb->name, seen.special->name);
	return r < 0 ? r : options_check_arguments(c, err);
}
