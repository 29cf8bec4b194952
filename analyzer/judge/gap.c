/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "analyzer/judge/system.h"
#include "parsers/base/text.h"

/* A log that begins with record 1 this long after the installation was made anew. */
static const int64_t begins_anew_after = 30 * TICKS_PER_DAY;
/* A log of a running system gets a record at least this often. */
static const int64_t silent_after = 30 * TICKS_PER_DAY;

#define INVENTORY_LOG "event log Microsoft-Windows-Application-Experience/Program-Inventory"

const char *gap_kind_name(enum gap_kind kind)
{
	static const char *const names[] = {
		[GAP_CLEARED] = "cleared",   [GAP_ROTATED] = "rotated",
		[GAP_ANEW] = "begins-anew",  [GAP_ENDS] = "ends-early",
		[GAP_DISABLED] = "disabled", [GAP_MISSING] = "missing",
	};

	return names[kind];
}

struct search {
	struct arena *arena;
	const struct case_contents *contents;
	const struct system *systems;
	size_t n_systems;
	struct gap *items;
	size_t n, room;
};

static enum status gap_add(struct search *s, const struct gap *gap, struct failure *why)
{
	if (!gap->text.data || !gap->recorder.data)
		return failure_set(why, ERR_NO_MEMORY, "gaps");
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].system == gap->system && text_equal(s->items[i].text, gap->text))
			return STATUS_OK;
	if (s->n == s->room) {
		const size_t room = s->room ? s->room * 2 : 32;
		struct gap *items = arena_array(s->arena, room, sizeof(*items));

		if (!items)
			return failure_set(why, ERR_NO_MEMORY, "gaps");
		if (s->n)
			memcpy(items, s->items, s->n * sizeof(*items));
		s->items = items;
		s->room = room;
	}
	s->items[s->n++] = *gap;
	return STATUS_OK;
}

static bool type_is(const struct case_trace *t, const char *name)
{
	return strcmp(t->trace.type->name, name) == 0;
}

/* The system of a live record; NO_SYSTEM for recovered ones and other samples. */
static size_t live_system(const struct search *s, const struct case_trace *t)
{
	const struct case_source *source = find_source(s->contents, t->source);

	if (!source || source->deleted || sample_of_source(s->contents, source) != SAMPLE_LIVE ||
	    (t->trace.recovery != RECOVERY_ALLOCATED &&
	     t->trace.recovery != RECOVERY_LOG_REPLAYED))
		return NO_SYSTEM;
	return system_of_source(s->contents, s->systems, s->n_systems, source);
}

static struct text log_name(const struct search *s, struct text channel)
{
	return text_of(arena_printf(s->arena, "event log %.*s", (int)channel.size,
				    channel.data ? channel.data : ""));
}

static enum status add_cleared(struct search *s, const struct case_trace *t, size_t system,
			       struct failure *why)
{
	const struct text by = trace_text(&t->trace, "by");
	const struct instant at = trace_instant(&t->trace, "time");
	char time[INSTANT_TEXT_SIZE];
	struct gap gap = { .kind = GAP_CLEARED,
			   .system = system,
			   .recorder = log_name(s, trace_text(&t->trace, "cleared")),
			   .at = instant_is_set(at) ? at.ticks : 0,
			   .trace = t };

	if (!gap.recorder.data)
		return failure_set(why, ERR_NO_MEMORY, "gaps");
	gap.text = text_of(arena_printf(s->arena,
					"%s was cleared at %s by %.*s: its earlier records are gone",
					gap.recorder.data, instant_format(at, time),
					by.size ? (int)by.size : 7, by.size ? by.data : "unknown"));
	return gap_add(s, &gap, why);
}

static bool was_cleared(const struct search *s, size_t system, struct text channel)
{
	for (size_t i = 0; i < s->contents->n_traces; i++) {
		const struct case_trace *t = &s->contents->traces[i];

		if (type_is(t, "windows.event.log-cleared") && live_system(s, t) == system &&
		    text_equal_folded(trace_text(&t->trace, "cleared"), channel))
			return true;
	}
	return false;
}

/* Logs that tell of installations, removals and starts: the ones whose silence counts. */
static bool is_main_log(struct text channel)
{
	return text_equal_folded(channel, TEXT("System")) ||
	       text_equal_folded(channel, TEXT("Application"));
}

/* What the first and the last record of a log say of what it does not hold. */
static enum status add_span(struct search *s, const struct case_trace *t, size_t system,
			    struct failure *why)
{
	const struct system *machine = &s->systems[system];
	const struct text channel = trace_text(&t->trace, "channel");
	const uint64_t number = trace_uint(&t->trace, "first_record");
	const struct instant first = trace_instant(&t->trace, "first_time");
	const struct instant last = trace_instant(&t->trace, "last_time");
	char time[INSTANT_TEXT_SIZE], other[INSTANT_TEXT_SIZE];
	struct gap gap = { .system = system, .recorder = log_name(s, channel), .trace = t };

	if (!gap.recorder.data)
		return failure_set(why, ERR_NO_MEMORY, "gaps");
	if (instant_is_set(last) && is_main_log(channel) &&
	    machine->last_activity > ticks_add(last.ticks, silent_after)) {
		gap.kind = GAP_ENDS;
		gap.at = last.ticks;
		gap.text = text_of(arena_printf(s->arena, "%s ends at %s, the system ran until %s",
						gap.recorder.data, instant_format(last, time),
						ticks_format(machine->last_activity, other)));

		enum status status = gap_add(s, &gap, why);

		if (status < 0)
			return status;
	}
	if (!instant_is_set(first) || was_cleared(s, system, channel))
		return STATUS_OK;
	gap.at = first.ticks;
	if (number > 1) {
		gap.kind = GAP_ROTATED;
		gap.text = text_of(arena_printf(
			s->arena, "%s begins with record %llu at %s: %llu earlier record(s) are gone",
			gap.recorder.data, (unsigned long long)number, instant_format(first, time),
			(unsigned long long)number - 1));
		return gap_add(s, &gap, why);
	}
	if (!is_main_log(channel) || !machine->installed_at ||
	    first.ticks - machine->installed_at <= begins_anew_after)
		return STATUS_OK;
	gap.kind = GAP_ANEW;
	gap.text = text_of(arena_printf(
		s->arena, "%s begins anew with record 1 at %s, the system was installed at %s",
		gap.recorder.data, instant_format(first, time),
		ticks_format(machine->installed_at, other)));
	return gap_add(s, &gap, why);
}

/* EnablePrefetcher: 0 off, 2 starts of the system only; DisableInventory: 1 off (the parser). */
static enum status add_setting(struct search *s, const struct case_trace *t, size_t system,
			       struct failure *why)
{
	const uint64_t number = trace_uint(&t->trace, "number");
	const struct text recorder = trace_text(&t->trace, "recorder");
	const struct text setting = trace_text(&t->trace, "setting");
	const struct value *current = trace_get(&t->trace, "current");
	const bool off = text_equal(setting, TEXT("EnablePrefetcher")) ?
		number == 0 || number == 2 : text_equal(setting, TEXT("DisableInventory")) ?
		number == 1 : number == 0;
	struct gap gap = { .kind = GAP_DISABLED, .system = system, .recorder = recorder,
			   .trace = t };

	if (!off || (current->kind == VALUE_UINT && current->uint == 0))
		return STATUS_OK;
	gap.text = text_of(arena_printf(
		s->arena, "%.*s was switched off when the evidence was acquired (%.*s is %llu): it says "
			  "nothing of the time it was off",
		(int)recorder.size, recorder.data, (int)setting.size, setting.data,
		(unsigned long long)number));
	return gap_add(s, &gap, why);
}

static enum status add_missing(struct search *s, size_t system, const char *recorder,
			       struct failure *why)
{
	for (size_t i = 0; i < s->contents->n_coverage; i++) {
		const struct case_coverage *c = &s->contents->coverage[i];
		const struct case_source *source = find_source(s->contents, c->source);

		if (source && text_equal_folded(text_of(c->recorder), text_of(recorder)) &&
		    instant_is_set(c->from) &&
		    sample_of_source(s->contents, source) == SAMPLE_LIVE &&
		    system_of_source(s->contents, s->systems, s->n_systems, source) == system)
			return STATUS_OK;
	}

	const struct gap gap = { .kind = GAP_MISSING,
				 .system = system,
				 .recorder = text_of(recorder),
				 .text = text_of(arena_printf(s->arena, "%s: no record of it was found",
							      recorder)) };

	return gap_add(s, &gap, why);
}

static int by_system_kind_and_name(const void *a, const void *b)
{
	const struct gap *x = a, *y = b;

	if (x->system != y->system)
		return x->system < y->system ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return strcmp(x->text.data, y->text.data);
}

enum status gaps_find(struct arena *arena, const struct case_contents *contents,
		      const struct system *systems, size_t n_systems, struct gap **ret,
		      size_t *ret_n, struct failure *why)
{
	static const char *const expected[] = { "event log System", "event log Application",
						INVENTORY_LOG, "change journal" };
	struct search s = { .arena = arena, .contents = contents, .systems = systems,
			    .n_systems = n_systems };
	enum status status = STATUS_OK;

	for (size_t i = 0; i < contents->n_traces && status >= 0; i++) {
		const struct case_trace *t = &contents->traces[i];
		const bool cleared = type_is(t, "windows.event.log-cleared");
		const bool span = type_is(t, "windows.event.log-span");
		const bool setting = type_is(t, "windows.system.recorder-setting");
		const size_t system = cleared || span || setting ? live_system(&s, t) : NO_SYSTEM;

		if (system == NO_SYSTEM)
			continue;
		status = cleared ? add_cleared(&s, t, system, why) :
			 span    ? add_span(&s, t, system, why) :
				   add_setting(&s, t, system, why);
	}
	for (size_t i = 0; i < n_systems; i++)
		for (size_t k = 0; k < sizeof(expected) / sizeof(*expected) && status >= 0; k++)
			status = add_missing(&s, i, expected[k], why);
	if (s.n)
		qsort(s.items, s.n, sizeof(*s.items), by_system_kind_and_name);
	*ret = s.items;
	*ret_n = s.n;
	return status;
}
