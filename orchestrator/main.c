/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro: options and the table of verbs live in cmd/; this only enters it.
 */
#include "cmd/verbs.h"

int main(int argc, char **argv)
{
	return verbs_main(argc, argv);
}
