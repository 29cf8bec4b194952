/* SPDX-License-Identifier: Apache-2.0 */
/* What a product file must keep to beyond its schema. */
#include "analyzer/match/product_check.h"

#include <stdio.h>

#include "analyzer/match/name_table.h"
#include "analyzer/match/pattern.h"
#include "parsers/base/packed_guid.h"

enum { SCRATCH_KEPT = 1 << 20 };

static void check_sources(const struct product_check *c, const char *where, const char **tags,
			  unsigned n)
{
	complain_sources(c->messages, c->file, where, c->product->sources, c->product->n_sources,
			 tags, n);
}

/* Globs cannot fail once they are expanded; an expression must compile. */
static enum status check_expression(struct arena *arena, struct text pattern, struct failure *why)
{
	struct name_table *table = name_table_new();
	const enum status status = table ? name_table_add(table, arena, pattern, 0, why)
					 : failure_set(why, ERR_NO_MEMORY, "no memory");

	name_table_free(table);
	return status;
}

static void check_pattern(const struct product_check *c, const char *where, enum aspect aspect,
			  const char *written)
{
	struct pattern_list list = { 0 };
	struct failure why = FAILURE_NONE;

	if (arena_used(c->scratch) > SCRATCH_KEPT)
		arena_reset(c->scratch);
	enum status status = pattern_expand(c->scratch, aspect, written, &list, &why);

	for (size_t i = 0; status == STATUS_OK && i < list.n; i++)
		if (pattern_is_expression(list.items[i]))
			status = check_expression(c->scratch, list.items[i], &why);
	if (status < 0)
		complain(c->messages, c->file, where, "pattern '%s': %s", written, why.text);
}

/* Conditions that say who made a program, not which it is. */
static bool is_weak(const struct alternative *a)
{
	for (int i = 1; i < ASPECT_COUNT; i++)
		if (a->conditions[i] && a->conditions[i][0] != '!' && i != ASPECT_EXECUTABLE &&
		    i != ASPECT_PUBLISHER && i != ASPECT_VERSION && i != ASPECT_FILE_COMPANY)
			return false;
	return true;
}

static void check_alternative(const struct product_check *c, unsigned component, unsigned number)
{
	const struct component *owner = &c->product->components[component];
	const struct alternative *a = &owner->alternatives[number];
	char where[120];
	bool positive = false;

	snprintf(where, sizeof(where), "components[%u]/match[%u]", component, number);
	for (int i = 1; i < ASPECT_COUNT; i++) {
		if (!a->conditions[i])
			continue;
		char place[200];

		snprintf(place, sizeof(place), "%s/%s", where, aspect_name((enum aspect)i));
		check_pattern(c, place, (enum aspect)i, a->conditions[i]);
		positive |= a->conditions[i][0] != '!';
	}
	if (!positive)
		complain(c->messages, c->file, where, "needs a condition that is not negated");
	else if (is_weak(a) && owner->role <= ROLE_LOADS)
		complain(
			c->messages, c->file, where,
			"a bare program name, publisher or version identifies no component of role "
			"%s",
			role_name(owner->role));
}

static void check_component(const struct product_check *c, unsigned number)
{
	const struct component *component = &c->product->components[number];
	char where[80];

	snprintf(where, sizeof(where), "components[%u]", number);
	if (!id_is_well_formed(component->id))
		complain(c->messages, c->file, where, "malformed id '%s'", component->id);
	for (unsigned i = 0; i < number; i++)
		if (strcmp(c->product->components[i].id, component->id) == 0)
			complain(c->messages, c->file, where, "duplicate id '%s'", component->id);
	check_sources(c, where, component->sources, component->n_sources);
	if (component->n_alternatives == 0)
		complain(c->messages, c->file, where, "matches nothing");
	for (unsigned i = 0; i < component->n_alternatives; i++)
		check_alternative(c, number, i);
}

static void check_codes(const struct product_check *c, const char *list,
			const struct installer_code *codes, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct text code = text_of(codes[i].code);
		char where[80];

		snprintf(where, sizeof(where), "%s[%u]", list, i);
		check_sources(c, where, codes[i].sources, codes[i].n_sources);
		if (!text_is_guid(code)) {
			complain(c->messages, c->file, where, "malformed code '%s'", codes[i].code);
			continue;
		}

		const struct text packed = guid_to_packed(c->arena, code);

		if (!packed.data) {
			complain(c->messages, c->file, where, "no memory");
			continue;
		}
		if (codes[i].packed && !text_equal(text_of(codes[i].packed), packed))
			complain(c->messages, c->file, where, "%s is packed as %s, not %s",
				 codes[i].code, packed.data, codes[i].packed);
		if (name_map_find(c->codes, packed) != MAP_NONE)
			complain(c->messages, c->file, where, "duplicate code '%s'", codes[i].code);
		else if (!name_map_add(c->codes, packed, 0))
			complain(c->messages, c->file, where, "no memory");
	}
}

static bool file_is_named(const struct yaml_file *file, const char *id)
{
	const char *slash = strrchr(file->name, '/');
	const char *name = slash ? slash + 1 : file->name;

	return strncmp(name, id, strlen(id)) == 0 && strcmp(name + strlen(id), ".yaml") == 0;
}

void check_product(const struct product_check *c)
{
	const struct product *p = c->product;

	if (!id_is_well_formed(p->id))
		complain(c->messages, c->file, "id", "malformed id '%s'", p->id);
	else if (!file_is_named(c->file, p->id))
		complain(c->messages, c->file, "id", "the file is not named %s.yaml", p->id);
	if (!id_is_well_formed(p->vendor))
		complain(c->messages, c->file, "vendor", "malformed key '%s'", p->vendor);
	if (name_map_find(c->ids, text_of(p->id)) != MAP_NONE)
		complain(c->messages, c->file, "id", "duplicate id '%s'", p->id);
	else if (!name_map_add(c->ids, text_of(p->id), 0))
		complain(c->messages, c->file, "id", "no memory");
	if (p->n_components == 0)
		complain(c->messages, c->file, "components", "there is none");
	for (unsigned i = 0; i < p->n_components; i++)
		check_component(c, i);
	for (unsigned i = 0; i < p->n_facts; i++) {
		char where[80];

		snprintf(where, sizeof(where), "facts[%u]", i);
		check_sources(c, where, p->facts[i].sources, p->facts[i].n_sources);
		check_pattern(c, where, ASPECT_KEY, p->facts[i].key);
	}
	check_codes(c, "product_codes", p->product_codes, p->n_product_codes);
	check_codes(c, "upgrade_codes", p->upgrade_codes, p->n_upgrade_codes);
}
