/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_REGISTRY_REPLAY_H
#define AVOUCH_PARSERS_REGISTRY_REPLAY_H

#include "parsers/registry/hive_image.h"

/*
 * Applies a hive's transaction logs to image->primary and says through note() and lost() what was
 * and what could not be applied.
 *
 * A hive is dirty when its header's checksum is wrong or its two sequence numbers differ; the logs
 * of a clean hive are never applied, whatever they hold. Source: M. Suhanov, "Windows registry
 * file format specification" (github.com/msuhanov/regf), "Format of transaction log files",
 * "Dirty state of a hive", "Multiple transaction log files".
 *
 *   log, new (file type 6): base block (512 bytes), then entries from 512 on
 *   0   4  "HvLE"                      24  8  Marvin32 of the entry from 40 on
 *   4   4  size of the entry           32  8  Marvin32 of its first 32 bytes
 *   12  4  sequence number             40  8n page references: offset from 4096, size
 *   16  4  size of all hive bins           then the pages, without gaps
 *   20  4  number of pages
 *
 *   log, old (file type 1, before Windows XP 2): base block (one sector), "DIRT" and a bit for each
 *   512 bytes behind the header (lowest bit first), then from the next sector the dirty pages
 */
MUST_USE enum status replay_logs(struct parse_context *ctx, const struct source *source,
				 struct hive_image *image, struct failure *why);

/* One entry of a new log whose hashes are right; its page references lie whole in it. */
bool log_entry_read(struct span log, size_t at, struct span *ret);

/* The Marvin32 hash as logs use it (seed 82EF4D887A4E55C5). */
uint64_t marvin32(struct span bytes);

#endif
