/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a generator's settings waste the time of each build: its compressor and others,
 * tried on this machine's own image, with the levels at which the generator runs them.
 */
#include <string.h>

#include "act/initramfs.h"
#include "base/process.h"
#include "doctor-parts.h"
#include "probe/compression-speed.h"
#include "probe/this-boot.h"

#define MEBIBYTE   (1024.0 * 1024.0)
#define CONFIG_MAX 1048576
/* What is worth a person's time: so many seconds a build, and so many times as long. */
#define WASTE_SECONDS 5.0
#define WASTE_TIMES   3.0
#define LARGER        1.4 /* times the size is still called as good */

/* Those that can be quicker than another; "option" is of the kernel. */
static const struct candidate {
	enum compression compression;
	const char *option;
} candidates[] = {
	{COMPRESSION_ZSTD, "CONFIG_RD_ZSTD=y"},
	{COMPRESSION_LZ4, "CONFIG_RD_LZ4=y"},
	{COMPRESSION_GZIP, "CONFIG_RD_GZIP=y"},
};

struct comparison {
	const struct root *root;
	const struct initramfs_generator *generator;
	struct compression_sample sample;
	char *config; /* of the kernel whose image it is, or NULL */
	double plain; /* bytes of the whole archive */
};

static void comparison_done(struct comparison *c)
{
	compression_sample_done(&c->sample);
	free(c->config);
}

static bool comparison_try(const struct comparison *c, enum compression compression,
			   struct compression_trial *ret)
{
	int level = c->generator->levels[compression];

	return level > 0 && compression_try(compression, level, &c->sample, ret) == 0;
}

/* The kernel unpacks it, and the generator finds its program. */
static bool candidate_fits(const struct comparison *c, const struct candidate *candidate)
{
	return c->config && strstr(c->config, candidate->option) &&
	       process_exists(c->root, compression_name(candidate->compression));
}

static void outlook_set(const struct comparison *c, enum compression compression,
			const struct compression_trial *trial,
			struct compression_outlook *ret)
{
	ret->compression = compression;
	ret->seconds = c->plain / trial->speed;
	ret->mebibytes = c->plain * trial->share / MEBIBYTE;
}

/* The quickest that is not much larger than what is there; false: none is quicker. */
static bool comparison_best(const struct comparison *c,
			    const struct compression_outlook *now,
			    struct compression_outlook *ret)
{
	bool found = false;

	*ret = *now;
	for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
		struct compression_trial trial;
		struct compression_outlook outlook;

		if (candidates[i].compression == now->compression ||
		    !candidate_fits(c, &candidates[i]) ||
		    !comparison_try(c, candidates[i].compression, &trial))
			continue;
		outlook_set(c, candidates[i].compression, &trial, &outlook);
		if (!compression_better(now, ret, &outlook))
			continue;
		*ret = outlook;
		found = true;
	}
	return found;
}

static int comparison_prepare(const struct machine *machine, struct comparison *ret,
			      struct error *err)
{
	autothisboot struct this_boot boot = {0};
	autofree char *path = NULL, *config = NULL;
	int r = this_boot_probe(machine->root, &boot, err);

	ret->root = machine->root;
	ret->generator = initramfs_generator(machine->root);
	if (r < 0)
		return r;
	if (!ret->generator)
		return error_set(err, -ENOTSUP,
				 "there is no initramfs generator that kuro knows");
	path = initramfs_path(machine->root, boot.release);
	config = str_format("/boot/config-%s", boot.release);
	/* without a configuration no other compression is advised */
	(void)root_read(machine->root, config, CONFIG_MAX, &ret->config, NULL, NULL);
	return compression_sample_take(machine->root, path, &ret->sample, err);
}

bool compression_better(const struct compression_outlook *now,
			const struct compression_outlook *best,
			const struct compression_outlook *other)
{
	return other->seconds < best->seconds &&
	       other->mebibytes <= now->mebibytes * LARGER;
}

void compression_tell(const struct initramfs_generator *generator,
		      const struct compression_outlook *now,
		      const struct compression_outlook *best, struct finding *f)
{
	const char *name = compression_name(now->compression);
	const char *better = compression_name(best->compression);
	bool waste = now->seconds - best->seconds > WASTE_SECONDS &&
		     now->seconds > best->seconds * WASTE_TIMES;
	autofree char *mend =
		waste ? str_format("echo '%s%s' > %s", generator->compression, better,
				   generator->drop_in)
		      : NULL;
	char *why = str_format(
		"compressing an image by %s takes %s about %.1f s of one core here "
		"(%.0f MiB)",
		name, generator->name, now->seconds, now->mebibytes);

	if (best->compression != now->compression) {
		char *longer = str_format("%s; by %s it would be %.1f s (%.0f MiB)", why,
					  better, best->seconds, best->mebibytes);

		free(why);
		why = longer;
	}
	finding_set(f, waste ? FINDING_WEAK : FINDING_KEPT, why, mend);
}

void examine_compression(const struct machine *machine, struct finding *f)
{
	cleanup(comparison_done) struct comparison c = {0};
	struct compression_trial trial;
	struct compression_outlook now, best;
	struct error local = {0};

	if (comparison_prepare(machine, &c, &local) < 0) {
		finding_set(f, FINDING_UNKNOWN, str_dup(local.message), NULL);
		return;
	}
	if (!comparison_try(&c, c.sample.compression, &trial)) {
		finding_set(f, FINDING_UNKNOWN,
			    str_format("images are compressed by %s, which is not tried",
				       compression_name(c.sample.compression)),
			    NULL);
		return;
	}
	c.plain = (double)c.sample.packed / trial.share;
	outlook_set(&c, c.sample.compression, &trial, &now);
	(void)comparison_best(&c, &now, &best); /* without one it is what is there */
	compression_tell(c.generator, &now, &best, f);
}
