/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Would a boot with this image find its root? Compares what an image holds with what the
 * root needs, and with the last image that is proven. Every reason is told; a reason is
 * fatal only where the boot would end in the initramfs.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "core/initramfs.h"

#define NAMES_SHOWN 6

/* In an entry of files; it ends where that or its arrow begins. */
struct base_name {
	const char *start;
	size_t length;
};

struct judging {
	const struct initramfs *image;
	const struct root_needs *needs;
	char *folder; /* "lib/modules/REL/" */
	/* what stands behind the last slash of each of the image's files, sorted; made
	 * when it is first asked for */
	struct base_name *names;
	struct initramfs_proof proof;
};

const char *initramfs_code_name(enum initramfs_code code)
{
	static const char *const names[INITRAMFS_CODES] = {
		[INITRAMFS_MALFORMED] = "malformed",
		[INITRAMFS_PACKING] = "packing",
		[INITRAMFS_NO_INIT] = "no-init",
		[INITRAMFS_OTHER_RELEASE] = "other-release",
		[INITRAMFS_MODULE_MISSING] = "module-missing",
		[INITRAMFS_MODULE_STALE] = "module-stale",
		[INITRAMFS_FIRMWARE_MISSING] = "firmware-missing",
		[INITRAMFS_TOOL_MISSING] = "tool-missing",
		[INITRAMFS_FILE_MISSING] = "file-missing",
		[INITRAMFS_SHRUNK] = "shrunk",
		[INITRAMFS_NEEDS_UNKNOWN] = "needs-unknown",
	};

	return code < INITRAMFS_CODES ? names[code] : "unknown";
}

static void need_list_done(struct root_need_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].why);
	}
	free(list->items);
}

void root_needs_done(struct root_needs *needs)
{
	free(needs->release);
	need_list_done(&needs->modules);
	need_list_done(&needs->firmware);
	need_list_done(&needs->tools);
	need_list_done(&needs->files);
	need_list_done(&needs->installed);
	strv_done(&needs->unpacks);
	strv_done(&needs->unknown);
	free(needs->untold);
	*needs = (struct root_needs){0};
}

struct root_need *root_need_add(struct root_need_list *list, const char *name,
				const char *why, bool optional)
{
	struct root_need *need;

	for (size_t i = 0; i < list->count; i++) {
		need = &list->items[i];
		if (!str_eq(need->name, name))
			continue;
		if (need->optional && !optional) {
			need->optional = false;
			free(need->why);
			need->why = str_dup(why);
		}
		return need;
	}
	list->items = mem_grow_one(list->items, list->count, sizeof(*list->items));
	need = &list->items[list->count++];
	*need = (struct root_need){.name = str_dup(name),
				   .why = str_dup(why),
				   .optional = optional};
	return need;
}

void initramfs_proof_done(struct initramfs_proof *proof)
{
	for (size_t i = 0; i < proof->count; i++) {
		free(proof->reasons[i].object);
		free(proof->reasons[i].detail);
	}
	free(proof->reasons);
	*proof = (struct initramfs_proof){0};
}

/* Takes detail. */
static void reason_add(struct judging *j, enum initramfs_code code, bool fatal,
		       const char *object, char *detail)
{
	struct initramfs_proof *proof = &j->proof;

	proof->reasons =
		mem_grow_one(proof->reasons, proof->count, sizeof(*proof->reasons));
	proof->reasons[proof->count++] = (struct initramfs_reason){
		.code = code,
		.fatal = fatal,
		.object = str_dup(object),
		.detail = detail,
	};
}

/* Files: "usr/sbin/lvm", "sbin/x -> ../bin/y" */

static const char *without_usr(const char *path)
{
	return str_starts(path, "usr/") ? path + strlen("usr/") : path;
}

/* Bytes of the path in an entry of files. */
static size_t path_length(const char *entry)
{
	const char *arrow = strstr(entry, " -> ");

	return arrow ? (size_t)(arrow - entry) : strlen(entry);
}

static bool path_fits(const char *entry, const char *pattern, bool wild)
{
	const char *path = without_usr(entry);
	size_t length = path_length(path);
	autofree char *plain = NULL;

	if (!wild)
		return strlen(pattern) == length && memcmp(path, pattern, length) == 0;
	plain = str_ndup(path, length);
	return fnmatch(pattern, plain, FNM_PATHNAME) == 0;
}

static bool image_has_file(const struct initramfs *image, const char *path)
{
	bool wild = strpbrk(path, "*?[") != NULL;

	path = without_usr(path);
	for (size_t i = 0; i < image->files.count; i++)
		if (path_fits(image->files.items[i], path, wild))
			return true;
	return false;
}

/* A program, or a rule of udev, lies in a folder of that kind: scripts of the same name,
 * which call it, do not. */
static bool entry_is_tool(const char *entry, const char *tool)
{
	static const char *const folders[] = {"bin/", "sbin/", "lib/systemd/",
					      "lib/udev/", "rules.d/"};
	size_t length = path_length(entry), name = strlen(tool);
	const char *at = entry + length - name;

	if (length <= name || memcmp(at, tool, name) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		size_t len = strlen(folders[i]);

		if ((size_t)(at - entry) >= len && memcmp(at - len, folders[i], len) == 0)
			return true;
	}
	return false;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct base_name entry_base_name(const char *entry)
{
	size_t length = path_length(entry), at = length;

	while (at > 0 && entry[at - 1] != '/')
		at--;
	return (struct base_name){entry + at, length - at};
}

static int base_name_order(const void *a, const void *b)
{
	const struct base_name *x = a, *y = b;
	size_t shorter = x->length < y->length ? x->length : y->length;
	int order = memcmp(x->start, y->start, shorter);

	return order ? order : (x->length > y->length) - (x->length < y->length);
}

static void names_fill(struct judging *j)
{
	const struct strv *files = &j->image->files;

	j->names = mem_zalloc((files->count + 1) * sizeof(*j->names));
	for (size_t i = 0; i < files->count; i++)
		j->names[i] = entry_base_name(files->items[i]);
	qsort(j->names, files->count, sizeof(*j->names), base_name_order);
}

/*
 * Does what a link leads to ("../bin/kmod") lie anywhere in the image? Only where nothing
 * has that name it surely leads nowhere: folders are links, too. An image may hold a
 * million links: each is looked up.
 */
static bool link_leads_on(struct judging *j, const char *entry)
{
	const char *target = base_name(entry + path_length(entry));
	const struct base_name wanted = {target, strlen(target)};
	size_t low = 0, high = j->image->files.count;

	if (!j->names)
		names_fill(j);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (base_name_order(&j->names[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	/* the link itself is not what it leads to */
	if (low < j->image->files.count &&
	    j->names[low].start == entry_base_name(entry).start)
		low++;
	return low < j->image->files.count &&
	       base_name_order(&j->names[low], &wanted) == 0;
}

static bool has_tool(struct judging *j, const char *tool)
{
	for (size_t i = 0; i < j->image->files.count; i++) {
		const char *entry = j->image->files.items[i];

		if (entry_is_tool(entry, tool) &&
		    (!entry[path_length(entry)] || link_leads_on(j, entry)))
			return true;
	}
	return false;
}

/* One that a generator of which kuro knows how it starts a root has made. */
static bool image_is_known(const struct initramfs *image)
{
	static const char *const marks[] = {"scripts/functions", "lib/dracut-lib.sh",
					    "lib/dracut/*", "etc/initrd-release",
					    "init_functions"};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (image_has_file(image, marks[i]))
			return true;
	return false;
}

static const struct initramfs_module *image_module(const struct judging *j,
						   const char *name)
{
	const struct initramfs_module *end = j->image->modules + j->image->module_count;
	const struct initramfs_module *module = initramfs_module_find(j->image, name);

	for (; module && module < end && str_eq(module->name, name); module++)
		if (str_starts(module->path, j->folder))
			return module;
	return NULL;
}

static bool image_has_module(struct judging *j, const char *name)
{
	return image_module(j, name) != NULL;
}

static bool has_file(struct judging *j, const char *name)
{
	return image_has_file(j->image, name);
}

static bool has_firmware(struct judging *j, const char *name)
{
	static const char *const ends[] = {"", ".xz", ".zst"};
	const char *const folders[] = {"updates/", "", j->needs->release, ""};

	for (size_t f = 0; f < ARRAY_LEN(folders); f++)
		for (size_t e = 0; e < ARRAY_LEN(ends); e++) {
			autofree char *path =
				str_format("lib/firmware/%s%s%s%s", folders[f],
					   folders[f] == j->needs->release ? "/" : "",
					   name, ends[e]);

			if (image_has_file(j->image, path))
				return true;
		}
	return false;
}

/* Is any of "a|b" there? */
static bool has_any(struct judging *j, const char *names,
		    bool (*has)(struct judging *j, const char *name))
{
	autostrv struct strv words = {0};

	strv_split(&words, names, "|");
	for (size_t i = 0; i < words.count; i++)
		if (has(j, words.items[i]))
			return true;
	return false;
}

/* "a", "neither a nor b", for a sentence about what is not there. Caller frees. */
static char *what_is_missing(const char *names)
{
	autostrv struct strv words = {0};
	autofree char *joined = NULL;

	strv_split(&words, names, "|");
	if (words.count < 2)
		return str_dup(names);
	joined = strv_join(&words, ", ");
	return str_format("any of %s", joined);
}

struct need_kind {
	enum initramfs_code code;
	bool (*has)(struct judging *j, const char *name);
	const char *lacks; /* how the sentence begins */
	bool fatal;
};

/* That there is no module tree at all is one reason, not one for each of its files. */
static bool is_of_missing_tree(const struct judging *j, const char *name)
{
	return str_starts(name, j->folder) &&
	       !strv_has(&j->image->trees, j->needs->release);
}

static void judge_needs(struct judging *j, const struct root_need_list *list,
			const struct need_kind *kind)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct root_need *need = &list->items[i];
		autofree char *what = NULL;

		if (need->built_in || has_any(j, need->name, kind->has) ||
		    is_of_missing_tree(j, need->name) ||
		    (need->starter && !has_any(j, need->starter, has_file)))
			continue;
		what = what_is_missing(need->name);
		reason_add(j, kind->code, kind->fatal && !need->optional, need->name,
			   str_format("%s %s, for %s", kind->lacks, what, need->why));
	}
}

static bool needs_modules(const struct root_needs *needs)
{
	for (size_t i = 0; i < needs->modules.count; i++)
		if (!needs->modules.items[i].built_in &&
		    !needs->modules.items[i].optional)
			return true;
	return false;
}

static void judge_modules(struct judging *j)
{
	static const struct need_kind kind = {INITRAMFS_MODULE_MISSING, image_has_module,
					      "it lacks the module", true};

	if (strv_has(&j->image->trees, j->needs->release))
		judge_needs(j, &j->needs->modules, &kind);
}

static void judge_tools_and_files(struct judging *j)
{
	bool known = image_is_known(j->image);
	const struct need_kind tool = {INITRAMFS_TOOL_MISSING, has_tool,
				       "it lacks the program", known};
	const struct need_kind file = {INITRAMFS_FILE_MISSING, has_file,
				       "it lacks the file", known};
	static const struct need_kind firmware = {INITRAMFS_FIRMWARE_MISSING,
						  has_firmware, "it lacks the firmware",
						  false};

	judge_needs(j, &j->needs->tools, &tool);
	judge_needs(j, &j->needs->files, &file);
	judge_needs(j, &j->needs->firmware, &firmware);
}

static void judge_trees(struct judging *j)
{
	const struct strv *trees = &j->image->trees;
	const char *release = j->needs->release;
	autofree char *others = strv_join(trees, ", ");

	if (!strv_has(trees, release)) {
		if (needs_modules(j->needs) || trees->count > 0)
			reason_add(j, INITRAMFS_OTHER_RELEASE, needs_modules(j->needs),
				   release,
				   str_format("it holds no modules of %s%s%s", release,
					      trees->count > 0 ? ", but of " : "",
					      others));
		return;
	}
	for (size_t i = 0; i < trees->count; i++)
		if (!str_eq(trees->items[i], release))
			reason_add(j, INITRAMFS_OTHER_RELEASE, false, trees->items[i],
				   str_format("it holds modules of %s, too",
					      trees->items[i]));
}

static void judge_packing(struct judging *j)
{
	const struct strv *unpacks = &j->needs->unpacks;
	autofree char *known = strv_join(unpacks, ", ");

	for (size_t i = 0; unpacks->count > 0 && i < j->image->segment_count; i++) {
		const char *packing = j->image->segments[i].packing;

		if (!str_eq(packing, "none") && !strv_has(unpacks, packing))
			reason_add(j, INITRAMFS_PACKING, true, packing,
				   str_format("it is packed by %s, and %s unpacks only "
					      "%s",
					      packing, j->needs->release, known));
	}
}

static void judge_init(struct judging *j)
{
	if (!j->image->init)
		reason_add(j, INITRAMFS_NO_INIT, true, "/init",
			   str_dup("it holds no /init, the first program of a boot"));
	else if (!j->image->init_executable)
		reason_add(j, INITRAMFS_NO_INIT, true, "/init",
			   str_dup("its /init can't be executed"));
}

/* A stale copy loads, as a rule: the one that is not meant. */
static void judge_stale(struct judging *j)
{
	for (size_t i = 0; i < j->needs->installed.count; i++) {
		const struct root_need *installed = &j->needs->installed.items[i];
		const struct initramfs_module *module = image_module(j, installed->name);

		if (!module)
			continue;
		if (!installed->why)
			reason_add(j, INITRAMFS_MODULE_STALE, false, installed->name,
				   str_format("its module %s is not installed any more",
					      installed->name));
		else if (!module_content_equal(&module->content, &installed->content))
			reason_add(j, INITRAMFS_MODULE_STALE, false, installed->name,
				   str_format("its module %s is another one than %s",
					      installed->name, installed->why));
	}
}

/* Has it fallen by more than limit per cent? Sizes of images don't overflow that. */
static bool has_shrunk(uint64_t now, uint64_t then, unsigned int limit)
{
	return limit < 100 && now < then && now / 100 < UINT64_MAX / 10000 &&
	       now * 100 < then * (100 - limit);
}

/* "a, b and 7 others" of what the proven image had. Caller frees. */
static char *names_gone(const struct initramfs *image,
			const struct initramfs_baseline *proven)
{
	autostrv struct strv gone = {0};
	autofree char *joined = NULL;
	size_t more = 0;

	for (size_t i = 0; i < proven->modules.count; i++) {
		const char *name = proven->modules.items[i];

		if (initramfs_module_find(image, name))
			continue;
		if (gone.count < NAMES_SHOWN)
			strv_add(&gone, name);
		else
			more++;
	}
	joined = strv_join(&gone, ", ");
	return more > 0 ? str_format("%s and %zu more", joined, more) : str_dup(joined);
}

static void judge_shrunk(struct judging *j, const struct initramfs_baseline *proven,
			 unsigned int limit)
{
	const struct initramfs *image = j->image;
	bool plain = image->plain > 0 && proven->plain > 0;
	uint64_t now = plain ? image->plain : image->size;
	uint64_t then = plain ? proven->plain : proven->size;

	if (has_shrunk(now, then, limit))
		reason_add(j, INITRAMFS_SHRUNK, false, "size",
			   str_format("%s%llu bytes, the last proven one %llu",
				      plain ? "it unpacks to " : "it has ",
				      (unsigned long long)now, (unsigned long long)then));
	if (has_shrunk(image->module_count, proven->modules.count, limit)) {
		autofree char *gone = names_gone(image, proven);

		reason_add(j, INITRAMFS_SHRUNK, false, "modules",
			   str_format("it holds %zu modules, the last proven one %zu; "
				      "gone are %s",
				      image->module_count, proven->modules.count, gone));
	}
}

/* Fatal ones first, each kind in the order in which it was found. */
static void proof_sort(struct initramfs_proof *proof)
{
	struct initramfs_reason *sorted = mem_zalloc(proof->count * sizeof(*sorted));
	size_t n = 0;

	for (int warnings = 0; warnings < 2; warnings++)
		for (size_t i = 0; i < proof->count; i++)
			if (proof->reasons[i].fatal == !warnings)
				sorted[n++] = proof->reasons[i];
	free(proof->reasons);
	proof->reasons = sorted;
	proof->boots = proof->count == 0 || !sorted[0].fatal;
	proof->untold = !proof->boots && sorted[0].code == INITRAMFS_NEEDS_UNKNOWN &&
			(proof->count == 1 || !sorted[1].fatal);
}

const char *initramfs_verdict(const struct initramfs_proof *proof)
{
	if (proof->untold)
		return "unknown";
	return proof->boots ? "boots" : "would-not-boot";
}

/* What an image holds that can't be read to its end is not known. */
static void judge_content(struct judging *j)
{
	judge_init(j);
	if (j->needs->untold)
		reason_add(j, INITRAMFS_NEEDS_UNKNOWN, true, j->needs->release,
			   str_format("what %s needs of it can't be told: %s",
				      j->needs->release, j->needs->untold));
	judge_trees(j);
	judge_modules(j);
	judge_tools_and_files(j);
	judge_stale(j);
}

void initramfs_judge(const struct initramfs *image, const struct root_needs *needs,
		     const struct initramfs_baseline *proven, unsigned int shrink_limit,
		     struct initramfs_proof *ret)
{
	autofree char *folder = str_format("lib/modules/%s/", needs->release);
	struct judging j = {.image = image, .needs = needs, .folder = folder};

	if (image->fault)
		reason_add(&j, INITRAMFS_MALFORMED, true, NULL, str_dup(image->fault));
	judge_packing(&j);
	if (!image->fault)
		judge_content(&j);
	if (!image->fault && proven)
		judge_shrunk(&j, proven, shrink_limit);
	proof_sort(&j.proof);
	free(j.names);
	*ret = j.proof;
}
