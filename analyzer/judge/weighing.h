/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_JUDGE_WEIGHING_H
#define AVOUCH_ANALYZER_JUDGE_WEIGHING_H

#include "analyzer/judge/verdict.h"

enum { REASONS_MAX = 24, WITNESSES_MAX = 64 };

/* Sentences, each kept once; the first REASONS_MAX of them. */
struct notes {
	struct arena *arena;
	struct text *items;
	size_t n;
};

/* What one product's outcome is reached from. */
struct weighing {
	struct judging *j;
	const struct judgement *all;
	const struct product_history *h; /* NULL: of no product */
	const struct system *system;
	enum duty duty;
	int64_t deadline;   /* 0: none */
	bool names_hour;    /* the limit is a time, not the end of a day */
	const char *issued; /* day of the act, YYYY-MM-DD */
	struct notes reasons, qualified;
	size_t *witnesses; /* cited, the weightiest first */
	size_t n_witnesses;
};

/* The latest stay; NULL when none is told. */
static inline const struct episode *last_episode(const struct product_history *history)
{
	return history->n_episodes ? &history->episodes[history->n_episodes - 1] : NULL;
}

/* Adds a sentence to the reasons or qualifications. */
void say(struct notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Cites a witness of the judgement, once; NO_WITNESS is none. */
void cite(struct weighing *weighing, size_t witness);

/* Whether the evidence is known to have been acquired before the limit. */
bool acquired_before(const struct weighing *weighing);

/* The outcome of the history by the rows of the table (docs/judgement.md, 6), with its reasons. */
enum outcome weigh(struct weighing *weighing);

/* Adds what weakens any outcome on the system: clocks, clearings, what could not be read. */
void qualify_system(struct weighing *weighing, enum outcome outcome);

/* Whether the registry was put back to a state before D, which is then a reason of the weighing. */
bool state_is_older(struct weighing *weighing);

/*
 * Cites and tells what Windows Installer installed, after an install ban, over a product that was
 * there before. True when some of it bears a name that nothing there bore before: another product.
 */
bool came_over_it(struct weighing *weighing);

/* The worst comes first (0) when products are gathered into one verdict. */
int outcome_severity(enum outcome outcome);

/* Whether the outcome says that the duty was not met. */
bool outcome_is_adverse(enum outcome outcome);

#endif
