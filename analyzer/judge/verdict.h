/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_JUDGE_VERDICT_H
#define AVOUCH_ANALYZER_JUDGE_VERDICT_H

#include "analyzer/judge/witness.h"

/*
 * The verdict on one system under one milestone: every product in scope gets its own outcome by
 * the first row of the table that fits (docs/judgement.md), the worst of them is the verdict's.
 */
MUST_USE enum status verdict_reach(struct judging *judging, const struct judgement *judgement,
				   size_t system, const struct mandate *mandate,
				   const struct milestone *milestone, bool named,
				   struct verdict *ret, struct failure *why);

#endif
