/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors: formatting, and the one table from code to name to exit status.
 */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

struct error_row {
	const char *name;
	int exit_status;
};

static const struct error_row error_rows[] = {
	[ERROR_USAGE - ERROR_USAGE] = {"usage", EXIT_USAGE},
	[ERROR_REFUSED - ERROR_USAGE] = {"refused", EXIT_REFUSED},
	[ERROR_UNSUPPORTED - ERROR_USAGE] = {"unsupported", EXIT_UNSUPPORTED},
	[ERROR_BUSY - ERROR_USAGE] = {"busy", EXIT_BUSY},
	[ERROR_ROLLED_BACK - ERROR_USAGE] = {"rolled-back", EXIT_ROLLED_BACK},
	[ERROR_DAMAGED - ERROR_USAGE] = {"damaged", EXIT_FAILED},
	[ERROR_INTERRUPTED - ERROR_USAGE] = {"interrupted", EXIT_FAILED},
	[ERROR_PROGRAM - ERROR_USAGE] = {"program-failed", EXIT_FAILED},
};

static const struct error_row *error_row_of(int code)
{
	if (-code < ERROR_USAGE || -code >= ERROR_END)
		return NULL;
	return &error_rows[-code - ERROR_USAGE];
}

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format,
			args); /* cut is fine */
	va_end(args);
	return code;
}

int error_errno(struct error *err, int code, const char *format, ...)
{
	va_list args;
	size_t used;

	if (!err)
		return code;
	err->code = code;
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format,
			args); /* cut is fine */
	va_end(args);
	used = strlen(err->message);
	(void)snprintf(err->message + used, sizeof(err->message) - used, ": %s",
		       strerrordesc_np(-code) ? strerrordesc_np(-code) : "unknown error");
	return code;
}

int error_prefix(struct error *err, int code, const char *format, ...)
{
	char old[sizeof(err->message)];
	va_list args;
	size_t used;

	if (!err)
		return code;
	memcpy(old, err->message, sizeof(old));
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format,
			args); /* cut is fine */
	va_end(args);
	used = strlen(err->message);
	(void)snprintf(err->message + used, sizeof(err->message) - used, ": %s", old);
	return code;
}

int error_exit_status(int code)
{
	const struct error_row *row = error_row_of(code);

	if (code >= 0)
		return EXIT_DONE;
	if (code == -ENOTSUP)
		return EXIT_UNSUPPORTED;
	return row ? row->exit_status : EXIT_FAILED;
}

const char *error_name(int code)
{
	const struct error_row *row = error_row_of(code);
	const char *name;

	if (code >= 0)
		return "ok";
	if (row)
		return row->name;
	name = strerrorname_np(-code);
	return name ? name : "unknown";
}
