/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A health check for tests, linked statically so that it runs in a root that holds
 * nothing else. What it does is in its name.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "unset";
}

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? argv[0] : "";

	if (strstr(name, "hang"))
		for (;;)
			(void)pause();
	if (strstr(name, "killed"))
		(void)raise(SIGKILL);
	if (strstr(name, "environment"))
		printf("%s %s %s %s\n", variable("KURO_GENERATION"),
		       variable("KURO_RELEASE"), variable("KURO_TRIAL"),
		       variable("PATH"));
	if (strstr(name, "talks"))
		printf("one\ntwo\nthree\nfour \033[31m\nfive\n");
	return strstr(name, "pass") ? 0 : 3;
}
