/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_RESULTS_H
#define AVOUCH_ANALYZER_COLLECT_RESULTS_H

#include "analyzer/casefile/case.h"
#include "analyzer/collect/job.h"
#include "parsers/stream/ranges.h"

/* What readers send, as the supervisor takes it apart: everything is checked, nothing is trusted. */

struct sent_evidence {
	struct text format, segments, stored_md5, stored_sha1;
	uint64_t size;
	struct instant acquired;
};

struct sent_volume {
	uint64_t offset, size;
	uint32_t logical, snapshot; /* as in a job_order */
	struct instant created;     /* of a snapshot */
	struct text identifier;     /* GUID of a snapshot */
};

struct sent_view {
	struct text filesystem, label, path; /* path: the source its entries stand in */
	uint64_t size;
};

struct sent_trace {
	struct text type, sha256;
	struct text attribute;   /* "128-4"; data NULL: plain content */
	struct other_file place; /* path.data NULL: the source itself */
	enum recovery recovery;
	struct origin origin;
	struct span values;
};

struct sent_problem {
	uint64_t offset;
	struct text text;
};

struct sent_cover {
	struct text recorder;
	struct instant from, to;
};

struct sent_digest {
	struct text md5, sha1, sha256;
};

struct sent_unreadable {
	uint32_t n;
	struct span ranges; /* range_at() takes them out */
};

struct sent_done {
	enum reading reading;
	struct text problem; /* absent: none */
};

/* Each reads the payload behind the type; wrong bytes make the cursor's status negative. */
void read_evidence(struct cursor *c, struct sent_evidence *ret);
void read_volume(struct cursor *c, struct sent_volume *ret);
void read_view(struct cursor *c, struct sent_view *ret);
void read_trace(struct cursor *c, struct sent_trace *ret);
void read_problem(struct cursor *c, struct sent_problem *ret);
void read_cover(struct cursor *c, struct sent_cover *ret);
void read_digest(struct cursor *c, struct sent_digest *ret);
/* Ranges in ascending order that do not overlap, none empty, all below 2^63. */
void read_unreadable(struct cursor *c, struct sent_unreadable *ret);
struct byte_range range_at(const struct sent_unreadable *sent, uint32_t i);
void read_done(struct cursor *c, struct sent_done *ret);

/*
 * Whether a message (type and payload) is one that a reader may send for this kind of job, whole
 * and well-formed. scratch is used and may be reset by the caller afterwards.
 */
MUST_USE enum status message_check(enum job_kind kind, struct span message,
				   struct arena *scratch, struct failure *why);

#endif
