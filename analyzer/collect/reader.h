/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_READER_H
#define AVOUCH_ANALYZER_COLLECT_READER_H

#include "analyzer/casefile/case.h"
#include "analyzer/collect/job.h"
#include "analyzer/collect/volume_stack.h"
#include "parsers/stream/image.h"

/* The inside of a reader, shared by reader.c, reader_survey.c and reader_source.c. */
struct reader {
	int fd;
	const struct collect_options *options;
	const struct wanted *wanted;
	struct arena *arena;   /* of the job */
	struct arena *scratch; /* of one trace */
	struct message message;
	struct parse_context ctx;
	/* What the last job had open and the next may use again. */
	struct image *image;
	uint32_t evidence;
	struct volume_stack volume;
	struct job_order place; /* evidence, offset, size, logical, snapshot of the volume */
	/* The bytes that origins name: 0 the source, n its n-th companion. */
	struct stream *origins[SOURCE_MAX_COMPANIONS + 1];
	const struct job_order *order; /* the job's */
	/* A file that traces name beside these: the last one, kept open. */
	struct stream *other;
	uint64_t other_entry;
	/* How icat names the stream of the source and of that file; "" for plain content. */
	char attribute[VIEW_ATTRIBUTE_SIZE], other_attribute[VIEW_ATTRIBUTE_SIZE];
	uint64_t n_traces, n_notes, n_lost;
};

/* Tells the supervisor of ranges of the medium. */
void send_unreadable(struct reader *reader, const struct range_list *ranges);
/* "0 to 32768, 65536 to 98304 and 3 more places", in the arena of the job. */
const char *ranges_text(struct reader *reader, const struct range_list *ranges);
/* What is read now is none of the job's evidence: see refusals_unheard of struct image. */
void hear_refusals(struct reader *reader, bool heard);

/* view_attribute_id, or "" where there is none or attribute is "". */
void reader_name_attribute(struct reader *reader, uint64_t entry, struct text attribute,
			   char ret[VIEW_ATTRIBUTE_SIZE]);

/* Each runs one job; a negative status is the job's outcome, told by the caller. */
MUST_USE enum status read_container(struct reader *reader, struct failure *why);
MUST_USE enum status read_partitions(struct reader *reader, struct failure *why);
/* What is said of a volume of which nothing is read, with what the partition table calls it. */
struct text survey_no_filesystem(struct reader *reader, const struct job_order *order);
MUST_USE enum status read_one_volume(struct reader *reader, struct failure *why);
/* A volume without a file system: the logical volumes in it. STATUS_DECLINED when it has none. */
MUST_USE enum status read_volume_group(struct reader *reader, struct failure *why);
MUST_USE enum status read_one_source(struct reader *reader, const struct job_order *order,
				     struct failure *why);
MUST_USE enum status read_medium(struct reader *reader, struct failure *why);

/* Sends the message; the reader ends when nobody listens any more. */
void reader_send(struct reader *reader);

#endif
