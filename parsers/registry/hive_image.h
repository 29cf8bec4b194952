/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_REGISTRY_HIVE_IMAGE_H
#define AVOUCH_PARSERS_REGISTRY_HIVE_IMAGE_H

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
	uint8_t *own; /* the same bytes, once they may be changed in memory */
	struct span
		primary; /* the primary file as found; the same bytes when nothing was applied */
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
 */
MUST_USE enum status hive_image_load(struct parse_context *ctx, const struct source *source,
				     struct hive_image *ret, struct failure *why);

#endif
