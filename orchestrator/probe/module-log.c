/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loader's refusals in the kernel's log. A name that is no module's is left out: what
 * is logged may be chosen by a file's author.
 */
#include "probe/module-log.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define KMSG            "/dev/kmsg"
#define RECORD_MAX      8192
#define RECORDS_MAX     262144
#define REFUSALS_MAX    4096
#define NAME_MAX_LENGTH 64
#define TEXT_MAX        200

/* What stands behind the module's name. */
static const char *const phrases[] = {
	": disagrees about version of symbol ",
	": no symbol version for ",
	": Unknown symbol ",
	": version magic '",
	": .gnu.linkonce.this_module section size must match",
	": exports duplicate symbol ",
	": module is already loaded",
	": module uses symbol ",
	" uses symbol ",
	"] BTF: ",
	" is blacklisted",
	": module is marked as livepatch module, but",
	": overflow in relocation type ",
	": Unknown rela relocation: ",
};

/* What stands before it in some of them. */
static const char *const openings[] = {"module ", "Module ",
				       "failed to validate module ["};

/* The text behind priority, sequence, time and flags; NULL where it is not the kernel's.
 */
static const char *kernel_message(const char *record)
{
	char *end;
	unsigned long priority = strtoul(record, &end, 10);
	const char *message = strchr(record, ';');

	if (!isdigit((unsigned char)record[0]) || *end != ',' || !message ||
	    priority >> 3 != 0)
		return NULL;
	return message + 1;
}

static bool follows(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
		if (str_starts(text, phrases[i]))
			return true;
	return false;
}

const char *module_log_refusal(const char *record, char **ret_module)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789_-";
	const char *message = kernel_message(record), *name = message;
	size_t len;

	if (!message)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(openings) && name == message; i++)
		if (str_starts(message, openings[i]))
			name += strlen(openings[i]);
	len = strspn(name, letters);
	if (len == 0 || len > NAME_MAX_LENGTH || !follows(name + len))
		return NULL;
	*ret_module = str_ndup(name, len);
	for (char *c = *ret_module; *c; c++)
		if (*c == '-')
			*c = '_';
	return message;
}

static void refusals_add(struct module_refusals *list, const char *record)
{
	char *module = NULL;
	const char *message = module_log_refusal(record, &module);

	for (size_t i = 0; message && i < list->count; i++)
		if (str_eq(list->items[i].module, module))
			message = NULL;
	if (!message || list->count == REFUSALS_MAX) {
		free(module);
		return;
	}
	list->items = mem_regrow(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = (struct module_refusal){
		.module = module,
		.text = str_ndup(message, strnlen(message, TEXT_MAX)),
	};
}

/* Records, each of which may have lines of its own behind it. */
static int refusals_scan(int fd, struct module_refusals *list)
{
	char record[RECORD_MAX + 1];

	for (size_t i = 0; i < RECORDS_MAX; i++) {
		ssize_t n = read(fd, record, RECORD_MAX);

		/* overwritten while reading, or longer than the buffer: the next one */
		if (n < 0 && (errno == EPIPE || errno == EINTR || errno == EINVAL))
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n <= 0)
			break;
		record[n] = '\0';
		record[strcspn(record, "\n")] = '\0';
		refusals_add(list, record);
	}
	return 0;
}

int module_log_read(const struct root *root, struct module_refusals *ret)
{
	autoclose int fd = root_openat(root, KMSG, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct module_refusals list = {0};
	int r = fd < 0 ? fd : refusals_scan(fd, &list);

	if (r < 0)
		module_refusals_done(&list);
	else
		*ret = list;
	return r;
}

void module_refusals_done(struct module_refusals *refusals)
{
	for (size_t i = 0; i < refusals->count; i++) {
		free(refusals->items[i].module);
		free(refusals->items[i].text);
	}
	free(refusals->items);
	*refusals = (struct module_refusals){0};
}
