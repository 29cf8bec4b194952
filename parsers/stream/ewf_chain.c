/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of segment files and sections of an EWF image, checked by ourselves: libewf opens a set
 * whose tail is missing and reads zeros there.
 *
 * Layout (libewf documentation, "Expert Witness Compression Format (EWF)", sections 2 and 3):
 * file header, 13 bytes
 *   0  8  signature "EVF" 09 0d 0a ff 00
 *   8  1  start of fields, 01
 *   9  2  segment number, from 1
 *  11  2  end of fields, 00 00
 * section descriptor, 76 bytes
 *   0 16  type
 *  16  8  offset of the next section in this file; of itself in the last one ("next" or "done")
 *  24  8  size
 *  72  4  Adler-32 of bytes 0 to 71
 * "volume" and "disk": at 4 of their data the number of chunks; "table": at 0 the number of entries.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <zlib.h>

#include "parsers/base/cursor.h"
#include "parsers/stream/image_formats.h"

enum {
	FILE_HEADER_SIZE = 13,
	DESCRIPTOR_SIZE = 76,
	CHECKSUM_OFFSET = 72,
	TYPE_SIZE = 16,
	MAX_SECTIONS = 1 << 20, /* of one segment; real ones have some hundred per GiB */
	MAX_SEGMENTS = 99 + 22 * 26 * 26,
};

static const uint8_t signature[] = { 'E', 'V', 'F', 0x09, 0x0d, 0x0a, 0xff, 0x00 };

/* The name of segment number n, from that of the first: .E01 to .E99, .EAA to .ZZZ. */
static bool name_segment(char *path, unsigned n)
{
	char *extension = strrchr(path, '.');

	if (!extension || strlen(extension) != 4)
		return false;

	const bool lower = extension[1] >= 'a';
	const char a = lower ? 'a' : 'A';

	if (n <= 99) {
		extension[2] = (char)('0' + n / 10);
		extension[3] = (char)('0' + n % 10);
		return true;
	}

	const unsigned letters = n - 100;
	const unsigned first = (unsigned)(extension[1] - a) + letters / (26 * 26);

	if (first > 25)
		return false;
	extension[1] = (char)(a + (char)first);
	extension[2] = (char)(a + (char)(letters / 26 % 26));
	extension[3] = (char)(a + (char)(letters % 26));
	return true;
}

static enum status find_segments(struct image *image, struct failure *why)
{
	CLEANUP(free_p) char *path = strdup(image->segments[0]);

	if (!path)
		return failure_set(why, ERR_NO_MEMORY, "segments");
	for (unsigned n = 2; n <= MAX_SEGMENTS; n++) {
		memcpy(path, image->segments[0], strlen(path));
		if (!name_segment(path, n) || access(path, F_OK) != 0)
			return STATUS_OK;

		const enum status status = image_add_segment(image, path, why);

		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

static enum status read_file_header(const char *path, unsigned *ret_number, struct failure *why)
{
	CLEANUP(stream_close_p) struct stream *file = NULL;
	char *const paths[] = { (char *)(uintptr_t)path };
	uint8_t header[FILE_HEADER_SIZE];
	enum status status = stream_over_files(paths, 1, &file, why);

	if (status < 0)
		return status;
	status = stream_read(file, 0, header, sizeof(header), why);
	if (status < 0)
		return failure_wrap(why, "EWF segment '%s'", path);
	if (memcmp(header, signature, sizeof(signature)) != 0)
		return failure_at(why, ERR_FORMAT, 0, "'%s' is no EWF segment", path);
	*ret_number = span_u16le(span_of(header, sizeof(header)), 9);
	return STATUS_OK;
}

/* Puts listed segments into the order of the numbers in their headers; 1, 2, 3 without a gap. */
static enum status order_segments(struct image *image, struct failure *why)
{
	CLEANUP(free_p) char **ordered = calloc(image->n_segments, sizeof(*ordered));

	if (!ordered)
		return failure_set(why, ERR_NO_MEMORY, "segments");
	for (size_t i = 0; i < image->n_segments; i++) {
		unsigned number = 0;
		const enum status status = read_file_header(image->segments[i], &number, why);

		if (status < 0)
			return status;
		if (image->n_segments == 1 && number != 1)
			return failure_set(why, ERR_TRUNCATED,
					   "'%s' is segment %u; name the first one",
					   image->segments[i], number);
		if (number < 1 || number > image->n_segments || ordered[number - 1])
			return failure_set(why, ERR_TRUNCATED,
					   "'%s' is segment %u, but %zu segments are there: "
					   "one is missing or named twice",
					   image->segments[i], number, image->n_segments);
		ordered[number - 1] = image->segments[i];
	}
	memcpy(image->segments, ordered, image->n_segments * sizeof(*ordered));
	return STATUS_OK;
}

/* One section; fills type. */
static enum status read_descriptor(struct stream *file, uint64_t offset, char type[TYPE_SIZE + 1],
				   uint64_t *ret_next, struct failure *why)
{
	uint8_t bytes[DESCRIPTOR_SIZE] = { 0 };
	const struct span s = span_of(bytes, sizeof(bytes));
	const enum status status = stream_read(file, offset, bytes, sizeof(bytes), why);

	if (status < 0)
		return status;
	if (adler32(1, bytes, CHECKSUM_OFFSET) != span_u32le(s, CHECKSUM_OFFSET))
		return failure_at(why, ERR_FORMAT, offset, "section with a wrong checksum at %" PRIu64,
				  offset);
	memcpy(type, bytes, TYPE_SIZE);
	type[TYPE_SIZE] = '\0';
	*ret_next = span_u64le(s, 16);
	return STATUS_OK;
}

static enum status note_section(struct stream *file, uint64_t offset, const char *type,
				struct ewf_chain *chain, struct failure *why)
{
	uint8_t data[8] = { 0 };
	const struct span s = span_of(data, sizeof(data));
	const bool volume = strcmp(type, "volume") == 0 || strcmp(type, "disk") == 0;
	enum status status = STATUS_OK;

	if (strcmp(type, "header2") == 0 || strcmp(type, "xheader") == 0)
		chain->has_zoned_header = true;
	if (volume || strcmp(type, "table") == 0)
		status = stream_read(file, offset + DESCRIPTOR_SIZE, data, sizeof(data), why);
	if (status < 0)
		return status;
	if (volume)
		chain->n_chunks = span_u32le(s, 4);
	else if (strcmp(type, "table") == 0)
		chain->n_listed += span_u32le(s, 0);
	return STATUS_OK;
}

/* Follows the sections to the last one, whose type it leaves in type. */
static enum status walk_sections(struct stream *file, char type[TYPE_SIZE + 1],
				 struct ewf_chain *chain, struct failure *why)
{
	uint64_t offset = FILE_HEADER_SIZE;

	for (unsigned n = 0; n < MAX_SECTIONS; n++) {
		uint64_t next = 0;
		enum status status = read_descriptor(file, offset, type, &next, why);

		if (status >= 0)
			status = note_section(file, offset, type, chain, why);
		if (status < 0)
			return status;
		if (strcmp(type, "next") == 0 || strcmp(type, "done") == 0)
			return STATUS_OK;
		if (next < offset + DESCRIPTOR_SIZE)
			return failure_at(why, ERR_FORMAT, offset,
					  "section '%s' leads back to %" PRIu64, type, next);
		offset = next;
	}
	return failure_at(why, ERR_LIMIT, offset, "more than %d sections", MAX_SECTIONS);
}

static enum status check_segment(struct image *image, size_t i, struct ewf_chain *chain,
				 struct failure *why)
{
	const bool last = i + 1 == image->n_segments;
	char type[TYPE_SIZE + 1] = "";
	CLEANUP(stream_close_p) struct stream *file = NULL;
	enum status status = stream_over_files(&image->segments[i], 1, &file, why);

	if (status < 0)
		return status;
	status = walk_sections(file, type, chain, why);
	if (status == ERR_TRUNCATED)
		return failure_set(why, ERR_TRUNCATED,
				   "EWF segment '%s' is cut off: its %" PRIu64
				   " bytes end inside the chain of sections",
				   image->segments[i], file->size);
	if (status < 0)
		return failure_wrap(why, "EWF segment '%s'", image->segments[i]);
	if (last && strcmp(type, "done") != 0) {
		CLEANUP(free_p) char *path = strdup(image->segments[0]);
		const bool named = path && name_segment(path, (unsigned)i + 2);

		return failure_set(why, ERR_TRUNCATED,
				   "segment %zu of the EWF image is missing ('%s'): '%s' says that "
				   "more follow", i + 2, named ? path : "?", image->segments[i]);
	}
	if (!last && strcmp(type, "next") != 0)
		return failure_set(why, ERR_FORMAT, "EWF segment '%s' says it is the last, but %zu "
				   "more are there", image->segments[i], image->n_segments - i - 1);
	return STATUS_OK;
}

enum status ewf_check_chain(struct image *image, struct ewf_chain *ret, struct failure *why)
{
	struct ewf_chain chain = { 0 };
	enum status status = STATUS_OK;

	if (image->n_segments == 1) {
		unsigned number = 0;

		status = read_file_header(image->segments[0], &number, why);
		if (status < 0)
			return status;
		if (number == 1)
			status = find_segments(image, why);
	}
	if (status >= 0)
		status = order_segments(image, why);
	for (size_t i = 0; i < image->n_segments && status >= 0; i++)
		status = check_segment(image, i, &chain, why);
	if (status < 0)
		return status;
	if (chain.n_listed < chain.n_chunks)
		return failure_set(why, ERR_FORMAT,
				   "the tables of the EWF image list %" PRIu64 " of %" PRIu64
				   " chunks", chain.n_listed, chain.n_chunks);
	*ret = chain;
	return STATUS_OK;
}
