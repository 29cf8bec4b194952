/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_AUTOMATON_H
#define AVOUCH_ANALYZER_MATCH_AUTOMATON_H

#include "analyzer/match/name_map.h"

/*
 * Finds which of many literals occur in a text, in one pass over it whatever their number
 * (A. V. Aho, M. J. Corasick: Efficient string matching, CACM 18/6, 1975).
 */
struct automaton_node {
	uint32_t fail;   /* longest proper suffix that is a node */
	uint32_t output; /* nearest node on the fail chain that ends a literal, or 0 */
	uint32_t ends;   /* first of the ids of the literal that ends here, or MAP_NONE */
	uint32_t parent, sibling, child; /* of the tree; 0: none */
	uint8_t byte;
};

struct automaton_id {
	uint32_t id, next; /* next of the same literal, or MAP_NONE */
};

struct automaton {
	struct automaton_node *nodes; /* 0 is the root */
	size_t n_nodes;
	struct automaton_id *ids;
	size_t n_ids;
	struct pair_map edges; /* (node, byte) to node */
	/*
	 * The same as a full table, node by class of byte, made when it stays small; bytes that no
	 * literal holds are one class.
	 */
	uint32_t *table;
	uint8_t classes[256];
	uint32_t n_classes;
};

/* Adds a literal of at least one byte. False without memory. */
bool automaton_add(struct automaton *a, struct text literal, uint32_t id);
/* After the last add. False without memory. */
bool automaton_finish(struct automaton *a);
/* Calls found for each id whose literal ends in text (again for each place) until it says false. */
void automaton_scan(const struct automaton *a, struct text text,
		    bool (*found)(void *payload, uint32_t id), void *payload, uint64_t *steps);
void automaton_clear(struct automaton *a);

#endif
