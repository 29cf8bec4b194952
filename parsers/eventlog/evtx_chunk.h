/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_EVENTLOG_EVTX_CHUNK_H
#define AVOUCH_PARSERS_EVENTLOG_EVTX_CHUNK_H

#include "parsers/base/instant.h"
#include "parsers/base/span.h"

/*
 * The frame of a Windows XML Event Log (Windows Vista to 11): file header, chunks of 64 KiB, record
 * headers. Source: "Windows XML Event Log (EVTX) format", libevtx documentation, sections 2 to 4.
 *
 * File header (4096 bytes)              Chunk header (512 bytes)           Record
 *   0  8  "ElfFile\0"                     0  8  "ElfChnk\0"                  0 4  "**\0\0"
 *   8  8  first chunk                     8  8  first record number          4 4  size
 *  16  8  last chunk                     16  8  last record number           8 8  identifier
 *  24  8  next record identifier         24  8  first record identifier     16 8  written, FILETIME
 *  40  2  header block size              32  8  last record identifier      24 .. binary XML
 *  42  2  number of chunks               40  4  header size (128)           n-4 4 size again
 * 120  4  flags: 1 dirty, 2 full,        44  4  offset of the last record
 *         4 no CRC-32                    48  4  offset of the free space
 * 124  4  CRC-32 of bytes 0 to 119       52  4  CRC-32 of the records
 *                                       120  4  flags
 *                                       124  4  CRC-32 of bytes 0 to 119 and 128 to 511
 */
enum {
	EVTX_HEADER_SIZE = 4096,
	EVTX_CHUNK_SIZE = 65536,
	EVTX_CHUNK_HEADER = 512,
	EVTX_RECORD_HEADER = 24,
	EVTX_RECORD_MIN = 28,
};

enum {
	EVTX_FLAG_DIRTY = 1,
	EVTX_FLAG_NO_CRC = 4,
};

/* One record as its header gives it. */
struct evtx_record {
	uint32_t offset, size; /* in the chunk */
	uint64_t id;
	struct instant written;
	bool live; /* before the chunk's free space */
};

/* CRC-32 as in RFC 1952. */
struct evtx_chunk {
	struct span bytes; /* EVTX_CHUNK_SIZE */
	uint32_t free_offset;
	bool records_crc_fits, header_crc_fits;
};

/* Whether the checksum of the file header (its first 128 bytes) fits; *ret_stored is as stored. */
bool evtx_header_crc_fits(struct span header, uint32_t *ret_stored);

/* Reads the header; false when the signature or the offset of the free space is not a chunk's. */
bool evtx_chunk_open(struct evtx_chunk *chunk, struct span bytes);

/*
 * Whether the checksum of the records fits those up to an earlier one: more were written after it,
 * as in the newest chunk of a log that was not closed. Damage among the earlier ones does not fit.
 */
bool evtx_chunk_was_written_on(const struct evtx_chunk *chunk);

/*
 * Gives a damaged chunk a header under which all of it may hold records; buffer is EVTX_CHUNK_SIZE
 * bytes, of which the header is overwritten.
 */
void evtx_chunk_mend(struct evtx_chunk *chunk, uint8_t *buffer);

/*
 * The next whole record at or behind *pos (begin with EVTX_CHUNK_HEADER), which moves behind it;
 * first the live ones, then what is left of earlier ones in the free space. *ret_skipped says how
 * many bytes of the live part were passed over because they hold no record. False at the end.
 */
bool evtx_chunk_next(const struct evtx_chunk *chunk, uint32_t *pos, struct evtx_record *ret,
		     uint32_t *ret_skipped);

#endif
