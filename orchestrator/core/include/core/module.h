/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kernel's loader reads of a module file, as probe/module-file found it, and what
 * the machine knows of the module besides. Nothing here decides; core/compat does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/symbol-table.h"

/* An undefined symbol of the module's symbol table. */
struct module_import {
	const char *symbol;
	bool weak; /* may stay unresolved */
};

/* One record of __versions, or of __version_ext_crcs and _names. */
struct module_version {
	const char *symbol;
	uint32_t crc;
};

/* PKCS#7 appended to the file (Documentation/admin-guide/module-signing.rst). */
struct module_signature {
	bool present;
	bool malformed; /* the marker is there, what it announces is not */
	size_t content; /* bytes of the file that are signed */
	size_t length;  /* bytes of the PKCS#7 message, which begins at content */
	/* by module_file_examine: */
	const char *signer;  /* common name of the issuer named in it, or NULL */
	const char *key;     /* serial number or key identifier, hexadecimal, or NULL */
	const char *hash;    /* "sha256", or NULL */
	const void *message; /* the PKCS#7 message, or NULL */
};

/*
 * One module file. All texts lie in arena or in the bytes of the file, and live as long
 * as this, or until module_file_keep moves them. A file that is no loadable module at all
 * has fault set and the rest empty.
 */
struct module_file {
	char *path;       /* as the machine sees it, or as the package names it */
	const char *name; /* "nf_nat": from .modinfo, else from the file's name, - as _ */
	char *fault; /* why it is malformed, one sentence without end stop; or NULL */
	uint16_t machine; /* e_machine */
	bool unread; /* of 32 bits or big endian: not looked into, which is its fault */
	const char *doubled; /* a section it has twice, and may have once; or NULL */
	uint64_t layout;     /* bytes of .gnu.linkonce.this_module, 0 for none */
	const char *vermagic, *license, *version, *srcversion, *provenance; /* or NULL;
			      provenance is .modinfo's "intree" */
	/* names of modules with - as _; parameters sorted, each once */
	struct strv depends, softdeps_pre, softdeps_post, namespaces, firmware,
		parameters;
	bool livepatch;        /* .modinfo livepatch=Y */
	bool has_versions;     /* a __versions section */
	bool has_versions_ext; /* __version_ext_crcs and __version_ext_names */
	bool has_export_flags; /* __kflagstab */
	bool has_gpl_exports;  /* __ksymtab_gpl, which kernels with __kflagstab ignore */
	bool has_btf;          /* .BTF that is not empty */
	/* its header, types and strings hold together, as far as that was looked at */
	bool btf_sane;
	const uint8_t *btf, *btf_base; /* in the bytes, NULL where these were let go */
	size_t btf_size, btf_base_size;
	struct module_import *imports;
	size_t import_count;
	struct module_version *versions, *versions_ext;
	size_t version_count, version_ext_count;
	struct symbol *exports; /* owner is name; sorted by name */
	size_t export_count;
	struct module_signature signature;
	char build_id[41]; /* hexadecimal, or "" */
	void *bytes; /* the file's content, decompressed; NULL where borrowed or let go */
	size_t size; /* of the content */
	void *mapping; /* where bytes is a mapping: its address, else NULL */
	struct text arena;
};

void module_file_done(struct module_file *file);
#define automodule cleanup(module_file_done)
/*
 * Copy what lies in the bytes, all texts and the signature's message, and let the bytes
 * go: a thousand modules' facts are some megabytes, their files are gigabytes. May be
 * repeated.
 */
void module_file_keep(struct module_file *file);

enum module_provider {
	PROVIDER_DKMS,
	PROVIDER_AKMODS,
	PROVIDER_WEAK,      /* a link below weak-updates, or a KMP of another release */
	PROVIDER_CONTAINER, /* kmods-via-containers */
	PROVIDER_PACKAGE,   /* a package other than the kernel's */
	PROVIDER_UNOWNED,
	PROVIDERS,
};
const char *module_provider_name(enum module_provider provider);
int module_provider_parse(const char *name);

/* What this machine would lose with a module; the first is the worst. */
enum module_use {
	MODULE_USE_ROOT,   /* the root file system stands on it */
	MODULE_USE_LINK,   /* the link of the default route */
	MODULE_USE_MOUNT,  /* a mounted file system */
	MODULE_USE_DEVICE, /* a device is bound to it */
	MODULE_USE_LOADED, /* it is loaded */
	MODULE_USE_NONE,
};
const char *module_use_name(enum module_use use);

enum module_remedy { REMEDY_NONE, REMEDY_REBUILD, REMEDY_LINK };
const char *module_remedy_name(enum module_remedy remedy);

/* A third-party module of one release's tree, or known to the machine without a file. */
struct third_party {
	char *name;
	char *path;      /* in that release's tree, or NULL */
	char *release;   /* whose tree */
	char *built_for; /* first word of its vermagic, or NULL */
	char *version;   /* of the module, or of its DKMS package; NULL */
	char *package;   /* DKMS name/version, or the owning package; NULL */
	enum module_provider provider;
	enum module_use use;
	char *user;               /* who uses it: "/srv", "eth0", "wg0"; NULL */
	struct module_file *file; /* what its file says, without bytes; fault set where
				     it could not be read; NULL: there is none */
};

struct third_party_list {
	struct third_party *items;
	size_t count;
};
void third_party_list_done(struct third_party_list *list);
#define autothirdparty cleanup(third_party_list_done)
