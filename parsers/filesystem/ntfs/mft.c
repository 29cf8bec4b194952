/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/filesystem/ntfs/mft_table.h"

#include <inttypes.h>

#include "parsers/base/cursor.h"

enum {
	BATCH = 1 << 18, /* bytes of $MFT read at once: they are parsed while the cache holds them */
	NAME_UTF8 = 255 * 3,
};

/* Caps a table at some 64 million files; beyond them records count as lost. */
#define MAX_RECORDS (UINT64_C(1) << 26)

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
		struct ntfs_name *names = room < NTFS_NO_NAME ?
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

	struct ntfs_entry *entry = &table->entries[owner];
	struct ntfs_name *name = &table->names[table->n_names];

	*name = (struct ntfs_name){
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
	struct ntfs_entry *entry = &table->entries[at];
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
		table->entries[i].first_name = NTFS_NO_NAME;
	status = read_all(ctx, table, why);
	if (status < 0)
		return status;
	*ret = table;
	table = NULL;
	return STATUS_OK;
}
