/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In which order the members of a set would be loaded: each after those whose symbols it
 * needs, those in use before those that are not, else as the set has them. Each is judged
 * once, when every symbol that the set may give it has its owner or will never have one.
 * Linear in imports and exports; no recursion, for a chain may be as long as the set.
 */
#include <stdlib.h>

#include "compat-parts.h"

void docket_offer(struct docket *d, uint32_t id, uint32_t candidate,
		  const struct symbol *symbol)
{
	uint32_t offer = name_index_add(&d->offered, symbol->name, d->offer_count);

	if (offer == d->offer_count)
		d->offers[d->offer_count++] = (struct offer){
			.provider = NOBODY,
			.first_export = NOBODY,
			.first_want = NOBODY,
		};
	d->offers[offer].left++;
	d->exports[id] = (struct export_entry){.symbol = symbol,
					       .candidate = candidate,
					       .offer = offer,
					       .next = NOBODY};
}

static void index_exports(struct docket *d)
{
	size_t total = own_export_count(d);

	for (uint32_t i = 0; i < d->count; i++)
		total += d->candidates[i].file ? d->candidates[i].file->export_count : 0;
	d->offers = mem_zalloc(total * sizeof(*d->offers));
	d->exports = mem_zalloc(total * sizeof(*d->exports));
	for (uint32_t i = 0; i < d->count; i++) {
		struct candidate *c = &d->candidates[i];

		c->first_export = d->export_count;
		for (size_t e = 0; c->file && e < c->file->export_count; e++)
			if (export_counts(d->abi, c->file, &c->file->exports[e]))
				docket_offer(d, d->export_count++, i,
					     &c->file->exports[e]);
		c->exports = d->export_count - c->first_export;
	}
	own_index_exports(d);
	for (uint32_t id = d->export_count; id-- > 0;) {
		struct offer *offer = &d->offers[d->exports[id].offer];

		d->exports[id].next = offer->first_export;
		offer->first_export = offer->live_export = id;
	}
}

/* Nobody waits for what the image itself exports: it is found there first. */
static bool image_exports(const struct docket *d, const char *name)
{
	const struct symbol *symbol = kernel_symbol(d->abi, name);

	return symbol && !*symbol->owner;
}

static void append_want(struct docket *d, const struct want *want)
{
	struct candidate *c = &d->candidates[want->candidate];

	if (d->want_count == d->want_size) {
		d->want_size = d->want_size ? d->want_size * 2 : 64;
		d->wants = mem_regrow(d->wants, d->want_size, sizeof(*d->wants));
	}
	d->wants[d->want_count++] = *want;
	c->wants++;
	if (want->weak)
		c->weak++;
	else
		c->strong++;
}

static void index_import(struct docket *d, uint32_t candidate, const char *symbol,
			 size_t import, bool weak)
{
	uint32_t offer = name_index_find(&d->offered, symbol);
	struct want want = {candidate, offer, NOBODY, import, weak};

	if (offer != NOBODY && !image_exports(d, symbol))
		append_want(d, &want);
}

static void index_imports_of(struct docket *d, uint32_t i)
{
	struct candidate *c = &d->candidates[i];
	const struct symbol_table *needs = c->own ? c->own->needs : NULL;

	c->first_want = d->want_count;
	for (size_t m = 0; c->file && m < c->file->import_count; m++)
		index_import(d, i, c->file->imports[m].symbol, m,
			     c->file->imports[m].weak);
	for (size_t m = 0; needs && m < symbol_table_count(needs); m++)
		index_import(d, i, symbol_table_at(needs, m)->name, m, false);
}

static void index_imports(struct docket *d)
{
	for (uint32_t i = 0; i < d->count && d->offer_count; i++)
		index_imports_of(d, i);
	for (uint32_t id = d->want_count; id-- > 0;) {
		struct offer *offer = &d->offers[d->wants[id].offer];

		d->wants[id].next = offer->first_want;
		offer->first_want = id;
	}
}

static void index_list(struct name_index *index, const struct strv *list)
{
	for (size_t i = 0; i < list->count; i++)
		(void)name_index_add(index, list->items[i], 0); /* there or not there */
}

static void open_member(struct docket *d, uint32_t i, struct compat_module *module)
{
	struct candidate *c = &d->candidates[i];
	const char *name = NULL;

	c->module = module;
	c->file = module->file;
	if (c->file)
		name = c->file->name;
	if (!name && module->known)
		name = module->known->name;
	c->name = kernel_name_of(name ? name : "");
	c->proprietary = candidate_is_proprietary(c);
	c->waiting = true;
	(void)name_index_add(&d->names, c->name, i); /* the first keeps a name */
}

void docket_open(struct docket *d, const struct kernel_abi *abi, struct compat_set *set)
{
	size_t count = set->count + abi->own_count;

	*d = (struct docket){.abi = abi, .count = (uint32_t)set->count};
	d->candidates = mem_zalloc(count * sizeof(*d->candidates));
	d->queue = mem_zalloc(count * sizeof(*d->queue));
	for (uint32_t i = 0; i < d->count; i++)
		open_member(d, i, &set->items[i]);
	own_open(d);
	index_list(&d->built_in, &abi->built_in);
	index_list(&d->taken_names, &abi->taken);
	index_exports(d);
	index_imports(d);
}

void docket_done(struct docket *d)
{
	for (uint32_t i = 0; i < d->count; i++) {
		free(d->candidates[i].name);
		free(d->candidates[i].why);
	}
	free(d->candidates);
	free(d->queue);
	free(d->offers);
	free(d->exports);
	free(d->wants);
	name_index_done(&d->names);
	name_index_done(&d->own_names);
	name_index_done(&d->built_in);
	name_index_done(&d->taken_names);
	name_index_done(&d->offered);
	name_index_done(&d->versions.index);
	*d = (struct docket){0};
}

struct candidate *docket_named(const struct docket *d, const char *name)
{
	uint32_t id = name_index_find(&d->names, name);

	return id == NOBODY ? NULL : &d->candidates[id];
}

static void enqueue(struct docket *d, struct candidate *c)
{
	c->waiting = false;
	d->queue[d->queued++] = (uint32_t)(c - d->candidates);
}

static void enqueue_free(struct docket *d, bool used)
{
	for (uint32_t i = 0; i < d->count; i++) {
		struct candidate *c = &d->candidates[i];
		const struct third_party *known = c->module ? c->module->known : NULL;

		if ((known && known->use != MODULE_USE_NONE) == used &&
		    c->strong + c->weak == 0)
			enqueue(d, c);
	}
}

static bool offer_settled(const struct offer *offer)
{
	return offer->provider != NOBODY || offer->left == 0;
}

static void release_wants(struct docket *d, const struct offer *offer)
{
	for (uint32_t id = offer->first_want; id != NOBODY; id = d->wants[id].next) {
		struct candidate *c = &d->candidates[d->wants[id].candidate];

		if (d->wants[id].weak)
			c->weak--;
		else
			c->strong--;
		if (c->waiting && c->strong + c->weak == 0)
			enqueue(d, c);
	}
}

static void settle_exports(struct docket *d, const struct candidate *c)
{
	for (uint32_t i = 0; i < c->exports; i++) {
		struct export_entry *entry = &d->exports[c->first_export + i];
		struct offer *offer = &d->offers[entry->offer];
		bool was = offer_settled(offer);

		offer->left--;
		if (!c->refused && offer->provider == NOBODY) {
			offer->provider = entry->candidate;
			offer->symbol = entry->symbol;
		}
		if (!was && offer_settled(offer))
			release_wants(d, offer);
	}
}

/* Of those that wait for each other: one that would be loaded without its weak symbols.
 */
static struct candidate *find_weak(const struct docket *d)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (d->candidates[i].waiting && d->candidates[i].strong == 0)
			return &d->candidates[i];
	return NULL;
}

/* The next one that it waits for. It has an unsettled want, whose offer has an exporter
 * without a verdict. */
static struct candidate *waits_for(struct docket *d, struct candidate *c)
{
	struct offer *offer;

	for (;; c->next_want++) {
		const struct want *want = &d->wants[c->first_want + c->next_want];

		offer = &d->offers[want->offer];
		if (!want->weak && !offer_settled(offer))
			break;
	}
	while (d->candidates[d->exports[offer->live_export].candidate].judged)
		offer->live_export = d->exports[offer->live_export].next;
	return &d->candidates[d->exports[offer->live_export].candidate];
}

/* Everyone left waits for a strong symbol of another: some of them in a ring. */
static struct candidate *find_ring(struct docket *d)
{
	struct candidate *c = d->candidates;
	uint32_t search = ++d->searches;

	while (!c->waiting)
		c++;
	for (; c->visited != search; c = waits_for(d, c))
		c->visited = search;
	for (struct candidate *member = c; member->ring != search;
	     member = waits_for(d, member))
		member->ring = search;
	return c;
}

void docket_settle(struct docket *d, void (*judge)(struct docket *d, struct candidate *c))
{
	enqueue_free(d, true);
	enqueue_free(d, false);
	for (uint32_t judged = 0; judged < d->count; judged++) {
		struct candidate *c;

		if (d->taken == d->queued) {
			c = find_weak(d);
			enqueue(d, c ? c : find_ring(d));
		}
		c = &d->candidates[d->queue[d->taken++]];
		judge(d, c);
		c->judged = true;
		settle_exports(d, c);
	}
}
