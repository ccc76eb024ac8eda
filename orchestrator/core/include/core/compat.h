/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Would this kernel load this module? The answer of the target kernel's own loader,
 * check by check, from facts alone (kernel/module/ of Linux 6.1, 6.12 and 7.x). Every
 * reason is found, not the first one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/module.h"
#include "core/symbol-table.h"

/* Names are the contract of `check --json` (DESIGN.md). */
enum compat_code {
	COMPAT_ABSENT,
	COMPAT_MALFORMED,
	COMPAT_MACHINE,
	COMPAT_LAYOUT,
	COMPAT_VERMAGIC,
	COMPAT_SYMBOL_MISSING,
	COMPAT_SYMBOL_VERSION,
	COMPAT_SYMBOL_UNVERSIONED,
	COMPAT_GPL_ONLY,
	COMPAT_NAMESPACE,
	COMPAT_DUPLICATE_EXPORT,
	COMPAT_NAME_TAKEN,
	COMPAT_SIGNATURE,
	COMPAT_BTF,
	COMPAT_LIVEPATCH,
	COMPAT_BLACKLISTED,
	COMPAT_DEPENDENCY_MISSING,
	COMPAT_DEPENDENCY_FAILS,
	COMPAT_FIRMWARE_MISSING,
	COMPAT_NOT_BUILT,
	COMPAT_HEADERS_MISSING,
	COMPAT_DISABLED,
	COMPAT_CODES,
};
const char *compat_code_name(enum compat_code code);

/*
 * COMPAT_LOADS_TAINTED: loaded, but unsigned or not trusted where signatures are looked
 * at (taint E), or by force (taint F: no vermagic, no symbol versions). Being out of tree
 * (O) or proprietary (P) is what most third-party modules are: COMPAT_LOADS.
 */
enum compat_verdict { COMPAT_LOADS, COMPAT_LOADS_TAINTED, COMPAT_FAILS, COMPAT_NO_FILE };
/* "loads", "loads-tainted", "fails", "absent" */
const char *compat_verdict_name(enum compat_verdict verdict);

struct compat_reason {
	enum compat_code code;
	bool fatal;   /* the loader refuses; else it is a taint or a warning */
	char *symbol; /* or module, firmware file; NULL; as the file has it */
	char *detail; /* a sentence for a person, fit for a terminal, no end stop */
};

/* What a signature check by the target would say (act and probe ask OpenSSL). */
enum signature_trust {
	SIGNATURE_NONE,    /* unsigned */
	SIGNATURE_TRUSTED, /* by a key that the target will trust, digest right */
	SIGNATURE_UNKNOWN_KEY,
	SIGNATURE_BAD, /* a trusted key's, but the digest or the message is wrong */
	SIGNATURE_REVOKED_KEY,  /* on the target's .blacklist: the key ... */
	SIGNATURE_REVOKED_FILE, /* ... or this very file, by its hash */
	SIGNATURE_TRUSTS,
};
const char *signature_trust_name(enum signature_trust trust);

/* A module of the kernel's own, and what it needs of other modules: names, versions. */
struct kernel_own {
	char *name; /* - as _ */
	struct symbol_table *needs;
};

/* The kernel that would load: what probe/kernel-abi found. */
struct kernel_abi {
	char *release;
	char *vermagic;      /* whole string of the kernel, or NULL where not found */
	uint16_t machine;    /* e_machine */
	uint64_t layout;     /* sizeof(struct module), 0: not known */
	bool layout_checked; /* its loader compares the size (since 6.2) */
	bool modversions;
	bool force_load;   /* CONFIG_MODULE_FORCE_LOAD */
	bool sig_checked;  /* CONFIG_MODULE_SIG: an unsigned one taints */
	bool sig_enforced; /* CONFIG_MODULE_SIG_FORCE, module.sig_enforce, lockdown */
	bool livepatch;    /* CONFIG_LIVEPATCH */
	bool btf_fatal;    /* module BTF is read, and a mismatch refuses the module */
	bool export_flags; /* __kflagstab: __ksymtab_gpl of a module is not understood */
	bool missing_import_allowed; /* CONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS */
	/* A symbol that __versions does not name is let go with a warning: Linux as it
	 * is published. Debian's kernels refuse it ("fail closed"). */
	bool missing_version_allowed;
	bool config_known; /* false: the options above are Debian's usual ones, guessed */
	bool from_symvers; /* symbols are Module.symvers', not the image's */
	/* The image's, and of every in-tree module asked for. */
	struct symbol_table *symbols;
	struct strv taken; /* names in /sys/module of what is built in */
	/* module_blacklist= as it is written: no - there fits the _ of a name. */
	struct strv blacklisted;
	struct strv loaded;   /* what this machine has loaded today, - as _ */
	struct strv built_in; /* names in modules.builtin, - as _ */
	struct strv in_tree;  /* names of the target tree's own, - as _, sorted */
	/* Where the set takes the place of some of those: the tree's others that it needs
	 * in turn, as far as they were found. */
	struct kernel_own *own;
	size_t own_count;
};
void kernel_abi_done(struct kernel_abi *abi);
void kernel_own_free(struct kernel_own *own, size_t count);
#define autoabi cleanup(kernel_abi_done)

/* One module put before the judge: a file and what was asked about it; its verdict. */
struct compat_module {
	const struct third_party *known; /* what the machine knows of it */
	const struct module_file *file;  /* the one that the target would load, or NULL */
	enum signature_trust trust;
	bool headers_missing;    /* its provider can't build it for the target ... */
	bool not_built;          /* ... or could, and has not */
	struct strv no_firmware; /* files it names that are not there, and were before */
	/* Of its next boot: modprobe.d's command in place of loading it, which loads
	 * nothing (borrowed), or NULL; and modprobe.blacklist= names it newly. */
	const char *install;
	bool unaliased;
	enum module_remedy remedy;
	enum compat_verdict verdict; /* filled by compat_judge, as are the reasons */
	struct compat_reason *reasons;
	size_t reason_count;
};

struct compat_set {
	struct compat_module *items;
	size_t count;
};
void compat_set_done(struct compat_set *set);
#define autocompat cleanup(compat_set_done)

/*
 * Judge them all together: one may need what another exports, and falls with it. May be
 * repeated; the former verdicts are replaced. Symbols are resolved in the image, then
 * among the set, then in the rest of abi->symbols; a name that none exports is missing. A
 * member with a file takes the place of the tree's own module of its name. Of two members
 * that export one symbol the later in the order of loading fails: what another needs
 * comes before it, then what is in use, then the order of the set. The tree's own modules
 * load, but for those of abi->own that need what a member does not give them.
 *
 * Reasons stand in the order of the kernel's checks, all of them, also behind one where
 * the kernel would stop; a malformed file is not looked into. Time is linear in imports
 * and exports.
 */
void compat_judge(const struct kernel_abi *abi, struct compat_set *set);

/* The vermagic that the target compares: without the release where it uses versions. */
bool compat_vermagic_fits(const struct kernel_abi *abi, const struct module_file *file);
/* "GPL", "GPL v2", "Dual BSD/GPL", ... (license_is_gpl_compatible) */
bool compat_license_is_gpl(const char *license);
