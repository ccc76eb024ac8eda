/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes that are decompressed: all in memory, or read from a file as they are needed.
 * A file is not mapped, since what is cut shorter meanwhile would end the program.
 */
#include "decompress-input.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define PIECE ((size_t)128 * 1024)

void input_memory(struct input *in, const void *data, size_t len)
{
	*in = (struct input){.at = data, .left = len, .fd = -1};
}

void input_file(struct input *in, int fd, uint64_t end)
{
	*in = (struct input){.fd = fd, .end = end};
}

void input_done(struct input *in)
{
	free(in->buffer);
	in->buffer = NULL;
}

/* Room for want bytes from in->at on, and as many more as a piece has. */
static void make_room(struct input *in, size_t want)
{
	size_t size = want > PIECE ? want : PIECE;

	if (in->left > 0)
		memmove(in->buffer, in->at, in->left);
	if (in->size < size) {
		in->buffer = mem_regrow(in->buffer, size, 1);
		in->size = size;
	}
	in->at = in->buffer;
}

static bool read_more(struct input *in)
{
	uint64_t from = in->offset + in->left, room = in->size - in->left;
	ssize_t n;

	if (from >= in->end)
		return false;
	if (room > in->end - from)
		room = in->end - from;
	do {
		n = pread(in->fd, in->buffer + in->left, (size_t)room, (off_t)from);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		in->code = -errno;
	if (n <= 0)
		in->end = from;
	in->left += n > 0 ? (size_t)n : 0;
	return n > 0;
}

size_t input_have(struct input *in, size_t want)
{
	if (in->left >= want || in->fd < 0)
		return in->left;
	make_room(in, want);
	while (in->left < want && read_more(in))
		;
	return in->left;
}

void input_take(struct input *in, size_t n)
{
	in->at += n;
	in->left -= n;
	in->offset += n;
}

void input_skip(struct input *in, uint64_t n)
{
	while (n > 0) {
		uint64_t part = input_have(in, 1);

		if (part == 0) {
			in->fault = true;
			return;
		}
		part = part < n ? part : n;
		input_take(in, (size_t)part);
		n -= part;
	}
}
