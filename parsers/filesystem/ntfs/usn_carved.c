/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of the change journal in clusters that no file has any more. A journal drops its oldest
 * records by giving their clusters back, and one that is deleted gives back all; until another file
 * takes them the records stand there. Nothing frames them: a record counts if all its fields agree
 * with each other, and its USN with the place in its sector. Which volume wrote it, this one or
 * one that was there before it was formatted, it does not say.
 */
#include <inttypes.h>

#include "parsers/base/cursor.h"
#include "parsers/filesystem/ntfs/usn.h"
#include "parsers/filesystem/ntfs/volume.h"

enum {
	WINDOW = 1 << 20, /* read at once */
	MAX_EXTENTS = 1 << 20,
	NAME_V2 = 60, /* where the name stands in a record */
	NAME_V3 = 76,
};

/* Reasons that Windows knows (winioctl.h, USN_REASON_*). */
#define KNOWN_REASONS UINT32_C(0x81ffff77)

/* Records one behind the other. */
struct extent {
	uint64_t offset, size; /* bytes */
};

struct carving {
	struct parse_context *ctx;
	struct stream *stream;
	struct usn_reader *reader;
	uint8_t *window;
	struct extent *extents;
	size_t n_extents, room;
};

typedef enum status record_taker(struct carving *carving, const struct usn_record *record,
				 struct failure *why);

static bool is_sound(struct span s, const struct usn_record *record)
{
	const uint16_t version = span_u16le(s, 4);
	const size_t name_at = (size_t)(record->name.data - s.data);
	const size_t end = name_at + record->name.size;

	return span_u16le(s, 6) == 0 && name_at == (version == 2 ? NAME_V2 : NAME_V3) &&
	       record->name.size % 2 == 0 && record->name.size <= 2 * 255 &&
	       record->length == (end + 7) / 8 * 8 && record->reasons != 0 &&
	       (record->reasons & ~KNOWN_REASONS) == 0 && record->time != 0 &&
	       record->usn % NTFS_SECTOR == record->offset % NTFS_SECTOR &&
	       record->usn % USN_PAGE + record->length <= USN_PAGE;
}

/* The record at the start of s, if one stands there. */
static bool find_record(struct span s, uint64_t offset, struct usn_record *ret)
{
	const uint32_t head = span_u32le(s, 4);

	return (head == 2 || head == 3) && usn_record_read(s, offset, ret) && ret->length &&
	       is_sound(s, ret);
}

/* The rest of a page between two records is no end of the extent. */
static enum status note_extent(struct carving *c, const struct usn_record *record,
			       struct failure *why)
{
	struct extent *last = c->n_extents ? &c->extents[c->n_extents - 1] : NULL;

	if (last && record->offset - (last->offset + last->size) < USN_PAGE) {
		last->size = record->offset + record->length - last->offset;
		return STATUS_OK;
	}
	if (c->n_extents == c->room) {
		const size_t room = c->room ? c->room * 2 : 256;
		struct extent *extents = room <= MAX_EXTENTS ?
						 realloc(c->extents, room * sizeof(*extents)) :
						 NULL;

		if (!extents)
			return failure_set(why, ERR_LIMIT, "too many pieces of a journal");
		c->extents = extents;
		c->room = room;
	}
	c->extents[c->n_extents++] = (struct extent){ record->offset, record->length };
	return STATUS_OK;
}

/* First pass. */
static enum status learn_record(struct carving *c, const struct usn_record *record,
				struct failure *why)
{
	const enum status status = note_extent(c, record, why);

	return status < 0 ? status : usn_learn(c->reader, record, why);
}

/* Second pass. */
static enum status emit_record(struct carving *c, const struct usn_record *record,
			       struct failure *why)
{
	return usn_emit(c->reader, record, RECOVERY_CARVED, why);
}

/* Records begin at multiples of 8 bytes. Up to end they may begin; the window goes on for one. */
static enum status search_window(struct carving *c, struct span window, uint64_t base, size_t end,
				 record_taker *take, size_t *ret_used, struct failure *why)
{
	enum status status = STATUS_OK;
	size_t pos = 0;

	while (pos < end && status >= 0) {
		const struct span rest = { window.data + pos, window.size - pos };
		struct usn_record record;

		if (!find_record(rest, base + pos, &record)) {
			pos += 8;
			continue;
		}
		status = take(c, &record, why);
		pos += record.length;
	}
	*ret_used = pos;
	return status;
}

/* What cannot be read is passed over: that nothing is found in it says nothing. */
static enum status search(struct carving *c, struct extent where, record_taker *take,
			  struct failure *why)
{
	const uint64_t end = where.offset + where.size;

	for (uint64_t at = where.offset; at < end;) {
		const uint64_t left = c->stream->size - at;
		const size_t size = left < WINDOW ? (size_t)left : WINDOW;
		const size_t last = end - at <= WINDOW - USN_PAGE ? (size_t)(end - at) :
								    WINDOW - USN_PAGE;
		struct failure what = FAILURE_NONE;
		enum status status = stream_read(c->stream, at, c->window, size, &what);
		size_t used = last;

		if (status == ERR_CANCELLED)
			return failure_set(why, status, "%s", what.text);
		if (status == STATUS_OK) {
			status = search_window(c, span_of(c->window, size), at, last, take, &used,
					       why);
			if (status < 0)
				return status;
		} else {
			note(c->ctx, at, "%zu free bytes: %s", size, what.text);
		}
		at += used;
	}
	return STATUS_OK;
}

static enum status carve(struct carving *c, struct failure *why)
{
	const struct extent whole = { 0, c->stream->size };
	struct failure what = FAILURE_NONE;
	enum status status;

	if (!c->window || !c->reader)
		return failure_set(why, ERR_NO_MEMORY, "no memory for carving");
	status = search(c, whole, learn_record, &what);
	if (status == ERR_LIMIT)
		note(c->ctx, FAILURE_NO_OFFSET, "%s: what was found so far is told", what.text);
	else if (status < 0)
		return failure_set(why, status, "%s", what.text);
	for (size_t i = 0; i < c->n_extents; i++) {
		status = search(c, c->extents[i], emit_record, why);
		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	struct carving carving = { .ctx = ctx,
				   .stream = source->stream,
				   .reader = usn_reader_new(ctx),
				   .window = malloc(WINDOW) };
	const enum status status = carve(&carving, why);

	usn_reader_free(carving.reader);
	free(carving.window);
	free(carving.extents);
	return status;
}

static const char *const paths[] = { "/$Bitmap:$Unallocated", NULL };
static const struct trace_type *const emits[] = { &usn_type, NULL };

const struct parser usn_carved_parser = {
	.name = "ntfs.usn-carved",
	.title = "NTFS change journal in free clusters (with --carve)",
	.versions = "Windows 2000 to 11",
	.asserts = "A file was created, renamed or deleted at this time, if this volume's journal wrote the record.",
	.paths = paths,
	.emits = emits,
	.max_input = UINT64_MAX,
	.asks_folders = true,
	.carves = true,
	.parse_file = parse,
};
