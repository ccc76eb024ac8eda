/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The key of an image in a cache: its SHA-256, made beside other work, since reading ten
 * megabytes takes as long as all the rest.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define IMAGE_KEY_SIZE 65

/* Zero-initialised; begin, then end, once each and by the same thread. */
struct image_key {
	const void *data;
	size_t len;
	pthread_t thread;
	bool threaded;
	bool made;
	char text[IMAGE_KEY_SIZE]; /* hexadecimal */
};
/* data must live until end. */
void image_key_begin(struct image_key *key, const void *data, size_t len);
/* The key, owned by key; NULL where OpenSSL makes none: there is no cache then. */
const char *image_key_end(struct image_key *key);
