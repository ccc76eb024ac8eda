/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An index of depmod's is taken as it is made, and refused where it leads astray.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kmod-index.h"

static const unsigned char small_index[] = {
	0xb0, 0x07, 0xf4, 0x57, 0, 2,  0, 1, 0x20, 0, 0, 22, /* head; root at 22 */
	0,    0,    0,    1,    0, 0,  0, 9, 'a',  0,        /* 12: one value */
	'x',  'x',  0x40, 0,    0, 12,                       /* 22: its child */
};

static void whole_index_is_whole(void **state)
{
	(void)state;
	assert_true(kmod_index_whole(small_index, sizeof(small_index)));
	for (size_t cut = 0; cut < sizeof(small_index); cut++)
		assert_false(kmod_index_whole(small_index, cut));
}

static void index_that_leads_astray_is_not_whole(void **state)
{
	static const struct {
		size_t at;
		unsigned char byte;
	} changes[] = {
		{0, 0},    {7, 2},     {11, 0xff}, {15, 0xff}, {21, 'a'},
		{22, 'w'}, {23, 0xff}, {27, 22},   {27, 0xff},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		unsigned char index[sizeof(small_index)];

		memcpy(index, small_index, sizeof(index));
		index[changes[i].at] = changes[i].byte;
		if (changes[i].at == 21)
			memset(index + 20, 'a', sizeof(index) - 20);
		if (kmod_index_whole(index, sizeof(index)))
			fail_msg("byte %zu as %02x is taken", changes[i].at,
				 changes[i].byte);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_index_is_whole),
		cmocka_unit_test(index_that_leads_astray_is_not_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
