/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The vetting: would this kernel take this machine's modules and devices with it? One
 * report for `kuro check`, for the steps of a transaction and for the matrix.
 */
#pragma once

#include "core/compat.h"
#include "flow/journey.h"
#include "probe/devices.h"
#include "probe/third-party.h"

enum vet_weight { VET_NOTE, VET_WARNING, VET_REFUSAL };
const char *vet_weight_name(enum vet_weight weight);

/* One thing that a person must know, already weighed by the policy. */
struct vet_finding {
	enum vet_weight weight;
	char *text; /* a sentence that names the module, device or option */
};

/* What is known of a module besides its verdict. */
struct vet_outlook {
	bool own; /* the kernel itself has a module of that name, or has it built in */
	char *version; /* for the record: of the target's file, or of the present one */
	char *why;     /* why its provider can't build it for this release, or NULL */
	char *command; /* what a person would type to build it, or NULL */
	bool lacks_headers; /* there is source to build it from, but not the headers */
};

/* How much is looked at. */
enum vet_depth {
	VET_DRIFT, /* modules that are there for the release, nothing else */
	VET_LAZY,  /* all, but an image that no module needs is not opened */
	VET_WHOLE,
};

struct vet_report {
	char *release;
	struct strv packages; /* files it was read from; empty for an installed release */
	struct kernel_abi abi;
	bool abi_read;       /* false: it was not needed, or could not be read */
	char *second_source; /* sentence where Module.symvers and the image disagree; NULL
			      */
	/* files of modules.items are those of this machine, of the target's tree ... */
	struct third_party_list known, there;
	/* those that modules.ignored of the policy leaves out of known and modules */
	struct third_party_list ignored;
	struct module_file *brought; /* ... or of the packages */
	size_t brought_count;
	struct compat_set modules;
	struct vet_outlook *outlooks; /* one for each of modules.items */
	/* Not told of: the ignored, judged for the sake of those that need them, and
	 * those whose kernel can't be read, of which nothing bad is known. */
	struct compat_set beside;
	size_t unjudged; /* how many of the latter the policy does not ignore */
	struct device_list devices;
	struct vet_finding *findings; /* refusals first */
	size_t finding_count;
	struct package_lists lists; /* of packages, in passing: what files they have */
	bool compatible;            /* no refusal among them */
	bool malformed;             /* its packages could not be read */
};
void vet_report_done(struct vet_report *report);
#define autovet cleanup(vet_report_done)

/* Packages of one kernel, below a root that need not be the machine's. */
struct vet_place {
	const struct root *root;
	const struct strv *paths;
	/* They are all that will come: a module that can't be built for want of the
	 * kernel's headers is a reason to wait for those, unless it is optional. */
	bool complete;
	bool headers_come; /* the kernel's headers are on their way, if not among these */
};

/*
 * Vet an installed release, packages that bring one (no third-party module of theirs is
 * missed), or a bare image file, which lies below where. Reads only, but for the symbol
 * cache. An image that is damaged, or that can't be read, is a finding. -ENOENT: no
 * such release; -ERROR_DAMAGED: the file is no package, or malformed; -ERROR_REFUSED: no
 * kernel in the packages.
 */
int vet_release(const struct machine *machine, const char *release, enum vet_depth depth,
		struct vet_report *ret, struct error *err);
int vet_packages(const struct machine *machine, const struct vet_place *place,
		 enum vet_depth depth, struct vet_report *ret, struct error *err);
int vet_image(const struct machine *machine, const struct root *where, const char *path,
	      struct vet_report *ret, struct error *err);
/* What could not be read is no kernel for this machine: a report of that alone. */
void vet_damaged(const char *name, const struct error *why, struct vet_report *ret);
/* The machine's third-party modules, as they would be vetted for an installed release,
 * and those that lie in that release's own tree. */
int vet_modules_of(const struct machine *machine, const char *release,
		   struct third_party_list *ret_known, struct third_party_list *ret_there,
		   struct error *err);
/* Is it one that the policy requires, by its name or because it is in use? */
bool vet_module_required(const struct policy *policy, const struct third_party *module);
/* Is this the file, or the name, of a package with what a build for that release needs?
 * linux-headers-REL, kernel-devel-REL, kernel-default-devel */
bool vet_is_headers_of(const char *package, const char *release);
/* Everyone's short answer: 0, or -ERROR_REFUSED with the refusals in one message. */
int vet_refuse(const struct vet_report *report, struct error *err);
/* How many modules would not load, or are not there. */
size_t vet_lost_modules(const struct vet_report *report);
/* "the root file system", "/srv", "eth0 (default route)"; "" for none; caller frees. */
char *vet_user(enum module_use use, const char *user);

/*
 * Does the way back still hold? Sentences about third-party modules that would no longer
 * load in the good generation's kernel, or that were loaded by it and are gone. Nothing
 * where kuro is not set up.
 */
int vet_drift(const struct machine *machine, struct strv *ret, struct error *err);

/* The compatibility record: one row a module into the state database. */
int vet_record(const struct machine *machine, const struct vet_report *report,
	       struct error *err);
/*
 * What this boot shows of the running release's third-party modules: loaded, or refused
 * by the kernel with the reason of its log. Into the record; may be repeated.
 */
int vet_observe(const struct machine *machine, struct error *err);
