/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/casefile/case_state.h"

static void keep(struct binder *b, int rc)
{
	if (b->rc == SQLITE_OK)
		b->rc = rc;
}

void bind_int(struct binder *b, int64_t number)
{
	keep(b, sqlite3_bind_int64(b->statement, ++b->column, number));
}

void bind_size(struct binder *b, uint64_t number)
{
	++b->column;
	if (number != UINT64_MAX)
		keep(b, sqlite3_bind_int64(b->statement, b->column, (int64_t)number));
}

void bind_text(struct binder *b, struct text text)
{
	++b->column;
	if (text.data)
		keep(b, sqlite3_bind_text64(b->statement, b->column, text.data, text.size,
					    SQLITE_STATIC, SQLITE_UTF8));
}

void bind_string(struct binder *b, const char *string)
{
	bind_text(b, text_of(string));
}

void bind_bytes(struct binder *b, struct span bytes)
{
	keep(b, sqlite3_bind_blob64(b->statement, ++b->column, bytes.data ? (const void *)bytes.data : "",
				    bytes.size, SQLITE_STATIC));
}

void bind_instant(struct binder *b, struct instant instant)
{
	if (instant.state == INSTANT_UNSET) {
		b->column += 4;
		return;
	}
	bind_int(b, instant.ticks);
	bind_int(b, instant.precision);
	bind_int(b, instant.zone);
	bind_int(b, instant.state);
}

enum status case_run(struct case_file *file, struct binder *b, const char *doing,
		     struct failure *why)
{
	if (b->rc == SQLITE_OK && sqlite3_step(b->statement) == SQLITE_DONE) {
		(void)sqlite3_reset(b->statement); /* frees the lock; the step went well */
		return STATUS_OK;
	}

	const enum status status = case_failure(file, why, doing);

	(void)sqlite3_reset(b->statement); /* its error was just told */
	return status;
}

static enum status start(struct case_file *file, enum case_statement which, struct binder *ret,
			 struct failure *why)
{
	*ret = (struct binder){ .rc = SQLITE_OK };
	return case_statement(file, which, &ret->statement, why);
}

/* Runs an INSERT and gives the new row's id. */
static enum status insert(struct case_file *file, struct binder *b, const char *doing,
			  int64_t *ret_id, struct failure *why)
{
	const enum status status = case_run(file, b, doing, why);

	if (status >= 0 && ret_id)
		*ret_id = sqlite3_last_insert_rowid(file->db);
	return status;
}

static void bind_evidence(struct binder *b, const struct case_evidence *row)
{
	bind_string(b, row->path);
	bind_string(b, row->format);
	bind_int(b, (int64_t)row->size);
	bind_string(b, row->segments);
	bind_string(b, row->sha256);
	bind_string(b, row->md5);
	bind_string(b, row->sha1);
	bind_string(b, row->stored_md5);
	bind_string(b, row->stored_sha1);
	bind_instant(b, row->acquired);
	bind_string(b, row->acquired_basis);
	bind_string(b, row->unreadable);
	bind_int(b, row->medium);
}

enum status case_add_evidence(struct case_file *file, struct case_evidence *row,
			      struct failure *why)
{
	struct binder b;
	const enum status status = start(file, ADD_EVIDENCE, &b, why);

	if (status < 0)
		return status;
	bind_evidence(&b, row);
	return insert(file, &b, "add evidence", &row->id, why);
}

enum status case_update_evidence(struct case_file *file, const struct case_evidence *row,
				 struct failure *why)
{
	struct binder b;
	const enum status status = start(file, UPDATE_EVIDENCE, &b, why);

	if (status < 0)
		return status;
	bind_evidence(&b, row);
	bind_int(&b, row->id);
	return case_run(file, &b, "update evidence", why);
}

static void bind_volume(struct binder *b, const struct case_volume *row)
{
	bind_int(b, row->evidence);
	bind_int(b, (int64_t)row->offset);
	bind_int(b, (int64_t)row->size);
	bind_string(b, row->filesystem);
	bind_string(b, row->label);
	bind_instant(b, row->snapshot_created);
	bind_string(b, row->snapshot_id);
	bind_int(b, row->snapshot_of);
	bind_int(b, row->reading);
	bind_int(b, row->logical);
}

enum status case_add_volume(struct case_file *file, struct case_volume *row, struct failure *why)
{
	struct binder b;
	const enum status status = start(file, ADD_VOLUME, &b, why);

	if (status < 0)
		return status;
	bind_volume(&b, row);
	return insert(file, &b, "add volume", &row->id, why);
}

enum status case_update_volume(struct case_file *file, const struct case_volume *row,
			       struct failure *why)
{
	struct binder b;
	const enum status status = start(file, UPDATE_VOLUME, &b, why);

	if (status < 0)
		return status;
	bind_volume(&b, row);
	bind_int(&b, row->id);
	return case_run(file, &b, "update volume", why);
}

enum status case_add_source(struct case_file *file, struct case_source *row, struct failure *why)
{
	struct binder b;
	const enum status status = start(file, ADD_SOURCE, &b, why);

	if (status < 0)
		return status;
	bind_int(&b, row->volume);
	bind_string(&b, row->path);
	bind_string(&b, row->reader);
	bind_int(&b, (int64_t)row->size);
	bind_int(&b, (int64_t)row->entry);
	bind_int(&b, (int64_t)row->sequence);
	bind_int(&b, row->deleted);
	bind_int(&b, row->reading);
	return insert(file, &b, "add source", &row->id, why);
}

enum status case_set_reading(struct case_file *file, int64_t source, enum reading reading,
			     struct failure *why)
{
	struct binder b;
	const enum status status = start(file, SET_READING, &b, why);

	if (status < 0)
		return status;
	bind_int(&b, reading);
	bind_int(&b, source);
	return case_run(file, &b, "update source", why);
}

enum status case_add_trace(struct case_file *file, int64_t source, struct text type,
			   const struct origin *origin, const struct case_place *place,
			   enum recovery recovery, struct span encoded_values, struct failure *why)
{
	struct binder b;
	const enum status status = start(file, ADD_TRACE, &b, why);

	if (status < 0)
		return status;
	bind_int(&b, source);
	bind_text(&b, type);
	bind_int(&b, recovery);
	bind_int(&b, (int64_t)origin->offset);
	bind_int(&b, (int64_t)origin->size);
	bind_int(&b, origin->companion);
	bind_text(&b, origin->address);
	bind_bytes(&b, encoded_values);
	bind_string(&b, place->sha256);
	bind_string(&b, place->file);
	bind_int(&b, (int64_t)place->entry);
	bind_int(&b, (int64_t)place->sequence);
	bind_string(&b, place->attribute);
	return insert(file, &b, "add trace", NULL, why);
}

enum status case_find_record(struct case_file *file, int64_t source, const char *path,
			     struct text type, enum recovery recovery, const char *sha256,
			     bool *ret_found, struct failure *why)
{
	struct binder b;
	const enum status status = start(file, FIND_RECORD, &b, why);

	if (status < 0)
		return status;
	bind_string(&b, sha256);
	bind_text(&b, type);
	bind_int(&b, recovery);
	bind_string(&b, path);
	bind_int(&b, source);
	bind_int(&b, source);

	const int rc = b.rc == SQLITE_OK ? sqlite3_step(b.statement) : b.rc;
	const enum status found = rc == SQLITE_ROW || rc == SQLITE_DONE ?
					  STATUS_OK :
					  case_failure(file, why, "find record");

	*ret_found = rc == SQLITE_ROW;
	(void)sqlite3_reset(b.statement); /* its error was just told */
	return found;
}

enum status case_add_coverage(struct case_file *file, const struct case_coverage *row,
			      struct failure *why)
{
	struct binder b;
	const enum status status = start(file, ADD_COVERAGE, &b, why);

	if (status < 0)
		return status;
	bind_int(&b, row->source);
	bind_string(&b, row->recorder);
	bind_instant(&b, row->from);
	bind_instant(&b, row->to);
	return insert(file, &b, "add coverage", NULL, why);
}

enum status case_add_problem(struct case_file *file, const struct case_problem *row,
			     struct failure *why)
{
	struct binder b;
	const enum status status = start(file, ADD_PROBLEM, &b, why);

	if (status < 0)
		return status;
	bind_int(&b, row->source);
	bind_int(&b, row->volume);
	bind_string(&b, row->where);
	bind_string(&b, row->what);
	bind_size(&b, row->offset);
	bind_int(&b, row->lost);
	return insert(file, &b, "add problem", NULL, why);
}

enum status case_set_fact(struct case_file *file, const char *key, const char *value,
			  struct failure *why)
{
	struct binder b;
	const enum status status = start(file, SET_FACT, &b, why);

	if (status < 0)
		return status;
	bind_string(&b, key);
	bind_string(&b, value);
	return case_run(file, &b, "set fact", why);
}

enum status case_add_judgement(struct case_file *file, struct case_judgement *row,
			       struct failure *why)
{
	struct binder b;
	const enum status status = start(file, ADD_JUDGEMENT, &b, why);

	if (status < 0)
		return status;
	bind_string(&b, row->document);
	bind_string(&b, row->tool_version);
	bind_string(&b, row->signatures_sha256);
	bind_string(&b, row->mandates_sha256);
	bind_int(&b, row->exit_status);
	return insert(file, &b, "add judgement", &row->id, why);
}

enum status case_add_step(struct case_file *file, size_t place, struct span work,
			  struct failure *why)
{
	struct binder b;
	const enum status status = start(file, ADD_STEP, &b, why);

	if (status < 0)
		return status;
	bind_int(&b, (int64_t)place);
	bind_bytes(&b, work);
	return case_run(file, &b, "add step", why);
}

enum status case_end_step(struct case_file *file, size_t place, struct failure *why)
{
	struct binder b;
	const enum status status = start(file, END_STEP, &b, why);

	if (status < 0)
		return status;
	bind_int(&b, (int64_t)place);
	return case_run(file, &b, "end step", why);
}

enum status case_drop_steps(struct case_file *file, struct failure *why)
{
	struct binder b;
	const enum status status = start(file, DROP_STEPS, &b, why);

	return status < 0 ? status : case_run(file, &b, "end collection", why);
}
