/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_MATCHER_H
#define AVOUCH_ANALYZER_MATCH_MATCHER_H

#include "analyzer/match/signatures.h"

/*
 * All signatures compiled into one structure. What a match costs depends on the text, not on how
 * many signatures there are: paths and keys walk a trie of folded components, names are looked up
 * in a hash table, globs are found through one automaton over the literal part of each, and regular
 * expressions run only on texts that hold theirs. A matcher does not change while matching.
 *
 * Patterns: '*' and '?' (inside one component of a path or key), '[a-z]', '[!a-z]', '{a,b}' for
 * alternatives, '**' as a whole component for any number of components (at the end: at least
 * one), "re:" and a PCRE2 expression. Letters compare folded (text_fold: Latin, Greek and
 * Cyrillic letters). A path pattern that ends in '/' names the folder itself.
 */
struct matcher;

/* One value of a trace. */
struct aspect_value {
	enum aspect aspect;
	struct text text;
};

/* indices into the signature set */
struct match_hit {
	size_t product, component, alternative;
};

/* The set must outlive the matcher. */
MUST_USE enum status matcher_new(const struct signature_set *set, struct matcher **ret,
				 struct failure *why);
void matcher_free(struct matcher *matcher);
DEFINE_CLEANUP(struct matcher *, matcher_free, matcher_free_p)

/*
 * The components whose conditions all hold among the values of one trace: at most one hit per
 * component (its first alternative), ordered by product and component, in the arena. ERR_LIMIT when
 * a pattern could not be decided within its limits: the hits are set all the same, and the caller
 * records the problem; it is never "no match".
 */
MUST_USE enum status matcher_match(const struct matcher *matcher, const struct aspect_value *values,
				   size_t n_values, struct arena *arena,
				   const struct match_hit **ret_hits, size_t *ret_n,
				   struct failure *why);

/* The same with values taken from a trace's text fields by their aspects. */
MUST_USE enum status matcher_match_trace(const struct matcher *matcher, const struct trace *trace,
					 struct arena *arena, const struct match_hit **ret_hits,
					 size_t *ret_n, struct failure *why);

struct fact_hit {
	size_t product, fact;
};

/* The facts that a registry value carries (key as in ASPECT_KEY); at most max, returns how many. */
size_t matcher_facts(const struct matcher *matcher, struct text key, struct text value,
		     struct fact_hit *hits, size_t max);

/* Whether some signature names this file path (normalised or not). */
bool matcher_wants_path(const struct matcher *matcher, struct text path);
/* Whether something below this folder may be wanted. */
bool matcher_wants_below_path(const struct matcher *matcher, struct text path);
/* Whether some signature or fact names this key or one below it. */
bool matcher_wants_key(const struct matcher *matcher, struct text key);
/* Whether some signature names this channel or provider (either may be empty). */
bool matcher_wants_log(const struct matcher *matcher, struct text channel, struct text provider);

/*
 * The literal heads of all key patterns ("HKLM/SOFTWARE/Vendor"), sorted, none below
 * another: where a collector has to look. Borrowed from the matcher.
 */
const char *const *matcher_key_roots(const struct matcher *matcher, size_t *ret_n);
/* The literal names of all providers and channels, and how many patterns there are beside them. */
const char *const *matcher_log_names(const struct matcher *matcher, size_t *ret_n,
				     size_t *ret_patterns);

/*
 * Steps (characters read, states visited, patterns tried) that matching has taken so far: for
 * tests of the promise above.
 */
uint64_t matcher_steps(const struct matcher *matcher);

/*
 * A path in any Windows or Unix spelling to the form signatures use: '/' separators, no drive, no
 * \??\ or device prefix, %SystemRoot% and the like replaced, quotes and arguments of a command line
 * dropped. "" for what is no path. In the arena; data NULL when it is full.
 */
struct text path_normalize(struct arena *arena, struct text path);

/* The last component of a path in any spelling (borrowed). */
struct text path_base_name(struct text path);

#endif
