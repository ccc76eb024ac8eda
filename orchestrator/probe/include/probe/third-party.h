/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Third-party modules, found and not listed by hand: what a release's tree holds beyond
 * what the kernel's own packages put there.
 */
#pragma once

#include "base/root-file.h"
#include "core/module.h"

/*
 * Those of one installed release, sorted by name, each with its provider, version,
 * signature, and what uses it now (where that release runs). Runs no program where the
 * package manager's own files tell (dpkg's lists); rpm is asked once.
 */
int third_party_probe(const struct root *root, const char *release,
		      struct third_party_list *ret, struct error *err);
/*
 * Those the machine uses now that come from no file of the running release's tree any
 * more, or that are loaded with taint flag O (/sys/module/NAME/taint): added to ret.
 */
int third_party_probe_loaded(const struct root *root, struct third_party_list *ret,
			     struct error *err);

/* Can the provider make it for that release? */
struct rebuild {
	bool source;   /* its source is here (/usr/src/NAME-VERSION, akmod package) */
	bool headers;  /* the release's headers are here, and are that release's */
	bool excluded; /* BUILD_EXCLUSIVE_KERNEL or _ARCH or _CONFIG says no */
	char *why;     /* sentence for what is missing or excluded, or NULL */
	char *command; /* what a person would type, or NULL */
};
int third_party_rebuild(const struct root *root, const struct third_party *module,
			const char *release, struct rebuild *ret, struct error *err);
void rebuild_done(struct rebuild *rebuild);
#define autorebuild cleanup(rebuild_done)

/* Names that the firmware loader would find below /lib/firmware (also .xz, .zst). */
bool firmware_present(const struct root *root, const char *release, const char *name);
