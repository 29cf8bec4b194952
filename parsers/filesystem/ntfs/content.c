/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/filesystem/ntfs/content.h"

/*
 * Compressed content (LZNT1, MS-XCA 2.5; libfsntfs, "Data runs with compression"): units of 2^n
 * clusters, each a hole (zeros), or all its clusters (stored), or fewer clusters and then a hole
 * (compressed).
 */
enum { MAX_UNIT = 16 << 16, CHUNK = 4096 };

struct file_stream {
	struct stream stream;
	struct stream *volume;
	uint64_t cluster_size;
	struct ntfs_content content;
	size_t unit_size;    /* compressed content: bytes of a unit */
	uint64_t unit;       /* which one is in plain; UINT64_MAX none */
	uint8_t *plain, *packed;
};

void ntfs_content_clear(struct ntfs_content *content)
{
	free(content->bytes);
	ntfs_runs_clear(&content->runs);
	*content = (struct ntfs_content){ 0 };
}

/* The run that holds vcn; NULL behind the last. */
static const struct ntfs_run *find_run(const struct ntfs_runs *runs, uint64_t vcn)
{
	size_t low = 0, high = runs->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (runs->items[middle].vcn + runs->items[middle].length <= vcn)
			low = middle + 1;
		else
			high = middle;
	}
	return low < runs->count ? &runs->items[low] : NULL;
}

/* Reads by runs alone, whatever the sizes say. */
static enum status read_runs(struct stream *volume, uint64_t cluster_size,
			     const struct ntfs_runs *runs, uint64_t offset, uint8_t *buffer,
			     size_t size, struct failure *why)
{
	while (size) {
		const struct ntfs_run *run = find_run(runs, offset / cluster_size);

		if (!run)
			return failure_at(why, ERR_TRUNCATED, offset, "data runs end early");

		const uint64_t inside = offset - run->vcn * cluster_size;
		const uint64_t left = run->length * cluster_size - inside;
		const size_t n = left < size ? (size_t)left : size;
		enum status status = STATUS_OK;

		if (run->lcn == NTFS_SPARSE)
			memset(buffer, 0, n);
		else
			status = stream_read(volume, run->lcn * cluster_size + inside, buffer, n,
					     why);
		if (status < 0)
			return status;
		buffer += n;
		offset += n;
		size -= n;
	}
	return STATUS_OK;
}

enum status ntfs_content_read(struct stream *volume, uint64_t cluster_size,
			      const struct ntfs_content *content, uint64_t offset,
			      uint8_t *buffer, size_t size, struct failure *why)
{
	const uint64_t valid = content->valid_size > offset ? content->valid_size - offset : 0;
	const size_t n = valid < size ? (size_t)valid : size;

	if (n < size)
		memset(buffer + n, 0, size - n);
	if (content->resident && n)
		memcpy(buffer, content->bytes + offset, n);
	if (content->resident)
		return STATUS_OK;
	if (!volume)
		return failure_set(why, ERR_UNSUPPORTED, "content outside $MFT, no volume");
	return read_runs(volume, cluster_size, &content->runs, offset, buffer, n, why);
}

/* One LZNT1 chunk into at most CHUNK bytes; the bytes written, or SIZE_MAX. */
static size_t unpack_chunk(struct span in, uint8_t *out)
{
	size_t pos = 0, used = 0;

	while (pos < in.size) {
		uint8_t flags = in.data[pos++];

		for (int bit = 0; bit < 8 && pos < in.size; bit++, flags >>= 1) {
			if (!(flags & 1)) {
				if (used >= CHUNK)
					return SIZE_MAX;
				out[used++] = in.data[pos++];
				continue;
			}
			if (in.size - pos < 2 || used == 0)
				return SIZE_MAX;

			const unsigned token = in.data[pos] | (unsigned)in.data[pos + 1] << 8;
			unsigned shift = 12;

			pos += 2;
			for (size_t n = used - 1; n >= 16; n >>= 1)
				shift--;

			const size_t length = (token & ((1U << shift) - 1)) + 3;
			const size_t distance = (token >> shift) + 1;

			if (distance > used || length > CHUNK - used)
				return SIZE_MAX;
			for (size_t i = 0; i < length; i++, used++)
				out[used] = out[used - distance];
		}
	}
	return used;
}

static bool unpack_unit(struct span in, uint8_t *out, size_t room)
{
	size_t pos = 0, used = 0;

	memset(out, 0, room);
	while (used < room && in.size - pos >= 2) {
		const unsigned head = in.data[pos] | (unsigned)in.data[pos + 1] << 8;
		const size_t size = (head & 0xfff) + 1;
		const struct span chunk = span_part(in, pos + 2, size);

		if (head == 0)
			return true;
		if (!chunk.data || room - used < CHUNK)
			return false;
		if (head & 0x8000) {
			if (unpack_chunk(chunk, out + used) == SIZE_MAX)
				return false;
		} else {
			if (size > CHUNK)
				return false;
			memcpy(out + used, chunk.data, size);
		}
		used += CHUNK;
		pos += 2 + size;
	}
	return true;
}

/* Bytes of clusters a unit has before its hole. */
static size_t stored_size(const struct file_stream *file, uint64_t unit)
{
	const uint64_t clusters = file->unit_size / file->cluster_size, first = unit * clusters;
	uint64_t n = 0;

	while (n < clusters) {
		const struct ntfs_run *run = find_run(&file->content.runs, first + n);

		if (!run || run->lcn == NTFS_SPARSE)
			break;
		n = run->vcn + run->length - first;
	}
	return (size_t)((n < clusters ? n : clusters) * file->cluster_size);
}

static enum status load_unit(struct file_stream *file, uint64_t unit, struct failure *why)
{
	const size_t stored = stored_size(file, unit);
	const uint64_t at = unit * file->unit_size;
	enum status status = STATUS_OK;

	if (file->unit == unit)
		return STATUS_OK;
	file->unit = UINT64_MAX;
	if (stored == 0)
		memset(file->plain, 0, file->unit_size);
	else
		status = read_runs(file->volume, file->cluster_size, &file->content.runs, at,
				   stored == file->unit_size ? file->plain : file->packed, stored,
				   why);
	if (status < 0)
		return status;
	if (stored && stored < file->unit_size &&
	    !unpack_unit(span_of(file->packed, stored), file->plain, file->unit_size))
		return failure_at(why, ERR_FORMAT, at, "compressed content is garbled");
	file->unit = unit;
	return STATUS_OK;
}

static enum status read_compressed(struct file_stream *file, uint64_t offset, uint8_t *buffer,
				   size_t size, struct failure *why)
{
	while (size) {
		const uint64_t inside = offset % file->unit_size;
		const size_t left = file->unit_size - (size_t)inside;
		const size_t n = left < size ? left : size;

		if (offset >= file->content.valid_size) {
			memset(buffer, 0, size);
			return STATUS_OK;
		}

		const enum status status = load_unit(file, offset / file->unit_size, why);

		if (status < 0)
			return status;
		memcpy(buffer, file->plain + inside, n);
		buffer += n;
		offset += n;
		size -= n;
	}
	return STATUS_OK;
}

static enum status file_read_at(struct stream *stream, uint64_t offset, void *buffer, size_t size,
				struct failure *why)
{
	struct file_stream *file = (struct file_stream *)stream;

	if (file->unit_size)
		return read_compressed(file, offset, buffer, size, why);
	return ntfs_content_read(file->volume, file->cluster_size, &file->content, offset, buffer,
				 size, why);
}

static void file_close(struct stream *stream)
{
	struct file_stream *file = (struct file_stream *)stream;

	ntfs_content_clear(&file->content);
	free(file->plain);
	free(file->packed);
	free(file);
}

static const struct stream_ops file_ops = { file_read_at, file_close };

static enum status prepare_unit(struct file_stream *file, uint16_t exponent, struct failure *why)
{
	const uint64_t size = exponent < 16 ? file->cluster_size << exponent : 0;

	if (size == 0 || size > MAX_UNIT || size % CHUNK)
		return failure_set(why, ERR_UNSUPPORTED, "compression unit of 2^%u clusters",
				   exponent);
	file->unit_size = (size_t)size;
	file->unit = UINT64_MAX;
	file->plain = malloc(file->unit_size);
	file->packed = malloc(file->unit_size);
	if (!file->plain || !file->packed)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a compressed file");
	return STATUS_OK;
}

enum status ntfs_content_stream(struct stream *volume, uint64_t cluster_size,
				struct ntfs_content *content, struct stream **ret,
				struct failure *why)
{
	struct file_stream *file = calloc(1, sizeof(*file));

	if (!file)
		return failure_set(why, ERR_NO_MEMORY, "no memory for a file");
	file->stream = (struct stream){ &file_ops, content->size };
	file->volume = volume;
	file->cluster_size = cluster_size;
	if (content->compressed) {
		const enum status status = prepare_unit(file, content->compression_unit, why);

		if (status < 0) {
			file_close(&file->stream);
			return status;
		}
	}
	file->content = *content;
	*content = (struct ntfs_content){ 0 };
	*ret = &file->stream;
	return STATUS_OK;
}

uint64_t ntfs_next_data(struct stream *stream, uint64_t offset)
{
	const struct file_stream *file = (const struct file_stream *)stream;

	if (stream->ops != &file_ops || file->content.resident || file->unit_size)
		return offset;

	const struct ntfs_run *run = find_run(&file->content.runs, offset / file->cluster_size);
	const struct ntfs_run *end = file->content.runs.items + file->content.runs.count;

	if (!run)
		return stream->size;
	while (run < end && run->lcn == NTFS_SPARSE)
		run++;
	if (run == end || run->vcn * file->cluster_size >= stream->size)
		return stream->size;
	return run->vcn * file->cluster_size > offset ? run->vcn * file->cluster_size : offset;
}
