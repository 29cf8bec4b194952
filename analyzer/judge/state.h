/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_JUDGE_STATE_H
#define AVOUCH_ANALYZER_JUDGE_STATE_H

#include "analyzer/judge/witness.h"

/* State of one product as acquired, from its witnesses (n >= 1, all of one product and system). */
enum product_state state_at_acquisition(const struct judging *judging,
					const struct witness *witnesses, size_t n);

/* Whether a leftover is a registration that would still load something. */
bool witness_would_load(const struct judging *judging, const struct system *system,
			const struct witness *witnesses, size_t n, const struct witness *w);

/* Whether a witness is of what only the product itself brings: its keys, files, registrations. */
bool witness_names_product(const struct judging *judging, const struct witness *w);

#endif
