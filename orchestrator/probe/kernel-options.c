/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The options that decide what a kernel's module loader accepts: from its configuration,
 * and from the command line and firmware of the boot. Sources: kernel/module/Kconfig,
 * kernel/module/main.c, security/lockdown/, kernel/bpf/btf.c.
 */
#include "kernel-options.h"

#include <string.h>

#include "base/cleanup.h"
#include "core/command-line.h"
#include "probe/decompress.h"

bool source_text(const struct kernel_source *source, const char *what,
		 struct source_text *ret)
{
	const void *data;

	if (source->file(source->data, what, &data, &ret->len, NULL) < 0)
		return false;
	ret->text = data;
	return true;
}

/* Is option=y a line of the configuration? */
static bool config_has(const struct source_text *config, const char *option)
{
	autofree char *words = str_format("CONFIG_%s=y", option);
	const char *end = config->text + config->len, *at = config->text;
	size_t len = strlen(words);

	while ((at = memmem(at, (size_t)(end - at), words, len))) {
		bool begins = at == config->text || at[-1] == '\n';

		at += len;
		if (begins && (at == end || *at == '\n' || *at == '\r'))
			return true;
	}
	return false;
}

static const char *const forced_lockdown[] = {
	"LOCK_DOWN_KERNEL_FORCE_INTEGRITY",
	"LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY",
};

static bool config_has_any(const struct source_text *config, const char *const *options,
			   size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (config_has(config, options[i]))
			return true;
	return false;
}

/* The value of option="..."; NULL where it is not set so. Caller frees. */
static char *config_value(const struct source_text *config, const char *option)
{
	autofree char *words = str_format("\nCONFIG_%s=\"", option);
	const char *end = config->text + config->len;
	const char *at = memmem(config->text, config->len, words, strlen(words));
	const char *stop;

	if (!at)
		return NULL;
	at += strlen(words);
	stop = memchr(at, '"', (size_t)(end - at));
	return stop ? str_ndup(at, (size_t)(stop - at)) : NULL;
}

/*
 * Where there is no image to ask: a kernel made by Debian's compiler is taken for one of
 * Debian's, whose loader refuses a symbol without a version.
 */
static bool config_is_debians(const struct source_text *config)
{
	autofree char *compiler = config_value(config, "CC_VERSION_TEXT");

	return compiler && strstr(compiler, "(Debian ");
}

/*
 * Is a kernel that is locked down asked for it (security/lockdown/)? Its hook is in the
 * order of lsm=, else of the configuration, unless it is set before both. Before Linux
 * 5.4 distributions had another one, which needs no hook.
 */
static bool lockdown_counts(const struct source_text *config, const char *lsm)
{
	autofree char *built = config_value(config, "LSM");
	autostrv struct strv order = {0};

	if (config_has(config, "LOCK_DOWN_KERNEL") ||
	    config_has(config, "SECURITY_LOCKDOWN_LSM_EARLY"))
		return true;
	if (!lsm)
		lsm = built;
	strv_split(&order, lsm ? lsm : "", ",");
	return config_has(config, "SECURITY_LOCKDOWN_LSM") &&
	       strv_has(&order, "lockdown");
}

static bool config_enforces(const struct source_text *config, const char *lsm)
{
	return config_has(config, "MODULE_SIG_FORCE") ||
	       (config_has_any(config, forced_lockdown, ARRAY_LEN(forced_lockdown)) &&
		lockdown_counts(config, lsm));
}

static void read_config(const struct source_text *config, struct kernel_abi *abi)
{
	abi->modversions = config_has(config, "MODVERSIONS");
	abi->force_load = config_has(config, "MODULE_FORCE_LOAD");
	abi->sig_checked = config_has(config, "MODULE_SIG");
	abi->sig_enforced = config_enforces(config, NULL);
	abi->livepatch = config_has(config, "LIVEPATCH");
	abi->btf_fatal = config_has(config, "DEBUG_INFO_BTF_MODULES") &&
			 !config_has(config, "MODULE_ALLOW_BTF_MISMATCH");
	abi->missing_import_allowed =
		config_has(config, "MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS");
	if (abi->from_symvers)
		abi->missing_version_allowed = !config_is_debians(config);
	abi->config_known = true;
}

/* Debian's usual one, but for what the kernel itself shows. */
static void guess_config(struct kernel_abi *abi, const struct option_hints *hints)
{
	abi->modversions = abi->vermagic ? strstr(abi->vermagic, " modversions") != NULL
					 : hints->versions;
	abi->force_load = true;
	abi->sig_checked = true;
	abi->livepatch = true;
	abi->btf_fatal = hints->btf && !abi->modversions;
}

void kernel_options_read(const struct kernel_source *source,
			 const struct option_hints *hints, struct kernel_abi *abi)
{
	struct source_text config;

	if (source_text(source, "config", &config))
		read_config(&config, abi);
	else
		guess_config(abi, hints);
}

bool kernel_options_unpacks(const struct kernel_source *source, struct strv *ret)
{
	static const struct {
		const char *option;
		enum compression compression;
	} rows[] = {
		{"RD_GZIP", COMPRESSION_GZIP}, {"RD_BZIP2", COMPRESSION_BZIP2},
		{"RD_LZMA", COMPRESSION_LZMA}, {"RD_XZ", COMPRESSION_XZ},
		{"RD_LZO", COMPRESSION_LZO},   {"RD_LZ4", COMPRESSION_LZ4},
		{"RD_ZSTD", COMPRESSION_ZSTD},
	};
	struct source_text config;

	if (!source_text(source, "config", &config))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (config_has(&config, rows[i].option))
			strv_add(ret, compression_name(rows[i].compression));
	return true;
}

/* Module parameters by name, "-" and "_" being the same (kernel/params.c, parameq). */
static bool is_parameter(const char *arg, size_t len, const char *name)
{
	size_t i = 0;

	while (i < len && name[i] &&
	       (arg[i] == '-' ? '_' : arg[i]) == (name[i] == '-' ? '_' : name[i]))
		i++;
	return i == len && !name[i];
}

/* lib/kstrtox.c, kstrtobool; a parameter without value is on. */
static bool is_on(const char *value)
{
	return !*value || strchr("yYtT1", *value) ||
	       ((value[0] | 0x20) == 'o' && (value[1] | 0x20) == 'n');
}

/* What a command line says of it; values are borrowed, the last one counts. */
struct boot_words {
	const char *blacklist, *lsm;
	bool enforced, locked;
};

static void take_argument(struct boot_words *words, const char *arg)
{
	size_t len = strcspn(arg, "=");
	const char *value = arg[len] ? arg + len + 1 : "";

	if (is_parameter(arg, len, "module_blacklist") && arg[len])
		words->blacklist = value;
	else if (is_parameter(arg, len, "module.sig_enforce"))
		words->enforced |= is_on(value);
	else if (is_parameter(arg, len, "lockdown"))
		words->locked |=
			str_eq(value, "integrity") || str_eq(value, "confidentiality");
	else if (is_parameter(arg, len, "lsm") && arg[len])
		words->lsm = value;
}

/* Without a configuration: that a locked kernel is asked, as Debian's are. */
static bool boot_enforces(const struct source_text *config,
			  const struct boot_words *words, bool secure_boot)
{
	static const char *const locked[] = {"LOCK_DOWN_IN_EFI_SECURE_BOOT",
					     "IMA_ARCH_POLICY"};

	if (words->enforced)
		return true;
	if (!config)
		return words->locked || secure_boot;
	return config_enforces(config, words->lsm) ||
	       (words->locked && lockdown_counts(config, words->lsm)) ||
	       (secure_boot && config_has_any(config, locked, ARRAY_LEN(locked)));
}

void kernel_abi_boot(struct kernel_abi *abi, const struct kernel_source *source,
		     const char *command_line, bool secure_boot)
{
	autostrv struct strv args = {0};
	struct boot_words words = {0};
	struct source_text config;
	bool known = source_text(source, "config", &config);

	command_line_split(command_line ? command_line : "", &args);
	for (size_t i = 0; i < args.count && !str_eq(args.items[i], "--"); i++)
		take_argument(&words, args.items[i]);
	if (words.blacklist) {
		strv_done(&abi->blacklisted);
		strv_split(&abi->blacklisted, words.blacklist, ",");
	}
	/* without MODULE_SIG nothing is compared */
	abi->sig_enforced = abi->sig_checked &&
			    boot_enforces(known ? &config : NULL, &words, secure_boot);
}
