/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EWF sets of which segments are missing, cut off or damaged. libewf refuses them or gives zeros
 * for what is not there; here what is left is read by its own tables of chunks, and every other
 * byte of the media is unreadable.
 *
 * Layout (libewf documentation, "Expert Witness Compression Format (EWF)", sections 3.5 to 3.9):
 * "volume" or "disk" section, data
 *    4  4  number of chunks
 *    8  4  sectors per chunk
 *   12  4  bytes per sector
 *   16  8  number of sectors (4 in the 94-byte form)
 *   the last 4 bytes: Adler-32 of those before
 * "table" and its copy "table2", data
 *    0  4  number of entries
 *    8  8  base of the offsets
 *   20  4  Adler-32 of bytes 0 to 19
 *   24  4  per entry: offset of the chunk from the base; bit 31: deflated
 *   then   Adler-32 of the entries
 * A deflated chunk is a zlib stream, which carries an Adler-32; any other is followed by one.
 *
 * A table does not say which chunk is its first. Chunks are numbered from the first segment up to
 * the first break, and from the last segment, whose last chunk is that of the media, down to the
 * last break. What lies between two breaks has no number and is not read. Where a table is lost its
 * chunks are found one after the other, each proved by its own checksum.
 */
#include <inttypes.h>
#include <stdio.h>

#include <zlib.h>

#include "parsers/base/cursor.h"
#include "parsers/stream/image_formats.h"

enum {
	VOLUME_SIZE = 1052,
	SMART_VOLUME_SIZE = 94,
	TABLE_HEADER_SIZE = 24,
	CHECKSUM_SIZE = 4,
	MAX_CHUNK_SIZE = 64 << 20,
	MAX_TABLE_SIZE = 1 << 30,
};

static const uint32_t packed_flag = UINT32_C(1) << 31; /* of a table entry */

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

/* Bytes of media that chunk number holds; the last one may be short. */
static size_t media_in_chunk(const struct incomplete_ewf *ewf, uint64_t number)
{
	const uint64_t start = number * ewf->chunk_size;
	const uint64_t left = start < ewf->stream.size ? ewf->stream.size - start : 0;

	return left < ewf->chunk_size ? (size_t)left : ewf->chunk_size;
}

/* Whether in begins with a zlib stream of exactly n bytes; the bytes it takes in *ret_used. */
static bool inflate_chunk(struct span in, uint8_t *plain, size_t n, size_t *ret_used)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.data,
		       .avail_in = (uInt)in.size,
		       .next_out = plain,
		       .avail_out = (uInt)n };

	if (inflateInit(&z) != Z_OK)
		return false;

	const bool good = inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out == n;

	*ret_used = z.total_in;
	(void)inflateEnd(&z); /* what was read is judged above */
	return good;
}

static bool is_plain_chunk(struct span in, size_t n)
{
	return in.size >= n + CHECKSUM_SIZE &&
	       adler32(1, in.data, (uInt)n) == span_u32le(in, n);
}

/* Room for a stored chunk: one that does not deflate is hardly longer than its media. */
static size_t packed_room(const struct incomplete_ewf *ewf)
{
	return (size_t)ewf->chunk_size + ewf->chunk_size / 8 + 64;
}

static bool load_chunk(struct incomplete_ewf *ewf, const struct run *run, uint64_t number)
{
	const struct chunk *chunk = &run->chunks[number - run->first];
	const size_t n = media_in_chunk(ewf, number);
	size_t used = 0;

	if (ewf->cached == number)
		return true;
	ewf->cached = UINT64_MAX;
	if (n == 0 || chunk->size == 0 || chunk->size > packed_room(ewf) ||
	    stream_read(ewf->segments[run->segment].file, chunk->offset, ewf->packed, chunk->size,
			NULL) < 0)
		return false;

	const struct span in = span_of(ewf->packed, chunk->size);

	if (chunk->packed ? !inflate_chunk(in, ewf->plain, n, &used) : !is_plain_chunk(in, n))
		return false;
	if (!chunk->packed)
		memcpy(ewf->plain, in.data, n);
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
	if (!ranges_add(&ewf->unreadable, number * ewf->chunk_size, media_in_chunk(ewf, number)))
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
		const size_t left = media_in_chunk(ewf, number) - inside;
		const size_t n = size - done < left ? size - done : left;

		status = read_in_chunk(ewf, number, inside, (uint8_t *)buffer + done, n, why);
		done += n;
	}
	return status;
}

static const struct stream_ops incomplete_ops = { read_incomplete, close_incomplete };

/* Takes over chunks; those of a segment are counted from its first. */
static enum status add_run(struct incomplete_ewf *ewf, size_t segment, struct chunk *chunks,
			   uint64_t n, struct failure *why)
{
	struct segment *owner = &ewf->segments[segment];

	if (ewf->n_runs == ewf->run_room) {
		const size_t room = ewf->run_room ? ewf->run_room * 2 : 64;
		struct run *runs = realloc(ewf->runs, room * sizeof(*runs));

		if (!runs) {
			free(chunks);
			return failure_set(why, ERR_NO_MEMORY, "tables of chunks");
		}
		ewf->runs = runs;
		ewf->run_room = room;
	}
	ewf->runs[ewf->n_runs++] = (struct run){ owner->n_chunks, n, segment, chunks };
	owner->n_runs++;
	owner->n_chunks += n;
	return STATUS_OK;
}

/* A stretch of a segment file that holds chunks. */
struct region {
	uint64_t start, end;
};

/* The chunks of table entries; those that do not lie in the region get no size. */
static void decode_entries(struct span entries, uint64_t base, struct region region, size_t n,
			   struct chunk *chunks)
{
	uint64_t last = 0;
	bool overflow = false; /* above 2 GiB old writers let the offset run into the flag */

	for (size_t i = 0; i < n; i++) {
		const uint32_t entry = span_u32le(entries, i * 4);

		overflow |= (entry & ~packed_flag) < last;
		last = overflow ? entry : entry & ~packed_flag;
		chunks[i] = (struct chunk){ base + last, 0, !overflow && (entry & packed_flag) };
	}
	for (size_t i = 0; i < n; i++) {
		const uint64_t end = i + 1 < n ? chunks[i + 1].offset : region.end;

		if (chunks[i].offset >= region.start && end > chunks[i].offset &&
		    end <= region.end && end - chunks[i].offset <= UINT32_MAX)
			chunks[i].size = (uint32_t)(end - chunks[i].offset);
	}
}

/* STATUS_DECLINED when the table's checksums do not hold. */
static enum status read_table(struct incomplete_ewf *ewf, size_t segment,
			      const struct ewf_section *section, struct region region,
			      struct failure *why)
{
	struct stream *file = ewf->segments[segment].file;
	uint8_t header[TABLE_HEADER_SIZE] = { 0 };
	const struct span h = span_of(header, sizeof(header));

	if (stream_read(file, section->data, header, sizeof(header), NULL) < 0 ||
	    adler32(1, header, TABLE_HEADER_SIZE - CHECKSUM_SIZE) != span_u32le(h, 20))
		return STATUS_DECLINED;

	const uint64_t n = span_u32le(h, 0), size = n * 4 + CHECKSUM_SIZE;

	/* What the file cannot hold is not made room for. */
	if (n == 0 || size > MAX_TABLE_SIZE || size > file->size ||
	    section->data + sizeof(header) + size > section->next)
		return STATUS_DECLINED;

	CLEANUP(free_p) uint8_t *entries = malloc((size_t)size);
	struct chunk *chunks = calloc((size_t)n, sizeof(*chunks));

	if (!entries || !chunks) {
		free(chunks);
		return failure_set(why, ERR_NO_MEMORY, "table of %" PRIu64 " chunks", n);
	}

	const struct span s = span_of(entries, (size_t)size);

	if (stream_read(file, section->data + sizeof(header), entries, (size_t)size, NULL) < 0 ||
	    adler32(1, entries, (uInt)(n * 4)) != span_u32le(s, (size_t)n * 4)) {
		free(chunks);
		return STATUS_DECLINED;
	}
	decode_entries(s, span_u64le(h, 8), region, (size_t)n, chunks);
	return add_run(ewf, segment, chunks, n, why);
}

/* The chunk that begins at offset, proved by its checksum; false when none does. */
static bool chunk_at(struct incomplete_ewf *ewf, struct stream *file, uint64_t offset, uint64_t end,
		     struct chunk *ret)
{
	const size_t room = packed_room(ewf), n = ewf->chunk_size;
	const size_t size = end - offset < room ? (size_t)(end - offset) : room;
	size_t used = 0;

	if (stream_read(file, offset, ewf->packed, size, NULL) < 0)
		return false;

	const struct span in = span_of(ewf->packed, size);
	const size_t last = media_in_chunk(ewf, ewf->n_chunks - 1);

	*ret = (struct chunk){ .offset = offset };
	if (inflate_chunk(in, ewf->plain, n, &used) || inflate_chunk(in, ewf->plain, last, &used)) {
		ret->packed = true;
		ret->size = (uint32_t)used;
	} else if (is_plain_chunk(in, n)) {
		ret->size = (uint32_t)(n + CHECKSUM_SIZE);
	} else if (is_plain_chunk(in, last)) {
		ret->size = (uint32_t)(last + CHECKSUM_SIZE);
	}
	return ret->size != 0;
}

/* Finds the chunks of a region whose table is lost; whether all of it was chunks in *ret_all. */
static enum status walk_region(struct incomplete_ewf *ewf, size_t segment, struct region region,
			       bool *ret_all, struct failure *why)
{
	struct stream *file = ewf->segments[segment].file;
	struct chunk *chunks = NULL;
	uint64_t at = region.start, n = 0, room = 0;
	struct chunk found;

	while (at < region.end && n < ewf->n_chunks &&
	       chunk_at(ewf, file, at, region.end, &found)) {
		if (n == room) {
			room = room ? room * 2 : 1024;

			struct chunk *more = realloc(chunks, (size_t)room * sizeof(*chunks));

			if (!more) {
				free(chunks);
				return failure_set(why, ERR_NO_MEMORY, "chunks");
			}
			chunks = more;
		}
		chunks[n++] = found;
		at += found.size;
	}
	*ret_all = at == region.end;
	if (n == 0)
		return STATUS_OK;
	return add_run(ewf, segment, chunks, n, why);
}

/* The facts of the media, whose section must be sound: everything else is counted by them. */
static enum status read_volume(struct incomplete_ewf *ewf, struct stream *file,
			       const struct ewf_section *section, struct failure *why)
{
	uint8_t bytes[VOLUME_SIZE] = { 0 };
	const uint64_t room = section->next - section->data;
	const size_t size = room >= VOLUME_SIZE ? VOLUME_SIZE : SMART_VOLUME_SIZE;
	const struct span s = span_of(bytes, size);
	const enum status status =
		room < size ? failure_at(why, ERR_FORMAT, section->data, "no room for the volume") :
			      stream_read(file, section->data, bytes, size, why);

	if (status < 0)
		return status;

	const uint64_t sectors = size == VOLUME_SIZE ? span_u64le(s, 16) : span_u32le(s, 16);
	const uint64_t sector_size = span_u32le(s, 12);
	uint64_t chunk_size;

	if (adler32(1, bytes, (uInt)(size - CHECKSUM_SIZE)) != span_u32le(s, size - CHECKSUM_SIZE))
		return failure_at(why, ERR_FORMAT, section->data, "volume with a wrong checksum");
	ewf->n_chunks = span_u32le(s, 4);
	if (__builtin_mul_overflow(sector_size, span_u32le(s, 8), &chunk_size) ||
	    __builtin_mul_overflow(sector_size, sectors, &ewf->stream.size) || chunk_size == 0 ||
	    chunk_size > MAX_CHUNK_SIZE || ewf->n_chunks == 0 || ewf->stream.size > INT64_MAX ||
	    (ewf->stream.size + chunk_size - 1) / chunk_size != ewf->n_chunks)
		return failure_at(why, ERR_FORMAT, section->data,
				  "EWF media of %" PRIu64 " bytes in %" PRIu64 " chunks of %" PRIu64,
				  ewf->stream.size, ewf->n_chunks, chunk_size);
	ewf->chunk_size = (uint32_t)chunk_size;
	ewf->plain = malloc(ewf->chunk_size);
	ewf->packed = malloc(packed_room(ewf));
	return ewf->plain && ewf->packed ? STATUS_OK :
					   failure_set(why, ERR_NO_MEMORY, "EWF chunk");
}

static void take_digest(struct image *image, struct stream *file, const struct ewf_section *section)
{
	uint8_t bytes[36] = { 0 }; /* MD5, 16 unused, Adler-32 of both */

	if (stream_read(file, section->data, bytes, sizeof(bytes), NULL) < 0 ||
	    adler32(1, bytes, 32) != span_u32le(span_of(bytes, sizeof(bytes)), 32))
		return;
	memcpy(image->md5, bytes, sizeof(image->md5));
	image->has_md5 = true;
}

/* The region that waits for its table gets its chunks from their checksums. */
static enum status close_region(struct incomplete_ewf *ewf, size_t segment, struct region *waiting,
				bool *ret_all, struct failure *why)
{
	const struct region region = *waiting;

	*ret_all = true;
	*waiting = (struct region){ 0, 0 };
	return region.end > region.start ? walk_region(ewf, segment, region, ret_all, why) :
					   STATUS_OK;
}

static bool is_type(const struct ewf_section *section, const char *type)
{
	return strcmp(section->type, type) == 0;
}

/* The part of the file that the section says it has. */
static struct region region_of(const struct stream *file, const struct ewf_section *section)
{
	const uint64_t end = section->next < file->size ? section->next : file->size;

	return (struct region){ section->data, end > section->data ? end : section->data };
}

/*
 * Reads the sections of a segment as far as they are sound. *waiting holds the chunks that a
 * "sectors" section announced until a table lists them.
 */
static enum status scan_segment(struct incomplete_ewf *ewf, struct image *image, size_t i,
				struct failure *why)
{
	struct segment *segment = &ewf->segments[i];
	struct region waiting = { 0, 0 };
	struct ewf_section section = { .next = EWF_FIRST_SECTION };
	enum status status = STATUS_OK;
	bool all = true, ended = false;

	segment->first_run = ewf->n_runs;
	while (all && !ended && ewf_next_section(segment->file, &section, NULL) >= 0) {
		const bool table = is_type(&section, "table") || is_type(&section, "table2");

		if ((is_type(&section, "volume") || is_type(&section, "disk")) && !ewf->n_chunks)
			status = read_volume(ewf, segment->file, &section, why);
		else if (is_type(&section, "sectors"))
			status = close_region(ewf, i, &waiting, &all, why);
		else if (table && ewf->n_chunks && waiting.end)
			status = read_table(ewf, i, &section, waiting, why);
		if (status < 0)
			return status;
		if (is_type(&section, "sectors") && all)
			waiting = region_of(segment->file, &section);
		else if (table && status == STATUS_OK)
			waiting = (struct region){ 0, 0 };
		else if (is_type(&section, "hash"))
			take_digest(image, segment->file, &section);
		segment->is_last = is_type(&section, "done");
		ended = section.ends_segment;
		status = STATUS_OK;
	}
	if (!ewf->n_chunks)
		return failure_set(why, ERR_FORMAT, "the first segment names no volume");
	if (all)
		status = close_region(ewf, i, &waiting, &all, why);
	segment->whole = all && ended;
	return status;
}

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
			status = scan_segment(ewf, image, i, why);
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
