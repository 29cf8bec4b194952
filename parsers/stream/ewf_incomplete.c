/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EWF sets of which segments are missing, cut off or damaged. libewf refuses them or gives zeros
 * for what is not there; here what is left is read by its own tables of chunks, and every other
 * byte of the media is unreadable.
 *
 * A table does not say which chunk is its first. Chunks are numbered from the first segment up to
 * the first break, and from the last segment, whose last chunk is that of the media, down to the
 * last break. What lies between two breaks has no number and is not read. Where a table is lost its
 * chunks are found one after the other, each proved by its own checksum.
 */
#include "parsers/stream/ewf_incomplete.h"

static void close_incomplete(struct stream *stream)
{
	struct incomplete_ewf *ewf = (struct incomplete_ewf *)stream;

	for (size_t i = 0; i < ewf->n_segments; i++)
		stream_close(ewf->segments[i].file);
	for (size_t i = 0; i < ewf->n_runs; i++)
		free(ewf->runs[i].chunks);
	free(ewf->segments);
	free(ewf->runs);
	free(ewf->plain);
	free(ewf->packed);
	ranges_release(&ewf->unreadable);
	free(ewf);
}

static bool load_chunk(struct incomplete_ewf *ewf, const struct run *run, uint64_t number)
{
	if (ewf->cached == number)
		return true;
	ewf->cached = UINT64_MAX;
	if (!ewf_read_chunk(ewf, run, number))
		return false;
	ewf->cached = number;
	return true;
}

static const struct run *run_of(const struct incomplete_ewf *ewf, uint64_t number)
{
	size_t low = 0, high = ewf->n_runs;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const struct run *run = &ewf->runs[middle];

		if (number < run->first)
			high = middle;
		else if (number - run->first >= run->n)
			low = middle + 1;
		else
			return run;
	}
	return NULL;
}

/* Bytes of one chunk. */
static enum status read_in_chunk(struct incomplete_ewf *ewf, uint64_t number, size_t inside,
				 void *buffer, size_t size, struct failure *why)
{
	const uint64_t at = number * ewf->chunk_size + inside;
	const enum status status = image_refuse_bad(ewf->image, ewf->chunk_size, at, size, why);
	const struct run *run = run_of(ewf, number);

	if (status < 0)
		return status;
	if (run && load_chunk(ewf, run, number)) {
		memcpy(buffer, ewf->plain + inside, size);
		return STATUS_OK;
	}
	if (!ranges_add(&ewf->unreadable, number * ewf->chunk_size, ewf_media_in_chunk(ewf, number)))
		return failure_set(why, ERR_NO_MEMORY, "unreadable ranges");
	return image_refuse_bad(ewf->image, ewf->chunk_size, at, size, why);
}

static enum status read_incomplete(struct stream *stream, uint64_t offset, void *buffer,
				   size_t size, struct failure *why)
{
	struct incomplete_ewf *ewf = (struct incomplete_ewf *)stream;
	enum status status = STATUS_OK;

	for (size_t done = 0; done < size && status >= 0;) {
		const uint64_t at = offset + done, number = at / ewf->chunk_size;
		const size_t inside = (size_t)(at % ewf->chunk_size);
		const size_t left = ewf_media_in_chunk(ewf, number) - inside;
		const size_t n = size - done < left ? size - done : left;

		status = read_in_chunk(ewf, number, inside, (uint8_t *)buffer + done, n, why);
		done += n;
	}
	return status;
}

static const struct stream_ops incomplete_ops = { read_incomplete, close_incomplete };

static void place_segment(struct incomplete_ewf *ewf, const struct segment *segment, uint64_t first)
{
	for (size_t i = 0; i < segment->n_runs; i++)
		ewf->runs[segment->first_run + i].first += first;
}

static void drop_segment(struct incomplete_ewf *ewf, const struct segment *segment)
{
	for (size_t i = 0; i < segment->n_runs; i++)
		ewf->runs[segment->first_run + i].n = 0;
}

/* Numbers the chunks of the segments from the front; the first segment behind the break. */
static size_t place_from_front(struct incomplete_ewf *ewf, uint64_t *ret_end)
{
	uint64_t next = 0;
	size_t i = 0;
	bool whole = true;

	for (; i < ewf->n_segments && whole && ewf->segments[i].number == i + 1; i++) {
		place_segment(ewf, &ewf->segments[i], next);
		next += ewf->segments[i].n_chunks;
		whole = ewf->segments[i].whole;
	}
	*ret_end = next;
	return i;
}

/* Numbers those from the end down to the last break; the others have no place. */
static void place_from_end(struct incomplete_ewf *ewf, size_t from, uint64_t front_end)
{
	uint64_t end = ewf->n_chunks;
	size_t i = ewf->n_segments;
	bool known = i > 0 && ewf->segments[i - 1].is_last;

	while (i > from) {
		const struct segment *segment = &ewf->segments[--i];
		const bool joined = i + 1 == ewf->n_segments ||
				    segment->number + 1 == ewf->segments[i + 1].number;

		known = known && segment->whole && joined && end >= front_end &&
			end - front_end >= segment->n_chunks;
		if (known) {
			end -= segment->n_chunks;
			place_segment(ewf, segment, end);
		} else {
			drop_segment(ewf, segment);
		}
	}
}

static void drop_empty_runs(struct incomplete_ewf *ewf)
{
	size_t kept = 0;

	for (size_t i = 0; i < ewf->n_runs; i++) {
		struct run *run = &ewf->runs[i];

		if (run->n == 0 || run->first >= ewf->n_chunks) {
			free(run->chunks);
			continue;
		}
		if (run->n > ewf->n_chunks - run->first)
			run->n = ewf->n_chunks - run->first;
		ewf->runs[kept++] = *run;
	}
	ewf->n_runs = kept;
}

/* What no run holds is unreadable. */
static enum status mark_gaps(struct incomplete_ewf *ewf, struct failure *why)
{
	uint64_t next = 0;
	bool kept = true;

	for (size_t i = 0; i < ewf->n_runs; i++) {
		const struct run *run = &ewf->runs[i];

		if (run->first > next)
			kept &= ranges_add(&ewf->unreadable, next * ewf->chunk_size,
					   (run->first - next) * ewf->chunk_size);
		next = run->first + run->n;
	}
	if (next < ewf->n_chunks)
		kept &= ranges_add(&ewf->unreadable, next * ewf->chunk_size,
				   ewf->stream.size - next * ewf->chunk_size);
	return kept ? STATUS_OK : failure_set(why, ERR_NO_MEMORY, "unreadable ranges");
}

static enum status scan_all(struct incomplete_ewf *ewf, struct image *image,
			    const unsigned *numbers, struct failure *why)
{
	enum status status = STATUS_OK;
	uint64_t front_end = 0;

	for (size_t i = 0; i < image->n_segments && status >= 0; i++) {
		ewf->segments[i].number = numbers[i];
		ewf->n_segments = i + 1;
		status = stream_over_files(&image->segments[i], 1, &ewf->segments[i].file, why);
		if (status >= 0)
			status = ewf_scan_segment(ewf, image, i, why);
	}
	if (status < 0)
		return status;

	const size_t behind = place_from_front(ewf, &front_end);

	place_from_end(ewf, behind, front_end);
	drop_empty_runs(ewf);
	if (ewf->n_runs == 0)
		return failure_set(why, ERR_TRUNCATED, "no chunk of the media is left");
	return mark_gaps(ewf, why);
}

enum status ewf_open_incomplete(struct image *image, const unsigned *numbers, struct failure *why)
{
	struct incomplete_ewf *ewf = calloc(1, sizeof(*ewf));
	enum status status;

	if (!ewf)
		return failure_set(why, ERR_NO_MEMORY, "EWF image");
	ewf->stream.ops = &incomplete_ops;
	ewf->image = image;
	ewf->cached = UINT64_MAX;
	ewf->segments = calloc(image->n_segments, sizeof(*ewf->segments));
	status = ewf->segments ? scan_all(ewf, image, numbers, why) :
				 failure_set(why, ERR_NO_MEMORY, "segments");
	if (status < 0) {
		close_incomplete(&ewf->stream);
		return status;
	}
	image->format = IMAGE_EWF;
	image->stream = &ewf->stream;
	image->unreadable = &ewf->unreadable;
	return STATUS_OK;
}
