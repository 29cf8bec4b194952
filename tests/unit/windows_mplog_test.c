/* SPDX-License-Identifier: Apache-2.0 */
/* Defender's protection log: what its lines prove, what they do not, and a real one. */
#include "file_support.h"

extern const struct parser mplog_parser;

enum { MAX_SEEN = 100, MAX_LINE = 512 };

struct seen {
	size_t n;
	char lines[MAX_SEEN][MAX_LINE]; /* "type path time @offset+size" */
};

static void see(struct heard *heard, const struct trace *trace)
{
	struct seen *seen = heard->payload;
	const struct text path = trace_text(trace, "path");
	char time[INSTANT_TEXT_SIZE];

	assert_true(seen->n < MAX_SEEN);
	(void)snprintf(seen->lines[seen->n++], MAX_LINE, "%s %.*s %s @%llu+%llu",
		       strrchr(trace->type->name, '.') + 1, (int)path.size, path.data,
		       instant_format(trace_instant(trace, "time"), time),
		       (unsigned long long)trace->origin.offset,
		       (unsigned long long)trace->origin.size);
}

static void parse_log(struct span bytes, struct seen *seen)
{
	struct heard heard;

	*seen = (struct seen){ 0 };
	heard_init(&heard);
	heard.look = see;
	heard.payload = seen;
	assert_int_equal(parse_bytes(&mplog_parser, &heard,
				     "/ProgramData/Microsoft/Windows Defender/Support/MPLog-1.log",
				     bytes),
			 STATUS_OK);
	assert_int_equal(heard.n_covers, 0);
	assert_int_equal(heard.n_lost, 0);
	heard_clear(&heard);
}

static void parse_text(const char *text, struct seen *seen)
{
	parse_log(span_of(text, strlen(text)), seen);
}

#define VOLUME3 "\\Device\\HarddiskVolume3"
#define VOLUME7 "\\Device\\HarddiskVolume7"
#define SESSION "Microsoft Defender Antivirus (77BDAF73-B396-481F-9042-AD358843EC24) Service Log\r\n"
#define BLOCKED "[Mini-filter] Blocked file: "
#define OPENED ", Status: 0x0, State: 16, ScanRequest #1, Reason: OnOpen, DesiredAccess:0x0\r\n"
#define CLOSED ", Status: 0x0, State: 16, ScanRequest #1, Reason: OnClose, DesiredAccess:0x0\r\n"
#define EXPLORER ". Process: " VOLUME3 "\\Windows\\explorer.exe"

static void programs_that_ran_are_told(void **state)
{
	static const char log[] =
		"BEGIN BM telemetry\r\nProcessID:6384\r\nProcessCreationTime:131596272000000000\r\n"
		"CreationTime:01-05-2018 07:00:00\r\nImagePath:C:\\Guard\\guard.exe\r\n"
		"END BM telemetry\r\nImagePath:C:\\Guard\\of no block.exe\r\n"
		"2018-01-05T12:00:01.500Z [Mini-filter] Unsuccessful scan status: " VOLUME3
		"\\a.log. Process: " VOLUME3 "\\Guard\\open er.exe" OPENED
		"2018-01-05T12:00:02.500Z [Mini-filter] Unsuccessful scan status: " VOLUME3
		"\\a.log. Process: " VOLUME3 "\\Guard\\closer.exe" CLOSED
		"2018-01-05T12:00:03.500Z [Mini-filter] Unsuccessful scan status: " VOLUME3
		"\\a.log. Process: (unknown)" OPENED
		"Per-process counts:ProcessImageName: guard.exe, TotalTime: 435, Count: 122, MaxTime: 15, "
		"MaxTimeFile: " VOLUME3 "\\Guard\\guard.exe, EstimatedImpact: 0%\r\n"
		"BEGIN BM telemetry\r\nProcessCreationTime:13159627200000000x\r\n"
		"ImagePath:C:\\Guard\\without a time.exe\r\nEND BM telemetry\r\n";
	struct seen seen;

	(void)state;
	parse_text(log, &seen);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.lines[0],
			    "run C:\\Guard\\guard.exe 2018-01-05T12:00:00.0000000Z @36+102");
	assert_non_null(strstr(seen.lines[1],
			       "run " VOLUME3 "\\Guard\\open er.exe 2018-01-05T12:00:01.500Z @"));
}

/* A file is one of the system's volume only if a program ran from its Windows folder since the start. */
static void files_of_the_systems_volume_are_told(void **state)
{
	static const char log[] =
		SESSION
		"2018-01-05T12:00:00.000Z [MpRtp] Engine VFZ lofi/sample/expensive: " VOLUME3
		"\\Guard\\guard.exe. status=0x40070000, statusex=0x210\r\n"
		"2018-01-05T12:00:01.000Z Issuing SDN query for " VOLUME3 "\\Guard (x86)\\b.dll (" VOLUME3
		"\\Guard (x86)\\b.dll) (sha1=75, sha2=b3)\r\n"
		"2018-01-05T12:00:02.000Z [MpRtp] Engine VFZ block: " VOLUME7
		"\\Guard\\guard.exe. status=0x8070022\r\n"
		"2018-01-05T12:00:02.000Z [MpRtp] Engine VFZ block: " VOLUME3
		"\\Windows.old\\Guard\\guard.exe. status=0x8070022\r\n"
		"2018-01-05T12:00:02.000Z [MpRtp] Engine VFZ block: \\Device\\HarddiskVolumeShadowCopy3"
		"\\Guard\\guard.exe. status=0x8070022\r\n"
		"2018-01-05T12:00:03.000Z " BLOCKED VOLUME3 "\\Guard\\c.exe" EXPLORER CLOSED
		"2018-01-05T12:00:04.000Z [Mini-filter] Unsuccessful scan status: " VOLUME3
		"\\Guard\\gone.exe" EXPLORER CLOSED
		SESSION
		"2018-01-06T12:00:00.000Z [MpRtp] Engine VFZ block: " VOLUME3
		"\\Guard\\late.exe. status=0x8070022\r\n"
		"2018-01-06T12:00:01.000Z " BLOCKED VOLUME3 "\\Guard\\later.exe. Process: " VOLUME3
		"\\Guard\\no\\Windows\\x.exe" CLOSED;
	struct seen seen;

	(void)state;
	parse_text(log, &seen);
	assert_int_equal(seen.n, 3);
	assert_non_null(strstr(seen.lines[0],
			       "file " VOLUME3 "\\Guard\\guard.exe 2018-01-05T12:00:00.000Z @"));
	assert_non_null(strstr(seen.lines[1], "file " VOLUME3 "\\Guard (x86)\\b.dll 2018-"));
	assert_non_null(strstr(seen.lines[2], "file " VOLUME3 "\\Guard\\c.exe 2018-"));
}

/* Lines of 2023 to 2026 as they were published: with a count, with a tag, without a Z. */
static void newer_lines_are_read(void **state)
{
	static const char log[] =
		"2023-07-12T11:16:35.087Z [Mini-filter] Blocked file(#4): " VOLUME3
		"\\Guard\\a.exe" EXPLORER CLOSED
		"2026-04-27T11:47:30.775 [RTP] [MpRtp] Engine VFZ lofi/sample/expensive: " VOLUME3
		"\\Guard\\b.exe. status=0x40050000, statusex=0x0\r\n"
		"2026-05-02T19:40:12.094 [RTP] [Mini-filter] Unsuccessful scan status(#260): " VOLUME3
		"\\c.db. Process: " VOLUME3 "\\Guard\\d.exe" OPENED
		"2026-05-02T19:40:13.094+02:00 Engine:Issuing SDN query for " VOLUME3
		"\\Guard\\e.exe (" VOLUME3 "\\Guard\\e.exe) (sha1=75, sha2=b3)\r\n"
		"2026-05-02 [MpRtp] Engine VFZ block: " VOLUME3 "\\Guard\\f.exe. status=0x4\r\n";
	struct seen seen;

	(void)state;
	parse_text(log, &seen);
	assert_int_equal(seen.n, 4);
	assert_non_null(strstr(seen.lines[0],
			       "file " VOLUME3 "\\Guard\\a.exe 2023-07-12T11:16:35.087Z @"));
	assert_non_null(strstr(seen.lines[1],
			       "file " VOLUME3 "\\Guard\\b.exe 2026-04-27T11:47:30.775Z @"));
	assert_non_null(strstr(seen.lines[2],
			       "run " VOLUME3 "\\Guard\\d.exe 2026-05-02T19:40:12.094Z @"));
	assert_non_null(strstr(seen.lines[3],
			       "file " VOLUME3 "\\Guard\\e.exe 2026-05-02T17:40:13.094Z @"));
}

/* The log of a Windows 10 of March 2022, whose lines grep counts. */
static void a_real_log_is_read(void **state)
{
	const struct span bytes = corpus_bytes("avlogs/Defender_MPLog-20220310.log");
	size_t runs = 0;
	struct seen seen;

	(void)state;
	parse_log(bytes, &seen);
	for (size_t i = 0; i < seen.n; i++)
		runs += seen.lines[i][0] == 'r';
	assert_int_equal(runs, 27 + 3);		    /* ImagePath:, Reason: OnOpen */
	assert_int_equal(seen.n - runs, 35 + 10 + 2); /* VFZ, Blocked, SDN on a numbered volume */
	assert_non_null(strstr(seen.lines[0],
			       "run C:\\Windows\\System32\\cmd.exe 2022-03-10T16:34:24.5296064Z @"));
	/* Cut anywhere, with letters halved: fewer traces, no crash. */
	for (size_t size = 1; size < bytes.size; size += 9973) {
		struct seen cut;

		parse_log(span_of(bytes.data, size), &cut);
		assert_true(cut.n <= seen.n);
	}
	span_free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_that_ran_are_told),
		cmocka_unit_test(files_of_the_systems_volume_are_told),
		cmocka_unit_test(newer_lines_are_read),
		cmocka_unit_test(a_real_log_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
