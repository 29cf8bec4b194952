/* SPDX-License-Identifier: Apache-2.0 */
/* Live keys. Counts were taken from pyregf (libregf 20201007) on the same files. */
#include "tests/unit/hive_support.h"

static const struct span no_log = { NULL, 0 };

static void hives_give_as_many_keys_and_values_as_pyregf(void **state)
{
	static const struct {
		const char *file;
		size_t n_keys, n_values, n_lost;
	} hives[] = {
		{ "hives/nfury_NTUSER.DAT", 2288, 5470, 0 },
		{ "hives/WKS-WIN732BITA_SYSTEM.xz", 30756, 73456, 0 },
		{ "hives/Win10_DESKTOP-M3OSHQU_SYSTEM.gz", 33317, 74454, 0 },
		{ "hives/Win81_SENSEI_SYSTEM.xz", 20015, 49779, 1 }, /* dirty, without logs */
		{ "amcache/McAfeeFileInsight_Amcache.hve.xz", 2105, 17539, 1 },
		{ "amcache/Szechuan_2012R2_Amcache.hve", 492, 933, 0 },
		{ "hives_odd/BigDataHive", 2, 2, 0 },
		{ "hives_odd/DeletedDataHive", 2, 1, 0 },
		{ "hives_odd/DeletedTreeHive", 3, 0, 0 },
		{ "hives_odd/ExtendedASCIIHive", 2, 1, 0 },
		{ "hives_odd/MultiSzHive", 2, 2, 0 },
		{ "hives_odd/RemnantData", 2, 15, 0 },
		{ "hives_odd/SAMBadHBinHeader", 68, 73, 1 }, /* libregf alone: 1 */
		{ "hives_odd/StringValuesHive", 2, 4, 0 },
		{ "hives_odd/UnicodeHive", 3, 0, 0 },
		{ "hives_odd/corrupt_sub_key_list.hiv", 100, 99, 1 },
		{ "hives_odd/hivex_minimal", 1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hives) / sizeof(hives[0]); i++) {
		struct opened opened;

		assert_int_equal(
			open_files(&opened, "/SYSTEM", corpus_bytes(hives[i].file), no_log, no_log),
			STATUS_OK);

		const struct counts counts = count_all(&opened);

		if (live_keys(&counts) != hives[i].n_keys)
			print_message("%s\n", hives[i].file);
		assert_int_equal(live_keys(&counts), hives[i].n_keys);
		assert_int_equal(live_values(&counts), hives[i].n_values);
		assert_int_equal(opened.n_lost, hives[i].n_lost);
		close_files(&opened);
	}
}

static void empty_file_is_declined_quietly(void **state)
{
	struct opened opened;

	(void)state;
	assert_int_equal(
		open_files(&opened, "/RegBack/SOFTWARE", span_of(calloc(1, 1), 0), no_log, no_log),
		STATUS_DECLINED);
	assert_int_equal(opened.n_lost + opened.n_notes, 0);
	close_files(&opened);
}

static void truncated_hive_gives_what_is_there_and_says_so(void **state)
{
	struct opened opened;

	(void)state;
	assert_int_equal(open_files(&opened, "/SYSTEM", corpus_bytes("hives_odd/TruncatedHive"),
				    no_log, no_log),
			 STATUS_OK);
	assert_true(opened.n_lost > 0);

	const struct counts counts = count_all(&opened);

	assert_true(live_keys(&counts) >= 1);
	close_files(&opened);
}

/* A file with one range that no read may touch. */
struct holed_stream {
	struct stream stream;
	struct span bytes;
	uint64_t hole, hole_size;
};

static enum status read_holed(struct stream *stream, uint64_t offset, void *buffer, size_t size,
			      struct failure *why)
{
	const struct holed_stream *holed = (const struct holed_stream *)stream;

	if (offset < holed->hole + holed->hole_size && offset + size > holed->hole)
		return failure_at(why, ERR_UNREADABLE, holed->hole, "missing chunk");
	memcpy(buffer, holed->bytes.data + offset, size);
	return STATUS_OK;
}

static void close_holed(struct stream *stream)
{
	(void)stream;
}

static void unreadable_range_costs_what_stands_in_it(void **state)
{
	static const struct stream_ops ops = { read_holed, close_holed };
	const struct span bytes = corpus_bytes("hives/nfury_NTUSER.DAT");
	struct holed_stream holed = {
		.stream = { &ops, bytes.size },
		.bytes = bytes,
		.hole = 0x21000,
		.hole_size = 0x1000,
	};
	struct opened opened = { .source = { .path = "/NTUSER.DAT", .stream = &holed.stream } };
	struct counts counts;

	(void)state;
	opened.ctx = (struct parse_context){ arena_new(LIMIT_ARENA), &counting_ops, &opened };
	assert_int_equal(hive_open(&opened.ctx, &opened.source, &opened.hive, &opened.why),
			 STATUS_OK);
	assert_true(opened.n_lost > 0);
	counts = count_all(&opened);
	assert_true(live_keys(&counts) > 1000);
	assert_true(live_keys(&counts) < 2288);
	hive_close(opened.hive);
	arena_free(opened.ctx.arena);
	free((void *)(uintptr_t)bytes.data);
}

static void find_gives_a_key_with_its_values(void **state)
{
	struct opened opened;
	struct hive_key key;

	(void)state;
	assert_int_equal(open_files(&opened, "/Users/nfury/NTUSER.DAT",
				    corpus_bytes("hives/nfury_NTUSER.DAT"), no_log, no_log),
			 STATUS_OK);
	assert_string_equal(hive_root(opened.hive), "HKCU");
	assert_int_equal(hive_find(&opened.ctx, opened.hive, "software\\MCAFEE", &key, &opened.why),
			 STATUS_OK);
	assert_true(text_equal(key.path, TEXT("Software\\McAfee")) ||
		    text_equal(key.path, TEXT("Software\\MCAFEE")));

	char buffer[INSTANT_TEXT_SIZE];

	/* As the corpus' manifest says. */
	assert_memory_equal(instant_format(key.last_written, buffer), "2011-09-16T22:37:03", 19);
	assert_int_equal(hive_find(&opened.ctx, opened.hive, "Software\\None", &key, &opened.why),
			 STATUS_END);
	close_files(&opened);
}

static enum status nothing_else(struct parse_context *ctx, struct hive *hive,
				const struct hive_key *key, void *payload, struct failure *why)
{
	size_t *n = payload;

	(void)ctx;
	(void)hive;
	(void)why;
	if (key->recovery == RECOVERY_ALLOCATED)
		++*n;
	return STATUS_OK;
}

static void patterns_choose_keys_by_component(void **state)
{
	struct opened opened;
	size_t n = 0;

	(void)state;
	assert_int_equal(open_files(&opened, "/SYSTEM", corpus_bytes("hives/Win81_SENSEI_SYSTEM.xz"),
				    no_log, no_log),
			 STATUS_OK);
	assert_int_equal(hive_visit(&opened.ctx, opened.hive, "controlset???\\SERVICES\\windefend",
				    nothing_else, &n, &opened.why),
			 STATUS_OK);
	assert_int_equal(n, 1);
	assert_int_equal(hive_visit(&opened.ctx, opened.hive, "*\\Services\\*\\nothing",
				    nothing_else, &n, &opened.why),
			 STATUS_END);
	close_files(&opened);
}

/* libregf would read over the end of the list (found by fuzzing). */
static void key_that_counts_too_many_values_is_lost_alone(void **state)
{
	const struct span bytes = corpus_bytes("hives/nfury_NTUSER.DAT");
	uint8_t *data = (uint8_t *)(uintptr_t)bytes.data;
	struct opened opened;
	struct hive_key key;

	(void)state;
	assert_int_equal(open_files(&opened, "/NTUSER.DAT", bytes, no_log, no_log), STATUS_OK);
	assert_int_equal(
		hive_find(&opened.ctx, opened.hive, "Software\\Skype\\Phone", &key, &opened.why),
		STATUS_OK);
	assert_true(key.n_values > 0);

	const size_t lost_values = key.n_values;

	hive_close(opened.hive);
	data[key.offset + 4 + 36 + 2] = 1; /* 65536 more */
	assert_int_equal(hive_open(&opened.ctx, &opened.source, &opened.hive, &opened.why),
			 STATUS_OK);
	assert_int_equal(opened.n_lost, 1);

	const struct counts counts = count_all(&opened);

	assert_int_equal(live_keys(&counts), 2288);
	assert_int_equal(live_values(&counts), 5470 - lost_values);
	close_files(&opened);
}

static void find_takes_wildcards_as_letters(void **state)
{
	struct opened opened;
	struct hive_key key;

	(void)state;
	assert_int_equal(open_files(&opened, "/SYSTEM", corpus_bytes("hives/nfury_NTUSER.DAT"),
				    no_log, no_log),
			 STATUS_OK);
	assert_int_equal(hive_find(&opened.ctx, opened.hive, "Soft*", &key, &opened.why),
			 STATUS_END);
	assert_int_equal(hive_find(&opened.ctx, opened.hive, "", &key, &opened.why), STATUS_OK);
	assert_int_equal(key.path.size, 0);
	close_files(&opened);
}

static void aspects_name_keys_as_signatures_do(void **state)
{
	struct opened opened;
	struct text aspect;

	(void)state;
	assert_int_equal(open_files(&opened, "/Windows/System32/config/SYSTEM",
				    corpus_bytes("hives_odd/hivex_minimal"), no_log, no_log),
			 STATUS_OK);
	aspect = key_aspect(&opened.ctx, opened.hive, TEXT("ControlSet001\\Services\\x"));
	assert_true(text_equal(aspect, TEXT("HKLM/SYSTEM/CurrentControlSet/Services/x")));
	aspect = key_aspect(&opened.ctx, opened.hive, TEXT("a\\wow6432node\\b"));
	assert_true(text_equal(aspect, TEXT("HKLM/SYSTEM/a/b")));
	close_files(&opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hives_give_as_many_keys_and_values_as_pyregf),
		cmocka_unit_test(empty_file_is_declined_quietly),
		cmocka_unit_test(truncated_hive_gives_what_is_there_and_says_so),
		cmocka_unit_test(unreadable_range_costs_what_stands_in_it),
		cmocka_unit_test(find_gives_a_key_with_its_values),
		cmocka_unit_test(patterns_choose_keys_by_component),
		cmocka_unit_test(key_that_counts_too_many_values_is_lost_alone),
		cmocka_unit_test(find_takes_wildcards_as_letters),
		cmocka_unit_test(aspects_name_keys_as_signatures_do),
	};

	return cmocka_run_group_tests_name("hive_live", tests, NULL, NULL);
}
