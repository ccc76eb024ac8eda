/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kernel offers to modules, put together from its files. Facts come before
 * guesses: a module of the kernel's own tells its vermagic and the size of its struct
 * module, the image its symbols; release numbers are asked last.
 */
#include "probe/kernel-abi.h"

#include <string.h>

#include "base/cleanup.h"
#include "content-key.h"
#include "core/release.h"
#include "file-notes.h"
#include "kernel-options.h"
#include "probe/kernel-image.h"

#define SAMPLES_MAX 16

/*
 * Since these releases, for kernels of which nothing better is known: "module: add sanity
 * check for ELF module section" and "linker: add kflagstab section".
 */
#define RELEASE_LAYOUT_CHECKED "6.4"
#define RELEASE_EXPORT_FLAGS   "7.1"

/* What is noted with an image's symbols. */
#define NOTE_MACHINE  "machine"
#define NOTE_LAYOUT   "layout"
#define NOTE_VERMAGIC "vermagic"
#define NOTE_BUILT_IN "built-in names"
#define NOTE_FLAGS    "export flags"
#define NOTE_CHECK    "layout check"
#define NOTE_VERSIONS "versions"
#define NOTE_STRICT   "strict versions"
#define NOTE_FORMAT   "format" /* of all these notes: */
#define FORMAT        2

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

static bool image_says(const struct kernel_image *image, const char *words)
{
	const struct image_section *texts = kernel_image_section(image, ".rodata");

	return texts && memmem(texts->data, texts->size, words, strlen(words));
}

/*
 * Does the loader compare the size of a module's struct module? One that does has the
 * words for it. Distributions carried that check back into older kernels, so that no
 * release number tells.
 */
static bool image_checks_layout(const struct kernel_image *image)
{
	return image_says(image, "this_module section size must match");
}

/*
 * Does the loader refuse a symbol that a module's __versions do not name? Those built
 * from Debian's source do ("module: Disable matching missing version CRC"); no word of
 * theirs is another for it, but the banner has who built them.
 */
static bool image_is_strict(const struct kernel_image *image)
{
	return image_says(image, " (debian-kernel@lists.debian.org) ") ||
	       image_says(image, " (devel@kali.org) ");
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
	/* Too many of them for a note: then the image is opened for them. */
	(void)trusted_keys_note(image, table, NULL);
	joined = strv_join(&names, "\n");
	note_text(table, NOTE_BUILT_IN, joined);
	/* -ENOENT: it has none that is its own; a module may. */
	if (kernel_image_vermagic(image, release, &vermagic, NULL) == 0)
		note_text(table, NOTE_VERMAGIC, vermagic);
	if (want_layout)
		note_number(table, NOTE_LAYOUT, layout);
	note_number(table, NOTE_MACHINE, image->machine);
	note_number(table, NOTE_CHECK, image_checks_layout(image));
	note_number(table, NOTE_STRICT, image_is_strict(image));
	note_number(table, NOTE_FORMAT, FORMAT);
	return 0;
}

static int image_symbols(const struct source_text *bytes, const char *release,
			 bool want_layout, struct symbol_table **ret, struct error *err)
{
	autoimage struct kernel_image image = {0};
	autosymbols struct symbol_table *table = symbol_table_new();
	autofree char *name = str_format("the image of %s", release);
	bool versions = false, flags = false;
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

/*
 * The image's bytes, and its key: as it was noted with its identity, or made while the
 * tree is read.
 */
struct image_bytes {
	int missing; /* 0, or why there are none */
	struct error why;
	struct source_text bytes;
	char *identity; /* or NULL */
	char *noted;    /* its key as it was; or NULL */
	bool begun;     /* key is being made */
	struct content_key key;
};

static void image_done(struct image_bytes *image)
{
	if (image->begun)
		(void)content_key_end(&image->key); /* for its thread's sake */
	free(image->identity);
	free(image->noted);
}

static void image_begin(const struct kernel_source *source,
			const struct symbol_cache *cache, struct image_bytes *ret)
{
	const void *data = NULL;

	ret->missing =
		source->file(source->data, "image", &data, &ret->bytes.len, &ret->why);
	ret->bytes.text = data;
	if (!cache || ret->missing < 0)
		return;
	if (source->identity)
		ret->identity = source->identity(source->data, "image");
	ret->noted = file_note_find(cache, source->release, "image", ret->identity);
	ret->begun = !ret->noted;
	if (ret->begun)
		content_key_begin(&ret->key, data, ret->bytes.len);
}

/* The key of what is there now, whatever was noted. */
static const char *image_key(struct image_bytes *image)
{
	if (!image->begun)
		content_key_begin(&image->key, image->bytes.text, image->bytes.len);
	image->begun = false;
	return content_key_end(&image->key);
}

/* Another kuro may have noted other things, and this one less: a tree told the layout. */
static bool load_cached(const struct symbol_cache *cache, const char *key,
			bool want_layout, struct symbol_table **ret)
{
	autosymbols struct symbol_table *table = NULL;

	if (cache->load(cache->data, key, &table) < 0 ||
	    noted_number(table, NOTE_FORMAT, UINT32_MAX) != FORMAT)
		return false;
	if (want_layout && !symbol_table_noted(table, NOTE_LAYOUT, NULL))
		return false;
	*ret = take_ptr(table);
	return true;
}

/* From the cache where it knows this image, else from the image itself. */
static int load_symbols(const struct kernel_source *source,
			const struct symbol_cache *cache, struct image_bytes *image,
			bool want_layout, struct symbol_table **ret, struct error *err)
{
	const char *key;
	int r = 0;

	if (image->missing < 0) {
		if (err)
			*err = image->why;
		return image->missing;
	}
	if (image->noted && load_cached(cache, image->noted, want_layout, ret))
		return 0;
	key = cache ? image_key(image) : NULL;
	if (!key || !load_cached(cache, key, want_layout, ret)) {
		r = image_symbols(&image->bytes, source->release, want_layout, ret, err);
		if (r == 0 && key)
			cache->store(cache->data, key, *ret);
	}
	if (r == 0 && key)
		file_note_keep(cache, source->release, "image", image->identity, key);
	return r;
}

static void take_image(struct kernel_abi *abi, struct symbol_table *table)
{
	const char *names = symbol_table_noted(table, NOTE_BUILT_IN, NULL);
	const char *vermagic = symbol_table_noted(table, NOTE_VERMAGIC, NULL);

	abi->symbols = table;
	abi->export_flags = noted_number(table, NOTE_FLAGS, 1);
	abi->layout_checked = noted_number(table, NOTE_CHECK, 1);
	abi->missing_version_allowed = !noted_number(table, NOTE_STRICT, 1);
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
			const struct symbol_cache *cache, struct image_bytes *image,
			struct kernel_abi *abi, bool *ret_versions, struct error *err)
{
	struct symbol_table *table = NULL;
	struct error of_symvers = {0};
	int r = load_symbols(source, cache, image, !abi->layout, &table, err), second;

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
	struct option_hints hints = {0};
	cleanup(image_done) struct image_bytes image = {0};
	int r;

	image_begin(source, cache, &image);
	read_tree(source, &abi, &sample);
	abi.vermagic = sample.vermagic;
	abi.layout = sample.layout;
	abi.machine = sample.machine;
	hints.btf = sample.btf;
	r = read_symbols(source, cache, &image, &abi, &hints.versions, err);
	if (r < 0)
		return error_prefix(err, r, "kernel %s", source->release);
	kernel_options_read(source, &hints, &abi);
	*ret = abi;
	abi = (struct kernel_abi){0};
	return 0;
}
