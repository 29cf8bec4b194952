/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_JUDGE_SAMPLE_H
#define AVOUCH_ANALYZER_JUDGE_SAMPLE_H

#include "analyzer/judge/witness.h"

/*
 * An earlier state of a system's registry: the SOFTWARE and SYSTEM hives of a shadow copy, of
 * RegBack, repair or a restore point, or of the installation that was replaced (Windows.old).
 */
struct registry_sample {
	const struct case_source *software, *system; /* never NULL */
	size_t of;                                   /* the system */
	struct bound when; /* the hives' own times, UTC ticks; one instant for a shadow copy */
	int64_t software_at, system_at;
};

/* Finds the dated samples of all systems; fills judging->samples. */
MUST_USE enum status samples_find(struct judging *judging, struct failure *why);

/* At which time the state in a hive was as it is there; 0 when the source is in no dated sample. */
int64_t sampled_at(const struct judging *judging, const struct case_source *source);

/*
 * Adds `absent` for every product of the list that a sample, read to its end, does not know, and
 * that the installation which replaced an older one does not.
 */
MUST_USE enum status samples_assert_absence(struct judging *judging, struct witness_list *list,
					    struct failure *why);

#endif
