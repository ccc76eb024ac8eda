/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkmod, loaded when a driver is looked for: see base/library.h. Most distributions'
 * brings libcrypto along.
 */
#pragma once

#include <libkmod.h>

#include "base/library.h"

#define KMOD_FUNCTIONS(X)                   \
	X(kmod_config_get_aliases)          \
	X(kmod_config_get_blacklists)       \
	X(kmod_config_get_install_commands) \
	X(kmod_config_get_softdeps)         \
	X(kmod_config_iter_free_iter)       \
	X(kmod_config_iter_get_key)         \
	X(kmod_config_iter_get_value)       \
	X(kmod_config_iter_next)            \
	X(kmod_list_next)                   \
	X(kmod_load_resources)              \
	X(kmod_module_get_dependencies)     \
	X(kmod_module_get_module)           \
	X(kmod_module_get_name)             \
	X(kmod_module_get_path)             \
	X(kmod_module_new_from_lookup)      \
	X(kmod_module_new_from_name)        \
	X(kmod_module_unref)                \
	X(kmod_module_unref_list)           \
	X(kmod_new)                         \
	X(kmod_set_log_fn)                  \
	X(kmod_set_log_priority)            \
	X(kmod_unref)

KMOD_FUNCTIONS(LIBRARY_DECLARE)

/* kmod_list_foreach calls what was not loaded. */
#define kmod_list_each(item, list) \
	for ((item) = (list); (item); (item) = sym_kmod_list_next((list), (item)))

/* Before any of them is called. May be repeated, by any thread. -ENOTSUP: it is not
 * installed. */
int kmod_library_load(struct error *err);
/* kmod_new(3), and what it would say goes nowhere. */
struct kmod_ctx *kmod_silent(const char *directory, const char *const *config_paths);
