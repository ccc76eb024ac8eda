/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a module says of itself: .modinfo's key=value texts, its build id, and whether its
 * BTF's header holds together. Sources: kernel/module/main.c (get_next_modinfo),
 * include/linux/module.h (MODULE_INFO), btf.h.
 */
#include "module-parts.h"

#include <elf.h>
#include <stdlib.h>

#define BUILD_ID_MAX 20

static void add_name(struct strv *list, const char *name, size_t len)
{
	char *copy = str_ndup(name, len);

	for (char *p = copy; *p; p++)
		if (*p == '-')
			*p = '_';
	strv_add_take(list, copy);
}

static void add_depends(struct module_file *ret, const char *value)
{
	for (size_t len; *value; value += len + (value[len] == ',')) {
		len = strcspn(value, ",");
		if (len > 0)
			add_name(&ret->depends, value, len);
	}
}

/* "pre: a b post: c" */
static void add_softdep(struct module_file *ret, const char *value)
{
	struct strv *list = NULL;
	size_t len;

	for (value += strspn(value, " \t\n"); *value; value += strspn(value, " \t\n")) {
		len = strcspn(value, " \t\n");
		if (len == 4 && memcmp(value, "pre:", len) == 0)
			list = &ret->softdeps_pre;
		else if (len == 5 && memcmp(value, "post:", len) == 0)
			list = &ret->softdeps_post;
		else if (list)
			add_name(list, value, len);
		value += len;
	}
}

static void add_namespace(struct module_file *ret, const char *value)
{
	strv_add(&ret->namespaces, value);
}

static void add_firmware(struct module_file *ret, const char *value)
{
	strv_add(&ret->firmware, value);
}

/* parm=NAME:description and parmtype=NAME:type; either may stand without the other. */
static void add_parameter(struct module_file *ret, const char *value)
{
	strv_add_take(&ret->parameters, str_ndup(value, strcspn(value, ":")));
}

static void set_livepatch(struct module_file *ret, const char *value)
{
	(void)value; /* the kernel asks for the key alone */
	ret->livepatch = true;
}

#define TEXT(k, member)                                       \
	{                                                     \
		.key = (k), .len = sizeof(k) - 1,             \
		.text = offsetof(struct module_file, member), \
	}
#define LIST(k, f)                                           \
	{                                                    \
		.key = (k), .len = sizeof(k) - 1, .add = (f) \
	}

/* Of a text the first one counts. */
static const struct info_key {
	const char *key;
	size_t len;
	void (*add)(struct module_file *ret, const char *value);
	size_t text;
} keys[] = {
	TEXT("name", name),
	TEXT("vermagic", vermagic),
	TEXT("license", license),
	TEXT("version", version),
	TEXT("srcversion", srcversion),
	TEXT("intree", provenance),
	LIST("depends", add_depends),
	LIST("softdep", add_softdep),
	LIST("import_ns", add_namespace),
	LIST("firmware", add_firmware),
	LIST("parm", add_parameter),
	LIST("parmtype", add_parameter),
	LIST("livepatch", set_livepatch),
};

static const struct info_key *key_find(const char *entry)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].key[0] == entry[0] &&
		    strncmp(keys[i].key, entry, keys[i].len) == 0 &&
		    entry[keys[i].len] == '=')
			return &keys[i];
	return NULL;
}

static void take_entry(const struct info_key *key, const char *value,
		       struct module_file *ret)
{
	if (key->add) {
		key->add(ret, value);
	} else {
		const char **slot = (const char **)((char *)ret + key->text);

		if (!*slot)
			*slot = value;
	}
}

/* The entry behind p, over any padding; NULL at the end. */
static const char *next_entry(const char *p, const char *end)
{
	while (p < end && *p == '\0')
		p++;
	return p < end ? p : NULL;
}

static int check_end(const struct module_section *info, struct text *fault)
{
	if (info->size > 0 && info->data[info->size - 1] != '\0')
		return module_fault(fault, "its .modinfo does not end with NUL");
	return 0;
}

static int read_info(const struct module_section *info, struct module_file *ret,
		     struct text *fault)
{
	const char *p = (const char *)info->data;
	const char *end = info->size ? p + info->size : p;
	size_t taken = 0;

	if (check_end(info, fault) < 0)
		return -1;
	for (p = next_entry(p, end); p; p = next_entry(p + strlen(p), end)) {
		const struct info_key *key = key_find(p);

		if (!key)
			continue;
		if (++taken > MODULE_RECORDS_MAX)
			return module_fault(fault, "its .modinfo has over %zu entries",
					    MODULE_RECORDS_MAX);
		take_entry(key, p + key->len + 1, ret);
	}
	return 0;
}

static void sort_once(struct strv *list)
{
	size_t kept = 0;

	if (list->count == 0)
		return;
	strv_sort(list);
	for (size_t i = 1; i < list->count; i++) {
		if (str_eq(list->items[kept], list->items[i]))
			free(list->items[i]);
		else
			list->items[++kept] = list->items[i];
	}
	list->count = kept + 1;
	list->items[list->count] = NULL;
}

/* One note: sizes of name and content, type, "GNU", the id. */
static void read_build_id(const struct module_section *note, char ret[41])
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *id;
	uint32_t len;

	if (note->size < 16 || module_u32(note->data) != 4 ||
	    module_u32(note->data + 8) != NT_GNU_BUILD_ID ||
	    memcmp(note->data + 12, "GNU", 4) != 0)
		return;
	id = note->data + 16;
	len = module_u32(note->data + 4);
	if (len > BUILD_ID_MAX || len > note->size - 16)
		return;
	for (uint32_t i = 0; i < len; i++) {
		*ret++ = digits[id[i] >> 4];
		*ret++ = digits[id[i] & 0xf];
	}
	*ret = '\0';
}

int module_info_read(const struct module_elf *elf, struct module_file *ret,
		     struct text *fault)
{
	const struct module_section *btf = &elf->parts[PART_BTF];
	const struct module_section *base = &elf->parts[PART_BTF_BASE];

	if (read_info(&elf->parts[PART_INFO], ret, fault) < 0)
		return -1;
	sort_once(&ret->parameters);
	read_build_id(&elf->parts[PART_BUILD_ID], ret->build_id);
	ret->has_btf = ret->btf_sane = btf->size > 0;
	ret->btf = btf->data;
	ret->btf_size = btf->size;
	ret->btf_base = base->data;
	ret->btf_base_size = base->size;
	return 0;
}

int module_info_name(const struct module_elf *elf, const char **ret, struct text *fault)
{
	const struct module_section *info = &elf->parts[PART_INFO];
	const char *p = (const char *)info->data;
	const char *end = info->size ? p + info->size : p;

	if (check_end(info, fault) < 0)
		return -1;
	*ret = NULL;
	for (p = next_entry(p, end); p && !*ret; p = next_entry(p + strlen(p), end))
		if (str_starts(p, "name="))
			*ret = p + 5;
	return 0;
}
