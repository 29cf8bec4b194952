/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_JUDGE_BOUND_H
#define AVOUCH_ANALYZER_JUDGE_BOUND_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What is known of when something happened: it lies in [not_before, not_after], UTC ticks. An open
 * end is unknown; it is never a date. not_before <= not_after always holds.
 */
struct bound {
	int64_t not_before; /* BOUND_OPEN_START when unknown */
	int64_t not_after;  /* BOUND_OPEN_END when unknown */
};

#define BOUND_OPEN_START INT64_MIN
#define BOUND_OPEN_END INT64_MAX

static inline struct bound bound_open(void)
{
	return (struct bound){ BOUND_OPEN_START, BOUND_OPEN_END };
}

static inline struct bound bound_at(int64_t ticks)
{
	return (struct bound){ ticks, ticks };
}

/* At or before ticks. */
static inline struct bound bound_until(int64_t ticks)
{
	return (struct bound){ BOUND_OPEN_START, ticks };
}

static inline struct bound bound_between(int64_t not_before, int64_t not_after)
{
	return (struct bound){ not_before, not_after };
}

static inline bool bound_has_start(struct bound b)
{
	return b.not_before != BOUND_OPEN_START;
}

static inline bool bound_has_end(struct bound b)
{
	return b.not_after != BOUND_OPEN_END;
}

/* What both say; false (and *ret untouched) when they contradict each other. */
bool bound_both(struct bound a, struct bound b, struct bound *ret);

/* Moved by an unknown amount between least and most ticks; open ends stay open, no overflow. */
struct bound bound_widen(struct bound b, int64_t least, int64_t most);

/* Certainly before the instant (which is exclusive: the first one after the allowed time). */
bool bound_is_before(struct bound b, int64_t instant);
/* Certainly at or after the instant. */
bool bound_is_from(struct bound b, int64_t instant);

/* ticks + delta, kept inside the range of instants. */
int64_t ticks_add(int64_t ticks, int64_t delta);

#endif
