/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_PATTERN_H
#define AVOUCH_ANALYZER_MATCH_PATTERN_H

#include "parsers/base/arena.h"
#include "parsers/base/failure.h"
#include "parsers/trace.h"

/*
 * The pattern language of signatures (matcher.h): expansion of tokens and braces, globs, and the
 * literal part by which a glob or an expression is found.
 */

/* Most plain patterns one written pattern may stand for. */
#define PATTERN_MAX_EXPANSION 4096

struct pattern_list {
	struct text *items; /* folded, without tokens and braces; "re:" patterns as written */
	struct text *spelt; /* the same before folding */
	size_t n;
	bool negated; /* the written pattern began with '!' */
};

/*
 * What a pattern as written stands for. Tokens such as {pf} are known in paths only. ERR_FORMAT
 * with a message when it is malformed: unbalanced brackets, an unknown token, '**' inside a
 * component, an empty component, nothing literal in it at all.
 */
MUST_USE enum status pattern_expand(struct arena *arena, enum aspect aspect, const char *written,
				    struct pattern_list *ret, struct failure *why);

/* Whether aspect is walked by components (paths and keys). */
bool pattern_has_components(enum aspect aspect);

/* Whether an expanded pattern is "re:" and an expression; all others are globs. */
bool pattern_is_expression(struct text pattern);

bool glob_is_literal(struct text glob);

/* Whether folded text fits a folded glob; '*' crosses everything. steps counts the work. */
bool glob_fits(struct text glob, struct text text, uint64_t *steps);

/* The longest part of a glob that must occur as it stands; may be empty. */
struct text glob_literal(struct text glob);

/* The same of an expression, found conservatively; empty when unsure. Folded in the arena. */
struct text expression_literal(struct arena *arena, struct text expression);

#endif
