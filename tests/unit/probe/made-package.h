/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packages made in memory, sound ones and others. Every failure ends the test.
 */
#pragma once

#include "base/text.h"

struct made_member {
	const char *name;
	const char *text; /* NULL: size zeroes, or a link to target */
	size_t size;      /* 0: text ends at its NUL */
	const char *target;
	bool hard;
};

#define MADE_FILE(n, t)                  \
	{                                \
		.name = (n), .text = (t) \
	}

enum made_format { MADE_TAR, MADE_PAX, MADE_CPIO, MADE_RAW };

/* ARCHIVE_FILTER_*; members end at the one without a name. */
struct text made_archive(
#define MADE_FILE(n, t)                  \
	{                                \
		.name = (n), .text = (t) \
	}

	enum made_format format, int filter, const struct made_member *members);

/* The bytes as one compressed file. */
struct text made_compressed(int filter, const void *data, size_t len);

/* An ar and its members, one after the other. */
void made_ar(struct text *ar);
void made_ar_member(struct text *ar, const char *name, const void *data, size_t len);

/* A .deb with these files, both archives compressed so. */
struct text made_deb(int filter, const struct made_member *members);
#define MADE_CONTROL "Package: made\nVersion: 1:2-3\nArchitecture: amd64\n"

/* A .rpm with these files, "made" 2-3 for x86_64. */
struct text made_rpm(int filter, const struct made_member *members);
/* Where in it the header's magic, its index and its store begin. */
#define MADE_RPM_HEADER (96 + 16 + 16 + 8)
#define MADE_RPM_INDEX  (MADE_RPM_HEADER + 16)
#define MADE_RPM_STORE  (MADE_RPM_INDEX + 4 * 16)
