/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The change journal, "/$Extend/$UsnJrnl:$J" (Windows 2000 and later), as records of usn.h. The
 * stream is sparse: a hole as long as everything already dropped, then pages of 4096 bytes.
 */
#include "parsers/base/cursor.h"
#include "parsers/filesystem/ntfs/usn.h"
#include "parsers/filesystem/ntfs/volume.h"

enum {
	WINDOW = 1 << 20,    /* read at once */
	BIG_HOLE = 64 << 20, /* above: the start of the data is searched for */
};

/* Times within one write-out may stand a little out of order. */
#define JUMP_TICKS (5 * TICKS_PER_SECOND)

enum jump_field { JUMP_USN_BEFORE, JUMP_TIME_BEFORE, JUMP_USN_AFTER, JUMP_TIME_AFTER, JUMP_N_FIELDS };

static const struct trace_field jump_fields[] = {
	[JUMP_USN_BEFORE] = { "usn_before", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "USN before" },
	[JUMP_TIME_BEFORE] = { "time_before", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
			       "Time before" },
	[JUMP_USN_AFTER] = { "usn_after", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "USN after" },
	[JUMP_TIME_AFTER] = { "time_after", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
			      "Time after" },
	[JUMP_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type jump_type = {
	.name = "ntfs.usn-jump",
	.message = "The clock went back from {time_before} to {time_after}",
	.fields = jump_fields,
};

struct journal {
	struct parse_context *ctx;
	struct stream *stream;
	bool deleted;
	struct usn_reader *reader;
	struct instant first, last;
	uint64_t last_usn;
	uint8_t *window;
};

typedef enum status record_reader(struct journal *journal, const struct usn_record *record,
				  struct failure *why);

static enum status emit_jump(struct journal *journal, const struct usn_record *record,
			     struct instant time, struct failure *why)
{
	struct value values[JUMP_N_FIELDS] = { 0 };
	const struct trace trace = {
		.type = &jump_type,
		.origin = { record->offset, record->length, 0, TEXT("time falls") },
		.values = values,
	};

	values[JUMP_USN_BEFORE] = value_uint(journal->last_usn);
	values[JUMP_TIME_BEFORE] = value_instant(journal->last);
	values[JUMP_USN_AFTER] = value_uint(record->usn);
	values[JUMP_TIME_AFTER] = value_instant(time);
	note(journal->ctx, record->offset, "times fall while USNs rise");
	return emit(journal->ctx, &trace, why);
}

static enum status watch_clock(struct journal *journal, const struct usn_record *record,
			       struct instant time, struct failure *why)
{
	enum status status = STATUS_OK;

	if (!instant_is_set(time))
		return STATUS_OK;
	if (instant_is_set(journal->last) && time.ticks < journal->last.ticks - JUMP_TICKS &&
	    record->usn > journal->last_usn)
		status = emit_jump(journal, record, time, why);
	if (!instant_is_set(journal->first))
		journal->first = time;
	journal->last = time;
	journal->last_usn = record->usn;
	return status;
}

static enum status learn_folder(struct journal *journal, const struct usn_record *record,
				struct failure *why)
{
	return usn_learn(journal->reader, record, why);
}

static enum status emit_record(struct journal *journal, const struct usn_record *record,
			       struct failure *why)
{
	const enum status status = watch_clock(journal, record,
					       instant_from_filetime(record->time), why);

	return status < 0 ? status :
			    usn_emit(journal->reader, record,
				     journal->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED, why);
}

static bool is_zero(struct span s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i])
			return false;
	return true;
}

/* Reads the records of a window; ret_used: bytes done with (always some). */
static enum status read_window(struct journal *journal, struct span window, uint64_t base,
			       bool last, record_reader *reader, size_t *ret_used,
			       struct failure *why)
{
	size_t pos = 0;
	bool in_garbage = false;

	while (window.size - pos >= 8) {
		const struct span rest = { window.data + pos, window.size - pos };
		const size_t page_left = USN_PAGE - (size_t)((base + pos) % USN_PAGE);
		struct usn_record record;

		if (span_u32le(rest, 0) == 0) {
			const size_t n = page_left < rest.size ? page_left : rest.size;

			/* The rest of a page is empty; one that is not holds garbage. */
			pos += is_zero(span_part(rest, 0, n)) ? n : 8;
			continue;
		}

		const uint32_t length = usn_record_read(rest, base + pos, &record);

		if (length > rest.size && !last && pos > 0)
			break;
		if (length == 0 || length > rest.size) {
			if (!in_garbage && reader == learn_folder)
				lost(journal->ctx, base + pos, "no journal record");
			in_garbage = true;
			pos += 8;
			continue;
		}
		in_garbage = false;
		if (record.length) {
			const enum status status = reader(journal, &record, why);

			if (status < 0)
				return status;
		}
		pos += length;
	}
	*ret_used = window.size - pos < 8 && (last || pos == 0) ? window.size : pos;
	return STATUS_OK;
}

/* Where data starts in a stream that does not tell its holes: by halving, as the hole leads. */
static uint64_t search_start(struct stream *stream)
{
	uint64_t low = 0, high = stream->size / USN_PAGE;
	uint8_t head[64];

	if (stream->size < BIG_HOLE || ntfs_next_data(stream, 0) != 0)
		return 0;
	if (stream_read(stream, 0, head, sizeof(head), NULL) != STATUS_OK ||
	    !is_zero(span_of(head, sizeof(head))))
		return 0;
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (stream_read(stream, middle * USN_PAGE, head, sizeof(head), NULL) == STATUS_OK &&
		    is_zero(span_of(head, sizeof(head))))
			low = middle + 1;
		else
			high = middle;
	}
	return low * USN_PAGE;
}

static enum status read_journal(struct journal *journal, uint64_t pos, record_reader *reader,
				struct failure *why)
{
	while (pos < journal->stream->size) {
		const uint64_t data = ntfs_next_data(journal->stream, pos);
		const uint64_t left = journal->stream->size - pos;
		const size_t size = left < WINDOW ? (size_t)left : WINDOW;
		size_t used = size;
		struct failure what = FAILURE_NONE;
		enum status status;

		if (data > pos) {
			pos = data;
			continue;
		}
		status = stream_read(journal->stream, pos, journal->window, size, &what);
		if (status == ERR_CANCELLED)
			return failure_set(why, status, "%s", what.text);
		if (status < 0 && reader == learn_folder)
			lost(journal->ctx, pos, "%zu bytes of the journal: %s", size, what.text);
		if (status == STATUS_OK)
			status = read_window(journal, span_of(journal->window, size), pos,
					     size == left, reader, &used, why);
		else
			status = STATUS_OK;
		if (status < 0)
			return status;
		pos += used;
	}
	return STATUS_OK;
}

static enum status read_twice(struct journal *journal, struct failure *why)
{
	const uint64_t start = search_start(journal->stream);
	struct failure what = FAILURE_NONE;
	enum status status;

	if (!journal->window || !journal->reader)
		return failure_set(why, ERR_NO_MEMORY, "no memory for the journal");
	status = read_journal(journal, start, learn_folder, &what);
	if (status == ERR_LIMIT)
		note(journal->ctx, FAILURE_NO_OFFSET, "%s: paths may be missing", what.text);
	else if (status < 0)
		return failure_set(why, status, "%s", what.text);
	status = read_journal(journal, start, emit_record, why);
	cover(journal->ctx, "change journal", journal->first, journal->last);
	return status;
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	struct journal journal = {
		.ctx = ctx,
		.stream = source->stream,
		.deleted = source->deleted,
		.reader = usn_reader_new(ctx),
		.window = malloc(WINDOW),
	};
	const enum status status = read_twice(&journal, why);

	usn_reader_free(journal.reader);
	free(journal.window);
	return status;
}

static const char *const paths[] = { "/$Extend/$UsnJrnl:$J", NULL };
static const struct trace_type *const emits[] = { &usn_type, &jump_type, NULL };

const struct parser usnjrnl_parser = {
	.name = "ntfs.usnjrnl",
	.title = "NTFS change journal",
	.versions = "Windows 2000 to 11",
	.asserts = "A file was created, renamed or deleted at this time.",
	.paths = paths,
	.emits = emits,
	.max_input = UINT64_MAX,
	.asks_folders = true,
	.parse_file = parse,
};
