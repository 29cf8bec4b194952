/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/trace.h"

#include <inttypes.h>
#include <stdio.h>

#include "parsers/base/cursor.h"
#include "parsers/base/limits.h"
#include "parsers/base/text.h"

static const char *const aspect_names[ASPECT_COUNT] = {
	[ASPECT_PROGRAM] = "program",
	[ASPECT_PUBLISHER] = "publisher",
	[ASPECT_PRODUCT_CODE] = "product-code",
	[ASPECT_UPGRADE_CODE] = "upgrade-code",
	[ASPECT_VERSION] = "version",
	[ASPECT_PATH] = "path",
	[ASPECT_EXECUTABLE] = "executable",
	[ASPECT_SERVICE] = "service",
	[ASPECT_SERVICE_NAME] = "service-name",
	[ASPECT_DRIVER] = "driver",
	[ASPECT_KEY] = "key",
	[ASPECT_CHANNEL] = "channel",
	[ASPECT_PROVIDER] = "provider",
	[ASPECT_TASK] = "task",
	[ASPECT_CERTIFICATE] = "certificate",
	[ASPECT_PACKAGE] = "package",
	[ASPECT_FILE_PRODUCT] = "file-product",
	[ASPECT_FILE_COMPANY] = "file-company",
};

const char *aspect_name(enum aspect aspect)
{
	return aspect > ASPECT_NONE && aspect < ASPECT_COUNT ? aspect_names[aspect] : NULL;
}

enum aspect aspect_from_name(struct text name)
{
	for (enum aspect a = ASPECT_PROGRAM; a < ASPECT_COUNT; a++)
		if (text_equal(text_of(aspect_names[a]), name))
			return a;
	return ASPECT_NONE;
}

const char *recovery_name(enum recovery recovery)
{
	static const char *const names[] = {
		[RECOVERY_ALLOCATED] = "allocated",
		[RECOVERY_DELETED] = "deleted",
		[RECOVERY_SLACK] = "slack",
		[RECOVERY_LOG_REPLAYED] = "log-replayed",
		[RECOVERY_LOG_EARLIER] = "log-earlier",
		[RECOVERY_CARVED] = "carved",
	};

	return recovery < RECOVERY_COUNT ? names[recovery] : "unknown";
}

size_t trace_type_fields(const struct trace_type *type)
{
	size_t n = 0;

	while (n < TRACE_MAX_FIELDS && type->fields[n].name)
		n++;
	return n;
}

const struct value *trace_get(const struct trace *trace, const char *field)
{
	static const struct value absent = { .kind = VALUE_ABSENT };

	for (size_t i = 0; i < TRACE_MAX_FIELDS && trace->type->fields[i].name; i++)
		if (strcmp(trace->type->fields[i].name, field) == 0)
			return &trace->values[i];
	return &absent;
}

struct text trace_text(const struct trace *trace, const char *field)
{
	const struct value *value = trace_get(trace, field);

	return value->kind == VALUE_TEXT ? value->text : (struct text){ NULL, 0 };
}

uint64_t trace_uint(const struct trace *trace, const char *field)
{
	const struct value *value = trace_get(trace, field);

	return value->kind == VALUE_UINT ? value->uint : 0;
}

struct instant trace_instant(const struct trace *trace, const char *field)
{
	const struct value *value = trace_get(trace, field);

	return value->kind == VALUE_INSTANT ? value->instant :
					      (struct instant){ .state = INSTANT_UNSET };
}

/* A text on one line: every run of white space is one blank. */
static struct text on_one_line(struct arena *arena, struct text text)
{
	char *out = arena_alloc(arena, text.size + 1);
	size_t used = 0;

	if (!out)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < text.size; i++) {
		const char c = text.data[i];
		const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';

		if (!blank)
			out[used++] = c;
		else if (used && out[used - 1] != ' ')
			out[used++] = ' ';
	}
	while (used && out[used - 1] == ' ')
		used--;
	return (struct text){ out, used };
}

/* One value as a person reads it. */
static struct text value_readable(struct arena *arena, const struct value *value)
{
	char buffer[INSTANT_TEXT_SIZE];
	char number[24];

	switch (value->kind) {
	case VALUE_TEXT:
		return text_printable(arena, on_one_line(arena, value->text));
	case VALUE_UINT:
		(void)snprintf(number, sizeof(number), "%" PRIu64, value->uint);
		break;
	case VALUE_INT:
		(void)snprintf(number, sizeof(number), "%" PRId64, value->sint);
		break;
	case VALUE_INSTANT:
		return text_of(arena_text(arena, text_of(instant_format(value->instant, buffer))));
	case VALUE_BYTES:
		(void)snprintf(number, sizeof(number), "%zu bytes", value->bytes.size);
		break;
	case VALUE_ABSENT:
		return TEXT("");
	}
	return text_of(arena_text(arena, text_of(number)));
}

/* Length of the "{field}" at the start of t, 0 if there is none; *name is what is inside. */
static size_t hole(struct text t, char name[64])
{
	const char *end = t.size && t.data[0] == '{' ? memchr(t.data, '}', t.size) : NULL;
	const size_t length = end ? (size_t)(end - t.data) : 0;

	if (length < 2 || length > 63)
		return 0;
	memcpy(name, t.data + 1, length - 1);
	name[length - 1] = '\0';
	return length + 1;
}

/* The parts of a message as they are put together. */
struct message {
	struct text parts[4 * TRACE_MAX_FIELDS];
	size_t n, total;
	bool lacks; /* a hole stayed empty */
};

static void add_part(struct message *m, struct text part)
{
	if (m->n == sizeof(m->parts) / sizeof(*m->parts))
		return;
	m->parts[m->n++] = part;
	m->total += part.size;
}

static void fill_holes(struct arena *arena, const struct trace *trace, struct text rest,
		       struct message *m)
{
	while (rest.size) {
		char name[64];
		size_t taken = hole(rest, name);

		if (taken) {
			const struct text value = value_readable(arena, trace_get(trace, name));

			m->lacks |= value.size == 0;
			add_part(m, value);
		} else {
			for (taken = 1; taken < rest.size && rest.data[taken] != '{';)
				taken++;
			add_part(m, (struct text){ rest.data, taken });
		}
		rest = (struct text){ rest.data + taken, rest.size - taken };
	}
}

/* A part in brackets is left out when one of its holes has no value. */
static void fill_optional(struct arena *arena, const struct trace *trace, struct text inside,
			  struct message *m)
{
	const size_t n = m->n, total = m->total;

	m->lacks = false;
	fill_holes(arena, trace, inside, m);
	if (!m->lacks)
		return;
	m->n = n;
	m->total = total;
}

struct text trace_message(struct arena *arena, const struct trace *trace)
{
	struct text rest = text_of(trace->type->message);
	struct message m = { .n = 0 };

	while (rest.size) {
		const char *open = memchr(rest.data, '[', rest.size);
		const size_t before = open ? (size_t)(open - rest.data) : rest.size;
		const char *close = open ? memchr(open, ']', rest.size - before) : NULL;
		const size_t inside = close ? (size_t)(close - open) - 1 : 0;

		fill_holes(arena, trace, (struct text){ rest.data, close ? before : rest.size }, &m);
		if (!close)
			break;
		fill_optional(arena, trace, (struct text){ open + 1, inside }, &m);
		rest = (struct text){ close + 1, rest.size - before - inside - 2 };
	}

	char *out = arena_alloc(arena, m.total + 1);
	size_t used = 0;

	if (!out)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < m.n; i++) {
		if (m.parts[i].size)
			memcpy(out + used, m.parts[i].data, m.parts[i].size);
		used += m.parts[i].size;
	}
	return on_one_line(arena, (struct text){ out, used });
}

/*
 * Wire form, little-endian: u16 number of values, then for each: u8 length of the field's name,
 * the name, u8 kind, and by kind: text and bytes u32 size + data; uint and int 8 bytes; instant
 * i64 ticks, i64 precision, u8 state, u8 zone.
 */

struct writer {
	uint8_t *data; /* NULL while only measuring */
	size_t used;
};

static void put(struct writer *w, const void *data, size_t size)
{
	if (w->data && size)
		memcpy(w->data + w->used, data, size);
	w->used += size;
}

static void put_number(struct writer *w, uint64_t number, size_t size)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(number >> (8 * i));
	put(w, bytes, size);
}

static void put_value(struct writer *w, const struct value *value)
{
	put_number(w, value->kind, 1);
	switch (value->kind) {
	case VALUE_TEXT:
		put_number(w, value->text.size, 4);
		put(w, value->text.data, value->text.size);
		break;
	case VALUE_BYTES:
		put_number(w, value->bytes.size, 4);
		put(w, value->bytes.data, value->bytes.size);
		break;
	case VALUE_UINT:
		put_number(w, value->uint, 8);
		break;
	case VALUE_INT:
		put_number(w, (uint64_t)value->sint, 8);
		break;
	case VALUE_INSTANT:
		put_number(w, (uint64_t)value->instant.ticks, 8);
		put_number(w, (uint64_t)value->instant.precision, 8);
		put_number(w, value->instant.state, 1);
		put_number(w, value->instant.zone, 1);
		break;
	case VALUE_ABSENT:
		break;
	}
}

/* Cuts a text at LIMIT_TEXT without splitting a character. */
static struct value cut(struct value value)
{
	if (value.kind == VALUE_TEXT && value.text.size > LIMIT_TEXT) {
		size_t size = LIMIT_TEXT;

		while (size && ((uint8_t)value.text.data[size] & 0xc0) == 0x80)
			size--;
		value.text.size = size;
	}
	if (value.kind == VALUE_BYTES && value.bytes.size > LIMIT_TEXT)
		value.bytes.size = LIMIT_TEXT;
	return value;
}

static void put_trace(struct writer *w, const struct trace *trace, size_t n)
{
	size_t present = 0;

	for (size_t i = 0; i < n; i++)
		present += trace->values[i].kind != VALUE_ABSENT;
	put_number(w, present, 2);
	for (size_t i = 0; i < n; i++) {
		const char *name = trace->type->fields[i].name;
		const struct value value = cut(trace->values[i]);

		if (value.kind == VALUE_ABSENT)
			continue;
		put_number(w, strlen(name), 1);
		put(w, name, strlen(name));
		put_value(w, &value);
	}
}

enum status trace_encode(struct arena *arena, const struct trace *trace, struct span *ret,
			 struct failure *why)
{
	const size_t n = trace_type_fields(trace->type);
	struct writer w = { NULL, 0 };

	put_trace(&w, trace, n);
	if (w.used > LIMIT_TRACE_BYTES)
		return failure_set(why, ERR_LIMIT, "trace '%s' of %zu bytes", trace->type->name,
				   w.used);

	uint8_t *data = arena_alloc(arena, w.used);

	if (!data)
		return failure_set(why, ERR_NO_MEMORY, "trace '%s'", trace->type->name);
	w = (struct writer){ data, 0 };
	put_trace(&w, trace, n);
	*ret = (struct span){ data, w.used };
	return STATUS_OK;
}

static struct value get_value(struct cursor *c)
{
	struct value value = { .kind = (enum value_kind)cursor_u8(c) };
	struct span bytes;

	switch (value.kind) {
	case VALUE_TEXT:
		bytes = cursor_take(c, cursor_u32le(c));
		value.text = (struct text){ bytes.data ? (const char *)bytes.data : "", bytes.size };
		if (!text_is_utf8(value.text))
			c->status = ERR_FORMAT;
		break;
	case VALUE_BYTES:
		value.bytes = cursor_take(c, cursor_u32le(c));
		break;
	case VALUE_UINT:
		value.uint = cursor_u64le(c);
		break;
	case VALUE_INT:
		value.sint = (int64_t)cursor_u64le(c);
		break;
	case VALUE_INSTANT:
		value.instant.ticks = (int64_t)cursor_u64le(c);
		value.instant.precision = (int64_t)cursor_u64le(c);
		value.instant.state = cursor_u8(c);
		value.instant.zone = cursor_u8(c);
		if (value.instant.state > INSTANT_INVALID || value.instant.zone > ZONE_OFFSET ||
		    (value.instant.state == INSTANT_SET && value.instant.precision < 1))
			c->status = ERR_FORMAT;
		break;
	case VALUE_ABSENT:
	default:
		c->status = ERR_FORMAT;
	}
	return value;
}

enum status trace_decode(struct arena *arena, const struct trace_type *type, struct span encoded,
			 struct value **ret_values, struct failure *why)
{
	const size_t n = trace_type_fields(type);
	struct value *values = arena_array(arena, n ? n : 1, sizeof(*values));
	struct cursor c = cursor_over(encoded, 0);
	const unsigned count = cursor_u16le(&c);

	if (!values)
		return failure_set(why, ERR_NO_MEMORY, "values of '%s'", type->name);
	for (unsigned i = 0; i < count && c.status >= 0; i++) {
		const struct span raw = cursor_take(&c, cursor_u8(&c));
		const struct text name = { (const char *)raw.data, raw.size };
		const struct value value = get_value(&c);

		for (size_t f = 0; f < n && c.status >= 0; f++) {
			if (!text_equal(text_of(type->fields[f].name), name))
				continue;
			if (type->fields[f].kind != value.kind)
				c.status = ERR_FORMAT;
			values[f] = value;
		}
	}
	if (c.status < 0)
		return failure_at(why, c.status, c.pos, "values of a trace '%s'", type->name);
	*ret_values = values;
	return STATUS_OK;
}
