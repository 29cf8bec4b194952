/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any program can be registered under the name of a product's service. Where the record gives the
 * program it must be one of the product's: in its folders, or of one of its names elsewhere.
 */
#include "analyzer/judge/witness.h"
#include "analyzer/match/pattern.h"
#include "parsers/base/text.h"

static bool names_a_program(const struct case_trace *t, struct text *ret_path)
{
	if (strcmp(t->trace.type->name, "windows.registry.service") != 0 &&
	    strcmp(t->trace.type->name, "windows.event.service-installed") != 0)
		return false;
	*ret_path = trace_text(&t->trace, "image_path");
	return ret_path->size > 0;
}

static bool is_wanted(const char *condition)
{
	return condition && condition[0] != '!';
}

/* Whether the trace was matched by a path of the product too. */
static bool is_in_its_folders(const struct product *product, size_t index,
			      const struct match_of *match)
{
	for (size_t i = 0; i < match->n; i++) {
		const struct match_hit *hit = &match->hits[i];

		if (hit->product == index &&
		    is_wanted(product->components[hit->component]
				      .alternatives[hit->alternative].conditions[ASPECT_PATH]))
			return true;
	}
	return false;
}

/* What a search through the names of a product's programs has come to. */
struct naming {
	struct arena *arena;
	struct text name; /* folded */
	bool any, fits;
};

static void try_names(struct naming *n, enum aspect aspect, const char *condition)
{
	struct pattern_list list = { 0 };
	uint64_t steps = 0;

	if (n->fits || !is_wanted(condition) || strncmp(condition, "re:", 3) == 0 ||
	    pattern_expand(n->arena, aspect, condition, &list, NULL) != STATUS_OK)
		return;
	for (size_t i = 0; i < list.n; i++) {
		const struct text last = path_base_name(list.items[i]);

		if (last.size == 0 || glob_literal(last).size == 0)
			continue; /* a folder's content, whatever its name */
		n->any = true;
		n->fits |= glob_fits(last, n->name, &steps);
	}
}

bool service_runs_its_program(struct judging *j, const struct case_trace *t,
			      const struct match_of *match, size_t index)
{
	const struct product *product = &j->signatures->products[index];
	struct naming naming = { .arena = j->arena };
	struct text path;

	if (!names_a_program(t, &path) || is_in_its_folders(product, index, match))
		return true;
	naming.name = text_fold(j->arena, path_base_name(path_normalize(j->arena, path)));
	if (!naming.name.size || text_equal(naming.name, TEXT("svchost.exe")))
		return true; /* the library it loads is not named here */
	for (unsigned c = 0; c < product->n_components; c++) {
		const struct component *component = &product->components[c];

		for (unsigned a = 0; a < component->n_alternatives; a++) {
			if (component->role != ROLE_PROTECTION && component->role != ROLE_PROGRAM &&
			    component->role != ROLE_LOADS)
				continue;
			try_names(&naming, ASPECT_PATH,
				  component->alternatives[a].conditions[ASPECT_PATH]);
			try_names(&naming, ASPECT_EXECUTABLE,
				  component->alternatives[a].conditions[ASPECT_EXECUTABLE]);
		}
	}
	return naming.fits || !naming.any;
}
