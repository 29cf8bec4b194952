/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/episode.h"

#include "analyzer/judge/building.h"
#include "analyzer/judge/state.h"
#include "parsers/base/text.h"

static bool is_negative(const struct witness *w)
{
	return (w->assertion == ASSERTS_END || w->assertion == ASSERTS_ABSENT) &&
	       bound_has_end(w->when);
}

/* The earliest positive after an instant; NO_WITNESS when there is none. */
static size_t next_positive(const struct building *b, int64_t after)
{
	size_t best = NO_WITNESS;

	for (size_t i = 0; i < b->n; i++)
		if (is_positive(&b->w[i]) && bound_has_start(b->w[i].when) &&
		    b->w[i].when.not_before > after &&
		    (best == NO_WITNESS ||
		     b->w[i].when.not_before < b->w[best].when.not_before))
			best = i;
	return best;
}

/* A stay that ended, as far as the search for the next one needs it. */
struct past {
	int64_t began, ended;
	int64_t gone_from; /* before this it had not ended: the next one came no earlier */
};

/* Whether a recorder tells each removal once; the journal tells so of each file. */
static bool tells_once(const struct witness *x, const struct witness *y)
{
	if (!x->trace || !y->trace || x->trace->trace.type != y->trace->trace.type)
		return false;
	if (trace_is(x->trace, "ntfs.usn"))
		return text_equal_folded(trace_text(&x->trace->trace, "path"),
					 trace_text(&y->trace->trace, "path"));
	return trace_is(x->trace, "windows.event.msi") ||
	       trace_is(x->trace, "windows.event.inventory");
}

/* Whether a recorder that tells each removal once told of a stay's before this. */
static bool has_told_of(const struct building *b, struct past stay, const struct witness *end)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (w->assertion == ASSERTS_END && !b->dropped[i] && tells_once(w, end) &&
		    w->when.not_after >= stay.began && w->when.not_after < end->when.not_after &&
		    w->when.not_after <= ticks_add(stay.ended, TICKS_PER_DAY))
			return true;
	}
	return false;
}

/*
 * Whether an end may tell of a stay that ended already: nothing dates it from below, or its last proof
 * lies in that stay, and its recorder has not told of that stay before.
 */
static bool may_be_of(const struct building *b, struct past stay, const struct witness *end)
{
	return stay.ended != BOUND_OPEN_START && end->assertion == ASSERTS_END &&
	       (!bound_has_start(end->when) || end->when.not_before <= stay.ended) &&
	       (end->clock_suspect || !has_told_of(b, stay, end));
}

/* From when on a proof of presence is sure to precede: a doubtful clock's from its latest time. */
static int64_t sure_from(const struct witness *w)
{
	return w->clock_suspect && bound_has_end(w->when) ? w->when.not_after :
							    w->when.not_before;
}

/* Whether an end that a doubtful clock wrote may have come before an instant. */
static bool may_precede(const struct witness *end, int64_t at)
{
	return end->clock_suspect && (!bound_has_start(end->when) || end->when.not_before < at);
}

/* The end that is proved first from an instant on, of a stay that follows a past one. */
static size_t next_negative(const struct building *b, int64_t from, struct past past)
{
	size_t best = NO_WITNESS;

	for (size_t i = 0; i < b->n; i++)
		if (is_negative(&b->w[i]) && !b->dropped[i] && b->w[i].when.not_after >= from &&
		    !may_be_of(b, past, &b->w[i]) && !may_precede(&b->w[i], from) &&
		    (best == NO_WITNESS || b->w[i].when.not_after < b->w[best].when.not_after))
			best = i;
	return best;
}

/*
 * The first recorded end, after a stay that ended, of one of which nothing else is recorded; before
 * the next proof of presence, if there is any.
 */
static size_t next_bare_end(const struct building *b, struct past stay, size_t positive)
{
	size_t best = NO_WITNESS;

	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (w->assertion != ASSERTS_END || !bound_has_end(w->when) || b->dropped[i] ||
		    w->when.not_after <= stay.ended ||
		    (positive != NO_WITNESS &&
		     w->when.not_after >= b->w[positive].when.not_before))
			continue;
		if (stay.ended != BOUND_OPEN_START && !has_told_of(b, stay, w))
			continue;
		if (best == NO_WITNESS || w->when.not_after < b->w[best].when.not_after)
			best = i;
	}
	return best;
}

/* The first proof within (after, until) that the product was there; NO_WITNESS when none. */
static size_t first_proof(const struct building *b, int64_t after, int64_t until)
{
	size_t best = NO_WITNESS;

	for (size_t i = 0; i < b->n; i++)
		if (is_positive(&b->w[i]) && bound_has_end(b->w[i].when) &&
		    b->w[i].when.not_after > after && b->w[i].when.not_after < until &&
		    (best == NO_WITNESS || b->w[i].when.not_after < b->w[best].when.not_after))
			best = i;
	return best;
}

/* A beginning whose time the act itself wrote, no later than an hour after the first proof. */
static bool is_act_of(const struct witness *w, int64_t after, int64_t proof)
{
	return w->assertion == ASSERTS_BEGIN && w->whole_act && !w->weak &&
	       w->when.not_before > after && w->when.not_before <= ticks_add(proof, ONE_ACT);
}

/* Nothing dates its coming: it was there before it went, or by the time of the state acquired. */
static void set_unseen_installation(const struct building *b, struct episode *e, int64_t after)
{
	const struct system *s = &b->j->systems[b->w[0].system];
	const int64_t last = s->last_activity ? s->last_activity : b->j->acquired;

	e->installed = bound_between(after, e->removed ? e->removal.not_after :
					    last ? last : BOUND_OPEN_END);
	e->installed_by[0] = NO_WITNESS;
	e->installed_by[1] = e->removed ? e->removed_by[1] : NO_WITNESS;
}

/*
 * When it came: from the first sign of the act to the record that closes it, where the act was
 * recorded; else no later than the first proof that it was there.
 */
static void set_installed(struct building *b, struct episode *e, size_t earliest, int64_t after,
			  int64_t until)
{
	const size_t first = first_proof(b, after, until);
	const size_t proof = first == NO_WITNESS ? earliest : first;

	if (proof == NO_WITNESS) {
		set_unseen_installation(b, e, after);
		return;
	}

	const int64_t seen = b->w[proof].when.not_after;

	e->installed = bound_between(after, seen);
	e->installed_by[0] = NO_WITNESS;
	e->installed_by[1] = b->first + proof;
	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (!is_act_of(w, after, seen) || w->when.not_before >= until)
			continue;
		if (e->installed_by[0] == NO_WITNESS) {
			/* A point in time before the record belongs to the act; a day does not. */
			const bool point = bound_has_start(b->w[proof].when) &&
					   seen - b->w[proof].when.not_before < ONE_ACT;

			e->installed.not_before =
				point && b->w[proof].when.not_before < w->when.not_before ?
					b->w[proof].when.not_before : w->when.not_before;
			e->installed_by[0] = b->first + (point ? proof : i);
		}
		if (w->when.not_after >= e->installed.not_after ||
		    e->installed_by[1] == b->first + proof) {
			e->installed.not_after = w->when.not_after;
			e->installed_by[1] = b->first + i;
		}
	}
	if (e->installed.not_before > e->installed.not_after)
		e->installed.not_before = e->installed.not_after;
}

/* Whether a witness tells of a stay; what has no date tells of the state as acquired. */
static bool is_within(const struct witness *w, const struct episode *e, int64_t from, int64_t until)
{
	const int64_t at = bound_has_start(w->when) ? w->when.not_before : w->when.not_after;

	if (at == BOUND_OPEN_END)
		return !e->removed;
	return at >= from && at <= until;
}

/* The name that a record of the installer gives the product. */
static struct text name_in(const struct trace *t)
{
	const struct text name = trace_text(t, "name");

	if (strcmp(t->type->name, "windows.registry.key") == 0)
		return (struct text){ NULL, 0 }; /* that is the key's own */
	return name.size ? name : trace_text(t, "product");
}

/* The latest name and version that the installer's records of the stay give; what failed gives none. */
static void set_version(const struct building *b, struct episode *e, int64_t from, int64_t until)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];
		const struct trace *t = w->trace ? &w->trace->trace : NULL;

		if (!t || w->role != ROLE_REGISTRATION || w->assertion == ASSERTS_ATTEMPT ||
		    !is_within(w, e, from, until))
			continue;
		if (trace_text(t, "version").size)
			e->version = trace_text(t, "version");
		if (name_in(t).size)
			e->name = name_in(t);
	}
}

/* Without an installer's record: the version that the essential program left on the disk names. */
static void set_version_on_disk(const struct building *b, struct episode *e)
{
	for (size_t i = 0; i < b->n && !e->version.size; i++)
		if (b->w[i].at_acquisition && b->w[i].role == ROLE_PROTECTION &&
		    trace_is(b->w[i].trace, "windows.pe.version"))
			e->version = trace_text(&b->w[i].trace->trace, "version");
}

static void collect_qualifications(const struct building *b, struct episode *e)
{
	for (int k = 0; k < 2; k++) {
		const size_t at = e->removed_by[k];

		if (!e->removed || at == NO_WITNESS)
			continue;
		if (b->w[at - b->first].qualified && k == 1)
			episode_qualify(e, b->w[at - b->first].qualified);
		if (b->w[at - b->first].clock_suspect)
			episode_qualify(e, "a deciding time was written by a clock that is suspect");
	}
}

/* -- the history -------------------------------------------------------------------------- */

enum { EPISODES_MAX = 64 };

/* The stay that begins with positive p, or (NO_WITNESS) of which only the end is recorded. */
static int64_t build_episode(struct building *b, const struct product_history *h,
			     struct episode *e, size_t p, size_t negative, struct past past)
{
	const int64_t after = past.ended;
	const int64_t from = p == NO_WITNESS ? after : b->w[p].when.not_before;
	int64_t until = INT64_MAX;

	*e = (struct episode){ .removed_by = { NO_WITNESS, NO_WITNESS } };
	if (negative != NO_WITNESS) {
		until = set_removal(b, e, after, negative);
		/* What still stands was not removed, unless it came again. */
		if (h->state == STATE_INSTALLED && next_positive(b, until) == NO_WITNESS) {
			e->removed = false;
			e->removed_by[0] = e->removed_by[1] = NO_WITNESS;
			e->n_qualified = 0;
			episode_qualify(e, "a removal was recorded but essential parts still stand");
		}
	} else if (h->state != STATE_INSTALLED && h->state != STATE_UNKNOWN) {
		set_unseen_removal(b, e, after);
	}
	set_installed(b, e, p, after, until);
	if (e->installed.not_before == after)
		e->installed.not_before = past.gone_from;
	set_version(b, e, from, until);
	collect_qualifications(b, e);
	return until;
}

/* Whether anything without a date says that the product came or was there. */
static bool has_undated_proof(const struct building *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (is_positive(&b->w[i]) && b->w[i].assertion == ASSERTS_BEGIN &&
		    bound_has_end(b->w[i].when))
			return true;
	return false;
}

static enum status build_episodes(struct building *b, struct product_history *h,
				  struct failure *why)
{
	struct episode *episodes = arena_array(b->j->arena, EPISODES_MAX, sizeof(*episodes));
	struct past past = { BOUND_OPEN_START, BOUND_OPEN_START, BOUND_OPEN_START };
	size_t n = 0;

	if (!episodes)
		return failure_set(why, ERR_NO_MEMORY, "episodes");
	while (n < EPISODES_MAX) {
		size_t p = next_positive(b, past.ended);
		size_t negative = next_bare_end(b, past, p);

		if (negative != NO_WITNESS)
			p = NO_WITNESS;
		else if (p != NO_WITNESS)
			negative = next_negative(b, sure_from(&b->w[p]), past);
		else if (n || (h->state != STATE_INSTALLED && !has_undated_proof(b)))
			break;

		const int64_t began = p == NO_WITNESS ? past.ended : b->w[p].when.not_before;
		const int64_t ended = build_episode(b, h, &episodes[n++], p, negative, past);

		past = (struct past){ began, ended, episodes[n - 1].removal.not_before };
		if (negative == NO_WITNESS)
			break;
	}
	if (n > 0) /* what stands at acquisition is of the last stay */
		set_version_on_disk(b, &episodes[n - 1]);
	h->episodes = episodes;
	h->n_episodes = n;
	return STATUS_OK;
}

static enum status list_residue(struct building *b, struct product_history *h,
				struct failure *why)
{
	size_t *residue = arena_array(b->j->arena, b->n + 1, sizeof(*residue));
	size_t *loads = arena_array(b->j->arena, b->n + 1, sizeof(*loads));

	if (!residue || !loads)
		return failure_set(why, ERR_NO_MEMORY, "leftovers");
	h->residue = residue;
	h->loads = loads;
	for (size_t i = 0; i < b->n && h->state != STATE_INSTALLED; i++) {
		if (!b->w[i].at_acquisition)
			continue;
		residue[h->n_residue++] = b->first + i;
		h->named |= witness_names_product(b->j, &b->w[i]);
		if (witness_would_load(b->j, &b->j->systems[h->system], b->w, b->n, &b->w[i]))
			loads[h->n_loads++] = b->first + i;
	}
	h->residue_counts = h->n_loads > 0;
	return STATUS_OK;
}

/*
 * Whether a witness says that the product was here at some time: presence or end of an essential
 * part, a run of it, or the records of its setup having worked on this machine.
 */
static bool proves(const struct witness *w)
{
	if (trace_is(w->trace, "windows.log.install") || trace_is(w->trace, "windows.setupapi.section"))
		return true;
	return (is_positive(w) || is_negative(w)) &&
	       (w->role == ROLE_PROTECTION || w->role == ROLE_REGISTRATION ||
		w->role == ROLE_ACTIVITY || w->use || !w->component);
}

static bool all_are_weak(const struct witness *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!w[i].weak)
			return false;
	return true;
}

/* Witnesses of a product that only doubtful signatures know: its stays are told, never judged by. */
static const struct witness *taken_at_their_word(struct judging *j, const struct witness *w, size_t n)
{
	struct witness *copy = arena_array(j->arena, n, sizeof(*copy));

	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = w[i];
		copy[i].weak = false;
	}
	return copy;
}

enum status history_build(struct judging *judging, const struct witness *witnesses, size_t first,
			  size_t n, struct product_history *ret, struct failure *why)
{
	struct building b = { judging, witnesses + first, n, first,
			      arena_array(judging->arena, n, sizeof(bool)) };
	struct product_history h = { .system = b.w[0].system, .product = b.w[0].product };

	if (!b.dropped)
		return failure_set(why, ERR_NO_MEMORY, "ends");
	for (size_t i = 0; i < n; i++)
		h.proved |= proves(&b.w[i]);
	h.tentative = !h.proved && all_are_weak(b.w, n);
	if (h.tentative && !(b.w = taken_at_their_word(judging, b.w, n)))
		return failure_set(why, ERR_NO_MEMORY, "weak witnesses");
	h.state = state_at_acquisition(judging, b.w, n);
	drop_false_ends(&b);

	enum status status = STATUS_OK;

	if (judging->signatures->products[h.product].kind != KIND_TOOL)
		status = build_episodes(&b, &h, why);
	if (status >= 0)
		status = list_residue(&b, &h, why);
	*ret = h;
	return status;
}
