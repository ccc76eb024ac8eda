/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DMI, device tree and cloud-init's instance data (its documentation, "instance-data",
 * standardised keys below v1).
 */
#include "probe/machine-kind.h"

#include <stdlib.h>
#include <string.h>

#include "json-document.h"

#define DMI            "/sys/class/dmi/id"
#define MODEL          "/sys/firmware/devicetree/base/model"
#define INSTANCE       "/run/cloud-init/instance-data.json"
#define INSTANCE_MAX   ((size_t)4 * 1024 * 1024)
#define INSTANCE_DEPTH 64
#define TEXT_MAX       120
#define MODEL_MAX      4096

/* Fit for a table and bounded, whatever it was. */
static char *kind_text(const char *text)
{
	autofree char *printable = str_printable(text ? text : "");

	return str_ndup(printable, TEXT_MAX);
}

static char *kind_line(const struct root *root, const char *path)
{
	char *line = NULL;

	return root_read_line(root, path, &line, NULL) < 0 ? NULL : line;
}

static char *kind_machine(const struct root *root)
{
	autofree char *vendor = kind_line(root, DMI "/sys_vendor");
	autofree char *product = kind_line(root, DMI "/product_name");
	autofree char *both = NULL, *model = NULL;

	if (vendor || product) {
		both = str_format("%s%s%s", vendor ? vendor : "",
				  vendor && product ? " " : "", product ? product : "");
		return kind_text(both);
	}
	/* ends in a NUL, not in a line break */
	if (root_read(root, MODEL, MODEL_MAX, &model, NULL, NULL) < 0)
		return str_dup("");
	return kind_text(model);
}

/* The first of these members that is a text; cloud-init has renamed them. */
static char *kind_member(json_object *v1, const char *const *names)
{
	for (; *names; names++) {
		json_object *member = json_get(v1, *names, json_type_string);

		if (member)
			return kind_text(json_object_get_string(member));
	}
	return str_dup("");
}

/* Cloud-init's own document has no schema of kuro's. */
static json_object *kind_document(const char *text)
{
	json_tokener *tokener = json_tokener_new_ex(INSTANCE_DEPTH);
	json_object *document = NULL;

	if (tokener)
		document = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
	json_tokener_free(tokener);
	return document;
}

static void kind_cloud(const struct root *root, struct machine_kind *kind)
{
	static const char *const platform[] = {"platform", "cloud_name", "cloud-name",
					       NULL};
	static const char *const region[] = {"region", NULL};
	autofree char *text = NULL;
	autojson json_object *document = NULL;
	json_object *v1 = NULL;

	if (root_read(root, INSTANCE, INSTANCE_MAX, &text, NULL, NULL) == 0)
		document = kind_document(text);
	if (document)
		v1 = json_get(document, "v1", json_type_object);
	kind->platform = v1 ? kind_member(v1, platform) : str_dup("");
	kind->region = v1 ? kind_member(v1, region) : str_dup("");
}

void machine_kind_probe(const struct root *root, struct machine_kind *ret)
{
	ret->machine = kind_machine(root);
	kind_cloud(root, ret);
}

void machine_kind_done(struct machine_kind *kind)
{
	free(kind->machine);
	free(kind->platform);
	free(kind->region);
	*kind = (struct machine_kind){0};
}
