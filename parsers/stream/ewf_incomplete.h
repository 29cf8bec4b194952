/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_EWF_INCOMPLETE_H
#define AVOUCH_PARSERS_STREAM_EWF_INCOMPLETE_H

#include "parsers/stream/image_formats.h"

/* What the reading of an EWF set that is not whole (ewf_incomplete.c) has of its segments. */

struct chunk {
	uint64_t offset; /* in the segment file */
	uint32_t size;   /* bytes there; 0: not to be had */
	bool packed;
};

/* Chunks that follow each other in the media and stand in one segment. */
struct run {
	uint64_t first; /* number of the first chunk; until placed, counted from its segment's */
	uint64_t n;
	size_t segment;
	struct chunk *chunks;
};

struct segment {
	struct stream *file;
	unsigned number; /* from 1 */
	size_t first_run, n_runs;
	uint64_t n_chunks;
	bool whole;   /* read to its end, and every chunk of it counted */
	bool is_last; /* ends the set */
};

struct incomplete_ewf {
	struct stream stream;
	struct image *image; /* borrowed */
	struct segment *segments;
	size_t n_segments;
	struct run *runs; /* ascending by first, once placed */
	size_t n_runs, run_room;
	uint64_t n_chunks;
	uint32_t chunk_size; /* bytes */
	uint8_t *plain;      /* the chunk read last */
	uint64_t cached;     /* its number; UINT64_MAX: none */
	uint8_t *packed;     /* room for a chunk as it is stored */
	struct range_list unreadable;
};

/* Bytes of media that chunk number holds; the last one may be short, behind it there is none. */
size_t ewf_media_in_chunk(const struct incomplete_ewf *ewf, uint64_t number);
/* Reads a chunk of run and proves it by its checksum; its media is then in ewf->plain. */
bool ewf_read_chunk(struct incomplete_ewf *ewf, const struct run *run, uint64_t number);

/*
 * Finds the chunks of ewf->segments[i] (ewf_segment.c), whose file is open: its runs are added,
 * counted from its first chunk; the first segment also gives the facts of the media, any the
 * image's digest. ERR_FORMAT when the first segment does not say what the media is.
 */
MUST_USE enum status ewf_scan_segment(struct incomplete_ewf *ewf, struct image *image, size_t i,
				      struct failure *why);

#endif
