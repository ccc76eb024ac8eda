/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a kernel image to the sections of the ELF in it. The plain image goes into an
 * unlinked file that is mapped: of its 60 MB only the pages looked at are ever held.
 * Nothing is believed: every place that a header names is compared with what there is.
 */
#include "probe/kernel-image.h"

#include <elf.h>
#include <endian.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/decompress.h"

#define SECTIONS_MAX 4096

/* Documentation/arch/x86/boot.rst, the real-mode kernel header */
#define X86_SETUP_SECTS    0x1f1
#define X86_SYSSIZE        0x1f4 /* of the code, in 16 bytes, rounded up */
#define X86_BOOT_FLAG      0x1fe
#define X86_MAGIC          0x202
#define X86_VERSION        0x206
#define X86_PAYLOAD_OFFSET 0x248
#define X86_PAYLOAD_LENGTH 0x24c
#define X86_HEADER_END     0x250
#define X86_HAS_PAYLOAD    0x0208

/* Documentation/arch/arm64/booting.rst, arch/riscv/boot-image-header.rst; zboot:
 * drivers/firmware/efi/libstub/zboot-header.S */
#define IMAGE_MAGIC  0x38
#define IMAGE_HEAD   0x40
#define ZBOOT_MAGIC  0x04
#define ZBOOT_OFFSET 0x08
#define ZBOOT_SIZE   0x0c
#define ZBOOT_TYPE   0x18

static uint32_t le32_at(const uint8_t *at)
{
	uint32_t number;

	memcpy(&number, at, sizeof(number));
	return le32toh(number);
}

static uint32_t le16_at(const uint8_t *at)
{
	return (uint32_t)(at[0] | at[1] << 8);
}

/* What in the file is compressed, and how long it is plain (0: not known). */
struct payload {
	const uint8_t *data;
	size_t len;
	size_t plain;
};

static bool is_bzimage(const uint8_t *data, size_t len)
{
	return len >= X86_HEADER_END && le16_at(data + X86_BOOT_FLAG) == 0xaa55 &&
	       memcmp(data + X86_MAGIC, "HdrS", 4) == 0;
}

static bool is_zboot(const uint8_t *data, size_t len)
{
	return len >= IMAGE_HEAD && memcmp(data, "MZ", 2) == 0 &&
	       memcmp(data + ZBOOT_MAGIC, "zimg", 4) == 0;
}

static uint16_t raw_machine(const uint8_t *data, size_t len)
{
	if (len >= IMAGE_HEAD && memcmp(data + IMAGE_MAGIC, "ARM\x64", 4) == 0)
		return EM_AARCH64;
	if (len >= IMAGE_HEAD && memcmp(data + IMAGE_MAGIC, "RSC\x05", 4) == 0)
		return EM_RISCV;
	return EM_NONE;
}

/* The plain size stands behind the compressed data: gzip's own, or put there. */
static int bzimage_payload(const uint8_t *data, size_t len, struct payload *ret,
			   struct error *err)
{
	uint64_t setup = data[X86_SETUP_SECTS] ? data[X86_SETUP_SECTS] : 4;
	uint64_t at = (setup + 1) * 512 + le32_at(data + X86_PAYLOAD_OFFSET);
	uint64_t size = le32_at(data + X86_PAYLOAD_LENGTH);

	uint64_t code = (setup + 1) * 512 + (uint64_t)le32_at(data + X86_SYSSIZE) * 16;

	if (le16_at(data + X86_VERSION) < X86_HAS_PAYLOAD)
		return error_set(err, -ENOTSUP,
				 "a bzImage older than boot protocol 2.08");
	if (code > (uint64_t)len + 32 || at > len || size > len - at)
		return error_set(err, -ERROR_DAMAGED,
				 "the file is cut off: it ends after %zu of %ju bytes",
				 len, (uintmax_t)(code > at + size ? code : at + size));
	if (size < sizeof(uint32_t))
		return error_set(err, -ERROR_DAMAGED, "it has no payload");
	*ret = (struct payload){
		.data = data + at,
		.len = (size_t)size,
		.plain = le32_at(data + at + size - sizeof(uint32_t)),
	};
	if (ret->plain == 0 || ret->plain > KERNEL_IMAGE_MAX)
		return error_set(err, -ERROR_DAMAGED,
				 "its payload says that it is %zu bytes long",
				 ret->plain);
	if (compression_of(ret->data, ret->len) != COMPRESSION_GZIP)
		ret->len -= sizeof(uint32_t);
	return 0;
}

static int zboot_payload(const uint8_t *data, size_t len, struct payload *ret,
			 struct error *err)
{
	uint64_t at = le32_at(data + ZBOOT_OFFSET), size = le32_at(data + ZBOOT_SIZE);

	if (at > len || size > len - at)
		return error_set(
			err, -ERROR_DAMAGED,
			"the file is cut off: its payload ends at %ju of %zu bytes",
			(uintmax_t)(at + size), len);
	*ret = (struct payload){.data = data + at, .len = (size_t)size};
	if (compression_of(ret->data, ret->len) == COMPRESSION_NONE)
		return error_set(err, -ENOTSUP, "a zboot image compressed by \"%.8s\"",
				 (const char *)data + ZBOOT_TYPE);
	return 0;
}

static int find_payload(const uint8_t *data, size_t len, struct payload *ret,
			struct error *err)
{
	if (is_bzimage(data, len))
		return bzimage_payload(data, len, ret, err);
	if (is_zboot(data, len))
		return zboot_payload(data, len, ret, err);
	*ret = (struct payload){.data = data, .len = len};
	if (compression_of(data, len) != COMPRESSION_NONE || raw_machine(data, len) ||
	    (len >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0))
		return 0;
	return error_set(err, -ERROR_DAMAGED,
			 "neither a bzImage, an arm64 Image nor an ELF file");
}

static int plain_file(size_t place)
{
	static const char *const folders[] = {"/var/tmp", "/tmp"};

	if (place < ARRAY_LEN(folders))
		return open(folders[place], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return memfd_create("kuro-vmlinux", MFD_CLOEXEC);
}
#define PLAIN_FILES 3

/* Into the first place that takes it: a full or read-only disk is no hindrance. */
static int unpack(const struct payload *payload, uint64_t *ret_len, struct error *err)
{
	size_t max = payload->plain ? payload->plain : KERNEL_IMAGE_MAX;
	int r = -ENOSPC;

	for (size_t place = 0; place < PLAIN_FILES && r < 0; place++) {
		autoclose int fd = plain_file(place);

		if (fd < 0) {
			r = error_errno(err, -errno, "a file for the plain image");
			continue;
		}
		r = decompress_to(payload->data, payload->len, max, fd, ret_len, err);
		if (r == 0)
			return take_fd(&fd);
		if (r == -ERROR_DAMAGED || r == -EFBIG || r == -ENOTSUP)
			break;
	}
	return r;
}

static int map_plain(const struct payload *payload, struct kernel_image *image,
		     struct error *err)
{
	uint64_t len = 0;
	autoclose int fd = unpack(payload, &len, err);

	if (fd == -EFBIG)
		return error_prefix(err, -ERROR_DAMAGED, "its payload");
	if (fd < 0)
		return error_prefix(err, fd, "its payload");
	if (len == 0 || (payload->plain && len != payload->plain))
		return error_set(err, -ERROR_DAMAGED,
				 "its payload holds %ju bytes, not the %zu that it says",
				 (uintmax_t)len, payload->plain);
	image->mapping = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image->mapping == MAP_FAILED) {
		image->mapping = NULL;
		return error_errno(err, -errno, "mapping the plain image");
	}
	image->data = image->mapping;
	image->len = len;
	return 0;
}

static int place_plain(const uint8_t *data, size_t len, struct kernel_image *image,
		       struct error *err)
{
	struct payload payload = {0};
	int r = find_payload(data, len, &payload, err);

	if (r < 0)
		return r;
	if (compression_of(payload.data, payload.len) != COMPRESSION_NONE)
		return map_plain(&payload, image, err);
	image->data = payload.data;
	image->len = payload.len;
	return 0;
}

/* libelf makes room for every section that is announced before it looks for one. */
static int check_elf(const struct kernel_image *image, struct error *err)
{
	const unsigned char *ident = image->data;
	const unsigned char host =
		BYTE_ORDER == LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;
	uint64_t at, count, size;

	if (image->len < sizeof(Elf64_Ehdr) || image->len < sizeof(Elf32_Ehdr) ||
	    (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64))
		return error_set(err, -ERROR_DAMAGED, "its ELF header is cut off");
	if (ident[EI_DATA] != host)
		return error_set(err, -ENOTSUP, "an ELF file of the other byte order");
	if (ident[EI_CLASS] == ELFCLASS64) {
		Elf64_Ehdr head;

		memcpy(&head, image->data, sizeof(head));
		at = head.e_shoff;
		count = head.e_shnum;
		size = head.e_shentsize;
	} else {
		Elf32_Ehdr head;

		memcpy(&head, image->data, sizeof(head));
		at = head.e_shoff;
		count = head.e_shnum;
		size = head.e_shentsize;
	}
	if (count == 0)
		return error_set(err, -ENOTSUP, "an ELF file without section headers");
	if (count > SECTIONS_MAX || at > image->len || count * size > image->len - at)
		return error_set(err, -ERROR_DAMAGED,
				 "its section headers lie outside of it");
	return 0;
}

static int add_section(struct kernel_image *image, const char *name,
		       const GElf_Shdr *header, size_t number, struct error *err)
{
	if (header->sh_type == SHT_NOBITS || header->sh_type == SHT_NULL)
		return 0;
	if (!name || header->sh_offset > image->len ||
	    header->sh_size > image->len - header->sh_offset)
		return error_set(err, -ERROR_DAMAGED,
				 "section %zu or its name lies outside of it", number);
	image->sections[image->section_count++] = (struct image_section){
		.name = name,
		.data = image->data + header->sh_offset,
		.size = header->sh_size,
		.address = header->sh_addr,
		.loaded = header->sh_flags & SHF_ALLOC,
	};
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct image_section *one = a, *other = b;

	if (one->loaded != other->loaded)
		return one->loaded ? -1 : 1;
	if (one->address != other->address)
		return one->address < other->address ? -1 : 1;
	return (one->size > other->size) - (one->size < other->size);
}

static int read_sections(Elf *elf, struct kernel_image *image, struct error *err)
{
	size_t names, count;
	Elf_Scn *scn = NULL;
	GElf_Ehdr head;
	GElf_Shdr header;

	if (!elf || !gelf_getehdr(elf, &head) || elf_getshdrstrndx(elf, &names) < 0 ||
	    elf_getshdrnum(elf, &count) < 0)
		return error_set(err, -ERROR_DAMAGED, "its ELF header: %s",
				 elf_errmsg(-1));
	image->machine = head.e_machine;
	image->wide = head.e_ident[EI_CLASS] == ELFCLASS64;
	image->sections = mem_zalloc(count * sizeof(*image->sections));
	while ((scn = elf_nextscn(elf, scn))) {
		int r;

		if (!gelf_getshdr(scn, &header))
			return error_set(err, -ERROR_DAMAGED, "a section header: %s",
					 elf_errmsg(-1));
		r = add_section(image, elf_strptr(elf, names, header.sh_name), &header,
				elf_ndxscn(scn), err);
		if (r < 0)
			return r;
	}
	qsort(image->sections, image->section_count, sizeof(*image->sections),
	      by_address);
	return 0;
}

/* libelf wants memory that it might write to, and for reading does not. */
static char *unconst(const void *data)
{
	char *plain;

	memcpy(&plain, &data, sizeof(plain));
	return plain;
}

static int read_plain(struct kernel_image *image, struct error *err)
{
	Elf *elf;
	int r;

	image->elf = image->len >= SELFMAG && memcmp(image->data, ELFMAG, SELFMAG) == 0;
	if (!image->elf) {
		image->machine = raw_machine(image->data, image->len);
		return image->machine != EM_NONE
			       ? 0
			       : error_set(err, -ERROR_DAMAGED,
					   "what it holds is no kernel");
	}
	r = check_elf(image, err);
	if (r < 0)
		return r;
	(void)elf_version(EV_CURRENT); /* what there is to choose from */
	elf = elf_memory(unconst(image->data), image->len);
	r = read_sections(elf, image, err);
	(void)elf_end(elf); /* names lie in the image, not in libelf's memory */
	return r;
}

int kernel_image_open(const char *path, const void *data, size_t len,
		      struct kernel_image *ret, struct error *err)
{
	autoimage struct kernel_image image = {0};
	int r = place_plain(data, len, &image, err);

	if (r == 0)
		r = read_plain(&image, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	*ret = image;
	image = (struct kernel_image){0};
	return 0;
}

void kernel_image_done(struct kernel_image *image)
{
	if (image->mapping)
		(void)munmap(image->mapping, image->len); /* our own mapping */
	free(image->sections);
	*image = (struct kernel_image){0};
}

const struct image_section *kernel_image_section(const struct kernel_image *image,
						 const char *name)
{
	for (size_t i = 0; i < image->section_count; i++)
		if (strcmp(image->sections[i].name, name) == 0)
			return &image->sections[i];
	return NULL;
}
