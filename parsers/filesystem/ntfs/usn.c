/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/filesystem/ntfs/usn.h"

#include <inttypes.h>
#include <stdio.h>

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"

enum {
	MAX_FOLDERS = 4000000,
	FOLDER_ATTRIBUTE = 0x10,
	UNWANTED_NAME = 512,
	SCRATCH_KEPT = 1 << 20,
};

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

const struct trace_type usn_type = {
	.name = "ntfs.usn",
	.message = "{reasons_text}: {path}",
	.fields = usn_fields,
};

/* A folder some record names. */
struct folder {
	uint64_t reference, parent; /* reference 0: free slot */
	struct text name;           /* data NULL: no record of its own in the journal */
	struct text path;
	bool resolved, from_journal;
};

struct usn_reader {
	struct parse_context *ctx;
	struct arena *keep, *scratch;
	struct folder *folders; /* hash by reference */
	size_t n_folders, room;
	/* The record before, if its path was not wanted: one change is some records in a row. */
	struct {
		uint64_t parent;
		size_t name_size; /* 0: none */
		uint8_t name[UNWANTED_NAME];
	} unwanted;
};

struct usn_reader *usn_reader_new(struct parse_context *ctx)
{
	struct usn_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->ctx = ctx;
	reader->keep = arena_new(LIMIT_ARENA);
	reader->scratch = arena_new(LIMIT_ARENA);
	if (!reader->keep || !reader->scratch) {
		usn_reader_free(reader);
		return NULL;
	}
	return reader;
}

void usn_reader_free(struct usn_reader *reader)
{
	if (!reader)
		return;
	arena_free(reader->keep);
	arena_free(reader->scratch);
	free(reader->folders);
	free(reader);
}

uint32_t usn_record_read(struct span s, uint64_t offset, struct usn_record *ret)
{
	const uint32_t length = span_u32le(s, 0);
	const uint16_t version = span_u16le(s, 4);
	const size_t wide = version == 3 ? 8 : 0, fields = wide * 2;

	ret->length = 0;
	if (length < USN_MIN_RECORD || length > USN_MAX_RECORD || length % 8 || version < 2 || version > 4)
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

static size_t slot_of(const struct usn_reader *reader, uint64_t reference)
{
	size_t slot = (size_t)((reference * UINT64_C(0x9e3779b97f4a7c15)) >> 20);

	for (slot &= reader->room - 1; reader->folders[slot].reference &&
					reader->folders[slot].reference != reference;)
		slot = (slot + 1) & (reader->room - 1);
	return slot;
}

static bool grow_folders(struct usn_reader *reader)
{
	struct folder *const old = reader->folders;
	const size_t old_room = reader->room, room = old_room ? old_room * 2 : 4096;
	struct folder *grown = room / 2 > MAX_FOLDERS ? NULL : calloc(room, sizeof(*grown));

	if (!grown)
		return false;
	reader->folders = grown;
	reader->room = room;
	for (size_t i = 0; i < old_room; i++)
		if (old[i].reference)
			grown[slot_of(reader, old[i].reference)] = old[i];
	free(old);
	return true;
}

/* The folder of a reference, made when new; NULL without room. */
static struct folder *folder_of(struct usn_reader *reader, uint64_t reference)
{
	if (reference == 0 || (reader->n_folders * 2 >= reader->room && !grow_folders(reader)))
		return NULL;

	struct folder *folder = &reader->folders[slot_of(reader, reference)];

	if (folder->reference == 0) {
		folder->reference = reference;
		reader->n_folders++;
	}
	return folder;
}

static struct folder *find_folder(struct usn_reader *reader, uint64_t reference)
{
	struct folder *folder;

	if (reference == 0 || reader->room == 0)
		return NULL;
	folder = &reader->folders[slot_of(reader, reference)];
	return folder->reference ? folder : NULL;
}

enum status usn_learn(struct usn_reader *reader, const struct usn_record *record,
		      struct failure *why)
{
	struct folder *folder;

	folder = folder_of(reader, record->parent);
	if (folder && record->attributes & FOLDER_ATTRIBUTE)
		folder = folder_of(reader, record->reference);
	if (!folder && record->parent)
		return failure_set(why, ERR_LIMIT, "too many folders in the journal");
	if (folder && record->attributes & FOLDER_ATTRIBUTE &&
	    folder->reference == record->reference) {
		folder->parent = record->parent;
		folder->name = text_from_utf16le(reader->keep, record->name, NULL);
		if (!folder->name.data)
			return failure_set(why, ERR_LIMIT, "too many folders in the journal");
	}
	return STATUS_OK;
}

/* Path of a folder: from the file table, or else from the journal's own records. */
static struct folder *resolve(struct usn_reader *reader, uint64_t reference, unsigned depth)
{
	struct folder *folder = find_folder(reader, reference), *parent;
	const char *path;

	if (!folder || folder->resolved)
		return folder;
	folder->resolved = true; /* before going up: a ring ends here */
	folder->path = folder_path(reader->ctx, reference);
	if (folder->path.data) {
		folder->path.data = arena_text(reader->keep, folder->path);
		return folder;
	}
	if (ntfs_entry_of(reference) == NTFS_ROOT) {
		folder->path = TEXT("/");
		return folder;
	}
	if (!folder->name.data || depth >= LIMIT_DEPTH)
		return folder;
	parent = resolve(reader, folder->parent, depth + 1);
	if (!parent || !parent->path.data || parent->path.size > LIMIT_TEXT)
		return folder;
	path = arena_printf(reader->keep, "%.*s/%.*s",
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
	[24] = "storage class changed",	[31] = "closed",
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

static bool is_unwanted_again(const struct usn_reader *reader, const struct usn_record *record)
{
	return reader->unwanted.name_size == record->name.size &&
	       reader->unwanted.parent == record->parent &&
	       memcmp(reader->unwanted.name, record->name.data, record->name.size) == 0;
}

static void remember_unwanted(struct usn_reader *reader, const struct usn_record *record)
{
	reader->unwanted.name_size = 0;
	if (record->name.size > UNWANTED_NAME)
		return;
	reader->unwanted.parent = record->parent;
	reader->unwanted.name_size = record->name.size;
	memcpy(reader->unwanted.name, record->name.data, record->name.size);
}

/* The record's path, and how it is known: "file table", "journal" or "orphan". */
static struct text path_of(struct usn_reader *reader, const struct usn_record *record,
			   struct text name, const char **ret_from)
{
	const struct folder *folder = resolve(reader, record->parent, 0);
	struct text parent = TEXT("/$OrphanFiles");

	*ret_from = "orphan";
	if (folder && folder->path.data) {
		parent = folder->path;
		*ret_from = folder->from_journal ? "journal" : "file table";
	}
	if (parent.size == 1)
		parent.size = 0;
	return join(reader->scratch, parent, name);
}

enum status usn_emit(struct usn_reader *reader, const struct usn_record *record,
		     enum recovery recovery, struct failure *why)
{
	struct value values[USN_N_FIELDS] = { 0 };
	const char *from;
	char address[32];

	if (is_unwanted_again(reader, record))
		return STATUS_OK;
	if (arena_used(reader->scratch) > SCRATCH_KEPT)
		arena_reset(reader->scratch);

	const struct text name = text_from_utf16le(reader->scratch, record->name, NULL);
	const struct text path = name.data ? path_of(reader, record, name, &from) : name;

	if (!path.data)
		return failure_set(why, ERR_LIMIT, "no memory for a path");
	if (!wants_path(reader->ctx, path)) {
		remember_unwanted(reader, record);
		return STATUS_OK;
	}
	values[USN_USN] = value_uint(record->usn);
	values[USN_TIME] = value_instant(instant_from_filetime(record->time));
	values[USN_NAME] = value_text(name);
	values[USN_PATH] = value_text(path);
	values[USN_PATH_FROM] = value_text(text_of(from));
	values[USN_REASONS] = value_uint(record->reasons);
	values[USN_REASONS_TEXT] = value_text(reasons_text(reader->scratch, record->reasons));
	values[USN_ENTRY] = value_uint(ntfs_entry_of(record->reference));
	values[USN_SEQUENCE] = value_uint(ntfs_sequence_of(record->reference));
	values[USN_PARENT] = value_uint(ntfs_entry_of(record->parent));
	values[USN_PARENT_SEQUENCE] = value_uint(ntfs_sequence_of(record->parent));
	values[USN_ATTRIBUTES] = value_uint(record->attributes);
	(void)snprintf(address, sizeof(address), "USN %" PRIu64, record->usn);

	const struct trace trace = {
		.type = &usn_type,
		.origin = { record->offset, record->length, 0, text_of(address) },
		.recovery = recovery,
		.values = values,
	};
	return emit(reader->ctx, &trace, why);
}
