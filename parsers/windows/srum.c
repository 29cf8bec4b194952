/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System Resource Usage Monitor (Windows 8 to 11): SRUDB.dat, an ESE database, read by libesedb.
 * About once an hour Windows writes for each program what it used since; the rows reach 30 to 60
 * days back. Layout: Yogesh Khatri, "Forensic implications of SRUM"; libyal esedb-kb, "System
 * Resource Usage Monitor (SRUM)".
 *
 * SruDbIdMapTable: IdType (0 program, 1 service, 2 app; 3 user), IdIndex, IdBlob (UTF-16LE:
 *   a device path, or "!!name!YYYY/MM/DD:hh:mm:ss!hash!service")
 * {D10CA2FE-...} application resources, {973F5D5C-...} network: AutoIncId, TimeStamp (OLE date,
 *   UTC), AppId, UserId, ...
 *
 * A row says that the program ran in the interval that ends at its time. The interval begins with
 * the rows written before: an hour earlier, or before the machine slept.
 */
#include <inttypes.h>
#include <stdio.h>

#include <libbfio.h>
#include <libesedb.h>

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/stream/library_stream.h"

enum {
	MAX_APPS = 1 << 18,   /* ids of programs; above: not named */
	MAX_BLOB = 64 << 10,
	MAX_ROWS = 1000000,
	ROW_HEAD = 16,        /* number, time and program of a row */
	SEARCH_ROUNDS = 64,   /* times the file's size that are searched for rows in all */
	COLUMN_TIME = 1,      /* same place in both tables */
	COLUMN_APP = 2,
};

enum use_field { USE_PATH, USE_APPLICATION, USE_SINCE, USE_TIME, USE_TABLE, USE_N_FIELDS };

static const struct trace_field use_fields[] = {
	[USE_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Path" },
	[USE_APPLICATION] = { "application", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Program" },
	[USE_SINCE] = { "since", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Used after" },
	[USE_TIME] = { "time", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Used up to" },
	[USE_TABLE] = { "table", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Kind of use" },
	[USE_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type use_type = {
	.name = "windows.srum.use",
	.message = "{application} was in use ({table})",
	.fields = use_fields,
};

static const struct use_table {
	const char *name, *kind;
} use_tables[] = {
	{ "{D10CA2FE-6FCF-4F6D-848E-B2E99266FA89}", "resources" },
	{ "{973F5D5C-1D90-4944-BE8E-24B94231A174}", "network" },
};

struct reading {
	struct parse_context *ctx;
	const struct source *source;
	library_handle *bfio, *file;
	struct text *apps; /* by id */
	size_t n_apps;
	struct arena *scratch;
	struct instant first, last;
	struct instant written, before; /* time of the rows at hand, and of those before them */
	struct span file_bytes; /* to find rows in; empty: too large */
	size_t last_hit;
	uint64_t search_left; /* bytes that may still be looked at */
};

/* The bytes of one value of a record, in the arena; empty when there is none. */
static struct span value_bytes_of(struct arena *arena, library_handle *record, int column)
{
	size_t size = 0;
	uint8_t *data;

	if (libesedb_record_get_value_data_size(record, column, &size, NULL) != 1 || size == 0 ||
	    size > MAX_BLOB)
		return (struct span){ NULL, 0 };
	data = arena_alloc(arena, size);
	if (!data || libesedb_record_get_value_data(record, column, data, size, NULL) != 1)
		return (struct span){ NULL, 0 };
	return span_of(data, size);
}

/* OLE automation date: days since 1899-12-30, as a double. */
static struct instant read_ole_date(struct span bytes)
{
	const uint64_t bits = span_u64le(bytes, 0);
	const int64_t epoch = days_from_civil(1899, 12, 30);
	double days;

	memcpy(&days, &bits, sizeof(days));
	if (bytes.size < 8 || !(days > 1 && days < 200000))
		return (struct instant){ 0 };
	return (struct instant){
		/* Half a second rounds to the whole second that was written. */
		.ticks = (epoch * 86400 + (int64_t)(days * 86400.0 + 0.5)) * TICKS_PER_SECOND,
		.precision = TICKS_PER_SECOND,
		.state = INSTANT_SET,
	};
}

typedef enum status row_reader(struct reading *r, library_handle *record, const char *kind,
			       struct failure *why);

static enum status read_app(struct reading *r, library_handle *record, const char *kind,
			    struct failure *why)
{
	const struct span type = value_bytes_of(r->scratch, record, 0);
	const struct span id = value_bytes_of(r->scratch, record, 1);
	const struct span blob = value_bytes_of(r->scratch, record, 2);
	const uint32_t number = span_u32le(id, 0);

	(void)kind;
	if (type.size == 0 || type.data[0] > 2 || id.size < 4 || blob.size == 0 ||
	    number >= MAX_APPS)
		return STATUS_OK;
	if (!r->apps)
		r->apps = calloc(MAX_APPS, sizeof(*r->apps));
	if (!r->apps)
		return failure_set(why, ERR_NO_MEMORY, "no memory for programs");
	r->apps[number] = text_from_utf16le(r->ctx->arena, blob, NULL);
	return STATUS_OK;
}

/* Rows come in the order of writing; those of one writing share their time. */
static void follow_writes(struct reading *r, struct instant time)
{
	if (!instant_is_set(time) || (instant_is_set(r->written) && time.ticks == r->written.ticks))
		return;
	r->before = r->written;
	if (instant_is_set(r->before) && r->before.ticks > time.ticks)
		r->before = (struct instant){ .state = INSTANT_UNSET };
	r->written = time;
}

/* Where in [from, end) of the file the pattern stands; end: nowhere. */
static size_t search(struct reading *r, size_t from, size_t end, const uint8_t head[ROW_HEAD])
{
	const size_t size = end - from;
	const uint8_t *hit = NULL;

	if (size >= ROW_HEAD && size <= r->search_left) {
		hit = memmem(r->file_bytes.data + from, size, head, ROW_HEAD);
		r->search_left -= hit ? (size_t)(hit - (r->file_bytes.data + from)) : size;
	}
	return hit ? (size_t)(hit - r->file_bytes.data) : end;
}

/*
 * The bytes of a row. libesedb does not tell where a row stands; its first three columns are of
 * fixed size and stand side by side (libesedb, "Extensible Storage Engine (ESE) Database File
 * format", data definition), and no two rows have the same. Rows mostly follow each other.
 */
static struct origin find_row(struct reading *r, struct span number, struct span time,
			      struct span app)
{
	const struct origin nowhere = { 0, 0, 0, { NULL, 0 } };
	uint8_t head[ROW_HEAD];
	size_t at;

	if (number.size != 4 || time.size != 8 || app.size != 4 || !r->file_bytes.size)
		return nowhere;
	memcpy(head, number.data, 4);
	memcpy(head + 4, time.data, 8);
	memcpy(head + 12, app.data, 4);
	at = search(r, r->last_hit, r->file_bytes.size, head);
	if (at == r->file_bytes.size) {
		const size_t end = r->last_hit + ROW_HEAD < at ? r->last_hit + ROW_HEAD : at;

		at = search(r, 0, end, head);
		if (at == end)
			return nowhere;
	}
	r->last_hit = at;
	return (struct origin){ at, ROW_HEAD, 0, { NULL, 0 } };
}

static enum status read_use_row(struct reading *r, library_handle *record, const char *kind,
			    struct failure *why)
{
	const struct span written = value_bytes_of(r->scratch, record, COLUMN_TIME);
	const struct span row = value_bytes_of(r->scratch, record, 0);
	const struct instant time = read_ole_date(written);
	const struct span id = value_bytes_of(r->scratch, record, COLUMN_APP);
	const uint32_t number = span_u32le(id, 0);
	struct value values[USE_N_FIELDS] = { 0 };
	struct text app = { NULL, 0 };
	char address[64];

	if (id.size >= 4 && number < MAX_APPS && r->apps)
		app = r->apps[number];
	follow_writes(r, time);
	if (!app.data || app.size == 0 || !instant_is_set(time))
		return STATUS_OK;
	if (!instant_is_set(r->first) || time.ticks < r->first.ticks)
		r->first = time;
	if (!instant_is_set(r->last) || time.ticks > r->last.ticks)
		r->last = time;
	if (app.data[0] == '\\' || (app.size > 2 && app.data[1] == ':'))
		values[USE_PATH] = value_text(app);
	values[USE_APPLICATION] = value_text(app);
	values[USE_SINCE] = value_instant(r->before);
	values[USE_TIME] = value_instant(time);
	values[USE_TABLE] = value_text(text_of(kind));
	(void)snprintf(address, sizeof(address), "%s row %" PRIu32, kind, span_u32le(row, 0));

	struct origin origin = find_row(r, row, written, id);

	origin.address = text_of(address);

	const struct trace trace = {
		.type = &use_type,
		.origin = origin,
		.recovery = r->source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = values,
	};
	return emit(r->ctx, &trace, why);
}

static enum status read_rows(struct reading *r, library_handle *table, const char *kind,
			     row_reader *reader, struct failure *why)
{
	int n = 0;
	enum status status = STATUS_OK;
	uint64_t n_bad = 0;

	if (libesedb_table_get_number_of_records(table, &n, NULL) != 1 || n < 0)
		n_bad = 1;
	if (n > MAX_ROWS) {
		lost(r->ctx, FAILURE_NO_OFFSET, "table %s: %d rows beyond the first %d", kind,
		     n - MAX_ROWS, MAX_ROWS);
		n = MAX_ROWS;
	}
	for (int i = 0; i < n && status == STATUS_OK; i++) {
		library_handle *record = NULL;

		if (libesedb_table_get_record(table, i, &record, NULL) != 1) {
			n_bad++;
			continue;
		}
		status = reader(r, record, kind, why);
		(void)libesedb_record_free(&record, NULL);
		if (arena_used(r->scratch) > MAX_BLOB)
			arena_reset(r->scratch);
	}
	if (n_bad)
		lost(r->ctx, FAILURE_NO_OFFSET, "table %s: %" PRIu64 " rows not read", kind,
		     n_bad);
	return status;
}

static enum status read_table(struct reading *r, const char *name, const char *kind,
			      row_reader *reader, struct failure *why)
{
	library_handle *table = NULL;
	const int found = libesedb_file_get_table_by_utf8_name(
		r->file, (const uint8_t *)name, strlen(name), &table, NULL);
	enum status status;

	r->written = r->before = (struct instant){ .state = INSTANT_UNSET };
	if (found != 1) {
		if (found < 0)
			lost(r->ctx, FAILURE_NO_OFFSET, "table %s cannot be opened", kind);
		return STATUS_OK;
	}
	status = read_rows(r, table, kind, reader, why);
	(void)libesedb_table_free(&table, NULL);
	return status;
}

static enum status read_database(struct reading *r, struct failure *why)
{
	library_handle *error = NULL;
	enum status status = stream_load(r->source->stream, r->ctx->arena, LIMIT_WHOLE_FILE / 4,
					 &r->file_bytes, NULL);

	if (status < 0)
		r->file_bytes = (struct span){ NULL, 0 }; /* rows are then named by number alone */
	r->search_left = (uint64_t)r->file_bytes.size * SEARCH_ROUNDS;
	status = bfio_over_stream(r->source->stream, &r->bfio, why);

	if (status < 0)
		return status;
	if (libesedb_file_initialize(&r->file, &error) != 1 ||
	    libesedb_file_open_file_io_handle(r->file, r->bfio, LIBESEDB_OPEN_READ, &error) != 1)
		return failure_from_library(why, ERR_FORMAT, &error, "open the database");
	status = read_table(r, "SruDbIdMapTable", "ids", read_app, why);
	for (size_t i = 0; status == STATUS_OK && i < sizeof(use_tables) / sizeof(*use_tables); i++)
		status = read_table(r, use_tables[i].name, use_tables[i].kind, read_use_row, why);
	if (instant_is_set(r->first))
		cover(r->ctx, "resource usage monitor", r->first, r->last);
	return status;
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	CLEANUP(arena_free_p) struct arena *scratch = arena_new(LIMIT_ARENA);
	struct reading reading = { .ctx = ctx, .source = source, .scratch = scratch };
	enum status status;

	if (!scratch)
		return failure_set(why, ERR_NO_MEMORY, "no memory for the database");
	status = read_database(&reading, why);
	if (reading.file)
		(void)libesedb_file_free(&reading.file, NULL);
	bfio_free(reading.bfio);
	free(reading.apps);
	return status;
}

static const char *const paths[] = { "/Windows/System32/sru/SRUDB.dat", NULL };
static const struct trace_type *const emits[] = { &use_type, NULL };

const struct parser srum_parser = {
	.name = "windows.srum",
	.title = "System resource usage monitor",
	.versions = "Windows 8 to 11",
	.asserts = "A program ran in the hour before this time.",
	.paths = paths,
	.emits = emits,
	.max_input = LIMIT_WHOLE_FILE,
	.parse_file = parse,
};
