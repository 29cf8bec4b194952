/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one segment file of an EWF set still holds: its chunks by its own tables, where a table is
 * lost one after the other, each proved by its own checksum.
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
 */
#include <inttypes.h>

#include <zlib.h>

#include "parsers/base/cursor.h"
#include "parsers/stream/ewf_incomplete.h"

enum {
	VOLUME_SIZE = 1052,
	SMART_VOLUME_SIZE = 94,
	TABLE_HEADER_SIZE = 24,
	CHECKSUM_SIZE = 4,
	MAX_CHUNK_SIZE = 64 << 20,
	MAX_TABLE_SIZE = 1 << 30,
};

static const uint32_t packed_flag = UINT32_C(1) << 31; /* of a table entry */

size_t ewf_media_in_chunk(const struct incomplete_ewf *ewf, uint64_t number)
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
	return in.size >= n + CHECKSUM_SIZE && adler32(1, in.data, (uInt)n) == span_u32le(in, n);
}

/* Room for a stored chunk: one that does not deflate is hardly longer than its media. */
static size_t packed_room(const struct incomplete_ewf *ewf)
{
	return (size_t)ewf->chunk_size + ewf->chunk_size / 8 + 64;
}

bool ewf_read_chunk(struct incomplete_ewf *ewf, const struct run *run, uint64_t number)
{
	const struct chunk *chunk = &run->chunks[number - run->first];
	const size_t n = ewf_media_in_chunk(ewf, number);
	size_t used = 0;

	if (n == 0 || chunk->size == 0 || chunk->size > packed_room(ewf) ||
	    stream_read(ewf->segments[run->segment].file, chunk->offset, ewf->packed, chunk->size,
			NULL) < 0)
		return false;

	const struct span in = span_of(ewf->packed, chunk->size);

	if (chunk->packed)
		return inflate_chunk(in, ewf->plain, n, &used);
	if (!is_plain_chunk(in, n))
		return false;
	memcpy(ewf->plain, in.data, n);
	return true;
}

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
	const size_t last = ewf_media_in_chunk(ewf, ewf->n_chunks - 1);

	*ret = (struct chunk){ .offset = offset };
	if (inflate_chunk(in, ewf->plain, n, &used) ||
	    inflate_chunk(in, ewf->plain, last, &used)) {
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
		room < size ? failure_at(why, ERR_FORMAT, section->data, "no room for the volume")
			    : stream_read(file, section->data, bytes, size, why);

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
				  "EWF media of %" PRIu64 " bytes in %" PRIu64
				  " chunks of %" PRIu64,
				  ewf->stream.size, ewf->n_chunks, chunk_size);
	ewf->chunk_size = (uint32_t)chunk_size;
	ewf->plain = malloc(ewf->chunk_size);
	ewf->packed = malloc(packed_room(ewf));
	return ewf->plain && ewf->packed ? STATUS_OK : failure_set(why, ERR_NO_MEMORY, "EWF chunk");
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
	return region.end > region.start ? walk_region(ewf, segment, region, ret_all, why)
					 : STATUS_OK;
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
enum status ewf_scan_segment(struct incomplete_ewf *ewf, struct image *image, size_t i,
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
