/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows XML Event Logs. The frame is read here (evtx_chunk.h), records that are asked for
 * (evtx_peek.h) are decoded by libevtx (evtx_decode.h) and handed to the families (event.h). Live
 * records first; then what earlier records left in the free space of chunks, in chunks that are no
 * longer used and in chunks whose signature is damaged.
 */
#include "parsers/eventlog/evtx.h"

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/eventlog/evtx_binary.h"
#include "parsers/eventlog/evtx_chunk.h"
#include "parsers/eventlog/evtx_decode.h"
#include "parsers/eventlog/evtx_peek.h"
#include "parsers/eventlog/families.h"
#include "parsers/eventlog/log_times.h"

/* Texts of the records of one chunk, and of one record. */
#define ARENA_CHUNK  ((size_t)32 << 20)
#define ARENA_RECORD ((size_t)32 << 20)

enum chunk_state {
	CHUNK_UNUSED = 0, /* nothing of interest, or not readable */
	CHUNK_LIVE,
	CHUNK_LEFT,    /* behind the log's last chunk */
	CHUNK_DAMAGED, /* without its signature */
	CHUNK_CARVED,  /* found in free clusters */
};

#define NO_CHUNK UINT64_MAX

enum { CARVE_STEP = 512, CARVE_WINDOW = 1 << 20 };

struct reading {
	struct parse_context *ctx;
	const struct source *source;
	struct failure *why;
	bool decode_all;
	bool carving; /* free clusters: no log's name says which records are asked for */
	struct arena *chunk_arena, *record_arena;
	struct log_times times;
	struct text channel; /* by the file's name */
	bool dirty;       /* was not closed */
	bool no_checksums;
	uint64_t n_used;  /* chunks by the header */
	uint64_t newest;  /* chunk of the highest record number; NO_CHUNK: not looked for yet */
	bool unsound;     /* the records of this chunk do not fit their checksum, */
	bool written_on;  /* except that they were added to after it */
	uint8_t *buffer; /* EVTX_CHUNK_SIZE */
	struct evtx_peeker *peeker;
	size_t n_undecoded; /* leftover records of this chunk */
	struct event event;
};

static void reading_release(struct reading *reading)
{
	log_times_clear(&reading->times);
	arena_free(reading->chunk_arena);
	arena_free(reading->record_arena);
	free(reading->buffer);
	free(reading->peeker);
}

static enum status read_header(struct reading *reading)
{
	uint8_t header[128] = { 0 };
	const struct span bytes = span_of(header, sizeof(header));
	uint32_t stored;
	enum status status =
		stream_read(reading->source->stream, 0, header, sizeof(header), reading->why);

	if (status == ERR_UNREADABLE) {
		lost(reading->ctx, 0, "header of the log cannot be read");
		*reading->why = (struct failure)FAILURE_NONE;
		reading->dirty = true;
		return STATUS_OK;
	}
	if (status < 0)
		return status;
	if (memcmp(header, "ElfFile", 8) != 0) {
		lost(reading->ctx, 0, "the log begins without its signature");
		reading->dirty = true;
		return STATUS_OK;
	}
	reading->n_used = span_u16le(bytes, 42);
	reading->dirty = span_u32le(bytes, 120) & EVTX_FLAG_DIRTY;
	if (evtx_header_crc_fits(bytes, &stored))
		return STATUS_OK;
	/* A log without checksums has zeros in their place: one that is there was meant. */
	reading->no_checksums = stored == 0 && (span_u32le(bytes, 120) & EVTX_FLAG_NO_CRC);
	if (reading->no_checksums)
		note(reading->ctx, 0, "the log has no checksums: damage in it would not be seen");
	else
		lost(reading->ctx, 0, "the header of the log does not fit its checksum");
	return STATUS_OK;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/*
 * Whether a chunk of a deleted log may be another file's by now: free clusters can have been used
 * since. Its checksums tell, where the log has any.
 */
static bool is_foreign(struct reading *reading, const struct evtx_chunk *chunk, uint64_t offset)
{
	if (!reading->source->deleted ||
	    (chunk->header_crc_fits &&
	     (chunk->records_crc_fits || reading->no_checksums)))
		return false;
	note(reading->ctx, offset, "the chunk of a deleted log does not fit its checksums");
	return true;
}

/* Reads chunk i into the buffer and says what it is. Negative only to stop. */
static enum status load_chunk(struct reading *reading, uint64_t i, struct evtx_chunk *chunk,
			      enum chunk_state *ret)
{
	const uint64_t offset = EVTX_HEADER_SIZE + i * EVTX_CHUNK_SIZE;
	struct stream *stream = reading->source->stream;
	const uint64_t left = stream->size - offset;
	const size_t size = left < EVTX_CHUNK_SIZE ? (size_t)left : EVTX_CHUNK_SIZE;
	struct failure failure = FAILURE_NONE;
	enum status status = stream_read(stream, offset, reading->buffer, size, &failure);

	*ret = CHUNK_UNUSED;
	if (status == ERR_UNREADABLE) {
		lost(reading->ctx, offset, "chunk %llu: %s", (unsigned long long)i, failure.text);
		return STATUS_OK;
	}
	if (status < 0)
		return failure_at(reading->why, status, offset, "%s", failure.text);
	if (all_zero(reading->buffer, size))
		return STATUS_OK;
	if (size < EVTX_CHUNK_SIZE) {
		memset(reading->buffer + size, 0, EVTX_CHUNK_SIZE - size);
		if (i < reading->n_used)
			lost(reading->ctx, offset, "chunk %llu is cut off",
			     (unsigned long long)i);
	}
	if (evtx_chunk_open(chunk, span_of(reading->buffer, EVTX_CHUNK_SIZE))) {
		if (is_foreign(reading, chunk, offset))
			return STATUS_OK;
		*ret = i < reading->n_used || reading->dirty ? CHUNK_LIVE : CHUNK_LEFT;
		return STATUS_OK;
	}
	if (reading->source->deleted)
		return STATUS_OK;
	evtx_chunk_mend(chunk, reading->buffer);
	*ret = i < reading->n_used ? CHUNK_DAMAGED : CHUNK_LEFT;
	return STATUS_OK;
}

/* Whether a rule or a signature asks for the record, as far as can be told without decoding. */
static bool is_wanted(struct reading *reading, const struct evtx_record *record)
{
	struct evtx_peek peek;

	return reading->decode_all || reading->carving || !evtx_peek(reading->peeker, record, &peek) ||
	       event_is_known(peek.provider, peek.guid, peek.event_id) ||
	       wants_log(reading->ctx, reading->channel, peek.provider);
}

static void begin_event(struct reading *reading, const struct evtx_record *record,
			uint64_t chunk_offset, enum recovery recovery)
{
	arena_reset(reading->record_arena);
	reading->event = (struct event){
		.record = record->id,
		.written = record->written,
		.origin = { .offset = chunk_offset + record->offset, .size = record->size },
		.recovery = recovery,
		.unsound = reading->unsound && record->live,
	};
}

/* Through libevtx; STATUS_END, and said, when it cannot be decoded. */
static enum status decode_record(struct reading *reading, const struct evtx_chunk *chunk,
				 const struct evtx_record *record, int place,
				 struct evtx_decoder **decoder)
{
	const bool live = reading->event.recovery == RECOVERY_ALLOCATED;
	const uint64_t offset = reading->event.origin.offset;
	struct failure failure = FAILURE_NONE;
	bool cut = false;
	enum status status = STATUS_OK;

	if (!*decoder)
		status = evtx_decoder_open(chunk->bytes, decoder, &failure);
	if (status == STATUS_OK)
		status = evtx_decode(*decoder, reading->record_arena, place, record,
				     &reading->event, &cut, &failure);
	if (cut)
		note(reading->ctx, offset, "record %llu: long, cut", (unsigned long long)record->id);
	if (status == STATUS_OK)
		return STATUS_OK;
	/* Of leftovers nothing is expected: their templates may be overwritten. */
	if (live)
		lost(reading->ctx, offset, "record %llu: %s", (unsigned long long)record->id,
		     status == STATUS_END ? "not found by libevtx" : failure.text);
	else
		reading->n_undecoded++;
	return STATUS_END;
}

/* Decodes and emits one record that is asked for; the chunk's decoder is opened when needed. */
static enum status read_wanted(struct reading *reading, const struct evtx_chunk *chunk,
			       uint64_t chunk_offset, const struct evtx_record *record, int place,
			       enum recovery recovery, struct evtx_decoder **decoder)
{
	begin_event(reading, record, chunk_offset, recovery);
	/* What is left over of a record may rest on a template that is overwritten: libevtx decides. */
	if (reading->decode_all || place < 0 ||
	    !evtx_binary_decode(chunk->bytes, record, reading->record_arena, &reading->event)) {
		begin_event(reading, record, chunk_offset, recovery);
		if (decode_record(reading, chunk, record, place, decoder) != STATUS_OK)
			return STATUS_OK;
	}
	reading->event.origin.address = text_of(arena_printf(
		reading->record_arena, "record %llu", (unsigned long long)record->id));
	return event_emit(reading->ctx, reading->record_arena, &reading->event, reading->why);
}

static void say_skipped(struct reading *reading, uint64_t end, uint32_t skipped)
{
	if (skipped)
		lost(reading->ctx, end - skipped, "%u bytes that are no record", skipped);
}

/* Emits the records that are asked for and fit the pass: live ones, or leftovers that are new. */
static enum status read_records(struct reading *reading, const struct evtx_chunk *chunk,
				uint64_t chunk_offset, enum chunk_state state, bool live_pass)
{
	CLEANUP(evtx_decoder_free_p) struct evtx_decoder *decoder = NULL;
	const enum recovery leftover = state == CHUNK_CARVED ? RECOVERY_CARVED :
				       state == CHUNK_LIVE	  ? RECOVERY_SLACK :
								    RECOVERY_DELETED;
	struct evtx_record record;
	uint32_t pos = EVTX_CHUNK_HEADER, skipped;
	int n_live = 0;
	enum status status = STATUS_OK;

	arena_reset(reading->chunk_arena);
	reading->peeker->chunk = chunk->bytes;
	reading->peeker->arena = reading->chunk_arena;
	reading->peeker->n_templates = 0;
	reading->n_undecoded = 0;
	while (status == STATUS_OK && evtx_chunk_next(chunk, &pos, &record, &skipped)) {
		const bool live = state == CHUNK_LIVE && record.live;
		const struct log_time time = { .id = record.id,
					       .ticks = record.written.ticks,
					       .offset = chunk_offset + record.offset,
					       .size = record.size,
					       .unsound = reading->unsound };

		if (live_pass && state == CHUNK_LIVE)
			say_skipped(reading, chunk_offset + record.offset, skipped);
		skipped = 0;
		n_live += record.live;
		if (live != live_pass)
			continue;
		if (live)
			status = log_times_add(&reading->times, time, reading->why);
		else if (!log_times_is_new(&reading->times, time))
			continue;
		if (status == STATUS_OK && is_wanted(reading, &record))
			status = read_wanted(reading, chunk, chunk_offset, &record,
					     record.live ? n_live - 1 : -1,
					     live ? RECOVERY_ALLOCATED : leftover, &decoder);
	}
	if (status == STATUS_OK && live_pass && state == CHUNK_LIVE)
		say_skipped(reading, chunk_offset + chunk->free_offset, skipped);
	if (reading->n_undecoded)
		note(reading->ctx, chunk_offset, "%zu left over records that cannot be decoded",
		     reading->n_undecoded);
	return status < 0 ? status : STATUS_OK;
}

/* Finds the chunk that was written last, by the numbers that the chunks give. */
static enum status find_newest(struct reading *reading, uint64_t n_chunks)
{
	struct stream *stream = reading->source->stream;
	uint64_t highest = 0;

	for (uint64_t i = 0; i < n_chunks; i++) {
		const uint64_t offset = EVTX_HEADER_SIZE + i * EVTX_CHUNK_SIZE;
		struct failure unread = FAILURE_NONE;
		uint8_t head[40] = { 0 };
		enum status status = ERR_UNREADABLE;

		if (stream->size - offset >= sizeof(head))
			status = stream_read(stream, offset, head, sizeof(head), &unread);
		if (status < 0 && status != ERR_UNREADABLE)
			return failure_at(reading->why, status, offset, "%s", unread.text);

		const uint64_t last = span_u64le(span_of(head, sizeof(head)), 32);

		if (status >= 0 && memcmp(head, "ElfChnk", 8) == 0 && last >= highest) {
			highest = last;
			reading->newest = i;
		}
	}
	return STATUS_OK;
}

/*
 * Says whether the records of chunk i are what the log wrote. In the newest chunk of a log that was
 * not closed the checksums may be older than the last records.
 */
static enum status check_chunk(struct reading *reading, const struct evtx_chunk *chunk, uint64_t i,
			       uint64_t n_chunks, enum chunk_state state)
{
	enum status status = STATUS_OK;

	reading->unsound = false;
	reading->written_on = false;
	if (state == CHUNK_DAMAGED || reading->no_checksums || chunk->records_crc_fits)
		return STATUS_OK;
	if (reading->dirty && evtx_chunk_was_written_on(chunk)) {
		if (reading->newest == NO_CHUNK)
			status = find_newest(reading, n_chunks);
		reading->written_on = i == reading->newest;
	}
	reading->unsound = !reading->written_on;
	return status;
}

static void tell_unfit(struct reading *reading, const struct evtx_chunk *chunk, uint64_t i)
{
	const uint64_t offset = EVTX_HEADER_SIZE + i * EVTX_CHUNK_SIZE;
	const unsigned long long number = i;

	if (reading->no_checksums)
		return;
	if (reading->written_on) {
		note(reading->ctx, offset, "chunk %llu was written on after its checksums", number);
		return;
	}
	if (!chunk->header_crc_fits)
		lost(reading->ctx, offset, "chunk %llu: its header does not fit its checksum", number);
	if (reading->unsound)
		lost(reading->ctx, offset,
		     "chunk %llu: its records do not fit their checksum: some are damaged", number);
}

static enum status read_chunks(struct reading *reading, uint64_t n_chunks, bool live_pass)
{
	for (uint64_t i = 0; i < n_chunks; i++) {
		const uint64_t offset = EVTX_HEADER_SIZE + i * EVTX_CHUNK_SIZE;
		struct evtx_chunk chunk;
		enum chunk_state state;
		enum status status = load_chunk(reading, i, &chunk, &state);

		if (status < 0)
			return status;
		if (state == CHUNK_UNUSED || (live_pass && state == CHUNK_LEFT))
			continue;
		if (live_pass && state == CHUNK_DAMAGED) {
			lost(reading->ctx, offset, "chunk %llu without its signature",
			     (unsigned long long)i);
			continue;
		}
		status = check_chunk(reading, &chunk, i, n_chunks, state);
		if (status < 0)
			return status;
		if (live_pass)
			tell_unfit(reading, &chunk, i);
		status = read_records(reading, &chunk, offset, state, live_pass);
		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

static enum status read_log(struct reading *reading)
{
	const uint64_t size = reading->source->stream->size;
	uint64_t n_chunks;
	enum status status;

	if (size < EVTX_HEADER_SIZE)
		return failure_set(reading->why, ERR_TRUNCATED, "event log of %llu bytes",
				   (unsigned long long)size);
	status = read_header(reading);
	if (status < 0)
		return status;
	n_chunks = (size - EVTX_HEADER_SIZE + EVTX_CHUNK_SIZE - 1) / EVTX_CHUNK_SIZE;
	if (n_chunks < reading->n_used && !reading->dirty)
		lost(reading->ctx, size, "the log should have %llu chunks",
		     (unsigned long long)reading->n_used);
	status = read_chunks(reading, n_chunks, true);
	/* What was found stands also when the log could not be read to its end. */
	status = log_times_tell(&reading->times, reading->ctx, reading->channel, status,
				reading->why);
	if (status >= 0)
		status = read_chunks(reading, n_chunks, false);
	return status;
}

/* Reads what may be a chunk: only one whose two checksums fit is. */
static enum status carve_chunk(struct reading *reading, uint64_t offset, bool *ret_is_chunk)
{
	struct failure failure = FAILURE_NONE;
	struct evtx_chunk chunk;
	const enum status status = stream_read(reading->source->stream, offset, reading->buffer,
					       EVTX_CHUNK_SIZE, &failure);

	*ret_is_chunk = status == STATUS_OK &&
			evtx_chunk_open(&chunk, span_of(reading->buffer, EVTX_CHUNK_SIZE)) &&
			chunk.header_crc_fits && chunk.records_crc_fits;
	if (status < 0 && status != ERR_UNREADABLE)
		return failure_at(reading->why, status, offset, "%s", failure.text);
	return *ret_is_chunk ? read_records(reading, &chunk, offset, CHUNK_CARVED, false) :
			       STATUS_OK;
}

/* Chunks begin with a cluster, and clusters with a sector. */
static enum status carve_window(struct reading *reading, struct span window, uint64_t base,
				uint64_t *ret_next)
{
	const uint64_t size = reading->source->stream->size;

	*ret_next = base + window.size;
	for (size_t at = 0; at + 8 <= window.size; at += CARVE_STEP) {
		bool is_chunk;

		if (memcmp(window.data + at, "ElfChnk", 8) != 0 ||
		    size - (base + at) < EVTX_CHUNK_SIZE)
			continue;
		const enum status status = carve_chunk(reading, base + at, &is_chunk);

		if (status < 0)
			return status;
		if (is_chunk) {
			*ret_next = base + at + EVTX_CHUNK_SIZE;
			return STATUS_OK;
		}
	}
	return STATUS_OK;
}

static enum status carve_all(struct reading *reading)
{
	CLEANUP(free_p) uint8_t *window = malloc(CARVE_WINDOW);
	struct stream *stream = reading->source->stream;

	if (!window)
		return failure_set(reading->why, ERR_NO_MEMORY, "event log");
	for (uint64_t at = 0; at < stream->size;) {
		const uint64_t left = stream->size - at;
		const size_t size = left < CARVE_WINDOW ? (size_t)left : CARVE_WINDOW;
		struct failure what = FAILURE_NONE;
		enum status status = stream_read(stream, at, window, size, &what);
		uint64_t next = at + size;

		if (status == ERR_CANCELLED)
			return failure_set(reading->why, status, "%s", what.text);
		if (status == STATUS_OK) {
			status = carve_window(reading, span_of(window, size), at, &next);
			if (status < 0)
				return status;
		} else {
			note(reading->ctx, at, "%zu free bytes: %s", size, what.text);
		}
		at = next;
	}
	return STATUS_OK;
}

static enum status read_with(struct reading *reading, enum status (*read)(struct reading *reading))
{
	reading->newest = NO_CHUNK;
	reading->times.precision = 1;
	reading->chunk_arena = arena_new(ARENA_CHUNK);
	reading->record_arena = arena_new(ARENA_RECORD);
	reading->channel = log_channel(reading->ctx->arena, reading->source->path);
	reading->buffer = malloc(EVTX_CHUNK_SIZE);
	reading->peeker = calloc(1, sizeof(struct evtx_peeker));
	if (!reading->chunk_arena || !reading->record_arena || !reading->buffer ||
	    !reading->peeker || !reading->channel.data)
		return failure_set(reading->why, ERR_NO_MEMORY, "event log");
	return read(reading);
}

enum status evtx_read(struct parse_context *ctx, const struct source *source, bool decode_all,
		      struct failure *why)
{
	CLEANUP(reading_release) struct reading reading = {
		.ctx = ctx, .source = source, .why = why, .decode_all = decode_all
	};

	return read_with(&reading, read_log);
}

enum status evtx_carve(struct parse_context *ctx, const struct source *source,
		       struct failure *why)
{
	CLEANUP(reading_release) struct reading reading = {
		.ctx = ctx, .source = source, .why = why, .carving = true
	};

	return read_with(&reading, carve_all);
}

static enum status parse_evtx(struct parse_context *ctx, const struct source *source,
			      struct failure *why)
{
	return evtx_read(ctx, source, false, why);
}

const struct trace_type *const event_types[] = {
	&event_boot_type,
	&event_crash_type,
	&event_defender_type,
	&event_driver_type,
	&event_inventory_type,
	&event_log_cleared_type,
	&event_log_span_type,
	&event_msi_type,
	&event_record_type,
	&event_restart_manager_type,
	&event_restore_point_type,
	&event_security_center_type,
	&event_service_installed_type,
	&event_service_state_type,
	&event_shutdown_type,
	&event_task_type,
	&event_time_change_type,
	&event_time_jump_type,
	&event_unclean_shutdown_type,
	NULL,
};

const struct parser evtx_parser = {
	.name = "windows.evtx",
	.title = "Event logs",
	.versions = "Windows Vista to 11",
	.asserts = "Installation and removal by Windows Installer, services installed and running, "
		   "registered protection, starts and stops, changes of the clock, and any record of "
		   "a product's own log as a proof of its life",
	.paths = (const char *const[]){ "/Windows/System32/winevt/Logs/*.evtx", NULL },
	.emits = event_types,
	.max_input = (uint64_t)4 << 30,
	.proves_parts = true,
	.parse_file = parse_evtx,
};
