/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_JUDGE_SYSTEM_H
#define AVOUCH_ANALYZER_JUDGE_SYSTEM_H

#include "analyzer/judge/judge.h"
#include "analyzer/judge/zone_rules.h"

/* Where a source stands in a system's life. */
enum sample {
	SAMPLE_LIVE,     /* the system as it was acquired */
	SAMPLE_SNAPSHOT, /* a shadow copy: whole at its creation time */
	SAMPLE_BACKUP,   /* an older copy of a file (RegBack, repair): each fact stands alone */
	SAMPLE_FORMER,   /* of an installation that was replaced (Windows.old) */
};

/* The volume of an id; NULL when there is none. */
const struct case_volume *find_volume(const struct case_contents *contents, int64_t id);
/* The source of an id; NULL when there is none. */
const struct case_source *find_source(const struct case_contents *contents, int64_t id);

/* Finds the installed systems, their facts, zones, coverage and last activity. */
MUST_USE enum status systems_find(struct arena *arena, const struct case_contents *contents,
				  int64_t acquired, struct system **ret, size_t *ret_n,
				  struct failure *why);

/* The system a source belongs to (a data volume belongs to the only system); NO_SYSTEM if none. */
size_t system_of_source(const struct case_contents *contents, const struct system *systems,
			size_t n_systems, const struct case_source *source);

enum sample sample_of_source(const struct case_contents *contents,
			     const struct case_source *source);

/* Whether what has this path was set aside with an installation that was replaced. */
bool is_set_aside(struct text path);

/*
 * What casts doubt on clocks and times: changes of the clock and orders that contradict times
 * (doubt.c), readings out of the system's life (doubt_reading.c), file times that contradict each
 * other (doubt_file.c).
 */
MUST_USE enum status doubts_find(struct arena *arena, const struct case_contents *contents,
				 const struct system *systems, size_t n_systems, int64_t acquired,
				 struct doubt **ret, size_t *ret_n, struct failure *why);

/*
 * Widens a bound by every doubt of the system that its readings fall into; true if any did. Where the
 * order of the log that holds the trace (may be NULL), or the acquisition, shows that a reading is of
 * a clock that was set wrong and right again, it lies between the two changes.
 */
bool doubts_apply(const struct doubt *doubts, size_t n_doubts, size_t system,
		  const struct case_trace *trace, struct bound *bound);

/*
 * Whether a doubt bears on an outcome: the limit lies in it, or the removal of the episode (may be
 * NULL) does, as it was read or, where a deciding time was widened, as it may truly have been.
 */
bool doubt_matters(const struct doubt *doubt, const struct judgement *all,
		   const struct episode *episode, int64_t deadline);

/* That the registry is of a state before the limit; NULL when nothing says so. */
const struct doubt *doubt_of_state(const struct doubt *doubts, size_t n_doubts, size_t system,
				   int64_t deadline);

/* Which recorders were cleared, overwritten, switched off or are missing, by system. */
MUST_USE enum status gaps_find(struct arena *arena, const struct case_contents *contents,
			       const struct system *systems, size_t n_systems,
			       struct gap **ret, size_t *ret_n, struct failure *why);

/*
 * Whether the case was collected for these signatures: a case keeps only the files and keys that the
 * signatures of its collection name (fact "collection.wanted"). True when the case does not say.
 */
bool collected_for(const struct case_contents *contents, const struct signature_set *signatures);

/* When the evidence was acquired, and how that is known. */
int64_t acquisition_time(const struct case_contents *contents, const char **ret_basis);

#endif
