/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * replay FOLDER: run a target over every file of a corpus, and over every beginning of
 * each. Fails where the folder holds nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/root-file.h"
#include "fuzz.h"

#define INPUT_MAX 65536

static int replay(const struct root *folder, const char *name, struct error *err)
{
	autofree char *path = str_format("/%s", name);
	autofree char *data = NULL;
	size_t len = 0;

	if (root_read(folder, path, INPUT_MAX, &data, &len, err) < 0)
		return -1;
	for (size_t size = 0; size <= len; size++) {
		/* A copy of just this size: a read behind it is seen by the sanitizers.
		 */
		autofree uint8_t *input = mem_zalloc(size);

		memcpy(input, data, size);
		(void)LLVMFuzzerTestOneInput(input, size); /* always 0 */
	}
	return 0;
}

static int replay_all(const struct root *folder, struct error *err)
{
	autostrv struct strv names = {0};

	if (root_list(folder, "/", &names, err) < 0)
		return -1;
	if (names.count == 0)
		return error_set(err, -ENOENT, "the corpus is empty");
	for (size_t i = 0; i < names.count; i++)
		if (replay(folder, names.items[i], err) < 0)
			return -1;
	printf("%zu inputs\n", names.count);
	return 0;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct root folder;
	int r;

	if (argc != 2)
		return EXIT_USAGE;
	if (root_open(&folder, argv[1], &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return EXIT_FAILED;
	}
	r = replay_all(&folder, &err);
	if (r < 0)
		fprintf(stderr, "%s\n", err.message);
	root_done(&folder);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}
