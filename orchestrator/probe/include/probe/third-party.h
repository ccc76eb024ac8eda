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
 * signature, and what uses it now (where that release runs). Of several files of one
 * module the one that depmod prefers is taken; a link that leads nowhere is one, too. A
 * release without a module tree has none. Runs no program where the package manager's
 * own files tell (dpkg's lists); rpm is asked once, for the owners of what is not listed
 * in the tree's modules.order. user is "a process or the kernel" where a module is only
 * known to be held. -EINVAL: no release's name; -EACCES, -EIO.
 */
int third_party_probe(const struct root *root, const char *release,
		      struct third_party_list *ret, struct error *err);
/*
 * Those that are loaded with taint flag O and are not in ret yet, which third_party_probe
 * filled for the running release: their files are gone. Added to ret, without path.
 * Where no kernel runs (no /proc), nothing is.
 */
int third_party_probe_loaded(const struct root *root, struct third_party_list *ret,
			     struct error *err);

/* Is that the module's name, by its file's or by what stands in the file? - as _ */
bool third_party_is(const struct third_party *module, const char *name);

/* Can the provider make it for that release? */
struct rebuild {
	bool source;   /* its source is here (/usr/src/NAME-VERSION, akmod package) */
	bool headers;  /* the release's headers are here, and are that release's */
	bool excluded; /* BUILD_EXCLUSIVE_KERNEL or _ARCH or _CONFIG says no */
	char *why;     /* sentence for what is missing or excluded, or NULL */
	char *command; /* what a person would type next, or NULL */
	char *package; /* what would make it: "NAME/VERSION" of DKMS, "akmod-NAME"; NULL
			*/
};
/*
 * Runs no program. dkms.conf is read, not run: what only bash could tell excludes
 * nothing. -EINVAL: no release's name.
 */
int third_party_rebuild(const struct root *root, const struct third_party *module,
			const char *release, struct rebuild *ret, struct error *err);
void rebuild_done(struct rebuild *rebuild);
#define autorebuild cleanup(rebuild_done)

/* Would the firmware loader find it below /lib/firmware (also .xz, .zst)? A pattern is
 * found where one file matches. */
bool firmware_present(const struct root *root, const char *release, const char *name);
