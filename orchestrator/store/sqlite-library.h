/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SQLite, loaded when a database is opened: see base/library.h.
 */
#pragma once

#include <sqlite3.h>

#include "base/library.h"

#define SQLITE_FUNCTIONS(X)              \
	X(sqlite3_backup_finish)         \
	X(sqlite3_backup_init)           \
	X(sqlite3_backup_step)           \
	X(sqlite3_bind_int64)            \
	X(sqlite3_bind_text)             \
	X(sqlite3_busy_timeout)          \
	X(sqlite3_changes)               \
	X(sqlite3_close)                 \
	X(sqlite3_column_bytes)          \
	X(sqlite3_column_int64)          \
	X(sqlite3_column_text)           \
	X(sqlite3_column_type)           \
	X(sqlite3_db_config)             \
	X(sqlite3_db_readonly)           \
	X(sqlite3_errcode)               \
	X(sqlite3_errmsg)                \
	X(sqlite3_exec)                  \
	X(sqlite3_extended_result_codes) \
	X(sqlite3_file_control)          \
	X(sqlite3_finalize)              \
	X(sqlite3_get_autocommit)        \
	X(sqlite3_last_insert_rowid)     \
	X(sqlite3_limit)                 \
	X(sqlite3_open_v2)               \
	X(sqlite3_prepare_v2)            \
	X(sqlite3_progress_handler)      \
	X(sqlite3_step)                  \
	X(sqlite3_system_errno)

SQLITE_FUNCTIONS(LIBRARY_DECLARE)

/* Before any of them is called. May be repeated, by any thread. -ENOTSUP: it is not
 * installed, or is older than the one kuro was built for. */
int sqlite_library_load(struct error *err);
