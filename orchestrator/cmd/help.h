/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What --help and --version print.
 */
#pragma once

#include "command.h"

void help_all(void);
void help_verb(const struct verb *verb);
void help_version(void);
