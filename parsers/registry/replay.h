/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_REGISTRY_REPLAY_H
#define AVOUCH_PARSERS_REGISTRY_REPLAY_H

#include "parsers/parser.h"

/* Where a page of the hive came from. */
struct hive_page {
	uint32_t companion; /* 0: the primary file */
	uint64_t offset;    /* in that file */
};

/* A hive as it stands after its logs were applied in memory. */
struct hive_image {
	struct span bytes;
	struct span primary; /* the primary file as found; the same bytes when nothing was applied */
	/* For each 512 bytes of the image; NULL when all came from the primary file. */
	const struct hive_page *pages;
};

/* Where a range of the image stands. */
struct hive_place {
	uint64_t offset, size; /* size is cut where the next page came from elsewhere */
	unsigned companion;
};

struct hive_place hive_image_place(const struct hive_image *image, uint64_t offset, uint64_t size);

/*
 * Reads the primary file and, when it was not cleanly written, applies its logs. What cannot be
 * read or applied is said through note() and lost(). STATUS_DECLINED for an empty file.
 */
MUST_USE enum status hive_image_load(struct parse_context *ctx, const struct source *source,
				     struct hive_image *ret, struct failure *why);

#endif
