/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsers of SYSTEM hives on real hives. Expected values were read with reglookup 1.0.1 and
 * regfexport.
 */
#include <uchar.h>

#include "parsers/registry/registry_trace.h"
#include "tests/unit/registry_support.h"

extern const struct parser computer_name_parser, control_set_parser, device_filter_parser,
	event_source_parser, legacy_device_parser, pending_rename_parser,
	recorder_setting_parser, service_parser,
	source_os_parser, time_zone_parser;

static const char system_path[] = "/Windows/System32/config/SYSTEM";

static void services_of_a_windows_7_machine_are_read(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, system_path, "hives/WKS-WIN732BITA_SYSTEM.xz", NULL, NULL);
	see_parser(&seen, &service_parser);
	/* Both control sets hold them; set 1 is current. */
	assert_int_equal(count_lines(&seen, NULL, "|name=McShield|", "|control_set=1|current=1|"),
			 1);
	assert_int_equal(count_lines(&seen, NULL, "|name=McShield|", "|control_set=2|current=0|"),
			 1);
	assert_int_equal(count_lines(&seen, NULL, "|name=McShield|",
				     "|key_last_written=2011-09-16T20:48:57"),
			 2);
	assert_int_equal(count_lines(&seen, NULL, "|name=McAfeeFramework|",
				     "|key_last_written=2011-09-16T20:45:32"),
			 2);
	assert_int_equal(count_lines(&seen, NULL, "|name=mfehidk|", "|driver=mfehidk.sys|"), 2);
	assert_int_equal(count_lines(&seen, NULL, "|name=luafv|", "|altitude=135000|"), 2);
	assert_int_equal(count_lines(&seen, NULL, "|name=McShield|",
				     "|key=HKLM/SYSTEM/CurrentControlSet/services/McShield|"),
			 2);
	unsee(&seen);
}

static void the_zone_has_its_dates_as_systemtime(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, system_path, "hives/WKS-WIN732BITA_SYSTEM.xz", NULL, NULL);
	see_parser(&seen, &time_zone_parser);
	/* Remnants of memory stand behind the NUL of this value. */
	assert_int_equal(
		count_lines(&seen, NULL, "|key_name=Eastern Standard Time|",
			    "|bias=300|standard_bias=0|daylight_bias=-60|active_bias=240|"),
		2);
	/* First Sunday of November, second of March, at 02:00. */
	assert_int_equal(count_lines(&seen, NULL,
				     "|standard_date=00000b00000001000200000000000000|",
				     "|daylight_date=00000300000002000200000000000000|"),
			 2);
	unsee(&seen);
}

static void name_control_set_and_shutdown_are_read(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, system_path, "hives/WKS-WIN732BITA_SYSTEM.xz", NULL, NULL);
	see_parser(&seen, &computer_name_parser);
	see_parser(&seen, &control_set_parser);
	assert_true(count_lines(&seen, "windows.system.name", "|hostname=WKS-WIN732BITA|",
				"|current=1|") >= 1);
	assert_int_equal(count_lines(&seen, "windows.system.control-set", "|current=1|", NULL), 1);
	assert_true(count_lines(&seen, "windows.system.shutdown", "|time=2012-", "|current=1|") >=
		    1);
	unsee(&seen);
}

static void a_dirty_hive_gives_what_its_logs_say(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, system_path, "hives_dirty/jcloudy_SYSTEM.xz",
		 "hives_dirty/jcloudy_SYSTEM.LOG1.xz", "hives_dirty/jcloudy_SYSTEM.LOG2.xz");
	see_parser(&seen, &computer_name_parser);
	see_parser(&seen, &time_zone_parser);
	see_parser(&seen, &source_os_parser);
	see_parser(&seen, &service_parser);
	assert_true(count_lines(&seen, "windows.system.name", "|hostname=DESKTOP-PM6C56D|",
				"|current=1|") >= 1);
	assert_true(count_lines(&seen, "windows.system.zone", "|key_name=Eastern Standard Time|",
				NULL) >= 1);
	assert_true(count_lines(&seen, "windows.registry.service", "|name=WinDefend|",
				"4.12.17007.18022-0") >= 1);
	unsee(&seen);
}

static void filters_and_event_sources_are_read(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, system_path, "hives/WKS-WIN732BITA_SYSTEM.xz", NULL, NULL);
	see_parser(&seen, &device_filter_parser);
	see_parser(&seen, &event_source_parser);
	see_parser(&seen, &legacy_device_parser);
	assert_int_equal(count_lines(&seen, "windows.registry.filter",
				     "|class=Keyboard|position=UpperFilters|driver=kbdclass|",
				     "|control_set=1|current=1|"),
			 1);
	assert_int_equal(count_lines(&seen, "windows.registry.network-filter",
				     "|component=ms_msclient|", "|control_set=1|"),
			 1);
	assert_true(count_lines(&seen, "windows.registry.legacy-device", "|service=mfehidk|",
				"|current=1|") >= 1);
	assert_true(count_lines(&seen, "windows.registry.event-source",
				"|channel=Application|source=mclogevent|", "|current=1|") >= 1);
	unsee(&seen);
}

/* A hive's worth of one value: what the parser makes of it, without a hive. */
static void pending_renames_come_in_pairs(void **state)
{
	static const char16_t texts[] = u"\\??\\C:\\a.sys\0\0\\??\\C:\\b.dll\0!\\??\\C:\\c.dll\0";
	const struct hive_value value = { .type = REGISTRY_MULTI_SZ,
					  .data = span_of(texts, sizeof(texts)) };
	CLEANUP(arena_free_p) struct arena *arena = arena_new(1 << 16);
	struct parse_context ctx = { .arena = arena };
	struct text found[8];

	(void)state;
	assert_int_equal(value_texts(&ctx, &value, found, 8), 4);
	assert_true(text_equal(found[0], TEXT("\\??\\C:\\a.sys")));
	assert_int_equal(found[1].size, 0);
	assert_true(text_equal(found[3], TEXT("!\\??\\C:\\c.dll")));
	assert_string_equal(pending_rename_parser.name, "windows.registry.pending-rename");
}

static void settings_of_recorders_are_read(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, system_path, "hives/WKS-WIN732BITA_SYSTEM.xz", NULL, NULL);
	see_parser(&seen, &recorder_setting_parser);
	assert_int_equal(count_lines(&seen, NULL, "|recorder=prefetch|setting=EnablePrefetcher|",
				     "|number=3|control_set=1|current=1|"),
			 1);
	assert_int_equal(count_lines(&seen, NULL, "|recorder=prefetch|", "|current=0|"), 1);
	unsee(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_of_recorders_are_read),
		cmocka_unit_test(services_of_a_windows_7_machine_are_read),
		cmocka_unit_test(the_zone_has_its_dates_as_systemtime),
		cmocka_unit_test(name_control_set_and_shutdown_are_read),
		cmocka_unit_test(filters_and_event_sources_are_read),
		cmocka_unit_test(pending_renames_come_in_pairs),
		cmocka_unit_test(a_dirty_hive_gives_what_its_logs_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
