/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_BASE_TEXT_H
#define AVOUCH_PARSERS_BASE_TEXT_H

#include <limits.h>
#include <stdbool.h>

#include "parsers/base/arena.h"
#include "parsers/base/span.h"

/*
 * UTF-16LE to UTF-8 in the arena, NUL ended. Trailing NULs are trimmed, an inner NUL stays as
 * U+2400 (SYMBOL FOR NULL), an unpaired surrogate becomes U+FFFD; both set *ret_lossy (may be
 * NULL). An odd last byte is dropped and sets it too. data NULL only when the arena is full.
 */
struct text text_from_utf16le(struct arena *arena, struct span bytes, bool *ret_lossy);

/* Windows-1252 (which contains ISO 8859-1) to UTF-8, as registry compressed names use it. */
struct text text_from_latin1(struct arena *arena, struct span bytes);

/* Copies bytes that claim to be UTF-8; malformed sequences become U+FFFD and set *ret_lossy. */
struct text text_from_utf8(struct arena *arena, struct span bytes, bool *ret_lossy);

/* True when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong). */
bool text_is_utf8(struct text text);

/*
 * Simple case folding of one code point: ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic
 * basic letters; others unchanged. NTFS upcases by its own table ($UpCase); for the letters above
 * the two agree on which names are equal.
 */
uint32_t text_fold_char(uint32_t c);

/* The folded copy in the arena; data NULL when the arena is full. */
struct text text_fold(struct arena *arena, struct text text);

/* Equality under text_fold without copying. */
bool text_equal_folded(struct text a, struct text b);

/* Next code point of well-formed UTF-8 at *pos, which moves on; U+FFFD on malformed bytes. */
uint32_t text_next(struct text text, size_t *pos);

/*
 * A copy fit for a line of output: control characters, bidirectional overrides and line
 * separators are written as \u00XX, so that a hostile name cannot forge a line.
 */
struct text text_printable(struct arena *arena, struct text text);

#endif
