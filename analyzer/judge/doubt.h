/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_JUDGE_DOUBT_H
#define AVOUCH_ANALYZER_JUDGE_DOUBT_H

#include "analyzer/judge/system.h"

/* What the search for doubts is given, and what it found. */
struct doubting {
	struct arena *arena;
	const struct case_contents *contents;
	const struct system *systems;
	size_t n_systems;
	int64_t acquired; /* UTC ticks; 0 unknown */
	struct doubt *items;
	size_t n, room;
};

/* Appends; ERR_NO_MEMORY when the arena is full. */
MUST_USE enum status doubt_add(struct doubting *d, const struct doubt *doubt,
			       struct failure *why);

/* The system a trace belongs to; NO_SYSTEM if none, or if it is no live record. */
size_t doubting_system(const struct doubting *d, const struct case_trace *trace);

/*
 * Whether a reading is explained by a clock that was set wrong and right again: no more is to be made
 * of its being too late. Asked once doubts_of_changes() is through.
 */
bool doubting_explains(const struct doubting *d, size_t system, int64_t reading);

/* Changes of the clock, and numbers that rise while times fall. */
MUST_USE enum status doubts_of_changes(struct doubting *d, struct failure *why);
/* Readings after the acquisition or before the system; a registry older than the logs. */
MUST_USE enum status doubts_of_readings(struct doubting *d, struct failure *why);
/* Files whose times contradict each other. */
MUST_USE enum status doubts_of_files(struct doubting *d, struct failure *why);

/* Headers of images hold local times of unknown zone, so a day after the acquisition is allowed. */
static const int64_t after_acquisition_slack = TICKS_PER_DAY;

static inline bool trace_type_is(const struct case_trace *t, const char *name)
{
	return strcmp(t->trace.type->name, name) == 0;
}

static inline int64_t magnitude(int64_t n)
{
	return n < 0 ? -n : n;
}

#endif
