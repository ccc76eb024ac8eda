/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words and ownership of the compatibility record, and when a prediction was wrong.
 */
#include "core/compat-record.h"

#include <stdlib.h>

#include "base/cleanup.h"

static const char *const prediction_names[] = {
	[PREDICTION_NONE] = "none",
	[PREDICTION_LOADS] = "loads",
	[PREDICTION_LOADS_TAINTED] = "loads-tainted",
	[PREDICTION_FAILS] = "fails",
	[PREDICTION_ABSENT] = "absent",
};
_Static_assert(ARRAY_LEN(prediction_names) == PREDICTIONS, "a name for each prediction");

static const char *const observation_names[] = {
	[OBSERVATION_NONE] = "none",
	[OBSERVATION_LOADED] = "loaded",
	[OBSERVATION_FAILED] = "failed",
};
_Static_assert(ARRAY_LEN(observation_names) == OBSERVATIONS, "a name for each");

const char *prediction_name(enum prediction prediction)
{
	return (unsigned int)prediction < PREDICTIONS ? prediction_names[prediction]
						      : "unknown";
}

const char *observation_name(enum observation observation)
{
	return (unsigned int)observation < OBSERVATIONS ? observation_names[observation]
							: "unknown";
}

static int name_find(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(names[i], name))
			return (int)i;
	return -1;
}

int prediction_parse(const char *name)
{
	return name_find(prediction_names, PREDICTIONS, name);
}

int observation_parse(const char *name)
{
	return name_find(observation_names, OBSERVATIONS, name);
}

void compat_record_done(struct compat_record *record)
{
	if (!record)
		return;
	free(record->module);
	free(record->version);
	free(record->release);
	free(record->machine);
	free(record->platform);
	free(record->region);
	free(record->codes);
	free(record->detail);
	*record = (struct compat_record){0};
}

void compat_record_list_done(struct compat_record_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		compat_record_done(&list->items[i]);
	free(list->items);
	*list = (struct compat_record_list){0};
}

bool compat_record_wrong(const struct compat_record *record)
{
	bool would_load = record->foretold == PREDICTION_LOADS ||
			  record->foretold == PREDICTION_LOADS_TAINTED;

	if (record->foretold == PREDICTION_NONE || record->observed == OBSERVATION_NONE)
		return false;
	return would_load != (record->observed == OBSERVATION_LOADED);
}
