/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of a collector, and what each has sent that is not written yet. */
#include "analyzer/collect/supervisor.h"

const char *job_subject(const struct collector *collector, const struct job *job)
{
	if (job->order.kind == JOB_SOURCE)
		return job->order.path.data;
	return collector->evidence[job->order.evidence].path;
}

enum status collector_add_job(struct collector *collector, const struct job_order *order,
			      struct job **ret, struct failure *why)
{
	if (collector->n_jobs == collector->room) {
		const size_t room = collector->room ? collector->room * 2 : 256;
		struct job **grown = realloc(collector->jobs, room * sizeof(*grown));

		if (!grown)
			return failure_set(why, ERR_NO_MEMORY, "jobs");
		collector->jobs = grown;
		collector->room = room;
	}

	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return failure_set(why, ERR_NO_MEMORY, "job");
	job->order = *order;
	job->place = collector->n_jobs;
	collector->jobs[collector->n_jobs++] = job;
	if (order->path.data)
		job->order.path.data = arena_text(collector->arena, order->path);
	for (size_t i = 0; i < order->n_companions; i++) {
		job->order.companions[i].path.data =
			arena_text(collector->arena, order->companions[i].path);
		if (!job->order.companions[i].path.data)
			return failure_set(why, ERR_NO_MEMORY, "job");
	}
	if (order->path.data && !job->order.path.data)
		return failure_set(why, ERR_NO_MEMORY, "job");
	*ret = job;
	return STATUS_OK;
}

enum status job_keep(struct collector *collector, struct job *job, struct span message,
		     struct failure *why)
{
	const size_t need = message.size + 4;

	if (need > job->frames_room - job->frames_size) {
		size_t room = job->frames_room ? job->frames_room : 4096;

		while (room < job->frames_size + need)
			room *= 2;

		uint8_t *grown = realloc(job->frames, room);

		if (!grown)
			return failure_set(why, ERR_NO_MEMORY, "results of '%s'",
					   job_subject(collector, job));
		job->frames = grown;
		job->frames_room = room;
	}
	for (unsigned i = 0; i < 4; i++)
		job->frames[job->frames_size + i] = (uint8_t)(message.size >> 8 * i);
	memcpy(job->frames + job->frames_size + 4, message.data, message.size);
	job->frames_size += need;
	collector->buffered += need;
	return STATUS_OK;
}

void job_drop_frames(struct collector *collector, struct job *job)
{
	collector->buffered -= job->frames_size;
	free(job->frames);
	job->frames = NULL;
	job->frames_size = job->frames_room = 0;
}
