/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/registry/hive_image.h"

#include <inttypes.h>

#include "parsers/base/cursor.h"
#include "parsers/registry/regf.h"
#include "parsers/registry/replay.h"

struct hive_place hive_place_in(const struct hive_page *pages, uint64_t offset, uint64_t size)
{
	struct hive_place place = { .offset = offset, .size = size };
	const uint64_t first = offset / REGF_PAGE;

	if (!pages || size == 0)
		return place;

	const struct hive_page *page = &pages[first];
	const uint64_t last = (offset + size - 1) / REGF_PAGE;

	if (page->companion == HIVE_NO_FILE)
		return (struct hive_place){ 0 };
	place.companion = page->companion;
	place.offset = page->offset + offset % REGF_PAGE;
	for (uint64_t i = first + 1; i <= last; i++) {
		const uint64_t distance = (i - first) * REGF_PAGE;

		if (pages[i].companion != page->companion ||
		    pages[i].offset != page->offset + distance) {
			place.size = distance - offset % REGF_PAGE;
			break;
		}
	}
	return place;
}

struct hive_place hive_image_place(const struct hive_image *image, uint64_t offset, uint64_t size)
{
	return hive_place_in(image->pages, offset, size);
}

/* A stretch of the hive that cannot be read, and why; size 0: none. */
struct gap {
	uint64_t offset, size;
	struct failure why;
};

/* Says it once for the whole stretch, which can be thousands of pages. */
static void tell_gap(struct parse_context *ctx, struct gap *gap)
{
	if (gap->size)
		lost(ctx, gap->offset, "%" PRIu64 " bytes of the hive cannot be read: %s",
		     gap->size, gap->why.text);
	gap->size = 0;
}

/* Reads what can be read in pages; unreadable ones are zeros and said to be lost. */
static enum status load_pieces(struct parse_context *ctx, struct stream *stream, struct span *ret,
			       struct failure *why)
{
	enum { PIECE = 4096 };
	struct gap gap = { 0 };
	uint8_t *bytes = NULL;

	if (stream->size > LIMIT_WHOLE_FILE)
		return failure_set(why, ERR_LIMIT, "hive of %" PRIu64 " bytes", stream->size);
	bytes = arena_alloc(ctx->arena, (size_t)stream->size);
	if (!bytes)
		return failure_set(why, ERR_LIMIT, "hive: memory");
	for (uint64_t at = 0; at < stream->size; at += PIECE) {
		const uint64_t left = stream->size - at;
		const size_t size = left < PIECE ? (size_t)left : PIECE;
		struct failure piece = FAILURE_NONE;

		if (stream_read(stream, at, bytes + at, size, &piece) >= 0) {
			tell_gap(ctx, &gap);
			continue;
		}
		memset(bytes + at, 0, size);
		if (gap.size == 0)
			gap = (struct gap){ at, 0, piece };
		gap.size += size;
	}
	tell_gap(ctx, &gap);
	*ret = span_of(bytes, (size_t)stream->size);
	return STATUS_OK;
}

static enum status load(struct parse_context *ctx, struct stream *stream, struct span *ret,
			struct failure *why)
{
	struct failure first = FAILURE_NONE;
	const enum status status = stream_load(stream, ctx->arena, LIMIT_WHOLE_FILE, ret, &first);

	if (status >= 0)
		return STATUS_OK;
	if (status == ERR_UNREADABLE || status == ERR_IO)
		return load_pieces(ctx, stream, ret, why);
	return failure_set(why, status, "%s", first.text);
}

static void put_u32le(uint8_t *bytes, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

/* The image as bytes that may be changed: a copy, made once; NULL without memory. */
static uint8_t *own_image(struct parse_context *ctx, struct hive_image *image)
{
	if (!image->own) {
		image->own = arena_copy(ctx->arena, image->bytes.data, image->bytes.size);
		if (image->own)
			image->bytes.data = image->own;
	}
	return image->own;
}

/*
 * libregf refuses a file that is shorter than its header says or whose header's checksum is wrong:
 * the header is made to fit what is there.
 */
static enum status fit_header(struct parse_context *ctx, struct hive_image *image,
			      struct failure *why)
{
	struct regf_header header;

	if (!regf_read_header(image->bytes, &header))
		return failure_at(why, ERR_FORMAT, 0, "no registry hive");

	const uint64_t there = image->bytes.size > REGF_BINS_OFFSET
				       ? (image->bytes.size - REGF_BINS_OFFSET) / 4096 * 4096
				       : 0;

	if (header.bins_size <= there && header.checksum_right)
		return STATUS_OK;
	if (header.bins_size > there)
		lost(ctx, image->bytes.size,
		     "the hive ends before the %" PRIu32 " bytes its header names",
		     header.bins_size);

	uint8_t *bytes = own_image(ctx, image);

	if (!bytes)
		return failure_set(why, ERR_LIMIT, "hive: memory");
	if (header.bins_size > there)
		header.bins_size = (uint32_t)there;
	regf_finish_header(bytes, &header);
	return STATUS_OK;
}

/* A bin that says where it stands and how long it is; returns its size, 0 when it is none. */
static uint64_t bin_size(struct span bytes, uint64_t at, uint64_t end)
{
	const struct span header = span_part(bytes, (size_t)at, REGF_BIN_HEADER);
	const uint64_t size = header.data ? span_u32le(header, 8) : 0;

	if (!header.data || memcmp(header.data, "hbin", 4) != 0 ||
	    span_u32le(header, 4) + (uint64_t)REGF_BINS_OFFSET != at || size % 4096 != 0 ||
	    size > end - at)
		return 0;
	return size;
}

/*
 * libregf reads no further than the first broken bin header. Such a header is written anew in
 * memory, over all up to the next whole bin, so that one page costs no more than what stood there.
 */
static enum status heal_bins(struct parse_context *ctx, struct hive_image *image,
			     struct failure *why)
{
	const uint64_t end = REGF_BINS_OFFSET + (uint64_t)span_u32le(image->bytes, 40);
	uint8_t *own = NULL;
	uint64_t at = REGF_BINS_OFFSET;

	while (at < end) {
		uint64_t next = at + bin_size(image->bytes, at, end);

		if (next > at) {
			at = next;
			continue;
		}
		next = at + 4096;
		while (next < end && bin_size(image->bytes, next, end) == 0)
			next += 4096;
		lost(ctx, at, "the hive's bin at 0x%" PRIx64 " has no valid header", at);
		own = own_image(ctx, image);
		if (!own)
			return failure_set(why, ERR_LIMIT, "hive: memory");
		memcpy(own + at, "hbin", 4);
		put_u32le(own + at + 4, (uint32_t)(at - REGF_BINS_OFFSET));
		put_u32le(own + at + 8, (uint32_t)(next - at));
		at = next;
	}
	return STATUS_OK;
}

/* Whether a key counts more values than its list has room for. */
static bool counts_too_many(struct span bytes, const struct regf_key *nk)
{
	struct regf_cell list;

	return nk->n_values > 0 && nk->values_list != REGF_NO_CELL &&
	       (!regf_cell_at(bytes, nk->values_list, &list) || nk->n_values > list.data.size / 4);
}

/*
 * libregf 20201007 reads a list of values by the key's count, over the end of the list's cell
 * (found by fuzzing). A key that counts too many is left without values in memory.
 */
static enum status guard_bin(struct parse_context *ctx, struct hive_image *image, uint64_t at,
			     uint64_t end, struct failure *why)
{
	for (at += REGF_BIN_HEADER; at < end;) {
		struct regf_cell cell;
		struct regf_key nk;
		uint8_t *own;

		if (!regf_cell_at(image->bytes, (uint32_t)(at - REGF_BINS_OFFSET), &cell))
			break;
		at += cell.size;
		if (!cell.allocated || !regf_read_key(cell.data, &nk) ||
		    !counts_too_many(image->bytes, &nk))
			continue;
		/* A predefined handle is no count. */
		if (!(nk.flags & REGF_KEY_HANDLE))
			lost(ctx, cell.offset,
			     "a key counts %" PRIu32 " values, more than its list holds",
			     nk.n_values);
		own = own_image(ctx, image);
		if (!own)
			return failure_set(why, ERR_LIMIT, "hive: memory");
		put_u32le(own + cell.offset + 4 + 36, 0);
	}
	return STATUS_OK;
}

static enum status guard_values(struct parse_context *ctx, struct hive_image *image,
				struct failure *why)
{
	const uint64_t end = REGF_BINS_OFFSET + (uint64_t)span_u32le(image->bytes, 40);
	enum status status = STATUS_OK;
	uint64_t at = REGF_BINS_OFFSET;

	while (at < end && status >= 0) {
		const uint64_t size = bin_size(image->bytes, at, end);

		if (size)
			status = guard_bin(ctx, image, at, at + size, why);
		at += size ? size : 4096;
	}
	return status;
}

enum status hive_image_load(struct parse_context *ctx, const struct source *source,
			    struct hive_image *ret, struct failure *why)
{
	enum status status;

	if (source->stream->size == 0)
		return STATUS_DECLINED;
	status = load(ctx, source->stream, &ret->primary, why);
	if (status < 0)
		return status;
	ret->bytes = ret->primary;
	status = replay_logs(ctx, source, ret, why);
	if (status >= 0)
		status = fit_header(ctx, ret, why);
	if (status >= 0)
		status = heal_bins(ctx, ret, why);
	return status < 0 ? status : guard_values(ctx, ret, why);
}
