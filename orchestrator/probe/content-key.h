/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The key of a file's content in a cache: its SHA-256, hexadecimal. That of an image is
 * made beside other work, since reading ten megabytes takes as long as all the rest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/parallel.h"

#define CONTENT_KEY_SIZE 65

/* False where OpenSSL makes none: there is no cache then. */
bool content_key_of(const void *data, size_t len, char key[CONTENT_KEY_SIZE]);

/* Zero-initialised; begin, then end, once each and by the same thread. */
struct content_key {
	const void *data;
	size_t len;
	struct aside aside;
	bool made;
	char text[CONTENT_KEY_SIZE];
};
/* data must live until end. */
void content_key_begin(struct content_key *key, const void *data, size_t len);
/* The key, owned by key; NULL for none, as above. */
const char *content_key_end(struct content_key *key);
