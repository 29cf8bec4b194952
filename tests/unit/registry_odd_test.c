/* SPDX-License-Identifier: Apache-2.0 */
/* All parsers of the registry over hives that are odd, corrupt or cut: they end and do not crash.
 */
#include "tests/unit/registry_support.h"

static const char *const guises[] = {
	"/Windows/System32/config/SOFTWARE",
	"/Windows/System32/config/SYSTEM",
	"/Windows/System32/config/SAM",
	"/Users/someone/NTUSER.DAT",
	"/Users/someone/AppData/Local/Microsoft/Windows/UsrClass.dat",
	"/Windows/AppCompat/Programs/Amcache.hve",
};

static bool reads(const struct parser *parser, const char *path)
{
	for (size_t i = 0; parser->paths[i]; i++)
		if (path_fits(parser->paths[i], text_of(path)))
			return true;
	return false;
}

/* Takes the bytes over. */
static void run_all(const char *path, struct span hive)
{
	const struct span none = { NULL, 0 };
	struct seen seen;
	enum status status;

	memset(&seen, 0, sizeof(seen));
	status = open_files(&seen.opened, path, hive, none, none);
	seen.opened.ctx.ops = &seeing_ops;
	seen.opened.ctx.payload = &seen;
	for (size_t i = 0; status >= 0 && all_parsers[i]; i++) {
		if (!all_parsers[i]->parse_hive || !reads(all_parsers[i], path))
			continue;
		status = all_parsers[i]->parse_hive(&seen.opened.ctx, seen.opened.hive,
						    &seen.opened.why);
	}
	unsee(&seen);
}

static struct span copy_of(struct span bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	memcpy(copy, bytes.data, size);
	return span_of(copy, size);
}

static void odd_hives_are_survived(void **state)
{
	static const char *const names[] = {
		"BigDataHive",   "DeletedDataHive", "DeletedTreeHive",          "ExtendedASCIIHive",
		"MultiSzHive",   "RemnantData",     "SAMBadHBinHeader",         "StringValuesHive",
		"TruncatedHive", "UnicodeHive",     "corrupt_sub_key_list.hiv", "hivex_minimal",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char file[128];

		(void)snprintf(file, sizeof(file), "hives_odd/%s", names[i]);
		for (size_t g = 0; g < sizeof(guises) / sizeof(guises[0]); g++)
			run_all(guises[g], corpus_bytes(file));
	}
}

static void flipped_bytes_are_survived(void **state)
{
	static const struct {
		const char *file, *guise;
	} samples[] = {
		{ "hives/nfury_NTUSER.DAT", "/Users/nfury/NTUSER.DAT" },
		{ "amcache/Szechuan_2012R2_Amcache.hve",
		  "/Windows/AppCompat/Programs/Amcache.hve" },
	};
	uint32_t random = 12345;

	(void)state;
	for (size_t s = 0; s < sizeof(samples) / sizeof(samples[0]); s++) {
		const struct span whole = corpus_bytes(samples[s].file);

		for (unsigned round = 0; round < 6; round++) {
			const struct span hive = copy_of(whole, whole.size);
			uint8_t *bytes = (uint8_t *)(uintptr_t)hive.data;

			for (unsigned i = 0; i < 400; i++) {
				random = random * 1664525 + 1013904223;
				bytes[4096 + (random >> 4) % (whole.size - 4096)] ^=
					(uint8_t)(random >> 24);
			}
			run_all(samples[s].guise, hive);
		}
		for (unsigned part = 1; part < 6; part++)
			run_all(samples[s].guise, copy_of(whole, whole.size * part / 6));
		free((void *)(uintptr_t)whole.data);
	}
}

static void every_parser_of_keys_says_what_it_reads(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; all_parsers[i]; i++) {
		const struct parser *parser = all_parsers[i];

		if (!parser->parse_hive)
			continue;
		n++;
		assert_non_null(parser->title);
		assert_non_null(parser->versions);
		assert_non_null(parser->asserts);
		assert_non_null(parser->paths[0]);
		for (size_t t = 0; parser->emits[t]; t++) {
			const struct trace_type *type = parser->emits[t];
			const size_t fields = trace_type_fields(type);

			/* The shared tail ends every type but that of parents; a name means one type. */
			assert_true(fields < TRACE_MAX_FIELDS);
			assert_ptr_equal(trace_type_find(text_of(type->name)), type);
			if (strcmp(type->name, "windows.registry.container") == 0)
				continue;
			assert_string_equal(type->fields[fields - 6].name, "key");
			assert_string_equal(type->fields[fields - 1].name, "path_sure");
		}
	}
	assert_true(n >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_parser_of_keys_says_what_it_reads),
		cmocka_unit_test(odd_hives_are_survived),
		cmocka_unit_test(flipped_bytes_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
