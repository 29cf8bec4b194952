/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleted keys. Counts of keys were compared with reglookup-recover 1.0.1 (nfury: 82 keys in free
 * cells, which the corpus' manifest gives too). Values are fewer than the 457 value cells in free
 * space there: only values that a deleted key still names count, the others have lost their key.
 */
#include "tests/unit/hive_support.h"

static const struct span no_log = { NULL, 0 };

static void open_hive(struct opened *opened, const char *file)
{
	assert_int_equal(open_files(opened, "/NTUSER.DAT", corpus_bytes(file), no_log, no_log),
			 STATUS_OK);
}

static void deleted_keys_are_as_many_as_reglookup_recover_finds(void **state)
{
	struct opened opened;

	(void)state;
	open_hive(&opened, "hives/nfury_NTUSER.DAT");

	const struct counts counts = count_all(&opened);

	assert_int_equal(counts.keys[RECOVERY_ALLOCATED], 2288);
	assert_int_equal(counts.keys[RECOVERY_DELETED], 82);
	assert_int_equal(counts.values[RECOVERY_DELETED], 358);
	close_files(&opened);
}

struct wanted {
	const char *path;
	struct hive_key key;
	size_t n_found;
	char text[64];
};

static enum status look_for(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct wanted *wanted = payload;
	struct text text;

	(void)hive;
	(void)why;
	if (key->recovery == RECOVERY_ALLOCATED || !text_equal(key->path, text_of(wanted->path)))
		return STATUS_OK;
	wanted->key = *key;
	wanted->n_found++;
	text = hive_value_text(ctx, key_value(key, "v"));
	(void)snprintf(wanted->text, sizeof(wanted->text), "%.*s", (int)text.size,
		       text.data ? text.data : "");
	return STATUS_OK;
}

static void deleted_tree_keeps_its_paths_and_its_container(void **state)
{
	struct opened opened;
	struct wanted wanted = { .path = "1\\2\\3\\4\\New Key #1" };
	struct hive_key container;
	char buffer[INSTANT_TEXT_SIZE];

	(void)state;
	open_hive(&opened, "hives_odd/DeletedTreeHive");
	assert_int_equal(hive_visit(&opened.ctx, opened.hive, "**", look_for, &wanted, &opened.why),
			 STATUS_OK);
	assert_int_equal(wanted.n_found, 1);
	assert_false(wanted.key.superseded);
	assert_memory_equal(instant_format(wanted.key.last_written, buffer),
			    "2017-03-20T21:21:30.6594029", 27);
	/* When key "2", the nearest that still lives, lost its child. */
	assert_memory_equal(instant_format(wanted.key.container_last_written, buffer),
			    "2017-03-20T21:21:35.3072285", 27);
	assert_true(hive_container(&opened.ctx, opened.hive, &wanted.key, &container));
	assert_true(text_equal(container.path, TEXT("1\\2")));
	assert_false(hive_container(&opened.ctx, opened.hive, &wanted.key, &container));
	close_files(&opened);
}

/*
 * In this hive, which Windows recovered, the cell of the deleted Key2 went to a new key. The log
 * still knows the right path (hive_replay_test).
 */
static void path_through_a_cell_that_was_given_away_is_not_sure(void **state)
{
	struct opened opened;
	struct wanted wanted = { .path = "Key3\\Key3_3\\Key2_1" };

	(void)state;
	open_hive(&opened, "hives_dirty/yarp_new1/RecoveredHive_Windows10");
	assert_int_equal(hive_visit(&opened.ctx, opened.hive, "**", look_for, &wanted, &opened.why),
			 STATUS_OK);
	assert_int_equal(wanted.n_found, 1);
	assert_false(wanted.key.path_sure);
	close_files(&opened);
}

static void deleted_value_data_is_read_from_free_cells(void **state)
{
	struct opened opened;
	struct wanted wanted = { .path = "456" };

	(void)state;
	open_hive(&opened, "hives_odd/DeletedDataHive");
	assert_int_equal(hive_visit(&opened.ctx, opened.hive, "4*", look_for, &wanted, &opened.why),
			 STATUS_OK);
	assert_int_equal(wanted.n_found, 1);
	assert_string_equal(wanted.text, "123456");
	close_files(&opened);
}

/* The hive's author deleted value "v2" (456) from key "123" and let the key live. */
static void deleted_value_of_a_live_key_comes_from_the_slack_of_its_list(void **state)
{
	struct opened opened;
	struct wanted wanted = { .path = "123" };
	struct hive_key live;

	(void)state;
	open_hive(&opened, "hives_odd/DeletedDataHive");
	assert_int_equal(
		hive_visit(&opened.ctx, opened.hive, "123", look_for, &wanted, &opened.why),
		STATUS_OK);
	assert_int_equal(wanted.n_found, 1);
	assert_int_equal(wanted.key.recovery, RECOVERY_SLACK);
	assert_true(wanted.key.superseded);
	assert_false(instant_is_set(wanted.key.last_written));
	assert_int_equal(wanted.key.n_values, 1);
	assert_true(text_equal(wanted.key.values[0].name, TEXT("v2")));
	assert_true(text_equal(hive_value_text(&opened.ctx, &wanted.key.values[0]), TEXT("456")));
	/* Never shown as live. */
	assert_int_equal(hive_find(&opened.ctx, opened.hive, "123", &live, &opened.why), STATUS_OK);
	assert_null(key_value(&live, "v2"));
	close_files(&opened);
}

static void origins_of_deleted_keys_name_their_bytes(void **state)
{
	struct opened opened;
	struct wanted wanted = { .path = "456" };

	(void)state;
	open_hive(&opened, "hives_odd/DeletedDataHive");
	assert_int_equal(hive_visit(&opened.ctx, opened.hive, "**", look_for, &wanted, &opened.why),
			 STATUS_OK);
	assert_memory_equal(opened.files[0].data + wanted.key.offset + 4, "nk", 2);
	assert_int_equal(wanted.key.size, 4 + 76 + 3);
	close_files(&opened);
}

static void remnant_bytes_give_no_keys(void **state)
{
	struct opened opened;

	(void)state;
	open_hive(&opened, "hives_odd/RemnantData");

	const struct counts counts = count_all(&opened);

	assert_int_equal(counts.keys[RECOVERY_DELETED] + counts.keys[RECOVERY_SLACK], 0);
	close_files(&opened);
}

/* Bytes are changed and the hive read again: nothing may crash and the work must end. */
static void flipped_and_cut_hives_do_no_harm(void **state)
{
	static const char *const files[] = { "hives_odd/DeletedTreeHive",
					     "hives_odd/corrupt_sub_key_list.hiv",
					     "hives_odd/BigDataHive" };
	uint32_t random = 12345;

	(void)state;
	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
		const struct span good = corpus_bytes(files[f]);

		for (size_t i = 0; i < 400; i++) {
			const size_t size = i % 4 == 0 ? (good.size / 100) * (i / 4) : good.size;
			uint8_t *bytes = malloc(size ? size : 1);
			struct opened opened;

			assert_non_null(bytes);
			memcpy(bytes, good.data, size);
			for (size_t n = 0; i % 4 && n < 1 + i % 7; n++) {
				random = random * 1664525 + 1013904223;
				/* The first 12 KiB hold the header and all keys. */
				bytes[4096 * (i % 2) + (random >> 8) % 8192] = (uint8_t)random;
			}
			if (open_files(&opened, "/SYSTEM", span_of(bytes, size), no_log, no_log) ==
			    STATUS_OK)
				(void)count_all(&opened);
			close_files(&opened);
		}
		free((void *)(uintptr_t)good.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deleted_keys_are_as_many_as_reglookup_recover_finds),
		cmocka_unit_test(deleted_tree_keeps_its_paths_and_its_container),
		cmocka_unit_test(path_through_a_cell_that_was_given_away_is_not_sure),
		cmocka_unit_test(deleted_value_data_is_read_from_free_cells),
		cmocka_unit_test(deleted_value_of_a_live_key_comes_from_the_slack_of_its_list),
		cmocka_unit_test(origins_of_deleted_keys_name_their_bytes),
		cmocka_unit_test(remnant_bytes_give_no_keys),
		cmocka_unit_test(flipped_and_cut_hives_do_no_harm),
	};

	return cmocka_run_group_tests_name("hive_deleted", tests, NULL, NULL);
}
