/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the judge share: one docket for one set before one kernel. Numbers
 * of candidates, offers, exports and wants are places in the docket's arrays; NOBODY is
 * none of them.
 */
#pragma once

#include "core/compat.h"
#include "name-index.h"

#define NOBODY NAME_INDEX_NONE

/* What a reason does to the module. */
enum effect { EFFECT_WARNS, EFFECT_TAINTS, EFFECT_REFUSES };

/* One module of the set, or one of the kernel's own, on its way to a verdict. */
struct candidate {
	struct compat_module *module;   /* NULL: of the kernel's own */
	const struct kernel_own *own;   /* or NULL */
	char *why;                      /* an own one's: what it is refused for */
	const struct module_file *file; /* module->file */
	char *name;                     /* as the kernel names it, - as _ */
	uint32_t first_export, exports; /* its place in docket.exports */
	uint32_t first_want, wants;     /* its place in docket.wants */
	uint32_t strong, weak;          /* wants that are not settled yet */
	uint32_t next_want;             /* those before it are settled or weak */
	uint32_t ring;                  /* number of the cycle it stands in, 0 for none */
	uint32_t visited;               /* by the search for that cycle */
	uint32_t blamed, warned;        /* the last one that fell or limps for it, + 1 */
	bool waiting;                   /* not in the queue yet */
	bool judged;
	bool refused, tainted;
	bool proprietary; /* TAINT_PROPRIETARY_MODULE, of its own or inherited */
	bool uses_gpl;    /* using_gplonly_symbols */
	bool unresolved;  /* a strong symbol of it has no owner */
	const struct candidate *taints_it; /* whose taint it inherited, or NULL */
};

/* A name that some candidates export. */
struct offer {
	const struct symbol *symbol; /* the provider's */
	uint32_t provider;           /* the candidate that is loaded with it, or NOBODY */
	uint32_t left;               /* exports of it without a verdict */
	uint32_t first_export;       /* list of its exporters, in the order of the set */
	uint32_t live_export;        /* those before it have their verdict */
	uint32_t first_want;         /* list of those that wait for it */
};

struct export_entry {
	const struct symbol *symbol;
	uint32_t candidate, offer;
	uint32_t next; /* of the same offer */
};

/* An import that a member of the set may provide. */
struct want {
	uint32_t candidate, offer;
	uint32_t next; /* of the same offer */
	size_t import;
	bool weak;
};

/* What check_version() looks into, for the candidate that is being judged. */
struct version_table {
	const struct module_version *items;
	struct name_index index;
	bool compared; /* false: the kernel has no versions, or the file has none */
	bool extended;
};

struct docket {
	const struct kernel_abi *abi;
	struct candidate *candidates;
	uint32_t count;
	struct name_index names;                 /* of the set's candidates */
	struct name_index own_names;             /* of the kernel's own */
	struct name_index offered;               /* of offers */
	struct name_index built_in, taken_names; /* abi->built_in, abi->taken */
	struct offer *offers;
	uint32_t offer_count;
	struct export_entry *exports;
	uint32_t export_count;
	struct want *wants;
	uint32_t want_count, want_size;
	uint32_t *queue; /* whose wants are settled, in the order of loading */
	uint32_t queued, taken;
	uint32_t searches;
	struct version_table versions;
};

/* Another reason: an effect, what it is about (copied, may be NULL) and a sentence. */
void candidate_says(struct candidate *c, enum effect effect, enum compat_code code,
		    const char *symbol, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* What a file lacks that a kernel with CONFIG_MODULE_FORCE_LOAD can do without. */
enum effect effect_of_force(const struct kernel_abi *abi);
/* Is it that Linux or a later one ("6.14")? Where its release is not known, it is. */
bool kernel_at_least(const struct kernel_abi *abi, const char *release);
/* The kernel's own symbol of that name, or NULL. */
const struct symbol *kernel_symbol(const struct kernel_abi *abi, const char *name);
/* A module's name with _ for -, as the kernel has it; the caller frees. */
char *kernel_name_of(const char *name);
/* The candidate of that name, or NULL. */
struct candidate *docket_named(const struct docket *d, const char *name);

/* The checks, each one's reasons into the candidate. Of a file alone (compat-file.c): */
void judge_signature(struct docket *d, struct candidate *c);
void judge_shape(struct docket *d, struct candidate *c);
void judge_blacklist(struct docket *d, struct candidate *c);
void judge_layout(struct docket *d, struct candidate *c);
void judge_vermagic(struct docket *d, struct candidate *c);
void judge_livepatch(struct docket *d, struct candidate *c);
void judge_export_tables(struct docket *d, struct candidate *c);
void judge_namespaces(struct docket *d, struct candidate *c);
void judge_btf(struct docket *d, struct candidate *c);
void judge_name(struct docket *d, struct candidate *c);
void judge_depends(struct docket *d, struct candidate *c);
void judge_firmware(struct docket *d, struct candidate *c);
void judge_build(struct docket *d, struct candidate *c);
void judge_loading(struct docket *d, struct candidate *c);
/* Of its symbols among the kernel's and the set's (compat-symbols.c): */
void judge_versions(struct docket *d, struct candidate *c);
void judge_imports(struct docket *d, struct candidate *c);
void judge_exports(struct docket *d, struct candidate *c);
/* The licence's taint, which decides what its imports may be. */
bool candidate_is_proprietary(const struct candidate *c);
/*
 * Does this kernel's loader find the export in the file (one with __kflagstab reads no
 * __ksymtab_gpl), and does it take it for GPL-only?
 */
bool export_counts(const struct kernel_abi *abi, const struct module_file *file,
		   const struct symbol *symbol);
bool export_is_gpl(const struct kernel_abi *abi, const struct module_file *file,
		   const struct symbol *symbol);

/* A member of the set with a file that takes the place of the symbol's owner, or NULL. */
struct candidate *replacing(const struct docket *d, const struct symbol *symbol);

/* The kernel's own modules behind the set's (compat-own.c): as candidates, ... */
void own_open(struct docket *d);
/* ... how many symbols they may offer, and those that nobody of the set offers, ... */
size_t own_export_count(const struct docket *d);
void own_index_exports(struct docket *d);
/* ... and whether one of them loads. */
void own_judge(struct docket *d, struct candidate *c);
/* Is the symbol that of one that does not? */
bool own_is_refused(const struct docket *d, const struct symbol *symbol);

/* The export with that number in docket.exports: another one of its offer. */
void docket_offer(struct docket *d, uint32_t id, uint32_t candidate,
		  const struct symbol *symbol);

/* Every candidate after those whose symbols it wants (compat-order.c). */
void docket_open(struct docket *d, const struct kernel_abi *abi, struct compat_set *set);
void docket_settle(struct docket *d,
		   void (*judge)(struct docket *d, struct candidate *c));
void docket_done(struct docket *d);
