/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/supervisor.h"

#include <inttypes.h>
#include <stdio.h>

#include "parsers/base/limits.h"

/* A copy that lives as long as the collector; NULL for an absent text. */
static const char *keep(struct collector *collector, struct text text)
{
	return text.data ? arena_text(collector->arena, text) : NULL;
}

/* A copy that lives as long as one message. */
static const char *brief(struct collector *collector, struct text text)
{
	return text.data ? arena_text(collector->scratch, text) : NULL;
}

static enum status add_problem(struct collector *collector, struct job *job, const char *what,
			       uint64_t offset, bool lost, struct failure *why)
{
	const struct case_problem row = { .source = job->source_id,
					  .volume = job->volume_id,
					  .where = job_subject(collector, job),
					  .what = what,
					  .offset = offset > INT64_MAX ? FAILURE_NO_OFFSET : offset,
					  .lost = lost };

	return case_add_problem(collector->file, &row, why);
}

enum status store_start(struct collector *collector, struct failure *why)
{
	const struct collect_options *options = collector->options;
	enum status status = case_begin(collector->file, why);

	for (size_t i = 0; i < options->n_evidence && status >= 0; i++) {
		struct case_evidence *row = &collector->evidence[i];
		const struct job_order order = { .kind = JOB_CONTAINER, .evidence = (uint32_t)i };
		struct job *job;

		*row = (struct case_evidence){ .path = options->evidence[i].paths[0],
					       .format = "unknown" };
		status = case_add_evidence(collector->file, row, why);
		if (status >= 0)
			status = collector_add_job(collector, &order, &job, why);
	}
	if (status >= 0)
		status = case_set_fact(collector->file, "collection", "partial", why);
	if (status >= 0)
		status = store_steps(collector, why);
	return status < 0 ? status : case_commit(collector->file, why);
}

static enum status update_evidence(struct collector *collector, const struct job *job,
				   struct failure *why)
{
	const struct range_list *unreadable = &collector->unreadable[job->order.evidence];
	CLEANUP(free_p) char *lines = unreadable->n_items ? lines_of_ranges(unreadable) : NULL;
	struct case_evidence row = collector->evidence[job->order.evidence];

	if (unreadable->n_items && !lines)
		return failure_set(why, ERR_NO_MEMORY, "unreadable ranges");
	row.unreadable = lines;
	return case_update_evidence(collector->file, &row, why);
}

static enum status store_evidence(struct collector *collector, struct job *job, struct cursor *c,
				  struct failure *why)
{
	struct case_evidence *row = &collector->evidence[job->order.evidence];
	const struct instant given = collector->options->acquired_at;
	struct sent_evidence sent;

	read_evidence(c, &sent);
	row->format = keep(collector, sent.format);
	row->size = sent.size;
	row->segments = keep(collector, sent.segments);
	row->stored_md5 = keep(collector, sent.stored_md5);
	row->stored_sha1 = keep(collector, sent.stored_sha1);
	row->acquired = instant_is_set(given) ? given : sent.acquired;
	row->acquired_basis = instant_is_set(given)	    ? "option" :
			      instant_is_set(sent.acquired) ? "image-header" :
							      NULL;
	collector->opened[job->order.evidence] = true;
	return update_evidence(collector, job, why);
}

/* Whether the user wants this volume. */
static bool is_chosen(const struct collector *collector, const struct job *job,
		      const struct sent_volume *sent)
{
	if (sent->snapshot)
		return collect_choice_has(collector->options->vss_stores, sent->snapshot);
	return job->order.kind == JOB_VOLUME ||
	       collect_choice_has(collector->options->partitions, job->n_volumes);
}

/* A volume of a partition table, or one that stands inside the job's own. */
static enum status store_volume(struct collector *collector, struct job *job, struct cursor *c,
				struct failure *why)
{
	const struct case_evidence *evidence = &collector->evidence[job->order.evidence];
	const bool inside = job->order.kind == JOB_VOLUME;
	struct sent_volume sent;

	read_volume(c, &sent);
	job->n_volumes++;

	/* Copies have no copies, and groups no groups: what says so is a lie, and ends here. */
	if (inside && (!sent.snapshot == !sent.logical || job->snapshot_of ||
		       (sent.logical && job->order.logical)))
		return STATUS_OK;

	const bool chosen = is_chosen(collector, job, &sent);
	struct case_volume row = { .evidence = evidence->id,
				   .offset = inside ? job->order.offset : sent.offset,
				   .size = inside ? job->order.size : sent.size,
				   .snapshot_created = sent.created,
				   .snapshot_id = keep(collector, sent.identifier),
				   .snapshot_of = sent.snapshot ? job->volume_id : 0,
				   .logical = inside && job->order.logical ? job->order.logical :
									     sent.logical,
				   .reading = chosen ? READING_PENDING : READING_SKIPPED };
	enum status status = case_add_volume(collector->file, &row, why);

	if (status < 0 || !chosen)
		return status;

	const struct job_order order = { .kind = JOB_VOLUME,
					 .evidence = job->order.evidence,
					 .offset = row.offset,
					 .size = row.size,
					 .logical = row.logical,
					 .snapshot = sent.snapshot };
	struct job *added;

	status = collector_add_job(collector, &order, &added, why);
	if (status < 0)
		return status;
	added->volume_id = row.id;
	added->snapshot_of = row.snapshot_of;
	added->snapshot_created = row.snapshot_created;
	added->snapshot_id = row.snapshot_id;
	return STATUS_OK;
}

static struct case_volume volume_row(const struct collector *collector, const struct job *job,
				     enum reading reading)
{
	return (struct case_volume){ .id = job->volume_id,
				     .evidence = collector->evidence[job->order.evidence].id,
				     .offset = job->order.offset,
				     .size = job->order.size,
				     .filesystem = job->order.path.data,
				     .label = job->order.n_companions ?
						      job->order.companions[0].path.data :
						      NULL,
				     .snapshot_created = job->snapshot_created,
				     .snapshot_id = job->snapshot_id,
				     .snapshot_of = job->snapshot_of,
				     .logical = job->order.logical,
				     .reading = reading };
}

/* The file system is known: its entries get a source of their own. */
static enum status store_view(struct collector *collector, struct job *job, struct cursor *c,
			      struct failure *why)
{
	struct sent_view sent;

	read_view(c, &sent);
	/* A volume's order has no path and no companion: its name and label are kept there. */
	job->order.path = (struct text){ keep(collector, sent.filesystem), sent.filesystem.size };
	job->order.companions[0].path = (struct text){ keep(collector, sent.label),
						       sent.label.size };
	job->order.n_companions = sent.label.data ? 1 : 0;

	const struct case_volume volume = volume_row(collector, job, READING_PENDING);
	struct case_source source = { .volume = job->volume_id,
				      .path = brief(collector, sent.path),
				      .reader = "filesystem",
				      .size = sent.size };
	enum status status = case_update_volume(collector->file, &volume, why);

	if (status < 0 || job->source_id)
		return status;
	status = case_add_source(collector->file, &source, why);
	job->source_id = source.id;
	return status;
}

/* "a,b" of the parsers in an order. */
static const char *reader_names(struct collector *collector, const struct job_order *order)
{
	const char *names = NULL;

	for (size_t i = 0; all_parsers[i]; i++)
		if (job_has_parser(order, i))
			names = names ? arena_printf(collector->scratch, "%s,%s", names,
						     all_parsers[i]->name) :
					all_parsers[i]->name;
	return names ? names : "none";
}

static enum status store_source(struct collector *collector, struct job *job, struct cursor *c,
				struct failure *why)
{
	struct job_order order;
	struct job *added;

	read_order(c, &order);
	order.evidence = job->order.evidence; /* a reader speaks of its own volume only */
	order.offset = job->order.offset;
	order.size = job->order.size;
	order.logical = job->order.logical;
	order.snapshot = job->order.snapshot;

	struct case_source row = { .volume = job->volume_id,
				   .path = brief(collector, order.path),
				   .reader = reader_names(collector, &order),
				   .size = order.file_size,
				   .entry = order.entry,
				   .sequence = order.sequence,
				   .deleted = order.deleted };
	enum status status = case_add_source(collector->file, &row, why);

	if (status < 0)
		return status;
	status = collector_add_job(collector, &order, &added, why);
	if (status < 0)
		return status;
	added->volume_id = job->volume_id;
	added->source_id = row.id;
	return STATUS_OK;
}

static enum status store_digest(struct collector *collector, struct job *job, struct cursor *c,
				struct failure *why)
{
	struct case_evidence *row = &collector->evidence[job->order.evidence];
	struct sent_digest sent;

	read_digest(c, &sent);
	row->md5 = keep(collector, sent.md5);
	row->sha1 = keep(collector, sent.sha1);
	row->sha256 = keep(collector, sent.sha256);

	enum status status = update_evidence(collector, job, why);
	const bool differs = (row->stored_md5 && row->md5 && strcmp(row->stored_md5, row->md5)) ||
			     (row->stored_sha1 && row->sha1 && strcmp(row->stored_sha1, row->sha1));

	if (status >= 0 && differs)
		status = add_problem(collector, job,
				     "the digest stored in the image differs from that of its "
				     "content",
				     FAILURE_NO_OFFSET, false, why);
	return status;
}

/* Many steps meet the same range: the row is written for the first. */
static enum status store_unreadable(struct collector *collector, struct job *job, struct cursor *c,
				    struct failure *why)
{
	struct case_evidence *row = &collector->evidence[job->order.evidence];
	struct range_list *list = &collector->unreadable[job->order.evidence];
	struct sent_unreadable sent;
	bool news = false;

	read_unreadable(c, &sent);
	for (uint32_t i = 0; i < sent.n; i++) {
		const struct byte_range range = range_at(&sent, i);
		const struct byte_range *known = ranges_find(list, range.offset, range.size);

		if (range.offset > row->size || range.size > row->size - range.offset)
			continue; /* a lie: no medium is there */
		if (known && known->offset <= range.offset &&
		    range.offset + range.size <= known->offset + known->size)
			continue;
		news = true;
		if (!ranges_add(list, range.offset, range.size))
			return failure_set(why, ERR_NO_MEMORY, "unreadable ranges");
	}
	return news ? update_evidence(collector, job, why) : STATUS_OK;
}

/*
 * Whether traces of a type are records, which say the same in every shadow copy they are found in,
 * and not state, of which each copy is a sample: that is what hives and the file system hold.
 */
static bool is_record(struct text type)
{
	for (size_t i = 0; all_parsers[i]; i++)
		for (size_t j = 0; all_parsers[i]->parse_file && all_parsers[i]->emits[j]; j++)
			if (text_equal(text_of(all_parsers[i]->emits[j]->name), type))
				return true;
	return false;
}

static enum status store_trace(struct collector *collector, struct job *job, struct cursor *c,
			       struct failure *why)
{
	struct sent_trace sent;

	bool known = false;

	read_trace(c, &sent);
	if (job->order.snapshot && sent.sha256.data && is_record(sent.type)) {
		const enum status status = case_find_record(
			collector->file, job->source_id, brief(collector, job->order.path),
			sent.type, sent.recovery, brief(collector, sent.sha256), &known, why);

		if (status < 0 || known)
			return status;
	}

	const struct case_place place = { .file = brief(collector, sent.place.path),
					  .entry = sent.place.entry,
					  .sequence = sent.place.sequence,
					  .attribute = brief(collector, sent.attribute),
					  .sha256 = brief(collector, sent.sha256) };

	return case_add_trace(collector->file, job->source_id, sent.type, &sent.origin, &place,
			      sent.recovery, sent.values, why);
}

static enum status store_problem(struct collector *collector, struct job *job, struct cursor *c,
				 bool lost, struct failure *why)
{
	struct sent_problem sent;

	read_problem(c, &sent);
	job->lost |= lost;
	if (++job->n_problems > LIMIT_NOTES_PER_SOURCE)
		return STATUS_OK; /* counted; told when the job ends */
	return add_problem(collector, job, brief(collector, sent.text), sent.offset, lost, why);
}

static enum status store_cover(struct collector *collector, struct job *job, struct cursor *c,
			       struct failure *why)
{
	struct sent_cover sent;

	read_cover(c, &sent);

	const struct case_coverage row = { .source = job->source_id,
					   .recorder = brief(collector, sent.recorder),
					   .from = sent.from,
					   .to = sent.to };

	return case_add_coverage(collector->file, &row, why);
}

static enum status store_done(struct collector *collector, struct job *job, struct cursor *c,
			      struct failure *why)
{
	struct sent_done sent;

	read_done(c, &sent);
	if (job->reading == READING_PENDING || job->reading == READING_READ)
		job->reading = sent.reading;
	if (!sent.problem.data)
		return STATUS_OK;
	return add_problem(collector, job, brief(collector, sent.problem), FAILURE_NO_OFFSET,
			   sent.reading != READING_SKIPPED && sent.reading != READING_READ, why);
}

static enum status store_message(struct collector *collector, struct job *job,
				 struct span message, struct failure *why)
{
	struct cursor c = cursor_over(message, 0);

	switch ((enum message_type)cursor_u8(&c)) {
	case MESSAGE_EVIDENCE:
		return store_evidence(collector, job, &c, why);
	case MESSAGE_VOLUME:
		return store_volume(collector, job, &c, why);
	case MESSAGE_VIEW:
		return store_view(collector, job, &c, why);
	case MESSAGE_SOURCE:
		return store_source(collector, job, &c, why);
	case MESSAGE_DIGEST:
		return store_digest(collector, job, &c, why);
	case MESSAGE_UNREADABLE:
		return store_unreadable(collector, job, &c, why);
	case MESSAGE_TRACE:
		return store_trace(collector, job, &c, why);
	case MESSAGE_NOTE:
		return store_problem(collector, job, &c, false, why);
	case MESSAGE_LOST:
		return store_problem(collector, job, &c, true, why);
	case MESSAGE_COVER:
		return store_cover(collector, job, &c, why);
	case MESSAGE_DONE:
		return store_done(collector, job, &c, why);
	case MESSAGE_JOB:
	case MESSAGE_BEGUN:
		break;
	}
	return STATUS_OK;
}

enum status store_frames(struct collector *collector, struct job *job, struct failure *why)
{
	struct cursor c = cursor_over(span_of(job->frames, job->frames_size), 0);
	enum status status = STATUS_OK;

	if (!job->stored)
		status = case_begin(collector->file, why);
	if (status < 0)
		return status;
	job->stored = true;
	job->has_sources = false;
	while (cursor_left(&c) > 0 && status >= 0) {
		const struct span message = cursor_take(&c, cursor_u32le(&c));

		arena_reset(collector->scratch);
		status = store_message(collector, job, message, why);
	}
	job_drop_frames(collector, job);
	return status;
}

/* What follows from a survey step that went well. */
static enum status store_next(struct collector *collector, struct job *job, struct failure *why)
{
	const struct job_order order = { .kind = JOB_PARTITIONS, .evidence = job->order.evidence };
	struct job *added;

	if (job->order.kind != JOB_CONTAINER || !collector->opened[job->order.evidence])
		return STATUS_OK;
	return collector_add_job(collector, &order, &added, why);
}

enum status store_finish(struct collector *collector, struct job *job, struct failure *why)
{
	char text[96];
	enum status status = store_frames(collector, job, why);

	if (status >= 0 && job->n_problems > LIMIT_NOTES_PER_SOURCE) {
		(void)snprintf(text, sizeof(text), "%" PRIu64 " further problems not listed",
			       job->n_problems - LIMIT_NOTES_PER_SOURCE);
		status = add_problem(collector, job, text, FAILURE_NO_OFFSET, job->lost, why);
	}
	if (job->lost && job->reading == READING_READ)
		job->reading = READING_PARTLY;
	if (status >= 0 && job->source_id)
		status = case_set_reading(collector->file, job->source_id, job->reading, why);
	if (status >= 0 && job->order.kind == JOB_VOLUME) {
		const struct case_volume row = volume_row(collector, job, job->reading);

		status = case_update_volume(collector->file, &row, why);
	}
	if (status >= 0 && job->order.kind == JOB_DIGEST) {
		collector->evidence[job->order.evidence].medium = job->reading;
		status = update_evidence(collector, job, why);
	}
	if (status >= 0)
		status = store_next(collector, job, why);
	if (status >= 0)
		status = store_steps(collector, why);
	if (status >= 0)
		status = case_end_step(collector->file, job->place, why);
	return status < 0 ? status : case_commit(collector->file, why);
}
