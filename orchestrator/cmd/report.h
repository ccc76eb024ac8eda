/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A vetting's report as `check` answers it, and in short as `upgrade --dry-run` does.
 */
#pragma once

#include <json-c/json.h>

#include "flow/vet.h"

/* drift: sentences about the good generation; -v shows every reason and device. */
int report_text(const struct vet_report *report, const struct strv *drift,
		struct error *err);
/* The document that report_json prints; the caller owns it. */
json_object *report_document(const struct vet_report *report, const struct strv *drift);
int report_json(const struct vet_report *report, const struct strv *drift,
		struct error *err);
