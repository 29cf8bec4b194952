/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_STREAM_H
#define AVOUCH_PARSERS_STREAM_STREAM_H

#include "parsers/base/arena.h"
#include "parsers/base/failure.h"
#include "parsers/base/span.h"

/*
 * Random-access read-only bytes. Images, partitions, decrypted volumes, shadow copies and files
 * are all streams stacked on streams. A stream never passes off missing bytes as zeros: a read
 * that touches an unreadable range fails with ERR_UNREADABLE and the offset of that range.
 * A stream belongs to one thread of one process; streams borrow the stream they stand on.
 */
struct stream {
	const struct stream_ops *ops;
	uint64_t size; /* bytes; fixed once opened */
};

/* What a kind of stream does. read_at gets ranges already checked to lie inside size. */
struct stream_ops {
	enum status (*read_at)(struct stream *stream, uint64_t offset, void *buffer, size_t size,
			       struct failure *why);
	void (*close)(struct stream *stream); /* frees the stream, not what it stands on */
};

/*
 * Reads exactly size bytes at offset. ERR_TRUNCATED when the range passes the end, ERR_UNREADABLE
 * when part of it is missing or damaged evidence, ERR_IO when the medium failed.
 */
MUST_USE enum status stream_read(struct stream *stream, uint64_t offset, void *buffer, size_t size,
				 struct failure *why);

/* Closes and frees; NULL is fine. */
void stream_close(struct stream *stream);
DEFINE_CLEANUP(struct stream *, stream_close, stream_close_p)

/* Bytes in memory, borrowed for the life of the stream. */
MUST_USE enum status stream_over_memory(struct span bytes, struct stream **ret,
					struct failure *why);

/* The part [offset, offset + size) of parent (ERR_TRUNCATED if it does not lie inside). */
MUST_USE enum status stream_window(struct stream *parent, uint64_t offset, uint64_t size,
				   struct stream **ret, struct failure *why);

/* The whole stream in the arena; ERR_LIMIT above max bytes (before anything is allocated). */
MUST_USE enum status stream_load(struct stream *stream, struct arena *arena, uint64_t max,
				 struct span *ret, struct failure *why);

#endif
