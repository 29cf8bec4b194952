/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/eventlog/evtx_peek.h"

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/eventlog/event.h"
#include "parsers/eventlog/evtx_tokens.h"

enum { MAX_TOKENS = 400, MAX_NAME = 64, MAX_LEVELS = 16 };

/* The walk through the head of one template. */
struct walk {
	struct arena *arena;
	struct cursor c; /* over the chunk */
	char elements[MAX_LEVELS][MAX_NAME];
	unsigned level;
	char attribute[MAX_NAME];
	struct peek_template *found;
	bool done;
};

/* A name at an offset of the chunk, ASCII only; inline ones are passed over. */
static bool read_name(struct walk *walk, char name[MAX_NAME])
{
	const uint32_t offset = cursor_u32le(&walk->c);
	const bool is_inline = offset == walk->c.pos;
	struct cursor c = cursor_over(walk->c.bytes, 0);
	uint16_t n;

	cursor_seek(&c, offset);
	cursor_skip(&c, 6); /* next name, hash */
	n = cursor_u16le(&c);
	if (c.status < 0 || n >= MAX_NAME)
		return false;
	for (unsigned i = 0; i < n; i++) {
		const uint16_t unit = cursor_u16le(&c);

		if (unit == 0 || unit > 126)
			return false;
		name[i] = (char)unit;
	}
	name[n] = '\0';
	cursor_skip(&c, 2); /* the NUL */
	if (is_inline)
		cursor_seek(&walk->c, c.pos);
	return c.status >= 0 && walk->c.status >= 0;
}

/* Where a piece of content at this place of the template belongs; NULL: nowhere. */
static struct peek_piece *place_of(struct walk *walk)
{
	if (walk->level != 3 || strcmp(walk->elements[1], "System") != 0)
		return NULL;
	if (strcmp(walk->elements[2], "EventID") == 0 && walk->attribute[0] == '\0')
		return &walk->found->event_id;
	if (strcmp(walk->elements[2], "Provider") == 0) {
		if (strcmp(walk->attribute, "Name") == 0)
			return &walk->found->provider;
		if (strcmp(walk->attribute, "Guid") == 0)
			return &walk->found->guid;
	}
	return NULL;
}

static bool put_piece(struct walk *walk, struct peek_piece piece)
{
	struct peek_piece *place = place_of(walk);

	if (!place)
		return true;
	if (place->kind != PIECE_NONE) /* made of several pieces: not plain */
		return false;
	*place = piece;
	return true;
}

static bool walk_value(struct walk *walk)
{
	struct peek_piece piece = { .kind = PIECE_TEXT };

	if (cursor_u8(&walk->c) != TYPE_STRING)
		return false;
	const size_t size = (size_t)cursor_u16le(&walk->c) * 2;
	const struct span units = cursor_take(&walk->c, size);

	if (!place_of(walk))
		return walk->c.status >= 0;
	piece.text = text_from_utf16le(walk->arena, units, NULL);
	return piece.text.data && walk->c.status >= 0 && put_piece(walk, piece);
}

static bool walk_substitution(struct walk *walk)
{
	const struct peek_piece piece = { .kind = PIECE_VALUE, .value = cursor_u16le(&walk->c) };

	cursor_skip(&walk->c, 1); /* type: the record's own descriptor is what counts */
	return put_piece(walk, piece);
}

static bool walk_open(struct walk *walk, bool has_attributes)
{
	cursor_skip(&walk->c, 6); /* dependency, size */
	if (walk->level >= MAX_LEVELS || !read_name(walk, walk->elements[walk->level]))
		return false;
	walk->level++;
	walk->attribute[0] = '\0';
	if (has_attributes)
		cursor_skip(&walk->c, 4); /* size of the list */
	return true;
}

static void walk_close(struct walk *walk)
{
	if (walk->level == 2)
		walk->done = true; /* the end of System, or something else first */
	if (walk->level)
		walk->level--;
	walk->attribute[0] = '\0';
}

/* One token; false when the template is not plain. */
static bool walk_token(struct walk *walk)
{
	const uint8_t token = cursor_u8(&walk->c);

	if (walk->c.status < 0)
		return false;
	switch (token & ~TOKEN_MORE) {
	case TOKEN_OPEN:
		return walk_open(walk, token & TOKEN_MORE);
	case TOKEN_OPEN_END:
		walk->attribute[0] = '\0';
		return true;
	case TOKEN_OPEN_CLOSED:
	case TOKEN_CLOSE:
		walk_close(walk);
		return true;
	case TOKEN_VALUE:
		return walk_value(walk);
	case TOKEN_ATTRIBUTE:
		return read_name(walk, walk->attribute);
	case TOKEN_SUBSTITUTION:
	case TOKEN_OPTIONAL:
		return walk_substitution(walk);
	default:
		return false;
	}
}

/* The head of an XML fragment at offset: up to the provider and the event id. */
static bool walk_fragment(struct evtx_peeker *peeker, size_t offset, struct peek_template *found)
{
	struct walk walk = {
		.arena = peeker->arena,
		.c = cursor_over(peeker->chunk, 0),
		.found = found,
	};

	cursor_seek(&walk.c, offset);
	if (cursor_u8(&walk.c) != TOKEN_FRAGMENT)
		return false;
	cursor_skip(&walk.c, 3);
	for (unsigned i = 0; i < MAX_TOKENS && !walk.done; i++) {
		if (!walk_token(&walk))
			return false;
		/* The id is whole when the next element begins. */
		if (found->provider.kind != PIECE_NONE && found->event_id.kind != PIECE_NONE &&
		    walk.level == 2)
			walk.done = true;
	}
	return walk.c.status >= 0 && found->provider.kind != PIECE_NONE &&
	       found->event_id.kind != PIECE_NONE;
}

enum { DEFINITION_HEADER = 24 }; /* next offset, GUID, size */

static const struct peek_template *find_template(struct evtx_peeker *peeker, uint32_t offset)
{
	struct peek_template *fresh;

	for (size_t i = 0; i < peeker->n_templates; i++)
		if (peeker->templates[i].offset == offset)
			return &peeker->templates[i];
	if (peeker->n_templates == PEEK_MAX_TEMPLATES)
		return NULL;
	fresh = &peeker->templates[peeker->n_templates++];
	*fresh = (struct peek_template){ .offset = offset };
	fresh->known = offset < EVTX_CHUNK_SIZE - DEFINITION_HEADER &&
		       walk_fragment(peeker, offset + DEFINITION_HEADER, fresh);
	return fresh;
}

/* The values of a template instance: count, then (size, type) of each, then their bytes. */
static bool find_value(struct span record, size_t values_pos, unsigned wanted, uint8_t *ret_type,
		       struct span *ret)
{
	struct cursor c = cursor_over(record, 0);
	size_t offset = 0;
	uint32_t n;

	cursor_seek(&c, values_pos);
	n = cursor_u32le(&c);
	if (c.status < 0 || wanted >= n || n > cursor_left(&c) / 4)
		return false;

	const size_t data = c.pos + (size_t)n * 4;

	for (unsigned i = 0; i < wanted; i++) {
		offset += cursor_u16le(&c);
		cursor_skip(&c, 2);
	}

	const uint16_t size = cursor_u16le(&c);

	*ret_type = cursor_u8(&c);
	*ret = span_part(record, data + offset, size);
	return ret->data != NULL;
}

static bool piece_text(struct evtx_peeker *peeker, struct span record, size_t values_pos,
		       const struct peek_piece *piece, struct text *ret)
{
	struct span bytes;
	uint8_t type;

	*ret = piece->text;
	if (piece->kind != PIECE_VALUE)
		return true;
	if (!find_value(record, values_pos, piece->value, &type, &bytes))
		return false;
	if (type == TYPE_GUID && bytes.size == 16) {
		const uint8_t *d = bytes.data + 8;

		*ret = text_of(arena_printf(
			peeker->arena, "{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}",
			span_u32le(bytes, 0), span_u16le(bytes, 4), span_u16le(bytes, 6), d[0],
			d[1], d[2], d[3], d[4], d[5], d[6], d[7]));
	} else if (type == TYPE_STRING) {
		*ret = text_from_utf16le(peeker->arena, bytes, NULL);
	} else {
		return type == 0 && bytes.size == 0; /* no value: an attribute that is left out */
	}
	return ret->data != NULL;
}

static bool piece_number(struct span record, size_t values_pos, const struct peek_piece *piece,
			 uint32_t *ret)
{
	struct span bytes;
	uint64_t number;
	uint8_t type;

	if (piece->kind == PIECE_TEXT) {
		if (!event_number(piece->text, &number) || number > UINT32_MAX)
			return false;
		*ret = (uint32_t)number;
		return true;
	}
	if (!find_value(record, values_pos, piece->value, &type, &bytes))
		return false;
	if (type == TYPE_UINT16 && bytes.size == 2)
		*ret = span_u16le(bytes, 0);
	else if (type == TYPE_UINT32 && bytes.size == 4)
		*ret = span_u32le(bytes, 0);
	else
		return false;
	return true;
}

bool evtx_peek(struct evtx_peeker *peeker, const struct evtx_record *record, struct evtx_peek *ret)
{
	const struct span whole = span_part(peeker->chunk, 0, record->offset + record->size);
	struct peek_template direct = { 0 };
	const struct peek_template *template = &direct;
	struct cursor c = cursor_over(whole, 0);
	size_t values_pos = 0;

	cursor_seek(&c, record->offset + EVTX_RECORD_HEADER);
	if (cursor_u8(&c) != TOKEN_FRAGMENT)
		return false;
	cursor_skip(&c, 3);
	if (cursor_u8(&c) == TOKEN_INSTANCE) {
		cursor_skip(&c, 5); /* unknown, template id */

		const uint32_t offset = cursor_u32le(&c);

		if (c.status < 0 || !(template = find_template(peeker, offset)))
			return false;
		if (offset == c.pos) { /* the definition stands here */
			cursor_skip(&c, DEFINITION_HEADER - 4);
			cursor_skip(&c, cursor_u32le(&c));
		}
		values_pos = c.pos;
	} else {
		direct.known = walk_fragment(peeker, record->offset + EVTX_RECORD_HEADER, &direct);
	}
	*ret = (struct evtx_peek){ .provider = { NULL, 0 } };
	return c.status >= 0 && template->known &&
	       piece_text(peeker, whole, values_pos, &template->provider, &ret->provider) &&
	       ret->provider.data &&
	       piece_text(peeker, whole, values_pos, &template->guid, &ret->guid) &&
	       piece_number(whole, values_pos, &template->event_id, &ret->event_id);
}
