/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_CASEFILE_CASE_STATE_H
#define AVOUCH_ANALYZER_CASEFILE_CASE_STATE_H

#include <sqlite3.h>

#include "analyzer/casefile/case.h"

/* The inside of a case, shared by the files of this folder only. */

enum case_statement {
	ADD_EVIDENCE,
	UPDATE_EVIDENCE,
	ADD_VOLUME,
	UPDATE_VOLUME,
	ADD_SOURCE,
	SET_READING,
	ADD_TRACE,
	ADD_COVERAGE,
	ADD_PROBLEM,
	SET_FACT,
	ADD_STEP,
	END_STEP,
	DROP_STEPS,
	LOAD_STEPS,
	ADD_JUDGEMENT,
	FIND_JUDGEMENT,
	FIND_RECORD,
	LATEST_JUDGEMENT,
	LOAD_EVIDENCE,
	LOAD_VOLUMES,
	LOAD_SOURCES,
	LOAD_TRACES,
	LOAD_COVERAGE,
	LOAD_PROBLEMS,
	LOAD_FACTS,
	CASE_N_STATEMENTS,
};

struct case_file {
	sqlite3 *db;
	sqlite3_stmt *statements[CASE_N_STATEMENTS]; /* prepared at first use */
	char *path;
	bool writable;
};

/* Binds the next parameter of a statement; the first error sticks in rc. */
struct binder {
	sqlite3_stmt *statement;
	int column, rc;
};

/* Reads the columns of a row from left to right; hostile makes it stick. */
struct row {
	sqlite3_stmt *statement;
	struct arena *arena;
	int column;
	enum status status; /* ERR_FORMAT: not what this program writes; ERR_NO_MEMORY */
};

/* The statement, reset and unbound. */
MUST_USE enum status case_statement(struct case_file *file, enum case_statement which,
				    sqlite3_stmt **ret, struct failure *why);
/* What SQLite says, as a failure that names the case. */
enum status case_failure(struct case_file *file, struct failure *why, const char *doing);

void bind_int(struct binder *b, int64_t number);
void bind_size(struct binder *b, uint64_t number); /* NULL for UINT64_MAX */
void bind_string(struct binder *b, const char *string);
void bind_text(struct binder *b, struct text text);
void bind_bytes(struct binder *b, struct span bytes);
void bind_instant(struct binder *b, struct instant instant); /* four columns */

/* Runs a statement that gives no row. */
MUST_USE enum status case_run(struct case_file *file, struct binder *b, const char *doing,
			      struct failure *why);

#endif
