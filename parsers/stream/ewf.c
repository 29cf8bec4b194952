/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EWF images (E01, S01) through libewf 20140813. libewf fills a bad chunk with zeros and reports
 * success, so after each read its list of checksum errors is taken over, and every read that
 * touches a range in it fails.
 */
#include <inttypes.h>
#include <stdio.h>

#include <libewf.h>

#include "parsers/stream/image_formats.h"
#include "parsers/stream/library_stream.h"

struct ewf_stream {
	struct stream stream;
	struct image *image; /* borrowed */
	library_handle *handle;
	struct range_list unreadable;
	uint32_t sector_size, chunk_size; /* bytes */
	uint32_t n_errors_seen;           /* of libewf's list of checksum errors */
};

static enum status mark(struct ewf_stream *ewf, uint64_t sector, uint64_t n_sectors,
			struct failure *why)
{
	uint64_t offset, size;

	if (__builtin_mul_overflow(sector, ewf->sector_size, &offset) ||
	    __builtin_mul_overflow(n_sectors, ewf->sector_size, &size))
		return failure_set(why, ERR_FORMAT, "range of bad sectors out of bounds");
	if (!ranges_add(&ewf->unreadable, offset, size))
		return failure_set(why, ERR_NO_MEMORY, "unreadable ranges");
	return STATUS_OK;
}

/* Takes over what libewf has found bad since the last time. */
static enum status take_checksum_errors(struct ewf_stream *ewf, struct failure *why)
{
	uint32_t n = 0;

	if (libewf_handle_get_number_of_checksum_errors(ewf->handle, &n, NULL) != 1)
		return STATUS_OK;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t sector = 0, n_sectors = 0;

		/* Merged ranges change in place: while there are few, all are looked at again. */
		if (n > 64 && i < ewf->n_errors_seen && i + 1 != n)
			continue;
		if (libewf_handle_get_checksum_error(ewf->handle, i, &sector, &n_sectors, NULL) !=
		    1)
			continue;

		const enum status status = mark(ewf, sector, n_sectors, why);

		if (status < 0)
			return status;
	}
	ewf->n_errors_seen = n;
	return STATUS_OK;
}

static enum status take_acquisition_errors(struct ewf_stream *ewf, struct failure *why)
{
	uint32_t n = 0;

	if (libewf_handle_get_number_of_acquiry_errors(ewf->handle, &n, NULL) != 1)
		return STATUS_OK;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t sector = 0, n_sectors = 0;

		if (libewf_handle_get_acquiry_error(ewf->handle, i, &sector, &n_sectors, NULL) != 1)
			continue;

		const enum status status = mark(ewf, sector, n_sectors, why);

		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

/* Reads what lies in one chunk; what libewf cannot give makes the whole chunk unreadable. */
static enum status read_in_chunk(struct ewf_stream *ewf, uint64_t offset, uint8_t *buffer,
				 size_t size, struct failure *why)
{
	library_handle *error = NULL;
	const ssize_t n =
		libewf_handle_read_random(ewf->handle, buffer, size, (off64_t)offset, &error);

	if (n == (ssize_t)size)
		return take_checksum_errors(ewf, why);

	const uint64_t chunk = offset - offset % ewf->chunk_size;

	if (!ranges_add(&ewf->unreadable, chunk, ewf->chunk_size)) {
		libewf_error_free(&error);
		return failure_set(why, ERR_NO_MEMORY, "unreadable ranges");
	}
	(void)failure_from_library(why, ERR_UNREADABLE, &error, "EWF chunk at %" PRIu64, chunk);
	if (why)
		why->offset = offset;
	return ERR_UNREADABLE;
}

/* Chunk by chunk: which bad one is met first must not depend on what was read before. */
static enum status ewf_read_at(struct stream *stream, uint64_t offset, void *buffer, size_t size,
			       struct failure *why)
{
	struct ewf_stream *ewf = (struct ewf_stream *)stream;

	for (size_t done = 0; done < size;) {
		const uint64_t at = offset + done;
		const uint64_t left = ewf->chunk_size - at % ewf->chunk_size;
		const size_t n = size - done < left ? size - done : (size_t)left;
		enum status status = image_refuse_bad(ewf->image, ewf->chunk_size, at, n, why);

		if (status >= 0)
			status = read_in_chunk(ewf, at, (uint8_t *)buffer + done, n, why);
		if (status >= 0)
			status = image_refuse_bad(ewf->image, ewf->chunk_size, at, n, why);
		if (status < 0)
			return status;
		done += n;
	}
	return STATUS_OK;
}

static void ewf_close(struct stream *stream)
{
	struct ewf_stream *ewf = (struct ewf_stream *)stream;

	(void)libewf_handle_close(ewf->handle, NULL); /* read only */
	(void)libewf_handle_free(&ewf->handle, NULL);
	ranges_release(&ewf->unreadable);
	free(ewf);
}

static const struct stream_ops ewf_ops = { ewf_read_at, ewf_close };

static void read_acquired(struct image *image, library_handle *handle, bool zoned)
{
	uint8_t value[128] = "";
	const uint8_t name[] = "acquiry_date";

	if (libewf_handle_get_utf8_header_value(handle, name, sizeof(name) - 1, value,
						sizeof(value) - 1, NULL) != 1)
		return;

	/* libewf writes "2021-07-22T15:33:18", in the zone of the process (which runs in UTC). */
	struct instant acquired = instant_parse(text_of((const char *)value));

	if (acquired.state != INSTANT_SET)
		return;
	acquired.zone = zoned ? ZONE_UTC : ZONE_LOCAL;
	image->acquired = acquired;
}

static enum status read_facts(struct image *image, struct ewf_stream *ewf, bool zoned,
			      struct failure *why)
{
	library_handle *error = NULL;
	size64_t size = 0;

	if (libewf_handle_get_media_size(ewf->handle, &size, &error) != 1 ||
	    libewf_handle_get_bytes_per_sector(ewf->handle, &ewf->sector_size, &error) != 1 ||
	    libewf_handle_get_chunk_size(ewf->handle, &ewf->chunk_size, &error) != 1)
		return failure_from_library(why, ERR_FORMAT, &error, "EWF media facts");
	if (size > INT64_MAX || ewf->sector_size == 0 || ewf->chunk_size == 0)
		return failure_set(why, ERR_FORMAT, "EWF media of %" PRIu64 " bytes, chunks of %u",
				   size, ewf->chunk_size);
	ewf->stream.size = size;
	image->has_md5 =
		libewf_handle_get_md5_hash(ewf->handle, image->md5, sizeof(image->md5), NULL) == 1;
	image->has_sha1 = libewf_handle_get_sha1_hash(ewf->handle, image->sha1,
						      sizeof(image->sha1), NULL) == 1;
	read_acquired(image, ewf->handle, zoned);
	return take_acquisition_errors(ewf, why);
}

/* Opens the first n segments. */
static enum status open_handle(const struct image *image, size_t n, library_handle **ret,
			       struct failure *why)
{
	library_handle *error = NULL;

	if (libewf_handle_initialize(ret, &error) != 1)
		return failure_from_library(why, ERR_NO_MEMORY, &error, "libewf");
	if (libewf_handle_open(*ret, image->segments, (int)n, LIBEWF_OPEN_READ, &error) != 1)
		return failure_from_library(why, ERR_FORMAT, &error, "EWF image '%s'",
					    image->segments[0]);
	if (libewf_handle_set_header_values_date_format(*ret, LIBEWF_DATE_FORMAT_ISO8601,
							&error) != 1)
		return failure_from_library(why, ERR_FORMAT, &error, "EWF header values");
	return STATUS_OK;
}

static enum status open_whole(struct image *image, bool zoned, struct failure *why)
{
	struct ewf_stream *ewf = calloc(1, sizeof(*ewf));

	if (!ewf)
		return failure_set(why, ERR_NO_MEMORY, "EWF image");
	ewf->stream.ops = &ewf_ops;
	ewf->image = image;

	enum status status = open_handle(image, image->n_segments, &ewf->handle, why);

	if (status >= 0)
		status = read_facts(image, ewf, zoned, why);
	if (status < 0) {
		ewf_close(&ewf->stream);
		return status;
	}
	image->format = IMAGE_EWF;
	image->stream = &ewf->stream;
	image->unreadable = &ewf->unreadable;
	return STATUS_OK;
}

/* The date in the header of the first segment; unset when libewf cannot open even that. */
static void read_first_header(struct image *image, bool zoned)
{
	library_handle *handle = NULL;

	if (open_handle(image, 1, &handle, NULL) >= 0)
		read_acquired(image, handle, zoned);
	(void)libewf_handle_close(handle, NULL); /* read only, and perhaps not open */
	(void)libewf_handle_free(&handle, NULL);
}

/* What is left of a set that is not whole; reason says why it is not. */
static enum status open_rest(struct image *image, const unsigned *numbers, bool zoned,
			     struct failure *reason)
{
	struct failure why = FAILURE_NONE;

	if (ewf_open_incomplete(image, numbers, &why) < 0) {
		image->has_md5 = false;
		return reason->status;
	}
	read_first_header(image, zoned);
	image->problem = strdup(reason->text);
	return image->problem ? STATUS_OK : failure_set(reason, ERR_NO_MEMORY, "EWF image");
}

enum status image_open_ewf(struct image *image, struct failure *why)
{
	CLEANUP(free_p) unsigned *numbers = NULL;
	struct ewf_chain chain;
	enum status status = ewf_find_segments(image, &numbers, why);

	if (status < 0)
		return status;
	status = ewf_check_chain(image, numbers, &chain, why);
	if (status >= 0)
		status = open_whole(image, chain.has_zoned_header, why);
	return status < 0 ? open_rest(image, numbers, chain.has_zoned_header, why) : STATUS_OK;
}
