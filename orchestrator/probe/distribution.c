/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The distribution's own decisions, read from where it keeps them. Runs nothing and
 * guesses nothing: a place that takes a shell or a boot loader to read is passed over,
 * and the answer says so.
 */
#include "probe/distribution.h"

#include <string.h>

#include "base/cleanup.h"
#include "core/command-line.h"
#include "grub-settings.h"
#include "shell-variables.h"

#define TEXT_MAX_BYTES 65536

int distribution_name(const struct root *root, char **ret, struct error *err)
{
	static const char *const files[] = {"/etc/os-release", "/usr/lib/os-release"};
	static const char *const names[] = {"PRETTY_NAME", "NAME"};
	cleanup(shell_variables_done) struct shell_variables variables = {0};
	autofree char *text = NULL;
	const char *value = "";

	(void)err; /* a machine without a name is Linux */
	for (size_t i = 0; i < ARRAY_LEN(files) && !text; i++)
		(void)root_read(root, files[i], TEXT_MAX_BYTES, &text, NULL, NULL);
	if (text)
		(void)shell_variables_read(&variables, text, NULL); /* what it could */
	for (size_t i = 0; i < ARRAY_LEN(names) && !*value; i++)
		(void)shell_variables_get(&variables, names[i], &value, NULL);
	*ret = str_printable(*value ? value : "Linux");
	return 0;
}

/* What a command line is asked for. */
struct question {
	const struct root *root;
	const struct kernel *kernel;
	const struct storage *root_storage;
};

/*
 * One place that may hold it: 0 and the arguments added; -ENOENT without a message:
 * nothing there; another error: there, but not readable.
 */
typedef int place_read(const struct question *q, struct strv *ret, struct error *err);

/* Lines of a file joined, those that begin with "#" left out. */
static int read_kernel_cmdline(const struct question *q, struct strv *ret,
			       struct error *err)
{
	static const char path[] = "/etc/kernel/cmdline";
	autostrv struct strv lines = {0};
	autofree char *text = NULL;
	size_t before = ret->count;
	int r;

	if (!root_exists(q->root, path))
		return -ENOENT;
	r = root_read(q->root, path, TEXT_MAX_BYTES, &text, NULL, err);
	if (r < 0)
		return r;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (str_strip(lines.items[i])[0] != '#')
			command_line_split(lines.items[i], ret);
	return ret->count > before ? 0 : -ENOENT;
}

/* A variable of GRUB's own environment block, or NULL. Caller frees. */
static char *grubenv_get(const struct root *root, const char *name)
{
	static const char *const files[] = {"/boot/grub2/grubenv", "/boot/grub/grubenv"};
	autofree char *start = str_format("%s=", name);
	autofree char *text = NULL;
	autostrv struct strv lines = {0};

	for (size_t i = 0; i < ARRAY_LEN(files) && !text; i++)
		(void)root_read(root, files[i], TEXT_MAX_BYTES, &text, NULL, NULL);
	strv_split(&lines, text ? text : "", "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (str_starts(lines.items[i], start))
			return str_dup(lines.items[i] + strlen(start));
	return NULL;
}

/* TuneD's share, which its drop-in puts into grub.cfg; none without TuneD. */
static char *tuned_params(const struct root *root)
{
	cleanup(shell_variables_done) struct shell_variables variables = {0};
	autofree char *text = NULL;
	const char *value = "";

	if (root_read(root, "/etc/tuned/bootcmdline", TEXT_MAX_BYTES, &text, NULL, NULL) <
	    0)
		return str_dup("");
	if (shell_variables_read(&variables, text, NULL) < 0 ||
	    shell_variables_get(&variables, "TUNED_BOOT_CMDLINE", &value, NULL) < 0)
		return NULL;
	return str_dup(value);
}

/* A word of an entry's options that GRUB puts a variable in for. */
static int add_grub_variable(const struct root *root, const char *word, struct strv *ret,
			     struct error *err)
{
	autofree char *value = str_eq(word, "$tuned_params")
				       ? tuned_params(root)
				       : grubenv_get(root, word + 1);

	if (!value || strchr(value, '$'))
		return error_set(err, -ERROR_UNSUPPORTED,
				 "the value of %.60s is known to GRUB alone", word);
	command_line_split(value, ret);
	return 0;
}

static int read_loader_options(const struct question *q, struct strv *ret,
			       struct error *err)
{
	autostrv struct strv words = {0};
	int r = 0;

	if (!q->kernel->loader_options)
		return -ENOENT;
	command_line_split(q->kernel->loader_options, &words);
	for (size_t i = 0; r == 0 && i < words.count; i++) {
		if (words.items[i][0] == '$')
			r = add_grub_variable(q->root, words.items[i], ret, err);
		else if (strchr(words.items[i], '$'))
			r = error_set(err, -ERROR_UNSUPPORTED,
				      "\"%.60s\" holds a variable of GRUB",
				      words.items[i]);
		else
			strv_add(ret, words.items[i]);
	}
	if (r < 0)
		(void)error_prefix(err, r, "%s",
				   q->kernel->loader_entry); /* r is the code */
	return r;
}

static int read_grub_settings(const struct question *q, struct strv *ret,
			      struct error *err)
{
	return grub_settings_command_line(q->root, q->kernel, q->root_storage, ret, err);
}

static int read_running(const struct question *q, struct strv *ret, struct error *err)
{
	static const char path[] = "/proc/cmdline";
	autofree char *text = NULL;
	int r;

	if (!root_exists(q->root, path))
		return -ENOENT;
	r = root_read(q->root, path, TEXT_MAX_BYTES, &text, NULL, err);
	if (r == 0)
		command_line_split(text, ret);
	return r;
}

static const struct place {
	const char *name;
	place_read *read;
} places[] = {
	{"/etc/kernel/cmdline", read_kernel_cmdline},
	{"the boot loader entry", read_loader_options},
	{"/etc/default/grub", read_grub_settings},
	{"/proc/cmdline", read_running},
};

/* The first place that holds the command line; why others were passed over. */
static const struct place *place_find(const struct question *q, struct strv *args,
				      struct text *passed_over)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct error why = {0};
		int r = places[i].read(q, args, &why);

		if (r == 0)
			return &places[i];
		strv_done(args);
		if (r != -ENOENT)
			text_appendf(passed_over, "%s%s", passed_over->len ? "; " : "",
				     why.message);
	}
	return NULL;
}

int distribution_command_line(const struct root *root, const struct kernel *kernel,
			      const struct storage *root_storage, struct strv *ret,
			      char **ret_source, struct error *err)
{
	struct question q = {root, kernel, root_storage};
	autotext struct text passed_over = {0};
	autostrv struct strv args = {0};
	const struct place *place = place_find(&q, &args, &passed_over);
	const char *name;

	if (!place)
		return error_set(err, -ENOENT,
				 "no kernel command line for %s was found%s%s; write it "
				 "into /etc/kernel/cmdline",
				 kernel->release, passed_over.len ? ": " : "",
				 text_str(&passed_over));
	name = place->read == read_loader_options ? kernel->loader_entry : place->name;
	command_line_lasting(&args, &(struct strv){0}, ret);
	*ret_source = passed_over.len ? str_format("%s (passed over: %s)", name,
						   text_str(&passed_over))
				      : str_dup(name);
	return 0;
}

/* What the programs of a generator are; all of a row must be there. */
static const struct {
	enum generator generator;
	const char *programs[2];
} generator_programs[] = {
	{GENERATOR_INITRAMFS_TOOLS,
	 {"/usr/sbin/mkinitramfs", "/usr/sbin/update-initramfs"}},
	{GENERATOR_DRACUT, {"/usr/bin/dracut", NULL}},
	{GENERATOR_DRACUT, {"/usr/sbin/dracut", NULL}},
	{GENERATOR_MKINITCPIO, {"/usr/bin/mkinitcpio", NULL}},
};

static bool generator_is_there(const struct root *root, enum generator generator)
{
	bool there = false;

	for (size_t i = 0; i < ARRAY_LEN(generator_programs); i++) {
		const char *const *programs = generator_programs[i].programs;

		if (generator_programs[i].generator == generator)
			there |= root_exists(root, programs[0]) &&
				 (!programs[1] || root_exists(root, programs[1]));
	}
	return there;
}

enum generator distribution_generator(const struct root *root)
{
	bool dracut = generator_is_there(root, GENERATOR_DRACUT);
	bool tools = generator_is_there(root, GENERATOR_INITRAMFS_TOOLS);

	/* Where both are, the one that kernel packages call. */
	if (tools && dracut)
		tools = root_exists(root, "/etc/kernel/postinst.d/initramfs-tools");
	if (tools)
		return GENERATOR_INITRAMFS_TOOLS;
	if (generator_is_there(root, GENERATOR_MKINITCPIO) &&
	    (!dracut || root_exists(root, "/etc/mkinitcpio.d")))
		return GENERATOR_MKINITCPIO;
	return dracut ? GENERATOR_DRACUT : GENERATOR_NONE;
}
