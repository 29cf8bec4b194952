/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every event log of the corpus. Numbers and first and last times are those of evtxinfo and
 * evtxexport (libevtx 20181227), evtinfo (libevt 20200926) and python3-evtx; single records were
 * read from evtxexport's XML. AVOUCH_LOG=<file> shows the traces of any log.
 */
#include "tests/unit/eventlog_support.h"

struct expected_log {
	const char *name;
	size_t live, leftover; /* records decoded */
	unsigned n_lost;
	const char *covered;
};

/*
 * leftover: records that evtxexport -m recovered gives and that no live record repeats. Of the log
 * with the bad chunk magic evtxinfo counts 267 records: it stops a chunk at the first break; the
 * records behind the breaks are read here. Three of its four chunks do not fit their checksums: what
 * it reaches over is shown by the fourth.
 */
static const struct expected_log logs[] = {
	{ "APTSim_W10_Application", 357, 0, 0,
	  "2022-03-10T16:33:51.4849770Z 2022-03-10T21:39:05.9540967Z" },
	{ "APTSim_W10_Defender_Operational", 196, 0, 0,
	  "2022-03-10T19:32:38.5821874Z 2022-03-10T21:40:47.1382233Z" },
	{ "APTSim_W10_System", 831, 0, 0,
	  "2022-03-10T16:33:50.0891031Z 2022-03-10T21:38:34.8891490Z" },
	{ "Application_no_crc32", 17, 0, 0,
	  "2021-03-31T23:51:45.0187674Z 2021-03-31T23:54:34.7048841Z" },
	{ "Szechuan_2012R2_Application", 733, 0, 0,
	  "2020-09-17T15:52:01.0000000Z 2020-09-19T04:40:18.3308076Z" },
	{ "Szechuan_2012R2_Program-Inventory", 1, 0, 0,
	  "2020-09-18T22:37:33.3772111Z 2020-09-18T22:37:33.3772111Z" },
	{ "TestLogX", 5, 0, 0, "2021-07-22T15:44:21.4167183Z 2021-07-22T15:50:23.2125216Z" },
	{ "WKS-WIN764BITB_System", 1601, 0, 0,
	  "2012-03-14T04:17:38.2763402Z 2012-04-08T01:28:13.9234828Z" },
	{ "dissect_Defender_operational", 9, 0, 0,
	  "2021-11-23T19:01:51.4368857Z 2022-01-20T10:57:45.2460661Z" },
	{ "fox_Application_with_removals", 601, 0, 0,
	  "2018-01-03T06:28:19.0000000Z 2018-01-03T12:21:10.5162015Z" },
	{ "sample_with_a_bad_chunk_magic", 298, 50, 8,
	  "2018-08-07T15:51:15.7248721Z 2018-08-07T18:19:30.7162118Z" },
	{ "sigma_5001_rtp_disabled", 1, 15, 0,
	  "2026-08-07T07:57:54.3074574Z 2026-08-07T07:57:54.3074574Z" },
	{ "sigma_wmic_uninstall_av_attempt", 1, 0, 0,
	  "2025-12-15T13:08:43.7653690Z 2025-12-15T13:08:43.7653690Z" },
};

/* libevtx forgets a list when it recovers records of a broken chunk; its memory is not ours. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libfdata_\nleak:libcdata_\nleak:libevtx_\nleak:libevt_\n";
}

static void path_of(const struct expected_log *log, char path[256])
{
	(void)snprintf(path, 256, "evtx/%s.evtx", log->name);
}

static void every_record_and_the_reach_of_each_log_are_those_of_evtxinfo(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		const struct expected_log *log = &logs[i];
		struct log_seen seen;
		char path[256], covered[256];

		path_of(log, path);
		see_log(&seen, path, true, false);
		(void)snprintf(covered, sizeof(covered), "event log %s %s", log->name,
			       log->covered);
		print_message("%s\n", path);
		assert_string_equal(seen.covered, covered);
		assert_int_equal(count_events(&seen, "windows.event.record",
					      "|recovery=allocated|", NULL),
				 log->live);
		assert_int_equal(count_events(&seen, "windows.event.record", NULL, NULL),
				 log->live + log->leftover);
		assert_int_equal(seen.n_lost, log->n_lost);
		unsee_log(&seen);
	}
}

/* The traces of the log as it is read usually and with every record through libevtx. */
static void assert_same_as_libevtx(const char *path, bool wants_logs)
{
	struct log_seen some, all;

	see_log(&some, path, wants_logs, false);
	see_log(&all, path, wants_logs, true);
	for (size_t n = 0; n < some.traces.n && n < all.traces.n; n++)
		assert_string_equal(some.traces.lines[n], all.traces.lines[n]);
	assert_int_equal(some.traces.n, all.traces.n);
	assert_string_equal(some.covered, all.covered);
	assert_int_equal(some.n_lost, all.n_lost);
	unsee_log(&some);
	unsee_log(&all);
}

static void passing_over_records_gives_the_same_traces_as_libevtx_of_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		char path[256];

		path_of(&logs[i], path);
		assert_same_as_libevtx(path, false);
	}
}

static void every_text_of_every_record_is_that_of_libevtx(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		char path[256];

		path_of(&logs[i], path);
		assert_same_as_libevtx(path, true);
	}
}

static void installer_events_tell_of_both_stays_of_a_program(void **state)
{
	static const char code[] = "|code={23170F69-40C1-2701-0920-000001000000}|";
	struct log_seen seen;

	(void)state;
	see_log(&seen, "evtx/fox_Application_with_removals.evtx", false, false);
	assert_int_equal(count_events(&seen, "windows.event.msi", "event_id=11707|record=489|",
				      "|product=7-Zip 9.20|"),
			 1);
	assert_int_equal(count_events(&seen, "windows.event.msi", "event_id=1033|record=490|",
				      "|product=7-Zip 9.20|version=9.20.00.0|language=1033|"
				      "status=0|manufacturer=Igor Pavlov|"),
			 1);
	assert_int_equal(count_events(&seen, "windows.event.msi",
				      "event_id=11724|record=531|time=2018-01-03T11:24:42", code),
			 1);
	assert_int_equal(count_events(&seen, "windows.event.msi",
				      "event_id=1034|record=532|time=2018-01-03T11:24:42", code),
			 1);
	assert_int_equal(count_events(&seen, "windows.event.msi", "event_id=11707|record=537|",
				      code),
			 1);
	assert_int_equal(count_events(&seen, "windows.event.msi",
				      "event_id=1034|record=544|time=2018-01-03T11:24:53", code),
			 1);
	assert_int_equal(count_events(&seen, "windows.event.msi", "event_id=1042|record=533|",
				      "|transaction=C:\\Windows\\Temp\\7z920.msi|client=348|"),
			 1);
	assert_int_equal(count_events(&seen, "windows.event.restart-manager", NULL, NULL), 51);
	unsee_log(&seen);
}

/*
 * The chunks of a log without its header, each behind a sector of something else and one of them
 * damaged: the others give what reading the log gives.
 */
static void chunks_are_found_in_free_clusters(void **state)
{
	enum { HEADER = 4096, CHUNK = 65536, STRIDE = CHUNK + 512 };
	const struct span log = corpus_log("evtx/fox_Application_with_removals.evtx");
	const size_t n = (log.size - HEADER) / CHUNK, size = n * STRIDE + 2 * CHUNK;
	uint8_t *bytes = malloc(size);
	struct log_seen seen;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'E', size);
	for (size_t i = 0; i < n; i++)
		memcpy(bytes + 512 + i * STRIDE, log.data + HEADER + i * CHUNK, CHUNK);
	memcpy(bytes + size - CHUNK / 2, log.data + HEADER, CHUNK / 2); /* overwritten half */
	assert_int_equal(see_log_bytes(&seen, "/$Bitmap:$Unallocated", span_of(bytes, size), true,
				       false),
			 STATUS_OK);
	assert_int_equal(count_events(&seen, "windows.event.msi", "|recovery=carved|", NULL), 43);
	assert_int_equal(count_events(&seen, "windows.event.restart-manager", NULL, NULL), 51);
	assert_int_equal(count_events(&seen, "windows.event.record", NULL, NULL), 601);
	assert_int_equal(count_events(&seen, NULL, "|recovery=carved|", NULL), seen.traces.n);
	assert_int_equal(seen.n_lost, 0);
	assert_string_equal(seen.covered, "");
	seen.bytes = log;
	unsee_log(&seen);
	bytes[512 + 40000] ^= 1; /* a bit of the first chunk's records */
	assert_int_equal(see_log_bytes(&seen, "/$Bitmap:$Unallocated", span_of(bytes, size), true,
				       false),
			 STATUS_OK);
	assert_in_range(count_events(&seen, "windows.event.record", NULL, NULL), 1, 600);
	seen.bytes = span_of(bytes, size);
	unsee_log(&seen);
}

static void service_events_give_the_displayed_name_and_the_key(void **state)
{
	struct log_seen seen;

	(void)state;
	see_log(&seen, "evtx/WKS-WIN764BITB_System.evtx", false, false);
	assert_int_equal(count_events(&seen, "windows.event.service-state", "|event_id=7036|",
				      "|service=McAfee McShield|state=stopped|key=McShield|"),
			 3);
	assert_int_equal(count_events(&seen, "windows.event.service-state", "|event_id=7036|",
				      "|service=McAfee McShield|state=running|key=McShield|"),
			 5);
	assert_int_equal(count_events(&seen, "windows.event.service-installed", "|event_id=7045|",
				      "PSEXESVC"),
			 4);
	assert_true(count_events(&seen, "windows.event.boot", "|event_id=12|", "|start_time=") > 3);
	assert_int_equal(count_events(&seen, "windows.event.shutdown", "|event_id=13|",
				      "|stop_time="),
			 3);
	unsee_log(&seen);

	see_log(&seen, "evtx/APTSim_W10_System.evtx", false, false);
	assert_int_equal(count_events(&seen, "windows.event.service-installed",
				      "time=2022-03-10T19:51:17", "|service=Sysmon64|"),
			 1);
	unsee_log(&seen);
}

static void a_clock_set_back_is_told_twice(void **state)
{
	struct log_seen seen;

	(void)state;
	see_log(&seen, "evtx/APTSim_W10_Application.evtx", false, false);
	/* Record 55 is dated 19:32:41, record 56 16:33:51. */
	assert_int_equal(count_events(&seen, "windows.event.time-jump",
				      "|record_before=55|time_before=2022-03-10T19:32:41",
				      "|record_after=56|time_after=2022-03-10T16:33:51"),
			 1);
	assert_true(count_events(&seen, "windows.event.security-center", "|event_id=15|",
				 "|product=Windows Defender|state=SECURITY_PRODUCT_STATE_ON|") > 3);
	unsee_log(&seen);

	see_log(&seen, "evtx/APTSim_W10_System.evtx", false, false);
	assert_int_equal(count_events(&seen, "windows.event.time-change",
				      "|old_time=2022-03-10T19:33:50.0894010Z|"
				      "new_time=2022-03-10T16:33:50.0890000Z|reason=1|",
				      NULL),
			 1);
	/* evtxexport: 831 records. */
	assert_int_equal(count_events(&seen, "windows.event.log-span",
				      "|first_record=1|first_time=2022-03-10T19:32:21.5682068Z|",
				      "|last_record=831|last_time=2022-03-10T21:38:34.8891490Z|"),
			 1);
	unsee_log(&seen);
}

static void logs_of_windows_xp_give_the_same_traces(void **state)
{
	struct log_seen seen;

	(void)state;
	see_log(&seen, "evt/XP_AppEvent.Evt", true, false);
	assert_int_equal(count_events(&seen, "windows.event.record", NULL, NULL), 121);
	assert_int_equal(count_events(&seen, "windows.event.msi",
				      "|event_id=11707|record=32|time=2020-04-26T03:25:34Z|",
				      "|product=WebFldrs XP|"
				      "code={350C97B5-3D7C-4EE8-BAA9-00BCB3D54227}|"),
			 1);
	assert_string_equal(seen.covered, "event log XP_AppEvent 2020-04-26T03:19:48Z "
					  "2020-04-30T06:51:16Z");
	unsee_log(&seen);
	see_log(&seen, "evt/TestLog-dirty.evt", true, false);
	assert_int_equal(count_events(&seen, "windows.event.record", NULL, NULL), 5);
	unsee_log(&seen);
}

static void every_trace_cites_the_bytes_of_its_record(void **state)
{
	struct log_seen seen;

	(void)state;
	see_log(&seen, "evtx/fox_Application_with_removals.evtx", true, false);
	for (size_t i = 0; i < seen.traces.n; i++) {
		const char *at = strstr(seen.traces.lines[i], "|at=");
		char *end;
		const unsigned long offset = strtoul(at + 4, &end, 10);
		const unsigned long size = strtoul(end + 1, NULL, 10);

		assert_memory_equal(seen.bytes.data + offset, "**\0", 4);
		assert_memory_equal(seen.bytes.data + offset + 4, seen.bytes.data + offset + size - 4,
				    4);
	}
	unsee_log(&seen);
}

static void any_log_is_shown(void **state)
{
	const char *name = getenv("AVOUCH_LOG");
	struct log_seen seen;

	(void)state;
	if (!name)
		skip();
	(void)setenv("AVOUCH_SHOW_TRACES", "1", 1);
	see_log(&seen, name, true, getenv("AVOUCH_LIBEVTX") != NULL);
	print_message("%zu traces, %u notes, %u lost\n", seen.traces.n, seen.n_notes, seen.n_lost);
	unsee_log(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_record_and_the_reach_of_each_log_are_those_of_evtxinfo),
		cmocka_unit_test(passing_over_records_gives_the_same_traces_as_libevtx_of_all),
		cmocka_unit_test(every_text_of_every_record_is_that_of_libevtx),
		cmocka_unit_test(installer_events_tell_of_both_stays_of_a_program),
		cmocka_unit_test(chunks_are_found_in_free_clusters),
		cmocka_unit_test(service_events_give_the_displayed_name_and_the_key),
		cmocka_unit_test(a_clock_set_back_is_told_twice),
		cmocka_unit_test(logs_of_windows_xp_give_the_same_traces),
		cmocka_unit_test(every_trace_cites_the_bytes_of_its_record),
		cmocka_unit_test(any_log_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
