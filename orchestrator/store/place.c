/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The databases' directory, and what can be told of the files in it before SQLite opens
 * them. Opens no database file: closing it would drop the locks SQLite holds on it.
 */
#include "place.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"

int place_open(struct place *place, const struct root *root, struct error *err)
{
	int fd = root_openat(root, PLACE_DIRECTORY, O_PATH | O_DIRECTORY, 0);

	place->name = root_path(root, PLACE_DIRECTORY);
	place->fd = fd < 0 ? -1 : fd;
	return fd < 0 ? error_errno(err, fd, "%s", place->name) : 0;
}

void place_close(struct place *place)
{
	if (place->fd >= 0)
		(void)close(place->fd); /* O_PATH: nothing to flush */
	free(place->name);
	*place = (struct place){.fd = -1};
}

int place_size(const struct place *place, const char *file, off_t *ret, struct error *err)
{
	struct stat st;

	if (fstatat(place->fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, -errno, "%s/%s", place->name, file);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -ERROR_DAMAGED,
				 "%s/%s: is not a regular file: move it away",
				 place->name, file);
	*ret = st.st_size;
	return 0;
}

int place_look(const struct place *place, const char *file, off_t *ret, struct error *err)
{
	int r = place_size(place, file, ret, err);

	if (r == 0 && *ret > 0 && *ret < PLACE_PAGE_LEAST)
		return error_set(
			err, -ERROR_DAMAGED,
			"%s/%s: is damaged (cut off): run `kuro recover` as root",
			place->name, file);
	return r;
}

/* The last bytes of a journal that names a super-journal: SQLite's file format, 3. */
#define JOURNAL_MAGIC      "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
#define JOURNAL_MAGIC_SIZE 8

int place_look_at_journal(const struct place *place, const char *file, bool *ret,
			  struct error *err)
{
	autofree char *journal = str_format("%s-journal", file);
	char tail[JOURNAL_MAGIC_SIZE] = "";
	off_t size = 0;
	int r = place_size(place, journal, &size, err);
	autoclose int fd = r < 0 ? -1
				 : openat(place->fd, journal,
					  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && size > JOURNAL_MAGIC_SIZE)
		(void)pread(fd, tail, sizeof(tail),
			    size - JOURNAL_MAGIC_SIZE); /* or "" */
	if (memcmp(tail, JOURNAL_MAGIC, sizeof(tail)) == 0)
		return error_set(
			err, -ERROR_DAMAGED,
			"%s/%s: names a further journal, which kuro never makes: "
			"run `kuro recover` as root",
			place->name, journal);
	*ret = size > 0;
	return r == -ENOENT ? 0 : r;
}
