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

/*
 * Where a walk stands behind the components of a folder: names in it are then matched without
 * walking to the folder again. Made by trie_enter() alone; nodes live in the arena given.
 */
struct trie_place {
	uint32_t *nodes;
	size_t n;
	bool all;       /* every name in the folder fits */
	bool only_deep; /* what may fit stands behind a '**' */
};

/* The place of the root. */
MUST_USE enum status trie_root(const struct trie *trie, struct arena *arena,
			       struct trie_place *ret);
/* Into a component below a place (NULL: the root). ERR_LIMIT when too many patterns stay open. */
MUST_USE enum status trie_enter(const struct trie *trie, const struct trie_place *above,
				struct text folded_component, struct arena *arena,
				struct trie_place *ret, uint64_t *steps);
/* False: no path of that name (folded or not) at the place fits; a quick answer for most. */
bool trie_may_fit(const struct trie *trie, const struct trie_place *place, struct text name);
/* Whether the path of that name at a place fits some pattern. */
MUST_USE enum status trie_fits(const struct trie *trie, const struct trie_place *place,
			       struct text folded_component, struct arena *arena, bool *ret,
			       uint64_t *steps);

#endif
