/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checks of btf_parse_module() that need no other file: btf_parse_hdr,
 * btf_check_sec_info, btf_parse_str_sec, btf_check_all_metas (kernel/bpf/btf.c).
 */
#include "btf.h"

#include "module-elf.h"

#define BTF_VERSION   1
#define UNUSED_BITS   0x60000000U /* of a type's info: no kernel gave them a meaning */
#define LATER_MEMBERS 0x00ff0000U /* where more than 65,535 members would be counted */

size_t btf_type_more(unsigned int kind, size_t members)
{
	static const struct {
		uint8_t fixed, each;
	} sizes[BTF_KIND_ENUM64 + 1] = {
		[1] = {4, 0},   /* int */
		[3] = {12, 0},  /* array */
		[4] = {0, 12},  /* struct */
		[5] = {0, 12},  /* union */
		[6] = {0, 8},   /* enum */
		[13] = {0, 8},  /* function prototype */
		[14] = {4, 0},  /* variable */
		[15] = {0, 12}, /* data section */
		[17] = {4, 0},  /* declaration tag */
		[BTF_KIND_ENUM64] = {0, 12},
	};

	return sizes[kind].fixed + sizes[kind].each * members;
}

/* Kinds that have no members; of a function (12) the count is its linkage. */
static bool kind_has_members(unsigned int kind)
{
	return (kind >= 4 && kind <= 6) || kind == 12 || kind == 13 || kind == 15 ||
	       kind == BTF_KIND_ENUM64;
}

/* The header's parts, in bytes behind it. */
struct parts {
	const uint8_t *types, *strings;
	size_t types_len, strings_len;
	bool later; /* a longer header may tell of more */
};

static bool within(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset <= size && len <= size - offset;
}

/* Types, then strings, and nothing else. */
static bool parts_read(const uint8_t *p, size_t size, struct parts *ret)
{
	uint64_t header, types, types_len, strings, strings_len;

	if (size < BTF_HEADER_SIZE || (p[0] | p[1] << 8) != BTF_MAGIC ||
	    p[2] != BTF_VERSION || p[3] != 0)
		return false;
	header = module_u32(p + 4);
	if (header < BTF_HEADER_SIZE || header > size)
		return false;
	size -= header;
	types = module_u32(p + 8);
	types_len = module_u32(p + 12);
	strings = module_u32(p + 16);
	strings_len = module_u32(p + 20);
	if (types % 4 != 0 || !within(types, types_len, size) ||
	    !within(strings, strings_len, size) || strings < types + types_len)
		return false;
	if (header == BTF_HEADER_SIZE &&
	    (types != 0 || strings != types_len || strings + strings_len != size))
		return false;
	p += header;
	*ret = (struct parts){p + types, p + strings, types_len, strings_len,
			      header > BTF_HEADER_SIZE};
	return strings_len == 0 || ret->strings[strings_len - 1] == '\0';
}

/* names: how many bytes of strings there are to name a type by; 0: not known. */
static bool types_are_sane(const struct parts *parts, uint64_t names)
{
	size_t left = parts->types_len;

	for (const uint8_t *p = parts->types; left > 0;) {
		uint32_t info = left < BTF_TYPE_SIZE ? 0 : module_u32(p + 4);
		unsigned int kind = info >> 24 & 0x1f;
		size_t members = info & 0xffff, size;

		if ((parts->later && kind > BTF_KIND_ENUM64) || info & LATER_MEMBERS)
			return true;
		if (kind == 0 || kind > BTF_KIND_ENUM64 || info & UNUSED_BITS ||
		    (members > 0 && !kind_has_members(kind)) ||
		    (names > 0 && module_u32(p) >= names))
			return false;
		size = BTF_TYPE_SIZE + (kind == 12 ? 0 : btf_type_more(kind, members));
		if (size > left)
			return false;
		p += size;
		left -= size;
	}
	return true;
}

bool btf_is_sane(const uint8_t *data, size_t size, const uint8_t *base, size_t base_size)
{
	struct parts own, kernels = {0};
	uint64_t names = 0;

	if (!parts_read(data, size, &own))
		return false;
	if (base_size > 0) {
		/* it stands alone: its strings begin with the empty one */
		if (!parts_read(base, base_size, &kernels) || kernels.strings_len == 0 ||
		    kernels.strings[0] != '\0' ||
		    !types_are_sane(&kernels, kernels.strings_len))
			return false;
		names = (uint64_t)kernels.strings_len + own.strings_len;
	}
	return types_are_sane(&own, names);
}
