/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ownership in declarations: what is declared with one of these is freed or closed
 * when it goes out of scope. Initialise at the declaration; take_ptr and take_fd let
 * ownership leave.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(f) __attribute__((cleanup(f)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing written through it is unflushed here */
}

static inline void cleanup_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* reading only */
}

static inline void *cleanup_take(void *p)
{
	void **slot = (void **)p;
	void *taken = *slot;

	*slot = NULL;
	return taken;
}

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define autofree     cleanup(cleanup_free)
#define autoclose    cleanup(cleanup_close)
#define autodir      cleanup(cleanup_dir)
#define take_ptr(p)  cleanup_take(&(p))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
