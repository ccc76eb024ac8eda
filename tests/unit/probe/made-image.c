/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel images, as small as may be.
 */
#include "made-image.h"

#include <assert.h>
#include <elf.h>
#include <string.h>

#include <zlib.h>

#include "base/cleanup.h"

#define FIRST_ADDRESS 0xffffffff81000000
#define ROOM          0x10000
#define SETUP_SECTS   2

void made_elf_done(struct made_elf *elf)
{
	for (size_t i = 0; i < elf->count; i++)
		text_done(&elf->sections[i].bytes);
}

struct made_section *made_section(struct made_elf *elf, const char *name)
{
	struct made_section *section;

	for (size_t i = 0; i < elf->count; i++)
		if (str_eq(elf->sections[i].name, name))
			return &elf->sections[i];
	assert(elf->count < MADE_SECTIONS);
	section = &elf->sections[elf->count];
	section->name = name;
	section->address = FIRST_ADDRESS + elf->count++ * ROOM;
	return section;
}

uint64_t made_text(struct made_elf *elf, const char *section, const char *text)
{
	struct made_section *to = made_section(elf, section);
	uint64_t address = to->address + to->bytes.len;

	text_append_n(&to->bytes, text, strlen(text) + 1);
	assert(to->bytes.len <= ROOM);
	return address;
}

void made_u32(struct text *to, uint32_t number)
{
	text_append_n(to, (const char *)&number, sizeof(number));
}

void made_u64(struct text *to, uint64_t number)
{
	text_append_n(to, (const char *)&number, sizeof(number));
}

/* address as the next field: from the field itself, or as it is. */
static void put_place(struct made_section *to, bool absolute, uint64_t address)
{
	if (absolute)
		made_u64(&to->bytes, address);
	else if (address)
		made_u32(&to->bytes, (uint32_t)(address - to->address - to->bytes.len));
	else
		made_u32(&to->bytes, 0);
}

void made_export(struct made_elf *elf, enum made_layout layout, bool gpl,
		 const char *name, const char *name_space)
{
	struct made_section *to = made_section(elf, gpl ? "__ksymtab_gpl" : "__ksymtab");
	bool absolute = layout == MADE_ABSOLUTE || layout == MADE_ABSOLUTE_SHORT;
	uint64_t name_at = made_text(elf, "__ksymtab_strings", name), space_at = 0;

	if (name_space)
		space_at = made_text(elf, "__ksymtab_strings", name_space);
	put_place(to, absolute, FIRST_ADDRESS);
	put_place(to, absolute, name_at);
	if (layout == MADE_PREL || layout == MADE_ABSOLUTE)
		put_place(to, absolute, space_at);
}

void made_crc(struct made_elf *elf, bool gpl, uint32_t crc)
{
	made_u32(&made_section(elf, gpl ? "__kcrctab_gpl" : "__kcrctab")->bytes, crc);
}

void made_param(struct made_elf *elf, const char *name, uint16_t permissions)
{
	uint64_t name_at = made_text(elf, ".rodata", name);
	struct text *to = &made_section(elf, "__param")->bytes;

	made_u64(to, name_at);
	made_u64(to, 0);
	made_u64(to, 0);
	made_u64(to, permissions);
	made_u64(to, 0);
}

void made_version(struct made_elf *elf, const char *module)
{
	uint64_t word_at = made_text(elf, ".rodata", "version");
	uint64_t name_at = made_text(elf, ".rodata", module);
	struct text *to = &made_section(elf, "__modver")->bytes;

	made_u64(to, word_at);
	for (int i = 0; i < 6; i++)
		made_u64(to, 0);
	made_u64(to, name_at);
	made_u64(to, 0);
}

void made_elf_file(const struct made_elf *elf, struct text *ret)
{
	Elf64_Ehdr head = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(head),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = (uint16_t)(elf->count + 2),
		.e_shstrndx = (uint16_t)(elf->count + 1),
	};
	Elf64_Shdr headers[MADE_SECTIONS + 2] = {0};
	autotext struct text names = {0};

	text_append_n(&names, "", 1);
	text_append_n(ret, (const char *)&head, sizeof(head));
	for (size_t i = 0; i <= elf->count; i++) {
		const struct made_section *from = &elf->sections[i];
		bool last = i == elf->count;

		headers[i + 1] = (Elf64_Shdr){
			.sh_name = (uint32_t)names.len,
			.sh_type = last ? SHT_STRTAB : SHT_PROGBITS,
			.sh_flags = last || !from->address ? 0 : SHF_ALLOC,
			.sh_addr = last ? 0 : from->address,
			.sh_offset = ret->len,
			.sh_size = last ? 0 : from->bytes.len,
		};
		text_append_n(&names, last ? ".shstrtab" : from->name,
			      strlen(last ? ".shstrtab" : from->name) + 1);
		if (!last && from->bytes.len)
			text_append_n(ret, from->bytes.data, from->bytes.len);
	}
	headers[elf->count + 1].sh_size = names.len;
	text_append_n(ret, names.data, names.len);
	while (ret->len % 8)
		text_append_n(ret, "", 1);
	head.e_shoff = ret->len;
	memcpy(ret->data, &head, sizeof(head));
	text_append_n(ret, (const char *)headers, (elf->count + 2) * sizeof(headers[0]));
}

void made_gzip(const struct text *plain, struct text *ret)
{
	z_stream z = {0};
	size_t room = plain->len + plain->len / 100 + 1000;
	autofree uint8_t *out = mem_zalloc(room);
	int r = deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, 0);

	assert(r == Z_OK);
	z.next_in = (Bytef *)plain->data;
	z.avail_in = (uInt)plain->len;
	z.next_out = out;
	z.avail_out = (uInt)room;
	r = deflate(&z, Z_FINISH);
	assert(r == Z_STREAM_END);
	text_append_n(ret, (const char *)out, z.total_out);
	(void)deflateEnd(&z); /* frees */
}

void made_bzimage(const char *payload, size_t len, struct text *ret)
{
	uint32_t offset = 64, size = (uint32_t)len, code = (offset + size + 6 + 15) / 16;
	size_t start = ret->len + (SETUP_SECTS + 1) * 512;
	char *head;

	while (ret->len < start + offset)
		text_append_n(ret, "", 1);
	text_append_n(ret, payload, len);
	text_append_n(ret, "behind", 6);
	head = ret->data;
	head[0x1f1] = SETUP_SECTS;
	memcpy(head + 0x1f4, &code, sizeof(code));
	memcpy(head + 0x1fe, "\x55\xaa", 2);
	memcpy(head + 0x202, "HdrS\x0f\x02", 6);
	memcpy(head + 0x248, &offset, sizeof(offset));
	memcpy(head + 0x24c, &size, sizeof(size));
}

void made_zboot(const struct text *payload, const char *type, struct text *ret)
{
	text_append_n(ret, "MZ\0\0zimg", 8);
	made_u32(ret, 0x40);
	made_u32(ret, (uint32_t)payload->len);
	made_u64(ret, 0);
	text_append_n(ret, type, strlen(type));
	while (ret->len < 0x40)
		text_append_n(ret, "", 1);
	text_append_n(ret, payload->data, payload->len);
	made_u32(ret, 12345);
}

void made_raw(const char *data, size_t len, struct text *ret)
{
	while (ret->len < 0x38)
		text_append_n(ret, "", 1);
	text_append_n(ret, "ARM\x64\0\0\0\0", 8);
	text_append_n(ret, data, len);
}
