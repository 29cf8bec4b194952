/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/results.h"

#include "parsers/base/limits.h"

static bool is_hex(struct text text, size_t digits)
{
	if (text.size != digits)
		return false;
	for (size_t i = 0; i < digits; i++)
		if (!strchr("0123456789abcdef", text.data[i]) || text.data[i] == '\0')
			return false;
	return true;
}

/* A digest of so many hex digits, or absent. */
static struct text read_hex(struct cursor *c, size_t digits)
{
	const struct text text = read_text(c);

	if (text.data && !is_hex(text, digits))
		c->status = ERR_FORMAT;
	return text;
}

/* Absent or without a NUL inside. */
static struct text read_optional(struct cursor *c)
{
	const struct text text = read_text(c);

	if (text.data && memchr(text.data, 0, text.size))
		c->status = ERR_FORMAT;
	return text;
}

/* Sizes and offsets that the case can hold. */
static uint64_t read_size(struct cursor *c)
{
	const uint64_t number = cursor_u64le(c);

	if (number > INT64_MAX)
		c->status = ERR_FORMAT;
	return number;
}

void read_evidence(struct cursor *c, struct sent_evidence *ret)
{
	ret->format = read_required(c);
	ret->size = read_size(c);
	ret->segments = read_optional(c);
	ret->stored_md5 = read_hex(c, 32);
	ret->stored_sha1 = read_hex(c, 40);
	ret->acquired = read_instant(c);
}

void read_volume(struct cursor *c, struct sent_volume *ret)
{
	ret->offset = read_size(c);
	ret->size = read_size(c);
	ret->logical = cursor_u32le(c);
	ret->snapshot = cursor_u32le(c);
	ret->created = read_instant(c);
	ret->identifier = read_optional(c);
	if (ret->snapshot && (!ret->identifier.data || !instant_is_set(ret->created)))
		c->status = ERR_FORMAT;
}

void read_view(struct cursor *c, struct sent_view *ret)
{
	ret->filesystem = read_optional(c);
	ret->label = read_optional(c);
	ret->path = read_required(c);
	ret->size = read_size(c);
}

void read_trace(struct cursor *c, struct sent_trace *ret)
{
	ret->type = read_required(c);
	ret->recovery = (enum recovery)cursor_u8(c);
	if (ret->recovery >= RECOVERY_COUNT)
		c->status = ERR_FORMAT;
	ret->origin.offset = read_size(c);
	ret->origin.size = read_size(c);
	ret->origin.companion = cursor_u32le(c);
	if (ret->origin.companion > SOURCE_MAX_COMPANIONS)
		c->status = ERR_FORMAT;
	ret->origin.address = read_text(c);
	ret->sha256 = read_hex(c, 64);
	ret->attribute = read_text(c);
	ret->place.path = read_text(c);
	ret->place.entry = read_size(c);
	ret->place.sequence = read_size(c);
	ret->values = cursor_take(c, cursor_u32le(c));
}

void read_problem(struct cursor *c, struct sent_problem *ret)
{
	ret->offset = cursor_u64le(c);
	ret->text = read_required(c);
}

void read_cover(struct cursor *c, struct sent_cover *ret)
{
	ret->recorder = read_required(c);
	ret->from = read_instant(c);
	ret->to = read_instant(c);
}

void read_digest(struct cursor *c, struct sent_digest *ret)
{
	ret->md5 = read_hex(c, 32);
	ret->sha1 = read_hex(c, 40);
	ret->sha256 = read_hex(c, 64);
	if (!ret->md5.data || !ret->sha1.data || !ret->sha256.data)
		c->status = ERR_FORMAT;
}

enum { RANGE_SIZE = 16 };

struct byte_range range_at(const struct sent_unreadable *sent, uint32_t i)
{
	const size_t at = (size_t)i * RANGE_SIZE;

	return (struct byte_range){ span_u64le(sent->ranges, at), span_u64le(sent->ranges, at + 8) };
}

void read_unreadable(struct cursor *c, struct sent_unreadable *ret)
{
	uint64_t end = 0;

	ret->n = cursor_u32le(c);
	ret->ranges = cursor_take(c, (size_t)ret->n * RANGE_SIZE);
	for (uint32_t i = 0; c->status >= 0 && i < ret->n; i++) {
		const struct byte_range range = range_at(ret, i);

		if (range.size == 0 || range.offset < end || range.offset > INT64_MAX ||
		    range.size > INT64_MAX - range.offset)
			c->status = ERR_FORMAT;
		end = range.offset + range.size;
	}
}

void read_done(struct cursor *c, struct sent_done *ret)
{
	ret->reading = (enum reading)cursor_u8(c);
	if (ret->reading != READING_READ && ret->reading != READING_PARTLY &&
	    ret->reading != READING_UNREADABLE && ret->reading != READING_ENCRYPTED &&
	    ret->reading != READING_SKIPPED)
		c->status = ERR_FORMAT;
	ret->problem = read_optional(c);
}

#define BIT(kind) (1U << (kind))
enum { ANY_JOB = (1 << (JOB_LAST + 1)) - 1, TRACES = 1 << JOB_VOLUME | 1 << JOB_SOURCE };

/* Which jobs a message belongs to. */
static const unsigned allowed[MESSAGE_LAST + 1] = {
	[MESSAGE_EVIDENCE] = BIT(JOB_CONTAINER), [MESSAGE_VOLUME] = BIT(JOB_PARTITIONS) | BIT(JOB_VOLUME),
	[MESSAGE_VIEW] = BIT(JOB_VOLUME),	 [MESSAGE_SOURCE] = BIT(JOB_VOLUME),
	[MESSAGE_DIGEST] = BIT(JOB_DIGEST),	 [MESSAGE_TRACE] = TRACES,
	[MESSAGE_UNREADABLE] = ANY_JOB,
	[MESSAGE_NOTE] = ANY_JOB,		 [MESSAGE_LOST] = ANY_JOB,
	[MESSAGE_COVER] = TRACES,		 [MESSAGE_BEGUN] = BIT(JOB_SOURCE),
	[MESSAGE_DONE] = ANY_JOB,
};

static void check_trace(struct cursor *c, struct arena *scratch)
{
	struct sent_trace trace;
	struct value *values;

	read_trace(c, &trace);
	if (c->status < 0)
		return;

	const struct trace_type *type = trace_type_find(trace.type);

	if (!type || trace.values.size > LIMIT_TRACE_BYTES ||
	    trace_decode(scratch, type, trace.values, &values, NULL) < 0)
		c->status = ERR_FORMAT;
}

static void check_begun(struct cursor *c)
{
	const uint32_t parser = cursor_u32le(c);

	for (size_t i = 0; i <= parser; i++)
		if (!all_parsers[i]) {
			c->status = ERR_FORMAT;
			return;
		}
}

static void check_source(struct cursor *c)
{
	struct job_order order;

	read_order(c, &order);
	if (order.kind != JOB_SOURCE || order.file_size > INT64_MAX)
		c->status = ERR_FORMAT;
}

/* Reads the payload for its form alone. */
static void check_payload(enum message_type type, struct cursor *c, struct arena *scratch)
{
	union {
		struct sent_evidence evidence;
		struct sent_volume volume;
		struct sent_view view;
		struct sent_problem problem;
		struct sent_cover cover;
		struct sent_digest digest;
		struct sent_unreadable unreadable;
		struct sent_done done;
	} sent;

	switch (type) {
	case MESSAGE_EVIDENCE:
		read_evidence(c, &sent.evidence);
		break;
	case MESSAGE_VOLUME:
		read_volume(c, &sent.volume);
		break;
	case MESSAGE_VIEW:
		read_view(c, &sent.view);
		break;
	case MESSAGE_SOURCE:
		check_source(c);
		break;
	case MESSAGE_DIGEST:
		read_digest(c, &sent.digest);
		break;
	case MESSAGE_UNREADABLE:
		read_unreadable(c, &sent.unreadable);
		break;
	case MESSAGE_TRACE:
		check_trace(c, scratch);
		break;
	case MESSAGE_NOTE:
	case MESSAGE_LOST:
		read_problem(c, &sent.problem);
		break;
	case MESSAGE_COVER:
		read_cover(c, &sent.cover);
		break;
	case MESSAGE_BEGUN:
		check_begun(c);
		break;
	case MESSAGE_DONE:
		read_done(c, &sent.done);
		break;
	case MESSAGE_JOB:
		c->status = ERR_FORMAT;
		break;
	}
}

enum status message_check(enum job_kind kind, struct span message, struct arena *scratch,
			  struct failure *why)
{
	struct cursor c = cursor_over(message, 0);
	const unsigned type = cursor_u8(&c);

	if (type > MESSAGE_LAST || !(allowed[type] & BIT(kind)))
		return failure_set(why, ERR_FORMAT, "message of type %u out of place", type);
	check_payload((enum message_type)type, &c, scratch);
	if (c.status < 0 || cursor_left(&c) != 0)
		return failure_set(why, ERR_FORMAT, "malformed message of type %u", type);
	return STATUS_OK;
}
