/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One vetting under way, shared by the files vet*.c.
 */
#pragma once

#include "flow/vet.h"
#include "probe/kernel-abi.h"
#include "probe/modprobe-config.h"
#include "probe/package-file.h"

struct vet {
	const struct machine *machine;
	enum vet_depth depth;
	struct vet_report *report; /* release, known, … as they are found */
	bool installed;            /* the target's tree is on this machine */
	bool whole_tree;           /* false: an image alone, its modules are not known */
	struct kernel_source source;
	struct symbol_cache cache;
	struct kernel_providers *providers;     /* or NULL: none were read ahead */
	const struct packaged_kernel *packaged; /* NULL: not from packages */
	struct error abi_error;        /* why the kernel's image could not be read */
	struct modprobe_config config; /* what the next boot would load by itself */
	bool headers_come;    /* a package with the target's headers is among them */
	bool complete;        /* see struct vet_place */
	struct strv linked;   /* modules that packages link when they are installed */
	bool modules_only;    /* packages of modules, for a kernel that is here */
	char *running, *good; /* releases, or NULL */
};

/* What the machine is, without the modules. */
int vet_begin(struct vet *vet, const struct machine *machine, struct error *err);
void vet_end(struct vet *vet);

/* Third-party modules of the machine into report->known, the target's into there. */
int vet_know(struct vet *vet, struct error *err);
const struct third_party *vet_third_party(const struct third_party_list *list,
					  const char *name);

/* Names in a list of module paths of a source, - as _, sorted; false: it has no such
 * list.
 */
bool vet_source_names(const struct kernel_source *source, const char *what,
		      struct strv *ret);

void vet_outlook_done(struct vet_outlook *outlook);

/* The command line that the target would get; caller frees. Asks the machine alone. */
char *vet_boot_line(const struct vet *vet);
/* What its command line and the firmware make of the target's loader's rules. */
void vet_boot(struct vet *vet, const char *line);

/* From source to a judged report with its findings. */
int vet_run(struct vet *vet, struct error *err);

/* Each known module with the file that the target would load, judged. */
int vet_modules(struct vet *vet, struct error *err);
/* The module's file among those that packages bring, or NULL. */
const struct module_file *vet_brought(const struct vet *vet, const char *module);
/* Has the target's own tree, or its image, a module of that name? */
bool vet_kernel_has(const struct vet *vet, const char *module);
/* ... and none that its kernel refuses (module_blacklist=)? */
bool vet_kernel_loads(const struct vet *vet, const char *module);
/* ... and that an alias of it would load? now: it is loaded today. */
bool vet_kernel_autoloads(const struct vet *vet, const char *module, bool now);
/* ": " and what keeps that one, which it has, from being loaded; caller frees. */
char *vet_kernel_bar(const struct vet *vet, const char *module);

/* Will the target have it, and load it? What is still to be built for it counts. */
bool vet_module_comes(const struct vet *vet, const struct compat_module *item);
/* The third-party module of that name as it was judged, or NULL. */
const struct compat_module *vet_judged(const struct vet *vet, const char *module);

/* Whether the target drives these, as devices_cover says; -ENOENT: it has no tree. */
int vet_cover(const struct vet *vet, struct device_list *list, struct error *err);

/* Is its verdict none that the policy would have? */
bool vet_module_bad(const struct vet *vet, const struct compat_module *item);
/* One sentence on the i-th module, which would not be there; caller frees. */
char *vet_module_sentence(const struct vet *vet, size_t i);
/* Weigh what was found by the policy; each adds findings. */
void vet_weigh_modules(struct vet *vet);
void vet_weigh_devices(struct vet *vet);
/* What third-party modules ask for to be loaded before them. */
void vet_weigh_softdeps(struct vet *vet);
/* What the root, mounted file systems and links stand on. */
int vet_weigh_uses(struct vet *vet, struct error *err);
int vet_weigh_config(struct vet *vet, struct error *err);
/* By its configuration: are there modules of the kernel's own? 1, 0, or -ENOENT: it has
 * none that can be read. */
int vet_config_has_modules(const struct kernel_source *source);
int vet_weigh_firmware(struct vet *vet, struct error *err);
void vet_find(struct vet *vet, enum vet_weight weight, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
