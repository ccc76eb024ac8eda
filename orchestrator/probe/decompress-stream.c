/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressions whose libraries take a stream piece by piece: gzip, bzip2, xz, lzma,
 * zstd. Each ends with its first stream, and never holds more memory than the kernel's
 * own images ask for (a dictionary of 128 MiB).
 */
#include <bzlib.h>
#include <fcntl.h>
#include <limits.h>
#include <lzma.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>
/* The output may stay where it is: then nothing is copied, and no second window held. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include "base/cleanup.h"
#include "decompress-sink.h"

#define PIECE        ((size_t)128 * 1024)
#define XZ_MEMORY    ((uint64_t)144 * 1024 * 1024)
#define WINDOW_LOG   27
#define MAP_MAX      ((uint64_t)256 * 1024 * 1024)
#define MAP_RESIDENT ((size_t)2 * 1024 * 1024)

static int inflate_all(z_stream *z, struct input *in, struct sink *sink,
		       struct error *err)
{
	int status = Z_OK;

	while (status != Z_STREAM_END) {
		size_t part = input_have(in, 1), room;
		int r;

		part = part < UINT_MAX ? part : UINT_MAX;
		z->next_out = sink_room(sink, 1, &room);
		room = room < UINT_MAX ? room : UINT_MAX;
		z->avail_out = (uInt)room;
		z->next_in = in->at;
		z->avail_in = (uInt)part;
		status = inflate(z, Z_NO_FLUSH);
		if (status == Z_BUF_ERROR)
			return decompress_cut_off("gzip", err);
		if (status != Z_OK && status != Z_STREAM_END)
			return decompress_corrupt("gzip", err);
		input_take(in, part - z->avail_in);
		r = sink_take(sink, room - z->avail_out, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int decompress_gzip(struct input *in, struct sink *sink, struct error *err)
{
	z_stream z = {0};
	int r;

	if (inflateInit2(&z, MAX_WBITS + 16) != Z_OK)
		return error_set(err, -ENOMEM, "zlib can't be started");
	r = inflate_all(&z, in, sink, err);
	(void)inflateEnd(&z); /* frees */
	return r;
}

static int bzip2_all(bz_stream *bz, struct input *in, struct sink *sink,
		     struct error *err)
{
	int status = BZ_OK;

	while (status != BZ_STREAM_END) {
		size_t part = input_have(in, 1), room;
		int r;

		part = part < UINT_MAX ? part : UINT_MAX;
		bz->next_out = sink_room(sink, 1, &room);
		room = room < UINT_MAX ? room : UINT_MAX;
		bz->avail_out = (unsigned int)room;
		memcpy(&bz->next_in, &in->at, sizeof(bz->next_in)); /* has no const */
		bz->avail_in = (unsigned int)part;
		status = BZ2_bzDecompress(bz);
		if (status != BZ_OK && status != BZ_STREAM_END)
			return decompress_corrupt("bzip2", err);
		if (status == BZ_OK && part == 0 && bz->avail_out > 0)
			return decompress_cut_off("bzip2", err);
		input_take(in, part - bz->avail_in);
		r = sink_take(sink, room - bz->avail_out, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int decompress_bzip2(struct input *in, struct sink *sink, struct error *err)
{
	bz_stream bz = {0};
	int r;

	if (BZ2_bzDecompressInit(&bz, 0, 0) != BZ_OK)
		return error_set(err, -ENOMEM, "libbz2 can't be started");
	r = bzip2_all(&bz, in, sink, err);
	(void)BZ2_bzDecompressEnd(&bz); /* frees */
	return r;
}

static int lzma_fault(lzma_ret status, const char *what, struct error *err)
{
	if (status == LZMA_MEMLIMIT_ERROR)
		return error_set(err, -EFBIG, "%s data wants more than %ju MiB of memory",
				 what, (uintmax_t)(XZ_MEMORY >> 20));
	if (status == LZMA_OPTIONS_ERROR)
		return error_set(err, -ENOTSUP, "%s data uses what liblzma has not",
				 what);
	if (status == LZMA_BUF_ERROR)
		return decompress_cut_off(what, err);
	return decompress_corrupt(what, err);
}

/* Frees the stream. */
static int lzma_all(lzma_stream *lzma, lzma_ret status, const char *what,
		    struct input *in, struct sink *sink, struct error *err)
{
	int r = 0;

	while (status == LZMA_OK && r == 0) {
		size_t part = input_have(in, 1), room;

		lzma->next_in = in->at;
		lzma->avail_in = part;
		lzma->next_out = sink_room(sink, 1, &room);
		lzma->avail_out = room;
		status = lzma_code(lzma, LZMA_RUN);
		input_take(in, part - lzma->avail_in);
		r = sink_take(sink, room - lzma->avail_out, err);
	}
	lzma_end(lzma);
	if (r == 0 && status != LZMA_STREAM_END)
		r = lzma_fault(status, what, err);
	return r;
}

int decompress_xz(struct input *in, struct sink *sink, struct error *err)
{
	lzma_stream lzma = LZMA_STREAM_INIT;
	lzma_ret status = lzma_stream_decoder(&lzma, XZ_MEMORY, 0);

	return lzma_all(&lzma, status, "xz", in, sink, err);
}

int decompress_lzma(struct input *in, struct sink *sink, struct error *err)
{
	lzma_stream lzma = LZMA_STREAM_INIT;
	lzma_ret status = lzma_alone_decoder(&lzma, XZ_MEMORY);

	return lzma_all(&lzma, status, "lzma", in, sink, err);
}

static int zstd_fault(size_t status, struct error *err)
{
	if (ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge)
		return error_set(err, -EFBIG,
				 "zstd data wants more than %d MiB of memory",
				 (1 << WINDOW_LOG) >> 20);
	return decompress_corrupt("zstd", err);
}

static int zstd_stream(ZSTD_DCtx *zstd, struct input *in, struct sink *sink,
		       struct error *err)
{
	size_t status = 1;

	while (status != 0) {
		ZSTD_inBuffer from = {.size = input_have(in, 1)};
		ZSTD_outBuffer out = {0};
		int r;

		from.src = in->at;
		out.dst = sink_room(sink, 1, &out.size);
		status = ZSTD_decompressStream(zstd, &out, &from);
		if (ZSTD_isError(status))
			return zstd_fault(status, err);
		if (status != 0 && from.size == 0 && out.pos < out.size)
			return decompress_cut_off("zstd", err);
		input_take(in, from.pos);
		r = sink_take(sink, out.pos, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * Into the mapped file. What lies behind is still its own window, but the pages are let
 * go of from time to time, and come back where a match needs them.
 */
static int zstd_mapped(ZSTD_DCtx *zstd, struct input *in, ZSTD_outBuffer *out,
		       uint64_t max, struct error *err)
{
	size_t status = 1, dropped = 0;

	while (status != 0) {
		ZSTD_inBuffer from = {.size = input_have(in, 1)};

		if (from.size == 0)
			return decompress_cut_off("zstd", err);
		from.src = in->at;
		from.size = from.size < PIECE ? from.size : PIECE;
		status = ZSTD_decompressStream(zstd, out, &from);
		input_take(in, from.pos);
		/* Else it is the frame that says less than it holds. */
		if (ZSTD_getErrorCode(status) == ZSTD_error_dstSize_tooSmall &&
		    out->size == max)
			return error_set(err, -EFBIG, "it holds more than %zu bytes",
					 out->size);
		if (ZSTD_isError(status))
			return zstd_fault(status, err);
		if (out->pos - dropped >= MAP_RESIDENT) {
			dropped = out->pos;
			(void)madvise(out->dst, dropped, MADV_DONTNEED); /* only thrift */
		}
	}
	return 0;
}

/* How much the file must hold before it can be mapped; 0: it is to be written. */
static size_t zstd_map_size(const struct input *in, const struct sink *sink)
{
	unsigned long long size = ZSTD_getFrameContentSize(in->at, in->left);
	struct stat st;

	if (size == ZSTD_CONTENTSIZE_UNKNOWN)
		size = sink->max;
	if (sink->fd < 0 || size == 0 || size > sink->max || size > MAP_MAX ||
	    fstat(sink->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != 0 ||
	    lseek(sink->fd, 0, SEEK_CUR) != 0)
		return 0;
	/* No page may be missing when it is written to: that would be SIGBUS. */
	if (fallocate(sink->fd, 0, 0, (off_t)size) < 0)
		return 0;
	return (size_t)size;
}

static int zstd_to_file(ZSTD_DCtx *zstd, struct input *in, size_t size, struct sink *sink,
			struct error *err)
{
	ZSTD_outBuffer out = {.size = size};
	int r;

	out.dst = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, sink->fd, 0);
	if (out.dst == MAP_FAILED)
		return error_errno(err, -errno, "mapping the file for the plain image");
	r = zstd_mapped(zstd, in, &out, sink->max, err);
	(void)munmap(out.dst, size); /* can't fail: it is our mapping */
	sink->len = out.pos;
	if (r == 0 && (ftruncate(sink->fd, (off_t)out.pos) < 0 ||
		       lseek(sink->fd, (off_t)out.pos, SEEK_SET) < 0))
		r = error_errno(err, -errno, "the file for the plain image");
	return r;
}

int decompress_zstd(struct input *in, struct sink *sink, struct error *err)
{
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	size_t size;
	int r;

	if (!zstd)
		return error_set(err, -ENOMEM, "libzstd can't be started");
	(void)ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, WINDOW_LOG);
	size = zstd_map_size(in, sink);
	if (size &&
	    !ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_stableOutBuffer, 1)))
		r = zstd_to_file(zstd, in, size, sink, err);
	else
		r = zstd_stream(zstd, in, sink, err);
	(void)ZSTD_freeDCtx(zstd); /* always 0 */
	return r;
}
