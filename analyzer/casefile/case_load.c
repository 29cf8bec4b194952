/* SPDX-License-Identifier: Apache-2.0 */
#include <sqlite3.h>
#include <stdio.h>

#include "analyzer/casefile/case.h"
#include "analyzer/casefile/case_internal.h"
#include "parsers/base/cursor.h"

/* One table being read: a case may come from elsewhere, so every column is checked. */
struct reading_table {
	sqlite3_stmt *statement;
	struct arena *arena;
	int next;
	bool bad; /* no memory, or a column of a wrong kind */
};

static int64_t number(struct reading_table *t)
{
	return sqlite3_column_int64(t->statement, t->next++);
}

static const char *text(struct reading_table *t)
{
	const int column = t->next++;
	const char *data = (const char *)sqlite3_column_text(t->statement, column);
	const int size = sqlite3_column_bytes(t->statement, column);

	if (!data)
		return NULL;

	const char *copy = arena_text(t->arena, (struct text){ data, (size_t)size });

	t->bad |= !copy;
	return copy;
}

static const char *needed_text(struct reading_table *t)
{
	const char *found = text(t);

	return found ? found : "";
}

static struct instant instant(struct reading_table *t)
{
	const int column = t->next++;
	const void *data = sqlite3_column_blob(t->statement, column);
	struct cursor c = cursor_over(
		span_of(data, (size_t)sqlite3_column_bytes(t->statement, column)), 0);
	struct instant i = { .state = INSTANT_UNSET };

	if (!data)
		return i;
	i.ticks = (int64_t)cursor_u64le(&c);
	i.precision = (int64_t)cursor_u64le(&c);
	i.state = cursor_u8(&c);
	i.zone = cursor_u8(&c);
	if (c.status < 0 || i.state > INSTANT_INVALID || i.zone > ZONE_OFFSET || i.precision < 0) {
		t->bad = true;
		return (struct instant){ .state = INSTANT_UNSET };
	}
	return i;
}

static enum reading reading(struct reading_table *t)
{
	const int64_t code = number(t);

	return code >= 0 && code <= READING_SKIPPED ? (enum reading)code : READING_UNREADABLE;
}

static void read_evidence(struct reading_table *t, void *row)
{
	struct case_evidence *e = row;

	e->id = number(t);
	e->path = needed_text(t);
	e->format = needed_text(t);
	e->size = (uint64_t)number(t);
	e->segments = text(t);
	e->sha256 = text(t);
	e->md5 = text(t);
	e->sha1 = text(t);
	e->stored_md5 = text(t);
	e->stored_sha1 = text(t);
	e->acquired = instant(t);
	e->acquired_basis = text(t);
	e->unreadable = text(t);
}

static void read_volume(struct reading_table *t, void *row)
{
	struct case_volume *v = row;

	v->id = number(t);
	v->evidence = number(t);
	v->offset = (uint64_t)number(t);
	v->size = (uint64_t)number(t);
	v->filesystem = text(t);
	v->label = text(t);
	v->snapshot_created = instant(t);
	v->snapshot_id = text(t);
	v->snapshot_of = number(t);
	v->reading = reading(t);
}

static void read_source(struct reading_table *t, void *row)
{
	struct case_source *s = row;

	s->id = number(t);
	s->volume = number(t);
	s->path = needed_text(t);
	s->reader = needed_text(t);
	s->size = (uint64_t)number(t);
	s->entry = (uint64_t)number(t);
	s->sequence = (uint64_t)number(t);
	s->deleted = number(t) != 0;
	s->reading = reading(t);
	s->companions = text(t);
}

static void read_coverage(struct reading_table *t, void *row)
{
	struct case_coverage *c = row;

	c->source = number(t);
	c->recorder = needed_text(t);
	c->from = instant(t);
	c->to = instant(t);
}

static void read_problem(struct reading_table *t, void *row)
{
	struct case_problem *p = row;

	p->source = number(t);
	p->volume = number(t);
	p->where = needed_text(t);
	p->what = needed_text(t);
	p->offset = sqlite3_column_type(t->statement, t->next) == SQLITE_NULL ?
		FAILURE_NO_OFFSET : (uint64_t)sqlite3_column_int64(t->statement, t->next);
	t->next++;
	p->lost = number(t) != 0;
}

static void read_fact(struct reading_table *t, void *row)
{
	struct case_fact *f = row;

	f->key = needed_text(t);
	f->value = needed_text(t);
}

/* A trace of a type this program does not know is left out, and counted by the caller. */
static void read_trace(struct reading_table *t, void *row)
{
	struct case_trace *c = row;

	c->id = number(t);
	c->source = number(t);

	const struct trace_type *type = trace_type_find(text_of(needed_text(t)));

	c->trace.origin.offset = (uint64_t)number(t);
	c->trace.origin.size = (uint64_t)number(t);
	c->trace.origin.companion = (unsigned)number(t);
	c->trace.origin.address = text_of(text(t));

	const int64_t recovery = number(t);
	const int column = t->next++;
	const size_t size = (size_t)sqlite3_column_bytes(t->statement, column);
	const void *fields = arena_copy(t->arena, sqlite3_column_blob(t->statement, column), size);
	struct value *values = NULL;

	c->sha256 = text(t);
	c->trace.recovery = recovery >= 0 && recovery <= RECOVERY_LOG_EARLIER ?
		(enum recovery)recovery : RECOVERY_DELETED;
	if (!type || !fields ||
	    trace_decode(t->arena, type, span_of(fields, size), &values, NULL) < 0)
		return;
	c->trace.type = type;
	c->trace.values = values;
}

/* Reads a whole table into an array of rows; count first, so that the array is made once. */
static enum status load(struct case_file *file, struct arena *arena, const char *table,
			const char *columns, size_t row_size,
			void (*read)(struct reading_table *, void *), void **ret, size_t *ret_n,
			struct failure *why)
{
	struct reading_table t = { NULL, arena, 0, false };
	char sql[512];
	size_t room = 0, n = 0;

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	if (sqlite3_prepare_v2(case_database(file), sql, -1, &t.statement, NULL) == SQLITE_OK &&
	    sqlite3_step(t.statement) == SQLITE_ROW)
		room = (size_t)sqlite3_column_int64(t.statement, 0);
	sqlite3_finalize(t.statement);
	t.statement = NULL;

	char *rows = arena_array(arena, room + 1, row_size);

	if (!rows)
		return failure_set(why, ERR_NO_MEMORY, "%zu rows of %s", room, table);
	(void)snprintf(sql, sizeof(sql), "SELECT %s FROM %s ORDER BY %s", columns, table,
		       strcmp(table, "trace") == 0 ? "source, id" :
		       strcmp(table, "fact") == 0  ? "key" :
						     "id");
	if (sqlite3_prepare_v2(case_database(file), sql, -1, &t.statement, NULL) != SQLITE_OK)
		return failure_set(why, ERR_FORMAT, "table %s: %s", table,
				   sqlite3_errmsg(case_database(file)));
	for (; n < room && sqlite3_step(t.statement) == SQLITE_ROW; n++) {
		t.next = 0;
		read(&t, rows + n * row_size);
	}
	sqlite3_finalize(t.statement);
	if (t.bad)
		return failure_set(why, ERR_FORMAT, "table %s holds what no case has", table);
	*ret = rows;
	*ret_n = n;
	return STATUS_OK;
}

/* Drops the traces whose type is unknown to this program. */
static size_t keep_known(struct case_trace *traces, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (traces[i].trace.type)
			traces[kept++] = traces[i];
	return kept;
}

#define LOAD(table, columns, type, read, field)                                                    \
	do {                                                                                       \
		void *rows = NULL;                                                                 \
		if (status >= 0)                                                                   \
			status = load(file, arena, table, columns, sizeof(struct type), read,      \
				      &rows, &c.n_##field, why);                                   \
		c.field = rows;                                                                    \
	} while (0)

enum status case_load(struct case_file *file, struct arena *arena, struct case_contents *ret,
		      struct failure *why)
{
	struct case_contents c = { 0 };
	enum status status = STATUS_OK;
	void *traces = NULL;

	LOAD("evidence", "id,path,format,size,segments,sha256,md5,sha1,stored_md5,stored_sha1,"
			 "acquired,acquired_basis,unreadable", case_evidence, read_evidence,
	     evidence);
	LOAD("volume", "id,evidence,offset,size,filesystem,label,snapshot_created,snapshot_id,"
		       "snapshot_of,reading_code", case_volume, read_volume, volumes);
	LOAD("source", "id,volume,path,reader,size,entry,sequence,deleted,reading_code,companions",
	     case_source, read_source, sources);
	LOAD("coverage", "source,recorder,first,last", case_coverage, read_coverage, coverage);
	LOAD("problem", "source,volume,place,what,offset,lost", case_problem, read_problem,
	     problems);
	LOAD("fact", "key,value", case_fact, read_fact, facts);
	if (status >= 0)
		status = load(file, arena, "trace",
			      "id,source,type,offset,size,companion,address,recovery,fields,sha256",
			      sizeof(struct case_trace), read_trace, &traces, &c.n_traces, why);
	if (status < 0)
		return failure_wrap(why, "case");
	c.n_traces = keep_known(traces, c.n_traces);
	c.traces = traces;
	*ret = c;
	return STATUS_OK;
}

enum status case_find_judgement(struct case_file *file, int64_t id, struct arena *arena,
				struct case_judgement *ret, struct failure *why)
{
	struct reading_table t = { NULL, arena, 0, false };
	struct case_judgement j;
	const char *sql = id ? "SELECT id,document,tool_version,signatures_sha256,mandates_sha256,"
			       "exit_status FROM judgement WHERE id=?" :
			       "SELECT id,document,tool_version,signatures_sha256,mandates_sha256,"
			       "exit_status FROM judgement ORDER BY id DESC LIMIT 1";

	if (sqlite3_prepare_v2(case_database(file), sql, -1, &t.statement, NULL) != SQLITE_OK)
		return failure_set(why, ERR_FORMAT, "judgements: %s",
				   sqlite3_errmsg(case_database(file)));
	if (id)
		(void)sqlite3_bind_int64(t.statement, 1, id);
	if (sqlite3_step(t.statement) != SQLITE_ROW) {
		sqlite3_finalize(t.statement);
		return STATUS_END;
	}
	j.id = number(&t);
	j.document = needed_text(&t);
	j.tool_version = needed_text(&t);
	j.signatures_sha256 = needed_text(&t);
	j.mandates_sha256 = needed_text(&t);
	j.exit_status = (int)number(&t);
	sqlite3_finalize(t.statement);
	if (t.bad)
		return failure_set(why, ERR_NO_MEMORY, "judgement");
	*ret = j;
	return STATUS_OK;
}
