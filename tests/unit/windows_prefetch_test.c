/* SPDX-License-Identifier: Apache-2.0 */
#include "file_support.h"

extern const struct parser prefetch_parser;

struct seen {
	size_t n;
	uint64_t count, version, serial;
	int64_t first_run, last_run; /* ticks of the first and last trace */
	char executable[64], path[512], hash[16];
};

static void keep(char *out, size_t room, struct text text)
{
	(void)snprintf(out, room, "%.*s", (int)text.size, text.data ? text.data : "");
}

static void see(struct heard *heard, const struct trace *trace)
{
	struct seen *seen = heard->payload;
	const int64_t run = trace_instant(trace, "run").ticks;

	if (seen->n++ == 0)
		seen->first_run = run;
	seen->last_run = run;
	seen->count = trace_uint(trace, "run_count");
	seen->version = trace_uint(trace, "version");
	seen->serial = trace_uint(trace, "volume_serial");
	keep(seen->executable, sizeof(seen->executable), trace_text(trace, "executable"));
	keep(seen->path, sizeof(seen->path), trace_text(trace, "path"));
	keep(seen->hash, sizeof(seen->hash), trace_text(trace, "hash"));
}

static enum status read_bytes(struct span bytes, struct seen *seen)
{
	struct heard heard;

	*seen = (struct seen){ 0 };
	return hear_file(&prefetch_parser, "/Windows/Prefetch/X.pf", bytes, see, seen, &heard);
}

/* Values as sccainfo 20200717 prints them; version 31, which it refuses, read by hand in xxd. */
static const struct expected {
	const char *file;
	uint64_t version, count, runs, serial;
	const char *executable, *path, *last_run;
} expected[] = {
	{ "XP_NOTEPAD-NOTEPAD.EXE-336351A9.pf", 17, 1, 1, 0xe0f7e847, "NOTEPAD.EXE",
	  "\\DEVICE\\HARDDISKVOLUME1\\WINDOWS\\SYSTEM32\\NOTEPAD.EXE",
	  "2016-01-13T22:04:53.8281250Z" },
	{ "Vista_CMD-CMD.EXE-89305D47.pf", 23, 3, 1, 0, "CMD.EXE", NULL,
	  "2016-01-16T20:03:15.5514245Z" },
	{ "Win7_NOTEPAD-NOTEPAD.EXE-D8414F97.pf", 23, 2, 1, 0, "NOTEPAD.EXE", NULL,
	  "2016-01-16T20:26:52.9213593Z" },
	{ "Win81_MSMPENG.EXE-0E995F9C.pf", 26, 1, 1, 0, "MSMPENG.EXE", NULL,
	  "2022-05-13T20:40:45.1102710Z" },
	{ "Win8_CMD-CMD.EXE-4A81B364.pf", 26, 2, 2, 0, "CMD.EXE", NULL,
	  "2016-01-16T21:10:14.1208485Z" },
	{ "Win10_CMD-CMD.EXE-D269B812.pf", 30, 55, 8, 0, "CMD.EXE", NULL,
	  "2016-01-12T20:07:03.9810694Z" },
	{ "Win10_LONGNAME-DCODEDCODEDCODEDCODEDCODEDCOD-E65B9FE8.pf", 30, 2, 2, 0x66f451bc,
	  "DCODEDCODEDCODEDCODEDCODEDCOD",
	  "\\VOLUME{01d12173f395296c-66f451bc}\\TEMP\\"
	  "DCODEDCODEDCODEDCODEDCODEDCODEDCODEDCODEDCODEDCODEDCODEDCODEDCODE.EXE",
	  "2016-01-13T22:47:25.7480759Z" },
	{ "Belkasoft_MPSIGSTUB.EXE-6CB27A06.pf", 30, 3, 3, 0x188f1fca, "MPSIGSTUB.EXE",
	  "\\VOLUME{01d668558f114fbd-188f1fca}\\WINDOWS\\SYSTEM32\\MPSIGSTUB.EXE",
	  "2021-02-14T02:10:10.4837022Z" },
	{ "artemis_W11_MPCMDRUN.EXE-9EAF7E2E.pf", 30, 1, 1, 0, "MPCMDRUN.EXE", NULL,
	  "2022-10-16T02:21:09.6118652Z" },
	{ "SutharPC_UNINS000.EXE-D4353388.pf", 31, 1, 1, 0, "UNINS000.EXE", NULL, NULL },
};

static void every_version_reads_as_another_tool_reads_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		const struct expected *e = &expected[i];
		char name[256], time[INSTANT_TEXT_SIZE];
		struct span bytes;
		struct seen seen;

		(void)snprintf(name, sizeof(name), "prefetch/%s", e->file);
		bytes = corpus_bytes(name);
		assert_int_equal(read_bytes(bytes, &seen), STATUS_OK);
		assert_int_equal(seen.version, e->version);
		assert_int_equal(seen.count, e->count);
		assert_int_equal(seen.n, e->runs);
		assert_string_equal(seen.executable, e->executable);
		if (e->path)
			assert_string_equal(seen.path, e->path);
		if (e->serial)
			assert_int_equal(seen.serial, e->serial);
		if (e->last_run)
			assert_string_equal(ticks_format(seen.first_run, time), e->last_run);
		/* The path of a program ends in its name. */
		assert_true(strlen(seen.path) > strlen(seen.executable));
		span_free(bytes);
	}
}

static void a_cut_file_never_harms(void **state)
{
	static const char *const files[] = { "prefetch/Win10_CMD-CMD.EXE-D269B812.pf",
					     "prefetch/Vista_CMD-CMD.EXE-89305D47.pf" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct span bytes = corpus_bytes(files[i]);
		struct seen seen;

		for (size_t size = 1; size < bytes.size; size += 1 + size / 16) {
			uint8_t *cut = malloc(size);

			assert_non_null(cut);
			memcpy(cut, bytes.data, size);
			(void)!read_bytes(span_of(cut, size), &seen);
			free(cut);
		}
		span_free(bytes);
	}
}

static void damage_never_harms(void **state)
{
	const struct span good = corpus_bytes("prefetch/Win10_CMD-CMD.EXE-D269B812.pf");
	uint8_t *bytes = malloc(good.size);
	uint64_t random = 3;

	(void)state;
	assert_non_null(bytes);
	for (int round = 0; round < 300; round++) {
		struct seen seen;

		memcpy(bytes, good.data, good.size);
		for (int i = 0; i < 4; i++)
			bytes[next_random(&random) % good.size] = (uint8_t)next_random(&random);
		(void)!read_bytes(span_of(bytes, good.size), &seen);
	}
	free(bytes);
	span_free(good);
}

static void what_is_no_prefetch_is_an_error(void **state)
{
	static const uint8_t zeros[512];
	struct seen seen;

	(void)state;
	assert_int_equal(read_bytes(span_of(zeros, sizeof(zeros)), &seen), ERR_FORMAT);
	assert_int_equal(seen.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_reads_as_another_tool_reads_it),
		cmocka_unit_test(a_cut_file_never_harms),
		cmocka_unit_test(damage_never_harms),
		cmocka_unit_test(what_is_no_prefetch_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
