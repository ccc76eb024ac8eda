/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One module file as a loader reads it: its bytes, mapped or decompressed; the signature
 * cut off, as the kernel does first; then the parts (module-parts.h). A file that can be
 * read but is no module is an answer, not an error.
 */
#include "probe/module-file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "btf.h"
#include "module-parts.h"
#include "probe/decompress.h"

#define GROWTH_LEAST ((size_t)16 << 20)
#define GROWTH       64
#define COPY_MAX     (128 * 1024)

static const char *const endings[] = {".ko", ".ko.gz", ".ko.xz", ".ko.zst"};

static void dashes_to_underscores(char *name)
{
	for (; *name; name++)
		if (*name == '-')
			*name = '_';
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *module_name_of(const char *path)
{
	const char *base = base_of(path);

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		size_t len = strlen(base);
		size_t ending = strlen(endings[i]);
		char *name;

		if (len <= ending || !str_ends(base, endings[i]))
			continue;
		name = str_ndup(base, len - ending);
		dashes_to_underscores(name);
		return name;
	}
	return NULL;
}

/* Texts that were made go into the arena, all at once: it moves while it grows. */
static void keep_texts(struct module_file *file, const char **const *slots, size_t count)
{
	size_t offsets[4];

	for (size_t i = 0; i < count; i++) {
		offsets[i] = file->arena.len;
		if (*slots[i])
			text_append_n(&file->arena, *slots[i], strlen(*slots[i]) + 1);
	}
	for (size_t i = 0; i < count; i++)
		if (*slots[i])
			*slots[i] = file->arena.data + offsets[i];
}

static void read_signer(struct module_file *file)
{
	struct module_signature *signature = &file->signature;
	const char **const slots[] = {&file->name, &signature->signer, &signature->key,
				      &signature->hash};
	struct text before = file->arena; /* the name lies in it */
	char *owned[3] = {NULL};

	file->arena = (struct text){0};
	module_signature_read_signer(signature, owned);
	keep_texts(file, slots, ARRAY_LEN(slots));
	for (size_t i = 0; i < ARRAY_LEN(owned); i++)
		free(owned[i]);
	text_done(&before);
}

void module_file_examine(struct module_file *file)
{
	read_signer(file);
	if (file->btf)
		file->btf_sane = btf_is_sane(file->btf, file->btf_size, file->btf_base,
					     file->btf_base_size);
}

static int check_name(struct module_file *file, const char *fallback, struct text *fault)
{
	if (file->name && !*file->name)
		return module_fault(fault, "its name is empty");
	if (!file->name)
		file->name = fallback;
	return 0;
}

static int read_parts(struct module_file *file, const void *data, struct text *fault)
{
	const char *fallback = file->name;
	struct module_elf elf;
	int r = module_elf_open(data, file->signature.content, &elf, fault);

	file->machine = elf.machine;
	file->unread = elf.unread;
	if (r < 0)
		return -1;
	file->doubled = elf.doubled;
	file->layout = elf.parts[PART_THIS_MODULE].size;
	file->name = NULL;
	if (module_info_read(&elf, file, fault) < 0 ||
	    check_name(file, fallback, fault) < 0 ||
	    module_imports_read(&elf, file, fault) < 0 ||
	    module_versions_read(&elf, file, fault) < 0)
		return -1;
	return module_exports_read(&elf, file, fault);
}

/* A file with nothing but its path, and a name made of that, in the arena. */
static void begin(struct module_file *file, const char *path)
{
	const char **const slots[] = {&file->name};
	autofree char *name = module_name_of(path);

	if (!name) {
		name = str_dup(base_of(path));
		dashes_to_underscores(name);
	}
	*file = (struct module_file){.path = str_dup(path), .name = name};
	keep_texts(file, slots, ARRAY_LEN(slots));
}

/* What was found in it counts for nothing but the reason. */
static void set_fault(struct module_file *file, struct text *fault)
{
	struct module_file empty;

	begin(&empty, file->path);
	empty.machine = file->machine;
	empty.unread = file->unread;
	empty.fault = text_take(fault);
	module_file_done(file);
	*file = empty;
}

/* file has its bytes. */
static void read_file(struct module_file *file)
{
	autotext struct text fault = {0};

	module_signature_read(file->bytes, file->size, &file->signature);
	if (read_parts(file, file->bytes, &fault) < 0)
		set_fault(file, &fault);
}

static void fault_set(struct module_file *file, const char *why)
{
	autotext struct text fault = {0};

	text_append(&fault, why);
	set_fault(file, &fault);
}

size_t module_plain_max(size_t len)
{
	if (len > MODULE_FILE_MAX / GROWTH)
		return MODULE_FILE_MAX;
	return len * GROWTH > GROWTH_LEAST ? len * GROWTH : GROWTH_LEAST;
}

/* Told by content, as kmod does. Packed in any other way it is no module. */
static bool is_packed(const void *data, size_t len)
{
	enum compression compression = compression_of(data, len);

	return compression == COMPRESSION_GZIP || compression == COMPRESSION_XZ ||
	       compression == COMPRESSION_ZSTD;
}

/* The file's bytes, or its fault. */
static int unpack(struct module_file *file, const void *data, size_t len,
		  struct error *err)
{
	struct error why = {0};
	int r = decompress(data, len, module_plain_max(len), &file->bytes, &file->size,
			   &why);

	if (r >= 0)
		return 0;
	if (r != -EFBIG && r != -ERROR_DAMAGED)
		return error_set(err, r, "%s: %s", file->path, why.message);
	fault_set(file, why.message);
	return 0;
}

static int take_bytes(struct module_file *file, const void *data, size_t len,
		      struct error *err)
{
	if (len > MODULE_FILE_MAX)
		fault_set(file, "it is larger than any module");
	else if (is_packed(data, len))
		return unpack(file, data, len, err);
	else {
		file->bytes = mem_zalloc(len);
		file->size = len;
		memcpy(file->bytes, data, len);
	}
	return 0;
}

int module_file_parse(const char *path, const void *data, size_t len,
		      struct module_file *ret, struct error *err)
{
	struct module_file file;
	int r;

	begin(&file, path);
	r = take_bytes(&file, data, len, err);
	if (r < 0) {
		module_file_done(&file);
		return r;
	}
	if (!file.fault)
		read_file(&file);
	*ret = file;
	return 0;
}

int module_file_borrow(const char *path, const void *data, size_t len,
		       struct module_file *ret, struct error *err)
{
	autotext struct text fault = {0};
	struct module_file file;

	if (len > MODULE_FILE_MAX || is_packed(data, len))
		return module_file_parse(path, data, len, ret, err);
	begin(&file, path);
	module_signature_read(data, len, &file.signature);
	if (read_parts(&file, data, &fault) < 0)
		set_fault(&file, &fault);
	*ret = file;
	return 0;
}

/* Less is there where it was cut meanwhile. */
static int read_bytes(int fd, void *bytes, size_t *size, struct error *err)
{
	size_t len = 0;

	while (len < *size) {
		ssize_t n = read(fd, (char *)bytes + len, *size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, -errno, "reading");
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*size = len;
	return 0;
}

/* A copy costs less than the pages of a mapping as long as it is this small. */
static int copy_file(struct module_file *file, int fd, size_t size, struct error *err)
{
	autofree void *bytes = mem_regrow(NULL, size, 1);
	int r = read_bytes(fd, bytes, &size, err);

	if (r < 0)
		return error_prefix(err, r, "%s", file->path);
	if (is_packed(bytes, size))
		return unpack(file, bytes, size, err);
	file->bytes = take_ptr(bytes);
	file->size = size;
	return 0;
}

/* Who truncates a module in place while it is mapped ends kuro by SIGBUS: package
 * managers, DKMS and strip rename. */
static int map_file(struct module_file *file, int fd, size_t size, struct error *err)
{
	void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	int r;

	if (bytes == MAP_FAILED)
		return error_errno(err, -errno, "%s can't be mapped", file->path);
	if (is_packed(bytes, size)) {
		r = unpack(file, bytes, size, err);
		(void)munmap(bytes, size); /* read only, nothing is lost */
		return r;
	}
	file->mapping = file->bytes = bytes;
	file->size = size;
	return 0;
}

static int open_file(const struct root *root, struct module_file *file, struct error *err)
{
	autoclose int fd = root_openat(root, file->path, O_RDONLY | O_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return error_errno(err, fd, "%s can't be opened", file->path);
	if (fstat(fd, &st) < 0)
		return error_errno(err, -errno, "%s can't be read", file->path);
	if (!S_ISREG(st.st_mode))
		fault_set(file, "it is no regular file");
	else if (st.st_size == 0)
		fault_set(file, "it is empty");
	else if ((uintmax_t)st.st_size > MODULE_FILE_MAX)
		fault_set(file, "it is larger than any module");
	else if (st.st_size <= COPY_MAX)
		return copy_file(file, fd, (size_t)st.st_size, err);
	else
		return map_file(file, fd, (size_t)st.st_size, err);
	return 0;
}

int module_file_read(const struct root *root, const char *path, struct module_file *ret,
		     struct error *err)
{
	struct module_file file;
	int r;

	begin(&file, path);
	r = open_file(root, &file, err);
	if (r < 0) {
		module_file_done(&file);
		return r;
	}
	if (!file.fault)
		read_file(&file);
	*ret = file;
	return 0;
}

static int read_exports(struct module_file *file, const void *data, size_t len,
			struct text *fault)
{
	const char *fallback = file->name;
	struct module_elf elf;

	if (module_elf_open(data, module_content_length(data, len), &elf, fault) < 0 ||
	    module_info_name(&elf, &file->name, fault) < 0 ||
	    check_name(file, fallback, fault) < 0)
		return -1;
	return module_exports_read(&elf, file, fault);
}

int module_file_exports(const char *path, const void *data, size_t len,
			struct module_file *ret, struct error *err)
{
	autotext struct text fault = {0};
	struct module_file file;

	if (is_packed(data, len))
		return error_set(err, -EINVAL, "%s is not decompressed yet", path);
	begin(&file, path);
	if (read_exports(&file, data, len, &fault) < 0)
		set_fault(&file, &fault);
	*ret = file;
	return 0;
}
