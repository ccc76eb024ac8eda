/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first program of a boot that asks a kernel's loader about modules: it does what
 * /plan says, line by line, and tells the serial port how each went. Built statically by
 * tests/corpus/obtain; not part of kuro.
 *
 *	set NAME	what follows belongs to this set of modules
 *	tree PATH	load a module of the kernel's own that the next ones need
 *	try PATH	load a module of the set
 *	end		unload the set's modules, newest first
 *
 * A load is told as "@ try PATH ERRNO reached" or "... refused", and what the kernel
 * wrote meanwhile as "@ said LINE"s behind it.
 *
 * "reached": the tracepoint module_load was passed, which stands behind every check of
 * the loader and before the module's own init function. What that returns is not the
 * loader's word.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRACING    "/sys/kernel/tracing"
#define LINE_MAX_  4096
#define LOADED_MAX 512

static FILE *console;
static int kernel_log;
static char *loaded[LOADED_MAX];
static size_t loaded_count;

static void give_up(const char *what)
{
	(void)fprintf(console, "@ broken %s: %s\n", what, strerror(errno));
	(void)fflush(console);
	(void)reboot(RB_AUTOBOOT);
	exit(1);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		give_up(path);
	close(fd);
}

static void mount_all(void)
{
	(void)mkdir("/proc", 0755); /* where one is there already, the mount tells */
	(void)mkdir("/sys", 0755);
	(void)mkdir("/dev", 0755);
	(void)mount("none", "/dev", "devtmpfs", 0,
		    NULL); /* the kernel may have done it */
	console = fopen("/dev/ttyS0", "we");
	if (!console)
		exit(1); /* the kernel's panic is the answer */
	if (mount("none", "/proc", "proc", 0, NULL) < 0)
		give_up("/proc");
	if (mount("none", "/sys", "sysfs", 0, NULL) < 0)
		give_up("/sys");
	if (mount("none", TRACING, "tracefs", 0, NULL) < 0)
		give_up(TRACING);
	write_file(TRACING "/events/module/module_load/enable", "1");
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kernel_log < 0)
		give_up("/dev/kmsg");
}

/* "/sets/a-b.ko" as the kernel calls it: "a_b". */
static void module_name(const char *path, char *ret, size_t size)
{
	const char *base = strrchr(path, '/');

	(void)snprintf(ret, size, "%s", base ? base + 1 : path);
	ret[strcspn(ret, ".")] = '\0';
	for (char *dash = strchr(ret, '-'); dash; dash = strchr(dash, '-'))
		*dash = '_';
}

/* Did the loader come to the end of its checks of this module? */
static bool init_reached(const char *path)
{
	char name[256], wanted[300], line[LINE_MAX_];
	bool found = false;
	FILE *trace = fopen(TRACING "/trace", "re");

	if (!trace)
		give_up("trace");
	module_name(path, name, sizeof(name));
	(void)snprintf(wanted, sizeof(wanted), "module_load: %s ", name);
	while (fgets(line, sizeof(line), trace))
		found = found || strstr(line, wanted);
	(void)fclose(trace);
	return found;
}

/* The text of each record ("6,123,4567,-;TEXT\n KEY=VALUE...") since the last call. */
static void tell_kernel_log(bool show)
{
	char record[8192];
	ssize_t len;

	while ((len = read(kernel_log, record, sizeof(record) - 1)) > 0 ||
	       (len < 0 && errno == EPIPE)) {
		char *text;

		if (len < 0)
			continue; /* records were lost: the next one is there */
		record[len] = '\0';
		text = strchr(record, ';');
		if (!show || !text)
			continue;
		text[strcspn(text, "\n")] = '\0';
		(void)fprintf(console, "@ said %s\n", text + 1);
	}
}

static int load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), result;

	if (fd < 0)
		give_up(path);
	result = syscall(SYS_finit_module, fd, "", 0) < 0 ? errno : 0;
	close(fd);
	return result;
}

static void do_tree(const char *path)
{
	int result;

	write_file(TRACING "/trace", "");
	result = load(path);
	if (result == EEXIST)
		result = 0;
	(void)fprintf(console, "@ tree %s %d %s\n", path, result,
		      result == 0 || init_reached(path) ? "reached" : "refused");
	tell_kernel_log(result != 0);
}

static void do_try(const char *path)
{
	int result;

	(void)fprintf(console, "@ trying %s\n", path);
	(void)fflush(console);
	tell_kernel_log(false);
	write_file(TRACING "/trace", "");
	result = load(path);
	(void)fprintf(console, "@ try %s %d %s\n", path, result,
		      init_reached(path) ? "reached" : "refused");
	tell_kernel_log(result != 0);
	if (result == 0 && loaded_count < LOADED_MAX)
		loaded[loaded_count++] = strdup(path);
}

/* One that stays would answer for the next set's module of its name. */
static bool unload_all(void)
{
	char name[256];

	while (loaded_count > 0) {
		module_name(loaded[--loaded_count], name, sizeof(name));
		if (syscall(SYS_delete_module, name, O_NONBLOCK) < 0) {
			(void)fprintf(console, "@ stuck %s %d\n", name, errno);
			return false;
		}
	}
	return true;
}

int main(void)
{
	char line[LINE_MAX_];
	FILE *plan;

	mount_all();
	plan = fopen("/plan", "re");
	if (!plan)
		give_up("/plan");
	while (fgets(line, sizeof(line), plan)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "tree ", 5) == 0)
			do_tree(line + 5);
		else if (strncmp(line, "try ", 4) == 0)
			do_try(line + 4);
		else if (strncmp(line, "set ", 4) == 0)
			(void)fprintf(console, "@ set %s\n", line + 4);
		else if (!unload_all())
			break;
		else
			(void)fprintf(console, "@ end\n");
		(void)fflush(console);
	}
	(void)fclose(console);
	(void)reboot(RB_AUTOBOOT);
	return 0;
}
