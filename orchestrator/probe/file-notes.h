/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was made of a release's file, kept by the file's identity (file-identity.h), so
 * that it need not be read again: an image's key, how Module.symvers agrees with it. Kept
 * in the symbol cache, one file a release; safe to delete.
 */
#pragma once

#include "probe/kernel-abi.h"

/* What was noted of what ("image") for this identity; caller frees. NULL: nothing, or of
 * another identity. cache and identity may be NULL. */
char *file_note_find(const struct symbol_cache *cache, const char *release,
		     const char *what, const char *identity);
/* Note it, in the place of what was noted of what before; as above. what has at most 31
 * characters. */
void file_note_keep(const struct symbol_cache *cache, const char *release,
		    const char *what, const char *identity, const char *value);
