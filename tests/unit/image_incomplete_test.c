/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EWF sets that are not whole: what is left is read right, the rest is refused, and nothing of it is
 * ever zeros. The medium is a pattern whose every block says which it is; sets are made by ewfacquire.
 */
#include "tests/unit/image_support.h"

struct tally {
	size_t n_right, n_refused;
};

/* Reads every block; each must be right or unreadable. */
static struct tally tally_of(const char *path, const char *problem)
{
	struct image *image = must_open(path);
	struct tally tally = { 0, 0 };
	uint8_t block[BLOCK];

	print_message("%s\n", image->problem ? image->problem : "whole");
	assert_non_null(image->problem);
	assert_non_null(strstr(image->problem, problem));
	assert_int_equal(image->stream->size, PATTERN_BLOCKS * BLOCK);
	assert_true(instant_is_set(image->acquired));
	assert_non_null(image->unreadable);
	assert_true(image->unreadable->n_items > 0);
	for (uint64_t i = 0; i < PATTERN_BLOCKS; i++) {
		const enum status status =
			stream_read(image->stream, i * BLOCK, block, BLOCK, NULL);

		if (status >= 0)
			assert_true(block_right(block, i));
		else
			assert_int_equal(status, ERR_UNREADABLE);
		tally.n_right += status >= 0;
		tally.n_refused += status < 0;
	}
	print_message("%zu blocks right, %zu refused\n", tally.n_right, tally.n_refused);
	image_close(image);
	return tally;
}

/* Five segments of 2 MiB. */
static void make_set(const char *compression)
{
	run("rm -f %s/set.*", scratch);
	make_ewf("set", compression);
	assert_int_equal(access(in_scratch("set.E05"), F_OK), 0);
}

static void without_the_last_segment_the_others_are_read(void **state)
{
	(void)state;
	make_set("none");
	assert_int_equal(unlink(in_scratch("set.E05")), 0);

	const struct tally seen = tally_of(in_scratch("set.E01"), "segment 5 of the EWF image is "
								  "missing");

	assert_in_range(seen.n_right, PATTERN_BLOCKS * 3 / 4, PATTERN_BLOCKS - 1);
}

static void without_a_middle_segment_those_on_both_sides_are_read(void **state)
{
	(void)state;
	make_set("fast");
	assert_int_equal(unlink(in_scratch("set.E03")), 0);

	const struct tally seen = tally_of(in_scratch("set.E01"), "set.E03");

	assert_in_range(seen.n_refused, PATTERN_BLOCKS / 8, PATTERN_BLOCKS / 4);
}

static void between_two_gaps_nothing_has_a_place(void **state)
{
	(void)state;
	make_set("none");
	assert_int_equal(run("cd %s && rm set.E02 set.E04", scratch), 0);

	const struct tally seen = tally_of(in_scratch("set.E01"), "set.E02");

	assert_in_range(seen.n_right, PATTERN_BLOCKS / 5, PATTERN_BLOCKS * 9 / 20);
}

static void a_cut_segment_is_read_by_checksums_where_its_table_is_gone(void **state)
{
	static const char *const compressions[] = { "none", "fast" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		make_set(compressions[i]);
		assert_int_equal(run("cd %s && truncate -s 1000000 set.E02", scratch), 0);

		const struct tally seen = tally_of(in_scratch("set.E01"), "set.E02' is cut off");

		assert_in_range(seen.n_refused, 1000000 / BLOCK, 1150000 / BLOCK);
	}
}

static void a_damaged_section_costs_what_follows_it_in_its_segment(void **state)
{
	(void)state;
	make_set("none");
	/* The descriptor of the first section of segment 4. */
	assert_int_equal(run("cd %s && printf X | dd of=set.E04 bs=1 seek=20 conv=notrunc status=none",
			     scratch), 0);

	const struct tally seen = tally_of(in_scratch("set.E01"), "wrong checksum");

	assert_in_range(seen.n_refused, PATTERN_BLOCKS / 8, PATTERN_BLOCKS / 4);
}

static void a_damaged_table_is_replaced_by_its_copy(void **state)
{
	(void)state;
	make_set("none");
	assert_int_equal(unlink(in_scratch("set.E05")), 0);

	const size_t before = tally_of(in_scratch("set.E01"), "missing").n_right;

	/* "table" stands before "table2": the first of the two in segment 2 is spoiled. */
	assert_int_equal(run("cd %s && at=$(grep -abo 'table' set.E02 | head -1 | cut -d: -f1) && "
			     "printf XXXX | dd of=set.E02 bs=1 seek=$((at+76+40)) conv=notrunc "
			     "status=none", scratch), 0);
	assert_int_equal(tally_of(in_scratch("set.E01"), "missing").n_right, before);
}

static void a_damaged_chunk_of_what_is_left_is_refused(void **state)
{
	(void)state;
	make_set("none");
	assert_int_equal(unlink(in_scratch("set.E05")), 0);

	const size_t before = tally_of(in_scratch("set.E01"), "missing").n_right;

	assert_int_equal(run("cd %s && printf X | dd of=set.E02 bs=1 seek=1000000 conv=notrunc "
			     "status=none", scratch), 0);
	assert_int_equal(tally_of(in_scratch("set.E01"), "missing").n_right, before - 64);
}

static void without_the_first_segment_the_set_is_refused(void **state)
{
	const char *path;
	struct failure why = FAILURE_NONE;
	struct image *image = NULL;

	(void)state;
	make_set("none");
	assert_int_equal(unlink(in_scratch("set.E01")), 0);
	path = in_scratch("set.E02");
	assert_int_equal(image_open(&path, 1, &image, &why), ERR_TRUNCATED);
	assert_non_null(strstr(why.text, "name the first one"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_the_last_segment_the_others_are_read),
		cmocka_unit_test(without_a_middle_segment_those_on_both_sides_are_read),
		cmocka_unit_test(between_two_gaps_nothing_has_a_place),
		cmocka_unit_test(a_cut_segment_is_read_by_checksums_where_its_table_is_gone),
		cmocka_unit_test(a_damaged_section_costs_what_follows_it_in_its_segment),
		cmocka_unit_test(a_damaged_table_is_replaced_by_its_copy),
		cmocka_unit_test(a_damaged_chunk_of_what_is_left_is_refused),
		cmocka_unit_test(without_the_first_segment_the_set_is_refused),
	};

	return cmocka_run_group_tests(tests, make_pattern, drop_scratch);
}
