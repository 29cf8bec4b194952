/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_IMAGE_H
#define AVOUCH_PARSERS_STREAM_IMAGE_H

#include "parsers/base/instant.h"
#include "parsers/stream/ranges.h"
#include "parsers/stream/stream.h"

/*
 * Evidence as it was handed in: one image of one or more segment files, opened read-only. Open it
 * in the process that reads it, after any fork: libewf keeps its place in the descriptor, and a
 * shared one gives wrong bytes without a word.
 */
enum image_format {
	IMAGE_RAW,
	IMAGE_SPLIT_RAW,
	IMAGE_EWF,
	IMAGE_VMDK,
	IMAGE_VHD, /* VHDX too */
	IMAGE_QCOW,
};

/* "raw", "split-raw", "ewf", "vmdk", "vhd", "qcow". */
const char *image_format_name(enum image_format format);

struct image {
	struct stream *stream; /* the media */
	enum image_format format;
	char **segments; /* paths, in order */
	size_t n_segments;
	/* Digests of the media that the image itself stores; not checked. */
	bool has_md5, has_sha1;
	uint8_t md5[16], sha1[20];
	/* When the image was made by its own header; ZONE_LOCAL when only the oldest header form
	 * gives it, which names no zone. UNSET when no header does. */
	struct instant acquired;
	/* For EWF: ranges known to hold no evidence (bad chunks met so far, sectors that could not
	 * be read when the image was made). NULL for other formats. */
	const struct range_list *unreadable;
	/* Of these, what reads were refused for, by whole chunks; the caller may empty it. It is the
	 * same whoever read what before: only bytes that were asked for count. Always empty for formats
	 * that are not EWF. Not added to while refusals_unheard is set. */
	struct range_list refused;
	bool refusals_unheard;
	/* What is wrong with an image of which only a part is left ("segment 2 ... is missing"); the
	 * rest is in unreadable. NULL for a whole one. */
	char *problem;
};

/*
 * Opens an image from its first segment (the others are found beside it) or from all its
 * segments. ERR_UNSUPPORTED for a known container that is not read, with what to convert it with;
 * ERR_TRUNCATED and ERR_FORMAT name the segment file that is missing, cut or damaged.
 */
MUST_USE enum status image_open(const char *const *paths, size_t n_paths, struct image **ret,
				struct failure *why);
void image_close(struct image *image);
DEFINE_CLEANUP(struct image *, image_close, image_close_p)

#endif
