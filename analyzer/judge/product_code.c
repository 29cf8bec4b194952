/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/witness.h"

#include "parsers/base/text.h"

/* A product code that a record, identified by its other values, gives to a product. */
struct learned_code {
	struct text code;
	size_t system;
	struct match_hit hit;
};

static const struct match_hit *strong_registration(const struct judging *j,
						   const struct match_of *match, size_t product)
{
	for (size_t h = 0; h < match->n; h++) {
		const struct match_hit *hit = &match->hits[h];
		const struct product *of = &j->signatures->products[hit->product];
		const struct component *component = &of->components[hit->component];

		if (!of->fallback && !component->shared && component->role == ROLE_REGISTRATION &&
		    component->confidence >= CONFIDENCE_MEDIUM &&
		    (product == SIZE_MAX || hit->product == product))
			return hit;
	}
	return NULL;
}

/* Records that are of the product whose code they bear; an upgrade code lists those of others too. */
static bool bears_own_code(const struct trace *t)
{
	static const char *const types[] = { "windows.event.msi", "windows.registry.uninstall",
					     "windows.registry.msi-product",
					     "windows.registry.msi-class" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(t->type->name, types[i]) == 0)
			return true;
	return false;
}

/* An event's name may be in any language; a record in the registry that names its product means it. */
static bool needs_code(const struct trace *t)
{
	return bears_own_code(t) && (strcmp(t->type->name, "windows.event.msi") == 0 ||
				     trace_text(t, "name").size == 0);
}

static size_t learn_codes(const struct judging *j, const struct match_of *all,
			  struct learned_code *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < j->contents->n_traces; i++) {
		const struct trace *t = &j->contents->traces[i].trace;
		const struct text code = trace_text(t, "code");
		const struct match_hit *hit =
			code.size && bears_own_code(t) ?
				strong_registration(j, &all[i], SIZE_MAX) : NULL;

		if (hit)
			ret[n++] = (struct learned_code){ code, all[i].system, *hit };
	}
	return n;
}

static const struct learned_code *code_of(const struct learned_code *codes, size_t n,
					  size_t system, struct text code)
{
	for (size_t i = 0; i < n; i++)
		if (codes[i].system == system && text_equal_folded(codes[i].code, code))
			return &codes[i];
	return NULL;
}

/* The hits of a trace, with a learned one in place of weaker ones of the same product. */
static enum status add_hit(struct judging *j, struct match_of *match, const struct match_hit *hit,
			   struct failure *why)
{
	struct match_hit *hits = arena_array(j->arena, match->n + 1, sizeof(*hits));
	size_t n = 0;

	if (!hits)
		return failure_set(why, ERR_NO_MEMORY, "matches");
	for (size_t h = 0; h < match->n; h++)
		if (match->hits[h].product != hit->product)
			hits[n++] = match->hits[h];
	hits[n++] = *hit;
	match->hits = hits;
	match->n = n;
	return STATUS_OK;
}

enum status match_by_code(struct judging *j, struct match_of *all, struct failure *why)
{
	struct learned_code *codes =
		arena_array(j->arena, j->contents->n_traces + 1, sizeof(*codes));

	if (!codes)
		return failure_set(why, ERR_NO_MEMORY, "product codes");

	const size_t n = learn_codes(j, all, codes);

	for (size_t i = 0; n && i < j->contents->n_traces; i++) {
		const struct trace *t = &j->contents->traces[i].trace;
		const struct text code = trace_text(t, "code");
		const struct learned_code *learned = NULL;
		enum status status = STATUS_OK;

		if (code.size && needs_code(t))
			learned = code_of(codes, n, all[i].system, code);
		if (learned && !strong_registration(j, &all[i], learned->hit.product))
			status = add_hit(j, &all[i], &learned->hit, why);
		if (status < 0)
			return status;
	}
	return STATUS_OK;
}
