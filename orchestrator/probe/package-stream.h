/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One package while it is read: the chain of readers, and what its parts share.
 */
#pragma once

#include <time.h>

#include "archive-library.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "package-xz.h"
#include "probe/package-file.h"

#define PACKAGE_BLOCK ((size_t)64 * 1024)
/* Plain bytes before a member's content. */
#define PACKAGE_HEADER_MAX ((uint64_t)4 << 20)

/* Who gets the members. */
struct package_visitor {
	int (*each)(void *data, struct package_member *member, struct error *err);
	void *data;
};

struct package_reading {
	const char *path;
	int fd;
	uint64_t size;
	struct archive *ar;  /* of a .deb; its current member is what is read */
	struct archive *raw; /* the decompressor; for xz it is the next */
	struct package_xz *xz;
	struct archive *members; /* tar or cpio */
	char *block;             /* of the file, PACKAGE_BLOCK bytes */
	struct text head; /* the first bytes of what is compressed, not yet given */
	size_t head_given;
	uint64_t plain, window, count; /* window: plain bytes that may still be made */
	time_t cpu_end;
	char fault[160]; /* the first thing that was wrong; libarchive may say less */
	int code;        /* and its code */
};

void package_archive_free(struct archive **archive);
#define autoarchive cleanup(package_archive_free)

/* Processor seconds of this thread. */
time_t package_cpu_seconds(void);

/* The error of a reader that failed; what kuro found wrong itself comes first. */
int package_reading_error(const struct package_reading *reading, struct archive *archive,
			  struct error *err);
/* "PATH is damaged: …", -ERROR_DAMAGED. */
int package_reading_refuse(const struct package_reading *reading, struct error *err,
			   const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The file's own next bytes, as libarchive asks for them; data is the reading. */
la_ssize_t package_file_bytes(struct archive *archive, void *data, const void **ret);

/*
 * Open members on the compressed tar or cpio that the file, or the ar's member, stands
 * before; reading->raw and ->members are new archives, xz is an initialised place.
 */
int package_stream_open(struct package_reading *reading, struct package_xz *xz,
			int (*format)(struct archive *), struct error *err);
/* What is behind the last member: nothing of it counts, but it must be whole. */
int package_stream_drain(struct package_reading *reading, struct error *err);
/* Open, every member to the visitor, drain. What each returns other than 0 ends it. */
int package_stream_read(struct package_reading *reading, int (*format)(struct archive *),
			const struct package_visitor *visitor, struct error *err);

/* A whole .deb, from the file's beginning. */
int package_deb_read(struct package_reading *reading,
		     const struct package_visitor *visitor, struct package_info *info,
		     struct error *err);
