/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A vetting's report as `check` answers it, and in short as `upgrade --dry-run` does.
 */
#pragma once

#include "flow/vet.h"

/* drift: sentences about the good generation; -v shows every reason and device. */
int report_text(const struct vet_report *report, const struct strv *drift,
		struct error *err);
int report_json(const struct vet_report *report, const struct strv *drift,
		struct error *err);
