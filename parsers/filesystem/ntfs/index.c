/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/filesystem/ntfs/index.h"

#include <inttypes.h>
#include <stdio.h>

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/filesystem/file.h"

/*
 * Index record: 0 4 "INDX"  4 2 usa offset  6 2 usa count  24 node header
 * Index entry: 0 8 file reference  8 2 length  10 2 size of the $FILE_NAME  12 2 flags  16 ...
 */
/* Bit of the attributes in $FILE_NAME alone that marks folders. */
#define FOLDER_ATTRIBUTE UINT32_C(0x10000000)

enum {
	RECORD = 4096,
	ENTRY_HEADER = 16,
	NAME_HEADER = 66,
	MAX_INDEX = 16 << 20, /* bytes of one folder's index that are looked at */
	MAX_LOG = 1 << 28,    /* of $LogFile; Windows makes it of 64 MiB */
};

enum index_field {
	INDEX_PATH,
	INDEX_NAME,
	INDEX_KIND,
	INDEX_ENTRY,
	INDEX_SEQUENCE,
	INDEX_PARENT,
	INDEX_PARENT_SEQUENCE,
	INDEX_SIZE,
	INDEX_ATTRIBUTES,
	INDEX_CREATED,
	INDEX_MODIFIED,
	INDEX_CHANGED,
	INDEX_ACCESSED,
	INDEX_CONTAINER_MODIFIED,
	INDEX_SUPERSEDED,
	INDEX_N_FIELDS,
};

static const struct trace_field index_fields[] = {
	[INDEX_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Path" },
	[INDEX_NAME] = { "name", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Name" },
	[INDEX_KIND] = { "kind", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Kind" },
	[INDEX_ENTRY] = { "entry", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Entry" },
	[INDEX_SEQUENCE] = { "sequence", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Sequence" },
	[INDEX_PARENT] = { "parent", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Parent entry" },
	[INDEX_PARENT_SEQUENCE] = { "parent_sequence", VALUE_UINT, ASPECT_NONE, ASPECT_NONE,
				    "Parent sequence" },
	[INDEX_SIZE] = { "size", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Size" },
	[INDEX_ATTRIBUTES] = { "attributes", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Attributes" },
	[INDEX_CREATED] = { "created", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Created" },
	[INDEX_MODIFIED] = { "modified", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
			     "Content modified" },
	[INDEX_CHANGED] = { "changed", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Entry changed" },
	[INDEX_ACCESSED] = { "accessed", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Accessed" },
	[INDEX_CONTAINER_MODIFIED] = { "container_modified", VALUE_INSTANT, ASPECT_NONE,
				       ASPECT_NONE, "Folder modified" },
	[INDEX_SUPERSEDED] = { "superseded", VALUE_UINT, ASPECT_NONE, ASPECT_NONE,
			       "A live entry of this path exists" },
	[INDEX_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

const struct trace_type ntfs_index_entry_type = {
	.name = "ntfs.index-entry",
	.message = "{path} was named in its folder",
	.fields = index_fields,
};

/* Parents of programs and their traces, read whether wanted or not. */
static const char *const usual_folders[] = {
	"/",
	"/Program Files",
	"/Program Files (x86)",
	"/Program Files/Common Files",
	"/Program Files (x86)/Common Files",
	"/ProgramData",
	"/ProgramData/Microsoft/Windows/Start Menu/Programs",
	"/Documents and Settings/All Users/Application Data",
	"/Windows/System32/drivers",
	"/Windows/Prefetch",
	"/Windows/Temp",
	"/Users/*/AppData/Local/Temp",
	"/Users/*/Desktop",
	"/Users/*/Downloads",
	NULL,
};

/* A time that a real file may have: 1980 to 2200. */
static bool is_likely(uint64_t time)
{
	return time > UINT64_C(119600064000000000) && time < UINT64_C(189000000000000000);
}

/* Cheap, and false for most: an entry below 2^32 and a sequence. */
static bool may_be_reference(struct span s, size_t pos)
{
	const uint64_t reference = span_u64le(s, pos);

	return reference >> 48 && !(reference >> 32 & 0xffff);
}

/* The reference in front of a name, if the entry's header still agrees with it. */
static uint64_t reference_before(struct span s, size_t pos, const struct ntfs_file_name *name)
{
	const struct span head = pos >= ENTRY_HEADER ? span_part(s, pos - ENTRY_HEADER,
								 ENTRY_HEADER) :
						       (struct span){ NULL, 0 };
	const size_t key = NAME_HEADER + name->name.size;

	if (!head.data || span_u16le(head, 10) != key ||
	    span_u16le(head, 8) < ENTRY_HEADER + key || ntfs_sequence_of(span_u64le(head, 0)) == 0)
		return 0;
	return span_u64le(head, 0);
}

/* Names in the folder of that reference, or in any (0). */
static enum status scan(struct span s, uint64_t base, uint64_t folder,
			ntfs_index_visitor *visitor, void *payload, struct failure *why)
{
	const size_t size = s.size;

	for (size_t pos = 0; size >= NAME_HEADER && pos <= size - NAME_HEADER; pos += 8) {
		struct ntfs_index_name found = { .offset = base + pos };
		enum status status;

		if ((folder ? span_u64le(s, pos) != folder : !may_be_reference(s, pos)) ||
		    !ntfs_file_name_from(span_part(s, pos, size - pos), &found.name) ||
		    found.name.space == NTFS_NAME_DOS || !is_likely(found.name.created) ||
		    !is_likely(found.name.modified))
			continue;
		found.reference = reference_before(s, pos, &found.name);
		status = visitor(payload, &found, why);
		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

enum status ntfs_index_scan(uint8_t *bytes, size_t size, uint64_t base, uint64_t folder,
			    ntfs_index_visitor *visitor, void *payload, struct failure *why)
{
	const struct span s = { bytes, size };

	/* A torn record is looked through all the same: each name must stand for itself. */
	if (size >= RECORD && memcmp(bytes, "INDX", 4) == 0)
		(void)ntfs_fix_up(bytes, size, span_u16le(s, 4), span_u16le(s, 6));
	return scan(s, base, folder, visitor, payload, why);
}

enum status ntfs_log_scan(uint8_t *bytes, size_t size, uint64_t base, ntfs_index_visitor *visitor,
			  void *payload, struct failure *why)
{
	const struct span s = { bytes, size };

	if (size < RECORD || memcmp(bytes, "RCRD", 4) != 0 ||
	    !ntfs_fix_up(bytes, size, span_u16le(s, 4), span_u16le(s, 6)))
		return STATUS_OK; /* unused, or torn: then half of it is of another time */
	return scan(s, base, 0, visitor, payload, why);
}

struct ntfs_folder {
	uint64_t entry, reference;
	struct text path;
};

struct slack {
	struct parse_context *ctx;
	struct ntfs_table *table;
	struct arena *keep, *scratch;
	struct ntfs_folder folder;
	struct instant folder_modified;
	bool folder_told; /* emitted, to be cited */
	uint8_t *buffer;
	size_t size;
	bool in_log;    /* $LogFile is read, not the index of the folder */
	uint64_t *seen; /* hashes of what this folder gave already */
	size_t n_seen, seen_room;
};

/* Copies of one entry stand in several places: each is told once. */
static bool is_new(struct slack *s, struct text path, const struct ntfs_index_name *found)
{
	uint64_t hash = found->reference ^ found->name.modified * 31 ^ found->name.changed * 17;

	for (size_t i = 0; i < path.size; i++)
		hash = (hash ^ (uint8_t)path.data[i]) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < s->n_seen; i++)
		if (s->seen[i] == hash)
			return false;
	if (s->n_seen < s->seen_room)
		s->seen[s->n_seen++] = hash;
	return true;
}

static enum status emit_name(struct slack *s, const struct ntfs_index_name *found,
			     struct text path, struct text name, bool superseded,
			     struct failure *why)
{
	const struct ntfs_file_name *n = &found->name;
	struct value values[INDEX_N_FIELDS] = { 0 };
	char address[96];

	values[INDEX_PATH] = value_text(path);
	values[INDEX_NAME] = value_text(name);
	values[INDEX_KIND] = value_text(n->attributes & FOLDER_ATTRIBUTE ? TEXT("folder") :
									   TEXT("file"));
	if (found->reference) {
		values[INDEX_ENTRY] = value_uint(ntfs_entry_of(found->reference));
		values[INDEX_SEQUENCE] = value_uint(ntfs_sequence_of(found->reference));
	}
	values[INDEX_PARENT] = value_uint(ntfs_entry_of(n->parent));
	values[INDEX_PARENT_SEQUENCE] = value_uint(ntfs_sequence_of(n->parent));
	values[INDEX_SIZE] = value_uint(n->size);
	values[INDEX_ATTRIBUTES] = value_uint(n->attributes);
	values[INDEX_CREATED] = value_instant(instant_from_filetime(n->created));
	values[INDEX_MODIFIED] = value_instant(instant_from_filetime(n->modified));
	values[INDEX_CHANGED] = value_instant(instant_from_filetime(n->changed));
	values[INDEX_ACCESSED] = value_instant(instant_from_filetime(n->accessed));
	/* A file that lives on under another name or elsewhere was not deleted. */
	if (found->reference && !ntfs_table_is_live(s->table, ntfs_entry_of(found->reference),
						    ntfs_sequence_of(found->reference)))
		values[INDEX_CONTAINER_MODIFIED] = value_instant(s->folder_modified);
	if (superseded)
		values[INDEX_SUPERSEDED] = value_uint(1);
	(void)snprintf(address, sizeof(address), "MFT entry %" PRIu64 "-%u %s at 0x%" PRIx64,
		       s->folder.entry, ntfs_sequence_of(s->folder.reference),
		       s->in_log ? "$LogFile" : "$I30", found->offset);

	const struct text folder = s->folder.path;
	const struct other_file log = { TEXT("/$LogFile"), NTFS_LOG_FILE, NTFS_LOG_FILE };
	const struct other_file index = {
		.path = text_of(arena_printf(s->scratch, "%.*s:$I30", (int)folder.size, folder.data)),
		.entry = s->folder.entry,
		.sequence = ntfs_sequence_of(s->folder.reference),
	};

	if (!index.path.data)
		return failure_set(why, ERR_LIMIT, "no memory for a path");

	const struct trace trace = {
		.type = &ntfs_index_entry_type,
		.origin = { found->offset, NAME_HEADER + n->name.size, 0, text_of(address) },
		.file = s->in_log ? &log : &index,
		.recovery = s->in_log ? RECOVERY_LOG_EARLIER : RECOVERY_SLACK,
		.values = values,
	};
	const enum status status = emit(s->ctx, &trace, why);

	if (status < 0 || s->folder_told ||
	    values[INDEX_CONTAINER_MODIFIED].kind == VALUE_ABSENT)
		return status;
	s->folder_told = true;
	return ntfs_table_emit_folder(s->ctx, s->table, s->folder.reference, why);
}

static enum status take_name(void *payload, const struct ntfs_index_name *found,
			     struct failure *why)
{
	struct slack *s = payload;
	const struct text name = text_from_utf16le(s->scratch, found->name.name, NULL);
	const struct text folder = s->folder.path;
	struct ntfs_found live;
	struct text path;
	bool superseded;

	path = text_of(arena_printf(s->scratch, "%.*s/%.*s",
				    folder.size == 1 ? 0 : (int)folder.size, folder.data,
				    (int)name.size, name.data));
	if (!path.data)
		return failure_set(why, ERR_LIMIT, "no memory for a path");
	if (!wants_path(s->ctx, path))
		return STATUS_OK;
	superseded = ntfs_table_find(s->table, path, &live) == STATUS_OK;
	if (superseded && (found->reference == 0 ||
			   (live.entry == ntfs_entry_of(found->reference) &&
			    live.sequence == ntfs_sequence_of(found->reference))))
		return STATUS_OK; /* the live entry, or a copy of it */
	if (!is_new(s, path, found))
		return STATUS_OK;
	return emit_name(s, found, path, name, superseded, why);
}

static void read_folder_time(struct slack *s)
{
	struct ntfs_volume *volume = ntfs_table_volume(s->table);
	struct ntfs_record record;
	struct ntfs_attribute a;
	struct ntfs_times times;

	s->folder_modified = (struct instant){ 0 };
	if (s->size < ntfs_volume_record_size(volume) ||
	    ntfs_volume_record(volume, s->folder.entry, s->buffer, &record, NULL) != STATUS_OK)
		return;
	for (size_t pos = record.first_attribute;
	     ntfs_next_attribute(&record, &pos, &a) == STATUS_OK;)
		if (a.type == NTFS_STANDARD_INFORMATION && ntfs_times_from(a.value, &times))
			s->folder_modified = instant_from_filetime(times.modified);
}

/* Reads the index of s->folder record by record; damage there costs only this extra. */
static enum status scan_folder(struct slack *s, struct failure *why)
{
	CLEANUP(stream_close_p) struct stream *stream = NULL;
	struct ntfs_volume *volume = ntfs_table_volume(s->table);
	enum status status = ntfs_open_index(volume, s->folder.entry, &stream, NULL);

	if (status != STATUS_OK)
		return STATUS_OK; /* a small folder has none */
	read_folder_time(s);
	s->n_seen = 0;
	s->folder_told = false;
	status = STATUS_OK;
	for (uint64_t at = 0; status == STATUS_OK && at < stream->size && at < MAX_INDEX;
	     at += RECORD) {
		const uint64_t left = stream->size - at;
		const size_t size = left < RECORD ? (size_t)left : RECORD;

		if (stream_read(stream, at, s->buffer, size, NULL) != STATUS_OK)
			continue;
		status = ntfs_index_scan(s->buffer, size, at, s->folder.reference, take_name, s,
					 why);
		if (arena_used(s->scratch) > LIMIT_TEXT)
			arena_reset(s->scratch);
	}
	return status;
}

/* A name in the log counts where its folder is still the same one. */
static enum status take_logged(void *payload, const struct ntfs_index_name *found,
			       struct failure *why)
{
	struct slack *s = payload;
	const uint64_t reference = found->name.parent;
	const uint64_t entry = ntfs_entry_of(reference);
	const uint16_t sequence = ntfs_sequence_of(reference);
	enum ntfs_path_state state = NTFS_PATH_ORPHAN;

	if (s->folder.reference != reference) {
		s->folder = (struct ntfs_folder){
			.entry = entry,
			.reference = reference,
			.path = ntfs_table_path(s->table, entry, sequence, s->keep, &state),
		};
		s->folder_modified = (struct instant){ 0 };
		if (state != NTFS_PATH_WHOLE)
			s->folder.path.data = NULL;
		else if (ntfs_table_is_live(s->table, entry, sequence))
			read_folder_time(s);
	}
	return s->folder.path.data ? take_name(s, found, why) : STATUS_OK;
}

/* Looks through $LogFile; damage there costs only this extra. */
static enum status scan_log(struct slack *s, struct failure *why)
{
	enum { BATCH = 1 << 20 };
	CLEANUP(free_p) uint8_t *batch = malloc(BATCH);
	CLEANUP(stream_close_p) struct stream *log = NULL;
	enum status status = STATUS_OK;

	if (!batch)
		return failure_set(why, ERR_NO_MEMORY, "no memory for $LogFile");
	if (ntfs_open_file(ntfs_table_volume(s->table), NTFS_LOG_FILE, TEXT(""), &log, NULL) !=
	    STATUS_OK)
		return STATUS_OK;
	s->in_log = true;
	s->n_seen = 0;
	s->folder.reference = 0;
	for (uint64_t at = 0; at < log->size && at < MAX_LOG; at += BATCH) {
		const uint64_t left = log->size - at;
		const size_t size = left < BATCH ? (size_t)left : BATCH;

		if (stream_read(log, at, batch, size, NULL) != STATUS_OK)
			continue;
		for (size_t page = 0; status == STATUS_OK && page + RECORD <= size; page += RECORD)
			status = ntfs_log_scan(batch + page, RECORD, at + page, take_logged, s,
					       why);
		if (arena_used(s->scratch) > LIMIT_TEXT)
			arena_reset(s->scratch);
	}
	return status;
}

void ntfs_folders_clear(struct ntfs_folders *folders)
{
	arena_free(folders->arena);
	free(folders->items);
}

static bool is_usual(struct text path)
{
	for (const char *const *usual = usual_folders; *usual; usual++)
		if (path_fits(*usual, path))
			return true;
	return false;
}

enum status ntfs_folders_add(struct ntfs_folders *folders, const struct ntfs_found *found,
			     bool wanted, struct failure *why)
{
	if (!found->folder || !found->in_use || found->state != NTFS_PATH_WHOLE ||
	    !(wanted || is_usual(found->path)))
		return STATUS_OK;
	if (!folders->arena)
		folders->arena = arena_new(LIMIT_ARENA);
	if (folders->count == folders->room) {
		const size_t room = folders->room ? folders->room * 2 : 64;
		struct ntfs_folder *items = realloc(folders->items, room * sizeof(*items));

		if (!items)
			return failure_set(why, ERR_NO_MEMORY, "no memory for folders");
		folders->items = items;
		folders->room = room;
	}
	folders->items[folders->count++] = (struct ntfs_folder){
		.entry = found->entry,
		.reference = (uint64_t)found->sequence << 48 | found->entry,
		.path = { folders->arena ? arena_text(folders->arena, found->path) : NULL,
			  found->path.size },
	};
	return folders->items[folders->count - 1].path.data ?
		       STATUS_OK :
		       failure_set(why, ERR_LIMIT, "no memory for folders");
}

enum status ntfs_index_emit(struct parse_context *ctx, struct ntfs_table *table,
			    const struct ntfs_folders *folders, struct failure *why)
{
	enum { SEEN = 4096 };
	CLEANUP(arena_free_p) struct arena *keep = arena_new(LIMIT_ARENA);
	CLEANUP(arena_free_p) struct arena *scratch = arena_new(LIMIT_ARENA);
	CLEANUP(free_p) uint8_t *buffer = malloc(NTFS_RECORD_MAX);
	CLEANUP(free_p) uint64_t *seen = calloc(SEEN, sizeof(*seen));
	struct slack slack = { .ctx = ctx,	   .table = table, .keep = keep,
			       .scratch = scratch, .buffer = buffer, .size = NTFS_RECORD_MAX,
			       .seen = seen,	   .seen_room = SEEN };
	enum status status = STATUS_OK;

	if (!keep || !scratch || !buffer || !seen)
		return failure_set(why, ERR_NO_MEMORY, "no memory for folder indexes");
	if (ntfs_volume_cluster_size(ntfs_table_volume(table)) == 0)
		return STATUS_OK; /* a bare $MFT */
	for (size_t i = 0; status == STATUS_OK && i < folders->count; i++) {
		slack.folder = folders->items[i];
		status = scan_folder(&slack, why);
	}
	if (status == STATUS_OK)
		status = scan_log(&slack, why);
	return status;
}
