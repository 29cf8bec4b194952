/* SPDX-License-Identifier: Apache-2.0 */
/* One verdict: the outcomes of all products in scope, or that nothing of them was found. */
#include "analyzer/judge/state.h"
#include "analyzer/judge/weighing.h"
#include "parsers/base/text.h"

static struct weighing weighing_of(struct judging *j, const struct judgement *all, size_t system,
				   const struct product_history *h, const struct verdict *v)
{
	struct weighing w = { .j = j,
			      .all = all,
			      .h = h,
			      .system = &j->systems[system],
			      .duty = v->duty,
			      .deadline = v->deadline,
			      .names_hour = v->names_hour,
			      .issued = v->mandate->issued };

	w.reasons = (struct notes){ j->arena, arena_array(j->arena, REASONS_MAX,
							  sizeof(struct text)), 0 };
	w.qualified = (struct notes){ j->arena, arena_array(j->arena, REASONS_MAX,
							    sizeof(struct text)), 0 };
	w.witnesses = arena_array(j->arena, WITNESSES_MAX, sizeof(size_t));
	return w;
}

static bool has_memory(const struct weighing *w)
{
	return w->reasons.items && w->qualified.items && w->witnesses;
}

/* -- no product at all --------------------------------------------------------------------- */

/* What Windows itself notes when a program is set up or taken off, under the program's name. */
static bool tells_of_setup(const struct witness *x)
{
	static const char *const types[] = { "windows.restore-point", "windows.event.restore-point",
					     "windows.event.task" };

	for (size_t i = 0; x->trace && i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(x->trace->trace.type->name, types[i]) == 0)
			return true;
	return false;
}

/* That a driver or service was registered, or a driver or program of it deleted. */
static bool tells_of_part(const struct judging *j, const struct witness *x)
{
	return x->trace && x->assertion == ASSERTS_ATTEMPT &&
	       (x->role == ROLE_LOADS || x->role == ROLE_PROTECTION ||
		(x->role == ROLE_PROGRAM && j->signatures->products[x->product].kind != KIND_TOOL &&
		 strcmp(x->trace->trace.type->name, "ntfs.usn") == 0));
}

/*
 * A program or driver that went with its folders. No path confirms any more what its name says,
 * which dates nothing; but that nothing asserts the product would be more than is known.
 */
static bool is_orphan_program(const struct judging *j, const struct witness *x)
{
	static const struct text orphans = { "/$OrphanFiles/", 14 };
	const struct text path = x->trace ? trace_text(&x->trace->trace, "path") : TEXT("");

	return path.size > orphans.size &&
	       text_equal((struct text){ path.data, orphans.size }, orphans) &&
	       (x->role == ROLE_PROTECTION || x->role == ROLE_LOADS || x->role == ROLE_PROGRAM) &&
	       j->signatures->products[x->product].kind != KIND_TOOL;
}

/* What stands against "nothing asserts the product", though it dates no stay. */
static bool speaks_of_product(const struct judging *j, const struct witness *x)
{
	if (x->at_acquisition)
		return witness_names_product(j, x);
	return is_orphan_program(j, x) ||
	       (!x->weak && (tells_of_setup(x) || tells_of_part(j, x)));
}

/* Cites the leftovers of products in scope; returns how many there are. */
static size_t cite_leftovers(struct weighing *w, const struct mandate *mandate, size_t system)
{
	size_t n = 0;

	for (size_t i = 0; i < w->all->n_witnesses; i++) {
		const struct witness *x = &w->all->witnesses[i];

		if (x->system != system || !speaks_of_product(w->j, x) ||
		    mandate_covers(mandate, &w->j->signatures->products[x->product]) == ANSWER_NO)
			continue;
		if (n++ < 8)
			cite(w, i);
	}
	return n;
}

/* Nothing asserts the product: is that a finding, or only a gap? */
static enum outcome nothing_found(struct weighing *w, const struct mandate *mandate,
				  size_t system)
{
	const struct system *s = w->system;
	const size_t leftovers = cite_leftovers(w, mandate, system);
	char at[INSTANT_TEXT_SIZE];

	if (leftovers)
		say(&w->reasons, "%zu leftover(s) or notes of a product in scope are here", leftovers);

	if (w->duty == DUTY_PROMPTLY || w->duty == DUTY_INFORMATION || w->deadline == 0) {
		say(&w->reasons, leftovers ? "nothing tells when it came or went" :
					     "nothing asserts that a product in scope was ever "
					     "installed");
		return OUTCOME_NOTED;
	}
	if (state_is_older(w))
		return OUTCOME_INDETERMINATE;
	if (!collected_for(w->j->contents, w->j->signatures)) {
		say(&w->reasons, "not collected: files and keys that only the present signatures name");
		return OUTCOME_INDETERMINATE;
	}
	if (leftovers)
		say(&w->reasons, "nothing tells when it came or went");
	else if (!s->hives_whole || !s->files_whole)
		say(&w->reasons, "SOFTWARE, SYSTEM and the file system were not all read completely");
	else if (!s->installed_at || s->installed_at >= w->deadline)
		say(&w->reasons, "the system was installed at %s and says nothing of what stood "
				 "there before",
		    s->installed_at ? ticks_format(s->installed_at, at) : "an unknown time");
	else if (!s->coverage_from || s->coverage_from >= w->deadline)
		say(&w->reasons, "the logs reach back to %s only and do not cover the limit",
		    s->coverage_from ? ticks_format(s->coverage_from, at) : "no known time");
	else {
		say(&w->reasons, "SOFTWARE, SYSTEM and the file system were read completely, logs "
				 "reach back to %s, and nothing asserts that a product in scope was "
				 "ever installed", ticks_format(s->coverage_from, at));
		return OUTCOME_NO_TRACE;
	}
	return OUTCOME_INDETERMINATE;
}

/* -- the verdict --------------------------------------------------------------------------- */

/*
 * A day given for a whole mandate is that of the steps which order something of a machine; where
 * it has only advice, of those.
 */
static bool takes_own_day(const struct mandate *mandate, const struct milestone *milestone)
{
	bool orders = false;

	for (unsigned i = 0; i < mandate->n_milestones; i++)
		orders |= mandate->milestones[i].duty != DUTY_INFORMATION &&
			  mandate->milestones[i].duty != DUTY_NO_INSTALL_FROM;
	return !orders || (milestone->duty != DUTY_INFORMATION &&
			   milestone->duty != DUTY_NO_INSTALL_FROM);
}

static void set_duty(const struct judging *j, const struct mandate *mandate,
		     const struct milestone *milestone, struct verdict *v)
{
	v->duty = milestone->duty;
	v->deadline = instant_is_set(milestone->deadline) ? milestone->deadline.ticks : 0;
	v->names_hour = milestone->at != NULL;
	for (size_t i = 0; i < j->options->n_deadlines; i++) {
		const struct own_deadline *own = &j->options->deadlines[i];

		if (!text_equal_folded(own->mandate, text_of(mandate->id)) ||
		    (own->milestone.size &&
		     !text_equal_folded(own->milestone, text_of(milestone->id))))
			continue;
		if (own->milestone.size == 0 && !takes_own_day(mandate, milestone))
			continue;
		v->duty = DUTY_REMOVE_BY;
		v->deadline = own->deadline;
		v->names_hour = own->names_hour;
	}
}

static struct product_outcome outcome_of(struct weighing *w, size_t history, enum outcome outcome)
{
	return (struct product_outcome){ .history = history,
					 .outcome = outcome,
					 .reasons = w->reasons.items,
					 .n_reasons = w->reasons.n,
					 .qualified = w->qualified.items,
					 .n_qualified = w->qualified.n,
					 .witnesses = w->witnesses,
					 .n_witnesses = w->n_witnesses };
}

/* All products that share the verdict's outcome decide it: each is cited. */
static enum status gather_witnesses(struct judging *j, struct verdict *v, struct failure *why)
{
	size_t *all = arena_array(j->arena, (v->n_products + 1) * WITNESSES_MAX, sizeof(*all));
	size_t n = 0;

	if (!all)
		return failure_set(why, ERR_NO_MEMORY, "citations");
	for (size_t i = 0; i < v->n_witnesses; i++)
		all[n++] = v->witnesses[i];
	for (size_t p = 0; p < v->n_products; p++) {
		const struct product_outcome *product = &v->products[p];

		for (size_t i = 0; product->outcome == v->outcome && i < product->n_witnesses; i++) {
			bool known = false;

			for (size_t k = 0; k < n && !known; k++)
				known = all[k] == product->witnesses[i];
			if (!known)
				all[n++] = product->witnesses[i];
		}
	}
	v->witnesses = all;
	v->n_witnesses = n;
	return STATUS_OK;
}

static void take_worst(struct verdict *v, const struct product_outcome *p)
{
	const bool as_bad = v->n_products && outcome_severity(p->outcome) == outcome_severity(v->outcome);

	if (v->n_products && !as_bad && outcome_severity(p->outcome) > outcome_severity(v->outcome))
		return;
	if (as_bad && p->n_qualified <= v->n_qualified)
		return;
	v->outcome = p->outcome;
	v->reasons = p->reasons;
	v->n_reasons = p->n_reasons;
	v->qualified = p->qualified;
	v->n_qualified = p->n_qualified;
	v->witnesses = p->witnesses;
	v->n_witnesses = p->n_witnesses;
}

/* A history that says something of the product itself, not only of shared remains. */
static bool concerns(const struct product_history *h)
{
	return !h->tentative &&
	       (h->proved || h->residue_counts || h->state == STATE_INSTALLED);
}

enum status verdict_reach(struct judging *j, const struct judgement *all, size_t system,
			  const struct mandate *mandate, const struct milestone *milestone,
			  bool named, struct verdict *ret, struct failure *why)
{
	const enum answer applies = mandate_applies(mandate, j->options->attributes,
						    j->options->n_attributes);
	struct verdict v = { .system = system,
			     .mandate = mandate,
			     .milestone = milestone,
			     .conditional = applies == ANSWER_UNKNOWN,
			     .named = named };
	struct product_outcome *products =
		arena_array(j->arena, all->n_histories + 1, sizeof(*products));

	if (!products)
		return failure_set(why, ERR_NO_MEMORY, "outcomes");
	set_duty(j, mandate, milestone, &v);
	v.products = products;
	for (size_t i = 0; i < all->n_histories; i++) {
		const struct product_history *h = &all->histories[i];
		const struct product *product = &j->signatures->products[h->product];
		const enum answer covered = mandate_covers(mandate, product);

		if (h->system != system || !concerns(h) || covered == ANSWER_NO)
			continue;

		struct weighing w = weighing_of(j, all, system, h, &v);

		if (!has_memory(&w))
			return failure_set(why, ERR_NO_MEMORY, "outcomes");

		enum outcome outcome = applies == ANSWER_NO ? OUTCOME_NOT_APPLICABLE : weigh(&w);

		if (mandate->scope.mobile == MOBILE_ONLY && applies == ANSWER_UNKNOWN &&
		    outcome_is_adverse(outcome)) {
			say(&w.reasons, "the act is about mobile devices only, and whether this is one "
					"is not known (--attribute device=mobile)");
			outcome = OUTCOME_INDETERMINATE;
		}

		if (covered == ANSWER_UNKNOWN)
			say(&w.qualified, "whether the act means this product is not known");
		if (v.duty == DUTY_BEGIN_BY && outcome_is_adverse(outcome))
			say(&w.qualified, "the act orders removal to begin; one machine alone "
					  "cannot breach it");
		qualify_system(&w, outcome);

		const struct product_outcome p = outcome_of(&w, i, outcome);

		take_worst(&v, &p);
		products[v.n_products++] = p;
	}
	if (v.n_products == 0) {
		struct weighing w = weighing_of(j, all, system, NULL, &v);

		if (!has_memory(&w))
			return failure_set(why, ERR_NO_MEMORY, "outcomes");

		const enum outcome outcome = applies == ANSWER_NO ? OUTCOME_NOT_APPLICABLE :
								    nothing_found(&w, mandate, system);

		qualify_system(&w, outcome);

		const struct product_outcome p = outcome_of(&w, 0, outcome);

		take_worst(&v, &p);
	}

	const enum status status = gather_witnesses(j, &v, why);

	*ret = v;
	return status;
}
