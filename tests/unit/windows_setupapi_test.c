/* SPDX-License-Identifier: Apache-2.0 */
#include "file_support.h"

extern const struct parser setupapi_parser;

struct seen {
	size_t n;
	char text[8][9][256]; /* by trace and field */
};

static void see(struct heard *heard, const struct trace *trace)
{
	static const char *const fields[] = { "title", "inf", "command", "publisher", "driver",
					      "start", "end", "status",  "action" };
	struct seen *seen = heard->payload;

	for (size_t i = 0; i < 9 && seen->n < 8; i++) {
		const struct text text = trace_text(trace, fields[i]);
		const struct instant when = trace_instant(trace, fields[i]);
		char buffer[INSTANT_TEXT_SIZE];

		(void)snprintf(seen->text[seen->n][i], 256, "%.*s%s", (int)text.size,
			       text.data ? text.data : "", instant_format(when, buffer));
		assert_true(!instant_is_set(when) || when.zone == ZONE_LOCAL);
	}
	seen->n++;
}

static void parse_text(const char *text, size_t size, struct seen *seen)
{
	struct heard heard;

	memset(seen, 0, sizeof(*seen));
	assert_int_equal(hear_file(&setupapi_parser, "/Windows/INF/setupapi.dev.log",
				   span_of(text, size), see, seen, &heard),
			 STATUS_OK);
	assert_int_equal(heard.n_covers, 1);
}

static const char vista[] =
	"[Device Install Log]\r\n     OS Version = 10.0.19041\r\n\r\n[BeginLog]\r\n\r\n"
	"[Boot Session: 2021/03/01 09:00:00.500]\r\n\r\n"
	">>>  [Device Install (DiInstallDriver) - C:\\Program Files\\Example\\flt.inf]\r\n"
	">>>  Section start 2021/03/02 10:11:12.345\r\n"
	"      cmd: \"C:\\Program Files\\Example\\setup.exe\" /quiet\r\n"
	"     inf: {Setup Import Driver Package: C:\\Program Files\\Example\\flt.inf}\r\n"
	"     inf: Provider: Example Ltd\r\n"
	"     cpy: Copying 'C:\\Windows\\system32\\drivers\\exflt.sys'.\r\n"
	"<<<  Section end 2021/03/02 10:11:13.000\r\n"
	"<<<  [Exit status: SUCCESS]\r\n\r\n\r\n"
	">>>  [SetupUninstallOEMInf - oem12.inf]\r\n"
	">>>  Section start 2021/05/06 07:08:09.001\r\n"
	"<<<  Section end 2021/05/06 07:08:09.500\r\n"
	"<<<  [Exit status: FAILURE(0x00000002)]\r\n";

static void sections_of_vista_and_later_are_read(void **state)
{
	struct seen seen;

	(void)state;
	parse_text(vista, sizeof(vista) - 1, &seen);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.text[0][1], "C:\\Program Files\\Example\\flt.inf");
	assert_string_equal(seen.text[0][2], "\"C:\\Program Files\\Example\\setup.exe\" /quiet");
	assert_string_equal(seen.text[0][3], "Example Ltd");
	assert_string_equal(seen.text[0][4], "exflt.sys");
	assert_string_equal(seen.text[0][5], "2021-03-02T10:11:12.345");
	assert_string_equal(seen.text[0][6], "2021-03-02T10:11:13.000");
	assert_string_equal(seen.text[0][7], "SUCCESS");
	assert_string_equal(seen.text[0][8], "install");
	assert_string_equal(seen.text[1][1], "oem12.inf");
	assert_string_equal(seen.text[1][7], "FAILURE(0x00000002)");
	assert_string_equal(seen.text[1][8], "delete");
}

/* What real logs of Windows 10 and 11 have: names in braces, and titles that hold other words. */
static void names_and_actions_are_read_where_they_stand(void **state)
{
	static const char log[] =
		">>>  [Unstage Driver Updates]\r\n"
		"     sto: {Unstage Driver Package: C:\\Program Files\\Ex Ample\\flt.inf} 18:47:20.536\r\n"
		"!    sto:      Driver package 'ex ample.inf' is not there.\r\n"
		">>>  [Disable Device Install]\r\n"
		"     ump: DeviceInstall service is not started.\r\n"
		">>>  [Setup Import Driver Package - C:\\Uninstall Tool\\a.Inf]\r\n"
		"     cpy: Copying 'C:\\Uninstall Tool\\my a.sys' to 'C:\\Windows\\b.sys'.\r\n"
		">>>  [Stage Driver Updates]\r\n"
		"     idb: Driver INF file object oem7.inf, 'c.inf'\r\n"
		"     idb: Deleted 'my own.inf'\r\n"
		">>>  [Device Install (Hardware initiated) - SWD\\X]\r\n"
		"     inf: Opened 'my own.inf'\r\n";
	struct seen seen;

	(void)state;
	parse_text(log, sizeof(log) - 1, &seen);
	assert_int_equal(seen.n, 5);
	assert_string_equal(seen.text[0][1], "C:\\Program Files\\Ex Ample\\flt.inf");
	assert_string_equal(seen.text[0][8], "delete");
	assert_string_equal(seen.text[1][8], "other");
	assert_string_equal(seen.text[2][1], "C:\\Uninstall Tool\\a.Inf");
	assert_string_equal(seen.text[2][4], "my a.sys");
	assert_string_equal(seen.text[2][8], "install");
	assert_string_equal(seen.text[3][1], "oem7.inf");
	assert_string_equal(seen.text[3][8], "install");
	assert_string_equal(seen.text[4][1], "my own.inf");
}

static void sections_of_xp_are_read(void **state)
{
	static const char xp[] =
		"[SetupAPI Log]\r\nOS Version = 5.1.2600 Service Pack 2\r\n"
		"[2010/08/10 12:34:56 1234.567 Driver Install]\r\n"
		"#-019 Searching for hardware ID(s): root\\legacy\r\n"
		"#-198 Command line processed: C:\\Setup\\setup.exe\r\n"
		"#I022 Found \"root\\legacy\" in C:\\WINDOWS\\inf\\oem3.inf\r\n";
	struct seen seen;

	(void)state;
	parse_text(xp, sizeof(xp) - 1, &seen);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.text[0][2], "C:\\Setup\\setup.exe");
	assert_string_equal(seen.text[0][5], "2010-08-10T12:34:56");
	assert_string_equal(seen.text[0][8], "install");
}

static void a_log_may_end_anywhere(void **state)
{
	struct seen seen;

	(void)state;
	for (size_t size = 0; size < sizeof(vista); size++) {
		char *cut = malloc(size + 1);

		assert_non_null(cut);
		memcpy(cut, vista, size);
		parse_text(cut, size, &seen);
		assert_true(seen.n <= 2);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_of_vista_and_later_are_read),
		cmocka_unit_test(names_and_actions_are_read_where_they_stand),
		cmocka_unit_test(sections_of_xp_are_read),
		cmocka_unit_test(a_log_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
