/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_JUDGE_BUILDING_H
#define AVOUCH_ANALYZER_JUDGE_BUILDING_H

#include "analyzer/judge/witness.h"

/* The witnesses of one product on one system while its history is built. */
struct building {
	struct judging *j;
	const struct witness *w; /* of this product, in order of time */
	size_t n, first;         /* first: index of w[0] in the judgement */
	bool *dropped;           /* ends that end nothing */
};

/* An installation's own records lie within this time of each other (an hour). */
#define ONE_ACT (INT64_C(60) * TICKS_PER_MINUTE)
/* Records that follow a removal this closely, when no restart is seen, belong to it. */
#define TAIL_WITHOUT_BOOT (INT64_C(15) * TICKS_PER_MINUTE)

/* Whether a trace (may be NULL) is of the type. */
static inline bool trace_is(const struct case_trace *t, const char *name)
{
	return t && strcmp(t->trace.type->name, name) == 0;
}

/* Proof that the product was there, or came. */
static inline bool is_positive(const struct witness *w)
{
	return (w->assertion == ASSERTS_BEGIN || w->assertion == ASSERTS_PRESENT) && !w->weak;
}

static inline int64_t distance(int64_t a, int64_t b)
{
	return a < b ? b - a : a - b;
}

/* The event id of an event log's trace. */
static inline uint64_t event_id(const struct case_trace *t)
{
	return trace_uint(&t->trace, "event_id");
}

/* A record that Windows Installer itself wrote of the act. */
static inline bool is_msi_act(const struct witness *w)
{
	return w->whole_act && trace_is(w->trace, "windows.event.msi");
}

/* The installer's record that an installation failed. */
static inline bool is_failed_installation(const struct witness *w)
{
	return w->assertion == ASSERTS_ATTEMPT && trace_is(w->trace, "windows.event.msi") &&
	       (event_id(w->trace) == 1033 || event_id(w->trace) == 11708);
}

/*
 * Marks in dropped[] the ends that end nothing: the first half of an upgrade, one product code of
 * a family while another lives, a program file that was replaced.
 */
void drop_false_ends(struct building *building);

/* Adds a reason, once, why the bounds of an episode are qualified. */
void episode_qualify(struct episode *episode, const char *reason);

/* The latest proof of presence in (after, until]; NO_WITNESS when there is none. */
size_t last_positive(const struct building *building, int64_t after, int64_t until);

/*
 * When it went: not before the last proof of presence, not after the first proof of absence. The
 * installer's own record within the aftermath closes the act; files that wait for a restart move
 * the end to the next boot; an installation that follows at once cuts the aftermath off. Returns
 * until when what is recorded belongs to this stay.
 */
int64_t set_removal(struct building *building, struct episode *episode, int64_t after,
		    size_t negative);

/* Nothing records the removal: it lies between the last proof and the state as acquired. */
void set_unseen_removal(struct building *building, struct episode *episode, int64_t after);

#endif
