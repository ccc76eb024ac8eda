/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Health checks, repeated until their answer is believed.
 */
#pragma once

#include "probe/health.h"

/*
 * With settle: round after round until the checks were good for health.settle seconds, or
 * failed health.attempts times in a row; whatever they say, not beyond health.deadline.
 * Without: one round. ret is the last round. -ERROR_INTERRUPTED.
 */
int health_watch(const struct health_context *context, bool settle, struct health *ret,
		 struct error *err);
