/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_JUDGE_WITNESS_H
#define AVOUCH_ANALYZER_JUDGE_WITNESS_H

#include "analyzer/judge/system.h"

/* A growing list of witnesses in an arena. */
struct witness_list {
	struct arena *arena;
	struct witness *items;
	size_t n, room;
};

/* What the judging of one case is given, gathered once. */
struct judging {
	struct arena *arena;
	const struct case_contents *contents;
	const struct signature_set *signatures;
	const struct matcher *matcher;
	const struct judge_options *options;
	const struct system *systems;
	size_t n_systems;
	const struct doubt *doubts;
	size_t n_doubts;
	const struct registry_sample *samples; /* sample.h */
	size_t n_samples;
	int64_t acquired;
	size_t limit_hits; /* traces that could not be matched within the limits */
};

/* What the signatures find in one trace. */
struct match_of {
	const struct match_hit *hits;
	size_t n;
	size_t system; /* NO_SYSTEM: of none */
};

/*
 * An installer's event may name its product in another language, or not at all; its product code is
 * the same as in the registry. Adds such hits; all has one entry for each trace of the case.
 */
MUST_USE enum status match_by_code(struct judging *judging, struct match_of *all,
				   struct failure *why);

/*
 * Whether a record of a service (registration, installation) that was matched by its name can be the
 * product's: true too where it names no program, and for any other trace.
 */
bool service_runs_its_program(struct judging *judging, const struct case_trace *trace,
			      const struct match_of *match, size_t product);

/*
 * Turns every trace that a signature names into witnesses by the table of semantics (semantics.c),
 * widened for doubtful clocks and with their ids.
 */
MUST_USE enum status witnesses_find(struct judging *judging, struct witness_list *ret,
				    struct failure *why);

/* Appends; ERR_NO_MEMORY when the arena is full. */
MUST_USE enum status witness_add(struct witness_list *list, const struct witness *witness,
				 struct failure *why);

/* Whether a product is an engine inside another vendor's product, its host. */
static inline bool product_is_engine(const struct judging *j, size_t product)
{
	return j->signatures->products[product].distribution == DISTRIBUTION_EMBEDDED;
}

/*
 * Records of a host count for the engine inside it where a part of the engine came or went with it;
 * the end of a host that had brought it says that the engine was gone by then.
 */
void engines_take_from_hosts(const struct judging *judging, struct witness_list *list);

/*
 * Whether the driver that a witness names was set up after that time (7045) together with the host of
 * an engine that is still registered: then it is the engine's, whoever had one of that name before.
 */
bool engine_brought(const struct judging *judging, const struct witness *witnesses, size_t n,
		    const struct witness *driver, int64_t after);

/*
 * What an installation that failed set up and took back was an attempt, where the product was not there
 * before and nothing proves it afterwards.
 */
void attempts_take_back(const struct judging *judging, struct witness_list *list);

/* Gives a witness its id: SHA-256 over its locator and assertion, 12 hex digits. */
void witness_name(const struct case_contents *contents, struct witness *witness);

/*
 * What one trace asserts about one component: fills assertion, family, when and the flags of up
 * to max witnesses and returns their number. The semantics table itself.
 */
size_t semantics_of(const struct judging *judging, const struct system *system,
		    const struct case_source *source, const struct trace *trace, enum role role,
		    struct witness *ret, size_t max);

enum { SEMANTICS_MAX = 6 };

/* The trace of the key or folder that bounds the removal of what a trace tells of; NULL: none. */
const struct case_trace *container_of(const struct case_contents *contents,
				      const struct case_trace *child);

#endif
