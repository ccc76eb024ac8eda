/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In-tree modules that no device stands for: another kernel must have them by name.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "module-use.h"
#include "probe/devices.h"

void used_module_list_done(struct used_module_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].user);
	}
	free(list->items);
	*list = (struct used_module_list){0};
}

static int by_name_and_use(const void *a, const void *b)
{
	const struct named_use *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : (int)x->use - (int)y->use;
}

static void list_add(struct used_module_list *list, struct named_use *named, bool loaded)
{
	list->items[list->count++] = (struct used_module){
		.name = take_ptr(named->name),
		.use = named->use,
		.user = take_ptr(named->user),
		.loaded = loaded,
	};
}

static const char *last_name(const struct used_module_list *list)
{
	return list->count > 0 ? list->items[list->count - 1].name : NULL;
}

void used_modules_probe(const struct root *root, const char *release,
			struct used_module_list *ret)
{
	autouses struct module_uses uses = {0};

	if (module_uses_read(root, &uses) < 0)
		return;
	uses.unloaded = true;
	module_uses_gather(&uses, release);
	if (uses.named_count == 0)
		return;
	qsort(uses.named, uses.named_count, sizeof(*uses.named), by_name_and_use);
	ret->items = mem_zalloc(uses.named_count * sizeof(*ret->items));
	for (size_t i = 0; i < uses.named_count; i++) {
		struct named_use *named = &uses.named[i];

		if (named->use < MODULE_USE_DEVICE &&
		    !str_eq(named->name, last_name(ret)))
			list_add(ret, named, module_uses_find(&uses, named->name));
	}
}
