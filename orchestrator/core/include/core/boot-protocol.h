/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The boot protocol: what the environment block holds, what each state means, and
 * which block follows from which. Pure: text in, text out. GRUB's half is
 * grub/kuro.cfg; tests run the same cases through both.
 *
 * Format of the block: GRUB manual, "Environment block"; grub-core/lib/envblk.c.
 * kuro's own rules (DESIGN.md, Boot protocol): 1,024 bytes, all five variables inside
 * the first 512-byte sector.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define BOOT_BLOCK_SIZE     1024
#define BOOT_SECTOR_SIZE    512
#define BOOT_GENERATION_MAX 999999
#define BOOT_TRIES_MAX      9

/* Generation 0 is "none". */
struct boot_block {
	unsigned int good;
	unsigned int previous;
	unsigned int trial;
	unsigned int tries; /* boots the trial has left */
	unsigned int miss;  /* boots of the good one in a row without a verdict */
};

enum boot_state {
	BOOT_UNSET,  /* no good generation: kuro was never set up, or is disabled */
	BOOT_STEADY, /* good, no trial */
	BOOT_ARMED,  /* a trial with tries left, not running */
	BOOT_TRYING, /* the trial is what runs */
	BOOT_SPENT,  /* a trial without tries left that is not running */
};

/*
 * Read a block. -ERROR_DAMAGED: wrong size or signature, a variable twice, missing or
 * outside its set, a variable behind the first sector; the message says which.
 */
int boot_block_parse(const char *data, size_t len, struct boot_block *ret,
		     struct error *err);

/*
 * Write the whole block; out holds BOOT_BLOCK_SIZE bytes. The same bytes as GRUB's
 * save_env leaves after it changed a block of kuro's to these values.
 */
void boot_block_format(const struct boot_block *block, char *out);

bool boot_block_equal(const struct boot_block *a, const struct boot_block *b);

/*
 * trying: the generation that this boot tries, 0 where it is no trial's (the trial's own
 * generation may run as the previous one too: that says nothing about the trial).
 */
enum boot_state boot_state_of(const struct boot_block *block, unsigned int trying);
const char *boot_state_name(enum boot_state state);

/*
 * Transitions. Each works on a copy's owner: *block changes only on success.
 * -EINVAL with a message where the state does not allow it.
 */
/*
 * steady → armed: try generation trial for tries boots. Replaces an armed trial; one
 * without tries left must have its verdict (or be disarmed) first. -EINVAL too where
 * trial is good.
 */
int boot_block_arm(struct boot_block *block, unsigned int trial, unsigned int tries,
		   struct error *err);
/* trial away, nothing else; a block without a trial is success. */
void boot_block_disarm(struct boot_block *block);
/*
 * The running generation is proven. The trial: trial → good, good → previous, miss
 * cleared. The good one: miss cleared, a trial is left alone. The previous one: nothing
 * changes, so that GRUB goes on choosing it while the good one is at its limit. Another:
 * -EINVAL, and so is any while there is no good one.
 */
int boot_block_bless(struct boot_block *block, unsigned int running, struct error *err);
/*
 * Stay with, or go back to, a generation that was proven before: trial away, miss
 * cleared. Where it is not the good one already: good := generation, previous := the good
 * one until now where keep_good, else none; where it is, previous stays. -EINVAL for the
 * trial.
 */
int boot_block_roll_back(struct boot_block *block, unsigned int generation,
			 bool keep_good, struct error *err);
/*
 * An orderly reboot without a verdict: one try (where this boot tried the trial), or one
 * miss (the good one), given back.
 */
void boot_block_give_back(struct boot_block *block, unsigned int running, bool as_trial);

/*
 * What GRUB chooses and what it writes before, given files that pass its checks:
 * - no good one: the previous one if there is one, else the distribution's own default;
 *   nothing is written, and a trial is not started (there is nothing to fall back to);
 * - a trial with tries left: tries - 1, the trial;
 * - miss below its limit: miss + 1, the good one;
 * - else the previous one if there is one, else the good one; nothing is written.
 * A trial or a previous one that is the good one counts as none.
 */
enum boot_choice { BOOT_GOOD, BOOT_TRIAL, BOOT_PREVIOUS, BOOT_DISTRIBUTION };
enum boot_choice boot_block_choose(struct boot_block *block, unsigned int miss_limit);
/* "good", "trial", "previous", "distribution". */
const char *boot_choice_name(enum boot_choice choice);
