/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro hook dnf-incoming and dnf5-incoming: dnf 4's plug-in tells all at once; dnf5's
 * actions plug-in is asked, a line of JSON for a line (libdnf5-actions(8), "json"
 * communication mode), and told there to stop.
 */
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "act/front-end.h"
#include "base/cleanup.h"
#include "door.h"
#include "flow/door.h"
#include "probe/dnf-incoming.h"

#define INCOMING_MAX ((size_t)64 * 1024 * 1024)
#define DNF5_CACHE   "/var/cache/libdnf5"

static const char ask_packages[] =
	"{\"op\":\"get\",\"domain\":\"trans_packages\",\"args\":{\"output\":[\"action\","
	"\"name\",\"epoch\",\"version\",\"release\",\"arch\",\"location\"]}}";
static const char ask_cache[] =
	"{\"op\":\"get\",\"domain\":\"conf\",\"args\":{\"key\":\"cachedir\"}}";

static int dnf_ask(struct command *c, struct package_plan *packages, struct error *err)
{
	if (!door_concerns(packages))
		return 0;
	/* else hooks within the transaction deal with what comes, one by one */
	(void)front_end_announce(&c->root, NULL);
	return door_ask(c, packages, "what dnf brings or removes", err);
}

int cmd_hook_dnf_incoming(struct command *c, struct error *err)
{
	autoplan struct package_plan packages = {0};
	autofree char *text = NULL;
	int r;

	if (door_is_closed(c))
		return 0;
	r = fd_read_all(STDIN_FILENO, "dnf's transaction", INCOMING_MAX, &text, NULL,
			err);
	if (r == 0)
		r = dnf_incoming_parse(text, &packages, err);
	return r < 0 ? r : dnf_ask(c, &packages, err);
}

/* NULL: it gave no answer. */
static char *dnf5_answer(const char *request)
{
	char *line = NULL;
	size_t room = 0;

	if (puts(request) == EOF || fflush(stdout) == EOF ||
	    getline(&line, &room, stdin) <= 0) {
		free(line);
		return NULL;
	}
	return line;
}

static void dnf5_stop(const char *reason)
{
	autofree char *shown = str_printable(reason);
	json_object *request = json_object_new_object();
	json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "message", json_object_new_string(shown));
	json_object_object_add(request, "op", json_object_new_string("stop"));
	json_object_object_add(request, "args", arguments);
	/* a dnf5 that is gone needs no stopping */
	(void)puts(json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN));
	json_object_put(request);
}

static int dnf5_packages(struct command *c, struct package_plan *ret, struct error *err)
{
	autofree char *text = dnf5_answer(ask_packages), *answer = NULL, *cache = NULL;
	int r = text ? dnf_incoming_parse(text, ret, err)
		     : error_set(err, -ERROR_PROGRAM,
				 "dnf5 does not say what its transaction holds");

	if (r < 0 || !door_concerns(ret))
		return r;
	answer = dnf5_answer(ask_cache);
	cache = answer ? dnf_incoming_value(answer) : NULL;
	dnf_incoming_find_archives(&c->root, cache ? cache : DNF5_CACHE, ret);
	return 0;
}

int cmd_hook_dnf5_incoming(struct command *c, struct error *err)
{
	autoplan struct package_plan packages = {0};
	struct error local = {0};
	int r;

	if (door_is_closed(c))
		return 0;
	r = dnf5_packages(c, &packages, err);
	if (r == 0)
		r = dnf_ask(c, &packages, &local);
	if (r == -ERROR_REFUSED)
		dnf5_stop(local.message);
	return r < 0 && local.message[0] ? error_set(err, r, "%s", local.message) : r;
}
