/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/casefile/case.h"
#include "analyzer/casefile/case_internal.h"

#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

/* "AVCH": marks the file as a case (PRAGMA application_id). */
enum { APPLICATION_ID = 0x41564348, SCHEMA_VERSION = 1 };

struct case_file {
	sqlite3 *db;
	sqlite3_stmt *add_trace; /* the one statement that runs many thousand times */
	unsigned depth;          /* 1 inside a transaction */
};

const char *reading_name(enum reading reading)
{
	static const char *const names[] = {
		[READING_PENDING] = "pending",       [READING_READ] = "read",
		[READING_PARTLY] = "partly-read",    [READING_UNREADABLE] = "unreadable",
		[READING_ENCRYPTED] = "encrypted",   [READING_CRASHED] = "crashed",
		[READING_TIMED_OUT] = "timed-out",   [READING_SKIPPED] = "skipped",
	};

	return reading <= READING_SKIPPED ? names[reading] : "unknown";
}

static const char *const schema =
	"CREATE TABLE evidence(id INTEGER PRIMARY KEY, path TEXT NOT NULL, format TEXT NOT NULL,"
	" size INTEGER NOT NULL, segments TEXT, sha256 TEXT, md5 TEXT, sha1 TEXT, stored_md5 TEXT,"
	" stored_sha1 TEXT, acquired BLOB, acquired_basis TEXT, unreadable TEXT);"
	"CREATE TABLE volume(id INTEGER PRIMARY KEY, evidence INTEGER NOT NULL,"
	" offset INTEGER NOT NULL, size INTEGER NOT NULL, filesystem TEXT, label TEXT,"
	" snapshot_created BLOB, snapshot_id TEXT, snapshot_of INTEGER NOT NULL,"
	" reading TEXT NOT NULL, reading_code INTEGER NOT NULL);"
	"CREATE TABLE source(id INTEGER PRIMARY KEY, volume INTEGER NOT NULL, path TEXT NOT NULL,"
	" reader TEXT NOT NULL, size INTEGER NOT NULL, entry INTEGER NOT NULL,"
	" sequence INTEGER NOT NULL, deleted INTEGER NOT NULL, reading TEXT NOT NULL,"
	" reading_code INTEGER NOT NULL, companions TEXT);"
	"CREATE TABLE trace(id INTEGER PRIMARY KEY, source INTEGER NOT NULL, type TEXT NOT NULL,"
	" offset INTEGER NOT NULL, size INTEGER NOT NULL, companion INTEGER NOT NULL, address TEXT,"
	" recovery INTEGER NOT NULL, fields BLOB NOT NULL, sha256 TEXT);"
	"CREATE INDEX trace_source ON trace(source, id);"
	"CREATE TABLE coverage(id INTEGER PRIMARY KEY, source INTEGER NOT NULL,"
	" recorder TEXT NOT NULL, first BLOB, last BLOB);"
	"CREATE TABLE problem(id INTEGER PRIMARY KEY, source INTEGER NOT NULL,"
	" volume INTEGER NOT NULL, place TEXT NOT NULL, what TEXT NOT NULL, offset INTEGER,"
	" lost INTEGER NOT NULL);"
	"CREATE TABLE fact(key TEXT PRIMARY KEY, value TEXT NOT NULL);"
	"CREATE TABLE judgement(id INTEGER PRIMARY KEY, document TEXT NOT NULL,"
	" tool_version TEXT NOT NULL, signatures_sha256 TEXT NOT NULL,"
	" mandates_sha256 TEXT NOT NULL, exit_status INTEGER NOT NULL);";

static enum status failed(struct case_file *file, struct failure *why, const char *what)
{
	return failure_set(why, ERR_IO, "%s: %s", what, sqlite3_errmsg(file->db));
}

static enum status run(struct case_file *file, const char *sql, struct failure *why)
{
	if (sqlite3_exec(file->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return failed(file, why, "case");
	return STATUS_OK;
}

void case_close(struct case_file *file)
{
	if (!file)
		return;
	sqlite3_finalize(file->add_trace);
	(void)sqlite3_close(file->db); /* nothing is open in it any more */
	free(file);
}

static enum status open_db(const char *path, int flags, struct case_file **ret,
			   struct failure *why)
{
	CLEANUP(case_close_p) struct case_file *file = calloc(1, sizeof(*file));

	if (!file)
		return failure_set(why, ERR_NO_MEMORY, "case '%s'", path);
	if (sqlite3_open_v2(path, &file->db, flags, NULL) != SQLITE_OK)
		return failure_set(why, ERR_IO, "case '%s': %s", path,
				   file->db ? sqlite3_errmsg(file->db) : "no memory");
	*ret = file;
	file = NULL;
	return STATUS_OK;
}

enum status case_create(const char *path, struct case_file **ret, struct failure *why)
{
	CLEANUP(case_close_p) struct case_file *file = NULL;
	char pragmas[128];
	struct stat there;

	if (lstat(path, &there) == 0)
		return failure_set(why, ERR_IO, "case '%s' exists already; name another with -o, "
						"or use --force to replace it", path);

	enum status status =
		open_db(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &file, why);

	if (status < 0)
		return status;
	(void)snprintf(pragmas, sizeof(pragmas),
		       "PRAGMA application_id=%d; PRAGMA user_version=%d; PRAGMA synchronous=NORMAL;",
		       APPLICATION_ID, SCHEMA_VERSION);
	status = run(file, pragmas, why);
	if (status >= 0)
		status = run(file, schema, why);
	if (status < 0)
		return failure_wrap(why, "create '%s'", path);
	*ret = file;
	file = NULL;
	return STATUS_OK;
}

static int64_t pragma_number(struct case_file *file, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t number = -1;

	if (sqlite3_prepare_v2(file->db, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

enum status case_open(const char *path, bool writable, struct case_file **ret,
		      struct failure *why)
{
	CLEANUP(case_close_p) struct case_file *file = NULL;
	enum status status = open_db(
		path, writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY, &file, why);

	if (status < 0)
		return status;
	if (pragma_number(file, "PRAGMA application_id") != APPLICATION_ID)
		return failure_set(why, ERR_FORMAT, "'%s' is not a case of this program", path);

	const int64_t version = pragma_number(file, "PRAGMA user_version");

	if (version != SCHEMA_VERSION)
		return failure_set(why, ERR_UNSUPPORTED, "case '%s' has schema version %lld; this "
				   "program reads version %d", path, (long long)version,
				   SCHEMA_VERSION);
	*ret = file;
	file = NULL;
	return STATUS_OK;
}

enum status case_begin(struct case_file *file, struct failure *why)
{
	file->depth = 1;
	return run(file, "BEGIN", why);
}

enum status case_commit(struct case_file *file, struct failure *why)
{
	file->depth = 0;
	return run(file, "COMMIT", why);
}

void case_rollback(struct case_file *file)
{
	if (file->depth)
		(void)sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
	file->depth = 0;
}

/* -- writing ------------------------------------------------------------------------------ */

struct binder {
	struct case_file *file;
	sqlite3_stmt *statement;
	int next;
};

static struct binder prepare(struct case_file *file, const char *sql)
{
	struct binder b = { file, NULL, 1 };

	(void)sqlite3_prepare_v2(file->db, sql, -1, &b.statement, NULL); /* finish() reports */
	return b;
}

static void bind_number(struct binder *b, int64_t number)
{
	(void)sqlite3_bind_int64(b->statement, b->next++, number); /* finish() reports */
}

static void bind_text(struct binder *b, const char *text)
{
	(void)sqlite3_bind_text(b->statement, b->next++, text, -1, SQLITE_TRANSIENT);
}

/* An instant as 18 bytes: ticks, precision, state, zone, little-endian; NULL when unset. */
static void bind_instant(struct binder *b, struct instant i)
{
	uint8_t bytes[18];

	if (i.state == INSTANT_UNSET) {
		b->next++;
		return;
	}
	for (int k = 0; k < 8; k++) {
		bytes[k] = (uint8_t)((uint64_t)i.ticks >> (8 * k));
		bytes[8 + k] = (uint8_t)((uint64_t)i.precision >> (8 * k));
	}
	bytes[16] = i.state;
	bytes[17] = i.zone;
	(void)sqlite3_bind_blob(b->statement, b->next++, bytes, sizeof(bytes), SQLITE_TRANSIENT);
}

static enum status finish(struct binder *b, int64_t *ret_id, struct failure *why)
{
	const bool done = b->statement && sqlite3_step(b->statement) == SQLITE_DONE;

	if (done && ret_id)
		*ret_id = sqlite3_last_insert_rowid(b->file->db);

	enum status status = done ? STATUS_OK : failed(b->file, why, "write to the case");

	sqlite3_finalize(b->statement);
	return status;
}

static void bind_evidence(struct binder *b, const struct case_evidence *row)
{
	bind_text(b, row->path);
	bind_text(b, row->format);
	bind_number(b, (int64_t)row->size);
	bind_text(b, row->segments);
	bind_text(b, row->sha256);
	bind_text(b, row->md5);
	bind_text(b, row->sha1);
	bind_text(b, row->stored_md5);
	bind_text(b, row->stored_sha1);
	bind_instant(b, row->acquired);
	bind_text(b, row->acquired_basis);
	bind_text(b, row->unreadable);
}

enum status case_add_evidence(struct case_file *file, struct case_evidence *row,
			      struct failure *why)
{
	struct binder b = prepare(file, "INSERT INTO evidence(path,format,size,segments,sha256,md5,"
					"sha1,stored_md5,stored_sha1,acquired,acquired_basis,"
					"unreadable) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)");

	bind_evidence(&b, row);
	return finish(&b, &row->id, why);
}

enum status case_update_evidence(struct case_file *file, const struct case_evidence *row,
				 struct failure *why)
{
	struct binder b = prepare(file, "UPDATE evidence SET path=?,format=?,size=?,segments=?,"
					"sha256=?,md5=?,sha1=?,stored_md5=?,stored_sha1=?,"
					"acquired=?,acquired_basis=?,unreadable=? WHERE id=?");

	bind_evidence(&b, row);
	bind_number(&b, row->id);
	return finish(&b, NULL, why);
}

static void bind_volume(struct binder *b, const struct case_volume *row)
{
	bind_number(b, row->evidence);
	bind_number(b, (int64_t)row->offset);
	bind_number(b, (int64_t)row->size);
	bind_text(b, row->filesystem);
	bind_text(b, row->label);
	bind_instant(b, row->snapshot_created);
	bind_text(b, row->snapshot_id);
	bind_number(b, row->snapshot_of);
	bind_text(b, reading_name(row->reading));
	bind_number(b, row->reading);
}

enum status case_add_volume(struct case_file *file, struct case_volume *row, struct failure *why)
{
	struct binder b = prepare(file, "INSERT INTO volume(evidence,offset,size,filesystem,label,"
					"snapshot_created,snapshot_id,snapshot_of,reading,"
					"reading_code) VALUES(?,?,?,?,?,?,?,?,?,?)");

	bind_volume(&b, row);
	return finish(&b, &row->id, why);
}

enum status case_update_volume(struct case_file *file, const struct case_volume *row,
			       struct failure *why)
{
	struct binder b = prepare(file, "UPDATE volume SET evidence=?,offset=?,size=?,filesystem=?,"
					"label=?,snapshot_created=?,snapshot_id=?,snapshot_of=?,"
					"reading=?,reading_code=? WHERE id=?");

	bind_volume(&b, row);
	bind_number(&b, row->id);
	return finish(&b, NULL, why);
}

enum status case_add_source(struct case_file *file, struct case_source *row, struct failure *why)
{
	struct binder b = prepare(file, "INSERT INTO source(volume,path,reader,size,entry,sequence,"
					"deleted,reading,reading_code,companions)"
					" VALUES(?,?,?,?,?,?,?,?,?,?)");

	bind_number(&b, row->volume);
	bind_text(&b, row->path);
	bind_text(&b, row->reader);
	bind_number(&b, (int64_t)row->size);
	bind_number(&b, (int64_t)row->entry);
	bind_number(&b, (int64_t)row->sequence);
	bind_number(&b, row->deleted);
	bind_text(&b, reading_name(row->reading));
	bind_number(&b, row->reading);
	bind_text(&b, row->companions);
	return finish(&b, &row->id, why);
}

enum status case_set_reading(struct case_file *file, int64_t source, enum reading reading,
			     struct failure *why)
{
	struct binder b = prepare(file, "UPDATE source SET reading=?,reading_code=? WHERE id=?");

	bind_text(&b, reading_name(reading));
	bind_number(&b, reading);
	bind_number(&b, source);
	return finish(&b, NULL, why);
}

enum status case_add_trace(struct case_file *file, int64_t source, struct text type,
			   const struct origin *origin, enum recovery recovery,
			   struct span encoded, const char *sha256, struct failure *why)
{
	sqlite3_stmt *s = file->add_trace;

	if (!s && sqlite3_prepare_v2(file->db, "INSERT INTO trace(source,type,offset,size,companion,"
					       "address,recovery,fields,sha256)"
					       " VALUES(?,?,?,?,?,?,?,?,?)",
				     -1, &file->add_trace, NULL) != SQLITE_OK)
		return failed(file, why, "trace");
	s = file->add_trace;
	(void)sqlite3_reset(s); /* the outcome of the last run was seen then */
	(void)sqlite3_bind_int64(s, 1, source);
	(void)sqlite3_bind_text(s, 2, type.data, (int)type.size, SQLITE_TRANSIENT);
	(void)sqlite3_bind_int64(s, 3, (int64_t)origin->offset);
	(void)sqlite3_bind_int64(s, 4, (int64_t)origin->size);
	(void)sqlite3_bind_int64(s, 5, origin->companion);
	(void)sqlite3_bind_text(s, 6, origin->address.data, (int)origin->address.size,
				SQLITE_TRANSIENT);
	(void)sqlite3_bind_int64(s, 7, recovery);
	(void)sqlite3_bind_blob(s, 8, encoded.data, (int)encoded.size, SQLITE_TRANSIENT);
	(void)sqlite3_bind_text(s, 9, sha256, -1, SQLITE_TRANSIENT);
	if (sqlite3_step(s) != SQLITE_DONE)
		return failed(file, why, "trace");
	return STATUS_OK;
}

enum status case_add_coverage(struct case_file *file, const struct case_coverage *row,
			      struct failure *why)
{
	struct binder b = prepare(file, "INSERT INTO coverage(source,recorder,first,last)"
					" VALUES(?,?,?,?)");

	bind_number(&b, row->source);
	bind_text(&b, row->recorder);
	bind_instant(&b, row->from);
	bind_instant(&b, row->to);
	return finish(&b, NULL, why);
}

enum status case_add_problem(struct case_file *file, const struct case_problem *row,
			     struct failure *why)
{
	struct binder b = prepare(file, "INSERT INTO problem(source,volume,place,what,offset,lost)"
					" VALUES(?,?,?,?,?,?)");

	bind_number(&b, row->source);
	bind_number(&b, row->volume);
	bind_text(&b, row->where);
	bind_text(&b, row->what);
	if (row->offset == FAILURE_NO_OFFSET)
		b.next++;
	else
		bind_number(&b, (int64_t)row->offset);
	bind_number(&b, row->lost);
	return finish(&b, NULL, why);
}

enum status case_set_fact(struct case_file *file, const char *key, const char *value,
			  struct failure *why)
{
	struct binder b = prepare(file, "INSERT OR REPLACE INTO fact(key,value) VALUES(?,?)");

	bind_text(&b, key);
	bind_text(&b, value);
	return finish(&b, NULL, why);
}

enum status case_add_judgement(struct case_file *file, struct case_judgement *row,
			       struct failure *why)
{
	struct binder b = prepare(file, "INSERT INTO judgement(document,tool_version,"
					"signatures_sha256,mandates_sha256,exit_status)"
					" VALUES(?,?,?,?,?)");

	bind_text(&b, row->document);
	bind_text(&b, row->tool_version);
	bind_text(&b, row->signatures_sha256);
	bind_text(&b, row->mandates_sha256);
	bind_number(&b, row->exit_status);
	return finish(&b, &row->id, why);
}

struct sqlite3 *case_database(struct case_file *file)
{
	return file->db;
}
