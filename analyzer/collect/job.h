/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_JOB_H
#define AVOUCH_ANALYZER_COLLECT_JOB_H

#include "analyzer/collect/options.h"
#include "analyzer/collect/wire.h"
#include "parsers/parser.h"

/* One step of work that a reader does; a crash costs no more than this. */
enum job_kind {
	JOB_CONTAINER = 0, /* open the evidence: facts of the image */
	JOB_PARTITIONS,    /* its volumes */
	JOB_VOLUME,        /* file system, its entries, its sources */
	JOB_SOURCE,        /* one file and the parsers that read it */
	JOB_DIGEST,        /* digests of the medium */
	JOB_LAST = JOB_DIGEST,
};

enum { JOB_MAX_PARSERS = 256 };

struct job_companion {
	struct text path;
	uint64_t entry, sequence;
};

/* What a reader is told. Texts are borrowed. */
struct job_order {
	enum job_kind kind;
	uint32_t evidence;      /* index in the options */
	uint64_t offset, size;  /* of the volume on the medium */
	uint32_t logical;       /* n-th logical volume in it, from 1; 0: none */
	uint32_t snapshot;      /* n-th shadow copy of it, from 1; 0: the live volume */
	struct text path;       /* of a source in its volume */
	uint64_t entry, sequence, file_size;
	bool deleted;
	uint64_t parsers[JOB_MAX_PARSERS / 64]; /* bit set over all_parsers */
	struct job_companion companions[SOURCE_MAX_COMPANIONS];
	size_t n_companions;
};

static inline bool job_has_parser(const struct job_order *order, size_t i)
{
	return i < JOB_MAX_PARSERS && (order->parsers[i / 64] >> (i % 64) & 1);
}

static inline void job_add_parser(struct job_order *order, size_t i)
{
	if (i < JOB_MAX_PARSERS)
		order->parsers[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void job_drop_parser(struct job_order *order, size_t i)
{
	if (i < JOB_MAX_PARSERS)
		order->parsers[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

/* Whether a parser of the order asks for folders, which the reader that surveyed the volume has. */
bool job_asks_folders(const struct job_order *order);
/* Whether a parser of the order looks through free clusters. */
bool job_carves(const struct job_order *order);

void message_order(struct message *m, const struct job_order *order);
/* Checks everything; the texts point into the cursor's bytes. */
void read_order(struct cursor *c, struct job_order *ret);

/* The life of a reader: jobs from the socket until it closes. Never returns. */
_Noreturn void reader_main(int fd, const struct collect_options *options,
			   const struct wanted *wanted);

/*
 * Takes rights away from this process that a reader of hostile bytes does not need. Called after
 * the evidence is open and before anything of it is parsed.
 */
MUST_USE enum status sandbox_enter(uint64_t memory, struct failure *why);

#endif
