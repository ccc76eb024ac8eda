/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as an environment block: refused, or read as a block within its bounds that
 * is the same after it was written and read again.
 */
#include <assert.h>
#include <string.h>

#include "core/boot-protocol.h"
#include "fuzz.h"

static void check(const struct boot_block *block)
{
	char data[BOOT_BLOCK_SIZE];
	struct boot_block again, chosen = *block;

	assert(block->good <= BOOT_GENERATION_MAX &&
	       block->previous <= BOOT_GENERATION_MAX);
	assert(block->trial <= BOOT_GENERATION_MAX && block->tries <= BOOT_TRIES_MAX);
	assert(block->miss <= BOOT_TRIES_MAX);
	boot_block_format(block, data);
	assert(boot_block_parse(data, sizeof(data), &again, NULL) == 0);
	assert(boot_block_equal(block, &again));
	if (boot_block_choose(&chosen, 3) == BOOT_TRIAL)
		assert(chosen.tries + 1 == block->tries);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boot_block block;
	struct error err = {0};
	int r = boot_block_parse((const char *)data, size, &block, &err);

	assert(r == 0 || (r == -ERROR_DAMAGED && err.message[0]));
	if (r == 0)
		check(&block);
	return 0;
}
