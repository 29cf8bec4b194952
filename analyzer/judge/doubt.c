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

static bool falls_into(const struct doubt *d, struct bound b)
{
	return (bound_has_start(b) && b.not_before >= d->from && b.not_before <= d->to) ||
	       (bound_has_end(b) && b.not_after >= d->from && b.not_after <= d->to);
}

bool doubts_apply(const struct doubt *doubts, size_t n_doubts, size_t system, struct bound *bound)
{
	const struct bound read = *bound;
	int64_t least = 0, most = 0, latest = 0;
	bool back = false, any = false;

	for (size_t i = 0; i < n_doubts; i++) {
		const struct doubt *d = &doubts[i];

		if (d->system != system || d->of_trace || !falls_into(d, read))
			continue;
		latest = d->latest;
		least = d->least < least ? d->least : least;
		most = d->most > most ? d->most : most;
		back |= d->unbounded_back || d->unbounded;
		any |= d->unbounded;
	}
	if (least == 0 && most == 0 && !back)
		return false;
	*bound = bound_widen(read, least, most);
	if (back)
		bound->not_before = BOUND_OPEN_START;
	if (any)
		bound->not_after = latest ? latest : BOUND_OPEN_END;
	/* Nothing that is on the evidence happened after it was acquired. */
	if (latest && bound_has_end(*bound) && bound->not_after > latest &&
	    (!bound_has_start(*bound) || bound->not_before <= latest))
		bound->not_after = latest;
	return true;
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
