/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_REGISTRY_SHIMCACHE_FORMAT_H
#define AVOUCH_PARSERS_REGISTRY_SHIMCACHE_FORMAT_H

#include "parsers/base/failure.h"
#include "parsers/base/instant.h"
#include "parsers/base/span.h"

/* One entry of an application compatibility cache. */
struct shimcache_entry {
	struct span path;        /* UTF-16LE, into the cache */
	struct instant modified; /* the file's modification time, never a run */
	struct instant updated;  /* of the entry; Windows XP only */
	uint32_t flags;          /* insertion flags where the format has them */
	bool has_flags;
	size_t position; /* 0 is the newest */
	uint64_t offset; /* of the entry in the cache */
};

typedef enum status (*shimcache_visitor)(const struct shimcache_entry *entry, void *payload,
					 struct failure *why);

/*
 * Decodes the value AppCompatCache: Windows XP, 2003, Vista, 7, 8.0, 8.1, 10 and 11, 32 and 64
 * bits. Entries are given until the bytes end; *ret_format is its name ("Windows 7, 64 bits").
 * ERR_UNSUPPORTED for an unknown signature, ERR_TRUNCATED or ERR_FORMAT when entries break off
 * (what was before was given). A negative status of visit stops and is returned.
 */
MUST_USE enum status shimcache_decode(struct span cache, shimcache_visitor visit, void *payload,
				      const char **ret_format, struct failure *why);

#endif
