/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_IMAGE_FORMATS_H
#define AVOUCH_PARSERS_STREAM_IMAGE_FORMATS_H

#include "parsers/stream/image.h"

/* The openers behind image_open; each fills the image, whose paths are set, on success. */

/* The files as one run of bytes; also used over the segments of other formats. */
MUST_USE enum status stream_over_files(char *const *paths, size_t n_paths, struct stream **ret,
			      struct failure *why);
/* Replaces a first segment by all that stand beside it; ERR_TRUNCATED names a gap. */
MUST_USE enum status raw_find_segments(struct image *image, struct failure *why);

MUST_USE enum status image_open_ewf(struct image *image, struct failure *why);
MUST_USE enum status image_open_vmdk(struct image *image, struct failure *why);
MUST_USE enum status image_open_vhd(struct image *image, struct failure *why);
MUST_USE enum status image_open_qcow(struct image *image, struct failure *why);

/* Adds a copy of a path to the segments. */
MUST_USE enum status image_add_segment(struct image *image, const char *path,
				       struct failure *why);

/*
 * Refuses a read of bytes of one chunk (bytes per chunk in chunk_size) that touches a range of
 * image->unreadable: ERR_UNREADABLE names what of the chunk is bad and image->refused keeps it.
 */
MUST_USE enum status image_refuse_bad(struct image *image, uint32_t chunk_size, uint64_t offset,
				      size_t size, struct failure *why);

enum { EWF_FIRST_SECTION = 13, EWF_TYPE_SIZE = 16 };

/* A section of a segment file; offsets in bytes from its start. */
struct ewf_section {
	char type[EWF_TYPE_SIZE + 1];
	uint64_t data, next; /* next > data, unless ends_segment */
	bool ends_segment;
};

/*
 * Goes on to the section at section->next (EWF_FIRST_SECTION to begin with). ERR_TRUNCATED when the
 * file ends before it does, ERR_FORMAT when its checksum does not hold or it leads back.
 */
MUST_USE enum status ewf_next_section(struct stream *file, struct ewf_section *section,
				      struct failure *why);

/* What the segment files of an EWF image tell of themselves (ewf_chain.c). */
struct ewf_chain {
	bool has_zoned_header; /* a header form whose dates are UTC or carry a zone */
	uint64_t n_chunks;     /* by the volume section */
	uint64_t n_listed;     /* by the tables */
};

/*
 * Finds the segments from the first one, or takes those listed, and puts them in order; *ret_numbers
 * (free it) holds their numbers, ascending from 1, with gaps where segments are missing.
 */
MUST_USE enum status ewf_find_segments(struct image *image, unsigned **ret_numbers,
				       struct failure *why);

/* Checks that the segments are all there, each from end to end. *ret is filled as far as it got. */
MUST_USE enum status ewf_check_chain(const struct image *image, const unsigned *numbers,
				     struct ewf_chain *ret, struct failure *why);

/*
 * Opens what is left of a set that is not whole. ERR_TRUNCATED and ERR_FORMAT when nothing of its
 * media can be placed.
 */
MUST_USE enum status ewf_open_incomplete(struct image *image, const unsigned *numbers,
					 struct failure *why);

#endif
