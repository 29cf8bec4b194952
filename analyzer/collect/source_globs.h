/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_SOURCE_GLOBS_H
#define AVOUCH_ANALYZER_COLLECT_SOURCE_GLOBS_H

#include "analyzer/collect/job.h"

/*
 * The paths of all parsers, found by how they end: a volume has many files and few sources, and
 * most files are told apart by their last two letters.
 */
struct source_globs;

/* Lives in the arena. carve: with the parsers that look through free clusters. NULL when full. */
const struct source_globs *source_globs_new(struct arena *arena, bool carve);

/*
 * The parsers that want the file of this path, put into the order; also below /Windows.old. Those
 * for named files only are asked about through ctx. False when none does. ret_is_hive is set when one
 * reads registry hives, and left alone otherwise.
 */
bool source_globs_find(const struct source_globs *globs, struct parse_context *ctx,
		       struct text path, struct job_order *order, bool *ret_is_hive);

/* The NTFS stream that some parser wants of the file of this path; NULL when none does. */
const char *source_globs_stream(const struct source_globs *globs, struct text path);

#endif
