/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transaction logs. The two synthetic hives come with what Windows itself made of them; counts of
 * the others agree with their replay by the rules of the published specification.
 */
#include "tests/unit/hive_support.h"

#include "parsers/base/cursor.h"
#include "parsers/registry/replay.h"

static const struct span no_log = { NULL, 0 };

static void open_dirty(struct opened *opened, const char *hive, const char *log1, const char *log2)
{
	assert_int_equal(open_files(opened, "/NTUSER.DAT", corpus_bytes(hive),
				    log1 ? corpus_bytes(log1) : no_log,
				    log2 ? corpus_bytes(log2) : no_log),
			 STATUS_OK);
}

static void new_logs_give_what_windows_10_recovered(void **state)
{
	struct opened opened;

	(void)state;
	open_dirty(&opened, "hives_dirty/yarp_new1/NewDirtyHive",
		   "hives_dirty/yarp_new1/NewDirtyHive.LOG1",
		   "hives_dirty/yarp_new1/NewDirtyHive.LOG2");

	const struct counts counts = count_all(&opened);

	assert_int_equal(live_keys(&counts), 5);
	assert_int_equal(live_values(&counts), 1);
	assert_int_equal(opened.n_lost, 0);
	assert_true(counts.keys[RECOVERY_LOG_REPLAYED] > 0);
	close_files(&opened);
}

static void old_log_gives_what_windows_7_recovered(void **state)
{
	struct opened opened;

	(void)state;
	open_dirty(&opened, "hives_dirty/yarp_old/OldDirtyHive",
		   "hives_dirty/yarp_old/OldDirtyHive.LOG1", NULL);

	const struct counts counts = count_all(&opened);

	assert_int_equal(live_keys(&counts), 5003);
	assert_int_equal(live_values(&counts), 1);
	assert_int_equal(opened.n_lost, 0);
	close_files(&opened);
}

/* A digest of all live keys: paths, times, values with their types and data, in order. */
static enum status digest_key(struct parse_context *ctx, struct hive *hive,
			      const struct hive_key *key, void *payload, struct failure *why)
{
	uint64_t *digest = payload;
	char text[1200];
	int n = snprintf(text, sizeof(text), "%.*s|%lld|", (int)key->path.size, key->path.data,
			 (long long)key->last_written.ticks);

	(void)ctx;
	(void)hive;
	(void)why;
	if (key->recovery != RECOVERY_ALLOCATED && key->recovery != RECOVERY_LOG_REPLAYED)
		return STATUS_OK;
	*digest = *digest * 31 + marvin32(span_of(text, (size_t)n));
	for (size_t i = 0; i < key->n_values; i++) {
		const struct hive_value *value = &key->values[i];

		if (value->recovery != RECOVERY_ALLOCATED &&
		    value->recovery != RECOVERY_LOG_REPLAYED)
			continue;
		n = snprintf(text, sizeof(text), "%.*s|%u|", (int)value->name.size,
			     value->name.data, value->type);
		*digest = *digest * 31 + marvin32(span_of(text, (size_t)n));
		*digest = *digest * 31 + marvin32(value->data);
	}
	return STATUS_OK;
}

static uint64_t digest_of(const char *hive, const char *log1, const char *log2)
{
	struct opened opened;
	uint64_t digest = 1;

	open_dirty(&opened, hive, log1, log2);
	assert_int_equal(hive_visit(&opened.ctx, opened.hive, "**", digest_key, &digest,
				    &opened.why),
			 STATUS_OK);
	close_files(&opened);
	return digest;
}

/* Not only as many keys: the same ones, with the same times and values. */
static void replay_gives_key_by_key_what_windows_recovered(void **state)
{
	(void)state;
	assert_int_equal(digest_of("hives_dirty/yarp_new1/NewDirtyHive",
				   "hives_dirty/yarp_new1/NewDirtyHive.LOG1",
				   "hives_dirty/yarp_new1/NewDirtyHive.LOG2"),
			 digest_of("hives_dirty/yarp_new1/RecoveredHive_Windows10", NULL, NULL));
	assert_int_equal(digest_of("hives_dirty/yarp_old/OldDirtyHive",
				   "hives_dirty/yarp_old/OldDirtyHive.LOG1", NULL),
			 digest_of("hives_dirty/yarp_old/RecoveredHive_Windows7", NULL, NULL));
}

static void put_u32(uint8_t *at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* Moves all sequence numbers of a new log up, with its checksum and hashes. */
static void move_numbers(struct span log, uint32_t by)
{
	uint8_t *bytes = (uint8_t *)(uintptr_t)log.data;
	struct span entry;
	uint32_t sum = 0;

	put_u32(bytes + 4, span_u32le(log, 4) + by);
	put_u32(bytes + 8, span_u32le(log, 8) + by);
	for (size_t i = 0; i < 508; i += 4)
		sum ^= span_u32le(log, i);
	put_u32(bytes + 508, sum);
	for (size_t at = 512; log_entry_read(log, at, &entry); at += entry.size) {
		put_u32(bytes + at + 12, span_u32le(log, at + 12) + by);

		const uint64_t hash = marvin32(span_part(log, at, 32));

		put_u32(bytes + at + 32, (uint32_t)hash);
		put_u32(bytes + at + 36, (uint32_t)(hash >> 32));
	}
}

static void log_behind_a_gap_is_lost_and_not_applied(void **state)
{
	const struct span hive = corpus_bytes("hives_dirty/yarp_new1/NewDirtyHive");
	const struct span log1 = corpus_bytes("hives_dirty/yarp_new1/NewDirtyHive.LOG1");
	const struct span log2 = corpus_bytes("hives_dirty/yarp_new1/NewDirtyHive.LOG2");
	struct opened opened;

	(void)state;
	move_numbers(log2, 2);
	assert_int_equal(open_files(&opened, "/NTUSER.DAT", hive, log1, log2), STATUS_OK);
	assert_int_equal(opened.n_lost, 1);
	assert_non_null(strstr(opened.last_lost, "is due: not applied"));
	close_files(&opened);
}

/* Cleanly written after them, whatever their numbers say: noted, nothing is applied or lost. */
static void newer_logs_of_a_clean_hive_are_noted_and_not_applied(void **state)
{
	const struct span hive = corpus_bytes("hives_dirty/yarp_new1/RecoveredHive_Windows10");
	const struct span log2 = corpus_bytes("hives_dirty/yarp_new1/NewDirtyHive.LOG2");
	struct opened opened;

	(void)state;
	move_numbers(log2, 1000);
	assert_int_equal(open_files(&opened, "/NTUSER.DAT", hive, no_log, log2), STATUS_OK);
	assert_int_equal(opened.n_lost, 0);
	assert_int_equal(opened.n_notes, 1);

	const struct counts counts = count_all(&opened);

	assert_int_equal(live_keys(&counts), 5);
	assert_int_equal(counts.keys[RECOVERY_LOG_REPLAYED], 0);
	close_files(&opened);
}

/* Counts: the logs applied by a script of its own, the result read with pyregf. */
static void real_dirty_hives_give_what_a_second_replay_gives(void **state)
{
	static const struct {
		const char *hive, *log1, *log2;
		size_t n_keys, n_values;
	} hives[] = {
		{ "hives_dirty/jcloudy_SYSTEM.xz", "hives_dirty/jcloudy_SYSTEM.LOG1.xz",
		  "hives_dirty/jcloudy_SYSTEM.LOG2.xz", 35595, 78901 },
		{ "hives_dirty/transactions_NTUSER.DAT.xz",
		  "hives_dirty/transactions_NTUSER.DAT.LOG1.xz",
		  "hives_dirty/transactions_NTUSER.DAT.LOG2.xz", 3105, 4695 },
		{ "amcache/APTSim_W10_Amcache.hve", "amcache/APTSim_W10_Amcache.hve.LOG1",
		  "amcache/APTSim_W10_Amcache.hve.LOG2", 471, 10961 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hives) / sizeof(hives[0]); i++) {
		struct opened opened;

		open_dirty(&opened, hives[i].hive, hives[i].log1, hives[i].log2);

		const struct counts counts = count_all(&opened);

		assert_int_equal(live_keys(&counts), hives[i].n_keys);
		assert_int_equal(live_values(&counts), hives[i].n_values);
		assert_int_equal(opened.n_lost, 0);
		close_files(&opened);
	}
}

static void wrong_checksum_of_an_old_hive_is_healed_from_its_log(void **state)
{
	const struct span hive = corpus_bytes("hives_dirty/yarp_old/OldDirtyHive");
	const struct span log1 = corpus_bytes("hives_dirty/yarp_old/OldDirtyHive.LOG1");
	struct opened opened;

	(void)state;
	((uint8_t *)(uintptr_t)hive.data)[508] ^= 1;
	assert_int_equal(open_files(&opened, "/NTUSER.DAT", hive, log1, no_log), STATUS_OK);

	const struct counts counts = count_all(&opened);

	assert_int_equal(live_keys(&counts), 5003);
	assert_int_equal(opened.n_lost, 0);
	close_files(&opened);
}

static void wrong_checksum_without_logs_is_read_but_asserts_no_absence(void **state)
{
	const struct span hive = corpus_bytes("hives_odd/StringValuesHive");
	struct opened opened;

	(void)state;
	((uint8_t *)(uintptr_t)hive.data)[508] ^= 1;
	assert_int_equal(open_files(&opened, "/NTUSER.DAT", hive, no_log, no_log), STATUS_OK);

	const struct counts counts = count_all(&opened);

	assert_int_equal(live_keys(&counts), 2);
	assert_int_equal(opened.n_lost, 1);
	close_files(&opened);
}

static void order_of_the_logs_makes_no_difference(void **state)
{
	struct opened opened;

	(void)state;
	open_dirty(&opened, "hives_dirty/yarp_new1/NewDirtyHive",
		   "hives_dirty/yarp_new1/NewDirtyHive.LOG2",
		   "hives_dirty/yarp_new1/NewDirtyHive.LOG1");

	const struct counts counts = count_all(&opened);

	assert_int_equal(live_keys(&counts), 5);
	assert_int_equal(opened.n_lost, 0);
	close_files(&opened);
}

static void dirty_hive_without_logs_asserts_no_absence(void **state)
{
	struct opened opened;

	(void)state;
	open_dirty(&opened, "hives_dirty/yarp_new1/NewDirtyHive", NULL, NULL);
	assert_int_equal(opened.n_lost, 1);
	close_files(&opened);
	open_dirty(&opened, "hives_dirty/yarp_old/OldDirtyHive", NULL, NULL);
	assert_int_equal(opened.n_lost, 1);
	close_files(&opened);
}

static void missing_first_log_is_lost(void **state)
{
	struct opened opened;

	(void)state;
	/* The hive is at 2, the second log begins at 3. */
	open_dirty(&opened, "hives_dirty/yarp_new1/NewDirtyHive", NULL,
		   "hives_dirty/yarp_new1/NewDirtyHive.LOG2");
	assert_int_equal(opened.n_lost, 1);
	assert_non_null(strstr(opened.last_lost, "missing"));
	close_files(&opened);
}

static void older_log_alone_is_not_applied(void **state)
{
	struct opened opened;

	(void)state;
	/* The hive is at 566, this log holds 562. */
	open_dirty(&opened, "hives_dirty/transactions_NTUSER.DAT.xz",
		   "hives_dirty/transactions_NTUSER.DAT.LOG2.xz", NULL);
	assert_int_equal(opened.n_lost, 1);
	assert_non_null(strstr(opened.last_lost, "not cleanly written"));
	close_files(&opened);
}

static void damaged_entry_stops_the_replay_and_is_lost(void **state)
{
	const struct span hive = corpus_bytes("hives_dirty/yarp_new1/NewDirtyHive");
	const struct span log1 = corpus_bytes("hives_dirty/yarp_new1/NewDirtyHive.LOG1");
	const struct span log2 = corpus_bytes("hives_dirty/yarp_new1/NewDirtyHive.LOG2");
	struct opened opened;

	(void)state;
	/* A byte of the data of the second entry (number 4) of the second log. */
	((uint8_t *)(uintptr_t)log2.data)[0x2100] ^= 1;
	assert_int_equal(open_files(&opened, "/NTUSER.DAT", hive, log1, log2), STATUS_OK);
	assert_int_equal(opened.n_lost, 1);
	assert_non_null(strstr(opened.last_lost, "damaged"));
	close_files(&opened);
}

static void header_is_recovered_from_the_latest_log(void **state)
{
	const struct span hive = corpus_bytes("hives_dirty/yarp_new1/NewDirtyHive");
	const struct span log1 = corpus_bytes("hives_dirty/yarp_new1/NewDirtyHive.LOG1");
	const struct span log2 = corpus_bytes("hives_dirty/yarp_new1/NewDirtyHive.LOG2");
	struct opened opened;

	(void)state;
	memset((uint8_t *)(uintptr_t)hive.data, 0, 512);
	assert_int_equal(open_files(&opened, "/NTUSER.DAT", hive, log1, log2), STATUS_OK);

	const struct counts counts = count_all(&opened);

	assert_true(live_keys(&counts) >= 1);
	assert_true(opened.n_notes > 0);
	close_files(&opened);
}

static void stale_logs_of_a_clean_hive_are_not_applied(void **state)
{
	struct opened opened;

	(void)state;
	open_dirty(&opened, "amcache/Szechuan_2012R2_Amcache.hve",
		   "amcache/Szechuan_2012R2_Amcache.hve.LOG1",
		   "amcache/Szechuan_2012R2_Amcache.hve.LOG2");

	const struct counts counts = count_all(&opened);

	assert_int_equal(counts.keys[RECOVERY_LOG_REPLAYED], 0);
	assert_int_equal(live_keys(&counts), 492);
	assert_int_equal(opened.n_lost, 0);
	/* Files that the inventory forgot between the older log entry and the last write. */
	assert_int_equal(counts.keys[RECOVERY_LOG_EARLIER], 15);
	close_files(&opened);
}

static enum status earlier_key(struct parse_context *ctx, struct hive *hive,
			       const struct hive_key *key, void *payload, struct failure *why)
{
	char *paths = payload;
	const size_t used = strlen(paths);

	(void)ctx;
	(void)hive;
	(void)why;
	assert_int_not_equal(key->recovery, RECOVERY_DELETED);
	if (key->recovery == RECOVERY_LOG_EARLIER)
		(void)snprintf(paths + used, 512 - used, "%.*s ", (int)key->path.size,
			       key->path.data);
	return STATUS_OK;
}

/* Key1 and Key2 stand in the primary file; the logs delete them and give Key2's cell away. */
static void keys_that_the_logs_delete_are_earlier_states(void **state)
{
	struct opened opened;
	char paths[512] = "";

	(void)state;
	open_dirty(&opened, "hives_dirty/yarp_new1/NewDirtyHive",
		   "hives_dirty/yarp_new1/NewDirtyHive.LOG1",
		   "hives_dirty/yarp_new1/NewDirtyHive.LOG2");
	assert_int_equal(
		hive_visit(&opened.ctx, opened.hive, "**", earlier_key, paths, &opened.why),
		STATUS_OK);
	assert_string_equal(paths, "Key1 Key2 Key2\\Key2_1 Key2\\Key2_2 ");
	close_files(&opened);
}

static void dirty_amcache_gives_its_known_applications(void **state)
{
	struct opened opened;
	struct counts counts = { 0 };

	(void)state;
	open_dirty(&opened, "amcache/APTSim_W10_Amcache.hve", "amcache/APTSim_W10_Amcache.hve.LOG1",
		   "amcache/APTSim_W10_Amcache.hve.LOG2");
	assert_int_equal(hive_visit(&opened.ctx, opened.hive, "Root\\InventoryApplication\\*",
				    count_key, &counts, &opened.why),
			 STATUS_OK);
	assert_int_equal(live_keys(&counts), 90); /* the corpus' manifest */
	assert_int_equal(opened.n_lost, 0);
	close_files(&opened);
}

static void origins_of_replayed_keys_name_the_log(void **state)
{
	struct opened opened;
	struct hive_key key;

	(void)state;
	open_dirty(&opened, "hives_dirty/transactions_NTUSER.DAT.xz",
		   "hives_dirty/transactions_NTUSER.DAT.LOG1.xz",
		   "hives_dirty/transactions_NTUSER.DAT.LOG2.xz");
	assert_int_equal(hive_find(&opened.ctx, opened.hive,
				   "Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\"
				   "OneDriveSetup.exe",
				   &key, &opened.why),
			 STATUS_OK);

	const struct origin origin = key_origin(&opened.ctx, &key);
	const struct span file = opened.files[origin.companion];

	/* The bytes the origin names are the key's cell: size, then "nk". */
	assert_memory_equal(file.data + origin.offset + 4, "nk", 2);
	assert_int_equal(key.recovery,
			 origin.companion ? RECOVERY_LOG_REPLAYED : RECOVERY_ALLOCATED);

	char buffer[INSTANT_TEXT_SIZE];

	assert_memory_equal(instant_format(key.last_written, buffer), "2017-07-12T07:23:57", 19);
	close_files(&opened);
}

/* How many parents of deleted keys were given, by the file they stand in. */
struct parents {
	const struct opened *opened;
	size_t in_primary, in_logs, again;
};

static uint64_t filetime_at(struct span bytes, uint64_t offset)
{
	uint64_t number = 0;

	assert_true(offset + 8 <= bytes.size);
	for (size_t i = 8; i-- > 0;)
		number = number << 8 | bytes.data[offset + i];
	return number;
}

static enum status check_parent(struct parse_context *ctx, struct hive *hive,
				const struct hive_key *key, void *payload, struct failure *why)
{
	struct parents *parents = payload;
	struct hive_key parent;

	(void)why;
	if (!hive_container(ctx, hive, key, &parent))
		return STATUS_OK;
	assert_true(instant_is_set(key->container_last_written));
	assert_int_equal(parent.last_written.ticks, key->container_last_written.ticks);
	/* The key's time stands behind the size of its cell, the signature and the flags. */
	if (parent.size >= 16)
		assert_int_equal(filetime_at(parents->opened->files[parent.companion],
					     parent.offset + 8),
				 (uint64_t)parent.last_written.ticks);
	parents->in_primary += parent.companion == 0;
	parents->in_logs += parent.companion != 0;
	parents->again += hive_container(ctx, hive, key, &parent);
	return STATUS_OK;
}

static void parents_of_deleted_keys_stand_where_their_times_are(void **state)
{
	struct opened opened;
	struct parents parents = { .opened = &opened };

	(void)state;
	open_dirty(&opened, "hives_dirty/jcloudy_SYSTEM.xz", "hives_dirty/jcloudy_SYSTEM.LOG1.xz",
		   "hives_dirty/jcloudy_SYSTEM.LOG2.xz");
	assert_int_equal(hive_visit(&opened.ctx, opened.hive, "**", check_parent, &parents,
				    &opened.why),
			 STATUS_OK);
	assert_true(parents.in_primary > 0);
	assert_true(parents.in_logs > 0);
	assert_int_equal(parents.again, 0);
	close_files(&opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_logs_give_what_windows_10_recovered),
		cmocka_unit_test(old_log_gives_what_windows_7_recovered),
		cmocka_unit_test(replay_gives_key_by_key_what_windows_recovered),
		cmocka_unit_test(log_behind_a_gap_is_lost_and_not_applied),
		cmocka_unit_test(newer_logs_of_a_clean_hive_are_noted_and_not_applied),
		cmocka_unit_test(real_dirty_hives_give_what_a_second_replay_gives),
		cmocka_unit_test(wrong_checksum_of_an_old_hive_is_healed_from_its_log),
		cmocka_unit_test(wrong_checksum_without_logs_is_read_but_asserts_no_absence),
		cmocka_unit_test(order_of_the_logs_makes_no_difference),
		cmocka_unit_test(dirty_hive_without_logs_asserts_no_absence),
		cmocka_unit_test(missing_first_log_is_lost),
		cmocka_unit_test(older_log_alone_is_not_applied),
		cmocka_unit_test(damaged_entry_stops_the_replay_and_is_lost),
		cmocka_unit_test(header_is_recovered_from_the_latest_log),
		cmocka_unit_test(stale_logs_of_a_clean_hive_are_not_applied),
		cmocka_unit_test(keys_that_the_logs_delete_are_earlier_states),
		cmocka_unit_test(dirty_amcache_gives_its_known_applications),
		cmocka_unit_test(origins_of_replayed_keys_name_the_log),
		cmocka_unit_test(parents_of_deleted_keys_stand_where_their_times_are),
	};

	return cmocka_run_group_tests_name("hive_replay", tests, NULL, NULL);
}
