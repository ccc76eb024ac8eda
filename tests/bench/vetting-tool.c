/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vetting-tool floor|read < PATHS: every module file that is named, a path a line.
 * floor: map it and look at each symbol's name and each record of __versions, with no
 * check at all, as nothing can be faster in one thread. read: as kuro reads it, on all
 * CPUs that this process may use (taskset(1)).
 *
 * vetting-tool time PROGRAM…: run it, its output dropped; print wall and CPU time in ms
 * and its peak in KiB. Started from here, since a child begins with its parent's peak.
 */
#include <elf.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parallel.h"
#include "probe/module-file.h"

#define VERSION_SIZE 64

struct counts {
	size_t files, imports, exports, versions;
	unsigned long seen; /* so that nothing is left out as unused */
};

static void floor_symbols(const char *data, const Elf64_Shdr *table,
			  const Elf64_Shdr *strings, struct counts *counts)
{
	const Elf64_Sym *symbols = (const void *)(data + table->sh_offset);

	for (size_t i = 1; i < table->sh_size / sizeof(*symbols); i++) {
		const char *name = data + strings->sh_offset + symbols[i].st_name;

		counts->seen += (unsigned char)*name;
		if (symbols[i].st_shndx == SHN_UNDEF)
			counts->imports++;
		else if (strncmp(name, "__ksymtab_", strlen("__ksymtab_")) == 0)
			counts->exports++;
	}
}

static void floor_versions(const char *data, const Elf64_Shdr *section,
			   struct counts *counts)
{
	for (size_t i = 0; i < section->sh_size / VERSION_SIZE; i++) {
		const char *record = data + section->sh_offset + i * VERSION_SIZE;

		counts->seen += (unsigned char)record[0] + (unsigned char)record[8];
		counts->versions++;
	}
}

static void floor_module(const char *data, struct counts *counts)
{
	const Elf64_Ehdr *header = (const void *)data;
	const Elf64_Shdr *sections = (const void *)(data + header->e_shoff);
	const char *names = data + sections[header->e_shstrndx].sh_offset;

	for (size_t i = 1; i < header->e_shnum; i++)
		if (sections[i].sh_type == SHT_SYMTAB)
			floor_symbols(data, &sections[i], &sections[sections[i].sh_link],
				      counts);
		else if (strcmp(names + sections[i].sh_name, "__versions") == 0)
			floor_versions(data, &sections[i], counts);
}

static int floor_file(const char *path, struct counts *counts)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *data;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	floor_module(data, counts);
	return munmap(data, (size_t)st.st_size);
}

struct reading {
	struct root root;
	struct strv paths;
	struct counts *counts; /* of each path */
};

static void read_file(void *data, size_t i)
{
	const struct reading *reading = data;
	automodule struct module_file file = {0};

	if (module_file_read(&reading->root, reading->paths.items[i], &file, NULL) < 0)
		return;
	reading->counts[i] = (struct counts){
		.files = 1,
		.imports = file.import_count,
		.exports = file.export_count,
		.versions = file.version_count,
	};
}

static double milliseconds(struct timeval time)
{
	return (double)time.tv_sec * 1000 + (double)time.tv_usec / 1000;
}

static double now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time); /* this clock is always there */
	return (double)time.tv_sec * 1000 + (double)time.tv_nsec / 1e6;
}

static int time_program(char **argv)
{
	double begun = now();
	struct rusage used;
	int status;
	pid_t child;

	if (posix_spawnp(&child, argv[0], NULL, NULL, argv, environ) != 0 ||
	    wait4(child, &status, 0, &used) < 0)
		return 1;
	fprintf(stderr, "%.3f %.3f %ld\n", now() - begun,
		milliseconds(used.ru_utime) + milliseconds(used.ru_stime),
		used.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void read_files(struct reading *reading, struct counts *ret)
{
	reading->counts = mem_zalloc((reading->paths.count + 1) * sizeof(*ret));
	parallel_each(reading->paths.count, 16, read_file, reading);
	for (size_t i = 0; i < reading->paths.count; i++) {
		ret->files += reading->counts[i].files;
		ret->imports += reading->counts[i].imports;
		ret->exports += reading->counts[i].exports;
		ret->versions += reading->counts[i].versions;
	}
	free(reading->counts);
}

static void floor_files(const struct strv *paths, struct counts *ret)
{
	for (size_t i = 0; i < paths->count; i++)
		ret->files += floor_file(paths->items[i], ret) == 0;
}

static int each_file(bool floor)
{
	struct reading reading = {0};
	struct counts counts = {0};
	char path[4096];
	bool all;

	if (root_open(&reading.root, "/", NULL) < 0)
		return 1;
	while (fgets(path, sizeof(path), stdin)) {
		path[strcspn(path, "\n")] = '\0';
		strv_add(&reading.paths, path);
	}
	if (floor)
		floor_files(&reading.paths, &counts);
	else
		read_files(&reading, &counts);
	all = counts.files == reading.paths.count;
	strv_done(&reading.paths);
	root_done(&reading.root);
	printf("%zu files, %zu imports, %zu exports, %zu versions (%lu)\n", counts.files,
	       counts.imports, counts.exports, counts.versions, counts.seen);
	if (!all)
		fprintf(stderr, "not every file can be read\n");
	return all ? 0 : 1;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "time") == 0 && argc > 2)
		return time_program(argv + 2);
	if (strcmp(what, "floor") == 0 || strcmp(what, "read") == 0)
		return each_file(*what == 'f');
	fprintf(stderr, "vetting-tool floor|read|time PROGRAM...\n");
	return 2;
}
