/* SPDX-License-Identifier: Apache-2.0 */
#include "file_support.h"

extern const struct parser usnjrnl_parser, usn_carved_parser;

static const char journal_path[] = "/$Extend/$UsnJrnl:$J";

struct seen {
	size_t n_usn, n_jumps, n_created, n_deleted, n_from_journal, n_carved;
	char last_path[512];
};

static void see(struct heard *heard, const struct trace *trace)
{
	struct seen *seen = heard->payload;
	const struct text path = trace_text(trace, "path"), from = trace_text(trace, "path_from");

	if (strcmp(trace->type->name, "ntfs.usn") != 0) {
		seen->n_jumps++;
		return;
	}
	seen->n_usn++;
	seen->n_created += trace_uint(trace, "reasons") >> 8 & 1;
	seen->n_deleted += trace_uint(trace, "reasons") >> 9 & 1;
	seen->n_from_journal += text_equal(from, TEXT("journal"));
	seen->n_carved += trace->recovery == RECOVERY_CARVED;
	(void)snprintf(seen->last_path, sizeof(seen->last_path), "%.*s", (int)path.size,
		       path.data);
}

static struct seen read_with(const struct parser *parser, const char *path, struct span bytes,
			     struct heard *heard)
{
	struct seen seen = { 0 };

	heard_init(heard);
	heard->look = see;
	heard->payload = &seen;
	assert_int_equal(parse_bytes(parser, heard, path, bytes), STATUS_OK);
	heard->payload = NULL;
	return seen;
}

static struct seen read_journal(struct span bytes, struct heard *heard)
{
	return read_with(&usnjrnl_parser, journal_path, bytes, heard);
}

static struct seen carve(struct span bytes, struct heard *heard)
{
	return read_with(&usn_carved_parser, "/$Bitmap:$Unallocated", bytes, heard);
}

static void put16(uint8_t *at, uint16_t n)
{
	at[0] = (uint8_t)n;
	at[1] = (uint8_t)(n >> 8);
}

static void put64(uint8_t *at, uint64_t n)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(n >> 8 * i);
}

/* Writes a version 2 record; returns its length. */
static size_t put_record(uint8_t *at, uint64_t reference, uint64_t parent, uint64_t usn,
			 uint64_t time, uint32_t reasons, uint32_t attributes, const char *name)
{
	const size_t n = strlen(name), length = (60 + 2 * n + 7) / 8 * 8;

	memset(at, 0, length);
	put16(at, (uint16_t)length);
	put16(at + 4, 2);
	put64(at + 8, reference);
	put64(at + 16, parent);
	put64(at + 24, usn);
	put64(at + 32, time);
	put64(at + 40, reasons);
	put16(at + 52, (uint16_t)attributes);
	put16(at + 56, (uint16_t)(2 * n));
	put16(at + 58, 60);
	for (size_t i = 0; i < n; i++)
		at[60 + 2 * i] = (uint8_t)name[i];
	return length;
}

#define REFERENCE(entry, sequence) ((uint64_t)(sequence) << 48 | (entry))

/* The number is that of the corpus's note, counted there by another tool. */
static void all_records_of_a_windows_10_journal_are_read(void **state)
{
	const struct span bytes = corpus_bytes("ntfs/APTSim_W10_J.7z");
	struct heard heard;
	const struct seen seen = read_journal(bytes, &heard);

	(void)state;
	assert_int_equal(seen.n_usn, 275540);
	assert_int_equal(heard.n_lost, 0);
	assert_int_equal(heard.n_covers, 1);
	assert_true(seen.n_from_journal > 0);
	heard_clear(&heard);
	span_free(bytes);
}

static void a_small_journal_is_read_to_its_end(void **state)
{
	const struct span bytes = corpus_bytes("ntfs/usnjrnl_J_dissect.bin.xz");
	struct heard heard;
	const struct seen seen = read_journal(bytes, &heard);

	(void)state;
	assert_true(seen.n_usn > 0);
	assert_int_equal(heard.n_lost, 0);
	heard_clear(&heard);
	span_free(bytes);
}

static void a_gone_folder_gets_its_path_from_the_journal(void **state)
{
	static uint8_t page[4096];
	struct heard heard;
	struct seen seen;
	size_t used = 0;

	(void)state;
	used += put_record(page, REFERENCE(70, 1), REFERENCE(5, 5), 0, 131000000000000000, 0x100,
			   0x10, "Gone");
	used += put_record(page + used, REFERENCE(71, 1), REFERENCE(70, 1), used,
			   131000000010000000, 0x200, 0x20, "a.exe");
	seen = read_journal(span_of(page, sizeof(page)), &heard);
	assert_int_equal(seen.n_usn, 2);
	assert_string_equal(seen.last_path, "/Gone/a.exe");
	assert_int_equal(seen.n_deleted, 1);
	assert_int_equal(heard.from.ticks, 131000000000000000);
	assert_int_equal(heard.to.ticks, 131000000010000000);
	heard_clear(&heard);
}

static void folders_in_a_ring_end(void **state)
{
	static uint8_t page[4096];
	struct heard heard;
	struct seen seen;
	size_t used = 0;

	(void)state;
	used += put_record(page, REFERENCE(70, 1), REFERENCE(71, 1), 0, 131000000000000000, 1,
			   0x10, "one");
	used += put_record(page + used, REFERENCE(71, 1), REFERENCE(70, 1), used,
			   131000000000000000, 1, 0x10, "two");
	seen = read_journal(span_of(page, sizeof(page)), &heard);
	assert_int_equal(seen.n_usn, 2);
	assert_string_equal(seen.last_path, "/$OrphanFiles/two");
	heard_clear(&heard);
}

static void a_clock_set_back_is_told(void **state)
{
	static uint8_t page[4096];
	struct heard heard;
	struct seen seen;
	size_t used = 0;

	(void)state;
	used += put_record(page, REFERENCE(70, 1), REFERENCE(5, 5), 0, 131000000000000000, 1, 0x20,
			   "a");
	(void)put_record(page + used, REFERENCE(70, 1), REFERENCE(5, 5), used,
			 131000000000000000 - 60 * 10000000, 1, 0x20, "a");
	seen = read_journal(span_of(page, sizeof(page)), &heard);
	assert_int_equal(seen.n_jumps, 1);
	assert_int_equal(heard.n_notes, 1);
	heard_clear(&heard);
}

static void a_long_hole_is_not_read_through(void **state)
{
	const size_t size = (size_t)256 << 20;
	uint8_t *bytes = calloc(1, size);
	struct heard heard;
	struct seen seen;

	(void)state;
	assert_non_null(bytes);
	(void)put_record(bytes + size - 8192, REFERENCE(70, 1), REFERENCE(5, 5), size - 8192,
			 131000000000000000, 1, 0x20, "a");
	seen = read_journal(span_of(bytes, size), &heard);
	assert_int_equal(seen.n_usn, 1);
	heard_clear(&heard);
	free(bytes);
}

static void damage_costs_only_the_damaged_records(void **state)
{
	const struct span good = corpus_bytes("ntfs/usnjrnl_J_dissect.bin.xz");
	uint8_t *bytes = malloc(good.size);
	uint64_t random = 7;

	(void)state;
	assert_non_null(bytes);
	for (int round = 0; round < 5; round++) {
		struct heard heard;

		memcpy(bytes, good.data, good.size);
		for (size_t i = 0; i < good.size / 500; i++)
			bytes[next_random(&random) % good.size] = (uint8_t)next_random(&random);
		assert_true(read_journal(span_of(bytes, good.size), &heard).n_usn > 0);
		heard_clear(&heard);
	}
	free(bytes);
	span_free(good);
}

/* A journal without its frame: carving finds each of its records, and no other. */
static void carving_a_journal_finds_what_reading_it_finds(void **state)
{
	const struct span bytes = corpus_bytes("ntfs/APTSim_W10_J.7z");
	struct heard heard;
	const struct seen seen = carve(bytes, &heard);

	(void)state;
	assert_int_equal(seen.n_usn, 275540);
	assert_int_equal(seen.n_carved, seen.n_usn);
	assert_int_equal(heard.n_covers, 0);
	heard_clear(&heard);
	span_free(bytes);
}

enum { FREE_SIZE = (3 << 20) + 512 };

/* Bytes that are no records, as far as their fields tell. */
static uint8_t *free_clusters(void)
{
	uint8_t *bytes = malloc(FREE_SIZE);
	uint32_t state = 12345;

	assert_non_null(bytes);
	for (size_t i = 0; i < FREE_SIZE; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(state >> 24);
	}
	return bytes;
}

static void put_deleted(uint8_t *bytes, size_t at, uint64_t usn)
{
	(void)put_record(bytes + at, REFERENCE(71, 1), REFERENCE(5, 5), usn, 131000000000000000,
			 0x200, 0x20, "driver.sys");
}

static void records_are_found_between_other_bytes(void **state)
{
	/* at the start, across a reading, in the last sector */
	static const size_t places[] = { 0, (1 << 20) - 4096 - 8, (1 << 20) - 8, FREE_SIZE - 80 };
	uint8_t *bytes = free_clusters();
	struct heard heard;
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		put_deleted(bytes, places[i], 0x10000000 + places[i] % 512);
	seen = carve(span_of(bytes, FREE_SIZE), &heard);
	assert_int_equal(seen.n_usn, sizeof(places) / sizeof(places[0]));
	assert_int_equal(seen.n_deleted, seen.n_usn);
	assert_string_equal(seen.last_path, "/driver.sys");
	heard_clear(&heard);
	free(bytes);
}

static void what_contradicts_itself_is_no_record(void **state)
{
	static uint8_t page[4096 * 8];
	struct heard heard;
	struct seen seen;

	(void)state;
	put_deleted(page, 0, 8);	  /* another place in the sector */
	put_deleted(page, 4096, 4096 - 8); /* over the end of a page of the journal */
	put_deleted(page, 8192, 0);
	put64(page + 8192 + 40, UINT64_C(0x8)); /* a reason that is none */
	put_deleted(page, 12288, 0);
	put64(page + 12288 + 32, 0); /* no time */
	put_deleted(page, 16384, 0);
	put16(page + 16384 + 56, 8); /* a name shorter than the record */
	put_deleted(page, 20480, 0);
	put16(page + 20480 + 6, 1); /* version 2.1 */
	put_deleted(page, sizeof(page) - 80, 512 - 80);
	seen = carve(span_of(page, sizeof(page) - 8), &heard); /* the last is cut off */
	assert_int_equal(seen.n_usn, 0);
	heard_clear(&heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_records_of_a_windows_10_journal_are_read),
		cmocka_unit_test(a_small_journal_is_read_to_its_end),
		cmocka_unit_test(a_gone_folder_gets_its_path_from_the_journal),
		cmocka_unit_test(folders_in_a_ring_end),
		cmocka_unit_test(a_clock_set_back_is_told),
		cmocka_unit_test(a_long_hole_is_not_read_through),
		cmocka_unit_test(damage_costs_only_the_damaged_records),
		cmocka_unit_test(carving_a_journal_finds_what_reading_it_finds),
		cmocka_unit_test(records_are_found_between_other_bytes),
		cmocka_unit_test(what_contradicts_itself_is_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
