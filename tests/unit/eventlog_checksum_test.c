/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums of event logs: one wrong bit is said, naming the chunk, and moves no clock; a log that
 * was written on after its checksums, or never had any, is no damaged one. The log is one of the
 * corpus that was closed in order, all of whose checksums fit.
 */
#include "tests/unit/eventlog_support.h"

#include <zlib.h>

#include "parsers/eventlog/evtx_chunk.h"

/* The flags of the file stand behind what its checksum covers. */
enum { SPOILT = 2, NEWEST = 5, FILE_FLAGS = 120 };

static const char log_name[] = "evtx/fox_Application_with_removals.evtx";

/* The log, its bytes to be changed at will, and a chunk or record in it. */
static uint8_t *whole_log(size_t *ret_size)
{
	const struct span log = corpus_log(log_name);

	*ret_size = log.size;
	return (uint8_t *)(uintptr_t)log.data;
}

static uint8_t *chunk_at(uint8_t *log, unsigned chunk)
{
	return log + EVTX_HEADER_SIZE + (size_t)chunk * EVTX_CHUNK_SIZE;
}

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static void put_number(uint8_t *at, uint64_t number, size_t size)
{
	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)(number >> (8 * i));
}

static uint8_t *record_at(uint8_t *log, unsigned chunk, unsigned number)
{
	uint8_t *at = chunk_at(log, chunk) + EVTX_CHUNK_HEADER;

	while (number--)
		at += get_u32(at + 4);
	assert_memory_equal(at, "**\0", 4);
	return at;
}

static void seal_header(uint8_t *chunk)
{
	const uLong crc = crc32(crc32(0, chunk, 120), chunk + 128, 384);

	put_number(chunk + 124, crc, 4);
}

/* Checksums over the records up to end, as the log's own service would write them. */
static void seal(uint8_t *chunk, const uint8_t *end)
{
	const uint8_t *records = chunk + EVTX_CHUNK_HEADER;

	put_number(chunk + 52, crc32(0, records, (uInt)(end - records)), 4);
	seal_header(chunk);
}

static void set_flags(uint8_t *log, uint32_t flags)
{
	put_number(log + FILE_FLAGS, flags, 4);
	put_number(log + 124, crc32(0, log, 120), 4);
}

static size_t n_jumps(const struct log_seen *seen)
{
	return count_events(seen, "windows.event.time-jump", NULL, NULL);
}

/* Reads the log, which stays the caller's. */
static void see(struct log_seen *seen, uint8_t *log, size_t size, bool decode_all)
{
	assert_int_equal(see_log_bytes(seen, log_name, span_of(log, size), false, decode_all),
			 STATUS_OK);
}

static void assert_bit_is_missed(uint8_t *log, size_t size, uint8_t *at, unsigned bit,
				 const char *what)
{
	struct log_seen seen;

	at[bit / 8] ^= (uint8_t)(1U << bit % 8);
	see(&seen, log, size, false);
	at[bit / 8] ^= (uint8_t)(1U << bit % 8);
	if (seen.n_lost == 0 || !strstr(seen.losses, what))
		fail_msg("byte %zu bit %u: '%s'", (size_t)(at - log) + bit / 8, bit % 8,
			 seen.losses);
	assert_int_equal(n_jumps(&seen), 0);
	unsee_log(&seen);
}

static void a_sound_log_raises_nothing(void **state)
{
	struct log_seen seen;
	size_t size;
	uint8_t *log = whole_log(&size);

	(void)state;
	for (unsigned dirty = 0; dirty < 2; dirty++) {
		set_flags(log, dirty);
		see(&seen, log, size, false);
		assert_int_equal(seen.n_lost + seen.n_notes, 0);
		assert_int_equal(count_events(&seen, NULL, "|unsound=", NULL), 0);
		unsee_log(&seen);
	}
	free(log);
}

static void a_wrong_bit_is_told_with_its_chunk_and_moves_no_clock(void **state)
{
	static const unsigned of_record[] = { 8, 16, 24, 60 }; /* number, time, body */
	static const unsigned of_chunk[] = { 8, 32, 48, 52, 124, 200, 400 };
	size_t size;
	uint8_t *log = whole_log(&size);

	(void)state;
	/* Of a log that is closed, and of one that is not, whose newest chunk is spoilt. */
	for (unsigned dirty = 0; dirty < 2; dirty++) {
		const unsigned chunk = dirty ? NEWEST : SPOILT;
		char name[16];

		(void)snprintf(name, sizeof(name), "chunk %u", chunk);
		set_flags(log, dirty);
		for (size_t i = 0; i < sizeof(of_record) / sizeof(of_record[0]); i++)
			for (unsigned bit = 0; bit < 64; bit += dirty ? 13 : 1)
				assert_bit_is_missed(log, size,
						     record_at(log, chunk, 9) + of_record[i], bit,
						     name);
		for (size_t i = 0; i < sizeof(of_chunk) / sizeof(of_chunk[0]); i++)
			for (unsigned bit = 0; bit < 32; bit += 7)
				assert_bit_is_missed(log, size, chunk_at(log, chunk) + of_chunk[i],
						     bit, name);
		for (unsigned bit = 64; bit < FILE_FLAGS * 8; bit += 31)
			assert_bit_is_missed(log, size, log, bit, "header of the log");
	}
	free(log);
}

static void what_stands_among_damaged_records_says_so(void **state)
{
	struct log_seen seen;
	size_t size;
	uint8_t *log = whole_log(&size);

	(void)state;
	for (unsigned decode_all = 0; decode_all < 2; decode_all++) {
		record_at(log, 4, 3)[18] ^= 1;
		see(&seen, log, size, decode_all);
		/* Records 489 to 544 stand in chunk 4, 1 to 108 in chunk 0. */
		assert_int_equal(count_events(&seen, "windows.event.msi",
					      "|event_id=1034|record=544|", "|unsound=1|"),
				 1);
		assert_int_equal(count_events(&seen, NULL, "|record=10", "|unsound=1|"), 0);
		unsee_log(&seen);
		record_at(log, 4, 3)[18] ^= 1;
	}
	free(log);
}

static void records_written_after_the_checksums_of_an_open_log_are_no_damage(void **state)
{
	struct log_seen seen;
	size_t size;
	uint8_t *log = whole_log(&size), *chunk = chunk_at(log, NEWEST);

	(void)state;
	set_flags(log, EVTX_FLAG_DIRTY);
	seal(chunk, record_at(log, NEWEST, 20));
	see(&seen, log, size, false);
	assert_int_equal(seen.n_lost, 0);
	assert_non_null(strstr(seen.notes, "chunk 5 was written on after its checksums"));
	unsee_log(&seen);

	assert_bit_is_missed(log, size, record_at(log, NEWEST, 19) + 16, 50, "chunk 5");

	set_flags(log, 0); /* a closed log has no such chunk */
	assert_bit_is_missed(log, size, record_at(log, NEWEST, 30) + 16, 0, "chunk 5");
	set_flags(log, EVTX_FLAG_DIRTY);
	seal(chunk_at(log, SPOILT), record_at(log, SPOILT, 20)); /* nor has one that is not newest */
	assert_bit_is_missed(log, size, record_at(log, SPOILT, 30) + 16, 0, "chunk 2");
	free(log);
}

/* Moves the times of n records by hours and gives the chunk fitting checksums again. */
static void move_times(uint8_t *log, unsigned first, unsigned n, int hours)
{
	uint8_t *chunk = chunk_at(log, SPOILT);

	for (unsigned i = first; i < first + n; i++) {
		uint8_t *time = record_at(log, SPOILT, i) + 16;
		const uint64_t ticks = get_u32(time) | (uint64_t)get_u32(time + 4) << 32;

		put_number(time, ticks + (uint64_t)((int64_t)hours * 60 * TICKS_PER_MINUTE), 8);
	}
	seal(chunk, chunk + get_u32(chunk + 48));
}

static void one_record_that_stands_out_is_no_change_of_the_clock(void **state)
{
	size_t size;
	uint8_t *log = whole_log(&size);

	(void)state;
	for (int hours = -500; hours <= 500; hours += 1000) {
		struct log_seen sound, seen;

		see(&sound, log, size, false);
		move_times(log, 40, 1, hours);
		see(&seen, log, size, false);
		assert_int_equal(seen.n_lost, 0);
		assert_int_equal(n_jumps(&seen), 0);
		assert_non_null(strstr(seen.notes, "stand out from those before and after"));
		assert_string_equal(seen.covered, sound.covered);
		unsee_log(&seen);
		move_times(log, 40, 1, -hours);

		move_times(log, 40, 3, hours); /* of several it is one */
		see(&seen, log, size, false);
		assert_int_equal(n_jumps(&seen), 1);
		unsee_log(&seen);
		move_times(log, 40, 3, -hours);
		unsee_log(&sound);
	}
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_log_raises_nothing),
		cmocka_unit_test(a_wrong_bit_is_told_with_its_chunk_and_moves_no_clock),
		cmocka_unit_test(what_stands_among_damaged_records_says_so),
		cmocka_unit_test(records_written_after_the_checksums_of_an_open_log_are_no_damage),
		cmocka_unit_test(one_record_that_stands_out_is_no_change_of_the_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
