/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/registry/replay.h"

#include <inttypes.h>

#include "parsers/base/cursor.h"
#include "parsers/registry/regf.h"

enum {
	ENTRY_HEADER = 40,
	LOG_TYPE_OLDEST = 2, /* up to Windows 2000 */
	LOG_TYPE_OLD = 1,
	LOG_TYPE_NEW = 6,
};

static uint32_t rotate(uint32_t value, unsigned bits)
{
	return (value << bits) | (value >> (32 - bits));
}

static void marvin_mix(uint32_t *a, uint32_t *b, uint32_t word)
{
	*a += word;
	*b ^= *a;
	*a = rotate(*a, 20) + *b;
	*b = rotate(*b, 9) ^ *a;
	*a = rotate(*a, 27) + *b;
	*b = rotate(*b, 19);
}

uint64_t marvin32(struct span bytes)
{
	uint32_t a = UINT32_C(0x7A4E55C5), b = UINT32_C(0x82EF4D88), tail = 0x80;
	const size_t whole = bytes.size / 4 * 4;

	for (size_t i = 0; i < whole; i += 4)
		marvin_mix(&a, &b, span_u32le(bytes, i));
	for (size_t i = bytes.size; i > whole; i--)
		tail = tail << 8 | bytes.data[i - 1];
	marvin_mix(&a, &b, tail);
	marvin_mix(&a, &b, 0);
	return a | (uint64_t)b << 32;
}

/* A log that is a log: its base block is whole. */
struct log {
	struct span bytes;
	struct regf_header header;
	uint32_t companion;    /* from 1 on */
	uint32_t first, last;  /* sequence numbers of its run of entries */
	size_t n_entries, end; /* of that run; end: offset behind it */
	size_t n_pages;        /* page references in the run */
	uint32_t bins_size;    /* the largest */
	bool damaged;          /* the run ends in an entry that is not whole */
};

struct replay {
	struct parse_context *ctx;
	const struct source *source;
	struct hive_image *image;
	struct regf_header header; /* of the primary file, or recovered */
	bool header_right;
	struct log logs[SOURCE_MAX_COMPANIONS];
	size_t n_logs;
	uint8_t *bytes; /* the image being made */
	size_t size;
	struct hive_patch *patches;
	size_t n_patches, room;
};

static bool is_dirty(const struct replay *replay)
{
	return !replay->header_right ||
	       replay->header.primary_sequence != replay->header.secondary_sequence;
}

static void load_logs(struct replay *replay)
{
	struct parse_context *ctx = replay->ctx;

	for (size_t i = 0; i < replay->source->n_companions; i++) {
		const struct companion *companion = &replay->source->companions[i];
		struct log log = { .companion = (uint32_t)i + 1 };
		struct failure why = FAILURE_NONE;

		if (!companion->stream || companion->stream->size < REGF_PAGE)
			continue;
		if (stream_load(companion->stream, ctx->arena, LIMIT_WHOLE_FILE, &log.bytes, &why) <
		    0) {
			/* Only a dirty hive needs it. */
			(is_dirty(replay) ? lost : note)(ctx, 0, "log '%s' cannot be read: %s",
							 companion->path, why.text);
			continue;
		}
		if (!regf_read_header(log.bytes, &log.header))
			note(ctx, 0, "log '%s' has no header", companion->path);
		else if (!log.header.checksum_right)
			note(ctx, 0, "log '%s' has a wrong header checksum", companion->path);
		else
			replay->logs[replay->n_logs++] = log;
		replay->image->logs[i] = log.bytes;
	}
}

static bool are_hashes_right(struct span entry)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	(void)entry; /* a fuzzer never gets a hash right */
	return true;
#else
	const struct span body = span_part(entry, ENTRY_HEADER, entry.size - ENTRY_HEADER);

	return span_u64le(entry, 24) == marvin32(body) &&
	       span_u64le(entry, 32) == marvin32(span_part(entry, 0, 32));
#endif
}

bool log_entry_read(struct span log, size_t at, struct span *ret)
{
	if (at > log.size || log.size - at < ENTRY_HEADER || memcmp(log.data + at, "HvLE", 4) != 0)
		return false;

	const size_t size = span_u32le(log, at + 4);
	const struct span entry = span_part(log, at, size);

	if (size < ENTRY_HEADER || size % REGF_PAGE != 0 || !entry.data)
		return false;

	const uint32_t bins_size = span_u32le(entry, 16);
	const uint64_t n_pages = span_u32le(entry, 20);
	uint64_t need = ENTRY_HEADER + n_pages * 8;

	if (need > size || bins_size % 4096 != 0 || bins_size > LIMIT_WHOLE_FILE)
		return false;
	if (!are_hashes_right(entry))
		return false;
	for (uint64_t i = 0; i < n_pages; i++) {
		const uint64_t offset = span_u32le(entry, ENTRY_HEADER + (size_t)i * 8);
		const uint64_t page_size = span_u32le(entry, ENTRY_HEADER + (size_t)i * 8 + 4);

		need += page_size;
		if (offset % REGF_PAGE != 0 || page_size % REGF_PAGE != 0 ||
		    offset + page_size > bins_size || need > size)
			return false;
	}
	*ret = entry;
	return true;
}

/* Finds the entries of a log that follow each other from its own sequence number on. */
static void find_run(struct log *log)
{
	uint32_t expected = log->header.primary_sequence;
	struct span entry = { NULL, 0 };
	size_t at = REGF_PAGE;

	while (log_entry_read(log->bytes, at, &entry) && span_u32le(entry, 12) == expected) {
		const uint32_t bins_size = span_u32le(entry, 16);

		if (log->n_entries++ == 0)
			log->first = expected;
		log->last = expected++;
		log->n_pages += span_u32le(entry, 20);
		if (bins_size > log->bins_size)
			log->bins_size = bins_size;
		at += entry.size;
	}
	log->end = at;
	/* An old entry may follow; one with the next number that is not whole was cut off. */
	log->damaged = log->bytes.size - at >= ENTRY_HEADER &&
		       memcmp(log->bytes.data + at, "HvLE", 4) == 0 &&
		       span_u32le(log->bytes, at + 12) == expected &&
		       !log_entry_read(log->bytes, at, &entry);
}

static void add_patch(struct replay *replay, const struct hive_patch *patch)
{
	if (patch->size == 0 || replay->n_patches >= replay->room || patch->offset > replay->size ||
	    patch->size > replay->size - patch->offset)
		return;
	memcpy(replay->bytes + patch->offset,
	       replay->image->logs[patch->companion - 1].data + patch->log_offset,
	       (size_t)patch->size);
	for (uint64_t i = 0; i < patch->size / REGF_PAGE; i++)
		replay->image->pages[patch->offset / REGF_PAGE + i] =
			(struct hive_page){ patch->companion, patch->log_offset + i * REGF_PAGE };
	replay->patches[replay->n_patches++] = *patch;
}

/* Makes the image: the primary file's bytes, grown to bins_size. */
static enum status start_image(struct replay *replay, uint64_t bins_size, size_t n_patches,
			       struct failure *why)
{
	struct hive_image *image = replay->image;
	const uint64_t need = REGF_BINS_OFFSET + bins_size;
	const uint64_t size = need > image->primary.size ? need : image->primary.size;
	const uint64_t n_pages = (size + REGF_PAGE - 1) / REGF_PAGE;

	if (size > LIMIT_WHOLE_FILE)
		return failure_set(why, ERR_LIMIT, "hive of %" PRIu64 " bytes", size);
	replay->size = (size_t)size;
	replay->bytes = arena_alloc(replay->ctx->arena, replay->size);
	image->pages = arena_array(replay->ctx->arena, (size_t)n_pages, sizeof(*image->pages));
	image->n_pages = (size_t)n_pages;
	replay->patches = arena_array(replay->ctx->arena, n_patches + 1, sizeof(*replay->patches));
	replay->room = n_patches;
	if (!replay->bytes || !image->pages || !replay->patches)
		return failure_set(why, ERR_LIMIT, "replay of a hive's logs: memory");
	memcpy(replay->bytes, image->primary.data, image->primary.size);
	for (uint64_t i = 0; i < n_pages; i++) {
		const bool in_file = i * REGF_PAGE < image->primary.size;

		image->pages[i] = (struct hive_page){ in_file ? 0 : HIVE_NO_FILE, i * REGF_PAGE };
	}
	return STATUS_OK;
}

static void apply_entry(struct replay *replay, const struct log *log, size_t at, struct span entry)
{
	const uint32_t n_pages = span_u32le(entry, 20);
	size_t data = ENTRY_HEADER + (size_t)n_pages * 8;

	for (uint32_t i = 0; i < n_pages; i++) {
		const uint32_t offset = span_u32le(entry, ENTRY_HEADER + (size_t)i * 8);
		const uint32_t size = span_u32le(entry, ENTRY_HEADER + (size_t)i * 8 + 4);
		const struct hive_patch patch = {
			.companion = log->companion,
			.sequence = span_u32le(entry, 12),
			.log_offset = at + data,
			.offset = (uint64_t)offset + REGF_BINS_OFFSET,
			.size = size,
		};

		add_patch(replay, &patch);
		data += size;
	}
	replay->header.bins_size = span_u32le(entry, 16);
	replay->header.primary_sequence = span_u32le(entry, 12);
}

static void apply_run(struct replay *replay, const struct log *log)
{
	struct span entry = { NULL, 0 };

	for (size_t at = REGF_PAGE; at < log->end && log_entry_read(log->bytes, at, &entry);
	     at += entry.size)
		apply_entry(replay, log, at, entry);
	note(replay->ctx, 0, "log '%s': entries %" PRIu32 " to %" PRIu32 " applied",
	     replay->source->companions[log->companion - 1].path, log->first, log->last);
}

/* Whether a new log's run is to be applied to this hive. */
static bool is_subsequent(const struct replay *replay, const struct log *log)
{
	return log->n_entries > 0 &&
	       (!replay->header_right || log->first >= replay->header.secondary_sequence);
}

/* The new logs that apply, the earlier one first; returns their number. */
static size_t order_runs(struct replay *replay, const struct log *ret[SOURCE_MAX_COMPANIONS])
{
	size_t n = 0;

	for (size_t i = 0; i < replay->n_logs; i++) {
		struct log *log = &replay->logs[i];
		size_t place = n;

		if (log->header.file_type != LOG_TYPE_NEW)
			continue;
		find_run(log);
		if (!is_subsequent(replay, log)) {
			note(replay->ctx, 0, "log '%s' is older than the hive: not applied",
			     replay->source->companions[log->companion - 1].path);
			continue;
		}
		while (place > 0 && ret[place - 1]->first > log->first) {
			ret[place] = ret[place - 1];
			place--;
		}
		ret[place] = log;
		n++;
	}
	return n;
}

/* The base block of a log in place of a wrong one. */
static void recover_header(struct replay *replay, const struct log *log)
{
	memcpy(replay->bytes, log->bytes.data, REGF_PAGE);
	replay->image->pages[0] = (struct hive_page){ log->companion, 0 };
	replay->header = log->header;
	note(replay->ctx, 0, "the hive's header is wrong and was taken from log '%s'",
	     replay->source->companions[log->companion - 1].path);
}

static size_t n_new_logs(const struct replay *replay)
{
	size_t n = 0;

	for (size_t i = 0; i < replay->n_logs; i++)
		n += replay->logs[i].header.file_type == LOG_TYPE_NEW;
	return n;
}

/* Runs of new logs, ordered; the result is lossy where the numbers do not follow each other. */
static enum status apply_new(struct replay *replay, const struct log **runs, size_t n_runs,
			     struct failure *why)
{
	const size_t first = replay->header_right ? 0 : n_runs - 1;
	uint64_t bins_size = replay->header_right ? replay->header.bins_size : 0;
	size_t n_patches = 0;
	enum status status;

	for (size_t i = first; i < n_runs; i++) {
		n_patches += runs[i]->n_pages;
		if (runs[i]->bins_size > bins_size)
			bins_size = runs[i]->bins_size;
	}
	status = start_image(replay, bins_size, n_patches, why);
	if (status < 0)
		return status;
	if (!replay->header_right)
		recover_header(replay, runs[first]);
	/*
	 * Windows 10 leaves a gap between the numbers of hive and logs where both logs are there;
	 * where one is missing, it may have held what is between.
	 */
	else if (n_new_logs(replay) < 2 && runs[first]->first != replay->header.secondary_sequence)
		lost(replay->ctx, 0,
		     "log entries %" PRIu32 " to %" PRIu32 " are missing with one of the logs",
		     replay->header.secondary_sequence, runs[first]->first - 1);
	for (size_t i = first; i < n_runs; i++) {
		const char *path = replay->source->companions[runs[i]->companion - 1].path;

		if (i > first && runs[i]->first != runs[i - 1]->last + 1) {
			lost(replay->ctx, 0,
			     "log '%s' begins at %" PRIu32 " where %" PRIu32 " is due: not applied",
			     path, runs[i]->first, runs[i - 1]->last + 1);
			break;
		}
		apply_run(replay, runs[i]);
		if (runs[i]->damaged)
			lost(replay->ctx, 0, "log '%s': the entry at 0x%zx is damaged: not applied",
			     path, runs[i]->end);
	}
	return STATUS_OK;
}

/* The sector size that an old log was written with. */
static size_t old_sector(const struct log *log)
{
	const uint32_t factor = span_u32le(log->bytes, 44);

	return factor == 8 ? 4096 : REGF_PAGE;
}

static bool is_old_log(const struct log *log)
{
	const struct span vector = span_part(log->bytes, old_sector(log), 4);

	return (log->header.file_type == LOG_TYPE_OLD ||
		log->header.file_type == LOG_TYPE_OLDEST) &&
	       vector.data && memcmp(vector.data, "DIRT", 4) == 0 &&
	       log->header.primary_sequence == log->header.secondary_sequence &&
	       log->header.bins_size <= LIMIT_WHOLE_FILE;
}

/*
 * Whether an old log is of the hive's last write: the times are equal. Where the header's checksum
 * is wrong its time may still be right (two equal times of 100 ns are no chance), or the first bin
 * has it.
 */
static bool is_same_write(const struct replay *replay, const struct log *log)
{
	const uint64_t bin_time = span_u64le(replay->image->primary, REGF_BINS_OFFSET + 20);

	return log->header.last_written == replay->header.last_written ||
	       (!replay->header_right && log->header.last_written == bin_time);
}

/* The old log that applies: the times are equal. NULL when none does. */
static const struct log *find_old(struct replay *replay)
{
	for (size_t i = 0; i < replay->n_logs; i++) {
		const struct log *log = &replay->logs[i];

		if (!is_old_log(log))
			continue;
		if (is_same_write(replay, log))
			return log;
		note(replay->ctx, 0, "log '%s' is of another write of the hive: not applied",
		     replay->source->companions[log->companion - 1].path);
	}
	return NULL;
}

static enum status apply_old(struct replay *replay, const struct log *log, struct failure *why)
{
	const size_t sector = old_sector(log);
	const size_t n_bits = log->header.bins_size / REGF_PAGE;
	const struct span bitmap = span_part(log->bytes, sector + 4, (n_bits + 7) / 8);
	const size_t used = sector + 4 + (n_bits + 7) / 8;
	size_t at = (used + sector - 1) / sector * sector;
	const char *path = replay->source->companions[log->companion - 1].path;
	enum status status;

	if (!bitmap.data) {
		lost(replay->ctx, 0, "log '%s' ends in its bitmap: not applied", path);
		return STATUS_END;
	}
	status = start_image(replay, log->header.bins_size, n_bits, why);
	if (status < 0)
		return status;
	if (!replay->header_right)
		recover_header(replay, log);
	for (size_t bit = 0; bit < n_bits; bit++) {
		const struct hive_patch patch = {
			.companion = log->companion,
			.sequence = log->header.primary_sequence,
			.log_offset = at,
			.offset = REGF_BINS_OFFSET + (uint64_t)bit * REGF_PAGE,
			.size = REGF_PAGE,
		};

		if (!(bitmap.data[bit / 8] >> (bit % 8) & 1))
			continue;
		if (!span_part(log->bytes, at, REGF_PAGE).data) {
			lost(replay->ctx, 0, "log '%s' ends before its last page", path);
			break;
		}
		add_patch(replay, &patch);
		at += REGF_PAGE;
	}
	replay->header.bins_size = log->header.bins_size;
	note(replay->ctx, 0, "log '%s': %zu pages applied", path, replay->n_patches);
	return STATUS_OK;
}

/* Logs of a clean hive are not applied; one that seems newer is worth a word. */
static void note_newer_logs(struct replay *replay)
{
	for (size_t i = 0; i < replay->n_logs; i++) {
		const struct log *log = &replay->logs[i];

		if (log->header.file_type == LOG_TYPE_NEW &&
		    log->header.primary_sequence > replay->header.secondary_sequence)
			note(replay->ctx, 0,
			     "log '%s' (sequence %" PRIu32 ") seems newer than the hive (%" PRIu32
			     "), which was cleanly written: not applied",
			     replay->source->companions[log->companion - 1].path,
			     log->header.primary_sequence, replay->header.secondary_sequence);
	}
}

/* STATUS_END when no log applies. */
static enum status apply_logs(struct replay *replay, struct failure *why)
{
	const struct log *runs[SOURCE_MAX_COMPANIONS] = { NULL };
	const size_t n_runs = order_runs(replay, runs);
	enum status status;

	if (n_runs > 0) {
		status = apply_new(replay, runs, n_runs, why);
	} else {
		const struct log *log = find_old(replay);

		status = log ? apply_old(replay, log, why) : STATUS_END;
	}
	if (status != STATUS_OK)
		return status;
	regf_finish_header(replay->bytes, &replay->header);
	replay->image->bytes = span_of(replay->bytes, replay->size);
	replay->image->own = replay->bytes;
	replay->image->patches = replay->patches;
	replay->image->n_patches = replay->n_patches;
	return STATUS_OK;
}

enum status replay_logs(struct parse_context *ctx, const struct source *source,
			struct hive_image *image, struct failure *why)
{
	struct replay replay = { .ctx = ctx, .source = source, .image = image };
	const bool is_hive = regf_read_header(image->primary, &replay.header);
	enum status status;

	replay.header_right = is_hive && replay.header.checksum_right;
	load_logs(&replay);
	if (!is_dirty(&replay)) {
		note_newer_logs(&replay);
		return STATUS_OK;
	}
	status = apply_logs(&replay, why);
	if (status == STATUS_END && is_hive)
		lost(ctx, 0,
		     "the hive was not cleanly written (sequence %" PRIu32 " and %" PRIu32
		     "%s) and its logs cannot be applied",
		     replay.header.primary_sequence, replay.header.secondary_sequence,
		     replay.header_right ? "" : ", wrong checksum");
	return status < 0 ? status : STATUS_OK;
}
