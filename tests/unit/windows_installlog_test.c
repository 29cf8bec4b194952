/* SPDX-License-Identifier: Apache-2.0 */
#include "file_support.h"

extern const struct parser installlog_parser;

struct seen {
	size_t n;
	char text[4][128], time[4][INSTANT_TEXT_SIZE], code[4][64];
};

static void see(struct heard *heard, const struct trace *trace)
{
	struct seen *seen = heard->payload;
	const struct text text = trace_text(trace, "text"), code = trace_text(trace, "code");

	if (seen->n < 4) {
		(void)snprintf(seen->text[seen->n], 128, "%.*s", (int)text.size, text.data);
		(void)snprintf(seen->code[seen->n], 64, "%.*s", (int)code.size,
			       code.data ? code.data : "");
		(void)instant_format(trace_instant(trace, "time"), seen->time[seen->n]);
	}
	seen->n++;
}

static void parse_text(const char *path, const void *text, size_t size, struct seen *seen)
{
	struct heard heard;

	memset(seen, 0, sizeof(*seen));
	assert_int_equal(hear_file(&installlog_parser, path, span_of(text, size), see, seen, &heard),
			 STATUS_OK);
}

static void a_log_with_its_day_in_the_name_is_placed(void **state)
{
	static const char text[] = "23:59:58\tInstallation of Example 1.0 started\r\n"
				   "23:59:58\tInstallation of Example 1.0 started\r\n"
				   "00:00:03\tdone\r\nno time here\r\n";
	struct seen seen;

	(void)state;
	parse_text("/Users/a/AppData/Local/Temp/ex-install-2017-06-14-23-59-50.log", text,
		   sizeof(text) - 1, &seen);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.text[0], "Installation of Example 1.0 started");
	assert_string_equal(seen.time[0], "2017-06-14T23:59:58");
	assert_string_equal(seen.time[1], "2017-06-15T00:00:03");
}

static void dated_lines_are_read(void **state)
{
	static const char text[] = "2019-03-04 05:06:07.089 [i] Start {01234567-89ab-cdef-0123-"
				   "456789abcdef}\n04.03.2019 05:06:08 end\n";
	struct seen seen;

	(void)state;
	parse_text("/Windows/Temp/x.log", text, sizeof(text) - 1, &seen);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.time[0], "2019-03-04T05:06:07.089");
	assert_string_equal(seen.code[0], "{01234567-89AB-CDEF-0123-456789ABCDEF}");
	assert_string_equal(seen.time[1], "2019-03-04T05:06:08");
	assert_string_equal(seen.text[1], "end");
}

/* As msiexec writes it: UTF-16LE with a byte order mark. */
static void windows_installer_logs_are_read(void **state)
{
	static const char text[] =
		"=== Verbose logging started: 14/06/2017  11:22:31  Build type: SHIP ===\r\n"
		"MSI (c) (24:B8) [11:22:31:100]: Resetting cached policy values\r\n"
		"MSI (s) (24:B8) [11:23:00:250]: Product: Example -- Removal completed "
		"successfully.\r\n"
		"Property(S): ProductCode = {01234567-89AB-CDEF-0123-456789ABCDEF}\r\n";
	uint8_t wide[2 * sizeof(text)];
	struct seen seen;

	(void)state;
	wide[0] = 0xff;
	wide[1] = 0xfe;
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		wide[2 + 2 * i] = (uint8_t)text[i];
		wide[3 + 2 * i] = 0;
	}
	parse_text("/Windows/Temp/MSI1234.log", wide, sizeof(wide), &seen);
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.text[1], "Product: Example -- Removal completed successfully.");
	assert_string_equal(seen.time[1], "2017-06-14T11:23:00.250");
	assert_string_equal(seen.code[2], "{01234567-89AB-CDEF-0123-456789ABCDEF}");
	assert_string_equal(seen.time[2], "");
}

static void a_day_that_reads_two_ways_is_not_guessed(void **state)
{
	static const char text[] = "=== Verbose logging started: 4/6/2017  11:22:31  Build ===\r\n"
				   "MSI (s) (24:B8) [11:23:00:250]: Product: Example -- done\r\n";
	struct seen seen;

	(void)state;
	parse_text("/Windows/Temp/MSI1234.log", text, sizeof(text) - 1, &seen);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.time[1], "");
}

static void a_log_may_hold_anything(void **state)
{
	uint64_t random = 5;
	struct seen seen;

	(void)state;
	for (int round = 0; round < 50; round++) {
		const size_t size = next_random(&random) % 3000;
		uint8_t *bytes = malloc(size + 1);

		assert_non_null(bytes);
		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)"0123456789:-/.[]{} \r\n=MSI(\xff"[next_random(&random) %
									27];
		parse_text("/Windows/Temp/x-2017-06-14-1.log", bytes, size, &seen);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_with_its_day_in_the_name_is_placed),
		cmocka_unit_test(dated_lines_are_read),
		cmocka_unit_test(windows_installer_logs_are_read),
		cmocka_unit_test(a_day_that_reads_two_ways_is_not_guessed),
		cmocka_unit_test(a_log_may_hold_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
