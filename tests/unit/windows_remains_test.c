/* SPDX-License-Identifier: Apache-2.0 */
/* Driver packages, reports of failures, task files of the first scheduler, restore points,
 * shortcuts: as documented, and damaged. */
#include "file_support.h"

#include <unistd.h>

extern const struct parser driver_package_parser, job_file_parser, restore_point_parser,
	shortcut_parser, wer_parser;

enum { MAX_SEEN = 8, MAX_FIELDS = 12 };

/* The first traces, each as "type: field=value field=value ..."; instants formatted. */
struct seen {
	size_t n, n_lost;
	char lines[MAX_SEEN][1024];
};

static void see(struct heard *heard, const struct trace *trace)
{
	struct seen *seen = heard->payload;
	char *line = seen->n < MAX_SEEN ? seen->lines[seen->n] : NULL;
	size_t used = 0;

	seen->n++;
	for (size_t i = 0; line && trace->type->fields[i].name; i++) {
		const struct trace_field *field = &trace->type->fields[i];
		const struct value *value = &trace->values[i];
		char time[INSTANT_TEXT_SIZE];

		if (value->kind == VALUE_TEXT)
			used += (size_t)snprintf(line + used, sizeof(seen->lines[0]) - used,
						 "%s=%.*s;", field->name, (int)value->text.size,
						 value->text.data);
		if (value->kind == VALUE_INSTANT)
			used += (size_t)snprintf(line + used, sizeof(seen->lines[0]) - used,
						 "%s=%s;", field->name,
						 instant_format(value->instant, time));
		assert_true(used < sizeof(seen->lines[0]));
	}
}

static enum status parse(const struct parser *parser, const char *path, struct span bytes,
			 struct seen *seen)
{
	struct heard heard;

	*seen = (struct seen){ 0 };

	const enum status status = hear_file(parser, path, bytes, see, seen, &heard);

	seen->n_lost = heard.n_lost;
	return status;
}

/* Every prefix, and many copies with bytes that lie: what comes is a status, never a crash. */
static void damage(const struct parser *parser, struct span bytes)
{
	uint8_t *copy = malloc(bytes.size);
	uint64_t random = 3;
	struct seen seen;

	assert_non_null(copy);
	for (size_t size = 0; size < bytes.size; size++) {
		uint8_t *cut = malloc(size + 1);

		assert_non_null(cut);
		memcpy(cut, bytes.data, size);
		(void)!parse(parser, "/x/y.z", span_of(cut, size), &seen);
		free(cut);
	}
	for (size_t round = 0; round < 1000; round++) {
		memcpy(copy, bytes.data, bytes.size);
		for (size_t i = 0; i < 1 + round % 4; i++)
			copy[next_random(&random) % bytes.size] = (uint8_t)next_random(&random);
		(void)!parse(parser, "/x/y.z", span_of(copy, bytes.size), &seen);
	}
	free(copy);
}

static size_t put_wide(uint8_t *to, const char *text)
{
	size_t n = 0;

	for (; text[n]; n++) {
		to[2 * n] = (uint8_t)text[n];
		to[2 * n + 1] = 0;
	}
	return 2 * n;
}

static void put_number(uint8_t *to, uint64_t number, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (uint8_t)(number >> (8 * i));
}

/* Lines as in published reports of Windows 7; 129953891640935850 is 2012-10-22T14:19:24Z. */
static void a_failure_and_its_libraries_are_read(void **state)
{
	static const char text[] = "Version=1\r\nEventType=APPCRASH\r\nEventTime="
				   "129953891640935850\r\nReportType=2\r\n"
				   "Sig[0].Name=Application Name\r\nSig[0].Value=guard.exe\r\n"
				   "Sig[1].Name=Application Version\r\nSig[1].Value=1.8.3.45256\r\n"
				   "UI[2]=C:\\Program Files\\Guard\\guard.exe\r\n"
				   "LoadedModule[0]=C:\\Program Files\\Guard\\guard.exe\r\n"
				   "LoadedModule[1]=C:\\Windows\\SYSTEM32\\ntdll.dll\r\n"
				   "FriendlyEventName=Stopped working\r\nAppName=Guard\r\n"
				   "AppPath=C:\\Program Files\\Guard\\guard.exe\r\n";
	uint8_t bytes[2 * sizeof(text)] = { 0xff, 0xfe };
	const struct span report = span_of(bytes, 2 + put_wide(bytes + 2, text));
	struct seen seen;

	(void)state;
	assert_int_equal(parse(&wer_parser, "/x/Report.wer", report, &seen), STATUS_OK);
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.lines[0],
			    "path=C:\\Program Files\\Guard\\guard.exe;name=Guard;event=APPCRASH;"
			    "time=2012-10-22T14:19:24.0935850Z;program=guard.exe;"
			    "version=1.8.3.45256;");
	assert_string_equal(seen.lines[2],
			    "path=C:\\Windows\\SYSTEM32\\ntdll.dll;"
			    "program=C:\\Program Files\\Guard\\guard.exe;"
			    "time=2012-10-22T14:19:24.0935850Z;");
	assert_int_equal(parse(&wer_parser, "/x", span_of("\xff\xfe", 2), &seen),
			 STATUS_DECLINED);
	damage(&wer_parser, span_of(bytes, 400));
}

/* Without a program in its signature the report's numbers are of something else. */
static void a_report_of_another_kind_names_no_version(void **state)
{
	static const char text[] = "EventType=WindowsUpdateFailure3\nEventTime=0\n"
				   "Sig[0].Value=10.0.19041\nSig[1].Value=80070005\n";
	struct seen seen;

	(void)state;
	assert_int_equal(parse(&wer_parser, "/x", span_of(text, sizeof(text) - 1), &seen),
			 STATUS_OK);
	assert_string_equal(seen.lines[0], "event=WindowsUpdateFailure3;");
}

/* Names are case folded, a semicolon in quotes is text, strings may stand behind their use. */
static void the_provider_of_a_driver_package_is_read(void **state)
{
	static const char text[] =
		"; a comment\r\n[version]\r\nSignature = \"$Windows NT$\"\r\nClass=AntiVirus\r\n"
		"provider = %Maker% ; who\r\nDriverVer=06/20/2017,18.0.0.405\r\n"
		"CatalogFile.NTamd64 = guard.cat\r\n[DefaultInstall]\r\nProvider=none\r\n"
		"[Strings]\r\nmaker = \"Example; Org\"\r\n[Strings.0419]\r\nmaker=other\r\n";
	uint8_t bytes[2 * sizeof(text)] = { 0xff, 0xfe };
	const size_t size = 2 + put_wide(bytes + 2, text);
	static const char expected[] =
		"path=/Windows/INF/oem7.inf;provider=Example; Org;class=AntiVirus;"
		"version=06/20/2017,18.0.0.405;catalog=guard.cat;";
	struct seen seen;

	(void)state;
	assert_int_equal(parse(&driver_package_parser, "/Windows/INF/oem7.inf",
			       span_of(text, sizeof(text) - 1), &seen), STATUS_OK);
	assert_string_equal(seen.lines[0], expected);
	assert_int_equal(parse(&driver_package_parser, "/Windows/INF/oem7.inf",
			       span_of(bytes, size), &seen), STATUS_OK);
	assert_string_equal(seen.lines[0], expected);
	assert_int_equal(parse(&driver_package_parser, "/x", span_of("[Version]\n", 10), &seen),
			 STATUS_DECLINED);
	damage(&driver_package_parser, span_of(text, sizeof(text) - 1));
}

static size_t put_string(uint8_t *to, const char *text)
{
	const size_t size = *text ? strlen(text) + 1 : 0;

	put_number(to, size, 2);
	(void)put_wide(to + 2, text);
	return 2 + 2 * size;
}

static void a_task_of_the_first_scheduler_is_read(void **state)
{
	static const char *const strings[] = { "C:\\Program Files\\Guard\\update.exe", "-s", "",
					       "SYSTEM", "Keeps up to date" };
	static const uint16_t last_run[] = { 2012, 3, 5, 16, 9, 30, 15, 250 };
	uint8_t bytes[400] = { 1, 5, 1, 0 };
	size_t at = 70;
	struct seen seen;

	(void)state;
	put_number(bytes + 20, at, 2);
	for (size_t i = 0; i < 8; i++)
		put_number(bytes + 52 + 2 * i, last_run[i], 2);
	for (size_t i = 0; i < 5; i++)
		at += put_string(bytes + at, strings[i]);
	assert_true(at < sizeof(bytes));
	assert_int_equal(parse(&job_file_parser, "/Windows/Tasks/Guard Update.job",
			       span_of(bytes, at), &seen), STATUS_OK);
	assert_string_equal(seen.lines[0],
			    "task=Guard Update;path=C:\\Program Files\\Guard\\update.exe;"
			    "arguments=-s;author=SYSTEM;comment=Keeps up to date;"
			    "last_run=2012-03-16T09:30:15.250;");
	assert_int_equal(parse(&job_file_parser, "/x.job", span_of(bytes, at - 8), &seen),
			 STATUS_OK);
	assert_int_equal(seen.n_lost, 1);
	assert_int_equal(seen.n, 1);
	damage(&job_file_parser, span_of(bytes, at));
	memset(bytes + 52, 0, 16);
	assert_int_equal(parse(&job_file_parser, "/x.job", span_of(bytes, at), &seen), STATUS_OK);
	assert_null(strstr(seen.lines[0], "last_run"));
	bytes[2] = 2;
	assert_int_equal(parse(&job_file_parser, "/x.job", span_of(bytes, at), &seen),
			 ERR_UNSUPPORTED);
}

static void a_restore_point_names_what_is_installed(void **state)
{
	uint8_t bytes[536] = { 100 };
	struct seen seen;

	(void)state;
	put_number(bytes + 8, 42, 8);
	(void)put_wide(bytes + 16, "Installed Guard Suite");
	put_number(bytes + 528, UINT64_C(129953891640000000), 8);
	assert_int_equal(parse(&restore_point_parser, "/x", span_of(bytes, 536), &seen), STATUS_OK);
	assert_string_equal(seen.lines[0], "text=Installed Guard Suite;program=Guard Suite;"
					   "time=2012-10-22T14:19:24.0000000Z;");
	damage(&restore_point_parser, span_of(bytes, 536));
	bytes[4] = 7; /* a checkpoint names no program */
	assert_int_equal(parse(&restore_point_parser, "/x", span_of(bytes, 536), &seen), STATUS_OK);
	assert_null(strstr(seen.lines[0], "program="));
}

/* [MS-SHLLINK]: header, LinkInfo with volume and local path, then arguments. */
static size_t make_shortcut(uint8_t *bytes)
{
	static const uint8_t class[] = { 1, 0x14, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46 };
	static const char path[] = "C:\\Program Files\\Guard\\guard.exe";
	uint8_t *info = bytes + 76;
	const size_t volume = 28, local = volume + 17, suffix = local + sizeof(path);
	const size_t size = suffix + 1;

	bytes[0] = 76;
	memcpy(bytes + 4, class, sizeof(class));
	put_number(bytes + 20, 0xa2, 4); /* LinkInfo, arguments, Unicode */
	put_number(bytes + 28, UINT64_C(129953891640000000), 8);
	put_number(bytes + 36, UINT64_C(129953891650000000), 8);
	put_number(bytes + 44, UINT64_C(129953891660000000), 8);
	put_number(bytes + 52, 4711, 4);
	put_number(bytes + 60, 1, 4);
	put_number(info, size, 4);
	put_number(info + 4, 28, 4);
	put_number(info + 8, 1, 4);
	put_number(info + 12, volume, 4);
	put_number(info + 16, local, 4);
	put_number(info + 24, suffix, 4);
	put_number(info + volume, 17, 4);
	put_number(info + volume + 4, 3, 4); /* DRIVE_FIXED */
	put_number(info + volume + 8, 0x1234abcd, 4);
	put_number(info + volume + 12, 16, 4);
	memcpy(info + local, path, sizeof(path));
	put_number(info + size, 2, 2);
	(void)put_wide(info + size + 2, "-s");
	return 76 + size + 6;
}

/* What lnkinfo says of the same bytes; skips without it. */
static void lnkinfo_agrees(struct span bytes)
{
	char name[] = "/tmp/avouch-link-XXXXXX", command[128];
	const int file = mkstemp(name);

	assert_true(file >= 0);
	assert_int_equal(write(file, bytes.data, bytes.size), bytes.size);
	(void)close(file);
	(void)snprintf(command, sizeof(command), "lnkinfo %s; rm %s", name, name);

	const struct span said = bytes_of_command(command);

	assert_non_null(memmem(said.data, said.size, "Oct 22, 2012 14:19:24", 21));
	assert_non_null(memmem(said.data, said.size, ": C:\\Program Files\\Guard\\guard.exe", 34));
	assert_non_null(memmem(said.data, said.size, ": 4711 bytes", 12));
	span_free(said);
}

static void a_shortcut_is_read_as_lnkinfo_reads_it(void **state)
{
	uint8_t bytes[512] = { 0 };
	const size_t size = make_shortcut(bytes);
	struct seen seen;

	(void)state;
	assert_int_equal(parse(&shortcut_parser, "/Users/a/Desktop/Guard.lnk",
			       span_of(bytes, size), &seen), STATUS_OK);
	assert_string_equal(seen.lines[0],
			    "path=/Users/a/Desktop/Guard.lnk;"
			    "target=C:\\Program Files\\Guard\\guard.exe;arguments=-s;"
			    "target_created=2012-10-22T14:19:24.0000000Z;"
			    "target_modified=2012-10-22T14:19:26.0000000Z;"
			    "target_accessed=2012-10-22T14:19:25.0000000Z;");
	damage(&shortcut_parser, span_of(bytes, size));
	assert_int_equal(parse(&shortcut_parser, "/x", span_of(bytes + 4, size - 4), &seen),
			 STATUS_DECLINED);
	lnkinfo_agrees(span_of(bytes, size));
}

enum { DARWIN_BLOCK = 788 };

/* [MS-SHLLINK]: header, description, a block of another kind, then that of an advertised one. */
static size_t make_advertised(uint8_t *bytes, const char *descriptor)
{
	size_t at = 76;

	(void)make_shortcut(bytes);
	memset(bytes + at, 0, 1024);
	put_number(bytes + 20, 0x1084, 4); /* description, Unicode, advertised */
	put_number(bytes + at, 5, 2);
	at += 2 + put_wide(bytes + at + 2, "Guard");
	put_number(bytes + at, 16, 4); /* a special folder */
	put_number(bytes + at + 4, 0xa0000005, 4);
	at += 16;
	put_number(bytes + at, DARWIN_BLOCK, 4);
	put_number(bytes + at + 4, 0xa0000006, 4);
	memcpy(bytes + at + 8, descriptor, strlen(descriptor));
	(void)put_wide(bytes + at + 268, descriptor);
	return at + DARWIN_BLOCK + 4;
}

static void an_advertised_shortcut_names_the_product(void **state)
{
	uint8_t bytes[2048] = { 0 };
	size_t size = make_advertised(bytes, "']gAVn-}f(ZXfeAR6.jiGuardFeature>w_1^VX!!!!!!!!!MKKSk");
	struct seen seen;

	(void)state;
	assert_int_equal(parse(&shortcut_parser, "/Users/a/Desktop/Guard.lnk",
			       span_of(bytes, size), &seen), STATUS_OK);
	assert_non_null(strstr(seen.lines[0], "description=Guard;"));
	assert_non_null(strstr(seen.lines[0], ";product_code={90110409-6000-11D3-8CFE-0150048383C9};"));
	assert_null(strstr(seen.lines[0], "target="));
	damage(&shortcut_parser, span_of(bytes, size));
	size = make_advertised(bytes, "no descriptor at all");
	assert_int_equal(parse(&shortcut_parser, "/Users/a/Desktop/Guard.lnk",
			       span_of(bytes, size), &seen), STATUS_OK);
	assert_null(strstr(seen.lines[0], "product_code="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_provider_of_a_driver_package_is_read),
		cmocka_unit_test(a_failure_and_its_libraries_are_read),
		cmocka_unit_test(a_report_of_another_kind_names_no_version),
		cmocka_unit_test(a_task_of_the_first_scheduler_is_read),
		cmocka_unit_test(a_restore_point_names_what_is_installed),
		cmocka_unit_test(a_shortcut_is_read_as_lnkinfo_reads_it),
		cmocka_unit_test(an_advertised_shortcut_names_the_product),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
