/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/stream/tsk_image.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/*
 * libtsk reads ahead in blocks of 64 KiB: where such a block runs into an unreadable range, what
 * stands before the range is given as a short read, so that it stays readable.
 */
static ssize_t image_read(TSK_IMG_INFO *info, TSK_OFF_T offset, char *buffer, size_t size)
{
	struct tsk_image *image = (struct tsk_image *)info;
	struct failure failure = FAILURE_NONE;

	if (offset < 0 || (uint64_t)offset > image->stream->size)
		return -1;

	const uint64_t at = (uint64_t)offset;
	const uint64_t left = image->stream->size - at;
	const size_t n = size < left ? size : (size_t)left;

	if (stream_read(image->stream, at, buffer, n, &failure) >= 0)
		return (ssize_t)n;
	if (failure.status == ERR_UNREADABLE && failure.offset > at &&
	    failure.offset - at < n) {
		const size_t before = (size_t)(failure.offset - at);

		if (stream_read(image->stream, at, buffer, before, NULL) >= 0)
			return (ssize_t)before;
	}
	image->last = failure;
	tsk_error_reset();
	tsk_error_set_errno(TSK_ERR_IMG_READ);
	tsk_error_set_errstr("%s", failure.text);
	return -1;
}

static void image_free(TSK_IMG_INFO *info)
{
	free(info);
}

static void image_describe(TSK_IMG_INFO *info, FILE *file)
{
	(void)info;
	(void)file;
}

enum status tsk_image_open(struct stream *stream, struct tsk_image **ret, struct failure *why)
{
	struct tsk_image *image = calloc(1, sizeof(*image));

	if (!image)
		return failure_set(why, ERR_NO_MEMORY, "image for libtsk");
	image->stream = stream;
	if (stream->size > INT64_MAX ||
	    !tsk_img_open_external(image, (TSK_OFF_T)stream->size, 512, image_read, image_free,
				   image_describe)) {
		free(image);
		return failure_set(why, ERR_FORMAT, "libtsk refuses a stream of %" PRIu64 " bytes",
				   stream->size);
	}
	*ret = image;
	return STATUS_OK;
}

void tsk_image_close(struct tsk_image *image)
{
	if (image)
		tsk_img_close(&image->info);
}

enum status failure_from_tsk(struct tsk_image *image, struct failure *why, const char *format, ...)
{
	const char *message = tsk_error_get();
	const struct failure last = image->last;
	char context[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(context, sizeof(context), format, arguments);
	va_end(arguments);
	image->last = (struct failure)FAILURE_NONE;
	if (last.status < 0)
		return failure_at(why, last.status, last.offset, "%s: %s", context, last.text);
	return failure_set(why, ERR_FORMAT, "%s%s%s", context, message ? ": " : "",
			   message ? message : "");
}
