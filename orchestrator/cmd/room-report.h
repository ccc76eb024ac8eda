/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Predicted room, for the verbs that show it.
 */
#pragma once

#include <json-c/json.h>

#include "flow/room.h"

/* {"fits", "fits_pruned", "would_free", "file_systems": […]} */
json_object *room_json(const struct room_report *report);
/* A table of the file systems, and what is missing. */
int room_text(const struct room_report *report, struct error *err);
