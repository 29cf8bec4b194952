/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "analyzer/judge/doubt.h"
#include "parsers/base/text.h"

/* Setup runs in another zone and before the date that it writes down. */
static const int64_t before_system_slack = 2 * TICKS_PER_DAY;
/* The hive is written within minutes of the record of an orderly shutdown. */
static const int64_t older_state_slack = TICKS_PER_DAY;

/*
 * The time that the machine's own clock wrote into a record when it was made; unset for all other
 * traces, whose times may come from elsewhere.
 */
static struct instant clock_reading(const struct case_trace *t)
{
	static const struct {
		const char *type, *field;
	} readings[] = {
		{ "filesystem.file", "changed" },
		{ "ntfs.usn", "time" },
		{ "windows.bam.run", "run" },
		{ "windows.prefetch.run", "run" },
		{ "windows.registry.service", "key_last_written" },
		{ "windows.registry.uninstall", "key_last_written" },
		{ "windows.registry.value", "key_last_written" },
		{ "windows.system.shutdown", "time" },
	};

	if (strncmp(t->trace.type->name, "windows.event.", strlen("windows.event.")) == 0)
		return trace_instant(&t->trace, "time");
	for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++)
		if (trace_type_is(t, readings[i].type))
			return trace_instant(&t->trace, readings[i].field);
	return (struct instant){ .state = INSTANT_UNSET };
}

/* Only what is written anew on this machine, never copied from the image it was made from. */
static bool is_own_record(const struct case_trace *t)
{
	return strncmp(t->trace.type->name, "windows.event.", strlen("windows.event.")) == 0 ||
	       trace_type_is(t, "ntfs.usn") || trace_type_is(t, "windows.prefetch.run");
}

/* Readings beyond one side of the system's life. */
struct beyond {
	size_t n;
	int64_t first, last;                  /* the earliest and the latest of them */
	const struct case_trace *first_by, *last_by;
	bool several; /* sources, within a day of the latest */
};

static void take(struct beyond *b, int64_t at, const struct case_trace *t)
{
	b->n++;
	if (!b->first_by || at < b->first) {
		b->first = at;
		b->first_by = t;
	}
	if (!b->last_by || at > b->last) {
		b->several = b->last_by && b->last_by->source != t->source &&
			     at - b->last <= TICKS_PER_DAY;
		b->last = at;
		b->last_by = t;
	} else if (b->last_by->source != t->source && b->last - at <= TICKS_PER_DAY) {
		b->several = true;
	}
}

static void read_all(const struct doubting *d, size_t system, struct beyond *after,
		     struct beyond *before)
{
	const int64_t born = d->systems[system].installed_at;

	for (size_t i = 0; i < d->contents->n_traces; i++) {
		const struct case_trace *t = &d->contents->traces[i];
		const struct instant at = clock_reading(t);

		if (!instant_is_set(at) || at.zone == ZONE_LOCAL ||
		    doubting_system(d, t) != system)
			continue;
		if (d->acquired && at.ticks > ticks_add(d->acquired, after_acquisition_slack) &&
		    !doubting_explains(d, system, at.ticks))
			take(after, at.ticks, t);
		if (born && at.ticks < born - before_system_slack && is_own_record(t))
			take(before, at.ticks, t);
	}
}

static int ascending(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/*
 * A clock that was put forward leaves a stretch without readings, as long as it was put forward at
 * least: the first such stretch, of `size` or more, that the machine's own records show. Gives its
 * end, 0 when there is none.
 */
static enum status first_gap(const struct doubting *d, size_t system, int64_t size,
			     int64_t *ret_after, int64_t *ret_size, struct failure *why)
{
	int64_t *readings = arena_array(d->arena, d->contents->n_traces + 1, sizeof(*readings));
	size_t n = 0;

	*ret_after = 0;
	if (!readings)
		return failure_set(why, ERR_NO_MEMORY, "readings");
	for (size_t i = 0; i < d->contents->n_traces; i++) {
		const struct case_trace *t = &d->contents->traces[i];
		const struct instant at = clock_reading(t);

		if (is_own_record(t) && instant_is_set(at) && at.zone != ZONE_LOCAL &&
		    doubting_system(d, t) == system)
			readings[n++] = at.ticks;
	}
	qsort(readings, n, sizeof(*readings), ascending);
	for (size_t i = 1; i < n && *ret_after == 0; i++) {
		if (readings[i] - readings[i - 1] >= size) {
			*ret_after = readings[i];
			*ret_size = readings[i] - readings[i - 1];
		}
	}
	return STATUS_OK;
}

/*
 * Records later than the acquisition: the clock ran ahead, or the acquisition is dated wrongly. One
 * recorder alone puts only its own late readings in doubt. Where two agree, the clock was ahead at
 * the end: since the stretch without readings that putting it forward leaves, or since ever.
 */
static enum status add_after(struct doubting *d, size_t system, const struct beyond *b,
			     struct failure *why)
{
	const struct system *s = &d->systems[system];
	char acquired[INSTANT_TEXT_SIZE], last[INSTANT_TEXT_SIZE], from[INSTANT_TEXT_SIZE];
	struct doubt doubt = { .kind = DOUBT_AFTER_ACQUISITION,
			       .system = system,
			       .from = ticks_add(d->acquired, after_acquisition_slack) + 1,
			       .to = b->last,
			       .unbounded = true,
			       .trace = b->last_by };

	if (b->several) {
		int64_t after = 0, size = 0;
		const enum status status =
			first_gap(d, system, b->last - d->acquired, &after, &size, why);

		if (status < 0)
			return status;
		doubt.unbounded = false;
		doubt.unbounded_back = after == 0;
		doubt.from = after ? after : s->installed_at ? s->installed_at : s->coverage_from;
		doubt.least = after ? -size : 0;
	}
	doubt.text = text_of(arena_printf(
		d->arena, "%zu record(s)%s are later than the acquisition at %s: the clock ran ahead or "
			  "the acquisition is dated wrongly: readings between %s and %s may be too late",
		b->n, b->several ? " of several recorders" : "", ticks_format(d->acquired, acquired),
		ticks_format(doubt.from, from), ticks_format(b->last, last)));
	return doubt_add(d, &doubt, why);
}

/* A clock that lost its time, or records of the machine that this one was copied from. */
static enum status add_before(struct doubting *d, size_t system, const struct beyond *b,
			      struct failure *why)
{
	const int64_t born = d->systems[system].installed_at;
	char first[INSTANT_TEXT_SIZE], to[INSTANT_TEXT_SIZE], installed[INSTANT_TEXT_SIZE];
	struct doubt doubt = { .kind = DOUBT_BEFORE_SYSTEM,
			       .system = system,
			       .from = b->first,
			       .to = born - before_system_slack,
			       .unbounded_back = true,
			       .unbounded = true,
			       .trace = b->first_by };

	doubt.text = text_of(arena_printf(
		d->arena, "%zu record(s) are earlier than the installation of the system at %s: the clock "
			  "was wrong, or they come from the image it was made from: readings between %s "
			  "and %s are doubtful",
		b->n, ticks_format(born, installed), ticks_format(b->first, first),
		ticks_format(doubt.to, to)));
	return doubt_add(d, &doubt, why);
}

/* -- a registry that is older than the logs -------------------------------------------------- */

/* Kernel-General 13: an orderly shutdown, which writes its time into the hive as well. */
enum { EVENT_SHUTDOWN = 13 };

/* The latest shutdown that the hive keeps (log false) or that a log records (log true). */
static const struct case_trace *latest_shutdown(const struct doubting *d, size_t system, bool log)
{
	const struct case_trace *latest = NULL;

	for (size_t i = 0; i < d->contents->n_traces; i++) {
		const struct case_trace *t = &d->contents->traces[i];

		if (!trace_type_is(t, log ? "windows.event.shutdown" : "windows.system.shutdown") ||
		    (log && trace_uint(&t->trace, "event_id") != EVENT_SHUTDOWN) ||
		    doubting_system(d, t) != system ||
		    doubting_explains(d, system, trace_instant(&t->trace, "time").ticks))
			continue;
		if (!latest || trace_instant(&t->trace, "time").ticks >
				       trace_instant(&latest->trace, "time").ticks)
			latest = t;
	}
	return latest;
}

/*
 * The SYSTEM hive keeps the time of its last orderly shutdown, and so does the log. A hive that
 * knows only an earlier one was put back: what the registry says is of that earlier time.
 */
static enum status add_older_state(struct doubting *d, size_t system, struct failure *why)
{
	const struct case_trace *hive = latest_shutdown(d, system, false);
	const struct case_trace *log = latest_shutdown(d, system, true);
	char from[INSTANT_TEXT_SIZE], to[INSTANT_TEXT_SIZE];

	if (!hive || !log)
		return STATUS_OK;

	const int64_t kept = trace_instant(&hive->trace, "time").ticks;
	const int64_t recorded = trace_instant(&log->trace, "time").ticks;
	struct doubt doubt = { .kind = DOUBT_OLDER_STATE,
			       .system = system,
			       .from = kept,
			       .to = recorded,
			       .trace = hive };

	if (recorded - kept <= older_state_slack)
		return STATUS_OK;
	doubt.text = text_of(arena_printf(
		d->arena, "the registry's last shutdown is that of %s, the log records one at %s: the "
			  "registry was put back to an earlier state and says nothing of the time between",
		ticks_format(kept, from), ticks_format(recorded, to)));
	return doubt_add(d, &doubt, why);
}

enum status doubts_of_readings(struct doubting *d, struct failure *why)
{
	enum status status = STATUS_OK;

	for (size_t s = 0; s < d->n_systems && status >= 0; s++) {
		struct beyond after = { .n = 0 }, before = { .n = 0 };

		read_all(d, s, &after, &before);
		if (after.n)
			status = add_after(d, s, &after, why);
		if (status >= 0 && before.n)
			status = add_before(d, s, &before, why);
		if (status >= 0)
			status = add_older_state(d, s, why);
	}
	return status;
}
