/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "parsers/base/text.h"
#include "parsers/filesystem/file.h"
#include "parsers/filesystem/ntfs/index.h"

struct survey {
	struct parse_context *ctx;
	struct ntfs_table *table;
	uint8_t *buffer; /* one record */
	struct ntfs_folders folders;
	uint8_t *told; /* a bit for each entry: a folder that was emitted for what it held */
};

/* What the survey tells of a file beyond its name. */
struct facts {
	struct ntfs_times times;
	struct ntfs_file_name name;
	bool has_times, has_name, has_size, has_list;
	uint64_t size;
};

static bool same_name(struct arena *arena, struct span wide, struct text name)
{
	return text_equal(text_from_utf16le(arena, wide, NULL), name);
}

/* Reads facts from one record; names and parents decide which $FILE_NAME is meant. */
static void read_facts(struct arena *arena, const struct ntfs_record *record,
		       const struct ntfs_found *found, struct facts *out)
{
	size_t pos = record->first_attribute;
	struct ntfs_file_name name;
	struct ntfs_attribute a;

	while (ntfs_next_attribute(record, &pos, &a) == STATUS_OK) {
		if (a.type == NTFS_STANDARD_INFORMATION && a.resident)
			out->has_times = ntfs_times_from(a.value, &out->times);
		if (a.type == NTFS_ATTRIBUTE_LIST)
			out->has_list = true;
		if (a.type == NTFS_DATA && a.name.size == 0 && (a.resident || a.first_vcn == 0)) {
			out->has_size = true;
			out->size = a.data_size;
		}
		if (a.type == NTFS_FILE_NAME && a.resident && !out->has_name &&
		    ntfs_file_name_from(a.value, &name) && name.parent == found->parent &&
		    same_name(arena, name.name, found->name)) {
			out->has_name = true;
			out->name = name;
		}
	}
}

/*
 * $SI modification time of the folder a deleted file stood in, if that folder is live and the
 * same incarnation; unset otherwise.
 */
static struct instant container_modified(struct survey *s, const struct ntfs_found *found)
{
	const uint64_t parent = ntfs_entry_of(found->parent);
	const struct instant unset = { 0 };
	struct ntfs_volume *volume = ntfs_table_volume(s->table);
	struct ntfs_record record;
	struct facts facts = { 0 };

	if (ntfs_volume_record(volume, parent, s->buffer, &record, NULL) != STATUS_OK ||
	    !record.in_use || !record.folder ||
	    record.sequence != ntfs_sequence_of(found->parent))
		return unset;
	read_facts(s->ctx->arena, &record, found, &facts);
	return facts.has_times ? instant_from_filetime(facts.times.modified) : unset;
}

static void set_times(const struct facts *facts, struct value *values)
{
	const struct ntfs_times *t = &facts->times;
	const struct ntfs_file_name *n = &facts->name;

	if (facts->has_times) {
		values[FILE_CREATED] = value_instant(instant_from_filetime(t->created));
		values[FILE_MODIFIED] = value_instant(instant_from_filetime(t->modified));
		values[FILE_CHANGED] = value_instant(instant_from_filetime(t->changed));
		values[FILE_ACCESSED] = value_instant(instant_from_filetime(t->accessed));
		values[FILE_ATTRIBUTES] = value_uint(t->attributes);
	}
	if (facts->has_name) {
		values[FILE_NAME_CREATED] = value_instant(instant_from_filetime(n->created));
		values[FILE_NAME_MODIFIED] = value_instant(instant_from_filetime(n->modified));
		values[FILE_NAME_CHANGED] = value_instant(instant_from_filetime(n->changed));
		values[FILE_NAME_ACCESSED] = value_instant(instant_from_filetime(n->accessed));
	}
}

static void complete_facts(struct survey *s, const struct ntfs_found *found, struct facts *facts)
{
	struct ntfs_volume *volume = ntfs_table_volume(s->table);
	CLEANUP(ntfs_content_clear) struct ntfs_content content = { 0 };
	struct ntfs_record record;

	if (!facts->has_size && facts->has_list && !found->folder &&
	    ntfs_volume_content(volume, found->entry, NTFS_DATA, span_of(NULL, 0), &content,
				NULL) == STATUS_OK) {
		facts->has_size = true;
		facts->size = content.size;
	}
	if (!facts->has_name && found->name_entry != found->entry &&
	    ntfs_volume_record(volume, found->name_entry, s->buffer, &record, NULL) == STATUS_OK) {
		const struct facts base = *facts;

		read_facts(s->ctx->arena, &record, found, facts);
		facts->has_times = base.has_times;
		facts->times = base.times;
		facts->has_size = base.has_size;
		facts->size = base.size;
	}
}

static enum status emit_found(struct survey *s, struct ntfs_found found, struct failure *why);

/* The folder of a reference, unless it is emitted for its own sake or was emitted before. */
static enum status emit_folder(struct survey *s, uint64_t reference, struct failure *why)
{
	const uint64_t entry = ntfs_entry_of(reference);
	enum ntfs_path_state state;
	const struct text path = ntfs_table_path(s->table, entry, ntfs_sequence_of(reference),
						 s->ctx->arena, &state);
	struct ntfs_found folder;

	if (!path.data || wants_path(s->ctx, path) ||
	    ntfs_table_find(s->table, path, &folder) != STATUS_OK || folder.entry != entry)
		return STATUS_OK;
	if (s->told && (s->told[entry / 8] & (1U << entry % 8)))
		return STATUS_OK;
	if (s->told)
		s->told[entry / 8] |= (uint8_t)(1U << entry % 8);
	return emit_found(s, folder, why);
}

static enum status emit_found(struct survey *s, struct ntfs_found found, struct failure *why)
{
	struct ntfs_volume *volume = ntfs_table_volume(s->table);
	const size_t size = ntfs_volume_record_size(volume);
	struct value values[FILE_N_FIELDS] = { 0 };
	struct facts facts = { 0 };
	struct ntfs_record record;
	struct ntfs_found live;
	char address[96];

	if (ntfs_volume_record(volume, found.entry, s->buffer, &record, NULL) != STATUS_OK)
		return STATUS_OK; /* lost() has told of it */
	read_facts(s->ctx->arena, &record, &found, &facts);
	complete_facts(s, &found, &facts);
	/* Looking up another path overwrites the borrowed one. */
	found.path.data = arena_text(s->ctx->arena, found.path);
	if (!found.path.data)
		return failure_set(why, ERR_LIMIT, "no memory for a path");

	const char *kind = found.folder ? "folder" :
			   facts.has_times && facts.times.attributes & 0x400 ? "link" :
									       "file";

	values[FILE_PATH] = value_text(found.path);
	values[FILE_KIND] = value_text(text_of(kind));
	if (facts.has_size && !found.folder)
		values[FILE_SIZE] = value_uint(facts.size);
	values[FILE_ENTRY] = value_uint(found.entry);
	values[FILE_SEQUENCE] = value_uint(found.sequence);
	values[FILE_PARENT] = value_uint(ntfs_entry_of(found.parent));
	values[FILE_PARENT_SEQUENCE] = value_uint(ntfs_sequence_of(found.parent));
	values[FILE_PATH_STATE] = value_text(text_of(ntfs_path_state_name(found.state)));
	set_times(&facts, values);
	if (!found.in_use) {
		values[FILE_CONTAINER_MODIFIED] = value_instant(container_modified(s, &found));
		if (ntfs_table_find(s->table, found.path, &live) == STATUS_OK)
			values[FILE_SUPERSEDED] = value_uint(1);
	}
	(void)snprintf(address, sizeof(address), "MFT entry %" PRIu64 "-%u%s", found.entry,
		       found.sequence,
		       found.state == NTFS_PATH_PARENT_REUSED ? "; its folder's entry was reused" :
		       found.state == NTFS_PATH_ORPHAN	      ? "; its folder is gone" :
								"");

	const struct trace trace = {
		.type = &filesystem_file_type,
		.origin = { found.entry * size, size, 0, text_of(address) },
		.recovery = found.in_use ? RECOVERY_ALLOCATED : RECOVERY_DELETED,
		.values = values,
	};
	const enum status status = emit(s->ctx, &trace, why);

	if (status < 0 || values[FILE_CONTAINER_MODIFIED].kind == VALUE_ABSENT)
		return status;
	return emit_folder(s, found.parent, why);
}

enum status ntfs_table_emit_folder(struct parse_context *ctx, struct ntfs_table *table,
				   uint64_t reference, struct failure *why)
{
	CLEANUP(free_p) uint8_t *buffer =
		malloc(ntfs_volume_record_size(ntfs_table_volume(table)));
	struct survey survey = { .ctx = ctx, .table = table, .buffer = buffer };

	return buffer ? emit_folder(&survey, reference, why) :
			failure_set(why, ERR_NO_MEMORY, "no memory for a record");
}

static enum status visit(void *payload, const struct ntfs_found *found, struct failure *why)
{
	struct survey *s = payload;
	struct parse_context *ctx = s->ctx;
	struct arena *const whole = ctx->arena;
	const bool wanted = wants_path(ctx, found->path);
	enum status status = ntfs_folders_add(&s->folders, found, wanted, why);

	if (status < 0 || !wanted)
		return status;

	/* A small arena of its own keeps memory flat however many files there are. */
	CLEANUP(arena_free_p) struct arena *arena = arena_new(1 << 20);

	if (!arena)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a file");
	ctx->arena = arena;
	status = emit_found(s, *found, why);
	ctx->arena = whole;
	return status;
}

static void survey_clear(struct survey *survey)
{
	ntfs_folders_clear(&survey->folders);
	free(survey->buffer);
	free(survey->told);
}

enum status ntfs_table_emit(struct parse_context *ctx, struct ntfs_table *table,
			    struct failure *why)
{
	CLEANUP(survey_clear) struct survey survey = {
		.ctx = ctx,
		.table = table,
		.buffer = malloc(ntfs_volume_record_size(ntfs_table_volume(table))),
		.told = calloc(ntfs_table_records(table) / 8 + 1, 1),
	};

	if (!survey.buffer || !survey.told)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a record");

	const enum status status = ntfs_table_visit(table, visit, &survey, why);

	return status < 0 ? status : ntfs_index_emit(ctx, table, &survey.folders, why);
}

enum status ntfs_survey(struct parse_context *ctx, struct stream *stream, struct failure *why)
{
	CLEANUP(ntfs_table_free_p) struct ntfs_table *table = NULL;
	const enum status status = ntfs_table_read(ctx, stream, &table, why);

	return status == STATUS_OK ? ntfs_table_emit(ctx, table, why) : status;
}
