/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Module.symvers, as scripts/mod/modpost.c writes it: version, name, module, kind of
 * export, namespace. From 5.4 to 5.7 the namespace stood third; before 5.4 there was
 * none.
 */
#include <stdlib.h>
#include <string.h>

#include "probe/kernel-image.h"

#define COLUMNS 5
#define KIND    "EXPORT_"

/* The line cut into its columns in place; how many, 0 where there are more than five. */
static size_t cut_line(char *line, char *columns[COLUMNS])
{
	size_t count = 0;

	for (char *at = line; at; count++) {
		if (count == COLUMNS)
			return 0;
		columns[count] = at;
		at = strchr(at, '\t');
		if (at)
			*at++ = '\0';
	}
	return count;
}

static bool read_crc(const char *text, struct symbol *symbol)
{
	char *end;
	unsigned long crc;

	if (strncmp(text, "0x", 2) != 0 ||
	    strspn(text + 2, "0123456789abcdefABCDEF") != strlen(text + 2))
		return false;
	crc = strtoul(text + 2, &end, 16);
	if (end == text + 2 || crc > UINT32_MAX)
		return false;
	symbol->crc = (uint32_t)crc;
	symbol->has_crc = crc != 0;
	return true;
}

/* "net/netfilter/nf-nat" → "nf_nat", in place; "vmlinux" → "". */
static char *owner_of(char *path)
{
	char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	if (strcmp(path, "vmlinux") == 0)
		return path + strlen(path);
	for (char *at = name; *at; at++)
		if (*at == '-')
			*at = '_';
	return name;
}

static const char *read_line(char *line, struct symbol *ret)
{
	char *columns[COLUMNS];
	size_t count = cut_line(line, columns), kind;

	if (count < 4)
		return "not five columns";
	if (!read_crc(columns[0], ret))
		return "not a version";
	kind = strncmp(columns[3], KIND, strlen(KIND)) == 0 ? 3 : 4;
	if (kind == 4 && (count < 5 || strncmp(columns[4], KIND, strlen(KIND)) != 0))
		return "no kind of export";
	ret->name = columns[1];
	ret->owner = owner_of(columns[kind == 3 ? 2 : 3]);
	ret->name_space = kind == 4 ? columns[2] : count == 5 ? columns[4] : "";
	ret->gpl = strstr(columns[kind], "_GPL") != NULL;
	return *ret->name ? NULL : "no name";
}

int symvers_parse(const char *name, const char *text, size_t len,
		  struct symbol_table *table, bool *ret_versions, struct error *err)
{
	autofree char *copy = str_ndup(text, len);
	bool versions = false;
	size_t number = 0;

	if (memchr(text, '\0', len))
		return error_set(err, -ERROR_DAMAGED, "%s holds a NUL", name);
	for (char *line = copy, *next; *line; line = next) {
		struct symbol symbol = {0};
		const char *fault;

		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		number++;
		fault = read_line(line, &symbol);
		if (!fault && symbol_table_add(table, &symbol) == -EFBIG)
			fault = "too many symbols";
		if (fault)
			return error_set(err, -ERROR_DAMAGED, "%s, line %zu: %s", name,
					 number, fault);
		versions = versions || symbol.has_crc;
	}
	*ret_versions = versions;
	return 0;
}
