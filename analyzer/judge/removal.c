/* SPDX-License-Identifier: Apache-2.0 */
/* When a stay ended: its bounds, from the witnesses of its end and of its last proof. */
#include "analyzer/judge/building.h"

void episode_qualify(struct episode *e, const char *reason)
{
	for (size_t i = 0; i < e->n_qualified; i++)
		if (strcmp(e->qualified[i], reason) == 0)
			return;
	if (reason && e->n_qualified < sizeof(e->qualified) / sizeof(e->qualified[0]))
		e->qualified[e->n_qualified++] = reason;
}

size_t last_positive(const struct building *b, int64_t after, int64_t until)
{
	size_t best = NO_WITNESS;

	for (size_t i = 0; i < b->n; i++)
		if (is_positive(&b->w[i]) && bound_has_start(b->w[i].when) &&
		    !(b->w[i].clock_suspect && b->w[i].when.not_after > until) &&
		    b->w[i].when.not_before > after && b->w[i].when.not_before <= until &&
		    (best == NO_WITNESS ||
		     b->w[i].when.not_before > b->w[best].when.not_before))
			best = i;
	return best;
}

/* A restart later than this after a removal is not the one that files waited for. */
static const int64_t tail_until_boot = 24 * TICKS_PER_HOUR;

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

/* How far after a removal its own aftermath reaches. */
static int64_t tail_end(int64_t removal, int64_t boot)
{
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
 * not bound the whole. So the last of the ends that belong to the act closes it, and since no record
 * of the installer says that it was over then, its aftermath: until the next boot within an hour, or
 * a quarter of an hour.
 */
static void extend_to_all_parts(struct building *b, struct episode *e, int64_t tail,
				int64_t coming)
{
	const int64_t first = e->removal.not_after;
	const int64_t last = tail > ticks_add(first, ONE_ACT) ? ticks_add(first, ONE_ACT) : tail;
	bool program = false;

	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		/* A weak end closes nothing, but it may tell that the act was not over. */
		if (w->assertion != ASSERTS_END || (b->dropped[i] && !w->weak) || !w->trace ||
		    w->when.not_after < first || w->when.not_after > last)
			continue;
		program |= is_of_program(w);
		if (w->when.not_after <= e->removal.not_after)
			continue;
		e->removal.not_after = w->when.not_after;
		e->removed_by[1] = b->first + i;
	}

	const int64_t boot = next_boot(b, e->removal.not_after);
	const int64_t gone = boot && boot - e->removal.not_after < ONE_ACT ?
		boot : ticks_add(e->removal.not_after, TAIL_WITHOUT_BOOT);

	e->removal.not_after = coming && coming < gone ? coming : gone;
	if (!program)
		episode_qualify(e, "when the program file itself went is not recorded");
}

/* What waited for a restart went at it, or as long after as the journal tells of its deletion. */
static int64_t after_restart(const struct building *b, struct episode *e, int64_t boot)
{
	int64_t last = boot;

	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (!trace_is(w->trace, "ntfs.usn") || w->assertion == ASSERTS_PRESENT ||
		    w->when.not_after <= last || w->when.not_after > ticks_add(boot, ONE_ACT))
			continue;
		last = w->when.not_after;
		e->removed_by[1] = b->first + i;
	}
	return last;
}

/*
 * By when what is not there as acquired had gone: the latest that any recorder gives, where several
 * kinds of them tell until when the machine ran; else only the acquisition is sure.
 */
static int64_t state_as_acquired(const struct building *b)
{
	const struct system *s = &b->j->systems[b->w[0].system];
	const int64_t ran = s->last_reading > s->last_activity ? s->last_reading : s->last_activity;

	return b->j->acquired && (s->ran_ahead || !s->several_recorders || ran == 0) ?
		       b->j->acquired : ran;
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
	return s->hives_whole && s->files_whole && state_as_acquired(b) > removal ?
		       state_as_acquired(b) : BOUND_OPEN_END;
}

/* Whether a recorder of the system reaches over a time without a break. */
static bool recorder_spans(const struct building *b, const char *recorder, int64_t from,
			   int64_t until)
{
	const struct case_contents *c = b->j->contents;

	for (size_t i = 0; i < c->n_coverage; i++) {
		const struct case_coverage *span = &c->coverage[i];
		const struct case_source *source = find_source(c, span->source);

		if (source && strcmp(span->recorder, recorder) == 0 &&
		    instant_is_set(span->from) && span->from.ticks <= from &&
		    instant_is_set(span->to) && span->to.ticks >= until &&
		    system_of_source(c, b->j->systems, b->j->n_systems, source) == b->w[0].system)
			return true;
	}
	return false;
}

/*
 * Where the journal spans all the time from the removal to the state as acquired, what is gone then
 * was gone by its last deletion of a program or driver of the product; NO_WITNESS where it does not,
 * or names none.
 */
static size_t last_deletion(const struct building *b, int64_t removal)
{
	const int64_t gone = gone_as_acquired(b, removal);
	size_t last = NO_WITNESS;

	if (gone == BOUND_OPEN_END ||
	    !recorder_spans(b, "change journal", removal, ticks_add(gone, -TICKS_PER_DAY)))
		return NO_WITNESS;
	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (trace_is(w->trace, "ntfs.usn") && w->assertion != ASSERTS_PRESENT &&
		    w->when.not_after > removal &&
		    (last == NO_WITNESS || w->when.not_after > b->w[last].when.not_after))
			last = i;
	}
	return last;
}

/*
 * By when what waited for a restart was gone: the next boot; where the log that tells of boots does
 * not reach back to the removal, the journal's word, else the first boot it tells of; without one
 * the state as acquired.
 */
static void close_by_restart(struct building *b, struct episode *e, int64_t boot)
{
	const int64_t removal = e->removal.not_after;

	e->removal.not_after = boot ? after_restart(b, e, boot) : gone_as_acquired(b, removal);
	if (boot && recorder_spans(b, "event log System", removal, boot))
		return;

	const size_t deletion = last_deletion(b, removal);

	if (deletion != NO_WITNESS && b->w[deletion].when.not_after < e->removal.not_after) {
		e->removal.not_after = b->w[deletion].when.not_after;
		e->removed_by[1] = b->first + deletion;
	}
}

/* The first record that the product was installed again, within (after, until]; 0: none. */
static int64_t next_coming(const struct building *b, int64_t after, int64_t until)
{
	int64_t first = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (w->assertion == ASSERTS_BEGIN && w->whole_act && !w->weak &&
		    w->when.not_before > after && w->when.not_before <= until &&
		    (first == 0 || w->when.not_before < first))
			first = w->when.not_before;
	}
	return first;
}

/* The installer's own record, within an hour and before another installation, closes the act. */
static void close_by_installer(struct building *b, struct episode *e, const struct witness *end)
{
	const int64_t hour = ticks_add(end->when.not_after, ONE_ACT);
	const int64_t coming = next_coming(b, end->when.not_after, hour);

	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (w->assertion != ASSERTS_END || !is_msi_act(w) || b->dropped[i] ||
		    w->when.not_after < end->when.not_after || w->when.not_before > hour ||
		    (coming && w->when.not_before > coming))
			continue;
		e->act = trace_instant(&w->trace->trace, "time").ticks; /* as it was written */
		e->removal = w->when;
		e->removed_by[0] = e->removed_by[1] = b->first + i;
	}
}

/* Whether anything of another stay is recorded after an instant: presence, or a removal. */
static bool is_followed(const struct building *b, int64_t at)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (w->assertion == ASSERTS_END && w->whole_act && !b->dropped[i] &&
		    w->when.not_after > ticks_add(at, ONE_ACT))
			return true;
		if (is_positive(w) && bound_has_start(w->when) && w->when.not_before > at)
			return true;
	}
	return false;
}

/* It lasted at least until the last proof of presence within (after, until]. */
static void keep_until_last_proof(struct building *b, struct episode *e, int64_t after,
				  int64_t until)
{
	const size_t seen = last_positive(b, after, until);
	const int64_t at = seen == NO_WITNESS ? BOUND_OPEN_START : b->w[seen].when.not_before;

	if (at <= e->removal.not_before)
		return;
	if (at <= e->removal.not_after) {
		e->removal.not_before = at;
		e->removed_by[0] = b->first + seen;
	} else {
		/* It still worked after its removal was recorded: that ends with the boot. */
		e->removal.not_after = until;
		episode_qualify(e, "records of the product follow the end of its removal");
	}
}

int64_t set_removal(struct building *b, struct episode *e, int64_t after, size_t negative)
{
	const struct witness *end = &b->w[negative];
	const int64_t boot = next_boot(b, end->when.not_after);
	const int64_t tail = tail_end(end->when.not_after, boot);

	e->removed = true;
	/* What was absent at a time had gone by then; since when is another matter. */
	e->removal = end->assertion == ASSERTS_END ? end->when : bound_until(end->when.not_after);
	e->removed_by[0] = bound_has_start(e->removal) ? b->first + negative : NO_WITNESS;
	e->removed_by[1] = b->first + negative;
	close_by_installer(b, e, end);

	/* What lies within a doubtful end may be of the stay that follows, where one does. */
	const bool unsure = end->clock_suspect && is_followed(b, end->when.not_after);
	const int64_t coming = next_coming(b, e->removal.not_after, tail);

	if (e->act == 0 && end->assertion == ASSERTS_END)
		extend_to_all_parts(b, e, coming ? coming : tail, coming);
	if (coming) {
		if (!unsure)
			keep_until_last_proof(b, e, after, e->removal.not_after);
		return e->removal.not_after;
	}
	if (!unsure)
		keep_until_last_proof(b, e, after, tail);
	e->restart_pending = restart_due_after(b, e->removal.not_after);
	if (e->restart_pending)
		close_by_restart(b, e, boot);
	return tail > e->removal.not_after || !bound_has_end(e->removal) ? tail :
									   e->removal.not_after;
}

void set_unseen_removal(struct building *b, struct episode *e, int64_t after)
{
	const struct system *s = &b->j->systems[b->w[0].system];
	const size_t seen = last_positive(b, after, INT64_MAX);
	const int64_t last = seen == NO_WITNESS ? after : b->w[seen].when.not_before;

	e->removed = true;
	e->removal = bound_between(last, BOUND_OPEN_END);
	e->removed_by[0] = seen == NO_WITNESS ? NO_WITNESS : b->first + seen;
	e->removed_by[1] = NO_WITNESS;
	if (s->hives_whole && state_as_acquired(b) > last)
		e->removal.not_after = state_as_acquired(b);
	else if (s->hives_whole && b->j->acquired > last)
		e->removal.not_after = b->j->acquired;
	else
		episode_qualify(e, "the state at acquisition could not be read completely");
	episode_qualify(e, "no record of the removal itself was found");
}
