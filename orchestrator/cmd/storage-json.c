/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What booting stands on, as JSON.
 */
#include "storage-json.h"

#include "output.h"

static json_object *storage_role_json(enum storage_role role, const struct storage *s)
{
	json_object *o = json_object_new_object();
	json_object *stack = json_object_new_array();

	json_add_text(o, "role", storage_role_name(role));
	json_add_text(o, "mount", s->mount);
	json_add_text(o, "device", s->device);
	json_add_text(o, "uuid", s->uuid);
	json_add_text(o, "type", s->type);
	for (size_t i = 0; i < s->stack.count; i++)
		/* fails without memory only */
		(void)json_object_array_add(stack,
					    json_object_new_string(s->stack.items[i]));
	json_object_object_add(o, "stack", stack);
	json_add_flag(o, "plain", s->plain);
	json_add_flag(o, "read_only", s->read_only);
	json_add_number(o, "total", (int64_t)s->total);
	json_add_number(o, "free", (int64_t)s->free);
	json_add_number(o, "inodes", (int64_t)s->inodes);
	json_add_number(o, "inodes_free", (int64_t)s->inodes_free);
	return o;
}

json_object *storage_json(const struct storage_map *map)
{
	json_object *list = json_object_new_array();

	for (enum storage_role role = STORAGE_ROOT; role < STORAGE_ROLES; role++)
		if (map->roles[role].present)
			/* fails without memory only */
			(void)json_object_array_add(list,
						    storage_role_json(role,
								      &map->roles[role]));
	return list;
}

json_object *firmware_json(const struct firmware *firmware)
{
	json_object *o = json_object_new_object();

	json_add_text(o, "kind", firmware->efi ? "uefi" : "bios");
	json_object_object_add(o, "secure_boot",
			       firmware->secure_boot_known
				       ? json_object_new_boolean(firmware->secure_boot)
				       : NULL);
	json_object_object_add(o, "boot_current",
			       firmware->boot_current >= 0
				       ? json_object_new_int(firmware->boot_current)
				       : NULL);
	return o;
}
