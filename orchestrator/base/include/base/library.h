/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Libraries that only some calls of kuro need, loaded when they are: the time to load one
 * with all that it brings along is most of what a short call takes. A header of such a
 * library lists its functions and declares each as a pointer, by its name in the manual
 * with sym_ before it.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

struct library_function {
	const char *name;
	void *slot; /* address of the pointer to the function */
};

struct library {
	const char *file; /* its soname */
	const struct library_function *functions;
	size_t count;
	void *opened;
};

#define LIBRARY_DECLARE(name)  extern __typeof__(name) *sym_##name;
#define LIBRARY_DEFINE(name)   __typeof__(name) *sym_##name;
#define LIBRARY_FUNCTION(name) {#name, (void *)&sym_##name},

/*
 * Before any of its functions is called. May be repeated, by any thread; it is never
 * unloaded. -ENOTSUP:
 * it is not installed, or lacks a function.
 */
int library_load(struct library *library, struct error *err);
