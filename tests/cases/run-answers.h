/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verdicts beside what a real kernel's loader answered: lines of tests/corpus. */
#pragma once

#include "base/error.h"
#include "core/compat.h"

/*
 * "NAME loads …" or "NAME refused [CODE[=SYMBOL]]…" or "NAME undecided …" beside the
 * verdict that the judge gave NAME. Each CODE that the kernel told must be a reason of
 * the judge that refuses, and where the kernel went through the symbols the judge must
 * not know of others. 0, or negative with what differs.
 */
int answer_compare(const char *answer, const struct kernel_abi *abi,
		   const struct compat_set *set, struct error *err);
/* Is this the answer of the module of that name, - as _? */
bool answer_is_of(const char *answer, const char *name);
