/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Holds as apt shows them (`apt-cache policy`): a record of apt_preferences(5) for each
 * release, that names exactly its packages and the version that failed. Meta-packages of
 * that version are kept back by apt itself then, as what they want can't be had; a newer
 * version, of the same release too, is apt's to bring.
 *
 * A hold that no boot of the release caused is a person's word on all its versions.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/release.h"
#include "hold-mark-backend.h"
#include "manager-file.h"
#include "probe/apt-answers.h"

#define DIRECTORY   "/etc/apt/preferences.d"
#define DPKG_STATUS "/var/lib/dpkg/status"
#define VERSION     "Pin: version "
#define ANY_VERSION "*"

/* What the release stands behind in the packages' names. */
static const char *const images[] = {"linux-image-", "linux-image-unsigned-"};
static const char *const others[] = {"linux-modules-", "linux-modules-extra-",
				     "linux-headers-"};

static void append_names(struct text *t, const char *const *names, size_t count,
			 const char *release)
{
	for (size_t i = 0; i < count; i++)
		text_appendf(t, " %s%s", names[i], release);
}

/* Of the record of that release in the file's text, as it was written below. */
static char *marked_version(const char *text, const char *release)
{
	autotext struct text package = {0};
	const char *record, *pin;

	text_append(&package, "\nPackage:");
	append_names(&package, images, ARRAY_LEN(images), release);
	text_append(&package, " ");
	record = strstr(text, text_str(&package));
	pin = record ? strchr(record + 1, '\n') : NULL;
	if (!pin || !str_starts(pin + 1, VERSION))
		return NULL;
	pin += 1 + strlen(VERSION);
	return str_ndup(pin, strcspn(pin, "\n"));
}

/* The version of the image's package that is unpacked here, or NULL. */
static char *installed_version(const struct root *root, const char *release)
{
	autodpkg struct dpkg_list list = {0};
	autostrv struct strv names = {0};

	if (!root_exists(root, DPKG_STATUS))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(images); i++)
		strv_add_take(&names, str_format("%s%s", images[i], release));
	/* a dpkg that does not answer knows no version */
	(void)dpkg_query(root, &names, &list, NULL);
	for (size_t i = 0; i < list.count; i++)
		if (!strchr("nc", list.items[i].status) && *list.items[i].version)
			return str_dup(list.items[i].version);
	return NULL;
}

static void append_record(struct text *t, const struct hold *hold, const char *version)
{
	autofree char *reason =
		str_printable(hold->reason ? hold->reason : "no reason is recorded");

	text_appendf(t,
		     "Explanation: kuro keeps %s away: %s\n"
		     "Explanation: It takes this record away by itself; to lift the hold "
		     "now: kuro unhold %s\nPackage:",
		     hold->release, reason, hold->release);
	append_names(t, images, ARRAY_LEN(images), hold->release);
	append_names(t, others, ARRAY_LEN(others), hold->release);
	text_appendf(t, "\n" VERSION "%s\nPin-Priority: -1\n\n", version);
}

static char *mark_version(const struct root *root, const char *text,
			  const struct hold *hold)
{
	char *version = NULL;

	if (hold->generation > 0)
		version = text ? marked_version(text, hold->release) : NULL;
	if (hold->generation > 0 && !version)
		version = installed_version(root, hold->release);
	return version ? version : str_dup(ANY_VERSION);
}

static int apt_hold_write(const struct root *root, const struct hold_list *holds,
			  struct error *err)
{
	autofree char *now = NULL;
	autotext struct text t = {0};

	if (holds->count == 0)
		return root_unlink(root, HOLD_MARK_APT, err);
	if (!root_exists(root, DIRECTORY))
		return 0;
	/* what can't be read is written anew */
	(void)root_read(root, HOLD_MARK_APT, MANAGER_FILE_MAX, &now, NULL, NULL);
	for (size_t i = 0; i < holds->count; i++) {
		autofree char *version = NULL;

		if (!release_valid(holds->items[i].release))
			continue;
		version = mark_version(root, now, &holds->items[i]);
		append_record(&t, &holds->items[i], version);
	}
	return manager_file_write(root, DIRECTORY, HOLD_MARK_APT, text_str(&t), err);
}

static bool apt_hold_outdated(const struct root *root, const char *release,
			      const char *version)
{
	autofree char *text = NULL, *marked = NULL, *installed = NULL;

	if (root_read(root, HOLD_MARK_APT, MANAGER_FILE_MAX, &text, NULL, NULL) < 0)
		return false;
	marked = marked_version(text, release);
	if (!marked || str_eq(marked, ANY_VERSION))
		return false;
	if (version)
		return !str_eq(version, marked);
	installed = installed_version(root, release);
	return installed && !str_eq(installed, marked);
}

const struct hold_marker apt_hold_marker = {
	.write = apt_hold_write,
	.outdated = apt_hold_outdated,
};
