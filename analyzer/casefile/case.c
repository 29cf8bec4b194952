/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/casefile/case_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

enum {
	CASE_APPLICATION_ID = 0x41566f75, /* "AVou", SQLite file header offset 68 */
	CASE_SCHEMA_VERSION = 2, /* one more with every change of the tables */
};

/*
 * Instants stand as ticks of 100 ns since 1601 UTC with the width of their precision, their zone
 * and their state (enums of instant.h); an unset one is NULL in all four. Offsets and sizes above
 * 2^63 - 1 do not occur on real media; a missing one is NULL.
 */
#define INSTANT_COLUMNS(name) \
	name " INTEGER, " name "_precision INTEGER, " name "_zone INTEGER, " name "_state INTEGER"

static const struct {
	const char *name, *sql;
} schema[] = {
	{ "coverage", "CREATE TABLE coverage (id INTEGER PRIMARY KEY, source INTEGER NOT NULL, "
		      "recorder TEXT NOT NULL, " INSTANT_COLUMNS("from_time") ", "
		      INSTANT_COLUMNS("to_time") ")" },
	{ "evidence", "CREATE TABLE evidence (id INTEGER PRIMARY KEY, path TEXT NOT NULL, "
		      "format TEXT, size INTEGER NOT NULL, segments TEXT, sha256 TEXT, md5 TEXT, "
		      "sha1 TEXT, stored_md5 TEXT, stored_sha1 TEXT, " INSTANT_COLUMNS("acquired")
		      ", acquired_basis TEXT, unreadable TEXT, medium INTEGER NOT NULL)" },
	{ "fact", "CREATE TABLE fact (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID" },
	{ "judgement", "CREATE TABLE judgement (id INTEGER PRIMARY KEY, document TEXT NOT NULL, "
		       "tool_version TEXT, signatures_sha256 TEXT, mandates_sha256 TEXT, "
		       "exit_status INTEGER NOT NULL)" },
	{ "problem", "CREATE TABLE problem (id INTEGER PRIMARY KEY, source INTEGER NOT NULL, "
		     "volume INTEGER NOT NULL, place TEXT NOT NULL, what TEXT NOT NULL, "
		     "offset INTEGER, lost INTEGER NOT NULL)" },
	{ "source", "CREATE TABLE source (id INTEGER PRIMARY KEY, volume INTEGER NOT NULL, "
		    "path TEXT NOT NULL, reader TEXT NOT NULL, size INTEGER NOT NULL, "
		    "entry INTEGER NOT NULL, sequence INTEGER NOT NULL, deleted INTEGER NOT NULL, "
		    "reading INTEGER NOT NULL)" },
	{ "step", "CREATE TABLE step (place INTEGER PRIMARY KEY, done INTEGER NOT NULL, "
		  "work BLOB NOT NULL)" },
	{ "trace", "CREATE TABLE trace (id INTEGER PRIMARY KEY, source INTEGER NOT NULL, "
		   "type TEXT NOT NULL, recovery INTEGER NOT NULL, offset INTEGER NOT NULL, "
		   "size INTEGER NOT NULL, companion INTEGER NOT NULL, address TEXT, fields BLOB "
		   "NOT NULL, sha256 TEXT, file TEXT, file_entry INTEGER NOT NULL, "
		   "file_sequence INTEGER NOT NULL, attribute TEXT)" },
	{ "trace_by_digest", "CREATE INDEX trace_by_digest ON trace (sha256)" },
	{ "trace_by_source", "CREATE INDEX trace_by_source ON trace (source)" },
	{ "volume", "CREATE TABLE volume (id INTEGER PRIMARY KEY, evidence INTEGER NOT NULL, "
		    "offset INTEGER NOT NULL, size INTEGER NOT NULL, filesystem TEXT, label TEXT, "
		    INSTANT_COLUMNS("snapshot_created") ", snapshot_id TEXT, "
		    "snapshot_of INTEGER NOT NULL, reading INTEGER NOT NULL, "
		    "logical INTEGER NOT NULL)" },
};
enum { N_SCHEMA = sizeof(schema) / sizeof(schema[0]) };

static const char *const statement_sql[CASE_N_STATEMENTS] = {
	[ADD_EVIDENCE] = "INSERT INTO evidence VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[UPDATE_EVIDENCE] =
		"UPDATE evidence SET path=?, format=?, size=?, segments=?, sha256=?, md5=?, sha1=?, "
		"stored_md5=?, stored_sha1=?, acquired=?, acquired_precision=?, acquired_zone=?, "
		"acquired_state=?, acquired_basis=?, unreadable=?, medium=? WHERE id=?",
	[ADD_VOLUME] = "INSERT INTO volume VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[UPDATE_VOLUME] =
		"UPDATE volume SET evidence=?, offset=?, size=?, filesystem=?, label=?, "
		"snapshot_created=?, snapshot_created_precision=?, snapshot_created_zone=?, "
		"snapshot_created_state=?, snapshot_id=?, snapshot_of=?, reading=?, "
		"logical=? WHERE id=?",
	[ADD_SOURCE] = "INSERT INTO source VALUES (NULL,?,?,?,?,?,?,?,?)",
	[SET_READING] = "UPDATE source SET reading=? WHERE id=?",
	[ADD_TRACE] = "INSERT INTO trace VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[ADD_COVERAGE] = "INSERT INTO coverage VALUES (NULL,?,?,?,?,?,?,?,?,?,?)",
	[ADD_PROBLEM] = "INSERT INTO problem VALUES (NULL,?,?,?,?,?,?)",
	[SET_FACT] = "INSERT INTO fact VALUES (?,?) "
		     "ON CONFLICT (key) DO UPDATE SET value=excluded.value",
	[ADD_STEP] = "INSERT INTO step VALUES (?,0,?)",
	[END_STEP] = "UPDATE step SET done=1 WHERE place=?",
	[DROP_STEPS] = "DELETE FROM step",
	[LOAD_STEPS] = "SELECT * FROM step ORDER BY place",
	[ADD_JUDGEMENT] = "INSERT INTO judgement VALUES (NULL,?,?,?,?,?)",
	[FIND_RECORD] = "SELECT 1 FROM trace JOIN source ON source.id=trace.source "
			"JOIN volume ON volume.id=source.volume WHERE "
			"trace.sha256=? AND trace.type=? AND trace.recovery=? AND source.path=? "
			"AND source.id<>? AND max(volume.snapshot_of, volume.id * "
			"(volume.snapshot_of=0)) = (SELECT max(v.snapshot_of, v.id * "
			"(v.snapshot_of=0)) FROM source s JOIN volume v ON v.id=s.volume "
			"WHERE s.id=?) LIMIT 1",
	[FIND_JUDGEMENT] = "SELECT id, document, tool_version, signatures_sha256, "
			   "mandates_sha256, exit_status FROM judgement WHERE id=?",
	[LATEST_JUDGEMENT] = "SELECT id, document, tool_version, signatures_sha256, "
			     "mandates_sha256, exit_status FROM judgement ORDER BY id DESC LIMIT 1",
	[LOAD_EVIDENCE] = "SELECT * FROM evidence ORDER BY id",
	[LOAD_VOLUMES] = "SELECT * FROM volume ORDER BY id",
	[LOAD_SOURCES] = "SELECT * FROM source ORDER BY id",
	[LOAD_TRACES] = "SELECT * FROM trace ORDER BY source, id",
	[LOAD_COVERAGE] = "SELECT * FROM coverage ORDER BY id",
	[LOAD_PROBLEMS] = "SELECT * FROM problem ORDER BY id",
	[LOAD_FACTS] = "SELECT * FROM fact ORDER BY key",
};

const char *reading_name(enum reading reading)
{
	static const char *const names[] = {
		[READING_PENDING] = "pending",	     [READING_READ] = "read",
		[READING_PARTLY] = "partly-read",    [READING_UNREADABLE] = "unreadable",
		[READING_ENCRYPTED] = "encrypted",   [READING_CRASHED] = "crashed",
		[READING_TIMED_OUT] = "timed-out",   [READING_SKIPPED] = "skipped",
	};

	return reading <= READING_SKIPPED ? names[reading] : "unknown";
}

enum status case_failure(struct case_file *file, struct failure *why, const char *doing)
{
	const int rc = sqlite3_errcode(file->db);

	return failure_set(why, rc == SQLITE_NOMEM ? ERR_NO_MEMORY : ERR_IO,
			   "case '%s': %s: %s", file->path, doing, sqlite3_errmsg(file->db));
}

enum status case_statement(struct case_file *file, enum case_statement which, sqlite3_stmt **ret,
			   struct failure *why)
{
	sqlite3_stmt **statement = &file->statements[which];

	if (!*statement && sqlite3_prepare_v3(file->db, statement_sql[which], -1,
					      SQLITE_PREPARE_PERSISTENT, statement,
					      NULL) != SQLITE_OK)
		return case_failure(file, why, "prepare");
	(void)sqlite3_reset(*statement); /* repeats the error of the last step, already told */
	(void)sqlite3_clear_bindings(*statement); /* cannot fail */
	*ret = *statement;
	return STATUS_OK;
}

static enum status execute(struct case_file *file, const char *sql, struct failure *why)
{
	if (sqlite3_exec(file->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return case_failure(file, why, sql);
	return STATUS_OK;
}

static enum status connect(const char *path, bool writable, struct case_file **ret,
			   struct failure *why)
{
	CLEANUP(case_close_p) struct case_file *file = calloc(1, sizeof(*file));

	if (!file)
		return failure_set(why, ERR_NO_MEMORY, "case '%s'", path);
	file->path = strdup(path);
	file->writable = writable;
	if (!file->path)
		return failure_set(why, ERR_NO_MEMORY, "case '%s'", path);

	const int flags = (writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
			  SQLITE_OPEN_NOMUTEX;

	if (sqlite3_open_v2(path, &file->db, flags, NULL) != SQLITE_OK)
		return file->db ? case_failure(file, why, "open") :
				  failure_set(why, ERR_NO_MEMORY, "case '%s'", path);
	/* The file may come from anywhere: nothing in its schema may run. */
	(void)sqlite3_db_config(file->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(file->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(file->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(file->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	(void)sqlite3_busy_timeout(file->db, 2000);
	*ret = file;
	file = NULL;
	return STATUS_OK;
}

/*
 * The write-ahead log makes a commit cheap and keeps what was committed when the process dies. One
 * connection owns the file, so no shared memory file is needed; case_close folds the log in.
 */
static enum status prepare_to_write(struct case_file *file, struct failure *why)
{
	return execute(file,
		       "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; "
		       "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000; "
		       "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384",
		       why);
}

static enum status write_schema(struct case_file *file, struct failure *why)
{
	char pragma[96];
	enum status status = execute(file, "BEGIN IMMEDIATE", why);

	(void)snprintf(pragma, sizeof(pragma), "PRAGMA application_id=%d; PRAGMA user_version=%d",
		       CASE_APPLICATION_ID, CASE_SCHEMA_VERSION);
	if (status >= 0)
		status = execute(file, pragma, why);
	for (size_t i = 0; i < N_SCHEMA && status >= 0; i++)
		status = execute(file, schema[i].sql, why);
	return status < 0 ? status : execute(file, "COMMIT", why);
}

enum status case_create(const char *path, struct case_file **ret, struct failure *why)
{
	const int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0)
		return failure_set(why, ERR_IO, "case '%s': %s", path,
				   errno == EEXIST ? "exists already; name another with -o, or use "
						     "--force to replace it" :
						     strerror(errno));
	(void)close(fd); /* nothing was written */

	CLEANUP(case_close_p) struct case_file *file = NULL;
	enum status status = connect(path, true, &file, why);

	if (status >= 0)
		status = prepare_to_write(file, why);
	if (status >= 0)
		status = write_schema(file, why);
	if (status < 0) {
		(void)unlink(path); /* made by this very call, and of no use */
		return status;
	}
	*ret = file;
	file = NULL;
	return STATUS_OK;
}

static enum status get_number(struct case_file *file, const char *sql, int64_t *ret,
			      struct failure *why)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(file->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return case_failure(file, why, "open");

	const int rc = sqlite3_step(statement);

	*ret = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
	(void)sqlite3_finalize(statement); /* its error was the step's */
	return rc == SQLITE_ROW ? STATUS_OK : case_failure(file, why, "open");
}

/* The schema must be, word for word, what this version writes. */
static enum status check_schema(struct case_file *file, struct failure *why)
{
	sqlite3_stmt *statement = NULL;
	size_t n = 0;
	bool same = true;
	int rc = sqlite3_prepare_v2(file->db,
				    "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL "
				    "ORDER BY name",
				    -1, &statement, NULL);

	if (rc != SQLITE_OK)
		return case_failure(file, why, "open");
	while (same && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(statement, 0);
		const char *sql = (const char *)sqlite3_column_text(statement, 1);

		same = n < N_SCHEMA && name && sql && strcmp(name, schema[n].name) == 0 &&
		       strcmp(sql, schema[n].sql) == 0;
		n++;
	}
	(void)sqlite3_finalize(statement); /* its error was the step's */
	if (rc != SQLITE_DONE && same)
		return case_failure(file, why, "open");
	if (!same || n != N_SCHEMA)
		return failure_set(why, ERR_FORMAT, "case '%s': its tables are not those of a case",
				   file->path);
	return STATUS_OK;
}

static enum status check_identity(struct case_file *file, struct failure *why)
{
	int64_t id = 0, version = 0;
	enum status status = get_number(file, "PRAGMA application_id", &id, why);

	if (status >= 0)
		status = get_number(file, "PRAGMA user_version", &version, why);
	if (status < 0)
		return status;
	if (id != CASE_APPLICATION_ID)
		return failure_set(why, ERR_FORMAT, "'%s' is no case of this program", file->path);
	if (version != CASE_SCHEMA_VERSION)
		return failure_set(why, ERR_UNSUPPORTED,
				   "case '%s' has schema version %" PRId64 ", this program reads %d",
				   file->path, version, CASE_SCHEMA_VERSION);
	return check_schema(file, why);
}

/* Whether a killed run left a log beside the case that must be folded in before reading. */
static bool has_log(const char *path)
{
	char name[4096];
	struct stat info;
	const int n = snprintf(name, sizeof(name), "%s-wal", path);

	return n > 0 && (size_t)n < sizeof(name) && stat(name, &info) == 0 && info.st_size > 0;
}

enum status case_open(const char *path, bool writable, struct case_file **ret, struct failure *why)
{
	CLEANUP(case_close_p) struct case_file *file = NULL;
	struct stat info;

	if (stat(path, &info) != 0)
		return failure_set(why, ERR_IO, "case '%s': %s", path, strerror(errno));
	if (!S_ISREG(info.st_mode))
		return failure_set(why, ERR_IO, "case '%s': not a file", path);

	const bool fold = has_log(path);
	enum status status = connect(path, writable || fold, &file, why);

	if (status >= 0)
		status = check_identity(file, why);
	if (status >= 0 && (writable || fold))
		status = prepare_to_write(file, why);
	if (status < 0) {
		if (file)
			file->writable = false; /* not ours: leave it as it is */
		return status;
	}
	*ret = file;
	file = NULL;
	return STATUS_OK;
}

enum status case_remove(const char *path, struct failure *why)
{
	struct case_file *file = NULL;
	char log[4096];
	struct stat info;

	if (lstat(path, &info) != 0 && errno == ENOENT)
		return STATUS_END;

	const enum status status = case_open(path, false, &file, why);

	case_close(file);
	if (status < 0 && status != ERR_UNSUPPORTED) /* a case of another version is one too */
		return failure_wrap(why, "not replaced");
	if (unlink(path) != 0)
		return failure_set(why, ERR_IO, "case '%s': %s", path, strerror(errno));
	(void)snprintf(log, sizeof(log), "%s-wal", path);
	(void)unlink(log); /* usually absent */
	return STATUS_OK;
}

void case_close(struct case_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < CASE_N_STATEMENTS; i++)
		(void)sqlite3_finalize(file->statements[i]);
	if (file->db) {
		if (!sqlite3_get_autocommit(file->db))
			(void)sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
		if (file->writable) /* one file again; a failure leaves the log, still readable */
			(void)sqlite3_exec(file->db, "PRAGMA journal_mode=DELETE", NULL, NULL,
					   NULL);
		(void)sqlite3_close(file->db);
	}
	free(file->path);
	free(file);
}

enum status case_begin(struct case_file *file, struct failure *why)
{
	return execute(file, "BEGIN IMMEDIATE", why);
}

enum status case_commit(struct case_file *file, struct failure *why)
{
	return execute(file, "COMMIT", why);
}

void case_rollback(struct case_file *file)
{
	if (!sqlite3_get_autocommit(file->db)) /* nothing to do otherwise */
		(void)sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
}
