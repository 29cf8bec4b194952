/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_WINDOWS_MAM_H
#define AVOUCH_PARSERS_WINDOWS_MAM_H

#include "parsers/base/arena.h"
#include "parsers/base/failure.h"
#include "parsers/base/span.h"

/* Whether the bytes start with the header of a compressed file ("MAM"). */
bool mam_is(struct span bytes);

/*
 * Unpacks a compressed file (prefetch of Windows 10 and 11) into the arena: "MAM", a byte with
 * the method (4: LZ77 and Huffman, MS-XCA 2.1 and 2.2; bit 7: a CRC follows the size), the size
 * unpacked. ERR_UNSUPPORTED for other methods, ERR_LIMIT above max, ERR_FORMAT for garbage.
 */
MUST_USE enum status mam_unpack(struct span bytes, struct arena *arena, size_t max,
				struct span *ret, struct failure *why);

#endif
