/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An installed module's content. Of one that is packed, and in the image is not, the sums
 * that its packing carries are read: gzip's and zstd's stand at the end (RFC 1952, RFC
 * 8878), xz's behind its block, which its index leads to (xz-file-format.txt).
 */
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "decompress-input.h"
#include "initramfs-parts.h"
#include "probe/decompress.h"
#include "probe/initramfs.h"

#define INDEX_MAX   ((lzma_vli)4096) /* of one block it takes 16 bytes */
#define MEMORY_MAX  ((uint64_t)1024 * 1024)
#define ZSTD_HEADER 18
#define ZSTD_SUM    0x04 /* flag of a frame's header, behind its magic */

static bool read_at(int fd, uint64_t from, void *to, size_t size)
{
	return pread(fd, to, size, (off_t)from) == (ssize_t)size;
}

static bool le32_read(int fd, uint64_t from, uint32_t *ret)
{
	uint8_t b[4];

	if (!read_at(fd, from, b, sizeof(b)))
		return false;
	*ret = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	       (uint32_t)b[3] << 24;
	return true;
}

static void gzip_sums(int fd, uint64_t size, struct module_sums *ret)
{
	uint32_t plain;

	if (size >= 8 && le32_read(fd, size - 8, &ret->crc32) &&
	    le32_read(fd, size - 4, &plain)) {
		ret->size = plain;
		ret->has_crc32 = true;
	}
}

static void zstd_sums(int fd, uint64_t size, struct module_sums *ret)
{
	uint8_t head[ZSTD_HEADER];
	unsigned long long plain;

	if (size < sizeof(head) + 4 || !read_at(fd, 0, head, sizeof(head)))
		return;
	plain = ZSTD_getFrameContentSize(head, sizeof(head));
	if (plain == ZSTD_CONTENTSIZE_UNKNOWN || plain == ZSTD_CONTENTSIZE_ERROR ||
	    !(head[4] & ZSTD_SUM) || !le32_read(fd, size - 4, &ret->xxh64))
		return;
	ret->size = plain;
	ret->has_xxh64 = true;
}

/* The one block of the stream that ends the file; caller ends the index. */
static lzma_index *xz_index(int fd, uint64_t size, lzma_index_iter *ret)
{
	uint8_t footer[LZMA_STREAM_HEADER_SIZE], bytes[INDEX_MAX];
	uint64_t memory = MEMORY_MAX;
	lzma_stream_flags flags;
	lzma_index *index = NULL;
	size_t at = 0;

	if (size < 2 * sizeof(footer) ||
	    !read_at(fd, size - sizeof(footer), footer, sizeof(footer)) ||
	    lzma_stream_footer_decode(&flags, footer) != LZMA_OK ||
	    flags.check != LZMA_CHECK_CRC32 || flags.backward_size > INDEX_MAX ||
	    flags.backward_size > size - sizeof(footer) ||
	    !read_at(fd, size - sizeof(footer) - flags.backward_size, bytes,
		     (size_t)flags.backward_size) ||
	    lzma_index_buffer_decode(&index, &memory, NULL, bytes, &at,
				     (size_t)flags.backward_size) != LZMA_OK)
		return NULL;
	lzma_index_iter_init(ret, index);
	if (lzma_index_block_count(index) == 1 && lzma_index_file_size(index) == size &&
	    !lzma_index_iter_next(ret, LZMA_INDEX_ITER_BLOCK))
		return index;
	lzma_index_end(index, NULL);
	return NULL;
}

static void xz_sums(int fd, uint64_t size, struct module_sums *ret)
{
	lzma_index_iter block;
	lzma_index *index = xz_index(fd, size, &block);

	if (!index)
		return;
	ret->size = block.block.uncompressed_size;
	ret->has_crc32 =
		le32_read(fd,
			  block.block.compressed_file_offset + block.block.total_size - 4,
			  &ret->crc32);
	lzma_index_end(index, NULL);
}

static void packed_sums(int fd, uint64_t size, enum compression kind,
			struct module_sums *ret)
{
	if (kind == COMPRESSION_GZIP)
		gzip_sums(fd, size, ret);
	else if (kind == COMPRESSION_ZSTD)
		zstd_sums(fd, size, ret);
	else if (kind == COMPRESSION_XZ)
		xz_sums(fd, size, ret);
}

static void whole_read(struct input *in, uint64_t size, struct module_content *ret)
{
	struct content_reader *reader = content_reader_new();

	content_begin(reader, size, false);
	while (input_have(in, 1) > 0) {
		content_add(reader, in->at, in->left);
		input_take(in, in->left);
	}
	content_end(reader, ret);
	content_reader_free(reader);
}

static int content_read(int fd, const char *packing, struct module_content *ret)
{
	enum compression kind;
	struct stat st;
	struct input in;
	size_t len;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	input_file(&in, fd, st.st_size > 0 ? (uint64_t)st.st_size : 0);
	len = input_have(&in, COMPRESSION_MAGIC_MAX);
	kind = compression_of(in.at, len);
	*ret = (struct module_content){
		.packing = compression_name(kind),
		.size = in.end,
	};
	if (str_eq(ret->packing, packing))
		whole_read(&in, in.end, ret);
	else
		packed_sums(fd, in.end, kind, &ret->plain);
	r = in.code;
	input_done(&in);
	return r;
}

int module_content_probe(const struct root *root, const char *path, const char *packing,
			 struct module_content *ret, struct error *err)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK, 0);
	struct module_content content;
	int r;

	if (fd < 0)
		return error_errno(err, fd, "%s can't be opened", path);
	r = content_read(fd, packing, &content);
	if (r < 0)
		return error_errno(err, r, "%s can't be read", path);
	*ret = content;
	return 0;
}
