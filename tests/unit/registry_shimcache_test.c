/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compatibility caches of all Windows versions. The numbers of entries and the times are those
 * of AppCompatCacheParser for these samples.
 */
#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/registry/shimcache_format.h"
#include "tests/unit/registry_support.h"

extern const struct parser shimcache_parser;

struct found {
	struct arena *arena;
	const char *wanted;
	size_t n, n_wanted, bad;
	char time[INSTANT_TEXT_SIZE];
};

static enum status look(const struct shimcache_entry *entry, void *payload, struct failure *why)
{
	struct found *found = payload;
	const struct text path = text_from_utf16le(found->arena, entry->path, NULL);

	(void)why;
	found->bad += entry->position != found->n++;
	if (found->wanted && strstr(path.data, found->wanted)) {
		found->n_wanted++;
		(void)instant_format(entry->modified, found->time);
	}
	return STATUS_OK;
}

static void check(const char *file, size_t n, const char *format, const char *wanted,
		  const char *time)
{
	const struct span cache = corpus_bytes(file); /* may skip: nothing to release yet */
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_ARENA);
	struct found found = { .arena = arena, .wanted = wanted };
	struct failure why = FAILURE_NONE;
	const char *name = NULL;

	assert_int_equal(shimcache_decode(cache, look, &found, &name, &why), STATUS_OK);
	assert_string_equal(name, format);
	assert_int_equal(found.n, n);
	assert_int_equal(found.bad, 0);
	if (wanted) {
		assert_true(found.n_wanted >= 1);
		assert_memory_equal(found.time, time, strlen(time));
	}
	/* Cut anywhere: no crash, never more entries. */
	for (size_t size = 0; size < cache.size; size += cache.size / 97 + 1) {
		uint8_t *cut = malloc(size ? size : 1);
		struct found fewer = { .arena = arena };

		assert_non_null(cut);
		memcpy(cut, cache.data, size);
		if (shimcache_decode(span_of(cut, size), look, &fewer, &name, &why) >= 0)
			assert_true(fewer.n <= n);
		free(cut);
	}
	/* Flipped bytes: no crash, and an end. */
	for (uint32_t round = 0, random = 1; round < 60; round++) {
		uint8_t *flipped = malloc(cache.size);
		struct found any = { .arena = arena };

		assert_non_null(flipped);
		memcpy(flipped, cache.data, cache.size);
		for (unsigned i = 0; i < 20; i++) {
			random = random * 1664525 + 1013904223;
			flipped[(random >> 3) % cache.size] ^= (uint8_t)(random >> 24);
		}
		if (shimcache_decode(span_of(flipped, cache.size), look, &any, &name, &why) >= 0)
			assert_true(any.n <= cache.size);
		free(flipped);
	}
	free((void *)(uintptr_t)cache.data);
}

static void windows_xp_is_read(void **state)
{
	(void)state;
	check("shimcache/WinXPx86_AppCompatCache.bin", 17, "Windows XP", NULL, NULL);
}

static void windows_7_is_read(void **state)
{
	(void)state;
	check("shimcache/Win7x64_AppCompatCache.bin", 304, "Windows 7, 64 bits", NULL, NULL);
}

static void windows_80_is_read(void **state)
{
	(void)state;
	check("shimcache/Win80_AppCompatCache.bin", 104, "Windows 8.0", NULL, NULL);
}

static void windows_81_is_read(void **state)
{
	(void)state;
	check("shimcache/Win81_AppCompatCache.bin", 1024, "Windows 8.1", "\\mbam.exe",
	      "2014-11-21T13:12:46");
}

static void windows_10_is_read(void **state)
{
	(void)state;
	check("shimcache/Win10Creators_AppCompatCache.bin", 506, "Windows 10 or 11", "\\vsserv.exe",
	      "2017-03-17T13:05:43");
}

static void the_cache_of_a_hive_is_emitted(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, "/Windows/System32/config/SYSTEM", "hives/Win81_SENSEI_SYSTEM.xz", NULL,
		 NULL);
	see_parser(&seen, &shimcache_parser);
	assert_int_equal(count_lines(&seen, "windows.shimcache.entry", "|format=Windows 8.1|",
				     "|current=1|"),
			 112);
	unsee(&seen);
}

static void what_is_no_cache_is_refused(void **state)
{
	static const uint8_t zeros[64];
	struct failure why = FAILURE_NONE;
	struct found found = { 0 };
	const char *name;

	(void)state;
	assert_int_equal(shimcache_decode(span_of(zeros, 64), look, &found, &name, &why),
			 ERR_UNSUPPORTED);
	assert_int_equal(shimcache_decode(span_of(zeros, 3), look, &found, &name, &why),
			 ERR_TRUNCATED);
	assert_int_equal(found.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_xp_is_read),
		cmocka_unit_test(windows_7_is_read),
		cmocka_unit_test(windows_80_is_read),
		cmocka_unit_test(windows_81_is_read),
		cmocka_unit_test(windows_10_is_read),
		cmocka_unit_test(the_cache_of_a_hive_is_emitted),
		cmocka_unit_test(what_is_no_cache_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
