/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes, decompressed: refused with a sentence, or not more than was allowed, and the
 * same in memory and in a file.
 */
#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fuzz.h"
#include "probe/decompress.h"

#define MAX ((size_t)1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree void *plain = NULL, *again = mem_zalloc(MAX);
	autoclose int fd = memfd_create("plain", MFD_CLOEXEC);
	struct error err = {0};
	uint64_t file_len = 0;
	size_t len = 0;
	int r = decompress(data, size, MAX, &plain, &len, &err);

	assert(r == 0 || err.message[0]);
	assert((decompress_to(data, size, MAX, fd, &file_len, NULL) == 0) == (r == 0));
	if (r < 0)
		return 0;
	assert(len <= MAX && file_len == len && ((char *)plain)[len] == '\0');
	assert(pread(fd, again, MAX, 0) == (ssize_t)len);
	assert(memcmp(again, plain, len) == 0);
	return 0;
}
