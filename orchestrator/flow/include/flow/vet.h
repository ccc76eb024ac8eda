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

/* One thing that a person must know, already weighed by the policy. */
struct vet_finding {
	enum vet_weight weight;
	char *text; /* a sentence that names the module, device or option */
};

struct vet_report {
	char *release;
	struct strv packages; /* files it was read from; empty for an installed release */
	struct kernel_abi abi;
	char *second_source; /* sentence where Module.symvers and the image disagree; NULL */
	struct third_party_list known;
	struct module_file *files; /* those of modules.items, owned here */
	size_t file_count;
	struct compat_set modules;
	struct device_list devices;
	struct vet_finding *findings; /* refusals first */
	size_t finding_count;
	bool compatible; /* no refusal among them */
};
void vet_report_done(struct vet_report *report);
#define autovet cleanup(vet_report_done)

/*
 * Vet an installed release, packages that bring one (no third-party module of theirs is
 * missed), or a bare image file. Reads only, but for the symbol cache. -ENOENT: no such
 * release; -ERROR_DAMAGED: the file is no package, or malformed.
 */
int vet_release(const struct machine *machine, const char *release,
		struct vet_report *ret, struct error *err);
int vet_packages(const struct machine *machine, const struct strv *paths,
		 struct vet_report *ret, struct error *err);
int vet_image(const struct machine *machine, const char *path, struct vet_report *ret,
	      struct error *err);
/* Everyone's short answer: 0, or -ERROR_REFUSED with the refusals in one message. */
int vet_refuse(const struct vet_report *report, struct error *err);
/* The compatibility record: one row a module into the state database. */
int vet_record(const struct machine *machine, const struct vet_report *report,
	       struct error *err);
