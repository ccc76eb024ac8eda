/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text as the detail of a transaction: refused with a sentence, or read so that it is
 * written and read again without a change; what it names is what programs are told.
 */
#include "step-detail.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"

static void journey_forget(struct journey *j)
{
	package_plan_done(&j->plan);
	module_build_list_done(&j->builds);
	strv_done(&j->links);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(journey_forget) struct journey j = {0}, again = {0};
	autofree char *text = str_ndup((const char *)data, size);
	autofree char *first = NULL, *second = NULL;
	struct error err = {0};
	int r = step_detail_parse(text, &j, &err);

	assert(r == 0 || (r == -ERROR_DAMAGED && err.code == r && *err.message));
	if (r < 0)
		return 0;
	first = step_detail_format(&j);
	assert(step_detail_parse(first, &again, NULL) == 0);
	assert(again.plan.count == j.plan.count && again.builds.count == j.builds.count);
	assert(again.links.count == j.links.count);
	second = step_detail_format(&again);
	assert(strcmp(first, second) == 0);
	return 0;
}
