/* SPDX-License-Identifier: Apache-2.0 */
#include "file_support.h"

extern const struct parser usnjrnl_parser;

static const char journal_path[] = "/$Extend/$UsnJrnl:$J";

struct seen {
	size_t n_usn, n_jumps, n_created, n_deleted, n_from_journal;
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
	(void)snprintf(seen->last_path, sizeof(seen->last_path), "%.*s", (int)path.size,
		       path.data);
}

static struct seen read_journal(struct span bytes, struct heard *heard)
{
	struct seen seen = { 0 };

	heard_init(heard);
	heard->look = see;
	heard->payload = &seen;
	assert_int_equal(parse_bytes(&usnjrnl_parser, heard, journal_path, bytes), STATUS_OK);
	heard->payload = NULL;
	return seen;
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
