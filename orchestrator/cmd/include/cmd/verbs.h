/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line: options and the table of verbs.
 */
#pragma once

/* Parse, run the verb, say what went wrong; returns the exit status (DESIGN.md). */
int verbs_main(int argc, char **argv);
