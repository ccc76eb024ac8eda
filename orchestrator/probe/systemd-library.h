/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libsystemd, loaded when the journal or the service manager is asked: see
 * base/library.h.
 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-journal.h>

#include "base/library.h"

#define SYSTEMD_FUNCTIONS(X)              \
	X(sd_bus_call)                    \
	X(sd_bus_close_unref)             \
	X(sd_bus_get_property_string)     \
	X(sd_bus_message_append)          \
	X(sd_bus_message_enter_container) \
	X(sd_bus_message_new_method_call) \
	X(sd_bus_message_read)            \
	X(sd_bus_message_unref)           \
	X(sd_bus_new)                     \
	X(sd_bus_open_system)             \
	X(sd_bus_set_address)             \
	X(sd_bus_set_method_call_timeout) \
	X(sd_bus_start)                   \
	X(sd_journal_add_match)           \
	X(sd_journal_close)               \
	X(sd_journal_get_data)            \
	X(sd_journal_get_monotonic_usec)  \
	X(sd_journal_next)                \
	X(sd_journal_open)                \
	X(sd_journal_open_directory_fd)   \
	X(sd_journal_previous_skip)       \
	X(sd_journal_seek_tail)

SYSTEMD_FUNCTIONS(LIBRARY_DECLARE)

/* Before any of them is called. May be repeated. -ENOTSUP: it is not installed. */
int systemd_library_load(struct error *err);
