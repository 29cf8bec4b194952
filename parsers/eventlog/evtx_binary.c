/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/eventlog/evtx_binary.h"

#include <stdio.h>

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/eventlog/evtx_tokens.h"

enum { MAX_LEVELS = 16, MAX_NAME = 64, MAX_NESTED = 8, MAX_TOKENS = 4000, MAX_HEX = 4096 };

/* The values of a template instance: where their descriptors and their bytes stand in the chunk. */
struct binary_values {
	size_t descriptors, data;
	uint32_t n;
};

struct binary_reader {
	struct arena *arena;
	struct span chunk;
	struct event *event;
	char names[MAX_LEVELS][MAX_NAME]; /* of the open elements */
	unsigned n_names;
	char attribute[MAX_NAME]; /* "" outside of the attributes */
	struct text data_name;	  /* the Name of the open Data element */
	struct text content;	  /* of the open element, while it is a leaf */
	struct span raw;	  /* the content's bytes if it is binary */
	bool leaf, has_content, has_id;
	unsigned n_tokens, n_nested;
};

static bool walk_fragment(struct binary_reader *reader, size_t start, size_t end,
			  const struct binary_values *values);

static bool read_name(struct binary_reader *reader, struct cursor *at, char name[MAX_NAME])
{
	const uint32_t offset = cursor_u32le(at);
	const bool is_inline = offset == at->pos;
	struct cursor c = cursor_over(reader->chunk, 0);
	struct span units;

	cursor_seek(&c, offset);
	cursor_skip(&c, 6); /* next name, hash */
	units = cursor_take(&c, (size_t)cursor_u16le(&c) * 2);
	cursor_skip(&c, 2); /* the NUL */
	if (c.status < 0 || at->status < 0 || units.size / 2 >= MAX_NAME)
		return false;
	for (size_t i = 0; i < units.size; i += 2) {
		if (units.data[i] == 0 || units.data[i] > 126 || units.data[i + 1])
			return false;
		name[i / 2] = (char)units.data[i];
	}
	name[units.size / 2] = '\0';
	if (is_inline)
		cursor_seek(at, c.pos);
	return at->status >= 0;
}

static bool is_at(const struct binary_reader *reader, const char *section, unsigned n_names)
{
	return reader->n_names == n_names && strcmp(reader->names[1], section) == 0;
}

static bool add_item(struct binary_reader *reader, struct text name, struct text value)
{
	struct event *event = reader->event;

	if (event->n_items == EVENT_MAX_ITEMS || value.size > LIMIT_TEXT)
		return false; /* libevtx's way says what was cut */
	event->items[event->n_items++] = (struct event_item){ .name = name, .value = value };
	return true;
}

static struct text copy_name(struct binary_reader *reader)
{
	const char *name = reader->names[reader->n_names - 1];

	return text_of(arena_text(reader->arena, text_of(name)));
}

static bool take_system(struct binary_reader *reader)
{
	const char *name = reader->names[2];
	struct event *event = reader->event;
	uint64_t number;

	if (strcmp(name, "EventID") == 0) {
		if (!event_number(reader->content, &number) || number > UINT32_MAX)
			return false;
		event->id = (uint32_t)number;
		reader->has_id = true;
	} else if (strcmp(name, "Channel") == 0) {
		event->channel = reader->content;
	} else if (strcmp(name, "Computer") == 0) {
		event->computer = reader->content;
	}
	return true;
}

/* An element without children ended. */
static bool take_leaf(struct binary_reader *reader)
{
	const char *name = reader->names[reader->n_names - 1];

	if (is_at(reader, "System", 3))
		return take_system(reader);
	if (is_at(reader, "EventData", 3)) {
		if (strcmp(name, "Binary") == 0) {
			reader->event->binary = reader->raw;
			return reader->raw.data || reader->content.size == 0;
		}
		if (strcmp(name, "Data") == 0)
			return add_item(reader, reader->data_name, reader->content);
		return add_item(reader, copy_name(reader), reader->content);
	}
	if (reader->n_names >= 3 && strcmp(reader->names[1], "UserData") == 0)
		return add_item(reader, copy_name(reader), reader->content);
	return true;
}

static void take_attribute(struct binary_reader *reader, struct text value)
{
	const char *element = reader->names[reader->n_names - 1];

	if (strcmp(element, "Data") == 0 && strcmp(reader->attribute, "Name") == 0)
		reader->data_name = value;
	else if (!is_at(reader, "System", 3))
		return;
	else if (strcmp(element, "Provider") == 0 && strcmp(reader->attribute, "Name") == 0)
		reader->event->provider = value;
	else if (strcmp(element, "Provider") == 0 && strcmp(reader->attribute, "Guid") == 0)
		reader->event->guid = value;
	else if (strcmp(element, "Security") == 0 && strcmp(reader->attribute, "UserID") == 0)
		reader->event->user = value;
}

/* A piece of text of the open attribute or element; what is made of several is not plain. */
static bool put_text(struct binary_reader *reader, struct text text)
{
	if (reader->n_names == 0 || !text.data)
		return false;
	if (reader->attribute[0]) {
		take_attribute(reader, text);
		return true;
	}
	if (!reader->leaf || reader->has_content)
		return false;
	reader->content = text;
	reader->has_content = true;
	return true;
}

/* A SID as "S-1-..." (MS-DTYP 2.4.2). */
static struct text sid_text(struct arena *arena, struct span bytes)
{
	char text[200];
	uint64_t authority = 0;
	int used;

	if (bytes.size < 8 || bytes.data[0] != 1 || bytes.data[1] > 15 ||
	    bytes.size != 8 + 4 * (size_t)bytes.data[1])
		return (struct text){ NULL, 0 };
	for (unsigned i = 2; i < 8; i++)
		authority = authority << 8 | bytes.data[i];
	used = snprintf(text, sizeof(text), "S-1-%llu", (unsigned long long)authority);
	for (unsigned i = 0; i < bytes.data[1]; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "-%lu",
				 (unsigned long)span_u32le(bytes, 8 + 4 * (size_t)i));
	return text_of(arena_text(arena, text_of(text)));
}

static struct text guid_text(struct arena *arena, struct span bytes)
{
	const uint8_t *d = bytes.data + 8;

	return text_of(arena_printf(arena, "{%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X}",
				    span_u32le(bytes, 0), span_u16le(bytes, 4),
				    span_u16le(bytes, 6), d[0], d[1], d[2], d[3], d[4], d[5], d[6],
				    d[7]));
}

/* As libevtx writes it: nine digits behind the point. */
static struct text filetime_text(struct arena *arena, struct span bytes)
{
	const struct instant instant = instant_from_filetime(span_u64le(bytes, 0));
	const struct civil c = civil_from_ticks(instant.ticks);

	if (!instant_is_set(instant) || c.year > 9999)
		return (struct text){ NULL, 0 };
	return text_of(arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d.%07ld00Z", c.year,
				    c.month, c.day, c.hour, c.minute, c.second,
				    (long)c.fraction));
}

static struct text hex_text(struct arena *arena, struct span bytes)
{
	static const char digits[] = "0123456789ABCDEF";
	char *text = bytes.size <= MAX_HEX ? arena_alloc(arena, bytes.size * 2 + 1) : NULL;

	for (size_t i = 0; text && i < bytes.size; i++) {
		text[2 * i] = digits[bytes.data[i] >> 4];
		text[2 * i + 1] = digits[bytes.data[i] & 15];
	}
	return (struct text){ text, text ? bytes.size * 2 : 0 };
}

static uint64_t little(struct span bytes)
{
	uint64_t number = 0;

	for (size_t i = bytes.size; i > 0; i--)
		number = number << 8 | bytes.data[i - 1];
	return number;
}

/* A number of the size its type has, else {NULL, 0}. */
static struct text number_text(struct arena *arena, uint8_t type, struct span bytes)
{
	static const uint8_t sizes[] = { [TYPE_INT8] = 1,   [TYPE_UINT8] = 1,  [TYPE_INT16] = 2,
					 [TYPE_UINT16] = 2, [TYPE_INT32] = 4,  [TYPE_UINT32] = 4,
					 [TYPE_INT64] = 8,  [TYPE_UINT64] = 8, [TYPE_BOOL] = 4,
					 [TYPE_HEX32] = 4,  [TYPE_HEX64] = 8 };
	uint64_t number;

	if (type >= sizeof(sizes) || sizes[type] == 0 || bytes.size != sizes[type])
		return (struct text){ NULL, 0 };
	number = little(bytes);
	switch (type) {
	case TYPE_UINT8:
	case TYPE_UINT16:
	case TYPE_UINT32:
	case TYPE_UINT64:
		return text_of(arena_printf(arena, "%llu", (unsigned long long)number));
	case TYPE_INT32:
		return text_of(arena_printf(arena, "%ld", (long)(int32_t)(uint32_t)number));
	case TYPE_BOOL:
		return number <= 1 ? text_of(number ? "true" : "false") : (struct text){ NULL, 0 };
	case TYPE_HEX32:
		return text_of(arena_printf(arena, "0x%08llx", (unsigned long long)number));
	case TYPE_HEX64:
		return text_of(arena_printf(arena, "0x%016llx", (unsigned long long)number));
	default:
		return (struct text){ NULL, 0 };
	}
}

static bool put_binary(struct binary_reader *reader, struct span bytes)
{
	reader->raw = bytes;
	if (is_at(reader, "EventData", 3) && strcmp(reader->names[2], "Binary") == 0 &&
	    !reader->attribute[0]) {
		reader->has_content = true;
		return true;
	}
	return put_text(reader, hex_text(reader->arena, bytes));
}

/* A Data element of several strings stands for as many elements. */
static bool put_strings(struct binary_reader *reader, struct span bytes)
{
	size_t start = 0;

	if (!is_at(reader, "EventData", 3) || strcmp(reader->names[2], "Data") != 0 ||
	    reader->attribute[0] || !reader->leaf || reader->has_content)
		return false;
	if (bytes.size == 0)
		return true; /* an empty element */
	if (bytes.size % 2 || bytes.data[bytes.size - 1] || bytes.data[bytes.size - 2])
		return false;
	for (size_t i = 0; i < bytes.size; i += 2) {
		struct text value;

		if (bytes.data[i] || bytes.data[i + 1])
			continue;
		value = text_from_utf16le(reader->arena, span_part(bytes, start, i - start), NULL);
		if (!value.data || !add_item(reader, reader->data_name, value))
			return false;
		start = i + 2;
	}
	reader->leaf = false; /* nothing more to come of it */
	return true;
}

static bool put_value(struct binary_reader *reader, uint8_t type, size_t offset, size_t size)
{
	const struct span bytes = span_part(reader->chunk, offset, size);
	struct text text = { NULL, 0 };
	bool lossy = false;

	switch (type) {
	case TYPE_NULL:
		return size == 0 && (reader->attribute[0] || put_text(reader, text_of("")));
	case TYPE_STRING:
		text = text_from_utf16le(reader->arena, bytes, &lossy);
		return !lossy && put_text(reader, text);
	case TYPE_STRINGS:
		return put_strings(reader, bytes);
	case TYPE_BINARY:
		return put_binary(reader, bytes);
	case TYPE_BINARY_XML:
		return reader->n_nested < MAX_NESTED && !reader->attribute[0] &&
		       walk_fragment(reader, offset, offset + size, NULL);
	case TYPE_GUID:
		return size == 16 && put_text(reader, guid_text(reader->arena, bytes));
	case TYPE_FILETIME:
		return size == 8 && put_text(reader, filetime_text(reader->arena, bytes));
	case TYPE_SID:
		return put_text(reader, sid_text(reader->arena, bytes));
	default:
		return put_text(reader, number_text(reader->arena, type, bytes));
	}
}

static bool walk_substitution(struct binary_reader *reader, struct cursor *c,
			      const struct binary_values *values)
{
	const uint16_t wanted = cursor_u16le(c);
	size_t offset;

	cursor_skip(c, 1); /* type: the record's own descriptor is what counts */
	if (!values || wanted >= values->n)
		return false;
	offset = values->data;
	for (uint16_t i = 0; i < wanted; i++)
		offset += span_u16le(reader->chunk, values->descriptors + 4 * (size_t)i);

	const size_t at = values->descriptors + 4 * (size_t)wanted;
	const uint16_t size = span_u16le(reader->chunk, at);

	if (size > reader->chunk.size || offset > reader->chunk.size - size)
		return false;
	return put_value(reader, reader->chunk.data[at + 2], offset, size);
}

static bool walk_value(struct binary_reader *reader, struct cursor *c)
{
	bool lossy = false;
	struct text text;

	if (cursor_u8(c) != TYPE_STRING)
		return false;
	text = text_from_utf16le(reader->arena, cursor_take(c, (size_t)cursor_u16le(c) * 2),
				 &lossy);
	return c->status >= 0 && !lossy && put_text(reader, text);
}

static bool walk_open(struct binary_reader *reader, struct cursor *c, bool has_attributes)
{
	cursor_skip(c, 6); /* dependency, size */
	if (reader->n_names == MAX_LEVELS ||
	    (reader->n_names && reader->leaf && reader->has_content) ||
	    !read_name(reader, c, reader->names[reader->n_names]))
		return false;
	reader->n_names++;
	reader->attribute[0] = '\0';
	reader->data_name = (struct text){ NULL, 0 };
	reader->content = text_of("");
	reader->raw = (struct span){ NULL, 0 };
	reader->leaf = true;
	reader->has_content = false;
	if (has_attributes)
		cursor_skip(c, 4); /* size of the list */
	return true;
}

static bool walk_close(struct binary_reader *reader)
{
	reader->attribute[0] = '\0';
	if (reader->n_names == 0 || (reader->leaf && !take_leaf(reader)))
		return false;
	reader->n_names--;
	reader->leaf = false;
	return true;
}

/* The values behind a template's offset, and how far the instance reaches. */
static bool read_values(struct cursor *c, struct binary_values *ret)
{
	ret->n = cursor_u32le(c);
	if (c->status < 0 || ret->n > cursor_left(c) / 4)
		return false;
	ret->descriptors = c->pos;
	cursor_skip(c, (size_t)ret->n * 4);
	ret->data = c->pos;
	for (uint32_t i = 0; i < ret->n; i++)
		cursor_skip(c, span_u16le(c->bytes, ret->descriptors + 4 * (size_t)i));
	return c->status >= 0;
}

enum { DEFINITION_HEADER = 24 }; /* next offset, GUID, size */

static bool walk_instance(struct binary_reader *reader, struct cursor *c)
{
	struct cursor definition = cursor_over(reader->chunk, 0);
	struct binary_values values;
	uint32_t offset, size;

	cursor_skip(c, 5); /* unknown, template id */
	offset = cursor_u32le(c);
	cursor_seek(&definition, offset);
	cursor_skip(&definition, DEFINITION_HEADER - 4);
	size = cursor_u32le(&definition);
	if (c->status < 0 || definition.status < 0 || size > cursor_left(&definition))
		return false;
	if (offset == c->pos)
		cursor_skip(c, DEFINITION_HEADER + (size_t)size);
	if (!read_values(c, &values))
		return false;
	return walk_fragment(reader, definition.pos, definition.pos + size, &values);
}

/* One token; *ret_end at the end of the fragment. Elements stand in templates only. */
static bool walk_token(struct binary_reader *reader, struct cursor *c,
		       const struct binary_values *values, bool *ret_end)
{
	const uint8_t token = cursor_u8(c);

	if (c->status < 0 || reader->n_tokens++ == MAX_TOKENS)
		return false;
	switch (token & ~TOKEN_MORE) {
	case TOKEN_END:
		*ret_end = true;
		return token == TOKEN_END;
	case TOKEN_OPEN:
		return values && walk_open(reader, c, token & TOKEN_MORE);
	case TOKEN_OPEN_END:
		reader->attribute[0] = '\0';
		return true;
	case TOKEN_OPEN_CLOSED:
	case TOKEN_CLOSE:
		return walk_close(reader);
	case TOKEN_VALUE:
		return walk_value(reader, c);
	case TOKEN_ATTRIBUTE:
		return reader->n_names && read_name(reader, c, reader->attribute) &&
		       reader->attribute[0];
	case TOKEN_SUBSTITUTION:
	case TOKEN_OPTIONAL:
		return walk_substitution(reader, c, values);
	case TOKEN_INSTANCE:
		return !values && walk_instance(reader, c);
	case TOKEN_FRAGMENT:
		cursor_skip(c, 3);
		return true;
	default:
		return false;
	}
}

static bool walk_fragment(struct binary_reader *reader, size_t start, size_t end,
			  const struct binary_values *values)
{
	struct cursor c = cursor_over(span_part(reader->chunk, 0, end), 0);
	bool at_end = false;

	cursor_seek(&c, start);
	if (c.status < 0)
		return false;
	reader->n_nested++;
	while (!at_end && c.pos < end)
		if (!walk_token(reader, &c, values, &at_end))
			return false;
	reader->n_nested--;
	return true;
}

bool evtx_binary_decode(struct span chunk, const struct evtx_record *record, struct arena *arena,
			struct event *event)
{
	struct binary_reader reader = { .arena = arena, .chunk = chunk, .event = event };
	const size_t start = record->offset + EVTX_RECORD_HEADER;
	const size_t end = record->offset + record->size - 4;

	return walk_fragment(&reader, start, end, NULL) && reader.n_names == 0 &&
	       reader.has_id && event->provider.data;
}
