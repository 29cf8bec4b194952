/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_PARTITION_H
#define AVOUCH_PARSERS_STREAM_PARTITION_H

#include "parsers/base/arena.h"
#include "parsers/stream/stream.h"

/* One stretch of a disk that a partition table allots. */
struct partition {
	uint64_t offset, size;  /* bytes of the disk; size cut where the image ends */
	bool cut;               /* the table says it is longer than the image */
	struct text description; /* as the table names its type, "Basic data partition" */
	unsigned slot;           /* order in the table, from 1; 0 for a bare volume */
};

struct partition_table {
	const char *scheme; /* "dos", "gpt", "bsd", "sun", "mac", "none" */
	bool from_backup;   /* the first copy was damaged */
	struct partition *partitions;
	size_t n_partitions;
};

/*
 * Reads the partition table of a disk. Without one the whole disk is one bare volume, scheme
 * "none". ERR_FORMAT when a table is there but ambiguous or damaged. Memory from the arena.
 */
MUST_USE enum status partition_table_read(struct stream *disk, struct arena *arena,
					  struct partition_table *ret, struct failure *why);

#endif
