/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <sys/stat.h>

#include "analyzer/collect/supervisor.h"

static void message_step(struct message *m, const struct job *job)
{
	message_start(m, MESSAGE_JOB);
	message_order(m, &job->order);
	message_u64(m, (uint64_t)job->volume_id);
	message_u64(m, (uint64_t)job->source_id);
	message_u64(m, (uint64_t)job->snapshot_of);
	message_instant(m, job->snapshot_created);
	message_text(m, text_of(job->snapshot_id));
}

enum { STEP_HEAD = 5 }; /* length and type of the message, of no use in the case */

enum status store_steps(struct collector *collector, struct failure *why)
{
	CLEANUP(message_free_p) struct message m = { 0 };

	for (; collector->n_steps < collector->n_jobs; collector->n_steps++) {
		message_step(&m, collector->jobs[collector->n_steps]);
		if (m.failed)
			return failure_set(why, ERR_NO_MEMORY, "step");

		const enum status status =
			case_add_step(collector->file, collector->n_steps,
				      span_of(m.data + STEP_HEAD, m.size - STEP_HEAD), why);

		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

/* What must be the same for a case to be taken up again. */
static const char *describe_run(struct collector *collector)
{
	const struct collect_options *o = collector->options;
	struct arena *arena = collector->arena;
	char when[INSTANT_TEXT_SIZE];
	const char *text = arena_printf(arena, "tool %s\npartitions %s\nvss-stores %s\nverify %d\n"
					       "carve %d\nacquired %s\n",
					o->tool ? o->tool : "", o->partitions ? o->partitions : "all",
					o->vss_stores ? o->vss_stores : "all", o->verify_image, o->carve,
					instant_format(o->acquired_at, when));

	for (size_t i = 0; i < o->n_evidence; i++)
		for (size_t j = 0; j < o->evidence[i].n_paths; j++) {
			struct stat info = { 0 };
			const char *path = o->evidence[i].paths[j];

			(void)stat(path, &info); /* what is missing has size 0 */
			text = arena_printf(arena, "%sevidence %zu %s %lld\n", text ? text : "",
					    i + 1, path, (long long)info.st_size);
		}
	for (size_t i = 0; all_parsers[i]; i++)
		text = arena_printf(arena, "%sparser %s\n", text ? text : "",
				    all_parsers[i]->name);
	return text ? text : "";
}

static enum status restore_job(struct collector *collector, const struct case_step *step,
			       struct failure *why)
{
	struct cursor c = cursor_over(step->work, 0);
	struct job_order order;
	struct job *job;

	read_order(&c, &order);

	const int64_t volume = (int64_t)cursor_u64le(&c), source = (int64_t)cursor_u64le(&c);
	const int64_t snapshot_of = (int64_t)cursor_u64le(&c);
	const struct instant created = read_instant(&c);
	const struct text identifier = read_text(&c);

	if (c.status < 0 || cursor_left(&c) != 0 || order.evidence >= collector->options->n_evidence)
		return failure_set(why, ERR_FORMAT, "the case's list of steps is damaged");

	const enum status status = collector_add_job(collector, &order, &job, why);

	if (status < 0)
		return status;
	job->volume_id = volume;
	job->source_id = source;
	job->snapshot_of = snapshot_of;
	job->snapshot_created = created;
	job->snapshot_id = identifier.data ? arena_text(collector->arena, identifier) : NULL;
	return STATUS_OK;
}

static enum status restore_jobs(struct collector *collector, struct failure *why)
{
	struct case_step *steps = NULL;
	size_t n = 0;
	bool rest = false;
	enum status status =
		case_load_steps(collector->file, collector->arena, &steps, &n, why);

	for (size_t i = 0; i < n && status >= 0; i++) {
		status = restore_job(collector, &steps[i], why);
		/* Steps are done in order: what stands behind a gap cannot be trusted. */
		if (steps[i].done && rest)
			return failure_set(why, ERR_FORMAT, "the case's list of steps is damaged");
		rest |= !steps[i].done;
		collector->next_commit += steps[i].done;
	}
	collector->n_steps = collector->n_jobs;
	return status;
}

static enum status restore_evidence(struct collector *collector, const struct case_contents *all,
				    struct failure *why)
{
	if (all->n_evidence != collector->options->n_evidence)
		return failure_set(why, ERR_FORMAT, "the case's list of evidence is damaged");
	for (size_t i = 0; i < all->n_evidence; i++) {
		collector->evidence[i] = all->evidence[i];
		ranges_of_lines(all->evidence[i].unreadable, &collector->unreadable[i]);
		collector->opened[i] = strcmp(all->evidence[i].format, "unknown") != 0;
	}
	return STATUS_OK;
}

static const char *find_fact(const struct case_contents *all, const char *key)
{
	for (size_t i = 0; i < all->n_facts; i++)
		if (strcmp(all->facts[i].key, key) == 0)
			return all->facts[i].value;
	return NULL;
}

enum status resume_or_start(struct collector *collector, struct failure *why)
{
	const char *run = describe_run(collector);
	struct case_contents all;
	enum status status = case_load(collector->file, collector->arena, &all, why);

	if (status < 0)
		return status;

	const char *state = find_fact(&all, "collection");
	const char *other = find_fact(&all, "collection.run");

	if (!state) {
		status = case_set_fact(collector->file, "collection.run", run, why);
		return status < 0 ? status : store_start(collector, why);
	}
	if (strcmp(state, "partial") != 0)
		return failure_set(why, ERR_UNSUPPORTED, "the case is finished already; name another "
							 "with -o, or use --force to replace it");
	if (!other || strcmp(other, run) != 0)
		return failure_set(why, ERR_UNSUPPORTED,
				   "the case is unfinished and of other evidence, another version or "
				   "other options; name another with -o, or use --force to "
				   "replace it");
	status = restore_evidence(collector, &all, why);
	return status < 0 ? status : restore_jobs(collector, why);
}
