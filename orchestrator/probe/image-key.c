/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHA-256 in a thread of its own, or at the end where none can be had.
 */
#include "image-key.h"

#include <openssl/evp.h>
#include <stdio.h>

static void *make_key(void *data)
{
	struct image_key *key = data;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len;

	if (EVP_Digest(key->data, key->len, digest, &len, EVP_sha256(), NULL) != 1 ||
	    2 * len >= sizeof(key->text))
		return NULL;
	for (size_t i = 0; i < len; i++)
		(void)snprintf(key->text + 2 * i, 3, "%02x", digest[i]); /* it fits */
	key->made = true;
	return NULL;
}

void image_key_begin(struct image_key *key, const void *data, size_t len)
{
	key->data = data;
	key->len = len;
	key->threaded = pthread_create(&key->thread, NULL, make_key, key) == 0;
}

const char *image_key_end(struct image_key *key)
{
	if (key->threaded)
		(void)pthread_join(key->thread, NULL); /* fails for no thread only */
	else
		(void)make_key(key); /* says by made */
	return key->made ? key->text : NULL;
}
