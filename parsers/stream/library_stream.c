/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/stream/library_stream.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <libbfio.h>
#include <libewf.h>

enum status failure_from_library(struct failure *why, enum status status, library_handle **error,
				 const char *format, ...)
{
	char trace[2048] = "", context[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(context, sizeof(context), format, arguments);
	va_end(arguments);
	/* All libyal errors are libcerror's; libewf's printer serves for them. */
	if (*error && libewf_error_backtrace_sprint(*error, trace, sizeof(trace)) < 0)
		trace[0] = '\0';
	libewf_error_free(error);
	trace[strcspn(trace, "\n")] = '\0';
	return failure_set(why, status, "%s%s%s", context, trace[0] ? ": " : "", trace);
}

/* What libbfio calls back with. */
struct stream_io {
	struct stream *stream;
	uint64_t position;
	bool is_open;
};

static struct stream_io *io_of(intptr_t *io_handle)
{
	return (struct stream_io *)(void *)io_handle;
}

static int io_free(intptr_t **io_handle, libbfio_error_t **error)
{
	(void)error;
	free(*io_handle);
	*io_handle = NULL;
	return 1;
}

static int io_clone(intptr_t **destination, intptr_t *source, libbfio_error_t **error)
{
	struct stream_io *copy = malloc(sizeof(*copy));

	(void)error;
	if (!copy)
		return -1;
	*copy = *io_of(source);
	*destination = (intptr_t *)(void *)copy;
	return 1;
}

static int io_open(intptr_t *io_handle, int access_flags, libbfio_error_t **error)
{
	(void)error;
	if ((access_flags & LIBBFIO_ACCESS_FLAG_WRITE) != 0)
		return -1;
	io_of(io_handle)->position = 0;
	io_of(io_handle)->is_open = true;
	return 1;
}

static int io_close(intptr_t *io_handle, libbfio_error_t **error)
{
	(void)error;
	io_of(io_handle)->is_open = false;
	return 0;
}

static ssize_t io_read(intptr_t *io_handle, uint8_t *buffer, size_t size, libbfio_error_t **error)
{
	struct stream_io *io = io_of(io_handle);
	const uint64_t left = io->position < io->stream->size ? io->stream->size - io->position : 0;
	const size_t n = size < left ? size : (size_t)left;

	(void)error;
	if (n == 0)
		return 0;
	if (stream_read(io->stream, io->position, buffer, n, NULL) < 0)
		return -1;
	io->position += n;
	return (ssize_t)n;
}

static ssize_t io_write(intptr_t *io_handle, const uint8_t *buffer, size_t size,
			libbfio_error_t **error)
{
	(void)io_handle;
	(void)buffer;
	(void)size;
	(void)error;
	return -1;
}

static off64_t io_seek(intptr_t *io_handle, off64_t offset, int whence, libbfio_error_t **error)
{
	struct stream_io *io = io_of(io_handle);
	int64_t target = offset;

	(void)error;
	if ((whence == SEEK_CUR &&
	     __builtin_add_overflow(offset, (int64_t)io->position, &target)) ||
	    (whence == SEEK_END &&
	     __builtin_add_overflow(offset, (int64_t)io->stream->size, &target)) ||
	    target < 0)
		return -1;
	io->position = (uint64_t)target;
	return target;
}

static int io_exists(intptr_t *io_handle, libbfio_error_t **error)
{
	(void)io_handle;
	(void)error;
	return 1;
}

static int io_is_open(intptr_t *io_handle, libbfio_error_t **error)
{
	(void)error;
	return io_of(io_handle)->is_open ? 1 : 0;
}

static int io_get_size(intptr_t *io_handle, size64_t *size, libbfio_error_t **error)
{
	(void)error;
	*size = io_of(io_handle)->stream->size;
	return 1;
}

enum status bfio_over_stream(struct stream *stream, library_handle **ret, struct failure *why)
{
	struct stream_io *io = calloc(1, sizeof(*io));
	library_handle *bfio = NULL, *error = NULL;

	if (!io)
		return failure_set(why, ERR_NO_MEMORY, "input handle");
	if (stream->size > INT64_MAX) {
		free(io);
		return failure_set(why, ERR_LIMIT, "stream of %" PRIu64 " bytes", stream->size);
	}
	io->stream = stream;
	if (libbfio_handle_initialize(&bfio, (intptr_t *)(void *)io, io_free, io_clone, io_open,
				      io_close, io_read, io_write, io_seek, io_exists, io_is_open,
				      io_get_size,
				      LIBBFIO_FLAG_IO_HANDLE_MANAGED |
					      LIBBFIO_FLAG_IO_HANDLE_CLONE_BY_FUNCTION,
				      &error) != 1) {
		free(io);
		return failure_from_library(why, ERR_NO_MEMORY, &error, "input handle");
	}
	*ret = bfio;
	return STATUS_OK;
}

void bfio_free(library_handle *bfio)
{
	if (bfio)
		(void)libbfio_handle_free(&bfio, NULL); /* nothing can be done about it */
}

struct library_stream {
	struct stream stream;
	const struct library_reader *reader;
	library_handle *handle, *bfio;
};

static enum status library_read_at(struct stream *stream, uint64_t offset, void *buffer,
				   size_t size, struct failure *why)
{
	const struct library_stream *self = (const struct library_stream *)stream;
	uint8_t *bytes = buffer;

	while (size > 0) {
		library_handle *error = NULL;
		const ssize_t n =
			self->reader->read_at(self->handle, bytes, size, (off64_t)offset, &error);

		if (n <= 0 || (size_t)n > size) {
			const enum status status =
				failure_from_library(why, ERR_UNREADABLE, &error,
						     "%s cannot read %zu bytes at %" PRIu64,
						     self->reader->name, size, offset);
			if (why)
				why->offset = offset;
			return status;
		}
		bytes += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return STATUS_OK;
}

static void release_handle(const struct library_reader *reader, library_handle *handle,
			   library_handle *bfio)
{
	if (reader->close)
		(void)reader->close(handle, NULL); /* read only: nothing is lost */
	(void)reader->free(&handle, NULL);
	bfio_free(bfio);
}

static void library_close(struct stream *stream)
{
	struct library_stream *self = (struct library_stream *)stream;

	release_handle(self->reader, self->handle, self->bfio);
	free(self);
}

static const struct stream_ops library_ops = { library_read_at, library_close };

enum status stream_over_library(const struct library_reader *reader, library_handle *handle,
				library_handle *bfio, uint64_t size, struct stream **ret,
				struct failure *why)
{
	struct library_stream *self = size > INT64_MAX ? NULL : calloc(1, sizeof(*self));

	if (!self) {
		release_handle(reader, handle, bfio);
		return failure_set(why, ERR_NO_MEMORY, "stream of %" PRIu64 " bytes by %s", size,
				   reader->name);
	}
	self->stream = (struct stream){ &library_ops, size };
	self->reader = reader;
	self->handle = handle;
	self->bfio = bfio;
	*ret = &self->stream;
	return STATUS_OK;
}
