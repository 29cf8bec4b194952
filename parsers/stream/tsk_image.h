/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_TSK_IMAGE_H
#define AVOUCH_PARSERS_STREAM_TSK_IMAGE_H

#include <tsk/libtsk.h>

#include "parsers/stream/stream.h"

/* A stream as libtsk sees it. */
struct tsk_image {
	TSK_IMG_INFO info; /* first: libtsk hands this back */
	struct stream *stream;
	struct failure last; /* the last read that failed */
};

/* Borrows the stream. */
MUST_USE enum status tsk_image_open(struct stream *stream, struct tsk_image **ret,
				    struct failure *why);
void tsk_image_close(struct tsk_image *image);
DEFINE_CLEANUP(struct tsk_image *, tsk_image_close, tsk_image_close_p)

/*
 * Call on the line after a libtsk function failed: keeps its message, which the next libtsk call
 * overwrites. The status is that of the read that failed below libtsk, or ERR_FORMAT when the
 * bytes themselves were at fault. Forgets the failed read.
 */
enum status failure_from_tsk(struct tsk_image *image, struct failure *why, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
