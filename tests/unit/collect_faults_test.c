/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reader that crashes, hangs or lies costs: that one source. Needs the parsers of
 * AVOUCH_FAULTY_PARSERS. Images are made by mke2fs and compared with the files put into them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>

#include "analyzer/collect/collect.h"

static char folder[64];
static volatile sig_atomic_t stop;

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

/* An ext4 image that holds /faulty/NAME for each name, separated by blanks. */
static const char *make_image(const char *name, const char *files)
{
	static char path[4][128];
	static unsigned next;
	char *image = path[next++ % 4];

	run("cd %s && rm -rf tree && mkdir -p tree/faulty && cd tree/faulty && "
	    "for f in %s; do echo some bytes of $f >$f; done",
	    folder, files);
	(void)snprintf(image, sizeof(path[0]), "%s/%s", folder, name);
	run("PATH=$PATH:/sbin:/usr/sbin mke2fs -q -F -t ext4 -d %s/tree %s 4M", folder, image);
	return image;
}

static void digest_file(const char *path, uint8_t digest[32])
{
	static uint8_t bytes[8 << 20];
	const int fd = open(path, O_RDONLY);
	const ssize_t n = read(fd, bytes, sizeof(bytes));
	unsigned size;

	assert_true(n > 0);
	assert_int_equal(EVP_Digest(bytes, (size_t)n, digest, &size, EVP_sha256(), NULL), 1);
	(void)close(fd);
}

static bool crash_in_survey(void *payload, struct text path)
{
	(void)payload;
	if (path.size > 10 && memmem(path.data, path.size, "abort-here", 10))
		abort();
	return true;
}

static void stop_now(void *payload, const char *line)
{
	(void)payload;
	(void)line;
	stop = 1;
}

struct run_of {
	const char *images[2];
	size_t n_images;
	unsigned jobs;
	const struct wanted *wanted;
	bool stop_early;
	enum status expected;
};

static struct case_contents collect(const struct run_of *of, const char *name, struct arena *arena)
{
	struct failure why = FAILURE_NONE;
	struct collect_evidence evidence[2];
	char path[128];
	struct case_contents all = { 0 };
	struct collect_options options = { .evidence = evidence,
					   .n_evidence = of->n_images,
					   .jobs = of->jobs,
					   .source_timeout_s = 1,
					   .cancelled = &stop };
	struct collector *collector = NULL;
	struct case_file *file = NULL;

	stop = 0;
	if (of->stop_early)
		options.progress = stop_now;
	for (size_t i = 0; i < of->n_images; i++)
		evidence[i] = (struct collect_evidence){ &of->images[i], 1 };
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(collector_new(&options, of->wanted, &collector, &why), STATUS_OK);
	assert_int_equal(access(path, F_OK) == 0 ? case_open(path, true, &file, &why) :
						   case_create(path, &file, &why),
			 STATUS_OK);
	if (collect_run(collector, file, &why) != of->expected)
		fail_msg("%s", why.text);
	collector_free(collector);
	case_close(file);
	file = NULL;
	assert_int_equal(case_open(path, false, &file, &why), STATUS_OK);
	assert_int_equal(case_load(file, arena, &all, &why), STATUS_OK);
	case_close(file);
	return all;
}

static const struct case_source *source_of(const struct case_contents *all, const char *path)
{
	for (size_t i = 0; i < all->n_sources; i++)
		if (strcmp(all->sources[i].path, path) == 0)
			return &all->sources[i];
	fail_msg("no source '%s'", path);
	return NULL;
}

static size_t traces_of(const struct case_contents *all, const struct case_source *source)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n_traces; i++)
		n += all->traces[i].source == source->id;
	return n;
}

static const char *problem_of(const struct case_contents *all, const struct case_source *source)
{
	for (size_t i = 0; i < all->n_problems; i++)
		if (all->problems[i].source == source->id)
			return all->problems[i].what;
	return "";
}

static void need_faulty_parsers(void)
{
	if (!parser_find(TEXT("faulty.crash"))) {
		print_message("built without AVOUCH_FAULTY_PARSERS: skipped\n");
		skip();
	}
}

static void each_fault_costs_one_source(void **state)
{
	uint8_t before[32], after[32];

	(void)state;
	need_faulty_parsers();

	const char *image = make_image("faults.dd", "a.bin crash.bin hang.bin garbage.bin z.bin");

	digest_file(image, before);
	for (unsigned jobs = 1; jobs <= 4; jobs += 3) {
		CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 28);
		const struct run_of of = { .images = { image }, .n_images = 1, .jobs = jobs };
		const struct case_contents all =
			collect(&of, jobs == 1 ? "one.avouch" : "four.avouch", arena);
		const struct case_source *crash = source_of(&all, "/faulty/crash.bin");
		const struct case_source *hang = source_of(&all, "/faulty/hang.bin");
		const struct case_source *garbage = source_of(&all, "/faulty/garbage.bin");

		assert_int_equal(source_of(&all, "/faulty/a.bin")->reading, READING_READ);
		assert_int_equal(source_of(&all, "/faulty/z.bin")->reading, READING_READ);
		assert_int_equal(crash->reading, READING_CRASHED);
		assert_int_equal(hang->reading, READING_TIMED_OUT);
		assert_int_equal(garbage->reading, READING_CRASHED);
		assert_non_null(strstr(problem_of(&all, crash), "SIGABRT"));
		assert_non_null(strstr(problem_of(&all, crash), "faulty.crash"));
		assert_non_null(strstr(problem_of(&all, hang), "faulty.hang"));
		assert_non_null(strstr(problem_of(&all, garbage), "garbage"));
		/* What was sent before the fault stands, and the other parser ran after it. */
		assert_int_equal(traces_of(&all, crash), 2);
		assert_int_equal(traces_of(&all, hang), 2);
		assert_int_equal(traces_of(&all, garbage), 1);
		assert_int_equal(traces_of(&all, source_of(&all, "/faulty/a.bin")), 1);
	}
	digest_file(image, after);
	assert_memory_equal(before, after, 32);
}

static void a_crash_in_the_survey_costs_one_volume(void **state)
{
	const struct wanted wanted = { .path = crash_in_survey };

	(void)state;
	need_faulty_parsers();

	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 28);

	const struct run_of of = { .images = { make_image("bad.dd", "abort-here.bin"),
					       make_image("good.dd", "a.bin") },
				   .n_images = 2,
				   .jobs = 2,
				   .wanted = &wanted };
	const struct case_contents all = collect(&of, "survey.avouch", arena);

	assert_int_equal(all.n_volumes, 2);
	assert_int_equal(all.volumes[0].reading, READING_CRASHED);
	assert_int_equal(all.volumes[1].reading, READING_READ);
	assert_int_equal(source_of(&all, "/faulty/a.bin")->reading, READING_READ);
}

static void what_is_no_image_is_told_and_the_rest_is_read(void **state)
{
	char missing[128];

	(void)state;
	need_faulty_parsers();

	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 28);
	(void)snprintf(missing, sizeof(missing), "%s/missing.E01", folder);

	const struct run_of of = { .images = { missing, make_image("rest.dd", "a.bin") },
				   .n_images = 2,
				   .jobs = 2 };
	const struct case_contents all = collect(&of, "missing.avouch", arena);

	assert_int_equal(all.n_evidence, 2);
	assert_int_equal(all.n_problems, 1);
	assert_string_equal(all.problems[0].where, missing);
	assert_true(all.problems[0].lost);
	assert_int_equal(source_of(&all, "/faulty/a.bin")->reading, READING_READ);
}

static void a_stopped_run_leaves_a_readable_case(void **state)
{

	(void)state;
	need_faulty_parsers();

	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 28);

	const struct run_of of = { .images = { make_image("stop.dd", "a.bin hang.bin") },
				   .n_images = 1,
				   .jobs = 1,
				   .stop_early = true,
				   .expected = ERR_CANCELLED };
	const struct case_contents all = collect(&of, "stop.avouch", arena);

	assert_int_equal(all.n_evidence, 1);
	for (size_t i = 0; i < all.n_facts; i++)
		if (strcmp(all.facts[i].key, "collection") == 0)
			assert_string_equal(all.facts[i].value, "partial");
}

static void a_stopped_run_is_resumed_to_the_same_end(void **state)
{

	(void)state;
	need_faulty_parsers();

	CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 28);

	struct run_of of = { .images = { make_image("resume.dd", "a.bin hang.bin z.bin") },
			     .n_images = 1,
			     .jobs = 1,
			     .stop_early = true,
			     .expected = ERR_CANCELLED };

	(void)collect(&of, "resumed.avouch", arena);
	of.stop_early = false;
	of.expected = STATUS_OK;

	const struct case_contents a = collect(&of, "resumed.avouch", arena);
	const struct case_contents b = collect(&of, "whole.avouch", arena);

	assert_int_equal(a.n_sources, b.n_sources);
	assert_int_equal(a.n_traces, b.n_traces);
	assert_int_equal(a.n_problems, b.n_problems);
	for (size_t i = 0; i < a.n_sources; i++) {
		assert_string_equal(a.sources[i].path, b.sources[i].path);
		assert_int_equal(a.sources[i].reading, b.sources[i].reading);
	}
	for (size_t i = 0; i < a.n_traces; i++)
		assert_int_equal(a.traces[i].source, b.traces[i].source);
	/* A finished case is not collected again, and neither is one of other options. */
	of.expected = ERR_UNSUPPORTED;
	(void)collect(&of, "whole.avouch", arena);
}

static void choices_follow_their_grammar(void **state)
{
	(void)state;
	assert_true(collect_choice_is_valid("1,3..5", false));
	assert_true(collect_choice_is_valid("all", false));
	assert_true(collect_choice_is_valid("none", true));
	assert_false(collect_choice_is_valid("none", false));
	assert_false(collect_choice_is_valid("", true));
	assert_false(collect_choice_is_valid("1,", true));
	assert_false(collect_choice_is_valid("5..3", true));
	assert_false(collect_choice_is_valid("1-3", true));
	assert_false(collect_choice_is_valid("0", true));
	assert_true(collect_choice_has("1,3..5", 4));
	assert_false(collect_choice_has("1,3..5", 2));
	assert_false(collect_choice_has("none", 1));
	assert_true(collect_choice_has(NULL, 7));
}

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/avouch-faults-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
	(void)state;
	run("rm -rf %s", folder);
	return 0;
}

#define FAULT_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAULT_TEST(each_fault_costs_one_source),
		FAULT_TEST(a_crash_in_the_survey_costs_one_volume),
		FAULT_TEST(what_is_no_image_is_told_and_the_rest_is_read),
		FAULT_TEST(a_stopped_run_leaves_a_readable_case),
		FAULT_TEST(a_stopped_run_is_resumed_to_the_same_end),
		cmocka_unit_test(choices_follow_their_grammar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
