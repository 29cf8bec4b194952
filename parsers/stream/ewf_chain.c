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
	TYPE_SIZE = EWF_TYPE_SIZE,
	MAX_SECTIONS = 1 << 20, /* of one segment; real ones have some hundred per GiB */
	MAX_SEGMENTS = 99 + 22 * 26 * 26,
	GAP_SEARCH = 200, /* names tried behind a missing segment before the set is taken to end */
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

/* Adds the segments beside the first one; behind a gap too, since one that is lost hides no other. */
static enum status find_segments(struct image *image, struct failure *why)
{
	CLEANUP(free_p) char *path = strdup(image->segments[0]);

	if (!path)
		return failure_set(why, ERR_NO_MEMORY, "segments");
	for (unsigned n = 2, gap = 0; n <= MAX_SEGMENTS && gap < GAP_SEARCH; n++) {
		memcpy(path, image->segments[0], strlen(path));
		if (!name_segment(path, n))
			return STATUS_OK;
		if (access(path, F_OK) != 0) {
			gap++;
			continue;
		}

		const enum status status = image_add_segment(image, path, why);

		if (status < 0)
			return status;
		gap = 0;
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

/* Puts segment i, of that number, among those before it, which are in order. */
static void insert_in_order(struct image *image, unsigned *numbers, size_t i, unsigned number)
{
	char *path = image->segments[i];

	for (; i > 0 && numbers[i - 1] > number; i--) {
		image->segments[i] = image->segments[i - 1];
		numbers[i] = numbers[i - 1];
	}
	image->segments[i] = path;
	numbers[i] = number;
}

/* Puts the segments into the order of the numbers in their headers. */
static enum status order_segments(struct image *image, unsigned *numbers, struct failure *why)
{
	for (size_t i = 0; i < image->n_segments; i++) {
		unsigned number = 0;
		const enum status status = read_file_header(image->segments[i], &number, why);

		if (status < 0)
			return status;
		for (size_t j = 0; j < i; j++)
			if (numbers[j] == number)
				return failure_set(why, ERR_FORMAT,
						   "'%s' and '%s' are both segment %u",
						   image->segments[j], image->segments[i], number);
		insert_in_order(image, numbers, i, number);
	}
	if (numbers[0] != 1)
		return failure_set(why, ERR_TRUNCATED,
				   "'%s' is segment %u; name the first one, without which the "
				   "others have no place", image->segments[0], numbers[0]);
	return STATUS_OK;
}

enum status ewf_find_segments(struct image *image, unsigned **ret_numbers, struct failure *why)
{
	unsigned number = 0;
	enum status status = read_file_header(image->segments[0], &number, why);

	if (status >= 0 && image->n_segments == 1 && number == 1)
		status = find_segments(image, why);
	if (status < 0)
		return status;

	CLEANUP(free_p) unsigned *numbers = calloc(image->n_segments, sizeof(*numbers));

	if (!numbers)
		return failure_set(why, ERR_NO_MEMORY, "segments");
	status = order_segments(image, numbers, why);
	if (status < 0)
		return status;
	*ret_numbers = numbers;
	numbers = NULL;
	return STATUS_OK;
}

enum status ewf_next_section(struct stream *file, struct ewf_section *section, struct failure *why)
{
	const uint64_t offset = section->next;
	uint8_t bytes[DESCRIPTOR_SIZE] = { 0 };
	const struct span s = span_of(bytes, sizeof(bytes));
	const enum status status = stream_read(file, offset, bytes, sizeof(bytes), why);

	if (status < 0)
		return status;
	if (adler32(1, bytes, CHECKSUM_OFFSET) != span_u32le(s, CHECKSUM_OFFSET))
		return failure_at(why, ERR_FORMAT, offset, "section with a wrong checksum at %" PRIu64,
				  offset);
	memcpy(section->type, bytes, TYPE_SIZE);
	section->type[TYPE_SIZE] = '\0';
	section->data = offset + DESCRIPTOR_SIZE;
	section->next = span_u64le(s, 16);
	section->ends_segment =
		strcmp(section->type, "next") == 0 || strcmp(section->type, "done") == 0;
	if (!section->ends_segment && section->next < section->data)
		return failure_at(why, ERR_FORMAT, offset, "section '%s' leads back to %" PRIu64,
				  section->type, section->next);
	return STATUS_OK;
}

static enum status note_section(struct stream *file, const struct ewf_section *section,
				struct ewf_chain *chain, struct failure *why)
{
	const char *type = section->type;
	uint8_t data[8] = { 0 };
	const struct span s = span_of(data, sizeof(data));
	const bool volume = strcmp(type, "volume") == 0 || strcmp(type, "disk") == 0;
	enum status status = STATUS_OK;

	if (strcmp(type, "header2") == 0 || strcmp(type, "xheader") == 0)
		chain->has_zoned_header = true;
	if (volume || strcmp(type, "table") == 0)
		status = stream_read(file, section->data, data, sizeof(data), why);
	if (status < 0)
		return status;
	if (volume)
		chain->n_chunks = span_u32le(s, 4);
	else if (strcmp(type, "table") == 0)
		chain->n_listed += span_u32le(s, 0);
	return STATUS_OK;
}

/* Follows the sections to the last one, which it leaves in section. */
static enum status walk_sections(struct stream *file, struct ewf_section *section,
				 struct ewf_chain *chain, struct failure *why)
{
	*section = (struct ewf_section){ .next = EWF_FIRST_SECTION };
	for (unsigned n = 0; n < MAX_SECTIONS; n++) {
		enum status status = ewf_next_section(file, section, why);

		if (status >= 0)
			status = note_section(file, section, chain, why);
		if (status < 0 || section->ends_segment)
			return status;
	}
	return failure_at(why, ERR_LIMIT, section->next, "more than %d sections", MAX_SECTIONS);
}

static enum status missing(const struct image *image, unsigned number, struct failure *why)
{
	CLEANUP(free_p) char *path = strdup(image->segments[0]);
	const bool named = path && name_segment(path, number);

	return failure_set(why, ERR_TRUNCATED, "segment %u of the EWF image is missing ('%s')",
			   number, named ? path : "?");
}

static enum status check_segment(const struct image *image, const unsigned *numbers, size_t i,
				 struct ewf_chain *chain, struct failure *why)
{
	const bool last = i + 1 == image->n_segments;
	struct ewf_section section;
	CLEANUP(stream_close_p) struct stream *file = NULL;
	enum status status = STATUS_OK;

	if (numbers[i] != i + 1)
		return missing(image, (unsigned)i + 1, why);
	status = stream_over_files(&image->segments[i], 1, &file, why);
	if (status < 0)
		return status;
	status = walk_sections(file, &section, chain, why);
	if (status == ERR_TRUNCATED)
		return failure_set(why, ERR_TRUNCATED,
				   "EWF segment '%s' is cut off: its %" PRIu64
				   " bytes end inside the chain of sections",
				   image->segments[i], file->size);
	if (status < 0)
		return failure_wrap(why, "EWF segment '%s'", image->segments[i]);
	if (last && strcmp(section.type, "done") != 0)
		return missing(image, (unsigned)i + 2, why);
	if (!last && strcmp(section.type, "next") != 0)
		return failure_set(why, ERR_FORMAT, "EWF segment '%s' says it is the last, but %zu "
				   "more are there", image->segments[i], image->n_segments - i - 1);
	return STATUS_OK;
}

enum status ewf_check_chain(const struct image *image, const unsigned *numbers,
			    struct ewf_chain *ret, struct failure *why)
{
	enum status status = STATUS_OK;

	*ret = (struct ewf_chain){ 0 };
	for (size_t i = 0; i < image->n_segments && status >= 0; i++)
		status = check_segment(image, numbers, i, ret, why);
	if (status < 0)
		return status;
	if (ret->n_listed < ret->n_chunks)
		return failure_set(why, ERR_FORMAT,
				   "the tables of the EWF image list %" PRIu64 " of %" PRIu64
				   " chunks", ret->n_listed, ret->n_chunks);
	return STATUS_OK;
}
