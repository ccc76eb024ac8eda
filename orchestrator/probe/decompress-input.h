/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the decompressors take their bytes from: from memory, or piece by piece from a
 * file of any size. What they leave is still there for who reads on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct input {
	const uint8_t *at; /* what was not taken yet, until the next call of these */
	size_t left;       /* bytes there, not all that there will be */
	bool fault;        /* more was to be taken than there is */
	uint64_t offset;   /* of at, from where the input begins */

	/* A file: bytes of it that may be read, through a buffer. */
	int fd;
	uint64_t end;
	uint8_t *buffer;
	size_t size;
	int code; /* what read(2) failed with; the bytes end there */
};

void input_memory(struct input *in, const void *data, size_t len);
/* fd is borrowed; its position is not used. */
void input_file(struct input *in, int fd, uint64_t end);
void input_done(struct input *in);

/* Have at least want bytes at in->at, unless they end before; returns in->left. */
size_t input_have(struct input *in, size_t want);
/* n of in->left are done with. */
void input_take(struct input *in, size_t n);
/* Pass over n bytes, be they there yet or not. */
void input_skip(struct input *in, uint64_t n);

/*
 * Decompress one stream from in on, as decompress() does; each piece that it makes goes
 * to consume, whose negative answer ends it. Afterwards in stands behind the stream. -EIO
 * where in can't be read.
 */
int decompress_stream(struct input *in, uint64_t max,
		      int (*consume)(void *data, const uint8_t *bytes, size_t len,
				     struct error *err),
		      void *data, struct error *err);
