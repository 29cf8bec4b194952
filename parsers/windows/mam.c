/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/windows/mam.h"

#include "parsers/base/cursor.h"

/*
 * LZ77 and Huffman (MS-XCA 2.2): blocks that give 64 KiB each; a block starts with 256 bytes of
 * 4-bit code lengths of 512 symbols. Codes are canonical and at most 15 bits; bits come in 16-bit
 * words, the highest first. Symbols below 256 are bytes; others are matches: bits 0-3 the length,
 * bits 4-7 how many bits of distance follow.
 */
enum {
	SYMBOLS = 512,
	LENGTHS_SIZE = 256,
	MAX_BITS = 15,
	BLOCK = 65536,
	METHOD_HUFFMAN = 4,
	HAS_CRC = 0x80,
};

struct unpacker {
	struct cursor in;
	uint32_t bits; /* the highest come next */
	int extra;     /* how many beyond 16 are held */
	uint16_t codes[1 << MAX_BITS];  /* next 15 bits -> symbol */
	uint8_t lengths[SYMBOLS];
	uint8_t *out;
	size_t used, size;
};

/* Fills the decoding table; false when the lengths are no complete code. */
static bool read_codes(struct unpacker *u)
{
	const struct span packed = cursor_take(&u->in, LENGTHS_SIZE);
	size_t next = 0;

	if (!packed.data)
		return false;
	for (size_t i = 0; i < SYMBOLS; i++)
		u->lengths[i] = packed.data[i / 2] >> (i % 2 ? 4 : 0) & 15;
	for (unsigned length = 1; length <= MAX_BITS; length++) {
		const size_t n = (size_t)1 << (MAX_BITS - length);

		for (uint16_t symbol = 0; symbol < SYMBOLS; symbol++) {
			if (u->lengths[symbol] != length)
				continue;
			if (n > ((size_t)1 << MAX_BITS) - next)
				return false;
			for (size_t i = 0; i < n; i++)
				u->codes[next++] = symbol;
		}
	}
	return next == (size_t)1 << MAX_BITS;
}

/* The encoder may leave out words behind the end: they read as zero. */
static uint32_t next_word(struct unpacker *u)
{
	return cursor_left(&u->in) >= 2 ? cursor_u16le(&u->in) : 0;
}

static void start_bits(struct unpacker *u)
{
	u->bits = next_word(u) << 16;
	u->bits |= next_word(u);
	u->extra = 16;
}

static void drop_bits(struct unpacker *u, unsigned n)
{
	u->bits = n < 32 ? u->bits << n : 0;
	u->extra -= (int)n;
	if (u->extra < 0) {
		u->bits |= next_word(u) << -u->extra;
		u->extra += 16;
	}
}

/* Length of a match; longer ones continue in whole bytes of the input. 0 when garbled. */
static size_t match_length(struct unpacker *u, unsigned symbol)
{
	size_t length = symbol & 15;

	if (length == 15) {
		length = cursor_u8(&u->in);
		if (length == 255) {
			length = cursor_u16le(&u->in);
			if (length == 0)
				length = cursor_u32le(&u->in);
			if (length < 15)
				return 0;
			length -= 15;
		}
		length += 15;
	}
	return u->in.status < 0 ? 0 : length + 3;
}

static bool copy_match(struct unpacker *u, unsigned symbol)
{
	const unsigned n_bits = symbol >> 4 & 15;
	const size_t length = match_length(u, symbol);
	const size_t distance = ((size_t)1 << n_bits) + (n_bits ? u->bits >> (32 - n_bits) : 0);

	drop_bits(u, n_bits);
	if (length == 0 || distance > u->used || length > u->size - u->used)
		return false;
	for (size_t i = 0; i < length; i++, u->used++)
		u->out[u->used] = u->out[u->used - distance];
	return true;
}

static bool unpack_block(struct unpacker *u)
{
	const size_t end = u->size - u->used < BLOCK ? u->size : u->used + BLOCK;

	if (!read_codes(u))
		return false;
	start_bits(u);
	while (u->used < end) {
		const unsigned symbol = u->codes[u->bits >> (32 - MAX_BITS)];

		drop_bits(u, u->lengths[symbol]);
		if (symbol < 256)
			u->out[u->used++] = (uint8_t)symbol;
		else if (!copy_match(u, symbol))
			return false;
	}
	return true;
}

bool mam_is(struct span bytes)
{
	return bytes.size >= 8 && memcmp(bytes.data, "MAM", 3) == 0;
}

enum status mam_unpack(struct span bytes, struct arena *arena, size_t max, struct span *ret,
		       struct failure *why)
{
	const uint32_t size = span_u32le(bytes, 4);
	struct unpacker *u;

	if (!mam_is(bytes))
		return failure_set(why, ERR_FORMAT, "no MAM header");
	if ((bytes.data[3] & 0x7f) != METHOD_HUFFMAN)
		return failure_set(why, ERR_UNSUPPORTED, "compression method %u",
				   bytes.data[3] & 0x7fU);
	if (size > max)
		return failure_set(why, ERR_LIMIT, "%u bytes unpacked", size);
	u = arena_alloc(arena, sizeof(*u));
	if (!u)
		return failure_set(why, ERR_LIMIT, "no memory to unpack");
	u->in = cursor_over(bytes, 0);
	cursor_seek(&u->in, bytes.data[3] & HAS_CRC ? 12 : 8);
	u->size = size;
	u->out = arena_alloc(arena, size);
	if (!u->out)
		return failure_set(why, ERR_LIMIT, "no memory for %u bytes", size);
	while (u->used < u->size)
		if (!unpack_block(u))
			return failure_at(why, ERR_FORMAT, u->in.pos, "compressed data is garbled");
	*ret = span_of(u->out, u->size);
	return STATUS_OK;
}
