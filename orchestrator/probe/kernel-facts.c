/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of an image but its symbols decides whether a module loads: its vermagic, the size
 * of struct module, the names that are taken in /sys/module, the certificates built in.
 */
#include <ctype.h>
#include <string.h>
#include <sys/mman.h>

#include "btf.h"
#include "image-address.h"

/* Sections are searched once: their pages need not stay. */
static void forget(const struct kernel_image *image, const struct image_section *section)
{
	uintptr_t from = ((uintptr_t)section->data + 0xfff) & ~(uintptr_t)0xfff;
	uintptr_t to = (uintptr_t)(section->data + section->size) & ~(uintptr_t)0xfff;

	if (image->mapping && from < to) {
		const uint8_t *begin = section->data + (from - (uintptr_t)section->data);
		void *plain;

		memcpy(&plain, &begin, sizeof(plain));
		(void)madvise(plain, to - from, MADV_DONTNEED); /* only thrift */
	}
}

/* VERMAGIC_STRING (include/linux/vermagic.h): words, each with a space behind. */
static bool is_vermagic(const char *text, size_t len, size_t release)
{
	if (len < release + 1 || text[release] != ' ' || text[len - 1] != ' ')
		return false;
	for (size_t i = release; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr(" _-.", text[i]))
			return false;
	return true;
}

static const char *find_vermagic(const uint8_t *data, size_t len, const char *release)
{
	size_t release_len = strlen(release);
	const uint8_t *at = data;

	while ((at = memmem(at, len - (size_t)(at - data), release, release_len))) {
		size_t left = len - (size_t)(at - data);
		size_t max = left < IMAGE_TEXT_MAX ? left : IMAGE_TEXT_MAX;
		const char *text = (const char *)at;

		if ((at == data || at[-1] == '\0') && memchr(at, '\0', max) &&
		    is_vermagic(text, strlen(text), release_len))
			return text;
		at++;
	}
	return NULL;
}

/* It lies in .rodata; where that has another name, in another section with an address. */
static const char *vermagic_in_sections(const struct kernel_image *image,
					const char *release)
{
	const struct image_section *rodata = kernel_image_section(image, ".rodata");
	const char *found = NULL;

	if (rodata) {
		found = find_vermagic(rodata->data, rodata->size, release);
		forget(image, rodata);
	}
	for (size_t i = 0; !found && i < image->section_count; i++) {
		const struct image_section *section = &image->sections[i];

		if (!section->loaded || section == rodata)
			continue;
		found = find_vermagic(section->data, section->size, release);
		forget(image, section);
	}
	return found;
}

int kernel_image_vermagic(const struct kernel_image *image, const char *release,
			  char **ret, struct error *err)
{
	const char *found;

	if (!*release)
		return error_set(err, -ENOENT, "no release to look for");
	found = image->elf ? vermagic_in_sections(image, release)
			   : find_vermagic(image->data, image->len, release);
	if (!found)
		return error_set(err, -ENOENT, "the image holds no vermagic of %s",
				 release);
	*ret = str_dup(found);
	return 0;
}

struct btf_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t header_size;
	uint32_t type_offset, type_size;
	uint32_t text_offset, text_size;
};

struct btf_type {
	uint32_t name, info, size;
};

static int btf_struct_size(const uint8_t *types, size_t len, const char *texts,
			   size_t text_len, uint64_t *ret)
{
	static const char name[] = "module";
	struct btf_type type;

	for (size_t at = 0; len - at >= sizeof(type);) {
		unsigned int kind;
		size_t more;

		memcpy(&type, types + at, sizeof(type));
		kind = type.info >> 24 & 0x1f;
		if (kind == BTF_KIND_STRUCT && type.name < text_len &&
		    text_len - type.name >= sizeof(name) &&
		    memcmp(texts + type.name, name, sizeof(name)) == 0) {
			*ret = type.size;
			return 0;
		}
		if (kind == 0)
			return -ERROR_DAMAGED;
		if (kind > BTF_KIND_ENUM64) /* of a later kernel: how long is it? */
			break;
		at += sizeof(type);
		more = btf_type_more(kind, type.info & 0xffff);
		if (more > len - at)
			return -ERROR_DAMAGED;
		at += more;
	}
	*ret = 0;
	return 0;
}

int kernel_image_module_size(const struct kernel_image *image, uint64_t *ret,
			     struct error *err)
{
	const struct image_section *btf = kernel_image_section(image, ".BTF");
	struct btf_header head;
	uint64_t types, texts;
	int r = -ERROR_DAMAGED;

	if (!btf || btf->size == 0) {
		*ret = 0;
		return 0;
	}
	if (btf->size >= sizeof(head)) {
		memcpy(&head, btf->data, sizeof(head));
		types = (uint64_t)head.header_size + head.type_offset;
		texts = (uint64_t)head.header_size + head.text_offset;
		if (head.magic == BTF_MAGIC && types + head.type_size <= btf->size &&
		    texts + head.text_size <= btf->size)
			r = btf_struct_size(btf->data + types, head.type_size,
					    (const char *)btf->data + texts,
					    head.text_size, ret);
	}
	forget(image, btf);
	return r == 0 ? 0 : error_set(err, r, "the image's .BTF is malformed");
}

/* A name is told once: entries of one module are neighbours. */
static void add_name(struct strv *names, const char *name, size_t len)
{
	const char *last = names->count ? names->items[names->count - 1] : NULL;

	if (len == 0 || (last && strncmp(last, name, len) == 0 && !last[len]))
		return;
	strv_add_take(names, str_ndup(name, len));
}

/*
 * struct kernel_param: name, module, operations, permissions (16 bits), level, flags,
 * argument. Those without permissions are not in sysfs; without a dot they are
 * "kernel"'s.
 */
static int param_names(struct image_lookup *lookup, const struct image_section *params,
		       struct strv *names, struct error *err)
{
	size_t word = lookup->image->wide ? 8 : 4, size = word * 5;

	if (params->size % size)
		return error_set(err, -ERROR_DAMAGED, "the image's __param has %ju bytes",
				 (uintmax_t)params->size);
	for (uint64_t at = 0; at < params->size; at += size) {
		const uint8_t *param = params->data + at;
		const char *name = image_text(lookup, image_word(lookup->image, param));
		const char *dot;

		if (!name)
			return error_set(err, -ERROR_DAMAGED,
					 "a parameter in the image has no name");
		if (!param[word * 3] && !param[word * 3 + 1])
			continue;
		dot = strchr(name, '.');
		if (dot)
			add_name(names, name, (size_t)(dot - name));
		else
			add_name(names, "kernel", strlen("kernel"));
	}
	return 0;
}

/* struct module_version_attribute: name ("version"), mode, five functions, module's name.
 */
#define VERSION_WORDS 9
#define VERSION_NAME  7

static const char *version_name(struct image_lookup *lookup, uint64_t address)
{
	const struct kernel_image *image = lookup->image;
	size_t word = image->wide ? 8 : 4;
	uint64_t left;
	const uint8_t *at = image_at(lookup, address, &left);
	const char *text;

	if (!at || left < VERSION_WORDS * word)
		return NULL;
	text = image_text(lookup, image_word(image, at));
	if (!text || strcmp(text, "version") != 0)
		return NULL;
	return image_text(lookup, image_word(image, at + VERSION_NAME * word));
}

/* __modver holds them one by one; before 5.12, pointers to them. */
static int version_names(struct image_lookup *lookup, const struct image_section *section,
			 struct strv *names, struct error *err)
{
	size_t word = lookup->image->wide ? 8 : 4, size = word * VERSION_WORDS;
	bool pointers = !version_name(lookup, section->address);

	if (pointers)
		size = word;
	for (uint64_t at = 0; section->size - at >= size; at += size) {
		uint64_t address = section->address + at;
		const char *name;

		if (pointers)
			address = image_word(lookup->image, section->data + at);
		name = version_name(lookup, address);
		if (!name)
			return error_set(err, -ERROR_DAMAGED,
					 "a version in the image has no module");
		add_name(names, name, strlen(name));
	}
	return 0;
}

static void sort_and_drop_doubles(struct strv *names)
{
	size_t kept = 0;

	strv_sort(names);
	for (size_t i = 0; i < names->count; i++) {
		if (kept && strcmp(names->items[kept - 1], names->items[i]) == 0)
			free(names->items[i]);
		else
			names->items[kept++] = names->items[i];
	}
	if (names->items)
		names->items[kept] = NULL;
	names->count = kept;
}

int kernel_image_builtin_names(const struct kernel_image *image, struct strv *ret,
			       struct error *err)
{
	struct image_lookup lookup = image_lookup(image);
	const struct image_section *params = kernel_image_section(image, "__param");
	const struct image_section *versions = kernel_image_section(image, "__modver");
	autostrv struct strv names = {0};
	int r = 0;

	if (!image->elf)
		return error_set(err, -ENOTSUP,
				 "this image has no section headers to find names by");
	if (params)
		r = param_names(&lookup, params, &names, err);
	if (r == 0 && versions && versions->size)
		r = version_names(&lookup, versions, &names, err);
	if (r < 0)
		return r;
	sort_and_drop_doubles(&names);
	*ret = names;
	names = (struct strv){0};
	return 0;
}
