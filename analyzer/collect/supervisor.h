/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_SUPERVISOR_H
#define AVOUCH_ANALYZER_COLLECT_SUPERVISOR_H

#include "analyzer/collect/collect.h"
#include "analyzer/collect/results.h"
#include "analyzer/collect/spawner.h"

/* The inside of a collector, shared by collect.c (readers), job_list.c and store.c (case). */

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_FINISHED };

struct job {
	struct job_order order; /* texts in the collector's arena */
	size_t place;           /* in the order of results */
	enum job_state state;
	int64_t volume_id, source_id; /* in the case, 0: none (yet) */
	int64_t snapshot_of;          /* id of the live volume; 0: this is one */
	struct instant snapshot_created;
	const char *snapshot_id;
	unsigned n_volumes; /* told so far by this job */
	unsigned n_heard;   /* volumes and sources received so far */
	/* Checked messages not yet written to the case, each u32 length, type, payload. */
	uint8_t *frames;
	size_t frames_size, frames_room;
	enum reading reading; /* worst over its attempts */
	bool lost, stored;    /* stored: its transaction is open */
	bool has_sources;     /* among what waits to be stored */
	uint64_t n_traces, n_problems;
	bool viewed; /* its file system was told, so traces have a source */
	bool begun_any;
	uint32_t last_begun;
	unsigned attempts;
};

struct worker {
	pid_t pid;
	int fd; /* -1: no reader */
	struct job *job;
	uint8_t *input;
	size_t input_size;
	int64_t deadline; /* milliseconds of the monotonic clock */
};

struct collector {
	const struct collect_options *options;
	struct spawner spawner;
	struct case_file *file;
	struct arena *arena, *scratch;
	struct case_evidence *evidence; /* by index in the options */
	struct range_list *unreadable;  /* of each, as its row says */
	bool *opened;                   /* its container could be read */
	struct job **jobs;
	size_t n_jobs, room, next_commit;
	size_t n_steps; /* jobs that stand in the case as steps */
	struct worker *workers;
	size_t n_workers;
	size_t buffered; /* bytes of frames in memory */
	int64_t last_progress;
};

/* Appends a job (a copy; texts copied into the arena). */
MUST_USE enum status collector_add_job(struct collector *collector, const struct job_order *order,
				       struct job **ret, struct failure *why);

/* Appends one checked message to what the job will write. */
MUST_USE enum status job_keep(struct collector *collector, struct job *job, struct span message,
			      struct failure *why);
void job_drop_frames(struct collector *collector, struct job *job);

/* Bytes a worker's input holds: one message and its length. */
#define INPUT_ROOM (MESSAGE_MAX + 4)

/* Milliseconds a job may take. */
int64_t job_timeout_ms(const struct collector *collector, const struct job *job);

/*
 * Takes what a worker has sent. A reader that ended, or breaks the rules, is dropped: what it sent
 * stands, its job is finished or goes back to the queue for the parsers that have not begun.
 */
MUST_USE enum status worker_read(struct collector *collector, struct worker *worker,
				 struct failure *why);
/* The same for one that is found to have ended, or that has used up its time. */
MUST_USE enum status worker_gone(struct collector *collector, struct worker *worker,
				 struct failure *why);
MUST_USE enum status worker_hangs(struct collector *collector, struct worker *worker,
				  struct failure *why);

/* Rows for all evidence, and the first job of each. */
MUST_USE enum status store_start(struct collector *collector, struct failure *why);
/* Writes the jobs that are not in the case yet, within a transaction. */
MUST_USE enum status store_steps(struct collector *collector, struct failure *why);
/*
 * Takes up an unfinished case where it was left, or starts in an empty one. ERR_UNSUPPORTED when
 * the case is finished or is of other evidence, another tool or other options.
 */
MUST_USE enum status resume_or_start(struct collector *collector, struct failure *why);
/* Writes what the job has sent so far; opens its transaction. */
MUST_USE enum status store_frames(struct collector *collector, struct job *job,
				  struct failure *why);
/* Writes the rest, the outcome, and commits; adds the jobs that follow from it. */
MUST_USE enum status store_finish(struct collector *collector, struct job *job,
				  struct failure *why);
/*
 * Ranges of a medium as the case has them: "offset+size" a line. ranges_of_lines takes in no more than
 * is well-formed; lines_of_ranges returns a new text (free it), NULL without memory.
 */
void ranges_of_lines(const char *lines, struct range_list *ret);
char *lines_of_ranges(const struct range_list *ranges);
/* The path or evidence a job is about, for messages. */
const char *job_subject(const struct collector *collector, const struct job *job);

#endif
