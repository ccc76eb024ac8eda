/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's own log, read from /dev/kmsg without waiting. Only records of the kernel
 * itself count (facility 0, which user space can't claim), and only messages that begin
 * the way a broken kernel's do: a user's program that trapped, or a name that someone
 * chose, must not condemn a kernel. Warnings and their call traces are not failures.
 */
#include "health-parts.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define KMSG_PATH "/dev/kmsg"
#define KMSG_RECORD_MAX \
	8192 /* PRINTKRB_RECORD_MAX and CONSOLE_EXT_LOG_MAX are not above */
#define KMSG_RECORDS_MAX  262144
#define KMSG_SHOWN        160
#define KMSG_FACILITY_BIT 3

/*
 * Beginnings of messages. Source: arch/x86/kernel/traps.c, dumpstack.c, mm/fault.c;
 * arch/arm64 and arch/arm kernel/traps.c, mm/fault.c; lib/bug.c; kernel/watchdog.c.
 */
static const char *const troubles[] = {
	"BUG: ",
	"watchdog: BUG: ",
	"Oops",
	"kernel BUG at ",
	"general protection fault",
	"Internal error: ",
	"Unable to handle kernel ",
};

const char *kernel_log_trouble(const char *record)
{
	char *end;
	unsigned long priority = strtoul(record, &end, 10);
	const char *message = strchr(record, ';');

	if (!isdigit((unsigned char)record[0]) || *end != ',' || !message)
		return NULL;
	if (priority >> KMSG_FACILITY_BIT != 0)
		return NULL;
	message++;
	for (size_t i = 0; i < ARRAY_LEN(troubles); i++)
		if (str_starts(message, troubles[i]))
			return message;
	return NULL;
}

struct log_scan {
	char *first; /* message, or NULL */
	size_t count;
};

/* What one read gave: a record and its dictionary's lines, which begin with a blank. */
static void scan_lines(char *text, struct log_scan *scan)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		const char *message = kernel_log_trouble(line);

		if (!message)
			continue;
		scan->count++;
		if (!scan->first)
			scan->first = str_ndup(message, strnlen(message, KMSG_SHOWN));
	}
}

/* To the newest record; -EPIPE says that records were overwritten while reading. */
static int scan_log(int fd, struct log_scan *scan)
{
	char record[KMSG_RECORD_MAX + 1];

	for (size_t i = 0; i < KMSG_RECORDS_MAX; i++) {
		ssize_t n = read(fd, record, KMSG_RECORD_MAX);

		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n < 0 && errno == EINVAL)
			continue; /* longer than the buffer, and passed over */
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n <= 0)
			break;
		record[n] = '\0';
		scan_lines(record, scan);
	}
	return 0;
}

void check_kernel_log(const struct health_context *context, struct check *check)
{
	autoclose int fd = root_openat(context->root, KMSG_PATH,
				       O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct log_scan scan = {0};
	int r = fd < 0 ? fd : scan_log(fd, &scan);

	if (scan.count > 0)
		check_end(check, CHECK_FAILED, "the kernel reported: %s%s", scan.first,
			  scan.count > 1 ? " (and more)" : "");
	else if (r < 0)
		check_end(check, CHECK_SKIPPED, "%s can't be read: %s", KMSG_PATH,
			  strerrordesc_np(-r));
	free(scan.first);
}
