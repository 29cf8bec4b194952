/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The change journal, "/$Extend/$UsnJrnl:$J" (Windows 2000 and later). What changes a file adds
 * records: creation, writing, renaming, deletion, each with its exact time. The stream is sparse:
 * a hole as long as everything already dropped, then pages of 4096 bytes; records are multiples
 * of 8 bytes and do not cross pages. A record's USN is its offset in the stream.
 *
 * offset v2  v3  size  (Microsoft, USN_RECORD_V2 and USN_RECORD_V3 in winioctl.h; libfsntfs,
 *                       "USN change journal")
 *         0   0     4  length
 *         4   4   2+2  version, minor
 *         8   8  8/16  file reference
 *        16  24  8/16  reference of the parent folder
 *        24  40     8  USN
 *        32  48     8  time (FILETIME)
 *        40  56     4  reasons
 *        52  68     4  attributes
 *        56  72   2+2  name size, name offset
 * Version 4 records carry ranges without a name and are passed over.
 */
#include <inttypes.h>
#include <stdio.h>

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/filesystem/ntfs/mft.h"

enum {
	PAGE = 4096,
	WINDOW = 1 << 20, /* read at once */
	MIN_RECORD = 60,
	MAX_RECORD = 65536,
	MAX_FOLDERS = 4000000,
	BIG_HOLE = 64 << 20, /* above: the start of the data is searched for */
	FOLDER_ATTRIBUTE = 0x10,
	UNWANTED_NAME = 512,
};

/* Times within one write-out may stand a little out of order. */
#define JUMP_TICKS (5 * TICKS_PER_SECOND)

enum usn_field {
	USN_USN,
	USN_TIME,
	USN_NAME,
	USN_PATH,
	USN_PATH_FROM,
	USN_REASONS,
	USN_REASONS_TEXT,
	USN_ENTRY,
	USN_SEQUENCE,
	USN_PARENT,
	USN_PARENT_SEQUENCE,
	USN_ATTRIBUTES,
	USN_N_FIELDS,
};

static const struct trace_field usn_fields[] = {
	[USN_USN] = { "usn", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "USN" },
	[USN_TIME] = { "time", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Changed" },
	[USN_NAME] = { "name", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Name" },
	[USN_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Path" },
	[USN_PATH_FROM] = { "path_from", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Path taken from" },
	[USN_REASONS] = { "reasons", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Reasons" },
	[USN_REASONS_TEXT] = { "reasons_text", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE,
			       "What happened" },
	[USN_ENTRY] = { "entry", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Entry" },
	[USN_SEQUENCE] = { "sequence", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Sequence" },
	[USN_PARENT] = { "parent", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Parent entry" },
	[USN_PARENT_SEQUENCE] = { "parent_sequence", VALUE_UINT, ASPECT_NONE, ASPECT_NONE,
				  "Parent sequence" },
	[USN_ATTRIBUTES] = { "attributes", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Attributes" },
	[USN_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type usn_type = {
	.name = "ntfs.usn",
	.message = "{reasons_text}: {path}",
	.fields = usn_fields,
};

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

struct usn_record {
	uint64_t offset;
	uint32_t length;
	uint64_t reference, parent, usn, time;
	uint32_t reasons, attributes;
	struct span name; /* UTF-16LE */
};

/* A folder some record names. */
struct folder {
	uint64_t reference, parent; /* reference 0: free slot */
	struct text name;           /* data NULL: no record of its own in the journal */
	struct text path;
	bool resolved, from_journal;
};

struct journal {
	struct parse_context *ctx;
	struct stream *stream;
	bool deleted;
	struct arena *keep, *scratch;
	struct folder *folders; /* hash by reference */
	size_t n_folders, room;
	struct instant first, last;
	uint64_t last_usn;
	uint64_t n_bad, n_ranges;
	uint8_t *window;
	/* The record before, if its path was not wanted: one change is some records in a row. */
	struct {
		uint64_t parent;
		size_t name_size; /* 0: none */
		uint8_t name[UNWANTED_NAME];
	} unwanted;
};

typedef enum status record_reader(struct journal *journal, const struct usn_record *record,
				  struct failure *why);

static size_t slot_of(const struct journal *journal, uint64_t reference)
{
	size_t slot = (size_t)((reference * UINT64_C(0x9e3779b97f4a7c15)) >> 20);

	for (slot &= journal->room - 1; journal->folders[slot].reference &&
					journal->folders[slot].reference != reference;)
		slot = (slot + 1) & (journal->room - 1);
	return slot;
}

static bool grow_folders(struct journal *journal)
{
	struct folder *const old = journal->folders;
	const size_t old_room = journal->room, room = old_room ? old_room * 2 : 4096;
	struct folder *grown = room / 2 > MAX_FOLDERS ? NULL : calloc(room, sizeof(*grown));

	if (!grown)
		return false;
	journal->folders = grown;
	journal->room = room;
	for (size_t i = 0; i < old_room; i++)
		if (old[i].reference)
			grown[slot_of(journal, old[i].reference)] = old[i];
	free(old);
	return true;
}

/* The folder of a reference, made when new; NULL without room. */
static struct folder *folder_of(struct journal *journal, uint64_t reference)
{
	if (reference == 0 || (journal->n_folders * 2 >= journal->room && !grow_folders(journal)))
		return NULL;

	struct folder *folder = &journal->folders[slot_of(journal, reference)];

	if (folder->reference == 0) {
		folder->reference = reference;
		journal->n_folders++;
	}
	return folder;
}

static struct folder *find_folder(struct journal *journal, uint64_t reference)
{
	struct folder *folder;

	if (reference == 0 || journal->room == 0)
		return NULL;
	folder = &journal->folders[slot_of(journal, reference)];
	return folder->reference ? folder : NULL;
}

/* First pass: which folders the journal itself knows, by their last name. */
static enum status learn_folder(struct journal *journal, const struct usn_record *record,
				struct failure *why)
{
	struct folder *folder;

	folder = folder_of(journal, record->parent);
	if (folder && record->attributes & FOLDER_ATTRIBUTE)
		folder = folder_of(journal, record->reference);
	if (!folder && record->parent)
		return failure_set(why, ERR_LIMIT, "too many folders in the journal");
	if (folder && record->attributes & FOLDER_ATTRIBUTE &&
	    folder->reference == record->reference) {
		folder->parent = record->parent;
		folder->name = text_from_utf16le(journal->keep, record->name, NULL);
		if (!folder->name.data)
			return failure_set(why, ERR_LIMIT, "too many folders in the journal");
	}
	return STATUS_OK;
}

/* Path of a folder: from the file table, or else from the journal's own records. */
static struct folder *resolve(struct journal *journal, uint64_t reference, unsigned depth)
{
	struct folder *folder = find_folder(journal, reference), *parent;
	const char *path;

	if (!folder || folder->resolved)
		return folder;
	folder->resolved = true; /* before going up: a ring ends here */
	folder->path = folder_path(journal->ctx, reference);
	if (folder->path.data) {
		folder->path.data = arena_text(journal->keep, folder->path);
		return folder;
	}
	if (ntfs_entry_of(reference) == NTFS_ROOT) {
		folder->path = TEXT("/");
		return folder;
	}
	if (!folder->name.data || depth >= LIMIT_DEPTH)
		return folder;
	parent = resolve(journal, folder->parent, depth + 1);
	if (!parent || !parent->path.data || parent->path.size > LIMIT_TEXT)
		return folder;
	path = arena_printf(journal->keep, "%.*s/%.*s",
			    parent->path.size == 1 ? 0 : (int)parent->path.size, parent->path.data,
			    (int)folder->name.size, folder->name.data);
	folder->path = text_of(path);
	folder->from_journal = true;
	return folder;
}

static const char *const reason_names[32] = {
	[0] = "data overwritten",	[1] = "data extended",	 [2] = "data truncated",
	[4] = "stream overwritten",	[5] = "stream extended", [6] = "stream truncated",
	[8] = "created",		[9] = "deleted",	 [10] = "extended attributes changed",
	[11] = "security changed",	[12] = "renamed from",	 [13] = "renamed to",
	[14] = "indexing changed",	[15] = "attributes or times changed",
	[16] = "hard link changed",	[17] = "compression changed",
	[18] = "encryption changed",	[19] = "object id changed",
	[20] = "reparse point changed", [21] = "stream changed",
	[22] = "transacted change",	[23] = "integrity changed",
	[31] = "closed",
};

static struct text reasons_text(struct arena *arena, uint32_t reasons)
{
	char line[768];
	size_t used = 0;

	for (unsigned bit = 0; bit < 32; bit++) {
		const char *name = reason_names[bit];
		char unknown[16];

		if (!(reasons >> bit & 1))
			continue;
		(void)snprintf(unknown, sizeof(unknown), "0x%x", 1U << bit);
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s",
					 used ? ", " : "", name ? name : unknown);
		if (used >= sizeof(line))
			used = sizeof(line) - 1;
	}
	line[used] = '\0';
	return text_of(arena_text(arena, (struct text){ line, used }));
}

/* "folder/name" in the arena. */
static struct text join(struct arena *arena, struct text folder, struct text name)
{
	char *path = arena_alloc(arena, folder.size + name.size + 2);

	if (!path)
		return (struct text){ NULL, 0 };
	memcpy(path, folder.data, folder.size);
	path[folder.size] = '/';
	memcpy(path + folder.size + 1, name.data, name.size);
	path[folder.size + 1 + name.size] = '\0';
	return (struct text){ path, folder.size + 1 + name.size };
}

static bool is_unwanted_again(const struct journal *journal, const struct usn_record *record)
{
	return journal->unwanted.name_size == record->name.size &&
	       journal->unwanted.parent == record->parent &&
	       memcmp(journal->unwanted.name, record->name.data, record->name.size) == 0;
}

static void remember_unwanted(struct journal *journal, const struct usn_record *record)
{
	journal->unwanted.name_size = 0;
	if (record->name.size > UNWANTED_NAME)
		return;
	journal->unwanted.parent = record->parent;
	journal->unwanted.name_size = record->name.size;
	memcpy(journal->unwanted.name, record->name.data, record->name.size);
}

/* The record's path, and how it is known: "file table", "journal" or "orphan". */
static struct text path_of(struct journal *journal, const struct usn_record *record,
			   struct text name, const char **ret_from)
{
	const struct folder *folder = resolve(journal, record->parent, 0);
	struct text parent = TEXT("/$OrphanFiles");

	*ret_from = "orphan";
	if (folder && folder->path.data) {
		parent = folder->path;
		*ret_from = folder->from_journal ? "journal" : "file table";
	}
	if (parent.size == 1)
		parent.size = 0;
	return join(journal->scratch, parent, name);
}

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

static enum status emit_record(struct journal *journal, const struct usn_record *record,
			       struct failure *why)
{
	struct value values[USN_N_FIELDS] = { 0 };
	const struct instant time = instant_from_filetime(record->time);
	const char *from;
	char address[32];
	enum status status = watch_clock(journal, record, time, why);

	if (status < 0 || is_unwanted_again(journal, record))
		return status;
	if (arena_used(journal->scratch) > WINDOW)
		arena_reset(journal->scratch);

	const struct text name = text_from_utf16le(journal->scratch, record->name, NULL);
	const struct text path = name.data ? path_of(journal, record, name, &from) : name;

	if (!path.data)
		return failure_set(why, ERR_LIMIT, "no memory for a path");
	if (!wants_path(journal->ctx, path)) {
		remember_unwanted(journal, record);
		return STATUS_OK;
	}
	values[USN_USN] = value_uint(record->usn);
	values[USN_TIME] = value_instant(time);
	values[USN_NAME] = value_text(name);
	values[USN_PATH] = value_text(path);
	values[USN_PATH_FROM] = value_text(text_of(from));
	values[USN_REASONS] = value_uint(record->reasons);
	values[USN_REASONS_TEXT] = value_text(reasons_text(journal->scratch, record->reasons));
	values[USN_ENTRY] = value_uint(ntfs_entry_of(record->reference));
	values[USN_SEQUENCE] = value_uint(ntfs_sequence_of(record->reference));
	values[USN_PARENT] = value_uint(ntfs_entry_of(record->parent));
	values[USN_PARENT_SEQUENCE] = value_uint(ntfs_sequence_of(record->parent));
	values[USN_ATTRIBUTES] = value_uint(record->attributes);
	(void)snprintf(address, sizeof(address), "USN %" PRIu64, record->usn);

	const struct trace trace = {
		.type = &usn_type,
		.origin = { record->offset, record->length, 0, text_of(address) },
		.recovery = journal->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = values,
	};
	return emit(journal->ctx, &trace, why);
}

/* Length of the record at the start of s, 0 when it is none; ret->length 0: nothing to read. */
static uint32_t read_record(struct span s, uint64_t offset, struct usn_record *ret)
{
	const uint32_t length = span_u32le(s, 0);
	const uint16_t version = span_u16le(s, 4);
	const size_t wide = version == 3 ? 8 : 0, fields = wide * 2;

	ret->length = 0;
	if (length < MIN_RECORD || length > MAX_RECORD || length % 8 || version < 2 || version > 4)
		return 0;
	if (version == 4 || length > s.size)
		return length;
	*ret = (struct usn_record){
		.offset = offset,
		.length = length,
		.reference = span_u64le(s, 8),
		.parent = span_u64le(s, 16 + wide),
		.usn = span_u64le(s, 24 + fields),
		.time = span_u64le(s, 32 + fields),
		.reasons = span_u32le(s, 40 + fields),
		.attributes = span_u32le(s, 52 + fields),
		.name = span_part(span_part(s, 0, length), span_u16le(s, 58 + fields),
				  span_u16le(s, 56 + fields)),
	};
	return ret->name.data && ret->name.size ? length : 0;
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
		const size_t page_left = PAGE - (size_t)((base + pos) % PAGE);
		struct usn_record record;

		if (span_u32le(rest, 0) == 0) {
			const size_t n = page_left < rest.size ? page_left : rest.size;

			/* The rest of a page is empty; one that is not holds garbage. */
			pos += is_zero(span_part(rest, 0, n)) ? n : 8;
			continue;
		}

		const uint32_t length = read_record(rest, base + pos, &record);

		if (length > rest.size && !last && pos > 0)
			break;
		if (length == 0 || length > rest.size) {
			if (!in_garbage)
				journal->n_bad++;
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
	uint64_t low = 0, high = stream->size / PAGE;
	uint8_t head[64];

	if (stream->size < BIG_HOLE || ntfs_next_data(stream, 0) != 0)
		return 0;
	if (stream_read(stream, 0, head, sizeof(head), NULL) != STATUS_OK ||
	    !is_zero(span_of(head, sizeof(head))))
		return 0;
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (stream_read(stream, middle * PAGE, head, sizeof(head), NULL) == STATUS_OK &&
		    is_zero(span_of(head, sizeof(head))))
			low = middle + 1;
		else
			high = middle;
	}
	return low * PAGE;
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

	if (!journal->window || !journal->keep || !journal->scratch)
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
		.keep = arena_new(LIMIT_ARENA),
		.scratch = arena_new(LIMIT_ARENA),
		.window = malloc(WINDOW),
	};
	const enum status status = read_twice(&journal, why);

	arena_free(journal.keep);
	arena_free(journal.scratch);
	free(journal.folders);
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
