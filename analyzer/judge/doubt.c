/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/doubt.h"

#include "parsers/base/text.h"

const char *doubt_kind_name(enum doubt_kind kind)
{
	static const char *const names[] = {
		[DOUBT_TIME_CHANGE] = "time-change",
		[DOUBT_RECORD_ORDER] = "record-order",
		[DOUBT_USN_ORDER] = "usn-order",
		[DOUBT_AFTER_ACQUISITION] = "after-acquisition",
		[DOUBT_BEFORE_SYSTEM] = "before-system",
		[DOUBT_OLDER_STATE] = "older-state",
		[DOUBT_FILE_TIMES] = "file-times",
	};

	return names[kind];
}

enum status doubt_add(struct doubting *d, const struct doubt *doubt, struct failure *why)
{
	if (!doubt->text.data)
		return failure_set(why, ERR_NO_MEMORY, "doubts");
	if (d->n == d->room) {
		const size_t room = d->room ? d->room * 2 : 32;
		struct doubt *items = arena_array(d->arena, room, sizeof(*items));

		if (!items)
			return failure_set(why, ERR_NO_MEMORY, "doubts");
		if (d->n)
			memcpy(items, d->items, d->n * sizeof(*items));
		d->items = items;
		d->room = room;
	}
	d->items[d->n] = *doubt;
	d->items[d->n++].latest = d->acquired;
	return STATUS_OK;
}

size_t doubting_system(const struct doubting *d, const struct case_trace *t)
{
	const struct case_source *source = find_source(d->contents, t->source);

	if (!source || sample_of_source(d->contents, source) != SAMPLE_LIVE ||
	    (t->trace.recovery != RECOVERY_ALLOCATED &&
	     t->trace.recovery != RECOVERY_LOG_REPLAYED))
		return NO_SYSTEM;
	return system_of_source(d->contents, d->systems, d->n_systems, source);
}

/* Among findings of one kind the earlier stretch first; equal runs give equal reports. */
static int by_system_and_time(const void *a, const void *b)
{
	const struct doubt *x = a, *y = b;

	if (x->system != y->system)
		return x->system < y->system ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->trace->id > y->trace->id) - (x->trace->id < y->trace->id);
}

enum status doubts_find(struct arena *arena, const struct case_contents *contents,
			const struct system *systems, size_t n_systems, int64_t acquired,
			struct doubt **ret, size_t *ret_n, struct failure *why)
{
	struct doubting d = { .arena = arena,
			      .contents = contents,
			      .systems = systems,
			      .n_systems = n_systems,
			      .acquired = acquired };
	enum status status = doubts_of_changes(&d, why);

	if (status >= 0)
		status = doubts_of_readings(&d, why);
	if (status >= 0)
		status = doubts_of_files(&d, why);
	if (d.n)
		qsort(d.items, d.n, sizeof(*d.items), by_system_and_time);
	*ret = d.items;
	*ret_n = d.n;
	return status;
}

bool doubting_explains(const struct doubting *d, size_t system, int64_t reading)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].system == system && d->items[i].returned &&
		    reading >= d->items[i].from && reading <= d->items[i].to)
			return true;
	return false;
}

/* -- what a doubt makes of a reading -------------------------------------------------------- */

/* Both ends of a bound are of one reading, such as a day, if they are no further apart. */
static const int64_t one_reading = 3 * TICKS_PER_DAY;

/* All doubts of one system. */
struct doubted {
	const struct doubt *items;
	size_t n, system;
};

/* Whether some doubt concerns a clock reading in [from, to]. */
static bool concerns(const struct doubted *all, const struct doubt *d, int64_t from, int64_t to)
{
	return d->system == all->system && !d->of_trace && from <= d->to && to >= d->from;
}

static bool is_sure(const struct doubted *all, int64_t reading)
{
	for (size_t i = 0; i < all->n; i++)
		if (concerns(all, &all->items[i], reading, reading))
			return false;
	return true;
}

/*
 * Whether the log that holds a record shows that its time is wrong: a record behind it has an earlier
 * time (or one before it a later), which is in no doubt.
 */
static bool is_out_of_order(const struct doubted *all, const struct case_trace *fall,
			    const struct case_trace *record, struct bound read)
{
	const uint64_t number = trace_uint(&record->trace, "record");
	const int64_t before = trace_instant(&fall->trace, "time_before").ticks;
	const int64_t after = trace_instant(&fall->trace, "time_after").ticks;

	if (fall->source != record->source || number == 0 ||
	    record->trace.recovery != RECOVERY_ALLOCATED || trace_uint(&record->trace, "unsound"))
		return false;
	if (number <= trace_uint(&fall->trace, "record_before"))
		return read.not_before > after && is_sure(all, after);
	return number >= trace_uint(&fall->trace, "record_after") && read.not_after < before &&
	       is_sure(all, before);
}

/* Whether what was read cannot be the true time: then the clock was out when it was read. */
static bool is_wrong(const struct doubted *all, const struct doubt *d,
		     const struct case_trace *record, struct bound read)
{
	if (d->latest && read.not_before > ticks_add(d->latest, after_acquisition_slack))
		return true;
	for (size_t i = 0; record && i < d->n_falls; i++)
		if (is_out_of_order(all, d->falls[i], record, read))
			return true;
	return false;
}

/*
 * Where all that casts doubt on a reading are clocks set wrong and right again, and it is certain to be
 * wrong: it was read in one of those times.
 */
static bool place(const struct doubted *all, const struct case_trace *record, struct bound *reading)
{
	struct bound in = { BOUND_OPEN_END, BOUND_OPEN_START };
	bool wrong = false;

	for (size_t i = 0; i < all->n; i++) {
		const struct doubt *d = &all->items[i];

		if (!concerns(all, d, reading->not_before, reading->not_after))
			continue;
		if (!d->returned)
			return false;
		wrong |= is_wrong(all, d, record, *reading);
		in.not_before = d->left < in.not_before ? d->left : in.not_before;
		in.not_after = d->returned > in.not_after ? d->returned : in.not_after;
	}
	if (wrong)
		*reading = in;
	return wrong;
}

/* Widens one reading; false when nothing casts doubt on it. */
static bool doubt_reading(const struct doubted *all, const struct case_trace *record,
			  struct bound *reading)
{
	const struct bound read = *reading;
	int64_t least = 0, most = 0, latest = 0;
	bool back = false, any = false;

	if (place(all, record, reading))
		return true;
	for (size_t i = 0; i < all->n; i++) {
		const struct doubt *d = &all->items[i];

		if (!concerns(all, d, read.not_before, read.not_after))
			continue;
		latest = d->latest;
		least = d->least < least ? d->least : least;
		most = d->most > most ? d->most : most;
		back |= d->unbounded_back || d->unbounded;
		any |= d->unbounded;
	}
	if (least == 0 && most == 0 && !back)
		return false;
	*reading = bound_widen(read, least, most);
	if (back)
		reading->not_before = BOUND_OPEN_START;
	if (any)
		reading->not_after = latest ? latest : BOUND_OPEN_END;
	/* Nothing that is on the evidence happened after it was acquired. */
	if (latest && reading->not_after > latest && reading->not_before <= latest)
		reading->not_after = latest;
	return true;
}

bool doubts_apply(const struct doubt *doubts, size_t n_doubts, size_t system,
		  const struct case_trace *trace, struct bound *bound)
{
	const struct doubted all = { doubts, n_doubts, system };
	struct bound first = bound_at(bound->not_before), last = bound_at(bound->not_after);
	bool any = false;

	if (bound_has_start(*bound) && bound_has_end(*bound) &&
	    bound->not_after - bound->not_before <= one_reading)
		return doubt_reading(&all, trace, bound);
	if (bound_has_start(*bound) && doubt_reading(&all, trace, &first)) {
		bound->not_before = first.not_before;
		any = true;
	}
	if (bound_has_end(*bound) && doubt_reading(&all, trace, &last)) {
		bound->not_after = last.not_after;
		any = true;
	}
	if (bound->not_before > bound->not_after)
		bound->not_before = BOUND_OPEN_START;
	return any;
}

bool doubt_matters(const struct doubt *d, const struct judgement *all, const struct episode *e,
		   int64_t deadline)
{
	bool suspect = false;

	if (d->of_trace) /* the witnesses that rest on it are qualified themselves */
		return false;
	if (deadline >= d->from && deadline <= d->to)
		return true;
	if (!e || !e->removed)
		return false;
	for (int k = 0; k < 2; k++)
		suspect |= e->removed_by[k] != NO_WITNESS &&
			   all->witnesses[e->removed_by[k]].clock_suspect;

	const int64_t from = suspect ? ticks_add(d->from, d->least) : d->from;
	const int64_t to = suspect ? ticks_add(d->to, d->most) : d->to;

	return (bound_has_start(e->removal) || d->unbounded_back || suspect) &&
	       e->removal.not_before <= to && e->removal.not_after >= from;
}

const struct doubt *doubt_of_state(const struct doubt *doubts, size_t n_doubts, size_t system,
				   int64_t deadline)
{
	for (size_t i = 0; i < n_doubts; i++)
		if (doubts[i].kind == DOUBT_OLDER_STATE && doubts[i].system == system &&
		    doubts[i].from < deadline)
			return &doubts[i];
	return NULL;
}
