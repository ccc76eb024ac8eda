/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every program of a fake machine. It writes its words to the log and then does what the
 * first line of the rules says whose first field is a part of those words:
 *
 *   WORDS|STATUS|OUTPUT|RESULT|PATHS
 *
 * prints the file OUTPUT, copies RESULT to where the word after "-o" says (where there is
 * none, nowhere) and to each of PATHS (between blanks; without RESULT they are removed),
 * and exits. No line: status 0 in silence. These files lie in /fake,
 * of the machine it runs in or, where it was run from outside, of $KURO_TEST.
 * Static, since nothing else is in the machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *open_fake(const char *name, const char *mode)
{
	const char *outside = getenv("KURO_TEST");
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/fake", outside ? outside : "");
	if (access(path, F_OK) < 0)
		outside = NULL;
	(void)snprintf(path, sizeof(path), "%s/fake/%s", outside ? outside : "", name);
	return fopen(path, mode);
}

static void copy(const char *name, FILE *to)
{
	char data[4096];
	FILE *from = open_fake(name, "re");
	size_t n;

	if (!from)
		return;
	while ((n = fread(data, 1, sizeof(data), from)) > 0)
		(void)fwrite(data, 1, n, to);
	(void)fclose(from);
}

static void copy_result(const char *name, char **argv)
{
	FILE *to;

	for (; *argv; argv++) {
		if (strcmp(*argv, "-o") != 0 || !argv[1] || argv[1][0] != '/')
			continue;
		to = fopen(argv[1], "we");
		if (!to)
			exit(99);
		copy(name, to);
		(void)fclose(to);
	}
}

/* A failure to write or to remove shows in what the test then finds. */
static void copy_paths(const char *name, char *paths)
{
	const char *path;

	while ((path = strsep(&paths, " "))) {
		FILE *to = name ? fopen(path, "we") : NULL;

		if (!name)
			(void)remove(path);
		if (!to)
			continue;
		copy(name, to);
		(void)fclose(to);
	}
}

static int follow(char *rule, char **argv)
{
	char *fields[5] = {0};

	for (size_t i = 0; i < 5 && rule; i++)
		fields[i] = strsep(&rule, "|\n");
	if (fields[2] && *fields[2])
		copy(fields[2], stdout);
	if (fields[3] && *fields[3])
		copy_result(fields[3], argv);
	if (fields[4] && *fields[4])
		copy_paths(*fields[3] ? fields[3] : NULL, fields[4]);
	return fields[1] ? atoi(fields[1])
			 : 0; /* NOLINT(cert-err34-c): a test's number */
}

int main(int argc, char **argv)
{
	char words[8192] = "", rule[1024];
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	FILE *log = open_fake("log", "ae"), *rules = open_fake("rules", "re");
	size_t len = (size_t)snprintf(words, sizeof(words), "%s", name);

	for (int i = 1; i < argc && len < sizeof(words); i++)
		len += (size_t)snprintf(words + len, sizeof(words) - len, " %s", argv[i]);
	if (log) {
		(void)fprintf(log, "%s%s\n", words,
			      getenv("DEBIAN_FRONTEND") ? " [noninteractive]" : "");
		(void)fclose(log);
	}
	while (rules && fgets(rule, sizeof(rule), rules)) {
		size_t n = strcspn(rule, "|");
		char saved = rule[n];

		rule[n] = '\0';
		if (strstr(words, rule)) {
			rule[n] = saved;
			return follow(rule, argv);
		}
	}
	return 0;
}
