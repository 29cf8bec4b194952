/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/stream/stream.h"

#include <inttypes.h>

enum status stream_read(struct stream *stream, uint64_t offset, void *buffer, size_t size,
			struct failure *why)
{
	if (offset > stream->size || size > stream->size - offset)
		return failure_at(why, ERR_TRUNCATED, offset,
				  "%zu bytes wanted at %" PRIu64 " of %" PRIu64, size, offset,
				  stream->size);
	if (size == 0)
		return STATUS_OK;
	return stream->ops->read_at(stream, offset, buffer, size, why);
}

void stream_close(struct stream *stream)
{
	if (stream)
		stream->ops->close(stream);
}

struct memory_stream {
	struct stream stream;
	struct span bytes;
};

static enum status memory_read_at(struct stream *stream, uint64_t offset, void *buffer,
				  size_t size, struct failure *why)
{
	const struct memory_stream *memory = (const struct memory_stream *)stream;

	(void)why; /* the range was checked: nothing can fail */
	memcpy(buffer, memory->bytes.data + offset, size);
	return STATUS_OK;
}

static void free_stream(struct stream *stream)
{
	free(stream);
}

static const struct stream_ops memory_ops = { memory_read_at, free_stream };

enum status stream_over_memory(struct span bytes, struct stream **ret, struct failure *why)
{
	struct memory_stream *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return failure_set(why, ERR_NO_MEMORY, "stream over memory");
	memory->stream = (struct stream){ &memory_ops, bytes.size };
	memory->bytes = bytes;
	*ret = &memory->stream;
	return STATUS_OK;
}

struct window_stream {
	struct stream stream;
	struct stream *parent;
	uint64_t offset;
};

static enum status window_read_at(struct stream *stream, uint64_t offset, void *buffer,
				  size_t size, struct failure *why)
{
	const struct window_stream *window = (const struct window_stream *)stream;

	return stream_read(window->parent, window->offset + offset, buffer, size, why);
}

static const struct stream_ops window_ops = { window_read_at, free_stream };

enum status stream_window(struct stream *parent, uint64_t offset, uint64_t size,
			  struct stream **ret, struct failure *why)
{
	if (offset > parent->size || size > parent->size - offset)
		return failure_at(why, ERR_TRUNCATED, offset,
				  "window of %" PRIu64 " bytes at %" PRIu64 " of %" PRIu64, size,
				  offset, parent->size);

	struct window_stream *window = calloc(1, sizeof(*window));

	if (!window)
		return failure_set(why, ERR_NO_MEMORY, "window");
	window->stream = (struct stream){ &window_ops, size };
	window->parent = parent;
	window->offset = offset;
	*ret = &window->stream;
	return STATUS_OK;
}

enum status stream_load(struct stream *stream, struct arena *arena, uint64_t max,
			struct span *ret, struct failure *why)
{
	if (stream->size > max)
		return failure_set(why, ERR_LIMIT, "%" PRIu64 " bytes, more than the %" PRIu64
				   " that are read whole", stream->size, max);

	uint8_t *data = arena_alloc(arena, (size_t)stream->size);

	if (!data)
		return failure_set(why, ERR_NO_MEMORY, "%" PRIu64 " bytes", stream->size);

	enum status status = stream_read(stream, 0, data, (size_t)stream->size, why);

	if (status < 0)
		return status;
	*ret = (struct span){ data, (size_t)stream->size };
	return STATUS_OK;
}
