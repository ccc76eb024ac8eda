/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of a package through a chain of libarchive's readers, each fed by the one
 * before: the file; in a .deb the ar that holds control.tar and data.tar; one
 * decompressor; tar or cpio. Every plain byte passes plain_read, which counts: nothing
 * here trusts a size that an archive states.
 */
#include "package-stream.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "probe/decompress.h"
#include "probe/package-file.h"

#define HEAD 16 /* bytes that tell a compression */

__attribute__((format(printf, 3, 4))) static int reading_fault(
	struct package_reading *reading, int code, const char *format, ...)
{
	va_list args;

	if (reading->code == 0) {
		va_start(args, format);
		(void)vsnprintf(reading->fault, sizeof(reading->fault), format, args);
		va_end(args); /* a fault that is cut is still one */
		reading->code = code;
	}
	return -1;
}

void package_archive_free(struct archive **archive)
{
	if (*archive)
		(void)sym_archive_read_free(*archive); /* nothing is written */
}

static la_ssize_t file_block(struct package_reading *reading, const void **ret)
{
	ssize_t n;

	do {
		n = read(reading->fd, reading->block, PACKAGE_BLOCK);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return reading_fault(reading, -EIO, "can't be read: %s", strerror(errno));
	*ret = reading->block;
	return n;
}

/* The next bytes of the current entry; 0 at its end. */
static la_ssize_t entry_block(struct package_reading *reading, struct archive *archive,
			      const void **ret)
{
	size_t len = 0;
	la_int64_t offset;
	int r;

	do {
		r = sym_archive_read_data_block(archive, ret, &len, &offset);
	} while ((r == ARCHIVE_OK || r == ARCHIVE_WARN) && len == 0);
	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
		const char *why = sym_archive_error_string(archive);

		return reading_fault(reading, -ERROR_DAMAGED, "%s",
				     why ? why : "cut off");
	}
	return (la_ssize_t)len;
}

la_ssize_t package_file_bytes(struct archive *archive, void *data, const void **ret)
{
	(void)archive; /* libarchive's signature */
	return file_block(data, ret);
}

static la_ssize_t compressed_block(struct package_reading *reading, const void **ret)
{
	return reading->ar ? entry_block(reading, reading->ar, ret)
			   : file_block(reading, ret);
}

static ssize_t compressed_more(void *data, const void **ret)
{
	struct package_reading *reading = data;
	size_t left = reading->head.len - reading->head_given;

	if (left == 0)
		return compressed_block(reading, ret);
	*ret = reading->head.data + reading->head_given;
	reading->head_given = reading->head.len;
	return (la_ssize_t)left;
}

static la_ssize_t compressed_read(struct archive *archive, void *data, const void **ret)
{
	(void)archive;
	return compressed_more(data, ret);
}

static la_ssize_t plain_block(struct package_reading *reading, const void **ret)
{
	const char *fault;
	ssize_t n;

	if (!reading->xz)
		return entry_block(reading, reading->raw, ret);
	n = package_xz_read(reading->xz, ret, &fault);
	return fault ? reading_fault(reading, -ERROR_DAMAGED, "%s", fault) : n;
}

time_t package_cpu_seconds(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* every Linux has it */
	return now.tv_sec;
}

static uint64_t plain_max(const struct package_reading *reading)
{
	uint64_t max = PACKAGE_PLAIN_LEAST;

	if (reading->size > max / PACKAGE_PLAIN_RATIO)
		max = reading->size * PACKAGE_PLAIN_RATIO;
	return max < PACKAGE_PLAIN_MAX ? max : PACKAGE_PLAIN_MAX;
}

static la_ssize_t plain_read(struct archive *archive, void *data, const void **ret)
{
	struct package_reading *reading = data;
	la_ssize_t n = plain_block(reading, ret);

	(void)archive;
	if (n <= 0)
		return n;
	reading->plain += (uint64_t)n;
	if (reading->plain > plain_max(reading))
		return reading_fault(reading, -ERROR_DAMAGED,
				     "its %llu bytes unpack to over %llu",
				     (unsigned long long)reading->size,
				     (unsigned long long)plain_max(reading));
	if ((uint64_t)n > reading->window)
		return reading_fault(reading, -ERROR_DAMAGED,
				     "a header in it goes on for over %llu bytes",
				     (unsigned long long)PACKAGE_HEADER_MAX);
	reading->window -= (uint64_t)n;
	if (package_cpu_seconds() > reading->cpu_end)
		return reading_fault(reading, -ERROR_DAMAGED,
				     "reading it takes over %d seconds of the processor",
				     PACKAGE_CPU_SECONDS);
	return n;
}

/* The error of a reader that failed; what kuro found wrong itself comes first. */
int package_reading_error(const struct package_reading *reading, struct archive *archive,
			  struct error *err)
{
	const char *why =
		reading->code != 0 ? reading->fault : sym_archive_error_string(archive);
	autofree char *printable = str_printable(why ? why : "cut off");

	return error_set(err, reading->code != 0 ? reading->code : -ERROR_DAMAGED,
			 "%s is damaged: %s", reading->path, printable);
}

__attribute__((format(printf, 3, 4))) int package_reading_refuse(
	const struct package_reading *reading, struct error *err, const char *format, ...)
{
	autotext struct text why = {0};
	va_list args;

	va_start(args, format);
	text_vappendf(&why, format, args);
	va_end(args);
	return error_set(err, -ERROR_DAMAGED, "%s is damaged: %s", reading->path,
			 text_str(&why));
}

/* The compression by the first bytes, which are kept for its reader. */
static int compression_find(struct package_reading *reading, enum compression *ret,
			    struct error *err)
{
	const void *block;
	la_ssize_t n = 1;

	reading->head.len = reading->head_given = 0;
	while (reading->head.len < HEAD && n > 0) {
		n = compressed_block(reading, &block);
		if (n < 0)
			return package_reading_error(reading, reading->ar, err);
		text_append_n(&reading->head, n > 0 ? block : "", (size_t)n);
	}
	*ret = compression_of(reading->head.data, reading->head.len);
	return 0;
}

static int raw_open(struct package_reading *reading, enum compression kind,
		    struct error *err)
{
	static const int filters[] = {
		[COMPRESSION_NONE] = ARCHIVE_FILTER_NONE,
		[COMPRESSION_GZIP] = ARCHIVE_FILTER_GZIP,
		[COMPRESSION_ZSTD] = ARCHIVE_FILTER_ZSTD,
		[COMPRESSION_LZ4] = -1,
		[COMPRESSION_LZO] = -1,
		[COMPRESSION_BZIP2] = ARCHIVE_FILTER_BZIP2,
	};
	struct archive_entry *entry;

	if (filters[kind] < 0)
		return package_reading_refuse(reading, err,
					      "compressed by %s, as no package is",
					      compression_name(kind));
	/* Other than OK: libarchive would run a program. */
	if (sym_archive_read_support_format_raw(reading->raw) != ARCHIVE_OK ||
	    sym_archive_read_support_format_empty(reading->raw) != ARCHIVE_OK ||
	    (kind != COMPRESSION_NONE &&
	     sym_archive_read_append_filter(reading->raw, filters[kind]) != ARCHIVE_OK))
		return error_set(err, -ENOTSUP, "%s: libarchive can't read %s here",
				 reading->path, compression_name(kind));
	if (sym_archive_read_open(reading->raw, reading, NULL, compressed_read, NULL) !=
		    ARCHIVE_OK ||
	    sym_archive_read_next_header(reading->raw, &entry) != ARCHIVE_OK)
		return package_reading_error(reading, reading->raw, err);
	return 0;
}

static int plain_open(struct package_reading *reading, struct package_xz *xz,
		      struct error *err)
{
	enum compression kind = COMPRESSION_NONE;
	int r = compression_find(reading, &kind, err);

	reading->xz = NULL;
	xz->more = compressed_more;
	xz->data = reading;
	if (r < 0)
		return r;
	if (kind != COMPRESSION_XZ && kind != COMPRESSION_LZMA)
		return raw_open(reading, kind, err);
	if (!package_xz_open(xz, kind == COMPRESSION_LZMA))
		return error_set(err, -ENOMEM, "%s: no memory to read it", reading->path);
	reading->xz = xz;
	return 0;
}

int package_stream_open(struct package_reading *reading, struct package_xz *xz,
			int (*format)(struct archive *), struct error *err)
{
	int r = plain_open(reading, xz, err);

	if (r < 0)
		return r;
	reading->window = PACKAGE_HEADER_MAX;
	if (format(reading->members) != ARCHIVE_OK ||
	    sym_archive_read_open(reading->members, reading, NULL, plain_read, NULL) !=
		    ARCHIVE_OK)
		return package_reading_error(reading, reading->members, err);
	return 0;
}

/* What stands behind the last member: nothing of it counts, but it must be whole. */
int package_stream_drain(struct package_reading *reading, struct error *err)
{
	const void *block;
	la_ssize_t n;

	do {
		n = plain_read(NULL, reading, &block);
	} while (n > 0);
	if (n == 0)
		do {
			n = compressed_block(reading, &block);
		} while (n > 0);
	return n < 0 ? package_reading_error(reading, reading->raw, err) : 0;
}
