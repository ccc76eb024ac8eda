/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * .xz and .lzma as a stream. All streams of the input are one, as xz(1) and dpkg read it.
 */
#include "package-xz.h"

#include <stdlib.h>

#include "base/text.h"

#define BLOCK ((size_t)64 * 1024)

bool package_xz_open(struct package_xz *xz, bool alone)
{
	xz->lzma = (lzma_stream)LZMA_STREAM_INIT;
	xz->ended = false;
	xz->out = mem_regrow(NULL, BLOCK, 1);
	return (alone ? lzma_alone_decoder(&xz->lzma, PACKAGE_XZ_MEMORY)
		      : lzma_stream_decoder(&xz->lzma, PACKAGE_XZ_MEMORY,
					    LZMA_CONCATENATED)) == LZMA_OK;
}

void package_xz_done(struct package_xz *xz)
{
	lzma_end(&xz->lzma);
	free(xz->out);
	xz->out = NULL;
}

static const char *fault_of(lzma_ret status)
{
	if (status == LZMA_MEMLIMIT_ERROR)
		return "its xz stream asks for a dictionary as no package has";
	if (status == LZMA_BUF_ERROR)
		return "its xz stream is cut off";
	if (status == LZMA_OPTIONS_ERROR)
		return "its xz stream uses what liblzma does not know";
	return "its xz stream is corrupt";
}

ssize_t package_xz_read(struct package_xz *xz, const void **ret, const char **fault)
{
	lzma_stream *lzma = &xz->lzma;

	*fault = NULL;
	lzma->next_out = xz->out;
	lzma->avail_out = BLOCK;
	while (!xz->ended && lzma->avail_out == BLOCK) {
		const void *block = NULL;
		lzma_ret status;
		ssize_t n = 1;

		if (lzma->avail_in == 0) {
			n = xz->more(xz->data, &block);
			if (n < 0)
				return n;
			lzma->next_in = block;
			lzma->avail_in = (size_t)n;
		}
		status = lzma_code(lzma, n == 0 ? LZMA_FINISH : LZMA_RUN);
		xz->ended = status == LZMA_STREAM_END;
		if (status != LZMA_OK && !xz->ended) {
			*fault = fault_of(status);
			return -1;
		}
	}
	*ret = xz->out;
	return (ssize_t)(BLOCK - lzma->avail_out);
}
