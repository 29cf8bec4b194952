/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amcache, UserAssist, activity moderators and their kin on real hives. Expected values were read
 * with reglookup 1.0.1 and regfexport.
 */
#include "tests/unit/registry_support.h"

extern const struct parser amcache_parser, bam_parser, compatibility_store_parser, muicache_parser,
	userassist_parser;

static void the_old_layout_of_amcache_is_read(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, "/Windows/AppCompat/Programs/Amcache.hve",
		 "amcache/Szechuan_2012R2_Amcache.hve", "amcache/Szechuan_2012R2_Amcache.hve.LOG1",
		 "amcache/Szechuan_2012R2_Amcache.hve.LOG2");
	see_parser(&seen, &amcache_parser);
	assert_int_equal(count_lines(&seen, "windows.amcache.program", NULL, NULL), 3);
	assert_int_equal(count_lines(&seen, "windows.amcache.program",
				     "|name=VMware Tools|version=11.0.6.15940789|",
				     "|code={d533345c-7f8d-4807-ae80-e06ce2045b0e}|"),
			 1);
	/* Value b is 0: not uninstalled, and no time. */
	assert_int_equal(count_lines(&seen, "windows.amcache.program", "|uninstall_time=", NULL),
			 0);
	assert_int_equal(count_lines(&seen, "windows.amcache.program",
				     "|install_date=2020-09-18T22:37:30Z|", NULL),
			 3);
	assert_true(count_lines(&seen, "windows.amcache.file", "vsocklib_x64.dll|",
				"|sha1=238912b70c90d73028c2a01763c642e5a456beef|") >= 1);
	unsee(&seen);
}

static void both_layouts_agree_on_when_a_program_came(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, "/Windows/AppCompat/Programs/Amcache.hve",
		 "amcache/McAfeeFileInsight_Amcache.hve.xz", NULL, NULL);
	see_parser(&seen, &amcache_parser);
	assert_int_equal(count_lines(&seen, "windows.amcache.program",
				     "|name=FileInsight - File analysis tool|",
				     "|install_date=2017-08-01T12:52:59Z|"),
			 2);
	assert_int_equal(count_lines(&seen, "windows.amcache.driver", "wdfilter.sys|", NULL), 1);
	assert_true(count_lines(&seen, "windows.amcache.file", "msmpeng.exe|", NULL) >= 1);
	unsee(&seen);
}

static void the_inventory_of_a_dirty_hive_is_read(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, "/Windows/AppCompat/Programs/Amcache.hve", "amcache/APTSim_W10_Amcache.hve",
		 "amcache/APTSim_W10_Amcache.hve.LOG1", "amcache/APTSim_W10_Amcache.hve.LOG2");
	see_parser(&seen, &amcache_parser);
	assert_int_equal(count_lines(&seen, "windows.amcache.program", "|layout=inventory|",
				     "|recovery=allocated|") +
				 count_lines(&seen, "windows.amcache.program", "|layout=inventory|",
					     "|recovery=log-replayed|"),
			 90);
	unsee(&seen);
}

static void programs_started_by_a_user_are_read(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, "/Users/nfury/NTUSER.DAT", "hives/nfury_NTUSER.DAT", NULL, NULL);
	see_parser(&seen, &userassist_parser);
	see_parser(&seen, &compatibility_store_parser);
	assert_int_equal(count_lines(&seen, "windows.compatibility-store.entry",
				     "|path=\\\\controller\\public\\Security Tools\\McAfee\\"
				     "McAfeeSetup.exe|list=Persisted|",
				     "|user=nfury|"),
			 1);
	assert_true(count_lines(&seen, "windows.userassist.run",
				"|path=P:\\Security Tools\\McAfee\\McAfeeSetup.exe|",
				"|last_run=2011-08-25T03:12:58") >= 1);
	assert_true(count_lines(&seen, "windows.userassist.run", "mcconsol.exe|", "|user=nfury|") >=
		    1);
	assert_int_equal(count_lines(&seen, "windows.userassist.run", "UEME_CTL", NULL), 0);
	unsee(&seen);
}

static void moderators_tell_the_last_run(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, "/Windows/System32/config/SYSTEM", "hives/Win10_DESKTOP-M3OSHQU_SYSTEM.gz",
		 NULL, NULL);
	see_parser(&seen, &bam_parser);
	assert_true(count_lines(&seen, "windows.bam.run",
				"|sid=S-1-5-21-3701996020-3811166631-2097765435-1000|",
				"|run=2022-06-22T") >= 1);
	assert_true(count_lines(&seen, "windows.bam.run", "|path=\\Device\\HarddiskVolume",
				"|recorder=bam|") >= 1);
	unsee(&seen);
}

static void recent_apps_are_read(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, "/Users/tony/NTUSER.DAT", "hives_dirty/transactions_NTUSER.DAT.xz",
		 "hives_dirty/transactions_NTUSER.DAT.LOG1.xz",
		 "hives_dirty/transactions_NTUSER.DAT.LOG2.xz");
	see_parser(&seen, &muicache_parser);
	see_parser(&seen, &compatibility_store_parser);
	assert_true(count_lines(&seen, "windows.compatibility-store.entry", "|path=setup64.exe|",
				"|list=Store|") >= 1);
	assert_true(count_lines(&seen, "windows.recent-apps.run", "|path=D:\\setup64.exe|",
				"|last_run=2017-07-12T") >= 1);
	unsee(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_old_layout_of_amcache_is_read),
		cmocka_unit_test(both_layouts_agree_on_when_a_program_came),
		cmocka_unit_test(the_inventory_of_a_dirty_hive_is_read),
		cmocka_unit_test(programs_started_by_a_user_are_read),
		cmocka_unit_test(moderators_tell_the_last_run),
		cmocka_unit_test(recent_apps_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
