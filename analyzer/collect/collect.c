/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/collect.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "analyzer/collect/supervisor.h"
#include "parsers/base/limits.h"

enum {
	WINDOW = 64,                /* jobs that may run ahead of the one to be written next */
	PROGRESS_MS = 200,
	POLL_MS = 250,              /* how soon a cancel is seen */
};
/* Bytes of results a job may have waiting before its reader is made to wait, and all together. */
#define JOB_BUFFER ((size_t)16 << 20)
#define ALL_BUFFERS ((size_t)256 << 20)

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* this clock always exists */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum status collector_new(const struct collect_options *options, const struct wanted *wanted,
			  struct collector **ret, struct failure *why)
{
	CLEANUP(collector_free_p) struct collector *collector = calloc(1, sizeof(*collector));

	if (!collector)
		return failure_set(why, ERR_NO_MEMORY, "collector");
	collector->spawner.fd = -1;

	const enum status status = spawner_start(options, wanted, &collector->spawner, why);

	if (status < 0)
		return status;
	collector->options = options;
	collector->arena = arena_new(LIMIT_ARENA);
	collector->scratch = arena_new(LIMIT_ARENA);
	collector->n_workers = reader_count(options);
	collector->workers = calloc(collector->n_workers, sizeof(*collector->workers));
	collector->evidence = calloc(options->n_evidence + 1, sizeof(*collector->evidence));
	collector->opened = calloc(options->n_evidence + 1, sizeof(*collector->opened));
	collector->unreadable = calloc(options->n_evidence + 1, sizeof(*collector->unreadable));
	if (!collector->arena || !collector->scratch || !collector->workers ||
	    !collector->evidence || !collector->opened || !collector->unreadable)
		return failure_set(why, ERR_NO_MEMORY, "collector");
	for (size_t i = 0; i < collector->n_workers; i++)
		collector->workers[i].fd = -1;
	*ret = collector;
	collector = NULL;
	return STATUS_OK;
}

void collector_free(struct collector *collector)
{
	if (!collector)
		return;
	for (size_t i = 0; collector->workers && i < collector->n_workers; i++) {
		struct worker *worker = &collector->workers[i];
		int wait_status;

		/* What it does is not wanted any more. Without a spawner it is dead already. */
		if (worker->fd >= 0 && worker->job &&
		    spawner_end(&collector->spawner, worker->pid, true, &wait_status, NULL) < 0)
			worker->job = NULL;
		if (worker->fd >= 0)
			(void)close(worker->fd); /* an idle reader ends at that */
		free(worker->input);
	}
	spawner_stop(&collector->spawner);
	for (size_t i = 0; i < collector->n_jobs; i++) {
		free(collector->jobs[i]->frames);
		free(collector->jobs[i]);
	}
	free(collector->jobs);
	free(collector->workers);
	free(collector->evidence);
	free(collector->opened);
	for (size_t i = 0; collector->unreadable && i < collector->options->n_evidence; i++)
		ranges_release(&collector->unreadable[i]);
	free(collector->unreadable);
	arena_free(collector->arena);
	arena_free(collector->scratch);
	free(collector);
}

/* Whether a reader is surveying the volume of a source that needs what the survey knows. */
static bool waits_for_survey(const struct collector *collector, const struct job *job)
{
	const bool asks = job_asks_folders(&job->order);

	for (size_t i = 0; asks && i < collector->n_workers; i++) {
		const struct job *other = collector->workers[i].job;

		if (other && other->order.kind == JOB_VOLUME && other->volume_id == job->volume_id)
			return true; /* another one would read $MFT again */
	}
	return false;
}

/* The next job that may start; NULL when none may. */
static struct job *next_job(struct collector *collector)
{
	for (size_t i = collector->next_commit;
	     i < collector->n_jobs && i < collector->next_commit + WINDOW; i++) {
		struct job *job = collector->jobs[i];

		if (job->state != JOB_QUEUED || waits_for_survey(collector, job))
			continue;
		return i == collector->next_commit || collector->buffered < ALL_BUFFERS ? job : NULL;
	}
	return NULL;
}

static enum status start_reader(struct collector *collector, struct worker *worker,
				struct failure *why)
{
	if (!worker->input)
		worker->input = malloc(INPUT_ROOM);
	if (!worker->input)
		return failure_set(why, ERR_NO_MEMORY, "reader");
	worker->input_size = 0;
	return spawner_fork(&collector->spawner, &worker->pid, &worker->fd, why);
}

static enum status start_jobs(struct collector *collector, struct failure *why)
{
	for (size_t i = 0; i < collector->n_workers; i++) {
		CLEANUP(message_free_p) struct message m = { 0 };
		struct worker *worker = &collector->workers[i];
		struct job *job = worker->job ? NULL : next_job(collector);
		enum status status = STATUS_OK;

		if (!job)
			continue;
		if (worker->fd < 0)
			status = start_reader(collector, worker, why);
		if (status < 0)
			return status;
		job->state = JOB_RUNNING;
		job->attempts++;
		worker->job = job;
		worker->deadline = now_ms() + job_timeout_ms(collector, job);
		message_start(&m, MESSAGE_JOB);
		message_order(&m, &job->order);
		if (message_send(worker->fd, &m, NULL) < 0)
			status = worker_gone(collector, worker, why);
		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

/* Writes all jobs whose turn has come, and of the one that is next what it has so far. */
static enum status store_ready(struct collector *collector, struct failure *why)
{
	while (collector->next_commit < collector->n_jobs) {
		struct job *job = collector->jobs[collector->next_commit];
		enum status status = STATUS_OK;

		if (job->state != JOB_FINISHED) {
			if (job->frames_size > JOB_BUFFER || job->has_sources)
				status = store_frames(collector, job, why);
			return status;
		}
		status = store_finish(collector, job, why);
		if (status < 0)
			return status;
		collector->next_commit++;
	}
	return STATUS_OK;
}

/* A reader far ahead of its turn waits until what it sent is written. */
static bool must_wait(const struct collector *collector, const struct worker *worker)
{
	return worker->job->place != collector->next_commit &&
	       worker->job->frames_size > JOB_BUFFER;
}

static enum status wait_for_readers(struct collector *collector, struct failure *why)
{
	struct pollfd fds[MAX_READERS] = { 0 };
	struct worker *workers[MAX_READERS];
	nfds_t n = 0;
	int64_t wait = POLL_MS;
	const int64_t now = now_ms();
	enum status status = STATUS_OK;

	for (size_t i = 0; i < collector->n_workers; i++) {
		struct worker *worker = &collector->workers[i];

		if (!worker->job)
			continue;
		if (must_wait(collector, worker)) {
			worker->deadline = now + job_timeout_ms(collector, worker->job);
			continue;
		}
		if (worker->deadline - now < wait)
			wait = worker->deadline > now ? worker->deadline - now : 0;
		workers[n] = worker;
		fds[n++] = (struct pollfd){ .fd = worker->fd, .events = POLLIN };
	}
	if (poll(fds, n, (int)wait) < 0 && errno != EINTR)
		return failure_set(why, ERR_IO, "poll: %s", strerror(errno));
	for (nfds_t i = 0; i < n && status >= 0; i++) {
		if (fds[i].revents)
			status = worker_read(collector, workers[i], why);
		else if (workers[i]->job && now_ms() >= workers[i]->deadline)
			status = worker_hangs(collector, workers[i], why);
	}
	return status;
}

static bool is_cancelled(const struct collector *collector)
{
	return collector->options->cancelled && *collector->options->cancelled;
}

static void tell_progress(struct collector *collector)
{
	char line[96];
	const int64_t now = now_ms();

	if (!collector->options->progress || now - collector->last_progress < PROGRESS_MS)
		return;
	collector->last_progress = now;
	(void)snprintf(line, sizeof(line), "%zu of %zu sources read", collector->next_commit,
		       collector->n_jobs);
	collector->options->progress(collector->options->payload, line);
}

/* Runs until every job is written. */
static enum status run_jobs(struct collector *collector, struct failure *why)
{
	while (collector->next_commit < collector->n_jobs) {
		enum status status = is_cancelled(collector) ?
					     failure_set(why, ERR_CANCELLED, "stopped") :
					     start_jobs(collector, why);

		if (status >= 0)
			status = wait_for_readers(collector, why);
		if (status >= 0)
			status = store_ready(collector, why);
		if (status < 0)
			return status;
		tell_progress(collector);
	}
	return STATUS_OK;
}

/* Digests come last: nothing else waits for them. A resumed case may have them already. */
static enum status add_digests(struct collector *collector, struct failure *why)
{
	if (collector->n_jobs &&
	    collector->jobs[collector->n_jobs - 1]->order.kind == JOB_DIGEST)
		return STATUS_OK;
	for (size_t i = 0; i < collector->options->n_evidence; i++) {
		const struct job_order order = { .kind = JOB_DIGEST, .evidence = (uint32_t)i };
		struct job *job;
		const enum status status =
			collector->opened[i] ? collector_add_job(collector, &order, &job, why) :
					       STATUS_OK;

		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

/* Nothing is left to read: readers give their memory back while the case is judged. */
static void dismiss_readers(struct collector *collector)
{
	for (size_t i = 0; i < collector->n_workers; i++) {
		struct worker *worker = &collector->workers[i];

		if (worker->fd < 0 || worker->job)
			continue;
		(void)close(worker->fd);
		worker->fd = -1;
	}
}

enum status collect_run(struct collector *collector, struct case_file *file, struct failure *why)
{
	collector->file = file;

	enum status status = resume_or_start(collector, why);

	if (status >= 0)
		status = run_jobs(collector, why);
	if (status >= 0 && collector->options->verify_image)
		status = add_digests(collector, why);
	if (status >= 0)
		status = run_jobs(collector, why);
	if (status < 0) {
		case_rollback(file); /* of the source that was being written */
		return status;
	}
	dismiss_readers(collector);
	status = case_begin(file, why);
	if (status >= 0)
		status = case_drop_steps(file, why);
	if (status >= 0)
		status = case_set_fact(file, "collection", "complete", why);
	return status < 0 ? status : case_commit(file, why);
}
