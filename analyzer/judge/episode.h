/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_JUDGE_EPISODE_H
#define AVOUCH_ANALYZER_JUDGE_EPISODE_H

#include "analyzer/judge/witness.h"

/*
 * Builds the history of one product on one system from its witnesses [first, first + n), which
 * are ordered by time: state at acquisition, episodes with their bounds, leftovers.
 */
MUST_USE enum status history_build(struct judging *judging, const struct witness *witnesses,
				   size_t first, size_t n, struct product_history *ret,
				   struct failure *why);

#endif
