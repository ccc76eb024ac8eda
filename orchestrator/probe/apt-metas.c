/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernel meta-packages, known by their names and by what they depend on.
 *
 * image meta-package: depends on linux-image-RELEASE (linux-image-amd64,
 *   linux-image-generic, linux-image-6.12-cloud-amd64);
 * companion: linux-WHAT-FLAVOUR of an image meta-package linux-image-FLAVOUR, depends
 *   on linux-WHAT-RELEASE (headers; Ubuntu's modules-nvidia-535);
 * upper meta-package: depends on one of these (Ubuntu's linux-generic).
 */
#include "apt-metas.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/release.h"

char *apt_image_release(const char *package)
{
	bool image = false;
	char *release = release_of_package(package, &image);

	if (release && image)
		return release;
	free(release);
	return NULL;
}

/* Names in a Depends field, alternatives too. */
static void depends_names(const char *depends, struct strv *ret)
{
	autostrv struct strv parts = {0};

	strv_split(&parts, depends, ",|");
	for (size_t i = 0; i < parts.count; i++) {
		char *name = str_strip(parts.items[i]);

		name[strcspn(name, " (:")] = '\0';
		if (*name)
			strv_add(ret, name);
	}
}

/* The flavour of an image meta-package (what stands behind linux-image-), or NULL. */
static const char *image_flavour(const struct dpkg_package *package)
{
	autostrv struct strv names = {0};

	if (!str_starts(package->name, APT_IMAGE))
		return NULL;
	depends_names(package->depends, &names);
	for (size_t i = 0; i < names.count; i++) {
		autofree char *release = apt_image_release(names.items[i]);

		if (release && !str_eq(names.items[i], package->name))
			return package->name + strlen(APT_IMAGE);
	}
	return NULL;
}

/* Is it linux-WHAT-FLAVOUR, and does it depend on a linux-WHAT-<release>? */
static bool is_companion(const struct dpkg_package *package, const char *flavour)
{
	autofree char *stem = NULL, *tail = str_format("-%s", flavour);
	autostrv struct strv names = {0};

	if (!str_ends(package->name, tail))
		return false;
	stem = str_ndup(package->name, strlen(package->name) - strlen(flavour));
	depends_names(package->depends, &names);
	for (size_t i = 0; i < names.count; i++)
		if (str_starts(names.items[i], stem) &&
		    isdigit((unsigned char)names.items[i][strlen(stem)]) &&
		    !str_eq(names.items[i], package->name))
			return true;
	return false;
}

bool apt_is_present(const struct dpkg_package *package)
{
	return strchr("iUFHWt", package->status) != NULL;
}

static void add_companions(const struct dpkg_list *list, const char *flavour,
			   struct strv *metas)
{
	for (size_t i = 0; i < list->count; i++)
		if (apt_is_present(&list->items[i]) &&
		    !strv_has(metas, list->items[i].name) &&
		    is_companion(&list->items[i], flavour))
			strv_add(metas, list->items[i].name);
}

/* Does it depend on one of them? */
static bool is_upper(const struct dpkg_package *package, const struct strv *metas)
{
	autostrv struct strv names = {0};

	depends_names(package->depends, &names);
	for (size_t i = 0; i < names.count; i++)
		if (strv_has(metas, names.items[i]))
			return true;
	return false;
}

/* Packages above those found so far, until there are no more. */
static void add_upper(const struct dpkg_list *list, struct strv *metas)
{
	size_t before;

	do {
		before = metas->count;
		for (size_t i = 0; i < list->count; i++)
			if (apt_is_present(&list->items[i]) &&
			    !strv_has(metas, list->items[i].name) &&
			    is_upper(&list->items[i], metas))
				strv_add(metas, list->items[i].name);
	} while (metas->count > before);
}

void apt_find_metas(const struct dpkg_list *list, struct strv *metas)
{
	for (size_t i = 0; i < list->count; i++)
		if (apt_is_present(&list->items[i]) && image_flavour(&list->items[i]))
			strv_add(metas, list->items[i].name);
	for (size_t i = 0; i < list->count; i++) {
		const char *flavour = apt_is_present(&list->items[i])
					      ? image_flavour(&list->items[i])
					      : NULL;

		if (flavour)
			add_companions(list, flavour, metas);
	}
	add_upper(list, metas);
}
