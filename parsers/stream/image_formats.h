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

/* What the segment files of an EWF image tell of themselves (ewf_chain.c). */
struct ewf_chain {
	bool has_zoned_header; /* a header form whose dates are UTC or carry a zone */
	uint64_t n_chunks;     /* by the volume section */
	uint64_t n_listed;     /* by the tables */
};

/* Finds the segments from the first one, orders listed ones, and checks each from end to end. */
MUST_USE enum status ewf_check_chain(struct image *image, struct ewf_chain *ret,
				     struct failure *why);

#endif
