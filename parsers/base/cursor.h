/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_BASE_CURSOR_H
#define AVOUCH_PARSERS_BASE_CURSOR_H

#include "parsers/base/span.h"
#include "parsers/base/status.h"

/*
 * The only way bytes of evidence are read. A read past the end returns zero or an empty span and
 * sets status to ERR_TRUNCATED, which sticks; check status after each header, and before any loop,
 * allocation or emit that uses a value that was read.
 */
struct cursor {
	struct span bytes;
	size_t pos;    /* next byte, <= bytes.size */
	uint64_t base; /* offset of bytes.data[0] in its source, for messages and locators */
	enum status status;
};

static inline struct cursor cursor_over(struct span bytes, uint64_t base)
{
	return (struct cursor){ .bytes = bytes, .base = base };
}

/* Bytes left. */
static inline size_t cursor_left(const struct cursor *c)
{
	return c->bytes.size - c->pos;
}

/* Offset of the next byte in the source. */
static inline uint64_t cursor_offset(const struct cursor *c)
{
	return c->base + c->pos;
}

/* The next n bytes; empty and sticky ERR_TRUNCATED if fewer are left. */
struct span cursor_take(struct cursor *c, size_t n);
/* Moves to pos (from the start of the span); ERR_TRUNCATED if that is past the end. */
void cursor_seek(struct cursor *c, size_t pos);
void cursor_skip(struct cursor *c, size_t n);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16le(struct cursor *c);
uint32_t cursor_u32le(struct cursor *c);
uint64_t cursor_u64le(struct cursor *c);
uint16_t cursor_u16be(struct cursor *c);
uint32_t cursor_u32be(struct cursor *c);
uint64_t cursor_u64be(struct cursor *c);

/* Little-endian reads at an offset of a span; 0 when it does not fit. For already checked ranges. */
static inline uint16_t span_u16le(struct span s, size_t offset)
{
	if (s.size < 2 || offset > s.size - 2)
		return 0;
	return (uint16_t)(s.data[offset] | s.data[offset + 1] << 8);
}

static inline uint32_t span_u32le(struct span s, size_t offset)
{
	if (s.size < 4 || offset > s.size - 4)
		return 0;
	return (uint32_t)s.data[offset] | (uint32_t)s.data[offset + 1] << 8 |
	       (uint32_t)s.data[offset + 2] << 16 | (uint32_t)s.data[offset + 3] << 24;
}

static inline uint64_t span_u64le(struct span s, size_t offset)
{
	if (s.size < 8 || offset > s.size - 8)
		return 0;
	return (uint64_t)span_u32le(s, offset + 4) << 32 | span_u32le(s, offset);
}

#endif
