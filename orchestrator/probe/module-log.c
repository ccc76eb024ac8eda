/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loader's refusals in the kernel's log, and those of signatures in what modprobe and
 * the like were told. A name that is no module's is left out: what is logged may be
 * chosen by a file's author.
 */
#include "probe/module-log.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "journal.h"

#define KMSG            "/dev/kmsg"
#define RECORD_MAX      8192
#define RECORDS_MAX     262144
#define REFUSALS_MAX    4096
#define NAME_MAX_LENGTH 64
#define TEXT_MAX        200
#define ENTRIES_MAX     4096 /* of the journal */

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

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			      "0123456789_-";

static char *plain_name(const char *name, size_t len)
{
	char *plain = str_ndup(name, len);

	for (char *c = plain; *c; c++)
		if (*c == '-')
			*c = '_';
	return plain;
}

const char *module_log_refusal(const char *record, char **ret_module)
{
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
	*ret_module = plain_name(name, len);
	return message;
}

/* Beginnings in front of a name, and of insmod's path. */
static const char *const insertions[] = {"could not insert '", "could not insert module ",
					 "Failed to insert module '",
					 "Failed to insert '"};

/* What strerror() makes of the loader's answers to a signature (mod_verify_sig). */
static bool is_rejection(const char *text, bool locked)
{
	static const char *const answers[] = {"Key was rejected by service",
					      "Required key not available",
					      "Key has been revoked", "Key has expired",
					      "Bad message"};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++)
		if (str_eq(text, answers[i]))
			return true;
	return locked && str_eq(text, "Operation not permitted");
}

const char *module_log_rejection(const char *line, bool locked, char **ret_module)
{
	for (size_t i = 0; i < ARRAY_LEN(insertions); i++) {
		const char *at = strstr(line, insertions[i]);
		const char *name = at ? at + strlen(insertions[i]) : NULL;
		const char *answer = name ? strstr(name, ": ") : NULL;
		const char *slash =
			answer ? memrchr(name, '/', (size_t)(answer - name)) : NULL;
		size_t len;

		if (!answer || !is_rejection(answer + 2, locked))
			continue;
		name = slash ? slash + 1 : name;
		len = strspn(name, letters);
		if (len == 0 || len > NAME_MAX_LENGTH || !strchr("'.", name[len]))
			return NULL;
		*ret_module = plain_name(name, len);
		return at;
	}
	return NULL;
}

/* module is taken; message NULL: there is none. */
static void refusals_add(struct module_refusals *list, const char *message, char *module)
{
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
		const char *message;
		char *module = NULL;

		/* overwritten while reading, or longer than the buffer: the next one */
		if (n < 0 && (errno == EPIPE || errno == EINTR || errno == EINVAL))
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n <= 0)
			break;
		record[n] = '\0';
		record[strcspn(record, "\n")] = '\0';
		message = module_log_refusal(record, &module);
		refusals_add(list, message, module);
	}
	return 0;
}

static bool is_locked(const struct root *root)
{
	autofree char *modes = NULL;

	return root_read_line(root, "/sys/kernel/security/lockdown", &modes, NULL) == 0 &&
	       (strstr(modes, "[integrity]") || strstr(modes, "[confidentiality]"));
}

/* Programs of root that load modules; a journal's own fields can't be made up. */
static bool journal_match(sd_journal *journal)
{
	static const char *const matches[] = {"_UID=0", "_COMM=modprobe", "_COMM=insmod",
					      "_COMM=systemd-modules"};

	for (size_t i = 0; i < ARRAY_LEN(matches); i++)
		if (sym_sd_journal_add_match(journal, matches[i], 0) < 0)
			return false;
	return true;
}

static void journal_scan(sd_journal *journal, bool locked, struct module_refusals *list)
{
	static const char field[] = "MESSAGE=";

	for (size_t i = 0; i < ENTRIES_MAX && sym_sd_journal_next(journal) > 0; i++) {
		autofree char *line = NULL;
		const char *message;
		char *module = NULL;
		const void *data;
		size_t len;

		if (sym_sd_journal_get_data(journal, "MESSAGE", &data, &len) < 0 ||
		    len < sizeof(field) || len > RECORD_MAX)
			continue;
		line = str_ndup((const char *)data + sizeof(field) - 1,
				len - (sizeof(field) - 1));
		message = module_log_rejection(line, locked, &module);
		refusals_add(list, message, module);
	}
}

static void journal_refusals(const struct root *root, struct module_refusals *list)
{
	autofree char *boot_id = NULL;
	sd_journal *journal = NULL;

	if (root_read_line(root, "/proc/sys/kernel/random/boot_id", &boot_id, NULL) < 0 ||
	    journal_open_boot(root, boot_id, &journal) < 0)
		return; /* no journal tells nothing */
	if (journal_match(journal))
		journal_scan(journal, is_locked(root), list);
	sym_sd_journal_close(journal);
}

int module_log_read(const struct root *root, struct module_refusals *ret)
{
	autoclose int fd = root_openat(root, KMSG, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct module_refusals list = {0};
	int r = fd < 0 ? fd : refusals_scan(fd, &list);

	if (r < 0) {
		module_refusals_done(&list);
		return r;
	}
	journal_refusals(root, &list);
	*ret = list;
	return 0;
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
