/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_REGISTRY_REPLAY_H
#define AVOUCH_PARSERS_REGISTRY_REPLAY_H

#include "parsers/parser.h"

/* The companion of bytes that stand in no file (the hive grew and no log wrote there). */
#define HIVE_NO_FILE UINT32_MAX

/* Where a page of the hive came from. */
struct hive_page {
	uint32_t companion; /* 0: the primary file; n: the n-th log; HIVE_NO_FILE */
	uint64_t offset;    /* in that file */
};

/* One range that a log wrote over the hive. */
struct hive_patch {
	uint32_t companion;
	uint32_t sequence;   /* of the log entry; patches of one entry are applied together */
	uint64_t log_offset; /* in the log */
	uint64_t offset;     /* in the hive, with its header; a multiple of 512 */
	uint64_t size;       /* a multiple of 512 */
};

/* A hive as it stands after its logs were applied in memory. */
struct hive_image {
	struct span bytes;
	struct span primary; /* the primary file as found; the same bytes when nothing was applied */
	/* For each 512 bytes of the image; NULL when all came from the primary file. */
	struct hive_page *pages;
	size_t n_pages;
	/* What the logs wrote, in the order in which it was applied. */
	const struct hive_patch *patches;
	size_t n_patches;
	struct span logs[SOURCE_MAX_COMPANIONS]; /* the companions' bytes, empty where unread */
};

/* Where a range of the image stands. */
struct hive_place {
	uint64_t offset, size; /* size is cut where the next page came from elsewhere */
	unsigned companion;
};

struct hive_place hive_place_in(const struct hive_page *pages, uint64_t offset, uint64_t size);
struct hive_place hive_image_place(const struct hive_image *image, uint64_t offset, uint64_t size);

/*
 * Reads the primary file and, when it was not cleanly written, applies its logs. What cannot be
 * read or applied is said through note() and lost(). STATUS_DECLINED for an empty file.
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
MUST_USE enum status hive_image_load(struct parse_context *ctx, const struct source *source,
				     struct hive_image *ret, struct failure *why);

/* One entry of a new log whose hashes are right; its page references lie whole in it. */
bool log_entry_read(struct span log, size_t at, struct span *ret);

/* The Marvin32 hash as logs use it (seed 82EF4D887A4E55C5). */
uint64_t marvin32(struct span bytes);

#endif
