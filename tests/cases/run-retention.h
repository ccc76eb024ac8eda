/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kind of case that decides what stays and what goes; run-retention.c says how to
 * write one. */
#pragma once

#include "base/error.h"

/* 0, or negative with what differs in err. */
int retention_case(const char *name, const char *text, struct error *err);
