/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kernel offers to modules, put together from its files. Facts come before
 * guesses: a module of the kernel's own tells its vermagic and the size of its struct
 * module, the image its symbols; release numbers are asked last.
 */
#include "probe/kernel-abi.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "core/command-line.h"
#include "core/release.h"
#include "probe/kernel-image.h"

#define SAMPLES_MAX 16

/* Since these releases, for kernels of which nothing better is known. */
#define RELEASE_LAYOUT_CHECKED "6.4" /* module: add sanity check for ELF module section \
				      */
#define RELEASE_EXPORT_FLAGS "7.1"   /* linker: add kflagstab section */

/* What is noted with an image's symbols. */
#define NOTE_MACHINE  "machine"
#define NOTE_LAYOUT   "layout"
#define NOTE_VERMAGIC "vermagic"
#define NOTE_BUILT_IN "built-in names"
#define NOTE_FLAGS    "export flags"
#define NOTE_CHECK    "layout check"
#define NOTE_VERSIONS "versions"

/* A text file of the source; false where there is none. */
struct source_text {
	const char *text;
	size_t len;
};

static bool source_text(const struct kernel_source *source, const char *what,
			struct source_text *ret)
{
	const void *data;

	if (source->file(source->data, what, &data, &ret->len, NULL) < 0)
		return false;
	ret->text = data;
	return true;
}

/* The next line of text from *at on; false at the end. */
static bool next_line(const struct source_text *text, size_t *at, struct source_text *ret)
{
	const char *line = text->text + *at, *stop;

	if (*at >= text->len)
		return false;
	stop = memchr(line, '\n', text->len - *at);
	*ret = (struct source_text){
		.text = line,
		.len = stop ? (size_t)(stop - line) : text->len - *at,
	};
	*at += ret->len + 1;
	return true;
}

/* Is option=y a line of the configuration? */
static bool config_has(const struct source_text *config, const char *option)
{
	autofree char *line = str_format("\nCONFIG_%s=y", option);
	size_t len = strlen(line), from = 0;

	if (config->len >= len - 1 && memcmp(config->text, line + 1, len - 1) == 0)
		return true;
	while (config->len - from >= len) {
		const char *at =
			memmem(config->text + from, config->len - from, line, len);

		if (!at)
			return false;
		from = (size_t)(at - config->text) + len;
		if (from == config->len || config->text[from] == '\n' ||
		    config->text[from] == '\r')
			return true;
	}
	return false;
}

static const char *const forced_lockdown[] = {
	"MODULE_SIG_FORCE",
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

static void read_config(const struct source_text *config, struct kernel_abi *abi)
{
	abi->modversions = config_has(config, "MODVERSIONS");
	abi->force_load = config_has(config, "MODULE_FORCE_LOAD");
	abi->sig_checked = config_has(config, "MODULE_SIG");
	abi->sig_enforced =
		config_has_any(config, forced_lockdown, ARRAY_LEN(forced_lockdown));
	abi->livepatch = config_has(config, "LIVEPATCH");
	abi->btf_fatal = config_has(config, "DEBUG_INFO_BTF_MODULES") &&
			 !config_has(config, "MODULE_ALLOW_BTF_MISMATCH");
	abi->missing_import_allowed =
		config_has(config, "MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS");
	abi->config_known = true;
}

/* Without a configuration: Debian's usual one, but for what the kernel itself shows. */
static void guess_config(struct kernel_abi *abi, bool has_versions, bool sample_btf)
{
	abi->modversions = abi->vermagic ? strstr(abi->vermagic, " modversions") != NULL
					 : has_versions;
	abi->force_load = true;
	abi->sig_checked = true;
	abi->livepatch = true;
	abi->btf_fatal = sample_btf && !abi->modversions;
}

/* "kernel/lib/crc-itu-t.ko.xz" → "crc_itu_t", added; no module's name adds nothing. */
static void add_module_name(struct strv *names, const struct source_text *path)
{
	autofree char *copy = str_ndup(path->text, path->len);
	char *name = module_name_of(copy);

	if (name)
		strv_add_take(names, name);
}

static void add_module_names(struct strv *names, const struct source_text *paths)
{
	struct source_text line;
	size_t at = 0;

	while (next_line(paths, &at, &line))
		add_module_name(names, &line);
	strv_sort(names);
}

/* What one of the kernel's own modules tells. */
struct sample {
	char *vermagic;
	uint64_t layout;
	uint16_t machine;
	bool btf;
};

/* Was it built as part of this kernel? One put there by hand tells nothing. */
static bool is_of_release(const struct module_file *file, const char *release)
{
	size_t len = strlen(release);

	return !file->fault && file->vermagic &&
	       strncmp(file->vermagic, release, len) == 0 && file->vermagic[len] == ' ';
}

static bool take_sample(const char *path, const void *bytes, size_t len,
			const char *release, struct sample *ret)
{
	automodule struct module_file file = {0};

	if (module_file_parse(path, bytes, len, &file, NULL) < 0 ||
	    !is_of_release(&file, release))
		return false;
	ret->vermagic = str_dup(file.vermagic);
	ret->layout = file.layout;
	ret->machine = file.machine;
	ret->btf = file.has_btf;
	return true;
}

/* A walk that ends at the first module that tells something. */
struct sample_walk {
	const char *release;
	struct sample *sample;
	unsigned int left;
};

#define WALK_ENDS 1

static int sample_each(void *data, const char *path, const void *bytes, size_t len,
		       struct error *err)
{
	struct sample_walk *walk = data;

	(void)err; /* one that can't be read tells nothing */
	if (take_sample(path, bytes, len, walk->release, walk->sample))
		return WALK_ENDS;
	return --walk->left == 0 ? WALK_ENDS : 0;
}

static void sample_by_path(const struct kernel_source *source,
			   const struct source_text *paths, struct sample *ret)
{
	struct source_text line;
	unsigned int left = SAMPLES_MAX;

	for (size_t at = 0; left > 0 && next_line(paths, &at, &line); left--) {
		autofree char *path = str_ndup(line.text, line.len);
		autofree void *bytes = NULL;
		size_t len;

		if (source->module(source->data, path, &bytes, &len, NULL) == 0 &&
		    take_sample(path, bytes, len, source->release, ret))
			return;
	}
}

/* The names of the tree's own modules, and what one of them tells. */
static void read_tree(const struct kernel_source *source, struct kernel_abi *abi,
		      struct sample *sample)
{
	struct sample_walk walk = {source->release, sample, SAMPLES_MAX};
	struct source_text paths;

	if (source_text(source, "modules", &paths)) {
		add_module_names(&abi->in_tree, &paths);
		if (source->module)
			sample_by_path(source, &paths, sample);
	} else {
		if (source_text(source, "modules.order", &paths))
			add_module_names(&abi->in_tree, &paths);
		if (source->modules) /* what it can't give, the image may */
			(void)source->modules(source->data, sample_each, &walk, NULL);
	}
	if (source_text(source, "modules.builtin", &paths))
		add_module_names(&abi->built_in, &paths);
}

static int image_key(const struct source_text *image, char key[2 * EVP_MAX_MD_SIZE + 1],
		     struct error *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len;

	if (EVP_Digest(image->text, image->len, digest, &len, EVP_sha256(), NULL) != 1)
		return error_set(err, -EIO, "OpenSSL can't make a SHA-256");
	for (unsigned int i = 0; i < len; i++)
		(void)snprintf(key + (size_t)2 * i, 3, "%02x", digest[i]); /* it fits */
	return 0;
}

static void note_text(struct symbol_table *table, const char *name, const char *text)
{
	if (text) /* too many of them would be a mistake of this file alone */
		(void)symbol_table_note(table, name, text, strlen(text));
}

static void note_number(struct symbol_table *table, const char *name, uint64_t number)
{
	autofree char *text = str_format("%llu", (unsigned long long)number);

	note_text(table, name, text);
}

static uint64_t noted_number(const struct symbol_table *table, const char *name,
			     uint64_t max)
{
	const char *text = symbol_table_noted(table, name, NULL);
	unsigned long long number;

	if (!text || str_to_u64(text, 0, max, &number) < 0)
		return 0;
	return number;
}

/*
 * Does the loader compare the size of a module's struct module? One that does has the
 * words for it. Distributions carried that check back into older kernels, so that no
 * release number tells.
 */
static bool image_checks_layout(const struct kernel_image *image)
{
	static const char words[] = "this_module section size must match";
	struct stat st;
	void *data;
	bool found;

	if (image->fd < 0 || fstat(image->fd, &st) < 0 || st.st_size <= 0)
		return false;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, image->fd, 0);
	if (data == MAP_FAILED)
		return false;
	found = memmem(data, (size_t)st.st_size, words, sizeof(words) - 1);
	(void)munmap(data, (size_t)st.st_size); /* its own mapping */
	return found;
}

/* What the image has to say besides its symbols, noted with them. */
static int note_image(const struct kernel_image *image, const char *release,
		      bool want_layout, struct symbol_table *table, struct error *err)
{
	autostrv struct strv names = {0};
	autofree char *vermagic = NULL;
	autofree char *joined = NULL;
	uint64_t layout = 0;
	int r = kernel_image_builtin_names(image, &names, err);

	if (r == 0 && want_layout)
		r = kernel_image_module_size(image, &layout, err);
	if (r < 0)
		return r;
	joined = strv_join(&names, "\n");
	note_text(table, NOTE_BUILT_IN, joined);
	/* -ENOENT: it has none that is its own; a module may. */
	if (kernel_image_vermagic(image, release, &vermagic, NULL) == 0)
		note_text(table, NOTE_VERMAGIC, vermagic);
	note_number(table, NOTE_LAYOUT, layout);
	note_number(table, NOTE_MACHINE, image->machine);
	note_number(table, NOTE_CHECK, image_checks_layout(image));
	return 0;
}

static int image_symbols(const struct source_text *bytes, const char *release,
			 bool want_layout, struct symbol_table **ret, struct error *err)
{
	autoimage struct kernel_image image = {.fd = -1};
	autosymbols struct symbol_table *table = symbol_table_new();
	autofree char *name = str_format("the image of %s", release);
	bool versions, flags;
	int r = kernel_image_open(name, bytes->text, bytes->len, &image, err);

	if (r == 0)
		r = kernel_image_symbols(&image, table, &versions, &flags, err);
	if (r == 0)
		r = note_image(&image, release, want_layout, table, err);
	if (r < 0)
		return r;
	note_number(table, NOTE_FLAGS, flags);
	note_number(table, NOTE_VERSIONS, versions);
	*ret = take_ptr(table);
	return 0;
}

/* From the cache where it knows this image, else from the image itself. */
static int load_symbols(const struct kernel_source *source,
			const struct symbol_cache *cache, bool want_layout,
			struct symbol_table **ret, struct error *err)
{
	char key[2 * EVP_MAX_MD_SIZE + 1];
	struct source_text image;
	const void *data;
	int r = source->file(source->data, "image", &data, &image.len, err);

	if (r < 0)
		return r;
	image.text = data;
	if (!cache)
		return image_symbols(&image, source->release, want_layout, ret, err);
	r = image_key(&image, key, err);
	if (r < 0)
		return r;
	if (cache->load(cache->data, key, ret) == 0)
		return 0;
	r = image_symbols(&image, source->release, want_layout, ret, err);
	if (r == 0)
		cache->store(cache->data, key, *ret);
	return r;
}

static void take_image(struct kernel_abi *abi, struct symbol_table *table)
{
	const char *names = symbol_table_noted(table, NOTE_BUILT_IN, NULL);
	const char *vermagic = symbol_table_noted(table, NOTE_VERMAGIC, NULL);

	abi->symbols = table;
	abi->export_flags = noted_number(table, NOTE_FLAGS, 1);
	abi->layout_checked = noted_number(table, NOTE_CHECK, 1);
	if (!abi->machine)
		abi->machine = (uint16_t)noted_number(table, NOTE_MACHINE, UINT16_MAX);
	if (!abi->layout)
		abi->layout = noted_number(table, NOTE_LAYOUT, UINT32_MAX);
	if (!abi->vermagic)
		abi->vermagic = str_dup(vermagic);
	strv_split(&abi->taken, names ? names : "", "\n");
}

/* Module.symvers says less: what the image would have told is asked of the release. */
static int take_symvers(const struct kernel_source *source, struct kernel_abi *abi,
			bool *ret_versions, struct error *err)
{
	autofree char *name = str_format("Module.symvers of %s", source->release);
	autosymbols struct symbol_table *table = symbol_table_new();
	const void *text;
	size_t len;
	int r = source->file(source->data, "symvers", &text, &len, err);

	if (r == 0)
		r = symvers_parse(name, text, len, table, ret_versions, err);
	if (r < 0)
		return r;
	abi->symbols = take_ptr(table);
	abi->from_symvers = true;
	abi->layout_checked =
		release_compare(source->release, RELEASE_LAYOUT_CHECKED) >= 0;
	abi->export_flags = release_compare(source->release, RELEASE_EXPORT_FLAGS) >= 0;
	return 0;
}

/* An image that is there but says nothing to us; one that is damaged is an error. */
static bool is_unreadable(int r)
{
	return r == -ENOENT || r == -EACCES || r == -EPERM || r == -ENOTSUP;
}

static int read_symbols(const struct kernel_source *source,
			const struct symbol_cache *cache, struct kernel_abi *abi,
			bool *ret_versions, struct error *err)
{
	struct symbol_table *table = NULL;
	struct error of_symvers = {0};
	int r = load_symbols(source, cache, !abi->layout, &table, err), second;

	if (r == 0) {
		take_image(abi, table);
		*ret_versions = noted_number(table, NOTE_VERSIONS, 1);
		return 0;
	}
	if (!is_unreadable(r))
		return r;
	second = take_symvers(source, abi, ret_versions, &of_symvers);
	if (second == 0)
		return 0;
	if (r != -ENOENT || second == -ENOENT)
		return r;
	if (err)
		*err = of_symvers;
	return second;
}

int kernel_abi_probe(const struct kernel_source *source, const struct symbol_cache *cache,
		     struct kernel_abi *ret, struct error *err)
{
	autoabi struct kernel_abi abi = {.release = str_dup(source->release)};
	struct sample sample = {0};
	struct source_text config;
	bool versions = false;
	int r;

	read_tree(source, &abi, &sample);
	abi.vermagic = sample.vermagic;
	abi.layout = sample.layout;
	abi.machine = sample.machine;
	r = read_symbols(source, cache, &abi, &versions, err);
	if (r < 0)
		return error_prefix(err, r, "kernel %s", source->release);
	if (source_text(source, "config", &config))
		read_config(&config, &abi);
	else
		guess_config(&abi, versions, sample.btf);
	*ret = abi;
	abi = (struct kernel_abi){0};
	return 0;
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

static void take_argument(struct kernel_abi *abi, const char *arg)
{
	size_t len = strcspn(arg, "=");
	const char *value = arg[len] ? arg + len + 1 : "";

	if (is_parameter(arg, len, "module_blacklist") && arg[len]) {
		strv_done(&abi->blacklisted); /* the last one counts */
		strv_split(&abi->blacklisted, value, ",");
	} else if (is_parameter(arg, len, "module.sig_enforce")) {
		abi->sig_enforced = abi->sig_enforced || is_on(value);
	} else if (is_parameter(arg, len, "lockdown")) {
		abi->sig_enforced = abi->sig_enforced || str_eq(value, "integrity") ||
				    str_eq(value, "confidentiality");
	}
}

void kernel_abi_boot(struct kernel_abi *abi, const struct kernel_source *source,
		     const char *command_line, bool secure_boot)
{
	static const char *const locked[] = {"LOCK_DOWN_IN_EFI_SECURE_BOOT",
					     "IMA_ARCH_POLICY"};
	autostrv struct strv args = {0};
	struct source_text config;

	command_line_split(command_line ? command_line : "", &args);
	for (size_t i = 0; i < args.count && !str_eq(args.items[i], "--"); i++)
		take_argument(abi, args.items[i]);
	if (secure_boot && (!source_text(source, "config", &config) ||
			    config_has_any(&config, locked, ARRAY_LEN(locked))))
		abi->sig_enforced = true;
	if (!abi->sig_checked)
		abi->sig_enforced = false; /* without MODULE_SIG nothing is compared */
}
