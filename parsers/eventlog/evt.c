/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event logs of Windows NT to XP and 2003, through libevt ("Windows Event Log (EVT) format", libevt
 * documentation). Records have a source name, an identifier (its low 16 bits are the event's), two
 * times to the second, strings and data; they become the same traces as those of later systems. A
 * log wraps; libevt follows that, and recovers records from the rest of the file. The format has no
 * checksums: what protects against a wrong bit in a time is log_times.h alone.
 */
#include <libbfio.h>
#include <libevt.h>

#include "parsers/base/text.h"
#include "parsers/eventlog/families.h"
#include "parsers/eventlog/log_times.h"

#define ARENA_RECORD ((size_t)16 << 20)

enum { RECORD_HEADER = 56, MAX_RECORDS = 1 << 20 };

struct evt_reading {
	struct parse_context *ctx;
	struct failure *why;
	struct span bytes;
	libbfio_handle_t *io;
	libevt_file_t *file;
	struct arena *arena;
	struct log_times times;
	struct text channel;
	struct event event;
};

static void evt_reading_release(struct evt_reading *reading)
{
	if (reading->file) {
		(void)libevt_file_close(reading->file, NULL);
		(void)libevt_file_free(&reading->file, NULL);
	}
	if (reading->io)
		(void)libbfio_handle_free(&reading->io, NULL);
	log_times_clear(&reading->times);
	arena_free(reading->arena);
}

/* The size getters of libevt count the NUL and give 0 where there is no text. */
typedef int (*size_getter)(libevt_record_t *, size_t *, libevt_error_t **);
typedef int (*text_getter)(libevt_record_t *, uint8_t *, size_t, libevt_error_t **);

static struct text take_text(struct evt_reading *reading, libevt_record_t *record,
			     size_getter get_size, text_getter get_text)
{
	size_t size = 0;
	char *text;

	if (get_size(record, &size, NULL) != 1 || size < 2 || size > LIMIT_TEXT ||
	    !(text = arena_alloc(reading->arena, size)) ||
	    get_text(record, (uint8_t *)text, size, NULL) != 1)
		return (struct text){ NULL, 0 };
	return text_from_utf8(reading->arena, span_of(text, size - 1), NULL);
}

static void take_strings(struct evt_reading *reading, libevt_record_t *record)
{
	struct event *event = &reading->event;
	int n = 0;

	if (libevt_record_get_number_of_strings(record, &n, NULL) != 1)
		return;
	for (int i = 0; i < n && i < EVENT_MAX_ITEMS; i++) {
		struct text value = { "", 0 };
		size_t size = 0;
		char *text;

		if (libevt_record_get_utf8_string_size(record, i, &size, NULL) == 1 && size > 1 &&
		    size <= LIMIT_TEXT && (text = arena_alloc(reading->arena, size)) &&
		    libevt_record_get_utf8_string(record, i, (uint8_t *)text, size, NULL) == 1)
			value = text_from_utf8(reading->arena, span_of(text, size - 1), NULL);
		event->items[event->n_items++] = (struct event_item){ .value = value };
	}
}

static void take_data(struct evt_reading *reading, libevt_record_t *record)
{
	size_t size = 0;
	uint8_t *data;

	if (libevt_record_get_data_size(record, &size, NULL) == 1 && size && size <= LIMIT_TEXT &&
	    (data = arena_alloc(reading->arena, size)) &&
	    libevt_record_get_data(record, data, size, NULL) == 1)
		reading->event.binary = span_of(data, size);
}

/* The size of the record at offset as its first four bytes say, inside the file; 0 if they do not. */
static uint64_t record_size(const struct evt_reading *reading, uint64_t offset)
{
	if (offset > reading->bytes.size || reading->bytes.size - offset < RECORD_HEADER)
		return 0;

	const struct span head = span_part(reading->bytes, (size_t)offset, 4);
	const uint64_t size = (uint64_t)head.data[0] | (uint64_t)head.data[1] << 8 |
			      (uint64_t)head.data[2] << 16 | (uint64_t)head.data[3] << 24;

	/* A record that wraps to the start of the file is cited up to the file's end. */
	return size > reading->bytes.size - offset ? reading->bytes.size - offset : size;
}

static enum status read_record(struct evt_reading *reading, libevt_record_t *record,
			       enum recovery recovery)
{
	struct event *event = &reading->event;
	uint32_t id = 0, number = 0, seconds = 0;
	off64_t offset = 0;
	struct log_time time;
	enum status status;

	arena_reset(reading->arena);
	if (libevt_record_get_offset(record, &offset, NULL) != 1 || offset < 0 ||
	    libevt_record_get_identifier(record, &number, NULL) != 1 ||
	    libevt_record_get_event_identifier(record, &id, NULL) != 1 ||
	    libevt_record_get_written_time(record, &seconds, NULL) != 1) {
		lost(reading->ctx, (uint64_t)offset, "record that libevt does not read");
		return STATUS_OK;
	}
	*event = (struct event){
		.record = number,
		.written = instant_from_unix(seconds),
		.id = id & 0xffff,
		.channel = reading->channel,
		.recovery = recovery,
		.origin = { .offset = (uint64_t)offset,
			    .size = record_size(reading, (uint64_t)offset),
			    .address = text_of(arena_printf(reading->arena, "record %lu",
							    (unsigned long)number)) },
	};
	time = (struct log_time){ .id = number,
				  .ticks = event->written.ticks,
				  .offset = event->origin.offset,
				  .size = event->origin.size };
	if (recovery == RECOVERY_ALLOCATED) {
		status = log_times_add(&reading->times, time, reading->why);
		if (status < 0)
			return status;
	} else if (!log_times_is_new(&reading->times, time)) {
		return STATUS_OK;
	}
	event->provider = take_text(reading, record, libevt_record_get_utf8_source_name_size,
				    libevt_record_get_utf8_source_name);
	event->computer = take_text(reading, record, libevt_record_get_utf8_computer_name_size,
				    libevt_record_get_utf8_computer_name);
	event->user = take_text(reading, record,
				libevt_record_get_utf8_user_security_identifier_size,
				libevt_record_get_utf8_user_security_identifier);
	take_strings(reading, record);
	take_data(reading, record);
	return event_emit(reading->ctx, reading->arena, event, reading->why);
}

typedef int (*record_getter)(libevt_file_t *, int, libevt_record_t **, libevt_error_t **);

static enum status read_records(struct evt_reading *reading, int n, record_getter get_record,
				enum recovery recovery)
{
	enum status status = STATUS_OK;

	if (n > MAX_RECORDS) {
		lost(reading->ctx, FAILURE_NO_OFFSET, "%d records, of which %d are read", n,
		     MAX_RECORDS);
		n = MAX_RECORDS;
	}
	for (int i = 0; i < n && status >= 0; i++) {
		libevt_record_t *record = NULL;

		if (get_record(reading->file, i, &record, NULL) == 1)
			status = read_record(reading, record, recovery);
		else if (recovery == RECOVERY_ALLOCATED)
			lost(reading->ctx, FAILURE_NO_OFFSET, "record %d that libevt does not read",
			     i);
		(void)libevt_record_free(&record, NULL);
	}
	return status;
}

static enum status open_log(struct evt_reading *reading)
{
	/* libbfio's interface knows no const; the log is opened for reading only. */
	uint8_t *data = (uint8_t *)(uintptr_t)reading->bytes.data;
	libevt_error_t *error = NULL;
	char text[256] = "";

	if (libbfio_memory_range_initialize(&reading->io, NULL) != 1 ||
	    libbfio_memory_range_set(reading->io, data, reading->bytes.size, NULL) != 1 ||
	    libevt_file_initialize(&reading->file, NULL) != 1)
		return failure_set(reading->why, ERR_NO_MEMORY, "event log");
	if (libevt_file_open_file_io_handle(reading->file, reading->io, LIBEVT_OPEN_READ,
					    &error) == 1)
		return STATUS_OK;
	if (error)
		(void)libevt_error_sprint(error, text, sizeof(text));
	libevt_error_free(&error);
	return failure_set(reading->why, ERR_FORMAT, "libevt does not open the log: %s", text);
}

static enum status read_log(struct evt_reading *reading)
{
	int n = 0;
	enum status status = open_log(reading);

	if (status < 0)
		return status;
	/* Said of every log that was not closed, too. */
	if (libevt_file_is_corrupted(reading->file, NULL) == 1)
		note(reading->ctx, 0, "libevt calls the log corrupted");
	if (libevt_file_get_number_of_records(reading->file, &n, NULL) == 1)
		status = read_records(reading, n, libevt_file_get_record_by_index,
				      RECOVERY_ALLOCATED);
	status = log_times_tell(&reading->times, reading->ctx, reading->channel, status,
				reading->why);
	if (status >= 0 &&
	    libevt_file_get_number_of_recovered_records(reading->file, &n, NULL) == 1)
		status = read_records(reading, n, libevt_file_get_recovered_record_by_index,
				      RECOVERY_DELETED);
	return status;
}

static enum status parse_evt(struct parse_context *ctx, const struct source *source,
			     struct failure *why)
{
	CLEANUP(evt_reading_release) struct evt_reading reading = {
		.ctx = ctx,
		.why = why,
		.arena = arena_new(ARENA_RECORD),
		.times = { .precision = TICKS_PER_SECOND },
		.channel = log_channel(ctx->arena, source->path),
	};
	enum status status;

	if (!reading.arena || !reading.channel.data)
		return failure_set(why, ERR_NO_MEMORY, "event log");
	/* AppEvent.Evt, SecEvent.Evt and SysEvent.Evt are the files of three channels. */
	if (text_equal_folded(reading.channel, TEXT("AppEvent")))
		reading.channel = TEXT("Application");
	else if (text_equal_folded(reading.channel, TEXT("SecEvent")))
		reading.channel = TEXT("Security");
	else if (text_equal_folded(reading.channel, TEXT("SysEvent")))
		reading.channel = TEXT("System");
	status = stream_load(source->stream, ctx->arena, LIMIT_WHOLE_FILE, &reading.bytes, why);
	return status < 0 ? status : read_log(&reading);
}

const struct parser evt_parser = {
	.name = "windows.evt",
	.title = "Event logs of Windows XP",
	.versions = "Windows NT to XP and 2003",
	.asserts = "Installation and removal by Windows Installer, states of services, starts and "
		   "stops, and any record of a product's own log as a proof of its life",
	.paths = (const char *const[]){ "/Windows/System32/config/*.evt",
					"/WINNT/System32/config/*.evt", NULL },
	.emits = event_types,
	.max_input = (uint64_t)300 << 20,
	.parse_file = parse_evt,
};
