/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The boot protocol's transitions, asked by the line: "NAME GOOD PREVIOUS TRIAL TRIES
 * MISS A B" in, "ok|no GOOD PREVIOUS TRIAL TRIES MISS WORD" out. A and B are what the
 * transition takes; WORD is what GRUB chooses, else the state as seen from a boot of A.
 */
#include <stdio.h>
#include <string.h>

#include "core/boot-protocol.h"

struct question {
	char name[16];
	struct boot_block block;
	unsigned int a, b;
};

static bool question_read(struct question *q)
{
	struct boot_block *b = &q->block;

	return scanf("%15s %u %u %u %u %u %u %u", q->name, &b->good, &b->previous,
		     &b->trial, &b->tries, &b->miss, &q->a, &q->b) == 8;
}

static bool named(const struct question *q, const char *name)
{
	return strcmp(q->name, name) == 0;
}

/* -EINVAL where the block does not allow it or nobody knows the name. */
static int question_do(struct question *q, const char **word)
{
	struct error err = {0};

	if (named(q, "arm"))
		return boot_block_arm(&q->block, q->a, q->b, &err);
	if (named(q, "bless"))
		return boot_block_bless(&q->block, q->a, &err);
	if (named(q, "roll-back"))
		return boot_block_roll_back(&q->block, q->a, q->b != 0, &err);
	if (named(q, "disarm"))
		boot_block_disarm(&q->block);
	else if (named(q, "give-back"))
		boot_block_give_back(&q->block, q->a, q->b != 0);
	else if (named(q, "choose"))
		*word = boot_choice_name(boot_block_choose(&q->block, q->a));
	else
		return -1;
	return 0;
}

int main(void)
{
	struct question q;

	while (question_read(&q)) {
		const char *word = boot_state_name(boot_state_of(&q.block, q.a));
		int r = question_do(&q, &word);
		const struct boot_block *b = &q.block;

		printf("%s %u %u %u %u %u %s\n", r < 0 ? "no" : "ok", b->good,
		       b->previous, b->trial, b->tries, b->miss, word);
	}
	return ferror(stdin) || ferror(stdout) || fflush(stdout) != 0;
}
