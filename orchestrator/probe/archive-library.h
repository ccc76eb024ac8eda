/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libarchive, loaded when the first package is read: see base/library.h. It brings a
 * dozen further libraries along (XML, Unicode, ACLs).
 */
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include "base/library.h"

#define ARCHIVE_FUNCTIONS(X)                 \
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

ARCHIVE_FUNCTIONS(LIBRARY_DECLARE)

/* Before any of them is called. May be repeated. -ENOTSUP: it is not installed, or is not
 * the one kuro was built for. */
int archive_library_load(struct error *err);
