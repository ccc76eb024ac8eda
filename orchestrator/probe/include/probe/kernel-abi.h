/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kernel offers to modules, from its own files: image, configuration, module tree;
 * headers are never needed, Module.symvers is a second source.
 */
#pragma once

#include "base/root-file.h"
#include "core/compat.h"
#include "probe/module-file.h"

/*
 * Where a kernel's files come from: an installed release (kernel_source_installed), or
 * packages that are not unpacked (probe/package-file.h). A member that is NULL is not
 * there.
 */
struct kernel_source {
	void *data;
	const char *release;
	/* image, config, symvers, "modules.order", "modules.builtin",
	 * "modules.builtin.modinfo": bytes that live as long as the source. "modules" are
	 * paths of the modules that are there and are the kernel's own, a line each, fit
	 * for module; a source that has none of them gives "modules.order". 0, -ENOENT,
	 * or another error. */
	int (*file)(void *data, const char *what, const void **ret, size_t *ret_len,
		    struct error *err);
	/* What tells that file's answer is that of before without reading it, where there
	 * is such a thing: a line of text, caller frees, or NULL. */
	char *(*identity)(void *data, const char *what);
	/* Every module of the tree that is the kernel's own; stops when each returns
	 * other than 0, and returns that. */
	int (*modules)(void *data,
		       int (*each)(void *data, const char *path, const void *bytes,
				   size_t len, struct error *err),
		       void *each_data, struct error *err);
	/* The tree's own modules that export the symbol, by depmod's index: path, caller
	 * frees; -ENOENT: none, -ENOTSUP: there is no index, every module must be read.
	 */
	int (*provider)(void *data, const char *symbol, char **ret_path,
			struct error *err);
	/* One module of the tree by path, decompressed; caller frees. */
	int (*module)(void *data, const char *path, void **ret, size_t *ret_len,
		      struct error *err);
	/* The file of one, as it is, perhaps compressed, where a source can show it
	 * without a copy: each is called once with bytes that live during the call, and
	 * what it returns is returned. May be called by several threads at once. */
	int (*look)(void *data, const char *path,
		    int (*each)(void *data, const char *path, const void *bytes,
				size_t len, struct error *err),
		    void *each_data, struct error *err);
	/* What all of the tree's own modules export, where the source has it at hand
	 * (packages are read once, and their modules not kept); lives as long as the
	 * source. Where it is there, provider and modules need not be asked for symbols.
	 */
	const struct symbol_table *(*exports)(void *data);
	void (*done)(void *data);
};
void kernel_source_done(struct kernel_source *source);
#define autosource cleanup(kernel_source_done)

/* An installed release; root must outlive ret. -ENOENT: it has neither image nor symvers.
 */
int kernel_source_installed(const struct root *root, const char *release,
			    struct kernel_source *ret, struct error *err);

/* The module tree of a release whose image may come from elsewhere. -ENOENT: none. */
int kernel_source_tree(const struct root *root, const char *release,
		       struct kernel_source *ret, struct error *err);

/*
 * Everything of the kernel but its modules' exports: options, vermagic, layout, the
 * image's symbols. cache (may be NULL) is asked for the symbols of an image by its
 * SHA-256 and told of them where it had none; that an image is the one of before may be
 * known by its identity.
 */
struct symbol_cache {
	void *data;
	/* A key is a SHA-256 in hexadecimal, or one of these with a release behind. */
#define SYMBOL_CACHE_FILES   "files-"
#define SYMBOL_CACHE_MODULES "modules-"
	/* 0, or -ENOENT; what it returns is checked by its key, never trusted */
	int (*load)(void *data, const char *key, struct symbol_table **ret);
	void (*store)(void *data, const char *key, const struct symbol_table *table);
};
int kernel_abi_probe(const struct kernel_source *source, const struct symbol_cache *cache,
		     struct kernel_abi *ret, struct error *err);
/*
 * Does Module.symvers tell of the same symbols of the image? To be asked of an abi that
 * was read from the image, before exports are added. ret: a sentence on where they
 * differ, caller frees, or NULL. cache may be NULL. -ENOENT: there is no Module.symvers,
 * -ERROR_DAMAGED: it is none, or another error of reading it.
 */
int kernel_abi_second_source(const struct kernel_source *source,
			     const struct symbol_cache *cache,
			     const struct kernel_abi *abi, char **ret, struct error *err);
/*
 * What its boot adds: module_blacklist=, module.sig_enforce, lockdown= and lsm= of the
 * command line that it will get (may be NULL), and, where the firmware enforces Secure
 * Boot, what its configuration makes of that (without one: that modules must be signed).
 */
void kernel_abi_boot(struct kernel_abi *abi, const struct kernel_source *source,
		     const char *command_line, bool secure_boot);
/*
 * What the tree's own modules export that these files need and do not have of each other,
 * read while the image's symbols are still unknown. cache (may be NULL) spares
 * decompressing one whose file it knows by its SHA-256, and must outlive ret. Nothing
 * that is read too much changes an answer.
 */
struct kernel_providers;
struct kernel_providers *kernel_providers_ahead(const struct kernel_source *source,
						const struct symbol_cache *cache,
						const struct third_party_list *list);
/* Keeps what is new in the cache. */
void kernel_providers_free(struct kernel_providers *providers);
static inline void kernel_providers_free_cleanup(struct kernel_providers **providers)
{
	kernel_providers_free(*providers);
}
#define autoproviders cleanup(kernel_providers_free_cleanup)
/*
 * Add to abi->symbols what the tree's own modules export of these names (what set needs
 * and the image and the set itself do not have; where there is an index, what set
 * exports, too), opening those modules only, if they were not read ahead. cache and
 * providers may be NULL; a cache serves only without providers, which have theirs.
 */
int kernel_abi_add_exports(const struct kernel_source *source,
			   const struct symbol_cache *cache,
			   struct kernel_providers *providers, struct kernel_abi *abi,
			   const struct compat_set *set, struct error *err);

/*
 * Would the target trust this module's signature? Its keys are the certificates built
 * into its image, and, where its configuration has them, the firmware's (db) and, under
 * Secure Boot, the machine owner's (MokListRT). What dbx and, under Secure Boot,
 * MokListXRT revoke is refused where the target does so. Lists of revoked keys and hashes
 * that are built into its image (CONFIG_SYSTEM_REVOCATION_KEYS,
 * CONFIG_SYSTEM_BLACKLIST_HASH_LIST) are not asked. Always 0.
 */
struct kernel_image;
struct trusted_keys;
/* root and source must outlive ret: the image is opened by the first signature that no
 * key of the firmware made, unless its certificates were noted. */
int trusted_keys_probe(const struct root *root, const struct kernel_source *source,
		       struct trusted_keys **ret, struct error *err);
/* Keep an image's certificates with its symbols, and so in the cache, ... */
int trusted_keys_note(const struct kernel_image *image, struct symbol_table *table,
		      struct error *err);
/* ... and use them instead of opening the image; without a note nothing changes. */
void trusted_keys_use_noted(struct trusted_keys *keys, const struct symbol_table *table);
void trusted_keys_free(struct trusted_keys *keys);
static inline void trusted_keys_free_cleanup(struct trusted_keys **keys)
{
	trusted_keys_free(*keys);
}
#define autokeys cleanup(trusted_keys_free_cleanup)
/* An image that can't be read has no key that is known. */
enum signature_trust trusted_keys_judge(const struct trusted_keys *keys,
					const struct module_file *file);
