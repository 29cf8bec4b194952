/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_DIGEST_H
#define AVOUCH_PARSERS_STREAM_DIGEST_H

#include "parsers/stream/ranges.h"
#include "parsers/stream/stream.h"

struct digests {
	uint8_t md5[16], sha1[20], sha256[32];
};

enum { DIGEST_MAX_STREAMS = 8 };

/*
 * Digests of a medium in one pass. streams are the same medium opened n_streams times (1 to
 * DIGEST_MAX_STREAMS): each is used by a thread of its own, and while one reads and inflates, others
 * hash what was read; with one everything happens in the caller's thread. Where no thread can be made
 * fewer are used. On failure the status and message are those of the first bytes that cannot be
 * read, and no digest is given. What is unreadable (ERR_UNREADABLE) ends nothing: the whole medium is
 * read, and all such ranges, to the sector, are added to ret_unreadable.
 */
MUST_USE enum status stream_digest(struct stream *const *streams, size_t n_streams,
				   struct digests *ret, struct range_list *ret_unreadable,
				   struct failure *why);

#endif
