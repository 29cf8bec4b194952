/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/filesystem/ntfs/mft.h"

#include <inttypes.h>

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"

enum {
	BATCH = 1 << 20, /* bytes of $MFT read at once */
	PATH_ROOM = LIMIT_TEXT,
	NAME_UTF8 = 255 * 3,
};

/* Caps a table at some 64 million files; beyond them records count as lost. */
#define MAX_RECORDS (UINT64_C(1) << 26)
#define NO_NAME UINT32_MAX

struct entry {
	uint32_t first_name;
	uint16_t sequence; /* as found in the record */
	uint8_t in_use : 1, folder : 1, base : 1; /* base: a base record was read here */
};

struct name {
	uint64_t parent;         /* reference */
	uint32_t text, next;     /* in the pool; further name of the same file */
	uint32_t owner, record;  /* entries: of the file, and of the record with the name */
	uint16_t size;           /* bytes of UTF-8 */
	uint16_t owner_sequence; /* the file's as the record gave it; 0 not checked */
	bool dos;
};

struct ntfs_table {
	struct ntfs_volume *volume;
	struct entry *entries;
	uint64_t n_entries, n_lost;
	struct name *names;
	size_t n_names, names_room;
	char *pool;
	size_t pool_used, pool_room;
	uint32_t *hash; /* of live names by parent and folded name; made when first asked */
	size_t hash_size;
	char path[PATH_ROOM]; /* filled from the end */
};

const char *ntfs_path_state_name(enum ntfs_path_state state)
{
	static const char *const names[] = { "whole", "parent-reused", "orphan" };

	return names[state];
}

void ntfs_table_free(struct ntfs_table *table)
{
	if (!table)
		return;
	ntfs_volume_close(table->volume);
	free(table->entries);
	free(table->names);
	free(table->pool);
	free(table->hash);
	free(table);
}

struct ntfs_volume *ntfs_table_volume(struct ntfs_table *table)
{
	return table->volume;
}

uint64_t ntfs_table_records(const struct ntfs_table *table)
{
	return table->n_entries;
}

uint64_t ntfs_table_lost(const struct ntfs_table *table)
{
	return table->n_lost;
}

/* Makes room for one more name. */
static enum status reserve(struct ntfs_table *table, struct failure *why)
{
	if (table->n_names == table->names_room) {
		const size_t room = table->names_room ? table->names_room * 2 : 1024;
		struct name *names = room < NO_NAME ?
					     realloc(table->names, room * sizeof(*names)) :
					     NULL;

		if (!names)
			return failure_set(why, ERR_NO_MEMORY, "no memory for %zu names", room);
		table->names = names;
		table->names_room = room;
	}
	if (table->pool_room - table->pool_used < NAME_UTF8) {
		const size_t room = table->pool_room ? table->pool_room * 2 : (size_t)64 << 10;
		char *pool = room < UINT32_MAX ? realloc(table->pool, room) : NULL;

		if (!pool)
			return failure_set(why, ERR_NO_MEMORY, "no memory for the names");
		table->pool = pool;
		table->pool_room = room;
	}
	return STATUS_OK;
}

/* At most NAME_UTF8 bytes, whatever the units are. */
static uint16_t put_name(char *out, struct span name)
{
	size_t used = 0;

	for (size_t i = 0; i + 1 < name.size; i += 2) {
		uint32_t c = span_u16le(name, i);
		const uint32_t low = span_u16le(name, i + 2);

		if (c < 0x80) {
			out[used++] = (char)(c ? c : '?');
			continue;
		}
		if (c >= 0xd800 && c < 0xdc00 && (low & 0xfc00) == 0xdc00) {
			c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
			i += 2;
			out[used++] = (char)(0xf0 | c >> 18);
			out[used++] = (char)(0x80 | (c >> 12 & 0x3f));
		} else if (c >= 0x800) {
			if (c >= 0xd800 && c < 0xe000)
				c = 0xfffd;
			out[used++] = (char)(0xe0 | c >> 12);
		} else {
			out[used++] = (char)(0xc0 | c >> 6);
			out[used++] = (char)(0x80 | (c & 0x3f));
			continue;
		}
		out[used++] = (char)(0x80 | (c >> 6 & 0x3f));
		out[used++] = (char)(0x80 | (c & 0x3f));
	}
	return (uint16_t)used;
}

static enum status add_name(struct ntfs_table *table, uint64_t at,
			    const struct ntfs_record *record, const struct ntfs_file_name *found,
			    struct failure *why)
{
	const uint64_t owner = record->base ? ntfs_entry_of(record->base) : at;
	const enum status status = owner < table->n_entries ? reserve(table, why) : STATUS_END;

	if (status != STATUS_OK)
		return status < 0 ? status : STATUS_OK;

	struct entry *entry = &table->entries[owner];
	struct name *name = &table->names[table->n_names];

	*name = (struct name){
		.parent = found->parent,
		.text = (uint32_t)table->pool_used,
		.next = entry->first_name,
		.owner = (uint32_t)owner,
		.record = (uint32_t)at,
		.owner_sequence = record->base ? ntfs_sequence_of(record->base) : 0,
		.dos = found->space == NTFS_NAME_DOS,
	};
	name->size = put_name(table->pool + table->pool_used, found->name);
	table->pool_used += name->size;
	entry->first_name = (uint32_t)table->n_names++;
	return STATUS_OK;
}

/* Takes the names of a record: its DOS name only when it holds no other. */
static enum status add_record(struct parse_context *ctx, struct ntfs_table *table, uint64_t at,
			      const struct ntfs_record *record, struct failure *why)
{
	struct entry *entry = &table->entries[at];
	struct ntfs_file_name name, dos;
	struct ntfs_attribute a;
	size_t pos = record->first_attribute;
	bool has_dos = false, has_name = false;
	enum status chain, status = STATUS_OK;

	entry->sequence = record->sequence;
	entry->in_use = record->in_use;
	entry->folder = record->folder;
	entry->base = record->base == 0;
	while ((chain = ntfs_next_attribute(record, &pos, &a)) == STATUS_OK) {
		if (a.type != NTFS_FILE_NAME || !a.resident || !ntfs_file_name_from(a.value, &name))
			continue;
		if (name.space == NTFS_NAME_DOS) {
			dos = name;
			has_dos = true;
			continue;
		}
		has_name = true;
		status = add_name(table, at, record, &name, why);
		if (status < 0)
			return status;
	}
	if (has_dos && !has_name)
		status = add_name(table, at, record, &dos, why);
	if (chain < 0 && record->in_use) {
		table->n_lost++;
		lost(ctx, at * record->bytes.size, "MFT entry %" PRIu64 ": attributes are garbled",
		     at);
	}
	return status;
}

/* A record that cannot be read is a loss only if it may be some file's. */
static void lose_record(struct parse_context *ctx, struct ntfs_table *table, uint64_t at,
			const char *what)
{
	const uint64_t offset = at * ntfs_volume_record_size(table->volume);

	if (ntfs_volume_record_is_free(table->volume, at)) {
		note(ctx, offset, "MFT entry %" PRIu64 ", which is free: %s", at, what);
		return;
	}
	table->n_lost++;
	lost(ctx, offset, "MFT entry %" PRIu64 ": %s", at, what);
}

static enum status add_bytes(struct parse_context *ctx, struct ntfs_table *table, uint64_t at,
			     uint8_t *bytes, size_t size, struct failure *why)
{
	struct failure what = FAILURE_NONE;
	struct ntfs_record record;
	const enum status status = ntfs_record_open(bytes, size, &record, &what);

	if (status == STATUS_OK)
		return add_record(ctx, table, at, &record, why);
	if (status < 0)
		lose_record(ctx, table, at, what.text);
	return STATUS_OK;
}

/* One batch record by record, where reading it whole met damage. */
static enum status add_singly(struct parse_context *ctx, struct ntfs_table *table, uint64_t at,
			      uint64_t end, uint8_t *buffer, struct failure *why)
{
	const size_t size = ntfs_volume_record_size(table->volume);

	for (; at < end; at++) {
		struct failure what = FAILURE_NONE;
		enum status status = stream_read(ntfs_volume_mft(table->volume), at * size, buffer,
						 size, &what);

		if (status == ERR_CANCELLED)
			return failure_set(why, status, "%s", what.text);
		if (status == STATUS_OK) {
			status = add_bytes(ctx, table, at, buffer, size, why);
			if (status < 0)
				return status;
			continue;
		}
		lose_record(ctx, table, at, what.text);
	}
	return STATUS_OK;
}

static enum status read_all(struct parse_context *ctx, struct ntfs_table *table,
			    struct failure *why)
{
	CLEANUP(free_p) uint8_t *buffer = malloc(BATCH);
	const size_t size = ntfs_volume_record_size(table->volume);
	struct stream *mft = ntfs_volume_mft(table->volume);

	if (!buffer)
		return failure_set(why, ERR_NO_MEMORY, "no memory for reading $MFT");
	for (uint64_t at = 0; at < table->n_entries;) {
		const uint64_t data = ntfs_next_data(mft, at * size) / size;

		if (data > at) {
			at = data;
			continue;
		}

		const uint64_t left = table->n_entries - at;
		const uint64_t n = left < BATCH / size ? left : BATCH / size;
		enum status status = stream_read(mft, at * size, buffer, (size_t)(n * size), NULL);

		if (status < 0) {
			status = add_singly(ctx, table, at, at + n, buffer, why);
		} else {
			for (uint64_t i = 0; i < n && status >= 0; i++)
				status = add_bytes(ctx, table, at + i, buffer + i * size, size,
						   why);
		}
		if (status < 0)
			return status;
		at += n;
	}
	return STATUS_OK;
}

static enum status open_volume(struct stream *stream, struct ntfs_table *table,
			       uint64_t *ret_records, struct failure *why)
{
	enum status status = ntfs_volume_open(stream, &table->volume, why);
	uint64_t most;

	if (status == STATUS_DECLINED)
		status = ntfs_volume_over_mft(stream, &table->volume, why);
	if (status != STATUS_OK)
		return status;
	/* $MFT has no holes worth keeping: no more records than the volume has room for. */
	most = stream->size / ntfs_volume_record_size(table->volume);
	*ret_records = ntfs_volume_records(table->volume);
	if (*ret_records > most)
		*ret_records = most;
	return STATUS_OK;
}

enum status ntfs_table_read(struct parse_context *ctx, struct stream *stream,
			    struct ntfs_table **ret, struct failure *why)
{
	CLEANUP(ntfs_table_free_p) struct ntfs_table *table = calloc(1, sizeof(*table));
	uint64_t records;
	enum status status;

	if (!table)
		return failure_set(why, ERR_NO_MEMORY, "no memory for the file table");
	status = open_volume(stream, table, &records, why);
	if (status != STATUS_OK)
		return status;
	if (records > MAX_RECORDS) {
		lost(ctx, FAILURE_NO_OFFSET, "$MFT holds %" PRIu64 " records, more than are read",
		     records);
		records = MAX_RECORDS;
	}
	table->entries = calloc((size_t)records + 1, sizeof(*table->entries));
	if (!table->entries)
		return failure_set(why, ERR_NO_MEMORY, "no memory for the file table");
	table->n_entries = records;
	for (uint64_t i = 0; i < records; i++)
		table->entries[i].first_name = NO_NAME;
	status = read_all(ctx, table, why);
	if (status < 0)
		return status;
	*ret = table;
	table = NULL;
	return STATUS_OK;
}

/* Whether a reference with this sequence means the file that is or last was in the entry. */
static bool sequence_fits(const struct entry *entry, uint16_t sequence)
{
	return sequence == 0 || sequence == entry->sequence ||
	       (!entry->in_use && sequence == ntfs_file_sequence(entry->sequence, false));
}

static bool name_counts(const struct ntfs_table *table, const struct name *name)
{
	const struct entry *entry = &table->entries[name->owner];

	return entry->base && sequence_fits(entry, name->owner_sequence);
}

/* The next name of an entry from index on: no DOS name unless there is no other. */
static uint32_t next_name(const struct ntfs_table *table, uint64_t entry, uint32_t index)
{
	for (; index != NO_NAME; index = table->names[index].next)
		if (!table->names[index].dos && name_counts(table, &table->names[index]))
			return index;
	(void)entry;
	return NO_NAME;
}

static uint32_t first_name(const struct ntfs_table *table, uint64_t entry)
{
	const uint32_t first = table->entries[entry].first_name;
	uint32_t index = next_name(table, entry, first);

	for (uint32_t i = first; index == NO_NAME && i != NO_NAME; i = table->names[i].next)
		if (name_counts(table, &table->names[i]))
			index = i;
	return index;
}

static struct text name_text(const struct ntfs_table *table, const struct name *name)
{
	return (struct text){ table->pool + name->text, name->size };
}

/* Puts "/" and text before what stands at *start; false when the room is used up. */
static bool prepend(struct ntfs_table *table, size_t *start, struct text text)
{
	if (text.size + 1 > *start)
		return false;
	*start -= text.size;
	memcpy(table->path + *start, text.data, text.size);
	table->path[--*start] = '/';
	return true;
}

/* What a parent reference leads to: STATUS_END at the root, OK to go on from *ret_name. */
static enum status step_up(const struct ntfs_table *table, uint64_t parent, uint32_t *ret_name,
			   enum ntfs_path_state *state)
{
	const uint64_t at = ntfs_entry_of(parent);

	*state = NTFS_PATH_ORPHAN;
	if (at >= table->n_entries)
		return ERR_FORMAT;
	if (at == NTFS_ROOT) {
		*state = NTFS_PATH_WHOLE;
		return STATUS_END;
	}

	const struct entry *entry = &table->entries[at];

	if (entry->sequence == 0 && entry->first_name == NO_NAME)
		return ERR_FORMAT;
	*state = NTFS_PATH_PARENT_REUSED;
	if (!entry->base || !entry->folder || !sequence_fits(entry, ntfs_sequence_of(parent)))
		return ERR_FORMAT;
	*state = NTFS_PATH_ORPHAN;
	*ret_name = first_name(table, at);
	return *ret_name == NO_NAME ? ERR_FORMAT : STATUS_OK;
}

static struct text build_path(struct ntfs_table *table, uint32_t index,
			      enum ntfs_path_state *ret_state)
{
	size_t start = PATH_ROOM;
	enum ntfs_path_state state = NTFS_PATH_ORPHAN;
	enum status status = STATUS_OK;

	if (table->names[index].owner == NTFS_ROOT) {
		*ret_state = NTFS_PATH_WHOLE;
		return TEXT("/");
	}
	for (unsigned depth = 0; status == STATUS_OK && depth < LIMIT_DEPTH; depth++) {
		const struct name *name = &table->names[index];

		state = NTFS_PATH_ORPHAN;
		if (!prepend(table, &start, name_text(table, name)))
			break;
		status = step_up(table, name->parent, &index, &state);
	}
	if (status == STATUS_OK)
		state = NTFS_PATH_ORPHAN;
	if (state != NTFS_PATH_WHOLE)
		(void)prepend(table, &start, TEXT("$OrphanFiles"));
	*ret_state = state;
	return (struct text){ table->path + start, PATH_ROOM - start };
}

static struct ntfs_found found_of(struct ntfs_table *table, uint32_t index)
{
	const struct name *name = &table->names[index];
	const struct entry *entry = &table->entries[name->owner];
	struct ntfs_found found = {
		.entry = name->owner,
		.sequence = ntfs_file_sequence(entry->sequence, entry->in_use),
		.in_use = entry->in_use,
		.folder = entry->folder,
		.parent = name->parent,
		.name_entry = name->record,
		.name = name_text(table, name),
	};

	found.path = build_path(table, index, &found.state);
	return found;
}

enum status ntfs_table_visit(struct ntfs_table *table, ntfs_visitor *visitor, void *payload,
			     struct failure *why)
{
	for (uint64_t entry = 0; entry < table->n_entries; entry++) {
		uint32_t index = first_name(table, entry);

		while (index != NO_NAME) {
			const struct ntfs_found found = found_of(table, index);
			const enum status status = visitor(payload, &found, why);

			if (status < 0)
				return status;
			index = next_name(table, entry, table->names[index].next);
		}
	}
	return STATUS_OK;
}

struct glob_visit {
	const char *const *globs;
	ntfs_visitor *visitor;
	void *payload;
};

/* Whether the last byte alone rules the glob out: cheap, and true for most. */
static bool tail_differs(struct text glob, struct text path)
{
	for (size_t i = 0; i < glob.size && i < path.size; i++) {
		const uint8_t g = (uint8_t)glob.data[glob.size - 1 - i];
		const uint8_t p = (uint8_t)path.data[path.size - 1 - i];

		if (g == '*' || g == '?' || g >= 0x80 || p >= 0x80)
			return false;
		if (text_fold_char(g) != text_fold_char(p))
			return true;
	}
	return false;
}

static enum status visit_glob(void *payload, const struct ntfs_found *found, struct failure *why)
{
	const struct glob_visit *visit = payload;

	for (const char *const *glob = visit->globs; *glob; glob++)
		if (!tail_differs(text_of(*glob), found->path) && path_fits(*glob, found->path))
			return visit->visitor(visit->payload, found, why);
	return STATUS_OK;
}

enum status ntfs_table_glob(struct ntfs_table *table, const char *const *globs,
			    ntfs_visitor *visitor, void *payload, struct failure *why)
{
	struct glob_visit visit = { globs, visitor, payload };

	return ntfs_table_visit(table, visit_glob, &visit, why);
}

/* FNV-1a over the parent's entry and the folded name. */
static size_t hash_of(uint64_t parent, struct text name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ parent;

	for (size_t pos = 0; pos < name.size;)
		hash = (hash ^ text_fold_char(text_next(name, &pos))) * UINT64_C(0x100000001b3);
	return (size_t)(hash ^ hash >> 32);
}

static bool make_hash(struct ntfs_table *table)
{
	size_t size = 16;

	while (size < table->n_names * 2)
		size *= 2;
	table->hash = malloc(size * sizeof(*table->hash));
	if (!table->hash)
		return false;
	table->hash_size = size;
	memset(table->hash, 0xff, size * sizeof(*table->hash));
	for (size_t i = 0; i < table->n_names; i++) {
		const struct name *name = &table->names[i];

		if (!table->entries[name->owner].in_use || !name_counts(table, name) || name->dos)
			continue;

		size_t slot = hash_of(ntfs_entry_of(name->parent), name_text(table, name));

		while (table->hash[slot & (size - 1)] != NO_NAME)
			slot++;
		table->hash[slot & (size - 1)] = (uint32_t)i;
	}
	return true;
}

static uint32_t find_child(const struct ntfs_table *table, uint64_t parent, struct text name)
{
	const size_t mask = table->hash_size - 1;

	for (size_t slot = hash_of(parent, name) & mask; table->hash[slot] != NO_NAME;
	     slot = (slot + 1) & mask) {
		const struct name *have = &table->names[table->hash[slot]];

		if (ntfs_entry_of(have->parent) == parent &&
		    sequence_fits(&table->entries[parent], ntfs_sequence_of(have->parent)) &&
		    text_equal_folded(name_text(table, have), name))
			return table->hash[slot];
	}
	return NO_NAME;
}

enum status ntfs_table_find(struct ntfs_table *table, struct text path, struct ntfs_found *ret)
{
	uint64_t at = NTFS_ROOT;
	uint32_t index = NO_NAME;

	if (table->n_entries <= NTFS_ROOT || (!table->hash && !make_hash(table)))
		return STATUS_END;
	for (size_t pos = 0; pos < path.size;) {
		size_t end = pos;

		while (end < path.size && path.data[end] != '/')
			end++;
		if (end > pos) {
			index = find_child(table, at,
					   (struct text){ path.data + pos, end - pos });
			if (index == NO_NAME)
				return STATUS_END;
			at = table->names[index].owner;
		}
		pos = end + 1;
	}
	if (index == NO_NAME)
		index = first_name(table, NTFS_ROOT);
	if (index == NO_NAME)
		return STATUS_END;
	*ret = found_of(table, index);
	return STATUS_OK;
}

struct text ntfs_table_path(struct ntfs_table *table, uint64_t entry, uint16_t sequence,
			    struct arena *arena, enum ntfs_path_state *ret_state)
{
	if (entry >= table->n_entries || !sequence_fits(&table->entries[entry], sequence))
		return (struct text){ NULL, 0 };

	const uint32_t index = first_name(table, entry);

	if (index == NO_NAME)
		return (struct text){ NULL, 0 };

	const struct text path = build_path(table, index, ret_state);

	return (struct text){ arena_text(arena, path), path.size };
}

bool ntfs_table_is_live(const struct ntfs_table *table, uint64_t entry, uint16_t sequence)
{
	return entry < table->n_entries && table->entries[entry].in_use &&
	       table->entries[entry].sequence == sequence;
}
