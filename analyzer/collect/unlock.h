/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_UNLOCK_H
#define AVOUCH_ANALYZER_COLLECT_UNLOCK_H

#include "parsers/stream/stream.h"

/* The secrets the user gave: passwords, recovery keys, names of BitLocker startup keys (.bek). */
struct secret_list {
	const char *const *items;
	size_t n;
};

/*
 * The plain content of an encrypted volume: without a secret first (a clear key), then with each.
 * STATUS_DECLINED when it is not encrypted, ERR_ENCRYPTED when nothing opens it. Borrows the volume.
 */
MUST_USE enum status unlock(struct stream *volume, struct secret_list secrets, struct stream **ret,
			    struct failure *why);

#endif
