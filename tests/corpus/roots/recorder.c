/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first program of a root file system that a boot reached: it says so on the serial
 * port, and tells what the kernel shows of the disks below it, so that the same machine
 * can be asked about again without a boot. Built statically by obtain; not part of kuro.
 *
 *	@ reached		the root is there
 *	@ link PATH TARGET	a symbolic link
 *	@ text PATH TEXT	the beginning of a file; \n, \\ and \t are written so
 *	@ head PATH HEX		the first bytes of an encrypted disk
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX  65536
#define HEAD_SIZE 16384
#define DEPTH_MAX 24

static FILE *console;

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

static void tell_text(const char *path)
{
	static char text[TEXT_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return;
	while (len < sizeof(text) && (n = read(fd, text + len, sizeof(text) - len)) > 0)
		len += (size_t)n;
	close(fd);
	(void)fprintf(console, "@ text %s ", path);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			(void)fputs("\\n", console);
		else if (text[i] == '\t')
			(void)fputs("\\t", console);
		else if (text[i] == '\\')
			(void)fputs("\\\\", console);
		else
			(void)fputc(text[i], console);
	}
	(void)fputc('\n', console);
}

static void tell_link(const char *path)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target));

	if (n > 0)
		(void)fprintf(console, "@ link %s %.*s\n", path, (int)n, target);
}

/* Entries of a directory, each told with what. */
static void tell_all(const char *dir, void (*tell)(const char *path))
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	char path[4096];

	while (stream && (entry = readdir(stream))) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_name[0] != '.')
			tell(path);
	}
	if (stream)
		(void)closedir(stream);
}

static void tell_below(const char *path, const char *name, void (*tell)(const char *path))
{
	char below[4200];

	(void)snprintf(below, sizeof(below), "%s/%s", path, name);
	if (access(below, F_OK) == 0)
		tell(below);
}

/* Of a device: what a driver, the device mapper, RAID and a SCSI host say of it. */
static void tell_device(const char *dir, const char *name, unsigned char type)
{
	static const char *const files[] = {"modalias",  "dev",          "partition",
					    "proc_name", "transport",    "level",
					    "uuid",      "backing_file", NULL};
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (type == DT_REG && (is_one_of(name, files) ||
			       (strcmp(name, "name") == 0 && strstr(dir, "/dm")) ||
			       (strcmp(name, "uevent") == 0 && strstr(dir, "/block"))))
		tell_text(path);
	if (type == DT_LNK && (strcmp(name, "driver") == 0 || strstr(dir, "/slaves") ||
			       strncmp(name, "lower_", 6) == 0))
		tell_link(path);
}

static void walk(const char *dir, unsigned int depth)
{
	static const char *const skipped[] = {"power",    "trace",     "mq",
					      "queue",    "queues",    "tty",
					      "system",   "cpuidle",   "input",
					      "misc",     "mem",       "vc",
					      "bdi",      "thermal",   "workqueue",
					      "graphics", "rtc",       "statistics",
					      "msi_irqs", "integrity", NULL};
	DIR *stream = opendir(dir);
	struct dirent *entry;
	char path[4096];

	while (stream && (entry = readdir(stream))) {
		if (entry->d_name[0] == '.' || is_one_of(entry->d_name, skipped))
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_type == DT_DIR && depth < DEPTH_MAX)
			walk(path, depth + 1);
		else
			tell_device(dir, entry->d_name, entry->d_type);
	}
	if (stream)
		(void)closedir(stream);
}

static void tell_module(const char *path)
{
	tell_below(path, "initstate", tell_text);
}

static void tell_driver(const char *path)
{
	tell_below(path, "module", tell_link);
}

static void tell_bus(const char *path)
{
	char drivers[4200];

	(void)snprintf(drivers, sizeof(drivers), "%s/drivers", path);
	tell_all(drivers, tell_driver);
}

static void tell_btrfs(const char *path)
{
	char devices[4200];

	(void)snprintf(devices, sizeof(devices), "%s/devices", path);
	tell_below(path, "checksum", tell_text);
	tell_all(devices, tell_link);
}

/* An encrypted disk's header, which names its cipher. */
static void tell_head(const char *path)
{
	static unsigned char head[HEAD_SIZE];
	char node[4200];
	ssize_t n;
	int fd;

	(void)snprintf(node, sizeof(node), "/dev/%s", strrchr(path, '/') + 1);
	fd = open(node, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, head, sizeof(head)) : 0;
	if (fd >= 0)
		close(fd);
	if (n < 8 || memcmp(head, "LUKS\xba\xbe", 6) != 0)
		return;
	while (n > 0 && head[n - 1] == 0)
		n--;
	(void)fprintf(console, "@ head %s ", node);
	for (ssize_t i = 0; i < n; i++)
		(void)fprintf(console, "%02x", head[i]);
	(void)fputc('\n', console);
}

static void tell_machine(void)
{
	static const char *const texts[] = {"/proc/self/mountinfo",
					    "/proc/cmdline",
					    "/proc/crypto",
					    "/proc/net/route",
					    "/proc/sys/kernel/osrelease",
					    "/sys/devices/system/cpu/modalias"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		tell_text(texts[i]);
	walk("/sys/devices", 0);
	tell_all("/sys/class/block", tell_link);
	tell_all("/sys/dev/block", tell_link);
	tell_all("/sys/class/nvme", tell_link);
	tell_all("/sys/bus", tell_bus);
	tell_all("/sys/module", tell_module);
	tell_all("/sys/fs/btrfs", tell_btrfs);
	tell_all("/sys/class/block", tell_head);
}

int main(void)
{
	/* where the initramfs moved them here, they are there already */
	(void)mount("none", "/dev", "devtmpfs", 0, NULL);
	(void)mount("none", "/proc", "proc", 0, NULL);
	(void)mount("none", "/sys", "sysfs", 0, NULL);
	console = fopen("/dev/ttyS0", "we");
	if (!console)
		exit(1); /* the kernel's panic is the answer */
	(void)fprintf(console, "\n@ reached\n");
	tell_machine();
	(void)fprintf(console, "@ end\n");
	(void)fflush(console);
	(void)fclose(console);
	sync();
	(void)reboot(RB_POWER_OFF);
	return 0;
}
