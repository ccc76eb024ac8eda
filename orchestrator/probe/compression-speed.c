/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compressors tried on a sample. The main archive is found as the kernel finds it: behind
 * each uncompressed archive's trailer and the zeroes after that.
 */
#include "probe/compression-speed.h"

#include <fcntl.h>
#include <lz4hc.h>
#include <lzma.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <zlib.h>
#include <zstd.h>

#include "base/text.h"

#define READ_MAX ((size_t)24 * 1024 * 1024)
/* 512 KiB in all: half a second by gzip -9, which is the slowest of those in use. */
#define PIECE     ((size_t)32 * 1024)
#define PIECES    16
#define EARLY_MAX 8 /* uncompressed archives before the main one */

void compression_sample_done(struct compression_sample *sample)
{
	free(sample->data);
	*sample = (struct compression_sample){0};
}

struct image {
	const uint8_t *data;
	size_t len;
};

static void image_done(struct image *image)
{
	if (image->data)
		(void)munmap((void *)(uintptr_t)image->data, image->len); /* read only */
}

static int image_map(const struct root *root, const char *path, struct image *ret,
		     struct error *err)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	void *data;

	if (fd < 0)
		return error_errno(err, fd, "initramfs %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return error_set(err, -ERROR_DAMAGED, "initramfs %s is no file, or empty",
				 path);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return error_errno(err, -errno, "reading initramfs %s", path);
	*ret = (struct image){data, (size_t)st.st_size};
	return 0;
}

/* Where the compressed archive begins; len where there is none. */
static size_t image_main(const struct image *image)
{
	static const char trailer[] = "TRAILER!!!";
	size_t at = 0;

	for (int i = 0; i < EARLY_MAX && at < image->len; i++) {
		const uint8_t *end;

		if (compression_of(image->data + at, image->len - at) != COMPRESSION_NONE)
			return at;
		end = memmem(image->data + at, image->len - at, trailer, sizeof(trailer));
		if (!end)
			break;
		at = (size_t)(end - image->data) + sizeof(trailer);
		while (at < image->len && image->data[at] == 0)
			at++;
	}
	return image->len;
}

/* The first READ_MAX plain bytes, in a file without a name. */
static int image_unpack(const uint8_t *data, size_t len, int fd, size_t *ret_len,
			struct error *err)
{
	struct error local = {0};
	int r = decompress_to(data, len, READ_MAX, fd, NULL, &local);
	struct stat st;

	if (r < 0 && r != -EFBIG)
		return error_set(err, r, "%s", local.message);
	if (fstat(fd, &st) < 0)
		return error_errno(err, -errno, "reading what was unpacked");
	*ret_len = (size_t)st.st_size < READ_MAX ? (size_t)st.st_size : READ_MAX;
	return 0;
}

static void sample_pick(struct compression_sample *sample, int fd, size_t len)
{
	size_t pieces = len / PIECE < PIECES ? len / PIECE : PIECES;
	size_t step = pieces ? len / pieces : 0;

	sample->data = mem_zalloc(pieces ? pieces * PIECE : PIECE);
	for (size_t i = 0; i < pieces; i++) {
		ssize_t n =
			pread(fd, sample->data + sample->len, PIECE, (off_t)(i * step));

		sample->len += n > 0 ? (size_t)n : 0;
	}
}

int compression_sample_take(const struct root *root, const char *path,
			    struct compression_sample *ret, struct error *err)
{
	cleanup(image_done) struct image image = {0};
	autosample struct compression_sample sample = {0};
	autoclose int fd = memfd_create("kuro-sample", MFD_CLOEXEC);
	size_t at, len;
	int r = image_map(root, path, &image, err);

	if (r < 0)
		return r;
	at = image_main(&image);
	if (fd < 0 || at == image.len)
		return error_set(err, -ERROR_DAMAGED,
				 "initramfs %s holds no compressed archive", path);
	r = image_unpack(image.data + at, image.len - at, fd, &len, err);
	if (r < 0)
		return error_prefix(err, r, "initramfs %s", path);
	sample.compression = compression_of(image.data + at, image.len - at);
	sample.packed = image.len - at;
	sample_pick(&sample, fd, len);
	if (sample.len == 0)
		return error_set(err, -ERROR_DAMAGED, "initramfs %s is too small to try",
				 path);
	*ret = sample;
	sample = (struct compression_sample){0};
	return 0;
}

/* Bytes that a piece comes to, 0: it failed. */
typedef size_t pack(const uint8_t *data, size_t len, uint8_t *to, size_t room, int level);

static size_t pack_gzip(const uint8_t *data, size_t len, uint8_t *to, size_t room,
			int level)
{
	uLongf packed = (uLongf)room;

	return compress2(to, &packed, data, (uLong)len, level) == Z_OK ? packed : 0;
}

static size_t pack_xz(const uint8_t *data, size_t len, uint8_t *to, size_t room,
		      int level)
{
	size_t packed = 0;

	return lzma_easy_buffer_encode((uint32_t)level, LZMA_CHECK_CRC32, NULL, data, len,
				       to, &packed, room) == LZMA_OK
		       ? packed
		       : 0;
}

static size_t pack_zstd(const uint8_t *data, size_t len, uint8_t *to, size_t room,
			int level)
{
	size_t packed = ZSTD_compress(to, room, data, len, level);

	return ZSTD_isError(packed) ? 0 : packed;
}

static size_t pack_lz4(const uint8_t *data, size_t len, uint8_t *to, size_t room,
		       int level)
{
	int packed = LZ4_compress_HC((const char *)data, (char *)to, (int)len, (int)room,
				     level);

	return packed > 0 ? (size_t)packed : 0;
}

static double seconds_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* it is always there */
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int compression_try(enum compression compression, int level,
		    const struct compression_sample *sample,
		    struct compression_trial *ret)
{
	static pack *const packs[] = {
		[COMPRESSION_GZIP] = pack_gzip,
		[COMPRESSION_XZ] = pack_xz,
		[COMPRESSION_ZSTD] = pack_zstd,
		[COMPRESSION_LZ4] = pack_lz4,
	};
	pack *one = (size_t)compression < ARRAY_LEN(packs) ? packs[compression] : NULL;
	size_t room = sample->len * 2, packed;
	autofree uint8_t *to = mem_zalloc(room);
	double begin = seconds_now(), spent;

	packed = one ? one(sample->data, sample->len, to, room, level) : 0;
	spent = seconds_now() - begin;
	if (packed == 0 || spent <= 0)
		return -ENOTSUP;
	*ret = (struct compression_trial){(double)sample->len / spent,
					  (double)packed / (double)sample->len};
	return 0;
}
