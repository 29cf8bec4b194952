/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/eventlog/evtx_chunk.h"

#include <zlib.h>

#include "parsers/base/cursor.h"

static uint32_t crc_of(struct span bytes, size_t offset, size_t size)
{
	return (uint32_t)crc32(0, bytes.data + offset, (uInt)size);
}

bool evtx_header_crc_fits(struct span header, uint32_t *ret_stored)
{
	*ret_stored = span_u32le(header, 124);
	return *ret_stored == crc_of(header, 0, 120);
}

bool evtx_chunk_open(struct evtx_chunk *chunk, struct span bytes)
{
	uint32_t header_crc;

	if (bytes.size != EVTX_CHUNK_SIZE || memcmp(bytes.data, "ElfChnk", 8) != 0)
		return false;
	chunk->bytes = bytes;
	chunk->free_offset = span_u32le(bytes, 48);
	if (chunk->free_offset < EVTX_CHUNK_HEADER || chunk->free_offset > EVTX_CHUNK_SIZE)
		return false;
	header_crc = (uint32_t)crc32(crc_of(bytes, 0, 120), bytes.data + 128, 384);
	chunk->header_crc_fits = header_crc == span_u32le(bytes, 124);
	chunk->records_crc_fits = crc_of(bytes, EVTX_CHUNK_HEADER,
					 chunk->free_offset - EVTX_CHUNK_HEADER) ==
				  span_u32le(bytes, 52);
	return true;
}

bool evtx_chunk_was_written_on(const struct evtx_chunk *chunk)
{
	const uint32_t stored = span_u32le(chunk->bytes, 52);
	uint32_t pos = EVTX_CHUNK_HEADER, done = pos, skipped, crc = 0;
	struct evtx_record record;

	while (evtx_chunk_next(chunk, &pos, &record, &skipped) && record.live) {
		if (crc == stored)
			return true;
		crc = (uint32_t)crc32(crc, chunk->bytes.data + done, pos - done);
		done = pos;
	}
	return false;
}

static void put_u32(uint8_t *at, uint32_t number)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(number >> (8 * i));
}

void evtx_chunk_mend(struct evtx_chunk *chunk, uint8_t *buffer)
{
	const struct span bytes = span_of(buffer, EVTX_CHUNK_SIZE);
	uint32_t crc;

	/* The tables of strings and templates (128 to 511) are kept: templates are found inline too. */
	memset(buffer, 0, 128);
	memcpy(buffer, "ElfChnk", 8);
	put_u32(buffer + 40, 128);
	put_u32(buffer + 44, EVTX_CHUNK_HEADER);
	put_u32(buffer + 48, EVTX_CHUNK_HEADER);
	put_u32(buffer + 52, 0); /* of no records */
	crc = (uint32_t)crc32(crc_of(bytes, 0, 120), buffer + 128, 384);
	put_u32(buffer + 124, crc);
	*chunk = (struct evtx_chunk){ .bytes = bytes, .free_offset = EVTX_CHUNK_HEADER };
}

/* A whole record at offset that ends at or before end. */
static bool read_record(struct span bytes, uint32_t offset, uint32_t end, struct evtx_record *ret)
{
	uint32_t size;

	if (end - offset < EVTX_RECORD_MIN || memcmp(bytes.data + offset, "**\0", 4) != 0)
		return false;
	size = span_u32le(bytes, offset + 4);
	if (size < EVTX_RECORD_MIN || size > end - offset ||
	    span_u32le(bytes, offset + size - 4) != size)
		return false;
	ret->offset = offset;
	ret->size = size;
	ret->id = span_u64le(bytes, offset + 8);
	ret->written = instant_from_filetime(span_u64le(bytes, offset + 16));
	return true;
}

bool evtx_chunk_next(const struct evtx_chunk *chunk, uint32_t *pos, struct evtx_record *ret,
		     uint32_t *ret_skipped)
{
	*ret_skipped = 0;
	while (*pos <= EVTX_CHUNK_SIZE - EVTX_RECORD_MIN) {
		const bool live = *pos < chunk->free_offset;
		const uint32_t end = live ? chunk->free_offset : EVTX_CHUNK_SIZE;

		if (read_record(chunk->bytes, *pos, end, ret)) {
			ret->live = live;
			*pos += ret->size;
			return true;
		}
		if (live) /* the rest of the live part may be shorter than a record */
			*ret_skipped += end - *pos < 4 ? end - *pos : 4;
		*pos = live && end - *pos < 4 ? end : *pos + 4;
	}
	return false;
}
