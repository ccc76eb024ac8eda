/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ciphers of encrypted disks: dm-crypt asks the kernel for them by name when it is set
 * up, so that no module depends on them. Which ones is told by the LUKS header, which
 * root alone can read; keys are never looked at. Sources: LUKS1 and LUKS2 On-Disk Format
 * Specification; crypto/api.c (crypto_larval_lookup) for the aliases.
 */
#include <endian.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "json-document.h"
#include "root-needs.h"

#define LUKS_MAGIC   "LUKS\xba\xbe"
#define LUKS2_JSON   4096 /* bytes before it */
#define LUKS2_MAX    ((size_t)4 * 1024 * 1024)
#define CRYPTO_MAX   ((size_t)1 << 20)
#define CIPHER_WORDS 4

/* LUKS1: version at 6, cipher's name at 8 and mode at 40, 32 bytes each. */
static char *cipher_of_luks1(const unsigned char *head)
{
	const char *name = (const char *)head + 8, *mode = (const char *)head + 40;

	return str_format("%.*s-%.*s", (int)strnlen(name, 32), name,
			  (int)strnlen(mode, 32), mode);
}

/* LUKS2: its size at 8, big endian; the text behind the first 4096 bytes. */
static char *cipher_of_luks2(int fd, const unsigned char *head)
{
	autofree char *text = NULL;
	autojson json_object *top = NULL;
	char *cipher = NULL;
	uint64_t size;
	ssize_t n;

	memcpy(&size, head + 8, sizeof(size));
	size = be64toh(size);
	if (size <= LUKS2_JSON || size > LUKS2_MAX)
		return NULL;
	size -= LUKS2_JSON;
	text = mem_zalloc((size_t)size + 1);
	n = pread(fd, text, (size_t)size, LUKS2_JSON);
	top = n > 0 ? json_tokener_parse(text) : NULL;
	if (!top)
		return NULL;
	json_object_object_foreach(json_get(top, "segments", json_type_object)
					   ? json_get(top, "segments", json_type_object)
					   : top,
				   key, segment)
	{
		json_object *word =
			json_object_is_type(segment, json_type_object)
				? json_get(segment, "encryption", json_type_string)
				: NULL;

		(void)key; /* segments are told apart by number, their ciphers are not */
		if (word && !cipher)
			cipher = str_dup(json_object_get_string(word));
	}
	return cipher;
}

static char *cipher_of_node(const struct root *root, const char *name)
{
	autofree char *node = str_format("/dev/%s", name);
	autoclose int fd = root_openat(root, node, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	unsigned char head[512];

	if (fd < 0 || pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head, LUKS_MAGIC, 6) != 0)
		return NULL;
	if (head[6] == 0 && head[7] == 1)
		return cipher_of_luks1(head);
	return cipher_of_luks2(fd, head);
}

/* Of what the mapped device stands on. */
static char *cipher_of(const struct root *root, const char *place)
{
	autofree char *dir = str_format("/sys/devices/%s/slaves", place);
	autostrv struct strv names = {0};
	char *cipher = NULL;

	(void)root_list(root, dir, &names, NULL); /* none: nothing to read */
	for (size_t i = 0; i < names.count && !cipher; i++)
		cipher = cipher_of_node(root, names.items[i]);
	return cipher;
}

/* A line "key   : value" of /proc/crypto. */
static const char *crypto_value(const char *line, const char *key)
{
	const char *colon = strchr(line, ':');

	if (!str_starts(line, key) || !colon || !strchr(" \t:", line[strlen(key)]))
		return NULL;
	colon++;
	return colon + strspn(colon, " \t");
}

/* The module that gives the running kernel "xts(aes)", or NULL. Caller frees. */
static char *module_in_use(const struct root *root, const char *algorithm)
{
	autofree char *text = NULL;
	autostrv struct strv lines = {0};
	bool this_one = false;
	char *module = NULL;

	if (root_read(root, "/proc/crypto", CRYPTO_MAX, &text, NULL, NULL) < 0)
		return NULL;
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count && !module; i++) {
		const char *name = crypto_value(lines.items[i], "name");
		const char *by = crypto_value(lines.items[i], "module");

		if (name)
			this_one = str_eq(name, algorithm);
		if (this_one && by && !str_eq(by, "kernel"))
			module = str_dup(by);
	}
	return module;
}

static void need_algorithm(struct root_target *target, const char *name, const char *also,
			   const char *why)
{
	autofree char *alias = str_format("crypto-%s", name);

	if (!root_target_need_alias(target, alias, also, why))
		root_needs_unknown(target,
				   "what gives %s the algorithm %s can't be told: its "
				   "module tree has no such name",
				   target->release, name);
}

/* "aes-xts-plain64", "aes-cbc-essiv:sha256", "xchacha12,aes-adiantum-plain64". */
static void need_cipher(struct root_target *target, const char *cipher)
{
	autofree char *text = str_dup(cipher), *why = NULL, *algorithm = NULL;
	autofree char *used = NULL;
	char *rest = text, *words[CIPHER_WORDS] = {NULL}, *part;

	for (size_t i = 0; i < CIPHER_WORDS && rest; i++)
		words[i] = strsep(&rest, "-");
	if (!words[1] || str_starts(cipher, "capi:")) {
		root_needs_unknown(target, "the cipher %s is none that kuro knows",
				   cipher);
		return;
	}
	why = str_format("cipher %s", cipher);
	algorithm = str_format("%s(%s)", words[1], words[0]);
	used = module_in_use(target->root, algorithm);
	need_algorithm(target, words[1], used, why);
	while ((part = strsep(&words[0], ",")))
		need_algorithm(target, part, used, why);
	if (words[2] && str_starts(words[2], "essiv:")) {
		need_algorithm(target, "essiv", NULL, why);
		need_algorithm(target, words[2] + strlen("essiv:"), NULL, why);
	}
}

void root_needs_cipher(struct root_target *target, const char *place)
{
	autofree char *cipher = cipher_of(target->root, place);
	autofree char *name = root_place_name(target->root, place);

	if (cipher)
		need_cipher(target, cipher);
	else
		root_needs_unknown(target,
				   "the cipher of %s can't be told: its header can't be "
				   "read%s",
				   name, geteuid() == 0 ? "" : " by this user");
}
