/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_SNAPSHOT_H
#define AVOUCH_PARSERS_STREAM_SNAPSHOT_H

#include "parsers/base/instant.h"
#include "parsers/stream/stream.h"

/*
 * The volume shadow copies of an NTFS volume, through libvshadow. Each is the volume as it was at
 * its creation, by the clock of that machine; blocks may be missing from it, since the system drops
 * what it need not keep.
 */
struct snapshot_set;

struct snapshot {
	struct instant created;
	uint64_t size;     /* bytes of the volume then */
	bool has_data;     /* false: its store is kept on another volume and cannot be read */
	uint8_t identifier[16]; /* of the store, GUID as on disk */
};

/* STATUS_END when the volume has none. Borrows the volume. */
MUST_USE enum status snapshots_open(struct stream *volume, struct snapshot_set **ret,
				    struct failure *why);
void snapshots_close(struct snapshot_set *set);
DEFINE_CLEANUP(struct snapshot_set *, snapshots_close, snapshots_close_p)

/* How many there are; oldest first. */
size_t snapshots_count(const struct snapshot_set *set);
MUST_USE enum status snapshot_describe(struct snapshot_set *set, size_t n, struct snapshot *ret,
				       struct failure *why);
/* The n-th (from 0) as a volume. The stream borrows the set. */
MUST_USE enum status snapshot_open(struct snapshot_set *set, size_t n, struct stream **ret,
				   struct failure *why);

#endif
