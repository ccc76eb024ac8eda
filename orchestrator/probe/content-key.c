/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHA-256, where it is asked for in a thread of its own.
 */
#include "content-key.h"

#include <stdio.h>

#include "crypto-library.h"

bool content_key_of(const void *data, size_t len, char key[CONTENT_KEY_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size;

	if (crypto_library_load(NULL) < 0 ||
	    sym_EVP_Digest(data, len, digest, &size, sym_EVP_sha256(), NULL) != 1 ||
	    (size_t)2 * size + 1 != CONTENT_KEY_SIZE)
		return false;
	for (size_t i = 0; i < size; i++)
		(void)snprintf(key + 2 * i, 3, "%02x", digest[i]); /* it fits */
	return true;
}

static void make_key(void *data)
{
	struct content_key *key = data;

	key->made = content_key_of(key->data, key->len, key->text);
}

void content_key_begin(struct content_key *key, const void *data, size_t len)
{
	key->data = data;
	key->len = len;
	aside_begin(&key->aside, make_key, key);
}

const char *content_key_end(struct content_key *key)
{
	aside_end(&key->aside);
	return key->made ? key->text : NULL;
}
