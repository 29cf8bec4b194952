/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects the practice computers (AVOUCH_PRACTICE, default ../shared/practice beside the source
 * tree) into cases: every source must be found and read, twice the same, with the image unchanged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "analyzer/collect/collect.h"

static char folder[64];

static const char *practice(const char *name)
{
	static char path[4096];
	const char *root = getenv("AVOUCH_PRACTICE");
	const char *corpus = getenv("AVOUCH_CORPUS");

	if (root)
		(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	else
		(void)snprintf(path, sizeof(path), "%s/../practice/%s",
			       corpus ? corpus : "../shared/corpus", name);
	if (access(path, R_OK) != 0) {
		print_message("%s is not there: skipped\n", path);
		skip();
	}
	return path;
}

static void collect(const char *image, const char *case_path, unsigned jobs)
{
	struct failure why = FAILURE_NONE;
	const char *const paths[] = { image };
	const struct collect_evidence evidence = { paths, 1 };
	const struct collect_options options = { .evidence = &evidence,
						 .n_evidence = 1,
						 .jobs = jobs,
						 .verify_image = true };
	CLEANUP(collector_free_p) struct collector *collector = NULL;
	CLEANUP(case_close_p) struct case_file *file = NULL;

	assert_int_equal(collector_new(&options, NULL, &collector, &why), STATUS_OK);
	assert_int_equal(case_create(case_path, &file, &why), STATUS_OK);
	if (collect_run(collector, file, &why) != STATUS_OK)
		fail_msg("%s", why.text);
}

static struct case_contents load(const char *case_path, struct arena *arena)
{
	struct failure why = FAILURE_NONE;
	CLEANUP(case_close_p) struct case_file *file = NULL;
	struct case_contents all = { 0 };

	assert_int_equal(case_open(case_path, false, &file, &why), STATUS_OK);
	if (case_load(file, arena, &all, &why) != STATUS_OK)
		fail_msg("%s", why.text);
	return all;
}

static size_t count_type(const struct case_contents *all, const char *type)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n_traces; i++)
		n += strcmp(all->traces[i].trace.type->name, type) == 0;
	return n;
}

static void a_practice_computer_is_collected_whole(void **state)
{
	static const char *const images[] = { "P01.E01", "P02.E01", "P03.E01" };

	(void)state;
	(void)practice(images[0]); /* skips before anything is allocated */
	for (size_t i = 0; i < 3; i++) {
		CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 30);
		char path[128];

		(void)snprintf(path, sizeof(path), "%s/%zu.avouch", folder, i);
		collect(practice(images[i]), path, 2);

		const struct case_contents all = load(path, arena);

		assert_string_equal(all.evidence[0].format, "ewf");
		/* What the image says of its own digest was computed when it was made. */
		assert_non_null(all.evidence[0].stored_md5);
		assert_string_equal(all.evidence[0].stored_md5, all.evidence[0].md5);
		assert_true(all.n_sources > 2);
		assert_true(count_type(&all, "filesystem.file") > 0);
		assert_true(count_type(&all, "windows.system.version") > 0);
		(void)unlink(path);
	}
}

static void job_counts_do_not_change_a_case(void **state)
{
	char one[128], four[128];

	(void)state;
	(void)practice("P01.E01"); /* skips before anything is allocated */

	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 30);

	(void)snprintf(one, sizeof(one), "%s/one.avouch", folder);
	(void)snprintf(four, sizeof(four), "%s/four.avouch", folder);
	collect(practice("P01.E01"), one, 1);
	collect(practice("P01.E01"), four, 4);

	const struct case_contents a = load(one, arena), b = load(four, arena);

	assert_int_equal(a.n_sources, b.n_sources);
	assert_int_equal(a.n_traces, b.n_traces);
	assert_int_equal(a.n_problems, b.n_problems);
	assert_int_equal(a.n_coverage, b.n_coverage);
	for (size_t i = 0; i < a.n_sources; i++) {
		assert_string_equal(a.sources[i].path, b.sources[i].path);
		assert_int_equal(a.sources[i].reading, b.sources[i].reading);
	}
	for (size_t i = 0; i < a.n_traces; i++) {
		assert_int_equal(a.traces[i].source, b.traces[i].source);
		assert_ptr_equal(a.traces[i].trace.type, b.traces[i].trace.type);
		assert_int_equal(a.traces[i].trace.origin.offset, b.traces[i].trace.origin.offset);
		if (a.traces[i].place.sha256)
			assert_string_equal(a.traces[i].place.sha256, b.traces[i].place.sha256);
	}
	(void)unlink(one);
	(void)unlink(four);
}

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/avouch-collect-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
	(void)state;
	(void)rmdir(folder); /* a failed test may leave its case for a look */
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_practice_computer_is_collected_whole,
						make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(job_counts_do_not_change_a_case, make_folder,
						drop_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
