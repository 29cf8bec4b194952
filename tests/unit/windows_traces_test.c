/* SPDX-License-Identifier: Apache-2.0 */
/* The small sources: recycle bin, Program Compatibility Assistant, task files, SRUM. */
#include "file_support.h"

extern const struct parser recycle_parser, pca_parser, task_file_parser, srum_parser;

struct seen {
	size_t n, n_with_bytes;
	char path[512], task[128], time[INSTANT_TEXT_SIZE];
};

static void see(struct heard *heard, const struct trace *trace)
{
	struct seen *seen = heard->payload;
	const struct text path = trace_text(trace, "path");
	const struct text task = trace_text(trace, "task");
	const struct instant deleted = trace_instant(trace, "deleted");

	seen->n_with_bytes += trace->origin.size > 0;
	if (seen->n++ > 0)
		return;
	(void)snprintf(seen->path, sizeof(seen->path), "%.*s", (int)path.size,
		       path.data ? path.data : "");
	(void)snprintf(seen->task, sizeof(seen->task), "%.*s", (int)task.size,
		       task.data ? task.data : "");
	(void)instant_format(instant_is_set(deleted) ? deleted : trace_instant(trace, "run"),
			     seen->time);
}

static enum status parse_with(const struct parser *parser, struct span bytes, struct seen *seen)
{
	struct heard heard;

	*seen = (struct seen){ 0 };
	return hear_file(parser, "/x", bytes, see, seen, &heard);
}

/* The expected values are the first line of the file itself. */
static void every_launch_is_read(void **state)
{
	const struct span bytes = corpus_bytes("execution/PcaAppLaunchDic.txt");
	size_t lines = 0;
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < bytes.size; i++)
		lines += bytes.data[i] == '|';
	assert_int_equal(parse_with(&pca_parser, bytes, &seen), STATUS_OK);
	assert_int_equal(seen.n, lines);
	assert_string_equal(seen.path,
			    "C:\\ProgramData\\Sophos\\AutoUpdate\\Cache\\sophos_autoupdate1.dir\\"
			    "su-setup32.exe");
	assert_string_equal(seen.time, "2022-12-17T13:27:53.096Z");
	span_free(bytes);
}

/* Layouts as documented: version 1 has a fixed room, version 2 a count. */
static void recycle_bin_items_of_both_versions_are_read(void **state)
{
	uint8_t item[544] = { 1 };
	struct seen seen;

	(void)state;
	memcpy(item + 16, "\x00\x80\x3e\xd5\xde\xb1\x9d\x01", 8); /* 1970-01-01 */
	memcpy(item + 24, "C\0:\0\\\0a\0", 8);
	assert_int_equal(parse_with(&recycle_parser, span_of(item, 544), &seen), STATUS_OK);
	assert_string_equal(seen.path, "C:\\a");
	assert_string_equal(seen.time, "1970-01-01T00:00:00.0000000Z");
	item[0] = 2;
	memcpy(item + 24, "\4\0\0\0D\0:\0\\\0\0\0", 12);
	assert_int_equal(parse_with(&recycle_parser, span_of(item, 36), &seen), STATUS_OK);
	assert_string_equal(seen.path, "D:\\");
	for (size_t size = 1; size < 36; size++)
		assert_true(parse_with(&recycle_parser, span_of(item, size), &seen) < 0);
	item[0] = 3;
	assert_int_equal(parse_with(&recycle_parser, span_of(item, 36), &seen), ERR_UNSUPPORTED);
}

static void actions_of_a_task_are_read(void **state)
{
	static const char xml[] =
		"<?xml version=\"1.0\" encoding=\"UTF-16\"?><Task version=\"1.2\">"
		"<RegistrationInfo><Date>2017-06-14T11:22:31</Date><Author>A &amp; B</Author>"
		"<URI>\\Example\\Update</URI></RegistrationInfo><Actions><Exec>"
		"<Command>\"C:\\Program Files\\x &amp; y.exe\"</Command></Exec>"
		"<Execution>none</Execution><Exec\r\n id=\"second\"><Command>b.exe</Command>"
		"<Arguments>/s</Arguments></Exec></Actions></Task>";
	uint8_t wide[2 * sizeof(xml)] = { 0xff, 0xfe };
	struct seen seen;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(xml); i++) {
		wide[2 + 2 * i] = (uint8_t)xml[i];
		wide[3 + 2 * i] = 0;
	}
	assert_int_equal(parse_with(&task_file_parser, span_of(wide, sizeof(wide)), &seen),
			 STATUS_OK);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.path, "\"C:\\Program Files\\x & y.exe\"");
	assert_string_equal(seen.task, "\\Example\\Update");
	for (size_t size = 0; size < sizeof(xml); size++) {
		char *cut = malloc(size + 1);

		assert_non_null(cut);
		memcpy(cut, xml, size);
		(void)!parse_with(&task_file_parser, span_of(cut, size), &seen);
		free(cut);
	}
}

/* esedbexport 20181229 writes 118 and 23 rows; one of them names the empty program. */
static void resource_usage_is_read(void **state)
{
	const struct span bytes = corpus_bytes("srum/RathbunVM_W10_Clean_SRUDB.dat");
	struct seen seen;

	(void)state;
	assert_int_equal(parse_with(&srum_parser, bytes, &seen), STATUS_OK);
	assert_int_equal(seen.n, 140);
	assert_int_equal(seen.n_with_bytes, 140);
	span_free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_launch_is_read),
		cmocka_unit_test(recycle_bin_items_of_both_versions_are_read),
		cmocka_unit_test(actions_of_a_task_are_read),
		cmocka_unit_test(resource_usage_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
