/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libarchive, loaded when the first package is read and not before: it brings a dozen
 * further libraries along (XML, Unicode, ACLs), which would take longer to load than most
 * of what kuro does. Its functions are called by the names of its manual with sym_ before
 * them.
 */
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include "base/error.h"

#define ARCHIVE_SYMBOLS(X)                   \
	X(archive_entry_filetype)            \
	X(archive_entry_hardlink)            \
	X(archive_entry_pathname)            \
	X(archive_entry_size)                \
	X(archive_error_string)              \
	X(archive_format)                    \
	X(archive_read_append_filter)        \
	X(archive_read_data)                 \
	X(archive_read_data_block)           \
	X(archive_read_data_skip)            \
	X(archive_read_free)                 \
	X(archive_read_new)                  \
	X(archive_read_next_header)          \
	X(archive_read_open)                 \
	X(archive_read_support_format_ar)    \
	X(archive_read_support_format_cpio)  \
	X(archive_read_support_format_empty) \
	X(archive_read_support_format_raw)   \
	X(archive_read_support_format_tar)

#define ARCHIVE_DECLARE(name) extern __typeof__(name) *sym_##name;
ARCHIVE_SYMBOLS(ARCHIVE_DECLARE)

/* Before any of them is called. May be repeated. -ENOTSUP: it is not installed, or is not
 * the one kuro was built for. */
int archive_library_load(struct error *err);
