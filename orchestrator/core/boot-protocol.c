/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The boot protocol. Reads and writes text and structs only; who writes the sector is
 * act/boot-env, who chooses at boot is grub/kuro.cfg, whose model boot_block_choose is.
 */
#include "core/boot-protocol.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* grub-core/lib/envblk.h, GRUB_ENVBLK_SIGNATURE */
#define SIGNATURE     "# GRUB Environment Block\n"
#define SIGNATURE_LEN (sizeof(SIGNATURE) - 1)
#define VALUE_MAX     6 /* digits of BOOT_GENERATION_MAX */

struct boot_variable {
	const char *name;
	size_t offset;   /* of its field in struct boot_block */
	bool generation; /* generation number or empty; else one digit */
};

static const struct boot_variable boot_variables[] = {
	{"kuro_good", offsetof(struct boot_block, good), true},
	{"kuro_prev", offsetof(struct boot_block, previous), true},
	{"kuro_trial", offsetof(struct boot_block, trial), true},
	{"kuro_tries", offsetof(struct boot_block, tries), false},
	{"kuro_miss", offsetof(struct boot_block, miss), false},
};

#define VARIABLES ARRAY_LEN(boot_variables)

struct block_parse {
	const char *data;
	struct boot_block block;
	bool seen[VARIABLES];
};

/* The first newline at or behind pos that no backslash protects, or len (envblk.c). */
static size_t line_end(const char *data, size_t pos, size_t len)
{
	while (pos < len && data[pos] != '\n')
		pos += data[pos] == '\\' ? 2 : 1;
	return pos < len ? pos : len;
}

static int value_damaged(const struct boot_variable *variable, const char *value,
			 size_t len, struct error *err)
{
	autofree char *raw = str_ndup(value, len < 32 ? len : 32);
	autofree char *shown = str_printable(raw);

	return error_set(err, -ERROR_DAMAGED,
			 "boot block: %s holds \"%s\": it must be %s", variable->name,
			 shown,
			 variable->generation ? "empty or a generation from 1 to 999999"
					      : "a digit from 0 to 9");
}

/* Take the backslashes off; -1 where the value is longer than any of ours. */
static int value_unescape(const char *value, size_t len, char out[VALUE_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (value[i] == '\\' && i + 1 < len)
			i++;
		if (n >= VALUE_MAX)
			return -1;
		out[n++] = value[i];
	}
	out[n] = '\0';
	return n == strlen(out) ? 0 : -1; /* a NUL inside */
}

static int value_parse(const struct boot_variable *variable, const char *value,
		       size_t len, unsigned int *ret, struct error *err)
{
	unsigned long long number = 0;
	char text[VALUE_MAX + 1];
	bool good;

	if (value_unescape(value, len, text) < 0)
		return value_damaged(variable, value, len, err);
	if (variable->generation)
		good = !text[0] ||
		       (text[0] != '0' &&
			str_to_u64(text, 1, BOOT_GENERATION_MAX, &number) == 0);
	else
		good = strlen(text) == 1 && str_to_u64(text, 0, 9, &number) == 0;
	if (!good)
		return value_damaged(variable, value, len, err);
	*ret = (unsigned int)number;
	return 0;
}

static const struct boot_variable *variable_find(const char *name, size_t len)
{
	for (size_t i = 0; i < VARIABLES; i++)
		if (strlen(boot_variables[i].name) == len &&
		    memcmp(boot_variables[i].name, name, len) == 0)
			return &boot_variables[i];
	return NULL;
}

static unsigned int *variable_field(struct boot_block *block,
				    const struct boot_variable *variable)
{
	return (unsigned int *)(void *)((char *)block + variable->offset);
}

/* One line NAME=VALUE from start up to the newline at end. */
static int line_parse(struct block_parse *parse, size_t start, size_t end,
		      struct error *err)
{
	const char *line = parse->data + start;
	const char *equals = memchr(line, '=', end - start);
	const struct boot_variable *variable;
	size_t i;

	/* GRUB would read on over the line's end for the "=", and misread our variable.
	 */
	if (!equals || equals == line)
		return error_set(err, -ERROR_DAMAGED,
				 "boot block: byte %zu begins a line that is neither a "
				 "comment nor NAME=VALUE",
				 start);
	variable = variable_find(line, (size_t)(equals - line));
	if (!variable)
		return 0; /* another's, tolerated */
	i = (size_t)(variable - boot_variables);
	if (parse->seen[i])
		return error_set(err, -ERROR_DAMAGED, "boot block: %s stands there twice",
				 variable->name);
	if (end >= BOOT_SECTOR_SIZE)
		return error_set(
			err, -ERROR_DAMAGED,
			"boot block: %s lies behind the first %d bytes, which alone "
			"are written in one piece",
			variable->name, BOOT_SECTOR_SIZE);
	parse->seen[i] = true;
	return value_parse(variable, equals + 1,
			   (size_t)(line + (end - start) - equals - 1),
			   variable_field(&parse->block, variable), err);
}

/* What follows the last newline: GRUB writes only where it is nothing but '#'. */
static int tail_check(const char *data, size_t start, struct error *err)
{
	for (size_t i = start; i < BOOT_BLOCK_SIZE; i++)
		if (data[i] != '#')
			return error_set(
				err, -ERROR_DAMAGED,
				"boot block: byte %zu is not part of the padding", i);
	return 0;
}

static int lines_parse(struct block_parse *parse, struct error *err)
{
	size_t start = SIGNATURE_LEN;

	while (start < BOOT_BLOCK_SIZE) {
		size_t end = line_end(parse->data, start, BOOT_BLOCK_SIZE);
		int result = 0;

		if (end == BOOT_BLOCK_SIZE)
			return tail_check(parse->data, start, err);
		if (parse->data[start] != '#')
			result = line_parse(parse, start, end, err);
		if (result < 0)
			return result;
		start = end + 1;
	}
	return 0;
}

int boot_block_parse(const char *data, size_t len, struct boot_block *ret,
		     struct error *err)
{
	struct block_parse parse = {.data = data};
	int result;

	if (len != BOOT_BLOCK_SIZE)
		return error_set(err, -ERROR_DAMAGED,
				 "boot block: it has %zu bytes, not %d", len,
				 BOOT_BLOCK_SIZE);
	if (memcmp(data, SIGNATURE, SIGNATURE_LEN) != 0)
		return error_set(err, -ERROR_DAMAGED,
				 "boot block: it does not begin with GRUB's signature");
	result = lines_parse(&parse, err);
	if (result < 0)
		return result;
	for (size_t i = 0; i < VARIABLES; i++)
		if (!parse.seen[i])
			return error_set(err, -ERROR_DAMAGED, "boot block: %s is missing",
					 boot_variables[i].name);
	*ret = parse.block;
	return 0;
}

static bool block_legal(const struct boot_block *block)
{
	return block->good <= BOOT_GENERATION_MAX &&
	       block->previous <= BOOT_GENERATION_MAX &&
	       block->trial <= BOOT_GENERATION_MAX && block->tries <= BOOT_TRIES_MAX &&
	       block->miss <= BOOT_TRIES_MAX;
}

void boot_block_format(const struct boot_block *block, char *out)
{
	struct boot_block copy = *block;
	autotext struct text t = {0};

	assert(block_legal(block));
	text_append(&t, SIGNATURE);
	for (size_t i = 0; i < VARIABLES; i++) {
		const struct boot_variable *variable = &boot_variables[i];
		unsigned int value = *variable_field(&copy, variable);

		if (variable->generation && value == 0)
			text_appendf(&t, "%s=\n", variable->name);
		else
			text_appendf(&t, "%s=%u\n", variable->name, value);
	}
	assert(t.len <= BOOT_SECTOR_SIZE);
	memset(out, '#', BOOT_BLOCK_SIZE);
	memcpy(out, text_str(&t), t.len);
}

bool boot_block_equal(const struct boot_block *a, const struct boot_block *b)
{
	return a->good == b->good && a->previous == b->previous && a->trial == b->trial &&
	       a->tries == b->tries && a->miss == b->miss;
}

enum boot_state boot_state_of(const struct boot_block *block, unsigned int trying)
{
	if (!block->good)
		return BOOT_UNSET;
	if (!block->trial)
		return BOOT_STEADY;
	if (block->trial == trying)
		return BOOT_TRYING;
	return block->tries > 0 ? BOOT_ARMED : BOOT_SPENT;
}

const char *boot_state_name(enum boot_state state)
{
	static const char *const names[] = {
		[BOOT_UNSET] = "unset", [BOOT_STEADY] = "steady",
		[BOOT_ARMED] = "armed", [BOOT_TRYING] = "trying",
		[BOOT_SPENT] = "spent",
	};

	return (unsigned int)state < ARRAY_LEN(names) ? names[state] : "unknown";
}

static int generation_check(unsigned int generation, struct error *err)
{
	if (generation >= 1 && generation <= BOOT_GENERATION_MAX)
		return 0;
	return error_set(err, -EINVAL, "generation %u: it must be from 1 to %d",
			 generation, BOOT_GENERATION_MAX);
}

int boot_block_arm(struct boot_block *block, unsigned int trial, unsigned int tries,
		   struct error *err)
{
	if (generation_check(trial, err) < 0)
		return -EINVAL;
	if (tries < 1 || tries > BOOT_TRIES_MAX)
		return error_set(err, -EINVAL,
				 "generation %u: it can be tried 1 to %d times, not %u",
				 trial, BOOT_TRIES_MAX, tries);
	if (!block->good)
		return error_set(
			err, -EINVAL,
			"generation %u: it can't be tried while no generation is "
			"known good; run \"kuro setup\" first",
			trial);
	if (trial == block->good)
		return error_set(err, -EINVAL,
				 "generation %u: it is the good one already", trial);
	if (block->trial && block->tries == 0)
		return error_set(
			err, -EINVAL,
			"generation %u: generation %u was tried and has no verdict "
			"yet; run \"kuro recover\" first",
			trial, block->trial);
	block->trial = trial;
	block->tries = tries;
	return 0;
}

void boot_block_disarm(struct boot_block *block)
{
	block->trial = 0;
	block->tries = 0;
}

int boot_block_bless(struct boot_block *block, unsigned int running, struct error *err)
{
	if (generation_check(running, err) < 0)
		return -EINVAL;
	if (!block->good)
		return error_set(
			err, -EINVAL,
			"generation %u: it can't become the good one: kuro is not "
			"set up, or disabled",
			running);
	if (running == block->trial) {
		if (block->good != running)
			block->previous = block->good;
		block->good = running;
		boot_block_disarm(block);
		block->miss = 0;
		return 0;
	}
	if (running == block->good) {
		block->miss = 0;
		return 0;
	}
	if (running == block->previous)
		return 0;
	return error_set(
		err, -EINVAL,
		"generation %u: it is neither the trial nor the good one nor the "
		"previous one",
		running);
}

int boot_block_roll_back(struct boot_block *block, unsigned int generation,
			 bool keep_good, struct error *err)
{
	if (generation_check(generation, err) < 0)
		return -EINVAL;
	if (generation == block->trial && generation != block->good &&
	    generation != block->previous)
		return error_set(err, -EINVAL,
				 "generation %u: it is the trial and not proven",
				 generation);
	if (generation != block->good) {
		block->previous = keep_good ? block->good : 0;
		block->good = generation;
	}
	boot_block_disarm(block);
	block->miss = 0;
	return 0;
}

void boot_block_give_back(struct boot_block *block, unsigned int running, bool as_trial)
{
	if (!running)
		return;
	if (as_trial) {
		if (running == block->trial && block->tries < BOOT_TRIES_MAX)
			block->tries++;
	} else if (running == block->good && block->miss > 0) {
		block->miss--;
	}
}

enum boot_choice boot_block_choose(struct boot_block *block, unsigned int miss_limit)
{
	if (!block->good)
		return block->previous ? BOOT_PREVIOUS : BOOT_DISTRIBUTION;
	if (block->trial && block->trial != block->good && block->tries > 0) {
		block->tries--;
		return BOOT_TRIAL;
	}
	if (block->miss < miss_limit && block->miss < BOOT_TRIES_MAX) {
		block->miss++;
		return BOOT_GOOD;
	}
	if (block->previous && block->previous != block->good)
		return BOOT_PREVIOUS;
	return BOOT_GOOD;
}

const char *boot_choice_name(enum boot_choice choice)
{
	static const char *const names[] = {
		[BOOT_GOOD] = "good",
		[BOOT_TRIAL] = "trial",
		[BOOT_PREVIOUS] = "previous",
		[BOOT_DISTRIBUTION] = "distribution",
	};

	return (unsigned int)choice < ARRAY_LEN(names) ? names[choice] : "unknown";
}
