/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decisions of retention and shares of the boot file system, as prune and list show them.
 */
#pragma once

#include <json-c/json.h>

#include "core/retention.h"
#include "flow/shares.h"

/* The item of that kind and name, or NULL. */
const struct retention_item *retention_find(const struct retention_set *set,
					    enum retention_kind kind, const char *name);
json_object *retention_item_json(const struct retention_item *item);
/* {mount, total, free, would_free, shares} */
json_object *shares_json(const struct share_list *shares);
/* A bar of width characters in brackets: a letter for each share, a dot for what is free;
 * caller frees. */
char *shares_bar(const struct share_list *shares, size_t width);
/* Lines for people, on a terminal with the bar. */
void shares_say(const struct share_list *shares);
