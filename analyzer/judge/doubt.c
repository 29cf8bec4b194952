/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "analyzer/judge/system.h"

/* Corrections smaller than this are what time services make every day. */
static const int64_t ordinary_correction = 5 * TICKS_PER_MINUTE;
/* A jump that another undoes within this share of its size is one excursion of the clock. */
enum { MATCH_TENTHS = 3 };

struct jump {
	int64_t before, after; /* clock readings around the change */
	uint64_t record;       /* order within the log */
	const struct case_trace *trace;
	bool used;
};

static int64_t jump_size(const struct jump *j)
{
	return j->after - j->before;
}

static int64_t magnitude(int64_t n)
{
	return n < 0 ? -n : n;
}

/* The two kinds of record that show a clock change; false for any other trace. */
static bool jump_of(const struct case_trace *t, struct jump *ret)
{
	const char *name = t->trace.type->name;
	struct instant before, after;

	if (strcmp(name, "windows.event.time-change") == 0) {
		before = trace_instant(&t->trace, "old_time");
		after = trace_instant(&t->trace, "new_time");
		ret->record = trace_uint(&t->trace, "record");
	} else if (strcmp(name, "windows.event.time-jump") == 0) {
		before = trace_instant(&t->trace, "time_before");
		after = trace_instant(&t->trace, "time_after");
		ret->record = trace_uint(&t->trace, "record_after");
	} else {
		return false;
	}
	if (!instant_is_set(before) || !instant_is_set(after))
		return false;
	ret->before = before.ticks;
	ret->after = after.ticks;
	ret->trace = t;
	return magnitude(jump_size(ret)) > ordinary_correction;
}

static int by_source_and_record(const void *a, const void *b)
{
	const struct jump *x = a, *y = b;

	if (x->trace->source != y->trace->source)
		return x->trace->source < y->trace->source ? -1 : 1;
	if (x->record != y->record)
		return x->record < y->record ? -1 : 1;
	return (x->trace->id > y->trace->id) - (x->trace->id < y->trace->id);
}

/* The later jump of the same log that takes this one back; NULL when none does. */
static struct jump *undoing(struct jump *jumps, size_t n, size_t i)
{
	const int64_t size = jump_size(&jumps[i]);

	for (size_t k = i + 1; k < n && jumps[k].trace->source == jumps[i].trace->source; k++) {
		const int64_t back = jump_size(&jumps[k]);

		if (jumps[k].used || (back < 0) == (size < 0))
			continue;
		if (magnitude(size + back) * 10 <= magnitude(size) * MATCH_TENTHS)
			return &jumps[k];
	}
	return NULL;
}

static void describe(struct arena *arena, struct doubt *d, const struct jump *j)
{
	char before[INSTANT_TEXT_SIZE], after[INSTANT_TEXT_SIZE];

	d->trace = j->trace;
	d->text = text_of(arena_printf(arena,
				       "the clock was moved from %s to %s: readings between %s "
				       "and %s are doubtful",
				       ticks_format(j->before, before),
				       ticks_format(j->after, after),
				       ticks_format(d->from, before), ticks_format(d->to, after)));
}

/*
 * What one jump casts doubt on. An excursion that was undone: the readings within it. A step
 * back that nothing undid: the readings that occurred twice. A step forward that stands is the
 * ordinary correction after a sleep or an empty battery: what came before it ran behind.
 */
static bool doubt_of(struct arena *arena, struct jump *jumps, size_t n, size_t i, struct doubt *d)
{
	struct jump *j = &jumps[i], *back = undoing(jumps, n, i);
	const int64_t size = jump_size(j);

	if (back) {
		back->used = true;
		d->from = j->after < back->before ? j->after : back->before;
		d->to = j->after < back->before ? back->before : j->after;
		d->least = size < 0 ? 0 : -size;
		d->most = size < 0 ? -size : 0;
	} else if (size < 0) {
		d->from = j->after;
		d->to = j->before;
		d->least = size;
		d->most = -size;
	} else {
		return false;
	}
	describe(arena, d, j);
	return true;
}

enum status doubts_find(struct arena *arena, const struct case_contents *contents,
			const struct system *systems, size_t n_systems, struct doubt **ret,
			size_t *ret_n, struct failure *why)
{
	struct jump *jumps = arena_array(arena, contents->n_traces + 1, sizeof(*jumps));
	size_t n = 0, found = 0;

	if (!jumps)
		return failure_set(why, ERR_NO_MEMORY, "clock changes");
	for (size_t i = 0; i < contents->n_traces; i++)
		n += jump_of(&contents->traces[i], &jumps[n]);
	qsort(jumps, n, sizeof(*jumps), by_source_and_record);

	struct doubt *doubts = arena_array(arena, n + 1, sizeof(*doubts));

	if (!doubts)
		return failure_set(why, ERR_NO_MEMORY, "clock changes");
	for (size_t i = 0; i < n; i++) {
		const struct case_source *source = find_source(contents, jumps[i].trace->source);
		struct doubt *d = &doubts[found];

		if (jumps[i].used || !source)
			continue;
		d->system = system_of_source(contents, systems, n_systems, source);
		if (d->system != NO_SYSTEM && doubt_of(arena, jumps, n, i, d))
			found++;
	}
	*ret = doubts;
	*ret_n = found;
	return STATUS_OK;
}

bool doubts_apply(const struct doubt *doubts, size_t n_doubts, size_t system, struct bound *bound)
{
	int64_t least = 0, most = 0;

	for (size_t i = 0; i < n_doubts; i++) {
		const struct doubt *d = &doubts[i];
		const bool starts = bound_has_start(*bound) && bound->not_before >= d->from &&
				    bound->not_before <= d->to;
		const bool ends = bound_has_end(*bound) && bound->not_after >= d->from &&
				  bound->not_after <= d->to;

		if (d->system != system || (!starts && !ends))
			continue;
		least = d->least < least ? d->least : least;
		most = d->most > most ? d->most : most;
	}
	if (least == 0 && most == 0)
		return false;
	*bound = bound_widen(*bound, least, most);
	return true;
}
