/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one round of health checks is made of: the built-in checks, the kernel's log,
 * and the executables.
 */
#pragma once

#include "probe/health.h"

/* Milliseconds of a clock that only goes forward. */
int64_t health_clock(void);
/* A row more in h; the caller fills it. name is taken. Valid until the next call. */
struct check *health_add(struct health *h, char *name, bool required);
/* End a check; the sentence is made printable and replaces an earlier one. */
void check_end(struct check *check, enum check_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Every built-in check that the policy asks for. */
void health_run_built_in(const struct health_context *context, struct health *h);
/* Every executable check. -ERROR_INTERRUPTED between two of them. */
int health_run_programs(const struct health_context *context, struct health *h,
			struct error *err);

/* The built-in checks; each ends check. */
void check_generation(const struct health_context *context, struct check *check);
void check_modules(const struct health_context *context, struct check *check);
void check_devices(const struct health_context *context, struct check *check);
void check_units(const struct health_context *context, struct check *check);
void check_mounts(const struct health_context *context, struct check *check);
void check_link(const struct health_context *context, struct check *check);
void check_kernel_log(const struct health_context *context, struct check *check);

/* Their decisions, apart from where their input comes from. */
void check_units_compare(const struct health_context *context, const struct strv *failed,
			 struct check *check);
/*
 * Is this record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg) one of the kernel's
 * own that says it is broken? Returns its message, within record, or NULL.
 */
const char *kernel_log_trouble(const char *record);
