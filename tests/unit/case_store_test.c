/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "analyzer/casefile/case.h"
#include "parsers/filesystem/file.h"

static char folder[64];
static char case_path[96];

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/avouch-case-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(case_path, sizeof(case_path), "%s/a.avouch", folder);
	return 0;
}

static int drop_folder(void **state)
{
	char name[128];

	(void)state;
	(void)unlink(case_path);
	(void)snprintf(name, sizeof(name), "%s-wal", case_path);
	(void)unlink(name);
	return rmdir(folder); /* fails when anything else was left: the case is one file */
}

static void add_file(struct case_file *file, int64_t source, const char *path)
{
	struct failure why = FAILURE_NONE;
	CLEANUP(arena_free_p) struct arena *arena = arena_new(1 << 20);
	struct value values[FILE_N_FIELDS] = { 0 };

	values[FILE_PATH] = value_text(text_of(path));
	values[FILE_CREATED] = value_instant(instant_from_filetime(131000000000000000));

	const struct trace trace = { .type = &filesystem_file_type,
				     .origin = { .offset = 1024, .size = 1024 },
				     .values = values };
	struct span encoded;

	assert_int_equal(trace_encode(arena, &trace, &encoded, &why), STATUS_OK);

	const struct case_place place = { .sha256 = "ab" };

	assert_int_equal(case_add_trace(file, source, text_of(trace.type->name), &trace.origin,
					&place, RECOVERY_DELETED, encoded, &why),
			 STATUS_OK);
}

static void fill(struct case_file *file)
{
	struct failure why = FAILURE_NONE;
	struct case_evidence evidence = { .path = "disk.E01",
					  .format = "ewf",
					  .size = 1 << 20,
					  .acquired = instant_from_unix(1500000000) };
	struct case_volume volume = { .offset = 512, .size = 4096, .filesystem = "ntfs" };
	struct case_source source = { .path = "/a", .reader = "filesystem", .entry = 5 };

	assert_int_equal(case_begin(file, &why), STATUS_OK);
	assert_int_equal(case_add_evidence(file, &evidence, &why), STATUS_OK);
	volume.evidence = evidence.id;
	assert_int_equal(case_add_volume(file, &volume, &why), STATUS_OK);
	source.volume = volume.id;
	assert_int_equal(case_add_source(file, &source, &why), STATUS_OK);
	add_file(file, source.id, "/Program Files/x");

	const struct case_coverage coverage = { source.id, "log", { 0 },
						instant_from_unix(1500000000) };
	const struct case_problem problem = { source.id, volume.id, "/a", "lost",
					      FAILURE_NO_OFFSET, true };

	assert_int_equal(case_add_coverage(file, &coverage, &why), STATUS_OK);
	assert_int_equal(case_add_problem(file, &problem, &why), STATUS_OK);
	assert_int_equal(case_set_fact(file, "tool", "1", &why), STATUS_OK);
	assert_int_equal(case_set_fact(file, "tool", "2", &why), STATUS_OK);
	assert_int_equal(case_set_reading(file, source.id, READING_PARTLY, &why), STATUS_OK);
	volume.reading = READING_READ;
	assert_int_equal(case_update_volume(file, &volume, &why), STATUS_OK);
	evidence.sha256 = "00ff";
	assert_int_equal(case_update_evidence(file, &evidence, &why), STATUS_OK);
	assert_int_equal(case_commit(file, &why), STATUS_OK);
}

static void what_was_added_is_loaded_again(void **state)
{
	struct failure why = FAILURE_NONE;
	struct case_file *file = NULL;
	CLEANUP(arena_free_p) struct arena *arena = arena_new(1 << 24);
	struct case_contents all;

	(void)state;
	assert_int_equal(case_create(case_path, &file, &why), STATUS_OK);
	fill(file);
	case_close(file);
	file = NULL;
	assert_int_equal(case_open(case_path, false, &file, &why), STATUS_OK);
	assert_int_equal(case_load(file, arena, &all, &why), STATUS_OK);
	assert_int_equal(all.n_evidence, 1);
	assert_string_equal(all.evidence[0].path, "disk.E01");
	assert_string_equal(all.evidence[0].sha256, "00ff");
	assert_null(all.evidence[0].md5);
	assert_int_equal(all.evidence[0].acquired.precision, TICKS_PER_SECOND);
	assert_int_equal(all.volumes[0].reading, READING_READ);
	assert_int_equal(all.volumes[0].snapshot_created.state, INSTANT_UNSET);
	assert_int_equal(all.sources[0].reading, READING_PARTLY);
	assert_int_equal(all.n_traces, 1);
	assert_ptr_equal(all.traces[0].trace.type, &filesystem_file_type);
	assert_int_equal(all.traces[0].trace.recovery, RECOVERY_DELETED);
	assert_true(text_equal(trace_text(&all.traces[0].trace, "path"),
			       TEXT("/Program Files/x")));
	assert_int_equal(all.problems[0].offset, FAILURE_NO_OFFSET);
	assert_true(all.problems[0].lost);
	assert_int_equal(all.coverage[0].from.state, INSTANT_UNSET);
	assert_int_equal(all.n_facts, 1);
	assert_string_equal(all.facts[0].value, "2");
	case_close(file);
}

static void an_existing_path_is_refused(void **state)
{
	struct failure why = FAILURE_NONE;
	struct case_file *file = NULL;

	(void)state;
	assert_int_equal(case_create(case_path, &file, &why), STATUS_OK);
	case_close(file);
	file = NULL;
	assert_int_equal(case_create(case_path, &file, &why), ERR_IO);
	assert_non_null(strstr(why.text, "exists already"));
}

static void what_is_no_case_is_refused_unchanged(void **state)
{
	struct failure why = FAILURE_NONE;
	struct case_file *file = NULL;
	const char junk[] = "this is no database, and it is longer than a header of one ...........";
	const int fd = open(case_path, O_CREAT | O_WRONLY, 0600);
	struct stat info;

	(void)state;
	assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
	(void)close(fd);
	assert_true(case_open(case_path, true, &file, &why) < 0);
	assert_null(file);
	assert_int_equal(stat(case_path, &info), 0);
	assert_int_equal(info.st_size, sizeof(junk));
	(void)unlink(case_path);
	assert_true(case_open(case_path, false, &file, &why) < 0);
}

static void a_rolled_back_source_leaves_nothing(void **state)
{
	struct failure why = FAILURE_NONE;
	CLEANUP(case_close_p) struct case_file *file = NULL;
	CLEANUP(arena_free_p) struct arena *arena = arena_new(1 << 24);
	struct case_contents all;

	(void)state;
	assert_int_equal(case_create(case_path, &file, &why), STATUS_OK);
	fill(file);
	assert_int_equal(case_begin(file, &why), STATUS_OK);
	add_file(file, 1, "/gone");
	case_rollback(file);
	assert_int_equal(case_load(file, arena, &all, &why), STATUS_OK);
	assert_int_equal(all.n_traces, 1);
}

/* The child commits sources without end until it is killed. */
static void write_until_killed(int told)
{
	struct failure why = FAILURE_NONE;
	struct case_file *file = NULL;

	if (case_create(case_path, &file, &why) < 0)
		_exit(1);
	fill(file);
	for (int i = 0;; i++) {
		if (case_begin(file, &why) < 0)
			_exit(1);
		for (int t = 0; t < 20; t++)
			add_file(file, 1, "/one of twenty");
		if (case_commit(file, &why) < 0)
			_exit(1);
		if (i == 10 && write(told, "x", 1) != 1)
			_exit(1);
	}
}

static void a_killed_run_leaves_whole_transactions(void **state)
{
	(void)state;
	for (useconds_t wait = 0; wait < 30000; wait += 6000) {
		struct failure why = FAILURE_NONE;
		struct case_file *file = NULL;
		CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 28);
		struct case_contents all;
		int ends[2];
		char told;

		assert_int_equal(pipe(ends), 0);

		const pid_t child = fork();

		if (child == 0)
			write_until_killed(ends[1]);
		assert_int_equal(read(ends[0], &told, 1), 1);
		(void)usleep(wait);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		(void)close(ends[0]);
		(void)close(ends[1]);
		assert_int_equal(case_open(case_path, false, &file, &why), STATUS_OK);
		assert_int_equal(case_load(file, arena, &all, &why), STATUS_OK);
		assert_true(all.n_traces >= 201);
		assert_int_equal((all.n_traces - 1) % 20, 0);
		case_close(file);
		(void)unlink(case_path);
	}
}

static void judgements_are_kept_beside_each_other(void **state)
{
	struct failure why = FAILURE_NONE;
	CLEANUP(case_close_p) struct case_file *file = NULL;
	CLEANUP(arena_free_p) struct arena *arena = arena_new(1 << 20);
	struct case_judgement one = { .document = "{\"a\":1}", .exit_status = 1 };
	struct case_judgement two = { .document = "{\"a\":2}", .exit_status = 0 };
	struct case_judgement found;

	(void)state;
	assert_int_equal(case_create(case_path, &file, &why), STATUS_OK);
	assert_int_equal(case_find_judgement(file, 0, arena, &found, &why), STATUS_END);
	assert_int_equal(case_add_judgement(file, &one, &why), STATUS_OK);
	assert_int_equal(case_add_judgement(file, &two, &why), STATUS_OK);
	assert_int_equal(case_find_judgement(file, 0, arena, &found, &why), STATUS_OK);
	assert_string_equal(found.document, "{\"a\":2}");
	assert_int_equal(case_find_judgement(file, one.id, arena, &found, &why), STATUS_OK);
	assert_int_equal(found.exit_status, 1);
}

#define CASE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)

/* The schema's version stands in the file's header at 60, big-endian (sqlite.org/fileformat.html). */
static void another_version_is_refused_and_may_be_replaced(void **state)
{
	static const uint8_t other[4] = { 0, 0, 0, 99 };
	struct case_file *file = NULL;
	struct failure why = FAILURE_NONE;

	(void)state;
	assert_int_equal(case_create(case_path, &file, &why), STATUS_OK);
	case_close(file);

	const int fd = open(case_path, O_RDWR);

	assert_true(fd >= 0 && pwrite(fd, other, sizeof(other), 60) == sizeof(other));
	(void)close(fd);
	file = NULL;
	assert_int_equal(case_open(case_path, false, &file, &why), ERR_UNSUPPORTED);
	assert_int_equal(case_remove(case_path, &why), STATUS_OK);
	assert_int_equal(access(case_path, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE_TEST(what_was_added_is_loaded_again),
		CASE_TEST(an_existing_path_is_refused),
		CASE_TEST(what_is_no_case_is_refused_unchanged),
		CASE_TEST(a_rolled_back_source_leaves_nothing),
		CASE_TEST(a_killed_run_leaves_whole_transactions),
		CASE_TEST(judgements_are_kept_beside_each_other),
		CASE_TEST(another_version_is_refused_and_may_be_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
