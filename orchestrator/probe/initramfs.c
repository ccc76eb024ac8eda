/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An initramfs image, from its first byte to its last: archives one behind the other,
 * plain or compressed, with zeroes between, as init/initramfs.c of the kernel goes over
 * them. What it would not take is the image's fault; nothing here ever fails for that.
 */
#include "probe/initramfs.h"

#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "decompress-input.h"
#include "initramfs-parts.h"
#include "probe/decompress.h"

#define SEGMENTS_MAX 1024
/* Each is compared with the installed ones; ten times what a machine has. */
#define MODULES_MAX  65536
#define TREES_MAX    1024
#define LZ4_FRAME    "\004\042\115\030" /* of the lz4 program; the kernel reads lz4 -l */
#define LZ4_LEGACY   "\002\041\114\030"
#define XZ_CHECK_AT  7 /* in a stream's header; and what the kernel's xz knows */
#define XZ_CHECK_MAX 1
/* linux/bootconfig.h: behind the archives stand the configuration, its size, its sum. */
#define BOOTCONFIG   "#BOOTCONFIG\n"
#define BOOTCONFIG_N (sizeof(BOOTCONFIG) - 1)

struct reading {
	struct initramfs *image;
	struct input in;
	struct cpio_walker walker;
	struct entries entries;
	bool open; /* the last segment is an archive that may go on */
};

static struct initramfs_segment *segment_of(const struct reading *reading)
{
	return &reading->image->segments[reading->image->segment_count - 1];
}

static int segment_begin(struct reading *reading, const char *packing, struct error *err)
{
	struct initramfs *image = reading->image;

	if (image->segment_count == SEGMENTS_MAX)
		return error_set(err, -ERROR_DAMAGED, "over %d archives", SEGMENTS_MAX);
	image->segments = mem_regrow(image->segments, image->segment_count + 1,
				     sizeof(*image->segments));
	image->segments[image->segment_count++] = (struct initramfs_segment){
		.offset = reading->in.offset,
		.packing = packing,
	};
	cpio_begin(&reading->walker);
	return 0;
}

/* Where it begins, in front of what is wrong with it. */
static int segment_fault(const struct reading *reading, int code, struct error *err)
{
	const struct initramfs_segment *segment = segment_of(reading);
	const char *plain = str_eq(segment->packing, "none") ? "" : segment->packing;

	return error_prefix(err, code, "the %s%sarchive at byte %ju of the file", plain,
			    *plain ? " " : "", (uintmax_t)segment->offset);
}

/* --- plain ------------------------------------------------------------------------- */

/* Up to where something else than a file's header or zeroes follows, or the end. */
static int plain_walk(struct reading *reading, struct error *err)
{
	struct cpio_walker *walker = &reading->walker;
	size_t used, left;
	int r;

	walker->at = reading->in.offset;
	cpio_expect(walker);
	do {
		left = input_have(&reading->in, 1);
		r = cpio_walk(walker, reading->in.at, left, &used, err);
		input_take(&reading->in, used);
	} while (r == 0 && used == left && left > 0);
	return r;
}

static int plain_read(struct reading *reading, struct error *err)
{
	struct initramfs_segment *segment;
	int r = reading->open ? 0 : segment_begin(reading, "none", err);

	if (r < 0)
		return r;
	segment = segment_of(reading);
	r = plain_walk(reading, err);
	reading->open = !reading->walker.trailer;
	segment->entries = reading->walker.count;
	segment->early = reading->walker.early && segment->entries > 0;
	if (reading->walker.end > segment->offset)
		segment->packed = reading->walker.end - segment->offset;
	reading->image->plain += segment->packed - segment->plain;
	segment->plain = segment->packed;
	return r < 0 ? segment_fault(reading, r, err) : 0;
}

/* --- compressed -------------------------------------------------------------------- */

static int packed_walk(void *data, const uint8_t *bytes, size_t len, struct error *err)
{
	struct reading *reading = data;
	struct initramfs_segment *segment = segment_of(reading);

	segment->plain += len;
	while (len > 0) {
		size_t used;
		int r = cpio_walk(&reading->walker, bytes, len, &used, err);

		if (r < 0)
			return r;
		bytes += used;
		len -= used;
		if (len > 0 && *bytes != '0')
			return error_set(err, -ERROR_DAMAGED,
					 "no header of a file before byte %ju of it",
					 (uintmax_t)reading->walker.at + 1);
		if (len > 0)
			cpio_expect(&reading->walker);
	}
	return 0;
}

/* Of the forms that a compression has the kernel knows some. */
static int packed_form(struct input *in, enum compression kind, struct error *err)
{
	size_t len = input_have(in, XZ_CHECK_AT + 1);

	if (kind == COMPRESSION_LZ4 && memcmp(in->at, LZ4_FRAME, 4) == 0)
		return error_set(err, -ERROR_DAMAGED,
				 "it is in lz4's new format, which no kernel reads: make "
				 "it by lz4 -l");
	if (kind == COMPRESSION_XZ && len > XZ_CHECK_AT &&
	    (in->at[XZ_CHECK_AT] & 0x0f) > XZ_CHECK_MAX)
		return error_set(err, -ERROR_DAMAGED,
				 "its check is one that no kernel knows: make it by xz "
				 "--check=crc32");
	return 0;
}

/* The kernel takes what follows lz4 for more of it, unless that is zeroes. */
static int packed_end(struct input *in, enum compression kind, struct error *err)
{
	if (kind != COMPRESSION_LZ4 || input_have(in, 4) < 4 ||
	    memcmp(in->at, "\0\0\0", 4) == 0 || memcmp(in->at, LZ4_LEGACY, 4) == 0)
		return 0;
	return error_set(err, -ERROR_DAMAGED,
			 "what follows it is neither lz4 nor four zero bytes, which "
			 "lz4 must end with");
}

static int packed_unpack(struct reading *reading, enum compression kind,
			 struct error *err)
{
	uint64_t max = INITRAMFS_PLAIN_MAX - reading->image->plain;
	int r = packed_form(&reading->in, kind, err);

	if (r < 0)
		return r;
	reading->walker.at = 0;
	r = decompress_stream(&reading->in, max, packed_walk, reading, err);
	if (r < 0)
		return r;
	if (reading->walker.state != CPIO_RESET)
		return error_set(err, -ERROR_DAMAGED, "it ends within a file");
	return packed_end(&reading->in, kind, err);
}

static int packed_read(struct reading *reading, struct error *err)
{
	size_t len = input_have(&reading->in, COMPRESSION_MAGIC_MAX);
	enum compression kind = compression_of(reading->in.at, len);
	struct initramfs_segment *segment;
	int r;

	if (kind == COMPRESSION_NONE)
		return error_set(err, -ERROR_DAMAGED,
				 "what stands at byte %ju is no archive, compressed or "
				 "not, nor zeroes",
				 (uintmax_t)reading->in.offset);
	r = segment_begin(reading, compression_name(kind), err);
	if (r < 0)
		return r;
	reading->open = false;
	r = packed_unpack(reading, kind, err);
	segment = segment_of(reading);
	segment->entries = reading->walker.count;
	segment->packed = reading->in.offset - segment->offset;
	reading->image->plain += segment->plain;
	return r < 0 ? segment_fault(reading, r, err) : 0;
}

/* --- all --------------------------------------------------------------------------- */

static int segment_read(struct reading *reading, struct error *err)
{
	struct input *in = &reading->in;
	size_t zeroes = 0;

	if (*in->at == '0' && in->offset % 4 == 0)
		return plain_read(reading, err);
	while (zeroes < in->left && in->at[zeroes] == 0)
		zeroes++;
	if (zeroes == 0)
		return packed_read(reading, err);
	input_take(in, zeroes);
	return 0;
}

/*
 * A plain archive needs no TRAILER!!! for the kernel, but every program that makes one
 * writes it: without it the file was cut off between two others.
 */
static int segments_end(const struct reading *reading, struct error *err)
{
	if (reading->image->segment_count == 0)
		return error_set(err, -ERROR_DAMAGED, "it holds no archive");
	if (reading->walker.state == CPIO_RESET && !reading->open)
		return 0;
	return segment_fault(reading, error_set(err, -ERROR_DAMAGED, "it is cut off"),
			     err);
}

static int segments_read(struct reading *reading, struct error *err)
{
	int r = 0;

	cpio_expect(&reading->walker);
	while (r == 0 && input_have(&reading->in, 1) > 0)
		r = segment_read(reading, err);
	if (reading->in.code < 0)
		return error_errno(err, reading->in.code, "it can't be read");
	return r < 0 ? r : segments_end(reading, err);
}

/* Bytes without what bootconfig(8) appended; boot loaders fill up to a multiple of 4. */
static uint64_t archives_end(int fd, uint64_t size)
{
	uint8_t tail[8 + BOOTCONFIG_N + 3];
	uint64_t from = size > sizeof(tail) ? size - sizeof(tail) : 0;
	ssize_t n = pread(fd, tail, sizeof(tail), (off_t)from);
	const uint8_t *mark =
		n > 0 ? memmem(tail, (size_t)n, BOOTCONFIG, BOOTCONFIG_N) : NULL;
	uint64_t end;
	uint32_t length;

	if (!mark || mark < tail + 8)
		return size;
	memcpy(&length, mark - 8, sizeof(length));
	end = from + (uint64_t)(mark - tail) - 8;
	return le32toh(length) <= end ? end - le32toh(length) : size;
}

static int image_read(const struct root *root, int fd, struct initramfs *image,
		      struct error *err)
{
	struct reading *reading = mem_zalloc(sizeof(*reading));
	struct error fault;
	int r;

	reading->image = image;
	reading->walker.entries = &reading->entries;
	entries_init(&reading->entries, root);
	input_file(&reading->in, fd, archives_end(fd, image->size));
	r = segments_read(reading, &fault);
	entries_finish(&reading->entries, image);
	input_done(&reading->in);
	free(reading);
	if (r == -ERROR_DAMAGED || r == -EFBIG || r == -ENOTSUP) {
		image->fault = str_printable(fault.message);
		return 0;
	}
	if (r == 0 &&
	    (image->module_count > MODULES_MAX || image->trees.count > TREES_MAX))
		image->fault = str_format("it holds more than %d modules, or those of "
					  "more than %d releases",
					  MODULES_MAX, TREES_MAX);
	return r < 0 ? error_set(err, r, "%s: %s", image->path, fault.message) : 0;
}

int initramfs_read(const struct root *root, const char *path, struct initramfs *ret,
		   struct error *err)
{
	return initramfs_read_at(root, path, root, ret, err);
}

int initramfs_read_at(const struct root *place, const char *path,
		      const struct root *installed, struct initramfs *ret,
		      struct error *err)
{
	autoclose int fd = root_openat(place, path, O_RDONLY | O_NONBLOCK, 0);
	autoinitramfs struct initramfs image = {.path = str_dup(path)};
	struct stat st;
	int r;

	if (fd < 0)
		return error_errno(err, fd, "%s can't be opened", path);
	if (fstat(fd, &st) < 0)
		return error_errno(err, -errno, "%s can't be read", path);
	if (!S_ISREG(st.st_mode)) {
		image.fault = str_dup("it is no regular file");
	} else {
		image.size = (uint64_t)st.st_size;
		r = image_read(installed, fd, &image, err);
		if (r < 0)
			return r;
	}
	*ret = image;
	image = (struct initramfs){0};
	return 0;
}
