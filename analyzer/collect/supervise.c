/* SPDX-License-Identifier: Apache-2.0 */
/* What readers send, checked like any hostile input, and what becomes of one that fails. */
#include "analyzer/collect/supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "parsers/base/limits.h"

enum {
	DEFAULT_TIMEOUT_S = 300,
	CARVED_PER_SECOND = 8 << 20, /* bytes of free clusters, on the slowest of media */
	CARVING_MAX_S = 3 * 86400,
	SURVEY_TIMEOUT_FACTOR = 12, /* a volume or a digest takes longer than a file */
	MAX_FOUND = 200000,         /* volumes and sources of one volume */
	MAX_ATTEMPTS = 8,           /* of one source whose parsers crash one after the other */
};

/* Keeps a problem of the supervisor's own among the job's messages. */
static enum status keep_problem(struct collector *collector, struct job *job, const char *text,
				struct failure *why)
{
	CLEANUP(message_free_p) struct message m = { 0 };

	message_start(&m, MESSAGE_LOST);
	message_u64(&m, FAILURE_NO_OFFSET);
	message_text(&m, text_of(text));
	if (m.failed)
		return failure_set(why, ERR_NO_MEMORY, "problem");
	return job_keep(collector, job, span_of(m.data + 4, m.size - 4), why);
}

int64_t job_timeout_ms(const struct collector *collector, const struct job *job)
{
	const unsigned given = collector->options->source_timeout_s;
	const int64_t seconds = given ? (int64_t)given : DEFAULT_TIMEOUT_S;
	const int64_t more = job_carves(&job->order) ?
				     (int64_t)(job->order.file_size / CARVED_PER_SECOND) :
				     0;

	return (seconds * (job->order.kind == JOB_SOURCE ? 1 : SURVEY_TIMEOUT_FACTOR) +
		(more < CARVING_MAX_S ? more : CARVING_MAX_S)) *
	       1000;
}

/* The parser at work when a reader failed, for the message. */
static const char *parser_at_work(const struct job *job)
{
	return job->begun_any ? all_parsers[job->last_begun]->name : "the survey";
}

/*
 * A reader failed on its job. What it sent stands. A source goes back to the queue for the
 * parsers that have not begun yet.
 */
static enum status job_failed(struct collector *collector, struct job *job, enum reading reading,
			      const char *how, struct failure *why)
{
	char text[512];
	bool more = false;

	(void)snprintf(text, sizeof(text), "%s in %s: what it had not sent yet is missing", how,
		       job->order.kind == JOB_SOURCE && !job->begun_any ? "the opening" :
									  parser_at_work(job));
	job->reading = reading;
	for (size_t i = 0; all_parsers[i]; i++)
		more |= job_has_parser(&job->order, i);
	job->state = job->order.kind == JOB_SOURCE && job->begun_any && more &&
				     job->attempts < MAX_ATTEMPTS ?
			     JOB_QUEUED :
			     JOB_FINISHED;
	job->begun_any = false;
	return keep_problem(collector, job, text, why);
}

/* Ends a reader and says of it how it died. */
static enum status end_reader(struct collector *collector, struct worker *worker, bool kill_it,
			      int *ret_wait_status, struct failure *why)
{
	const enum status status =
		spawner_end(&collector->spawner, worker->pid, kill_it, ret_wait_status, why);

	(void)close(worker->fd); /* nothing more is wanted from it */
	worker->fd = -1;
	worker->job = NULL;
	worker->input_size = 0;
	return status;
}

enum status worker_gone(struct collector *collector, struct worker *worker,
			       struct failure *why)
{
	struct job *job = worker->job;
	char how[128];
	int wait_status = 0;
	const enum status status = end_reader(collector, worker, true, &wait_status, why);

	if (status < 0 || !job)
		return status;
	if (WIFSIGNALED(wait_status))
		(void)snprintf(how, sizeof(how), "the reader crashed (SIG%s)",
			       sigabbrev_np(WTERMSIG(wait_status)));
	else
		(void)snprintf(how, sizeof(how), "the reader ended early (status %d)",
			       WEXITSTATUS(wait_status));
	return job_failed(collector, job, READING_CRASHED, how, why);
}

enum status worker_hangs(struct collector *collector, struct worker *worker,
				struct failure *why)
{
	struct job *job = worker->job;
	char how[128];
	int wait_status;
	const enum status status = end_reader(collector, worker, true, &wait_status, why);

	if (status < 0)
		return status;
	(void)snprintf(how, sizeof(how), "the reader was stopped after %" PRId64 " s",
		       job_timeout_ms(collector, job) / 1000);
	return job_failed(collector, job, READING_TIMED_OUT, how, why);
}

static enum status reader_lies(struct collector *collector, struct worker *worker,
			       const struct failure *lie, struct failure *why)
{
	struct job *job = worker->job;
	char how[256];
	int wait_status;
	const enum status status = end_reader(collector, worker, true, &wait_status, why);

	if (status < 0 || !job)
		return status;
	(void)snprintf(how, sizeof(how), "the reader sent garbage (%.150s)", lie->text);
	return job_failed(collector, job, READING_CRASHED, how, why);
}

/* One checked message of a running job. */
static enum status take_message(struct collector *collector, struct worker *worker,
				struct span message, struct failure *why)
{
	struct job *job = worker->job;
	struct cursor c = cursor_over(message, 0);

	switch (cursor_u8(&c)) {
	case MESSAGE_BEGUN:
		job->last_begun = cursor_u32le(&c);
		job->begun_any = true;
		job_drop_parser(&job->order, job->last_begun);
		return STATUS_OK;
	case MESSAGE_DONE:
		job->state = JOB_FINISHED;
		worker->job = NULL;
		break;
	case MESSAGE_SOURCE:
		job->has_sources = true; /* others can read them while the survey goes on */
		break;
	default:
		break;
	}
	return job_keep(collector, job, message, why);
}

/* ERR_FORMAT in lie when the reader broke the rules. */
static enum status check(struct collector *collector, struct worker *worker, struct span message,
			 struct failure *lie)
{
	struct job *job = worker->job;

	if (!job)
		return failure_set(lie, ERR_FORMAT, "a message without a job");
	arena_reset(collector->scratch);

	const enum status status = message_check(job->order.kind, message, collector->scratch, lie);

	if (status < 0)
		return status;
	if (message.data[0] == MESSAGE_VIEW && job->viewed)
		return failure_set(lie, ERR_FORMAT, "a second file system");
	if (job->order.kind == JOB_VOLUME && !job->viewed &&
	    (message.data[0] == MESSAGE_TRACE || message.data[0] == MESSAGE_COVER ||
	     message.data[0] == MESSAGE_SOURCE))
		return failure_set(lie, ERR_FORMAT, "entries before their file system");
	job->viewed |= message.data[0] == MESSAGE_VIEW;
	if ((message.data[0] == MESSAGE_SOURCE || message.data[0] == MESSAGE_VOLUME) &&
	    ++job->n_heard > MAX_FOUND)
		return failure_set(lie, ERR_FORMAT, "more volumes and sources than the limit");
	if (message.data[0] == MESSAGE_TRACE && ++job->n_traces > LIMIT_TRACES_PER_SOURCE)
		return failure_set(lie, ERR_FORMAT, "more traces than the limit");
	return STATUS_OK;
}

/* All whole messages in the worker's input. */
static enum status take_input(struct collector *collector, struct worker *worker,
			      struct failure *why)
{
	const struct span input = { worker->input, worker->input_size };
	size_t used = 0;

	while (worker->input_size - used >= 4) {
		struct failure lie = FAILURE_NONE;
		const size_t size = span_u32le(input, used);

		if (size == 0 || size > MESSAGE_MAX) {
			(void)failure_set(&lie, ERR_FORMAT, "message of %zu bytes", size);
			return reader_lies(collector, worker, &lie, why);
		}
		if (worker->input_size - used - 4 < size)
			break;

		const struct span message = { worker->input + used + 4, size };

		if (check(collector, worker, message, &lie) < 0)
			return reader_lies(collector, worker, &lie, why);

		const enum status status = take_message(collector, worker, message, why);

		if (status < 0)
			return status;
		used += 4 + size;
	}
	worker->input_size -= used;
	memmove(worker->input, worker->input + used, worker->input_size);
	return STATUS_OK;
}

enum status worker_read(struct collector *collector, struct worker *worker,
			       struct failure *why)
{
	const ssize_t n = recv(worker->fd, worker->input + worker->input_size,
			       INPUT_ROOM - worker->input_size, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return STATUS_OK;
	if (n <= 0)
		return worker_gone(collector, worker, why);
	worker->input_size += (size_t)n;
	return take_input(collector, worker, why);
}
