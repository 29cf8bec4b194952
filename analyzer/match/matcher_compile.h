/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiled set of signatures from the inside, shared by the two files that make one matcher:
 * matcher_compile.c fills it once, matcher.c answers from it and changes nothing in it but the
 * count of steps and scratch memory.
 */
#ifndef AVOUCH_ANALYZER_MATCH_MATCHER_COMPILE_H
#define AVOUCH_ANALYZER_MATCH_MATCHER_COMPILE_H

#include "analyzer/match/matcher.h"
#include "analyzer/match/name_table.h"
#include "analyzer/match/path_memo.h"
#include "analyzer/match/trie.h"

/* Marks of facts have this bit; those of conditions do not. */
#define FACT_MARK (UINT32_C(1) << 31)

/* Numbered in the order of products, components and alternatives. */
struct condition {
	uint32_t branch; /* the alternative it belongs to */
	bool negated;
};

struct branch {
	uint32_t product, component, alternative;
	uint32_t n_positive;
	uint32_t lacks; /* a bit for each aspect of which the trace must have no value */
};

struct matcher {
	const struct signature_set *set;
	struct arena *arena;
	struct name_table *names[ASPECT_COUNT];
	struct trie *tries[ASPECT_COUNT]; /* of paths and keys */
	struct condition *conditions;
	size_t n_conditions;
	struct branch *branches;
	size_t n_branches;
	struct fact_hit *facts;
	size_t n_facts;
	const char **key_roots;
	size_t n_key_roots;
	const char **log_names;
	size_t n_log_names, n_log_patterns;
	uint64_t *steps;       /* counts while matching, which changes nothing else but */
	struct arena *scratch; /* memory of the yes-or-no questions */
	struct path_memo *memo;
};

#endif
