/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/judge.h"

#include <stdio.h>

#include "analyzer/judge/episode.h"
#include "analyzer/judge/verdict.h"
#include "analyzer/judge/sample.h"
#include "parsers/base/text.h"

const char *assertion_name(enum assertion assertion)
{
	static const char *const names[] = {
		[ASSERTS_BEGIN] = "begin",     [ASSERTS_PRESENT] = "present",
		[ASSERTS_ATTEMPT] = "attempt", [ASSERTS_END] = "end",
		[ASSERTS_ABSENT] = "absent",   [ASSERTS_RESIDUE] = "residue",
	};

	return names[assertion];
}

const char *family_name(enum family family)
{
	static const char *const names[FAMILY_COUNT] = {
		[FAMILY_INSTALLER] = "Windows Installer", [FAMILY_SERVICES] = "service manager",
		[FAMILY_FILESYSTEM] = "file system",      [FAMILY_EXECUTION] = "execution traces",
		[FAMILY_PRODUCT] = "the product's own records",
		[FAMILY_SYSTEM] = "system state",         [FAMILY_SNAPSHOT] = "shadow copies",
	};

	return names[family];
}

const char *product_state_name(enum product_state state)
{
	static const char *const names[] = {
		[STATE_ABSENT] = "absent",
		[STATE_RESIDUE] = "residue",
		[STATE_INSTALLED] = "installed",
		[STATE_UNKNOWN] = "unknown",
	};

	return names[state];
}

/* What was found as acquired was so by the last activity, whatever its clock showed then. */
static void doubt_activity(const struct judging *j, struct system *systems)
{
	for (size_t i = 0; i < j->n_systems; i++) {
		struct bound last = bound_at(systems[i].last_activity);

		if (systems[i].last_activity &&
		    doubts_apply(j->doubts, j->n_doubts, i, NULL, &last) && bound_has_end(last))
			systems[i].last_activity = last.not_after;
	}
}

/*
 * What rests on a file whose times contradict each other never decides alone. Files of no product
 * are nobody's concern: their doubts are dropped.
 */
static void doubt_files(struct judging *j, struct doubt *doubts, struct witness_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < j->n_doubts; i++) {
		bool wanted = !doubts[i].of_trace;

		for (size_t k = 0; k < list->n && doubts[i].of_trace; k++) {
			struct witness *w = &list->items[k];

			if (w->trace != doubts[i].trace)
				continue;
			wanted = w->clock_suspect = true;
			if (!w->qualified)
				w->qualified = "the times of this file contradict each other";
		}
		if (wanted)
			doubts[kept++] = doubts[i];
	}
	j->n_doubts = kept;
}

static int by_product(const void *a, const void *b)
{
	const struct witness *x = a, *y = b;
	const int64_t s = bound_has_start(x->when) ? x->when.not_before : x->when.not_after;
	const int64_t t = bound_has_start(y->when) ? y->when.not_before : y->when.not_after;

	if (x->system != y->system)
		return x->system < y->system ? -1 : 1;
	if (x->product != y->product)
		return x->product < y->product ? -1 : 1;
	if (s != t)
		return s < t ? -1 : 1;
	return strcmp(x->id, y->id);
}

/* -- histories ------------------------------------------------------------------------------ */

static bool same_trace_installed(const struct judgement *all, const struct product_history *own,
				 const struct witness *w)
{
	for (size_t h = 0; h < all->n_histories; h++) {
		const struct product_history *other = &all->histories[h];

		if (other == own || other->system != own->system ||
		    other->state != STATE_INSTALLED)
			continue;
		for (size_t i = 0; i < all->n_witnesses; i++)
			if (all->witnesses[i].product == other->product &&
			    all->witnesses[i].system == other->system &&
			    all->witnesses[i].trace == w->trace)
				return true;
	}
	return false;
}

/* Whether an engine brought the driver of that name after this product had gone. */
static bool is_an_engines(const struct judging *j, const struct judgement *all,
			  const struct product_history *h, const struct witness *w)
{
	const struct episode *last = h->n_episodes ? &h->episodes[h->n_episodes - 1] : NULL;

	return last && last->removed && bound_has_end(last->removal) &&
	       !product_is_engine(j, h->product) &&
	       engine_brought(j, all->witnesses, all->n_witnesses, w, last->removal.not_after);
}

/* What another installed product has too, or an engine brought later, is no residue of this one. */
static void share_residue(const struct judging *j, const struct judgement *all,
			  struct product_history *h)
{
	/* made by history_build in our arena */
	size_t *loads = (size_t *)(uintptr_t)h->loads, *residue = (size_t *)(uintptr_t)h->residue;
	size_t kept = 0;

	for (size_t i = 0; i < h->n_loads; i++) {
		const struct witness *w = &all->witnesses[loads[i]];

		if (!same_trace_installed(all, h, w) && !is_an_engines(j, all, h, w))
			loads[kept++] = loads[i];
	}
	h->n_loads = kept;
	h->residue_counts = kept > 0;
	kept = 0;
	for (size_t i = 0; i < h->n_residue; i++)
		if (!is_an_engines(j, all, h, &all->witnesses[residue[i]]))
			residue[kept++] = residue[i];
	h->n_residue = kept;
}

static enum status build_histories(struct judging *j, struct judgement *all, struct failure *why)
{
	struct product_history *histories =
		arena_array(j->arena, all->n_witnesses + 1, sizeof(*histories));

	if (!histories)
		return failure_set(why, ERR_NO_MEMORY, "histories");
	for (size_t first = 0, end; first < all->n_witnesses; first = end) {
		const struct witness *w = &all->witnesses[first];

		for (end = first; end < all->n_witnesses &&
				  all->witnesses[end].product == w->product &&
				  all->witnesses[end].system == w->system;)
			end++;

		enum status status = history_build(j, all->witnesses, first, end - first,
						   &histories[all->n_histories], why);

		if (status < 0)
			return status;
		all->n_histories++;
	}
	all->histories = histories;
	for (size_t h = 0; h < all->n_histories; h++)
		share_residue(j, all, &histories[h]);
	return STATUS_OK;
}

/* -- verdicts ------------------------------------------------------------------------------- */

static size_t count_milestones(const struct judge_options *options)
{
	size_t n = 0;

	for (size_t i = 0; i < options->n_mandates; i++)
		n += options->mandates[i]->n_milestones;
	return n;
}

/* No system was found: nothing can be said under any mandate. */
static struct verdict without_system(const struct mandate *mandate,
				     const struct milestone *milestone, bool named)
{
	static const struct text reason[] = { { "no installed system was found in the evidence",
						45 } };

	return (struct verdict){ .system = NO_SYSTEM,
				 .mandate = mandate,
				 .milestone = milestone,
				 .duty = milestone->duty,
				 .deadline = instant_is_set(milestone->deadline) ?
					milestone->deadline.ticks : 0,
				 .outcome = OUTCOME_INDETERMINATE,
				 .reasons = reason,
				 .n_reasons = 1,
				 .named = named };
}

static int worse_exit(int a, int b)
{
	return a == 1 || b == 1 ? 1 : a == 2 || b == 2 ? 2 : 0;
}

static enum status reach_verdicts(struct judging *j, struct judgement *all, struct failure *why)
{
	const size_t systems = j->n_systems ? j->n_systems : 1;
	struct verdict *verdicts = arena_array(
		j->arena, count_milestones(j->options) * systems + 1, sizeof(*verdicts));

	if (!verdicts)
		return failure_set(why, ERR_NO_MEMORY, "verdicts");
	for (size_t s = 0; s < systems; s++) {
		for (size_t m = 0; m < j->options->n_mandates; m++) {
			const struct mandate *mandate = j->options->mandates[m];
			const bool named = j->options->named[m];

			for (unsigned k = 0; k < mandate->n_milestones; k++) {
				struct verdict *v = &verdicts[all->n_verdicts++];
				enum status status = STATUS_OK;

				if (j->n_systems == 0)
					*v = without_system(mandate, &mandate->milestones[k], named);
				else
					status = verdict_reach(j, all, s, mandate,
							       &mandate->milestones[k], named, v,
							       why);
				if (status < 0)
					return status;
				if (named)
					all->exit_status = worse_exit(
						all->exit_status,
						outcome_exit(v->outcome, v->n_qualified > 0,
							     v->duty));
			}
		}
	}
	all->verdicts = verdicts;
	if (j->n_systems == 0)
		for (size_t i = 0; i < j->options->n_mandates; i++)
			all->exit_status = j->options->named[i] ? 2 : all->exit_status;
	return STATUS_OK;
}

/* The latest time in the evidence, where no header or option tells when it was acquired. */
static int64_t latest_trace(const struct system *systems, size_t n)
{
	int64_t latest = 0;

	for (size_t i = 0; i < n; i++) {
		if (systems[i].last_activity > latest)
			latest = systems[i].last_activity;
	}
	return latest;
}

static enum status note_problems(struct judging *j, struct judgement *all, struct failure *why)
{
	struct text *problems = arena_array(j->arena, 2, sizeof(*problems));

	if (!problems)
		return failure_set(why, ERR_NO_MEMORY, "problems");
	if (!collected_for(j->contents, j->signatures))
		problems[all->n_problems++] =
			TEXT("the case was collected for other signatures: files and keys that only "
			     "the present ones name were not collected");
	if (j->limit_hits)
		problems[all->n_problems++] = text_of(arena_printf(
			j->arena, "%zu trace(s) could not be matched within the limits of a pattern",
			j->limit_hits));
	all->problems = problems;
	return STATUS_OK;
}

enum status judge_run(struct arena *arena, const struct case_contents *contents,
		      const struct signature_set *signatures, const struct matcher *matcher,
		      const struct judge_options *options, struct judgement *ret,
		      struct failure *why)
{
	struct judging j = { .arena = arena,
			     .contents = contents,
			     .signatures = signatures,
			     .matcher = matcher,
			     .options = options };
	struct judgement all = { .acquired = acquisition_time(contents, &all.acquired_basis) };
	struct witness_list list = { .arena = arena };
	struct system *systems = NULL;
	struct doubt *doubts = NULL;
	struct gap *gaps = NULL;
	enum status status;

	j.acquired = all.acquired;
	status = systems_find(arena, contents, all.acquired, &systems, &j.n_systems, why);
	if (status < 0)
		return status;
	j.systems = systems;
	if (!all.acquired) {
		j.acquired = all.acquired = latest_trace(systems, j.n_systems);
		all.acquired_basis = "latest-trace";
	}
	status = doubts_find(arena, contents, systems, j.n_systems, all.acquired, &doubts,
			     &j.n_doubts, why);
	if (status < 0)
		return status;
	j.doubts = doubts;
	doubt_activity(&j, systems);
	status = gaps_find(arena, contents, systems, j.n_systems, &gaps, &all.n_gaps, why);
	if (status < 0)
		return status;
	all.gaps = gaps;
	status = samples_find(&j, why);
	if (status >= 0)
		status = witnesses_find(&j, &list, why);
	if (status >= 0)
		doubt_files(&j, doubts, &list);
	if (status >= 0)
		status = samples_assert_absence(&j, &list, why);
	if (status < 0)
		return status;
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_product);
	all.systems = j.systems;
	all.n_systems = j.n_systems;
	all.doubts = j.doubts;
	all.n_doubts = j.n_doubts;
	all.witnesses = list.items;
	all.n_witnesses = list.n;
	status = build_histories(&j, &all, why);
	if (status >= 0)
		status = reach_verdicts(&j, &all, why);
	if (status >= 0)
		status = note_problems(&j, &all, why);
	*ret = all;
	return status;
}
