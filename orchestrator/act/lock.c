/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lock is an open file description's (F_OFD_SETLK): it goes when the descriptor
 * goes, however the process ends, is not shared with programs that are run
 * (O_CLOEXEC), and F_OFD_GETLK asks for it without taking it. The words in the file
 * are for people; only the lock counts.
 */
#include "act/lock.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define LOCK_DIR   "/run/kuro"
#define LOCK_FILE  LOCK_DIR "/lock"
#define LOCK_WORDS 256 /* bytes of the file that are read */

/* "PID VERB SECONDS" as the holder wrote it. */
struct lock_words {
	char verb[32];
	long long pid, since;
};

static bool lock_words_read(int fd, struct lock_words *ret)
{
	char data[LOCK_WORDS + 1] = {0};
	char verb[32] = {0};
	autostrv struct strv words = {0};
	unsigned long long pid, since;

	if (pread(fd, data, LOCK_WORDS, 0) <= 0)
		return false;
	strv_split(&words, data, " \n");
	if (words.count != 3 || strlen(words.items[1]) >= sizeof(verb) ||
	    str_to_u64(words.items[0], 1, 1ULL << 40, &pid) < 0 ||
	    str_to_u64(words.items[2], 0, 1ULL << 40, &since) < 0)
		return false;
	*ret = (struct lock_words){.pid = (long long)pid, .since = (long long)since};
	memcpy(ret->verb, words.items[1], strlen(words.items[1]));
	return true;
}

/* "kuro upgrade (process 812, since 2026-01-02 03:04:05 UTC)"; caller frees. */
static char *lock_holder(int fd)
{
	struct lock_words words;
	autofree char *verb = NULL;
	char since[32] = "";
	struct tm tm;
	time_t then;

	if (!lock_words_read(fd, &words))
		return str_dup("another kuro");
	verb = str_printable(words.verb);
	then = (time_t)words.since;
	if (gmtime_r(&then, &tm))
		(void)strftime(since, sizeof(since), "%F %T UTC", &tm); /* fits */
	return str_format("kuro %s (process %lld, since %s)", verb, words.pid, since);
}

static int lock_open(const struct root *root, struct error *err)
{
	int r = root_mkdirs(root, LOCK_DIR, 0755, err), fd;

	if (r < 0)
		return r;
	fd = root_openat(root, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW, 0644);
	if (fd < 0)
		return error_errno(err, fd, "lock %s", LOCK_FILE);
	return fd;
}

static int lock_write_words(int fd, const char *verb, struct error *err)
{
	autofree char *words = str_format("%lld %s %lld\n", (long long)getpid(), verb,
					  (long long)time(NULL));
	size_t len = strlen(words);

	if (ftruncate(fd, 0) < 0 || pwrite(fd, words, len, 0) != (ssize_t)len)
		return error_errno(err, errno ? -errno : -EIO, "writing %s", LOCK_FILE);
	return 0;
}

int lock_take(const struct root *root, const char *verb, struct lock *ret,
	      struct error *err)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	autoclose int fd = lock_open(root, err);
	autofree char *holder = NULL;
	int r;

	if (fd < 0)
		return fd;
	if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
		if (errno != EAGAIN && errno != EACCES)
			return error_errno(err, -errno, "lock %s", LOCK_FILE);
		holder = lock_holder(fd);
		return error_set(err, -ERROR_BUSY,
				 "%s is at work; try again when it has "
				 "ended",
				 holder);
	}
	r = lock_write_words(fd, verb, err);
	if (r < 0)
		return r;
	ret->fd = take_fd(&fd);
	return 0;
}

void lock_release(struct lock *lock)
{
	if (lock->fd <= 0) /* zeroes are "none": descriptor 0 is never a lock's */
		return;
	(void)!ftruncate(lock->fd, 0); /* the words are worth nothing without the lock */
	(void)close(lock->fd);
	lock->fd = -1;
}

bool lock_held(const struct root *root, char **ret_holder)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	autoclose int fd = root_openat(root, LOCK_FILE, O_RDONLY | O_NOFOLLOW, 0);

	if (fd < 0 || fcntl(fd, F_OFD_GETLK, &whole) < 0 || whole.l_type == F_UNLCK)
		return false;
	if (ret_holder)
		*ret_holder = lock_holder(fd);
	return true;
}
