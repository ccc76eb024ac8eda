/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Storage, firmware and transactions as JSON, for the verbs that show them.
 */
#pragma once

#include <json-c/json.h>

#include "command.h"
#include "core/kernel.h"
#include "core/transaction.h"

json_object *storage_json(const struct storage_map *map);
json_object *firmware_json(const struct firmware *firmware);
json_object *transaction_json(const struct transaction *t);
