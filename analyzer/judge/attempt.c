/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An installation that failed: the installer takes back what it had set up until then. Where the
 * product was not there before and nothing proves it afterwards, what came and went meanwhile is an
 * attempt and no stay.
 */
#include "analyzer/judge/building.h"

static bool is_of(const struct witness *w, const struct witness *failure)
{
	return w->system == failure->system && w->product == failure->product;
}

static bool is_success(const struct witness *w)
{
	return w->assertion == ASSERTS_BEGIN && is_msi_act(w);
}

/* When the installer next tells that the product came; INT64_MAX when it does not. */
static int64_t next_success(const struct witness_list *list, const struct witness *failure)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < list->n; i++) {
		const struct witness *w = &list->items[i];

		if (is_of(w, failure) && is_success(w) && w->when.not_before < next &&
		    w->when.not_before > ticks_add(failure->when.not_before, -ONE_ACT))
			next = w->when.not_before;
	}
	return next;
}

/* Whether the product stood before an instant: proof of it, wholly before, with no end after that. */
static bool stood_at(const struct witness_list *list, const struct witness *failure, int64_t at)
{
	int64_t seen = BOUND_OPEN_START, gone = BOUND_OPEN_START;

	for (size_t i = 0; i < list->n; i++) {
		const struct witness *w = &list->items[i];

		if (!is_of(w, failure) || w->weak)
			continue;
		if (is_positive(w) && bound_has_start(w->when) && w->when.not_after < at &&
		    w->when.not_before > seen)
			seen = w->when.not_before;
		if (w->assertion == ASSERTS_END && bound_has_end(w->when) && w->when.not_after < at &&
		    w->when.not_after > gone)
			gone = w->when.not_after;
	}
	return seen > gone;
}

/* Whether anything proves the product within (after, until), or at acquisition if nothing came. */
static bool is_proved(const struct witness_list *list, const struct witness *failure, int64_t after,
		      int64_t until)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct witness *w = &list->items[i];

		if (!is_of(w, failure) || w->weak)
			continue;
		if (is_positive(w) && bound_has_start(w->when) && w->when.not_before > after &&
		    w->when.not_before < until)
			return true;
		if (until == INT64_MAX && w->at_acquisition &&
		    (w->role == ROLE_PROTECTION || w->role == ROLE_REGISTRATION))
			return true;
	}
	return false;
}

static void take_back(const struct judging *j, struct witness_list *list,
		      const struct witness *failure, int64_t from, int64_t until)
{
	for (size_t i = 0; i < list->n; i++) {
		struct witness *w = &list->items[i];

		if (!is_of(w, failure) || !bound_has_start(w->when) || w->when.not_before < from ||
		    w->when.not_before > until ||
		    (!is_positive(w) && w->assertion != ASSERTS_END))
			continue;
		w->assertion = ASSERTS_ATTEMPT;
		w->use = false;
		witness_name(j->contents, w);
	}
}

void attempts_take_back(const struct judging *j, struct witness_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct witness *w = &list->items[i];

		if (!is_failed_installation(w) || w->weak || !bound_has_start(w->when))
			continue;

		const int64_t from = ticks_add(w->when.not_before, -ONE_ACT);
		const int64_t until = ticks_add(w->when.not_before, TAIL_WITHOUT_BOOT);
		const int64_t next = next_success(list, w);

		if (next > ticks_add(w->when.not_before, ONE_ACT) && !stood_at(list, w, from) &&
		    !is_proved(list, w, until, next == INT64_MAX ? next : ticks_add(next, -ONE_ACT)))
			take_back(j, list, w, from, until);
	}
}
