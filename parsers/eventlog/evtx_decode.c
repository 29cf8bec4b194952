/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/eventlog/evtx_decode.h"

#include <libbfio.h>
#include <libevtx.h>
#include <zlib.h>

#include "parsers/eventlog/event_xml.h"

enum { LOG_SIZE = EVTX_HEADER_SIZE + EVTX_CHUNK_SIZE, MAX_XML = 8 << 20 };

struct found {
	uint64_t id, written; /* libevtx 20181227 does not tell the offset */
	int index;
	bool recovered;
};

struct evtx_decoder {
	uint8_t log[LOG_SIZE];
	libbfio_handle_t *io;
	libevtx_file_t *file;
	struct found found[EVTX_CHUNK_SIZE / EVTX_RECORD_MIN];
	size_t n_found;
	bool listed; /* found is filled: reading each record costs, so only when needed */
};

static void put_u32(uint8_t *at, uint32_t number)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(number >> (8 * i));
}

/* A file header for a log of one chunk. */
static void make_header(uint8_t *log)
{
	memcpy(log, "ElfFile", 8);
	log[24] = 1;                /* next record; libevtx does not use it */
	log[32] = 128;              /* header size */
	log[36] = 1;                /* minor version 1 */
	log[38] = 3;                /* major version 3 */
	log[41] = EVTX_HEADER_SIZE >> 8;
	log[42] = 1; /* chunks */
	put_u32(log + 124, (uint32_t)crc32(0, log, 120));
}

static enum status evtx_failure(struct failure *why, libevtx_error_t **error, const char *what)
{
	char text[256] = "";

	if (*error) {
		(void)libevtx_error_sprint(*error, text, sizeof(text));
		libevtx_error_free(error);
	}
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = ' ';
	return failure_set(why, ERR_FORMAT, "%s: %s", what, text);
}

static void add_found(struct evtx_decoder *decoder, int index, bool recovered)
{
	libevtx_record_t *record = NULL;
	struct found found = { .index = index, .recovered = recovered };
	const int result =
		recovered ? libevtx_file_get_recovered_record_by_index(decoder->file, index,
								       &record, NULL) :
			    libevtx_file_get_record_by_index(decoder->file, index, &record, NULL);

	if (result == 1 && libevtx_record_get_identifier(record, &found.id, NULL) == 1 &&
	    libevtx_record_get_written_time(record, &found.written, NULL) == 1)
		decoder->found[decoder->n_found++] = found;
	(void)libevtx_record_free(&record, NULL);
}

static void list_found(struct evtx_decoder *decoder)
{
	const size_t room = sizeof(decoder->found) / sizeof(decoder->found[0]);
	int n = 0;

	decoder->listed = true;
	if (libevtx_file_get_number_of_records(decoder->file, &n, NULL) != 1)
		n = 0;
	for (int i = 0; i < n && decoder->n_found < room; i++)
		add_found(decoder, i, false);
	if (libevtx_file_get_number_of_recovered_records(decoder->file, &n, NULL) != 1)
		n = 0;
	for (int i = 0; i < n && decoder->n_found < room; i++)
		add_found(decoder, i, true);
}

enum status evtx_decoder_open(struct span bytes, struct evtx_decoder **ret, struct failure *why)
{
	CLEANUP(evtx_decoder_free_p) struct evtx_decoder *decoder = calloc(1, sizeof(*decoder));
	libevtx_error_t *error = NULL;

	if (!decoder)
		return failure_set(why, ERR_NO_MEMORY, "decoder of a chunk");
	if (bytes.size != EVTX_CHUNK_SIZE)
		return failure_set(why, ERR_TRUNCATED, "chunk of %zu bytes", bytes.size);
	make_header(decoder->log);
	memcpy(decoder->log + EVTX_HEADER_SIZE, bytes.data, EVTX_CHUNK_SIZE);
	if (libbfio_memory_range_initialize(&decoder->io, NULL) != 1 ||
	    libbfio_memory_range_set(decoder->io, decoder->log, LOG_SIZE, NULL) != 1)
		return failure_set(why, ERR_NO_MEMORY, "memory range of a chunk");
	if (libevtx_file_initialize(&decoder->file, &error) != 1 ||
	    libevtx_file_open_file_io_handle(decoder->file, decoder->io, LIBEVTX_OPEN_READ,
					     &error) != 1)
		return evtx_failure(why, &error, "libevtx does not read the chunk");
	*ret = decoder;
	decoder = NULL;
	return STATUS_OK;
}

void evtx_decoder_free(struct evtx_decoder *decoder)
{
	if (!decoder)
		return;
	if (decoder->file) {
		(void)libevtx_file_close(decoder->file, NULL);
		(void)libevtx_file_free(&decoder->file, NULL);
	}
	if (decoder->io)
		(void)libbfio_handle_free(&decoder->io, NULL);
	free(decoder);
}

static enum status read_xml(libevtx_record_t *record, struct arena *arena, struct text *ret,
			    struct failure *why)
{
	libevtx_error_t *error = NULL;
	size_t size = 0;
	char *xml;

	if (libevtx_record_get_utf8_xml_string_size(record, &size, &error) != 1)
		return evtx_failure(why, &error, "libevtx gives no XML");
	if (size == 0 || size > MAX_XML || !(xml = arena_alloc(arena, size)))
		return failure_set(why, ERR_LIMIT, "event of %zu bytes of XML", size);
	if (libevtx_record_get_utf8_xml_string(record, (uint8_t *)xml, size, &error) != 1)
		return evtx_failure(why, &error, "libevtx gives no XML");
	*ret = (struct text){ xml, size - 1 };
	return STATUS_OK;
}

static bool is_record(libevtx_record_t *record, const struct evtx_record *header)
{
	uint64_t id, written;

	return libevtx_record_get_identifier(record, &id, NULL) == 1 && id == header->id &&
	       libevtx_record_get_written_time(record, &written, NULL) == 1 &&
	       written == (uint64_t)header->written.ticks;
}

/* The record of that number and time wherever libevtx lists it; NULL if it does not. */
static libevtx_record_t *search_record(struct evtx_decoder *decoder,
				       const struct evtx_record *header)
{
	libevtx_record_t *record = NULL;
	size_t i = 0;
	int result;

	if (!decoder->listed)
		list_found(decoder);
	while (i < decoder->n_found &&
	       (decoder->found[i].id != header->id ||
		decoder->found[i].written != (uint64_t)header->written.ticks))
		i++;
	if (i == decoder->n_found)
		return NULL;
	result = decoder->found[i].recovered ?
			 libevtx_file_get_recovered_record_by_index(
				 decoder->file, decoder->found[i].index, &record, NULL) :
			 libevtx_file_get_record_by_index(decoder->file, decoder->found[i].index,
							  &record, NULL);
	return result == 1 ? record : NULL;
}

enum status evtx_decode(struct evtx_decoder *decoder, struct arena *arena, int place,
			const struct evtx_record *header, struct event *event, bool *ret_cut,
			struct failure *why)
{
	libevtx_record_t *record = NULL;
	enum status status;
	struct text xml;

	if (place < 0 ||
	    libevtx_file_get_record_by_index(decoder->file, place, &record, NULL) != 1 ||
	    !is_record(record, header)) {
		(void)libevtx_record_free(&record, NULL);
		record = search_record(decoder, header);
	}
	if (!record)
		return STATUS_END;
	status = read_xml(record, arena, &xml, why);
	(void)libevtx_record_free(&record, NULL);
	return status < 0 ? status : event_from_xml(arena, xml, event, ret_cut, why);
}
