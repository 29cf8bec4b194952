/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/episode.h"

#include "analyzer/judge/building.h"
#include "analyzer/judge/state.h"
#include "parsers/base/text.h"

/* A restart later than this after a removal is not the one that files waited for. */
static const int64_t tail_until_boot = 24 * TICKS_PER_HOUR;

static bool is_negative(const struct witness *w)
{
	return (w->assertion == ASSERTS_END || w->assertion == ASSERTS_ABSENT) &&
	       bound_has_end(w->when);
}

/* -- one episode -------------------------------------------------------------------------- */

/* The first boot after an instant; 0 when none is recorded. */
static int64_t next_boot(const struct building *b, int64_t after)
{
	const struct case_contents *c = b->j->contents;
	int64_t boot = 0;

	for (size_t i = 0; i < c->n_traces; i++) {
		const struct case_trace *t = &c->traces[i];
		const struct case_source *source = find_source(c, t->source);

		if (!trace_is(t, "windows.event.boot") || !source ||
		    system_of_source(c, b->j->systems, b->j->n_systems, source) != b->w[0].system)
			continue;

		const int64_t at = trace_instant(&t->trace, "time").ticks;

		if (at > after && (boot == 0 || at < boot))
			boot = at;
	}
	return boot;
}

static bool restart_due_after(const struct building *b, int64_t removal)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (trace_is(w->trace, "windows.registry.pending-rename") && w->at_acquisition)
			return true;
		if (!trace_is(w->trace, "windows.event.msi") || !bound_has_start(w->when) ||
		    distance(w->when.not_before, removal) > ONE_ACT)
			continue;

		const uint64_t status = trace_uint(&w->trace->trace, "status");
		const uint64_t id = event_id(w->trace);

		if (id == 1038 || id == 1029 ||
		    (id == 1034 && (status == 1641 || status == 3010)))
			return true;
	}
	return false;
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

/* What was bounded by a container tells of the stay in which its last proof lies. */
static bool is_of_earlier_stay(const struct witness *w, int64_t ended)
{
	return ended != BOUND_OPEN_START && w->qualified && bound_has_start(w->when) &&
	       w->when.not_before <= ended;
}

/* The end that is proved first from an instant on, of a stay that follows one that ended. */
static size_t next_negative(const struct building *b, int64_t from, int64_t ended)
{
	size_t best = NO_WITNESS;

	for (size_t i = 0; i < b->n; i++)
		if (is_negative(&b->w[i]) && !b->dropped[i] && b->w[i].when.not_after >= from &&
		    !is_of_earlier_stay(&b->w[i], ended) &&
		    (best == NO_WITNESS || b->w[i].when.not_after < b->w[best].when.not_after))
			best = i;
	return best;
}

/* A stay that ended, as far as the search for the next one needs it. */
struct past {
	int64_t began, ended;
};

/* Whether a recorder that tells each removal once told of a stay's before this. */
static bool has_told_of(const struct building *b, struct past stay, const struct witness *end)
{
	if (!trace_is(end->trace, "windows.event.msi") &&
	    !trace_is(end->trace, "windows.event.inventory"))
		return false;
	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (w->assertion == ASSERTS_END && !b->dropped[i] && w->trace &&
		    w->trace->trace.type == end->trace->trace.type &&
		    w->when.not_after >= stay.began && w->when.not_after < end->when.not_after &&
		    w->when.not_after <= ticks_add(stay.ended, TICKS_PER_DAY))
			return true;
	}
	return false;
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

static void qualify(struct episode *e, const char *reason)
{
	for (size_t i = 0; i < e->n_qualified; i++)
		if (strcmp(e->qualified[i], reason) == 0)
			return;
	if (reason && e->n_qualified < sizeof(e->qualified) / sizeof(e->qualified[0]))
		e->qualified[e->n_qualified++] = reason;
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
	if (!bound_has_start(w->when))
		return !e->removed || !w->at_acquisition;
	return w->when.not_before >= from && w->when.not_before <= until;
}

/* The latest version that a witness of the episode names. */
static void set_version(const struct building *b, struct episode *e, int64_t from, int64_t until)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct text version = b->w[i].trace ?
			trace_text(&b->w[i].trace->trace, "version") : (struct text){ NULL, 0 };

		if (version.size && b->w[i].role == ROLE_REGISTRATION &&
		    is_within(&b->w[i], e, from, until))
			e->version = version;
	}
}

/* The latest proof of presence in (after, until]. */
static size_t last_positive(const struct building *b, int64_t after, int64_t until)
{
	size_t best = NO_WITNESS;

	for (size_t i = 0; i < b->n; i++)
		if (is_positive(&b->w[i]) && bound_has_start(b->w[i].when) &&
		    b->w[i].when.not_before > after && b->w[i].when.not_before <= until &&
		    (best == NO_WITNESS ||
		     b->w[i].when.not_before > b->w[best].when.not_before))
			best = i;
	return best;
}

/* How far after a removal its own aftermath reaches. */
static int64_t tail_end(const struct building *b, int64_t removal, int64_t boot)
{
	(void)b;
	if (boot && boot - removal <= tail_until_boot)
		return boot;
	return ticks_add(removal, TAIL_WITHOUT_BOOT);
}

/* Whether an end tells of the program itself rather than of a record or registration of it. */
static bool is_of_program(const struct witness *w)
{
	return trace_is(w->trace, "filesystem.file") || trace_is(w->trace, "ntfs.usn");
}

/*
 * A removal is complete when the service and the program are both gone: what bounds one part does
 * not bound the whole. So the last of the ends that belong to the act closes it; where the end of
 * the program is not among them the aftermath is allowed for.
 */
static void extend_to_all_parts(struct building *b, struct episode *e, int64_t tail)
{
	const int64_t first = e->removal.not_after;
	const int64_t last = tail > ticks_add(first, ONE_ACT) ? ticks_add(first, ONE_ACT) : tail;
	bool program = false;

	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (w->assertion != ASSERTS_END || b->dropped[i] || !w->trace ||
		    w->when.not_after < first || w->when.not_after > last)
			continue;
		program |= is_of_program(w);
		if (w->when.not_after <= e->removal.not_after)
			continue;
		e->removal.not_after = w->when.not_after;
		e->removed_by[1] = b->first + i;
	}
	if (!program) {
		const int64_t boot = next_boot(b, e->removal.not_after);

		e->removal.not_after = boot && boot - e->removal.not_after < ONE_ACT ?
			boot : ticks_add(e->removal.not_after, TAIL_WITHOUT_BOOT);
		qualify(e, "when the program file itself went is not recorded");
	}
}

/* No start was recorded, but by the last activity what waited for one was gone; else it is open. */
static int64_t gone_as_acquired(const struct building *b, int64_t removal)
{
	const struct system *s = &b->j->systems[b->w[0].system];

	for (size_t i = 0; i < b->n; i++)
		if (b->w[i].at_acquisition &&
		    (trace_is(b->w[i].trace, "windows.registry.pending-rename") ||
		     trace_is(b->w[i].trace, "windows.registry.service")))
			return BOUND_OPEN_END;
	return s->hives_whole && s->files_whole && s->last_activity > removal ? s->last_activity :
										 BOUND_OPEN_END;
}

/*
 * When it went: not before the last proof of presence, not after the first proof of absence. The
 * installer's own record within the aftermath closes the act; files that wait for a restart move
 * the end to the next boot.
 */
static int64_t set_removal(struct building *b, struct episode *e, int64_t after, size_t negative)
{
	const struct witness *end = &b->w[negative];
	const int64_t boot = next_boot(b, end->when.not_after);
	const int64_t tail = tail_end(b, end->when.not_after, boot);

	e->removed = true;
	e->removal = bound_between(end->when.not_before, end->when.not_after);
	e->removed_by[0] = bound_has_start(end->when) ? b->first + negative : NO_WITNESS;
	e->removed_by[1] = b->first + negative;
	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (w->assertion != ASSERTS_END || !is_msi_act(w) || b->dropped[i] ||
		    w->when.not_after < end->when.not_after ||
		    w->when.not_before > ticks_add(end->when.not_after, ONE_ACT))
			continue;
		e->act = w->when.not_before;
		e->removal = w->when;
		e->removed_by[0] = e->removed_by[1] = b->first + i;
	}

	if (e->act == 0 && end->assertion == ASSERTS_END)
		extend_to_all_parts(b, e, tail);

	const size_t seen = last_positive(b, after, tail);

	if (seen != NO_WITNESS && b->w[seen].when.not_before > e->removal.not_before) {
		const int64_t at = b->w[seen].when.not_before;

		if (at <= e->removal.not_after) {
			e->removal.not_before = at;
			e->removed_by[0] = b->first + seen;
		} else {
			/* It still worked after its removal was recorded: that ends with the boot. */
			e->removal.not_after = tail;
			qualify(e, "records of the product follow the end of its removal");
		}
	}
	e->restart_pending = restart_due_after(b, e->removal.not_after);
	if (e->restart_pending)
		e->removal.not_after = boot ? boot : gone_as_acquired(b, e->removal.not_after);
	return tail > e->removal.not_after || !bound_has_end(e->removal) ? tail :
									   e->removal.not_after;
}

/* Nothing records the removal: it lies between the last proof and the state as acquired. */
static void set_unseen_removal(struct building *b, struct episode *e, int64_t after)
{
	const struct system *s = &b->j->systems[b->w[0].system];
	const size_t seen = last_positive(b, after, INT64_MAX);
	const int64_t last = seen == NO_WITNESS ? after : b->w[seen].when.not_before;

	e->removed = true;
	e->removal = bound_between(last, BOUND_OPEN_END);
	e->removed_by[0] = seen == NO_WITNESS ? NO_WITNESS : b->first + seen;
	e->removed_by[1] = NO_WITNESS;
	if (s->hives_whole && s->last_activity > last)
		e->removal.not_after = s->last_activity;
	else if (s->hives_whole && b->j->acquired > last)
		e->removal.not_after = b->j->acquired;
	else
		qualify(e, "the state at acquisition could not be read completely");
	qualify(e, "no record of the removal itself was found");
}

static void collect_qualifications(const struct building *b, struct episode *e)
{
	for (int k = 0; k < 2; k++) {
		const size_t at = e->removed_by[k];

		if (!e->removed || at == NO_WITNESS)
			continue;
		if (b->w[at - b->first].qualified && k == 1)
			qualify(e, b->w[at - b->first].qualified);
		if (b->w[at - b->first].clock_suspect)
			qualify(e, "a deciding time was written by a clock that is suspect");
	}
}

/* -- the history -------------------------------------------------------------------------- */

enum { EPISODES_MAX = 64 };

/* The stay that begins with positive p, or (NO_WITNESS) of which only the end is recorded. */
static int64_t build_episode(struct building *b, const struct product_history *h,
			     struct episode *e, size_t p, size_t negative, int64_t after)
{
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
			qualify(e, "a removal was recorded but essential parts still stand");
		}
	} else if (h->state != STATE_INSTALLED) {
		set_unseen_removal(b, e, after);
	}
	set_installed(b, e, p, after, until);
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
	struct past past = { BOUND_OPEN_START, BOUND_OPEN_START };
	size_t n = 0;

	if (!episodes)
		return failure_set(why, ERR_NO_MEMORY, "episodes");
	while (n < EPISODES_MAX) {
		size_t p = next_positive(b, past.ended);
		size_t negative = next_bare_end(b, past, p);

		if (negative != NO_WITNESS)
			p = NO_WITNESS;
		else if (p != NO_WITNESS)
			negative = next_negative(b, b->w[p].when.not_before, past.ended);
		else if (n || (h->state != STATE_INSTALLED && !has_undated_proof(b)))
			break;
		past.began = p == NO_WITNESS ? past.ended : b->w[p].when.not_before;
		past.ended = build_episode(b, h, &episodes[n++], p, negative, past.ended);
		if (negative == NO_WITNESS)
			break;
	}
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
		h->named |= witness_names_product(&b->w[i]);
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
	h.state = state_at_acquisition(judging, b.w, n);
	drop_false_ends(&b);

	enum status status = build_episodes(&b, &h, why);

	if (status >= 0)
		status = list_residue(&b, &h, why);
	*ret = h;
	return status;
}
