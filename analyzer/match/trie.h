/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_TRIE_H
#define AVOUCH_ANALYZER_MATCH_TRIE_H

#include "analyzer/match/name_table.h"

/*
 * Patterns over paths and keys. Each distinct component is a symbol; a path's component is turned
 * into the symbols it fits once, and the nodes reached so far move on by them. '**' is a node that
 * stays where it is.
 */
struct trie;

struct trie *trie_new(void);
void trie_free(struct trie *trie);

/* pattern: folded, '/' between components, lives as long as the trie. */
MUST_USE enum status trie_add(struct trie *trie, struct arena *arena, struct text pattern,
			      uint32_t mark, struct failure *why);
MUST_USE enum status trie_finish(struct trie *trie, struct failure *why);

struct trie_result {
	struct marks marks; /* of the patterns that the whole path fits */
	bool below;         /* something below the path may fit */
	bool below_named;   /* so may something by a pattern that names a component below */
};

/* folded path; empty components are skipped. */
MUST_USE enum status trie_find(const struct trie *trie, struct text folded, struct arena *arena,
			       struct trie_result *ret, uint64_t *steps);

#endif
