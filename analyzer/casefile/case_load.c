/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/casefile/case_state.h"

#include "parsers/base/text.h"

/*
 * A case may have been edited by anybody: every column is checked for its type, texts for UTF-8,
 * enums for their range, before anything is handed on.
 */

static int64_t take_int(struct row *r)
{
	const int column = r->column++;

	if (sqlite3_column_type(r->statement, column) != SQLITE_INTEGER)
		r->status = ERR_FORMAT;
	return sqlite3_column_int64(r->statement, column);
}

static unsigned take_enum(struct row *r, unsigned last)
{
	const int64_t number = take_int(r);

	if (number < 0 || number > (int64_t)last) {
		r->status = ERR_FORMAT;
		return 0;
	}
	return (unsigned)number;
}

static struct text take_text(struct row *r)
{
	const int column = r->column++;
	const int type = sqlite3_column_type(r->statement, column);

	if (type == SQLITE_NULL)
		return (struct text){ NULL, 0 };
	if (type != SQLITE_TEXT) {
		r->status = ERR_FORMAT;
		return (struct text){ NULL, 0 };
	}

	const char *data = (const char *)sqlite3_column_text(r->statement, column);
	const struct text text = { data, (size_t)sqlite3_column_bytes(r->statement, column) };

	if (!data || !text_is_utf8(text)) {
		r->status = data ? ERR_FORMAT : ERR_NO_MEMORY;
		return (struct text){ NULL, 0 };
	}

	char *copy = arena_text(r->arena, text);

	if (!copy)
		r->status = ERR_NO_MEMORY;
	return (struct text){ copy, text.size };
}

static const char *take_string(struct row *r)
{
	const struct text text = take_text(r);

	if (text.data && strlen(text.data) != text.size)
		r->status = ERR_FORMAT;
	return text.data;
}

static const char *take_required(struct row *r)
{
	const char *string = take_string(r);

	if (!string && r->status >= 0)
		r->status = ERR_FORMAT;
	return string;
}

static struct instant take_instant(struct row *r)
{
	struct instant instant = { 0 };

	if (sqlite3_column_type(r->statement, r->column) == SQLITE_NULL) {
		r->column += 4;
		return instant;
	}
	instant.ticks = take_int(r);
	instant.precision = take_int(r);
	instant.zone = (uint8_t)take_enum(r, ZONE_OFFSET);
	instant.state = (uint8_t)take_enum(r, INSTANT_INVALID);
	return instant;
}

typedef void (*row_reader)(struct row *r, void *item);

static void read_evidence(struct row *r, void *item)
{
	struct case_evidence *row = item;

	row->id = take_int(r);
	row->path = take_required(r);
	row->format = take_string(r);
	row->size = (uint64_t)take_int(r);
	row->segments = take_string(r);
	row->sha256 = take_string(r);
	row->md5 = take_string(r);
	row->sha1 = take_string(r);
	row->stored_md5 = take_string(r);
	row->stored_sha1 = take_string(r);
	row->acquired = take_instant(r);
	row->acquired_basis = take_string(r);
	row->unreadable = take_string(r);
	row->medium = (enum reading)take_enum(r, READING_SKIPPED);
}

static void read_volume(struct row *r, void *item)
{
	struct case_volume *row = item;

	row->id = take_int(r);
	row->evidence = take_int(r);
	row->offset = (uint64_t)take_int(r);
	row->size = (uint64_t)take_int(r);
	row->filesystem = take_string(r);
	row->label = take_string(r);
	row->snapshot_created = take_instant(r);
	row->snapshot_id = take_string(r);
	row->snapshot_of = take_int(r);
	row->reading = (enum reading)take_enum(r, READING_SKIPPED);
	row->logical = (uint32_t)take_int(r);
}

static void read_source(struct row *r, void *item)
{
	struct case_source *row = item;

	row->id = take_int(r);
	row->volume = take_int(r);
	row->path = take_required(r);
	row->reader = take_required(r);
	row->size = (uint64_t)take_int(r);
	row->entry = (uint64_t)take_int(r);
	row->sequence = (uint64_t)take_int(r);
	row->deleted = take_enum(r, 1) == 1;
	row->reading = (enum reading)take_enum(r, READING_SKIPPED);
}

static void take_values(struct row *r, struct case_trace *row)
{
	const int column = r->column++;
	const void *data = sqlite3_column_blob(r->statement, column);
	const size_t size = (size_t)sqlite3_column_bytes(r->statement, column);
	struct value *values = NULL;

	if (sqlite3_column_type(r->statement, column) != SQLITE_BLOB || !row->trace.type) {
		r->status = ERR_FORMAT;
		return;
	}

	const void *copy = arena_copy(r->arena, data ? data : "", size);

	if (!copy) {
		r->status = ERR_NO_MEMORY;
		return;
	}

	const enum status status = trace_decode(r->arena, row->trace.type, span_of(copy, size),
						&values, NULL);

	if (status < 0)
		r->status = status;
	row->trace.values = values;
}

static void read_trace(struct row *r, void *item)
{
	struct case_trace *row = item;

	row->id = take_int(r);
	row->source = take_int(r);

	const struct text type = take_text(r);

	row->trace.type = type.data ? trace_type_find(type) : NULL;
	row->trace.recovery = (enum recovery)take_enum(r, RECOVERY_COUNT - 1);
	row->trace.origin.offset = (uint64_t)take_int(r);
	row->trace.origin.size = (uint64_t)take_int(r);
	row->trace.origin.companion = take_enum(r, SOURCE_MAX_COMPANIONS);
	row->trace.origin.address = take_text(r);
	take_values(r, row);
	row->place.sha256 = take_string(r);
	row->place.file = take_string(r);
	row->place.entry = (uint64_t)take_int(r);
	row->place.sequence = (uint64_t)take_int(r);
	row->place.attribute = take_string(r);
}

static void read_coverage(struct row *r, void *item)
{
	struct case_coverage *row = item;

	r->column++; /* its own id is of no use */
	row->source = take_int(r);
	row->recorder = take_required(r);
	row->from = take_instant(r);
	row->to = take_instant(r);
}

static void read_problem(struct row *r, void *item)
{
	struct case_problem *row = item;

	r->column++; /* its own id is of no use */
	row->source = take_int(r);
	row->volume = take_int(r);
	row->where = take_required(r);
	row->what = take_required(r);
	if (sqlite3_column_type(r->statement, r->column) == SQLITE_NULL) {
		r->column++;
		row->offset = FAILURE_NO_OFFSET;
	} else {
		row->offset = (uint64_t)take_int(r);
	}
	row->lost = take_enum(r, 1) == 1;
}

static void read_fact(struct row *r, void *item)
{
	struct case_fact *row = item;

	row->key = take_required(r);
	row->value = take_required(r);
}

/* All rows of one table as an array in the arena, grown by doubling. */
static enum status load(struct case_file *file, struct arena *arena, enum case_statement which,
			size_t item_size, row_reader read, void **ret, size_t *ret_n,
			struct failure *why)
{
	sqlite3_stmt *statement;
	char *items = NULL;
	size_t n = 0, room = 0;
	int rc;
	const enum status status = case_statement(file, which, &statement, why);

	if (status < 0)
		return status;
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		if (n == room) {
			const size_t more = room ? room * 2 : 16;
			char *grown = arena_array(arena, more, item_size);

			if (!grown)
				return failure_set(why, ERR_NO_MEMORY, "case '%s'", file->path);
			if (n)
				memcpy(grown, items, n * item_size);
			items = grown;
			room = more;
		}

		struct row r = { .statement = statement, .arena = arena };

		read(&r, items + n * item_size);
		if (r.status < 0) {
			(void)sqlite3_reset(statement); /* given up, told below */
			return failure_set(why, r.status, "case '%s': row %zu of '%s' is damaged",
					   file->path, n + 1, sqlite3_column_table_name
					   (statement, 0));
		}
		n++;
	}
	if (rc != SQLITE_DONE)
		return case_failure(file, why, "read");
	(void)sqlite3_reset(statement); /* the last step went well */
	*ret = items;
	*ret_n = n;
	return STATUS_OK;
}

enum status case_load(struct case_file *file, struct arena *arena, struct case_contents *ret,
		      struct failure *why)
{
	enum { TABLES = 7 };
	static const struct {
		enum case_statement which;
		size_t size;
		row_reader read;
	} tables[TABLES] = {
		{ LOAD_EVIDENCE, sizeof(struct case_evidence), read_evidence },
		{ LOAD_VOLUMES, sizeof(struct case_volume), read_volume },
		{ LOAD_SOURCES, sizeof(struct case_source), read_source },
		{ LOAD_TRACES, sizeof(struct case_trace), read_trace },
		{ LOAD_COVERAGE, sizeof(struct case_coverage), read_coverage },
		{ LOAD_PROBLEMS, sizeof(struct case_problem), read_problem },
		{ LOAD_FACTS, sizeof(struct case_fact), read_fact },
	};
	void *rows[TABLES] = { NULL };
	size_t n[TABLES] = { 0 };

	for (size_t i = 0; i < TABLES; i++) {
		const enum status status = load(file, arena, tables[i].which, tables[i].size,
						tables[i].read, &rows[i], &n[i], why);

		if (status < 0)
			return status;
	}
	*ret = (struct case_contents){
		.evidence = rows[0], .n_evidence = n[0], .volumes = rows[1], .n_volumes = n[1],
		.sources = rows[2],  .n_sources = n[2],	 .traces = rows[3],  .n_traces = n[3],
		.coverage = rows[4], .n_coverage = n[4], .problems = rows[5], .n_problems = n[5],
		.facts = rows[6],    .n_facts = n[6],
	};
	return STATUS_OK;
}

static void read_step(struct row *r, void *item)
{
	struct case_step *row = item;

	r->column++; /* the place is the order of rows */
	row->done = take_enum(r, 1) == 1;

	const void *data = sqlite3_column_blob(r->statement, r->column);
	const size_t size = (size_t)sqlite3_column_bytes(r->statement, r->column);
	const void *copy = arena_copy(r->arena, data ? data : "", size);

	if (!copy)
		r->status = ERR_NO_MEMORY;
	row->work = span_of(copy, size);
}

enum status case_load_steps(struct case_file *file, struct arena *arena, struct case_step **ret,
			    size_t *ret_n, struct failure *why)
{
	void *rows = NULL;
	const enum status status = load(file, arena, LOAD_STEPS, sizeof(struct case_step),
					read_step, &rows, ret_n, why);

	if (status >= 0)
		*ret = rows;
	return status;
}

enum status case_find_judgement(struct case_file *file, int64_t id, struct arena *arena,
				struct case_judgement *ret, struct failure *why)
{
	sqlite3_stmt *statement;
	const enum status status = case_statement(file, id ? FIND_JUDGEMENT : LATEST_JUDGEMENT,
						  &statement, why);

	if (status < 0)
		return status;
	if (id && sqlite3_bind_int64(statement, 1, id) != SQLITE_OK)
		return case_failure(file, why, "find judgement");

	const int rc = sqlite3_step(statement);

	if (rc == SQLITE_DONE)
		return STATUS_END;
	if (rc != SQLITE_ROW)
		return case_failure(file, why, "find judgement");

	struct row r = { .statement = statement, .arena = arena };
	struct case_judgement row = { .id = take_int(&r) };

	row.document = take_required(&r);
	row.tool_version = take_string(&r);
	row.signatures_sha256 = take_string(&r);
	row.mandates_sha256 = take_string(&r);
	row.exit_status = (int)take_enum(&r, 255);
	(void)sqlite3_reset(statement); /* the step went well */
	if (r.status < 0)
		return failure_set(why, r.status, "case '%s': a judgement is damaged", file->path);
	*ret = row;
	return STATUS_OK;
}
