/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_DIGEST_H
#define AVOUCH_PARSERS_STREAM_DIGEST_H

#include "parsers/stream/stream.h"

struct digests {
	uint8_t md5[16], sha1[20], sha256[32];
};

/* Told now and then how many bytes are done; false stops with ERR_CANCELLED. */
typedef bool (*digest_progress)(uint64_t done, uint64_t size, void *payload);

/* Digests of the whole stream, in one pass. progress may be NULL. */
MUST_USE enum status stream_digest(struct stream *stream, digest_progress progress, void *payload,
				   struct digests *ret, struct failure *why);

#endif
