/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/eventlog/log_times.h"

#include <stdio.h>
#include <stdlib.h>

#include "parsers/base/text.h"
#include "parsers/eventlog/families.h"

/* Records of one log whose times are kept (some 128 MiB); a log of 4 GiB holds fewer. */
#define MAX_TIMES ((size_t)4 << 20)
/* Recovered records that are told apart; more are given out twice rather than not at all. */
#define MAX_RECOVERED ((size_t)1 << 17)
/* Jumps of one log that are emitted; a log without order has as many as records. */
#define MAX_JUMPS	256
#define SMALLEST_JUMP	(5 * TICKS_PER_SECOND)
/* Less than this is the order in which a starting system writes. */
#define SMALLEST_ODD	(5 * TICKS_PER_MINUTE)

enum {
	JUMP_CHANNEL,
	JUMP_RECORD_BEFORE,
	JUMP_TIME_BEFORE,
	JUMP_RECORD_AFTER,
	JUMP_TIME_AFTER,
	JUMP_N_FIELDS,
};

const struct trace_type event_time_jump_type = {
	.name = "windows.event.time-jump",
	.message = "In the log {channel} record {record_after} ({time_after}) follows record "
		   "{record_before} ({time_before}): the clock went back",
	.fields = (const struct trace_field[]){
		[JUMP_CHANNEL] = { "channel", VALUE_TEXT, ASPECT_NONE, 0, "Channel" },
		[JUMP_RECORD_BEFORE] = { "record_before", VALUE_UINT, 0, 0, "Record before" },
		[JUMP_TIME_BEFORE] = { "time_before", VALUE_INSTANT, 0, 0, "Time before" },
		[JUMP_RECORD_AFTER] = { "record_after", VALUE_UINT, 0, 0, "Record after" },
		[JUMP_TIME_AFTER] = { "time_after", VALUE_INSTANT, 0, 0, "Time after" },
		{ 0 },
	},
};

enum { SPAN_CHANNEL, SPAN_FIRST, SPAN_FIRST_TIME, SPAN_LAST, SPAN_LAST_TIME, SPAN_N_FIELDS };

const struct trace_type event_log_span_type = {
	.name = "windows.event.log-span",
	.message = "The log {channel} holds records {first_record} ({first_time}) to "
		   "{last_record} ({last_time})",
	.fields = (const struct trace_field[]){
		[SPAN_CHANNEL] = { "channel", VALUE_TEXT, ASPECT_NONE, 0, "Channel" },
		[SPAN_FIRST] = { "first_record", VALUE_UINT, 0, 0, "First record" },
		[SPAN_FIRST_TIME] = { "first_time", VALUE_INSTANT, 0, 0, "Its time" },
		[SPAN_LAST] = { "last_record", VALUE_UINT, 0, 0, "Last record" },
		[SPAN_LAST_TIME] = { "last_time", VALUE_INSTANT, 0, 0, "Its time" },
		{ 0 },
	},
};

void log_times_clear(struct log_times *times)
{
	free(times->items);
	free(times->recovered);
	*times = (struct log_times){ .precision = times->precision };
}

/* Room for one item more, up to max; false when there is none. */
static bool make_room(struct log_time **items, size_t n, size_t *room, size_t max)
{
	struct log_time *more;
	size_t wanted = *room ? *room * 2 : 1024;

	if (n < *room)
		return true;
	if (n >= max)
		return false;
	if (wanted > max)
		wanted = max;
	more = reallocarray(*items, wanted, sizeof(**items));
	if (!more)
		return false;
	*items = more;
	*room = wanted;
	return true;
}

enum status log_times_add(struct log_times *times, struct log_time item, struct failure *why)
{
	if (!make_room(&times->items, times->n, &times->room, MAX_TIMES))
		return failure_at(why, ERR_LIMIT, item.offset, "more than %zu records in a log",
				  times->n);
	times->items[times->n++] = item;
	return STATUS_OK;
}

static int compare_times(const void *a, const void *b)
{
	const struct log_time *left = a, *right = b;

	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	if (left->ticks != right->ticks)
		return left->ticks < right->ticks ? -1 : 1;
	return 0;
}

static struct instant instant_of(const struct log_times *times, int64_t ticks)
{
	struct instant written = instant_from_filetime((uint64_t)ticks);

	written.precision = times->precision;
	return written;
}

/* Unsound records count only in a log that has no others. */
static bool counts(const struct log_times *times, const struct log_time *item)
{
	return !item->odd && !(item->unsound && times->some_sound) &&
	       instant_is_set(instant_of(times, item->ticks));
}

/* The next record that counts behind i with another number; times->n when there is none. */
static size_t next_counting(const struct log_times *times, size_t i)
{
	const size_t from = i;

	while (++i < times->n)
		if (counts(times, &times->items[i]) &&
		    times->items[i].id != times->items[from].id)
			break;
	return i;
}

/*
 * A clock that is moved takes all later records with it. A single record further from both its
 * neighbours than these are from each other, which are in order, tells of no clock.
 */
static bool stands_out(int64_t before, int64_t time, int64_t after)
{
	const int64_t apart = after < before ? before - after : after - before;
	const int64_t high = before < after ? after : before, low = before < after ? before : after;
	const int64_t off = time > high ? time - high : time < low ? low - time : 0;

	return before - after <= SMALLEST_JUMP && off > SMALLEST_ODD && off > apart;
}

static void find_odd(struct log_times *times, struct parse_context *ctx)
{
	struct log_time *const items = times->items;
	const struct log_time *first_odd = NULL;
	size_t n = 0, before = 0, at, after;

	while (before < times->n && !counts(times, &items[before]))
		before++;
	if (before == times->n)
		return;
	for (at = next_counting(times, before); at < times->n; at = after) {
		after = next_counting(times, at);
		if (after < times->n &&
		    stands_out(items[before].ticks, items[at].ticks, items[after].ticks)) {
			items[at].odd = true;
			first_odd = first_odd ? first_odd : &items[at];
			n++;
		} else {
			before = at;
		}
	}
	if (n)
		note(ctx, first_odd->offset,
		     "the times of %zu record(s), first of %llu, stand out from those before and "
		     "after, which agree: not taken for a change of the clock",
		     n, (unsigned long long)first_odd->id);
}

static void sort(struct log_times *times, struct parse_context *ctx)
{
	if (!times->n)
		return;
	for (size_t i = 0; i < times->n; i++)
		times->some_sound = times->some_sound || !times->items[i].unsound;
	qsort(times->items, times->n, sizeof(*times->items), compare_times);
	find_odd(times, ctx);
}

bool log_times_is_new(struct log_times *times, struct log_time item)
{
	size_t low = 0, high = times->n_recovered;

	if (times->n && bsearch(&item, times->items, times->n, sizeof(item), compare_times))
		return false;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = compare_times(&item, &times->recovered[middle]);

		if (order == 0)
			return false;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	if (make_room(&times->recovered, times->n_recovered, &times->recovered_room,
		      MAX_RECOVERED)) {
		memmove(times->recovered + low + 1, times->recovered + low,
			(times->n_recovered - low) * sizeof(item));
		times->recovered[low] = item;
		times->n_recovered++;
	}
	return true;
}

static void tell_cover(const struct log_times *times, struct parse_context *ctx,
		       struct text channel)
{
	struct instant first = { 0 }, last = { 0 };
	char recorder[256];

	for (size_t i = 0; i < times->n; i++) {
		const struct instant written = instant_of(times, times->items[i].ticks);

		if (!counts(times, &times->items[i]))
			continue;
		if (!instant_is_set(first) || written.ticks < first.ticks)
			first = written;
		if (!instant_is_set(last) || written.ticks > last.ticks)
			last = written;
	}
	(void)snprintf(recorder, sizeof(recorder), "event log %.*s", (int)channel.size,
		       channel.data); /* cut is fine */
	cover(ctx, recorder, first, last);
}

static enum status emit_jump(const struct log_times *times, struct parse_context *ctx,
			     struct arena *arena, struct text channel,
			     const struct log_time *before, const struct log_time *after,
			     struct failure *why)
{
	const struct value values[JUMP_N_FIELDS] = {
		[JUMP_CHANNEL] = value_text(channel),
		[JUMP_RECORD_BEFORE] = value_uint(before->id),
		[JUMP_TIME_BEFORE] = value_instant(instant_of(times, before->ticks)),
		[JUMP_RECORD_AFTER] = value_uint(after->id),
		[JUMP_TIME_AFTER] = value_instant(instant_of(times, after->ticks)),
	};
	const char *address =
		arena_printf(arena, "record %llu", (unsigned long long)after->id);
	const struct trace trace = {
		.type = &event_time_jump_type,
		.origin = { .offset = after->offset,
			    .size = after->size,
			    .address = text_of(address) },
		.values = values,
	};

	return address ? emit(ctx, &trace, why) : failure_set(why, ERR_LIMIT, "time jump");
}

static enum status emit_span(const struct log_times *times, struct parse_context *ctx,
			     struct arena *arena, struct text channel, struct failure *why)
{
	if (times->n == 0)
		return STATUS_OK;

	const struct log_time *first = &times->items[0], *last = &times->items[times->n - 1];
	const struct value values[SPAN_N_FIELDS] = {
		[SPAN_CHANNEL] = value_text(channel),
		[SPAN_FIRST] = value_uint(first->id),
		[SPAN_FIRST_TIME] = value_instant(instant_of(times, first->ticks)),
		[SPAN_LAST] = value_uint(last->id),
		[SPAN_LAST_TIME] = value_instant(instant_of(times, last->ticks)),
	};
	const char *address =
		arena_printf(arena, "record %llu", (unsigned long long)first->id);
	const struct trace trace = {
		.type = &event_log_span_type,
		.origin = { .offset = first->offset,
			    .size = first->size,
			    .address = text_of(address) },
		.values = values,
	};

	return address ? emit(ctx, &trace, why) : failure_set(why, ERR_LIMIT, "log span");
}

static enum status emit_jumps(const struct log_times *times, struct parse_context *ctx,
			      struct arena *arena, struct text channel, struct failure *why)
{
	const struct log_time *before = NULL;
	size_t n = 0;

	for (size_t i = 0; i < times->n; i++) {
		const struct log_time *const last = before, *after = &times->items[i];
		enum status status;

		if (!counts(times, after) || after->unsound)
			continue;
		before = after;
		if (!last || last->id == after->id || last->ticks - after->ticks <= SMALLEST_JUMP)
			continue;
		if (n++ == MAX_JUMPS) {
			note(ctx, after->offset, "more than %d places where times fall", MAX_JUMPS);
			break;
		}
		status = emit_jump(times, ctx, arena, channel, last, after, why);
		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

enum status log_times_tell(struct log_times *times, struct parse_context *ctx, struct text channel,
			   enum status status, struct failure *why)
{
	sort(times, ctx);
	tell_cover(times, ctx, channel);
	if (status >= 0)
		status = emit_span(times, ctx, ctx->arena, channel, why);
	if (status >= 0)
		status = emit_jumps(times, ctx, ctx->arena, channel, why);
	return status;
}

struct text log_channel(struct arena *arena, const char *path)
{
	const char *base = strrchr(path, '/');
	const char *name = base ? base + 1 : path;
	const char *dot = strrchr(name, '.');
	size_t size = dot ? (size_t)(dot - name) : strlen(name), used = 0;
	char *channel = arena_alloc(arena, size + 1);

	if (!channel)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < size; i++) {
		if (name[i] == '%' && i + 1 < size && name[i + 1] == '4') {
			channel[used++] = '/';
			i++;
		} else {
			channel[used++] = name[i];
		}
	}
	return (struct text){ channel, used };
}
