/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who builds modules on this machine; one row of a table each. A package's name tells
 * its builder: "NAME/VERSION" is DKMS', "akmod-NAME" akmods'.
 */
#pragma once

#include "act/module-build.h"

/* One package's build for one release. */
struct builder_run {
	const struct package_run *run;
	const char *package, *release;
};

struct module_builder {
	/* Build and install; what is there afterwards is looked at, not the answer. */
	int (*build)(const struct builder_run *build, struct error *err);
	/* Take back; what is gone already is success. 1: something was there. */
	int (*undo)(const struct builder_run *build, struct error *err);
	/* Has it built that module, whether its file is in the tree or not? */
	bool (*holds)(const struct builder_run *build, const char *module);
	/* Does it say that it needs what other packages build (BUILD_DEPENDS)? */
	bool (*depends)(const struct builder_run *build);
	/* Path of the log that tells why the last build failed, or NULL. */
	char *(*log)(const struct builder_run *build);
};

/* The builder of a package; NULL: its name is no package's. */
const struct module_builder *module_builder_of(const char *package);
