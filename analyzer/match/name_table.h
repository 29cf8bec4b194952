/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_NAME_TABLE_H
#define AVOUCH_ANALYZER_MATCH_NAME_TABLE_H

#include "analyzer/match/automaton.h"
#include "parsers/base/arena.h"
#include "parsers/base/failure.h"

/*
 * Many patterns over one kind of name: literal ones in a hash table, globs and expressions behind
 * an automaton over their literal parts. Each pattern carries numbers of its user's ("marks").
 */
struct name_table;

struct marks {
	uint32_t *items; /* rising, no number twice, after name_table_find() */
	size_t n;
	bool undecided; /* an expression reached its limits */
};

struct name_table *name_table_new(void);
void name_table_free(struct name_table *table);

/* pattern: folded, or "re:..."; it must live as long as the table. ERR_FORMAT: does not compile. */
MUST_USE enum status name_table_add(struct name_table *table, struct arena *arena,
				    struct text pattern, uint32_t mark, struct failure *why);
/* After the last add. */
MUST_USE enum status name_table_finish(struct name_table *table, struct failure *why);

/* The marks of all patterns that fit the folded name; items grows in the arena. */
MUST_USE enum status name_table_find(const struct name_table *table, struct text folded,
				     struct arena *arena, struct marks *ret, uint64_t *steps);

/* False: no pattern fits the name (folded or not), as its ends alone tell. */
bool name_table_may_fit(const struct name_table *table, struct text name);

size_t name_table_n_globs(const struct name_table *table);

#endif
