/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_EXPORT_TIMELINE_H
#define AVOUCH_ANALYZER_EXPORT_TIMELINE_H

#include <stdio.h>

#include "analyzer/casefile/case.h"

/* One way to write a timeline: text, csv, jsonl, timesketch, bodyfile, tln, l2tcsv. */
struct timeline_format;

/* By name; NULL when there is none. */
const struct timeline_format *timeline_format_find(const char *name);

/*
 * Writes one row for every set time of every trace, in order of time, then of trace and field.
 * UTC; a local time is written as read, also where a format counts seconds, stands in the order of
 * its reading and is marked "local time" with what it is.
 */
MUST_USE enum status timeline_write(struct arena *arena, const struct case_contents *contents,
				    const struct timeline_format *format, FILE *out,
				    struct failure *why);

#endif
