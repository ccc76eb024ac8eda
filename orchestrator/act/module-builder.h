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
	bool had_build; /* what was built before, and not installed, is to be left */
};

enum builder_state {
	BUILDER_NOTHING,
	BUILDER_BUILT,     /* and not installed */
	BUILDER_INSTALLED, /* as the builder sees it; files may be lost */
};

struct module_builder {
	/* Build and install; what is there afterwards is looked at, not the answer. */
	int (*build)(const struct builder_run *build, struct error *err);
	/* Take back; what is gone already is success. 1: something was there. */
	int (*undo)(const struct builder_run *build, struct error *err);
	/* What it has of the package for the release. */
	enum builder_state (*state)(const struct builder_run *build);
	/* Has it built that module, whether its file is in the tree or not? */
	bool (*holds)(const struct builder_run *build, const char *module);
	/* Does it say that it needs what other packages build (BUILD_DEPENDS)? */
	bool (*depends)(const struct builder_run *build);
	/* Path of the log that tells why the last build failed, or NULL. */
	char *(*log)(const struct builder_run *build);
};

/*
 * Take back what one build added, whole or cut off in the middle; what the package's name
 * says is not trusted. 1: something was there. -ERROR_PROGRAM where files stay.
 */
int module_build_undo_one(const struct package_run *run, const struct module_build *build,
			  const char *release, struct error *err);

/* depmod for the release. */
int module_build_index(const struct package_run *run, const char *release,
		       struct error *err);

/* The builder of a package; NULL: its name is no package's. */
const struct module_builder *module_builder_of(const char *package);
