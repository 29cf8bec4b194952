/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "analyzer/judge/doubt.h"
#include "parsers/base/text.h"

/* Corrections smaller than this are what time services make every day. */
static const int64_t ordinary_correction = 5 * TICKS_PER_MINUTE;
/* A jump that another undoes within this share of its size is one excursion of the clock. */
enum { MATCH_TENTHS = 3 };
/* Kernel-General 1, Reason: the clock was set by a program, not after a sleep (clock.c). */
enum { REASON_PROGRAM = 1 };
/* A log writes its next record within this time of a change of the clock. */
static const int64_t same_change = 30 * TICKS_PER_DAY;

/* A log or journal of a running machine gets a record at least this often. */
static const int64_t records_pause = TICKS_PER_DAY;

/* How long a clock that nothing records as changed is allowed to have been wrong. */
static const int64_t longest_excursion = 30 * TICKS_PER_DAY;

struct jump {
	enum doubt_kind kind;
	int64_t before, after; /* clock readings around the change */
	uint64_t record;       /* order within the log */
	const struct case_trace *trace;
	size_t system;
	bool used;
};

static int64_t jump_size(const struct jump *j)
{
	return j->after - j->before;
}

/* The kinds of record that show a clock change; false for any other trace. */
static bool jump_of(const struct doubting *d, const struct case_trace *t, struct jump *ret)
{
	static const struct {
		const char *type, *before, *after, *record;
		enum doubt_kind kind;
	} kinds[] = {
		{ "windows.event.time-change", "old_time", "new_time", "record", DOUBT_TIME_CHANGE },
		{ "windows.event.time-jump", "time_before", "time_after", "record_after",
		  DOUBT_RECORD_ORDER },
		{ "ntfs.usn-jump", "time_before", "time_after", "usn_after", DOUBT_USN_ORDER },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!trace_type_is(t, kinds[i].type))
			continue;

		const struct instant before = trace_instant(&t->trace, kinds[i].before);
		const struct instant after = trace_instant(&t->trace, kinds[i].after);

		*ret = (struct jump){ .kind = kinds[i].kind,
				      .before = before.ticks,
				      .after = after.ticks,
				      .record = trace_uint(&t->trace, kinds[i].record),
				      .trace = t,
				      .system = doubting_system(d, t) };
		/* A record among damaged ones shows no change. */
		return instant_is_set(before) && instant_is_set(after) &&
		       ret->system != NO_SYSTEM && !trace_uint(&t->trace, "unsound") &&
		       magnitude(jump_size(ret)) > ordinary_correction;
	}
	return false;
}

static int by_source_and_record(const void *a, const void *b)
{
	const struct jump *x = a, *y = b;

	if (x->trace->source != y->trace->source)
		return x->trace->source < y->trace->source ? -1 : 1;
	if (x->record != y->record)
		return x->record < y->record ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->trace->id > y->trace->id) - (x->trace->id < y->trace->id);
}

/*
 * Whether a fall of times is what a recorded change already says: it lies within the change, and
 * one end of it close to the change's own.
 */
static bool tells_of(const struct jump *j, const struct jump *fall)
{
	return j->kind == DOUBT_TIME_CHANGE && fall->kind != DOUBT_TIME_CHANGE &&
	       j->system == fall->system && fall->before <= j->before + ordinary_correction &&
	       fall->after >= j->after - ordinary_correction &&
	       (j->before - fall->before < same_change || fall->after - j->after < same_change);
}

static bool is_told(const struct jump *jumps, size_t n, const struct jump *fall)
{
	for (size_t k = 0; k < n; k++)
		if (tells_of(&jumps[k], fall))
			return true;
	return false;
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

/* What sets the clock of a machine by a time source, and that of a guest when it goes on. */
static bool by_time_service(const struct trace *t)
{
	static const char *const services[] = { "svchost.exe", "vmtoolsd.exe", "VBoxService.exe",
						"vmms.exe" };
	const struct text name = path_base_name(trace_text(t, "process"));

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (text_equal_folded(name, text_of(services[i])))
			return true;
	return false;
}

/* A guest stands still while it is paused: its clock was right before, and is set forward after. */
static bool by_host(const struct trace *t)
{
	return by_time_service(t) && !text_equal_folded(path_base_name(trace_text(t, "process")),
							TEXT("svchost.exe"));
}

/* Whether a program set the clock, and not the system after a sleep, which goes forward only. */
static bool by_program(const struct jump *j)
{
	const struct value *reason = trace_get(&j->trace->trace, "reason");

	return j->kind == DOUBT_TIME_CHANGE &&
	       (reason->kind == VALUE_UINT ? reason->uint == REASON_PROGRAM :
					     jump_size(j) < 0 ||
						     trace_text(&j->trace->trace, "process").size > 0);
}

/*
 * A change that a program other than a time service made: of an hour or more where the record does not
 * name it.
 */
static bool by_hand(const struct jump *j)
{
	return by_program(j) && !by_time_service(&j->trace->trace) &&
	       (magnitude(jump_size(j)) >= TICKS_PER_HOUR ||
		trace_text(&j->trace->trace, "process").size > 0);
}

/* A step forward that says that the clock had been behind. */
static bool was_behind(const struct jump *j)
{
	return jump_size(j) > 0 && by_program(j) && !by_host(&j->trace->trace);
}

/* The last start of the system that the same log records before a change; 0 when none is. */
static int64_t boot_before(const struct doubting *d, const struct jump *j)
{
	int64_t boot = 0;
	uint64_t record = 0;

	for (size_t i = 0; i < d->contents->n_traces; i++) {
		const struct case_trace *t = &d->contents->traces[i];
		const uint64_t number = t->source == j->trace->source &&
					trace_type_is(t, "windows.event.boot") ?
			trace_uint(&t->trace, "record") : 0;

		if (number > record && number < j->record) {
			record = number;
			boot = trace_instant(&t->trace, "time").ticks;
		}
	}
	return boot;
}

static struct text told(struct arena *arena, const struct jump *j, const struct doubt *d,
			const char *what)
{
	static const char *const shown[] = {
		[DOUBT_TIME_CHANGE] = "the clock was moved",
		[DOUBT_RECORD_ORDER] = "event record numbers rise while their times fall",
		[DOUBT_USN_ORDER] = "change journal numbers rise while their times fall",
	};
	char before[INSTANT_TEXT_SIZE], after[INSTANT_TEXT_SIZE];
	char from[INSTANT_TEXT_SIZE], to[INSTANT_TEXT_SIZE];

	if (d->to == INT64_MAX)
		return text_of(arena_printf(arena, "%s from %s to %s%s: readings from %s on are doubtful",
					    shown[j->kind], ticks_format(j->before, before),
					    ticks_format(j->after, after), what,
					    ticks_format(d->from, from)));
	return text_of(arena_printf(arena, "%s from %s to %s%s: readings between %s and %s are doubtful",
				    shown[j->kind], ticks_format(j->before, before),
				    ticks_format(j->after, after), what,
				    ticks_format(d->from, from), ticks_format(d->to, to)));
}

/*
 * An excursion whose both changes one log records, in this order: what was read in it happened between
 * them. By as much as they do not cancel out the clock may have been off before it or after it.
 */
static enum status place_excursion(struct doubting *d, const struct jump *jumps, size_t n,
				   const struct jump *j, const struct jump *back,
				   struct doubt *ret, struct failure *why)
{
	const struct jump *down = jump_size(j) < 0 ? j : back;
	const int64_t rest = magnitude(jump_size(j) + jump_size(back));
	const struct case_trace **falls = arena_array(d->arena, n, sizeof(*falls));

	if (!falls)
		return failure_set(why, ERR_NO_MEMORY, "clock changes");
	if (j->kind != DOUBT_TIME_CHANGE || back->kind != DOUBT_TIME_CHANGE ||
	    rest > ordinary_correction || j->after > back->before || j->before > back->after)
		return STATUS_OK;
	ret->left = j->before - rest;
	ret->returned = back->after + rest;
	ret->falls = falls;
	for (size_t i = 0; i < n; i++)
		if (jumps[i].kind == DOUBT_RECORD_ORDER && tells_of(down, &jumps[i]))
			falls[ret->n_falls++] = jumps[i].trace;
	return STATUS_OK;
}

/* An excursion that was undone: the readings within it. */
static enum status add_excursion(struct doubting *d, const struct jump *jumps, size_t n,
				 const struct jump *j, const struct jump *back, struct failure *why)
{
	const int64_t size = jump_size(j);
	struct doubt doubt = { .kind = j->kind,
			       .system = j->system,
			       .from = j->after < back->before ? j->after : back->before,
			       .to = j->after < back->before ? back->before : j->after,
			       .least = size < 0 ? 0 : -size,
			       .most = size < 0 ? -size : 0,
			       .trace = j->trace };

	const enum status status = place_excursion(d, jumps, n, j, back, &doubt, why);

	if (status < 0)
		return status;
	doubt.text = told(d->arena, j, &doubt, " and back again");
	return doubt_add(d, &doubt, why);
}

/*
 * What only the order of records shows tells where the clock fell, not since when it had run ahead,
 * nor until when it ran behind.
 */
static enum status add_unrecorded(struct doubting *d, const struct jump *j, struct failure *why)
{
	const int64_t size = j->before - j->after + records_pause;
	struct doubt doubt = { .kind = j->kind,
			       .system = j->system,
			       .from = j->after - longest_excursion,
			       .to = j->after - records_pause - 1,
			       .least = -size,
			       .trace = j->trace };
	enum status status;

	doubt.text = told(d->arena, j, &doubt, ", and nothing records since when it ran ahead");
	status = doubt_add(d, &doubt, why);
	if (status < 0)
		return status;
	doubt.from = j->before + records_pause + 1;
	doubt.to = j->before + longest_excursion;
	doubt.least = 0;
	doubt.most = size;
	doubt.text = told(d->arena, j, &doubt, ", and nothing records until when it ran behind");
	return doubt_add(d, &doubt, why);
}

/*
 * A change that stands: was the clock wrong before it or after it? A step back makes readings
 * occur twice, and those are in doubt whoever made it. Where a program set it forward, what was read
 * since the system started may be behind. What no time service set may be wrong from then on.
 */
static enum status add_standing(struct doubting *d, const struct jump *j, struct failure *why)
{
	const int64_t size = jump_size(j);
	struct doubt doubt = { .kind = j->kind, .system = j->system, .trace = j->trace };
	enum status status = STATUS_OK;

	if (size < 0) {
		/* The order of records shows less than the step by the pauses beside it. */
		const int64_t pauses = j->kind == DOUBT_TIME_CHANGE ? 0 : records_pause;

		doubt.from = j->after - pauses;
		doubt.to = j->before + pauses;
		doubt.least = size - pauses;
		doubt.most = pauses - size;
		doubt.text = told(d->arena, j, &doubt, "");
		status = doubt_add(d, &doubt, why);
		doubt.from = j->before + 1;
	}
	if (status >= 0 && j->kind != DOUBT_TIME_CHANGE && -size >= TICKS_PER_DAY)
		return add_unrecorded(d, j, why);
	if (was_behind(j) && status >= 0) {
		const int64_t boot = boot_before(d, j);

		doubt.from = boot && boot < j->before ? boot : ticks_add(j->before, -size);
		doubt.to = j->before;
		doubt.least = 0;
		doubt.most = size;
		doubt.text = told(d->arena, j, &doubt, ", which nothing takes back");
		status = doubt_add(d, &doubt, why);
		doubt.from = j->after;
	}
	if (!by_hand(j) || status < 0)
		return status;
	doubt.to = INT64_MAX;
	doubt.least = size < 0 ? 0 : -size;
	doubt.most = size < 0 ? -size : 0;
	doubt.text = told(d->arena, j, &doubt, ", which nothing takes back");
	return doubt_add(d, &doubt, why);
}

enum status doubts_of_changes(struct doubting *d, struct failure *why)
{
	struct jump *jumps = arena_array(d->arena, d->contents->n_traces + 1, sizeof(*jumps));
	enum status status = STATUS_OK;
	size_t n = 0;

	if (!jumps)
		return failure_set(why, ERR_NO_MEMORY, "clock changes");
	for (size_t i = 0; i < d->contents->n_traces; i++)
		n += jump_of(d, &d->contents->traces[i], &jumps[n]);
	qsort(jumps, n, sizeof(*jumps), by_source_and_record);
	for (size_t i = 0; i < n; i++)
		jumps[i].used = is_told(jumps, n, &jumps[i]);
	for (size_t i = 0; i < n && status >= 0; i++) {
		if (jumps[i].used)
			continue;

		struct jump *back = undoing(jumps, n, i);

		if (back)
			back->used = true;
		status = back ? add_excursion(d, jumps, n, &jumps[i], back, why) :
				add_standing(d, &jumps[i], why);
	}
	return status;
}
