/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * GRUB's configuration. It is only ever replaced as a whole, by one that GRUB's own
 * checker has read and that carries kuro's section exactly where there is a block for
 * it to read.
 */
#include "act/integrate.h"

#include <string.h>
#include <sys/stat.h>

#include "act/durable.h"
#include "base/cleanup.h"
#include "base/process.h"
#include "run.h"

#define GRUB_CONF        "/boot/kuro/grub.conf"
#define GRUB_CONF_DIR    "/boot/kuro"
#define GRUB_ENV_DEFAULT "/boot/kuro/env"
#define GRUB_DROP_IN     "/etc/grub.d/09_kuro"
#define GRUB_SECTION     "### BEGIN /etc/grub.d/09_kuro ###"
#define GRUB_SECTION_END "### END /etc/grub.d/09_kuro ###"
#define GRUB_ENTRY       "--id kuro-good"
#define GRUB_CFG_MAX     (8 * 1024 * 1024)
#define GRUB_TIMEOUT     900 /* seconds: os-prober looks at every disk */
#define GRUB_PATH_LETTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-"

/* What the distributions call GRUB's tools, and where grub.cfg lies with each. */
static const struct grub_tools {
	const char *directory;
	const char *cfg;
	const char *made; /* while it is made */
	const char *program;
	const char *checker;
} grub_tools[] = {
	{"/boot/grub", "/boot/grub/grub.cfg", "/boot/grub/grub.cfg.kuro-new",
	 "grub-mkconfig", "grub-script-check"},
	{"/boot/grub2", "/boot/grub2/grub.cfg", "/boot/grub2/grub.cfg.kuro-new",
	 "grub2-mkconfig", "grub2-script-check"},
};

static const struct grub_tools *grub_tools_in_use(const struct root *root)
{
	for (size_t i = 0; i < ARRAY_LEN(grub_tools); i++)
		if (root_exists(root, grub_tools[i].cfg))
			return &grub_tools[i];
	return NULL;
}

const char *integrate_grub_cfg(const struct root *root)
{
	const struct grub_tools *tools = grub_tools_in_use(root);

	return tools ? tools->cfg : NULL;
}

/* kuro's section is there and holds entries: an empty one is what is left without a
 * block. */
static bool grub_text_has_kuro(const char *text)
{
	const char *begin = strstr(text, GRUB_SECTION);
	const char *end = begin ? strstr(begin, GRUB_SECTION_END) : NULL;
	const char *entry = begin ? strstr(begin, GRUB_ENTRY) : NULL;

	return entry && end && entry < end;
}

bool integrate_grub_has_kuro(const struct root *root)
{
	const char *cfg = integrate_grub_cfg(root);
	autofree char *text = NULL;

	return cfg && root_read(root, cfg, GRUB_CFG_MAX, &text, NULL, NULL) == 0 &&
	       grub_text_has_kuro(text);
}

/*
 * Do the distribution's entries boot although grub.cfg has a password? Then kuro's
 * must too: an entry that asks for it waits for ever on a headless machine.
 */
static bool grub_is_unrestricted(const struct root *root)
{
	const char *cfg = integrate_grub_cfg(root);
	autofree char *text = NULL;
	autostrv struct strv lines = {0};

	if (!cfg || root_read(root, cfg, GRUB_CFG_MAX, &text, NULL, NULL) < 0)
		return false;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (str_starts(lines.items[i], "menuentry ") &&
		    strstr(lines.items[i], " --unrestricted"))
			return true;
	return false;
}

int integrate_write_grub_conf(const struct root *root, const struct policy *policy,
			      const char *env_path, struct error *err)
{
	autotext struct text conf = {0};
	int r;

	/* the drop-in takes these letters only */
	if (*env_path != '/' || strspn(env_path, GRUB_PATH_LETTERS) != strlen(env_path))
		return error_set(err, -EINVAL,
				 "%.200s can't be the path of the boot block: GRUB is "
				 "given letters, digits and /._- only",
				 env_path);
	text_append(&conf,
		    "# Written by `kuro setup` from the policy; read by " GRUB_DROP_IN
		    "\n");
	text_appendf(&conf, "KURO_MISS_LIMIT=%lld\n",
		     policy_number(policy, POLICY_BOOT_MISS_LIMIT));
	text_appendf(&conf, "KURO_MENU_TIMEOUT=%lld\n",
		     policy_number(policy, POLICY_BOOT_MENU_TIMEOUT));
	text_appendf(&conf, "KURO_VERIFY_GOOD=%s\n",
		     policy_bool(policy, POLICY_BOOT_VERIFY_GOOD) ? "yes" : "no");
	text_appendf(&conf, "KURO_UNRESTRICTED=%s\n",
		     grub_is_unrestricted(root) ? "yes" : "no");
	text_appendf(&conf, "KURO_ENV=%s\n", env_path);
	r = root_mkdirs(root, GRUB_CONF_DIR, 0755, err);
	if (r == 0)
		r = root_write(root, GRUB_CONF, 0644, conf.data, conf.len, err);
	return r < 0 ? r : durable_push(root, GRUB_CONF_DIR, err);
}

/* Is there a boot block, so that grub.cfg must carry kuro's entries? */
static bool grub_wants_kuro(const struct root *root)
{
	autofree char *conf = NULL;
	autostrv struct strv lines = {0};
	const char *env = GRUB_ENV_DEFAULT;

	if (root_read(root, GRUB_CONF, 65536, &conf, NULL, NULL) == 0)
		strv_split(&lines, conf, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (str_starts(lines.items[i], "KURO_ENV=/"))
			env = lines.items[i] + strlen("KURO_ENV=");
	return root_exists(root, env);
}

/* The new text says what it must; kuro's entries are there or not as they should be. */
static int grub_text_check(const struct root *root, const char *text, struct error *err)
{
	bool wanted = grub_wants_kuro(root), present = grub_text_has_kuro(text);

	if (!strstr(text, "### BEGIN "))
		return error_set(err, -ERROR_PROGRAM,
				 "grub-mkconfig made a grub.cfg without any section; the "
				 "one in use stays");
	if (wanted && !present && !root_exists(root, GRUB_DROP_IN))
		return error_set(err, -ENOENT,
				 "%s is missing: without it grub.cfg gets no entries of "
				 "kuro; install kuro anew",
				 GRUB_DROP_IN);
	if (wanted && !present)
		return error_set(
			err, -ERROR_PROGRAM,
			"%s made no entries (is it executable? run grub-mkconfig "
			"to see what it says); the grub.cfg in use stays",
			GRUB_DROP_IN);
	if (!wanted && present)
		return error_set(err, -ERROR_PROGRAM,
				 "grub.cfg would keep entries of kuro though there is no "
				 "boot block; the one in use stays");
	return 0;
}

/* A password in it must not become readable, whatever the old file was. */
static mode_t grub_cfg_mode(const struct root *root, const char *cfg, const char *text)
{
	struct stat st;
	mode_t mode = root_stat(root, cfg, &st) == 0 ? st.st_mode & 0644 : 0444;

	return strstr(text, "\npassword") ? mode & 0600 : mode;
}

/*
 * The name goes from one file to the other. GRUB reads without a journal, where the
 * change of a name, the new file and the end of the old one come in any order: both files
 * are whole on the disk before, and the old one outlives the change under a second name.
 */
static int grub_cfg_swap(const struct root *root, const struct grub_tools *tools,
			 struct error *err)
{
	autofree char *old = str_format("%s.kuro-old", tools->cfg);
	int r;

	(void)root_unlink(root, old, NULL);     /* left by one that was cut off */
	(void)root_link(root, tools->cfg, old); /* FAT knows no links */
	r = durable_push(root, tools->directory, err);
	if (r < 0)
		return r;
	r = root_rename(root, tools->made, tools->cfg);
	if (r < 0)
		return error_errno(err, r, "naming %s", tools->cfg);
	r = root_sync_dir(root, tools->directory, err);
	if (r == 0)
		r = durable_push(root, tools->directory, err);
	(void)root_unlink(root, old, NULL); /* room only, if it fails */
	return r;
}

/* Check what was made and put it in the place of the one in use. */
static int grub_cfg_replace(const struct package_run *run, const struct grub_tools *tools,
			    struct error *err)
{
	const char *const check[] = {tools->checker, tools->made, NULL};
	struct run_program program = {.argv = check, .timeout = GRUB_TIMEOUT};
	autofree char *text = NULL;
	size_t len;
	int r = run_program(run, &program, err);

	if (r < 0)
		return error_prefix(err, r, "the new grub.cfg is refused");
	r = root_read(run->root, tools->made, GRUB_CFG_MAX, &text, &len, err);
	if (r == 0)
		r = grub_text_check(run->root, text, err);
	if (r == 0)
		r = root_write(run->root, tools->made,
			       grub_cfg_mode(run->root, tools->cfg, text), text, len,
			       err);
	return r < 0 ? r : grub_cfg_swap(run->root, tools, err);
}

int integrate_regenerate_grub(const struct package_run *run, struct error *err)
{
	const struct grub_tools *tools = grub_tools_in_use(run->root);
	const char *argv[] = {NULL, "-o", NULL, NULL};
	struct run_program program = {.argv = argv, .timeout = GRUB_TIMEOUT};
	autofree char *left = NULL;
	int r;

	if (!tools || !process_exists(run->root, tools->program))
		return error_set(err, -ERROR_UNSUPPORTED,
				 "this machine has no grub.cfg with a grub-mkconfig to "
				 "make it anew");
	argv[0] = tools->program;
	argv[2] = tools->made;
	r = run_program(run, &program, err);
	if (r == 0)
		r = grub_cfg_replace(run, tools, err);
	left = str_format("%s.new", tools->made);
	/* grub-mkconfig's own temporary file and its result: room only */
	(void)root_unlink(run->root, left, NULL);
	(void)root_unlink(run->root, tools->made, NULL);
	return r;
}
