/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registry sources that no public sample shows, on hives written by
 * tests/forge/registry_samples.py.
 */
#include "tests/unit/registry_support.h"

extern const struct parser amcache_parser, autostart_parser, device_filter_parser, extension_parser,
	msi_product_parser, muicache_parser, pending_rename_parser, profile_parser,
	security_center_parser, service_parser, source_os_parser, task_cache_parser,
	uninstall_parser, userassist_parser, zone_rule_parser;

/* Output of the forge; skips without Python. */
static struct span forged(const char *name)
{
	static const char here[] = __FILE__;
	const size_t folder = sizeof(here) - sizeof("unit/registry_forged_test.c");
	char command[1024];
	size_t size = 0, room = 1 << 20, got;
	uint8_t *data = malloc(room);
	FILE *file;

	(void)snprintf(command, sizeof(command),
		       "/usr/bin/python3 -B '%.*s/forge/registry_samples.py' %s", (int)folder, here,
		       name);
	file = popen(command, "r"); /* NOLINT: a command of this file */
	assert_non_null(file);
	assert_non_null(data);
	while (size < room && (got = fread(data + size, 1, room - size, file)) > 0)
		size += got;
	if (pclose(file) != 0) {
		free(data);
		print_message("the forge did not run: skipped\n");
		skip();
	}
	return span_of(data, size);
}

static void see_forged(struct seen *seen, const char *path, const char *name)
{
	const struct span none = { NULL, 0 };

	memset(seen, 0, sizeof(*seen));
	assert_true(open_files(&seen->opened, path, forged(name), none, none) >= 0);
	seen->opened.ctx.ops = &seeing_ops;
	seen->opened.ctx.payload = seen;
}

static void tasks_have_their_program_and_times(void **state)
{
	struct seen seen;

	(void)state;
	see_forged(&seen, "/Windows/System32/config/SOFTWARE", "software");
	see_parser(&seen, &task_cache_parser);
	assert_int_equal(count_lines(&seen, "windows.taskcache.task",
				     "|task=\\Example\\Updater|id={11111111-2222-3333-4444-"
				     "555555555555}|path=C:\\Program Files\\Example\\up.exe|"
				     "arguments=/silent|author=Example|",
				     "|registered=2017-05-23T08:00:00.0000000Z|last_run=2017-05-23T"
				     "09:00:00.0000000Z|last_end=2017-05-23T10:00:00.0000000Z|"),
			 1);
	assert_int_equal(count_lines(&seen, NULL, "|task=\\Example\\Updater|", "|part=tree|"), 1);
	unsee(&seen);
}

static void extensions_are_followed_to_their_files(void **state)
{
	struct seen seen;

	(void)state;
	see_forged(&seen, "/Windows/System32/config/SOFTWARE", "software");
	see_parser(&seen, &extension_parser);
	assert_int_equal(count_lines(&seen, "windows.registry.amsi-provider",
				     "|name=Example scanner|",
				     "|path=C:\\Program Files\\Example\\amsi.dll|"),
			 1);
	assert_int_equal(count_lines(&seen, "windows.registry.shell-extension",
				     "|name=Example menu|",
				     "|path=C:\\Program Files\\Example\\amsi.dll|"),
			 1);
	assert_int_equal(count_lines(&seen, "windows.registry.native-host",
				     "|name=com.example.host|path=C:\\Program Files\\Example\\",
				     "|place=Browser|view=32|"),
			 1);
	assert_int_equal(
		count_lines(&seen, "windows.registry.browser", "|clsid=abcdefghijklmnop|", NULL),
		1);
	unsee(&seen);
}

static void zone_rules_have_years(void **state)
{
	struct seen seen;

	(void)state;
	see_forged(&seen, "/Windows/System32/config/SOFTWARE", "software");
	see_parser(&seen, &zone_rule_parser);
	assert_int_equal(count_lines(&seen, NULL, "|zone=Example Standard Time|year=0|bias=-60|",
				     "|daylight_date=00000300000005000200000000000000|"),
			 1);
	assert_int_equal(count_lines(&seen, NULL, "|year=2015|", "|standard_bias=0|"), 1);
	assert_int_equal(count_lines(&seen, NULL, NULL, NULL), 2);
	unsee(&seen);
}

static void odd_install_dates_are_noted_and_deleted_programs_found(void **state)
{
	struct seen seen;

	(void)state;
	see_forged(&seen, "/Windows/System32/config/SOFTWARE", "software");
	see_parser(&seen, &uninstall_parser);
	assert_int_equal(count_lines(&seen, NULL, "|name=Example Kept|",
				     "|install_date=2017-06-14|view=32|"),
			 1);
	assert_int_equal(count_lines(&seen, NULL, "|name=Example Odd|", "|install_date="), 0);
	assert_int_equal(seen.opened.n_notes, 1);
	assert_int_equal(count_lines(&seen, NULL, "|name=Example Gone|",
				     "|key_last_written=2017-05-23T08:00:00.0000000Z|"
				     "container_last_written=2017-05-23T13:00:00.0000000Z|"),
			 1);
	see_parser(&seen, &msi_product_parser);
	assert_int_equal(count_lines(&seen, "windows.registry.msi-upgrade",
				     "|upgrade_code={E0D9E8A5-76E2-4E16-A5CB-40351454B0D4}|",
				     "|code={63129F5E-8EC5-41BA-A4CF-47966CE84953}|"),
			 1);
	see_parser(&seen, &autostart_parser);
	assert_int_equal(count_lines(&seen, "windows.registry.shared-file",
				     "|path=C:\\Windows\\example.dll|count=2|", NULL),
			 1);
	assert_int_equal(count_lines(&seen, "windows.registry.app-path", "|name=example.exe|",
				     "|path=C:\\Example\\example.exe|"),
			 1);
	see_parser(&seen, &security_center_parser);
	assert_int_equal(count_lines(&seen, "windows.registry.security-center",
				     "|kind=Monitoring|name=Example|", NULL),
			 1);
	unsee(&seen);
}

static void pending_renames_and_earlier_systems_are_read(void **state)
{
	struct seen seen;

	(void)state;
	see_forged(&seen, "/Windows/System32/config/SYSTEM", "system");
	see_parser(&seen, &pending_rename_parser);
	assert_int_equal(count_lines(&seen, NULL, "|from=C:\\Example\\a.sys|to=|operation=delete|",
				     "|control_set=2|current=1|"),
			 1);
	assert_int_equal(count_lines(&seen, NULL,
				     "|from=C:\\Example\\b.new|to=C:\\Example\\b.dll|"
				     "operation=rename|",
				     NULL),
			 1);
	see_parser(&seen, &source_os_parser);
	assert_int_equal(count_lines(&seen, "windows.system.source-os",
				     "|product_name=Windows 7 Professional|build=7601|",
				     "|installed=2014-05-13T16:53:20Z|"),
			 1);
	see_parser(&seen, &service_parser);
	assert_int_equal(count_lines(&seen, "windows.registry.service",
				     "|name=ExampleFlt|driver=ExampleFlt.sys|",
				     "|control_set=2|current=1|altitude=328000.5|"),
			 1);
	assert_int_equal(count_lines(&seen, "windows.registry.service", "|driver=old.sys|",
				     "|control_set=1|current=0|"),
			 1);
	see_parser(&seen, &device_filter_parser);
	assert_int_equal(count_lines(&seen, "windows.registry.network-filter",
				     "|component=ex_filter|", NULL),
			 1);
	unsee(&seen);
}

static void the_machine_has_its_sid_from_sam(void **state)
{
	struct seen seen;

	(void)state;
	see_forged(&seen, "/Windows/System32/config/SAM", "sam");
	see_parser(&seen, &profile_parser);
	assert_int_equal(count_lines(&seen, "windows.system.sid",
				     "|machine_sid=S-1-5-21-111-222-333|basis=sam|", NULL),
			 1);
	unsee(&seen);
}

static void old_user_records_are_read(void **state)
{
	struct seen seen;

	(void)state;
	see_forged(&seen, "/Documents and Settings/someone/NTUSER.DAT", "user");
	see_parser(&seen, &userassist_parser);
	see_parser(&seen, &muicache_parser);
	assert_int_equal(count_lines(&seen, "windows.userassist.run",
				     "|path=C:\\Example\\setup.exe|"
				     "last_run=2017-05-23T08:00:00.0000000Z|count=3|",
				     "|user=someone|"),
			 1);
	assert_int_equal(count_lines(&seen, "windows.userassist.run", NULL, NULL), 1);
	assert_int_equal(count_lines(&seen, "windows.muicache.entry",
				     "|path=C:\\Example\\setup.exe|name=Example Setup|", NULL),
			 1);
	unsee(&seen);
	see_forged(&seen, "/Users/someone/AppData/Local/Microsoft/Windows/UsrClass.dat", "classes");
	see_parser(&seen, &muicache_parser);
	assert_int_equal(count_lines(&seen, NULL, "|path=C:\\Example\\ui.exe|name=Example|",
				     "|user=someone|"),
			 1);
	assert_int_equal(count_lines(&seen, NULL, "|path=C:\\Example\\ui.exe|company=", NULL), 1);
	unsee(&seen);
}

static void the_inventory_tells_when_a_program_was_missed(void **state)
{
	struct seen seen;

	(void)state;
	see_forged(&seen, "/Windows/AppCompat/Programs/Amcache.hve", "amcache");
	see_parser(&seen, &amcache_parser);
	assert_int_equal(count_lines(&seen, "windows.amcache.program",
				     "|install_date=2017-06-14T10:21:50Z|uninstall_time="
				     "2017-12-05T16:48:20Z|",
				     "|layout=programs|"),
			 1);
	/* A bare day is a local one. */
	assert_int_equal(count_lines(&seen, "windows.amcache.program", "|install_date=2017-06-14|",
				     "|layout=inventory|"),
			 1);
	unsee(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_have_their_program_and_times),
		cmocka_unit_test(extensions_are_followed_to_their_files),
		cmocka_unit_test(zone_rules_have_years),
		cmocka_unit_test(odd_install_dates_are_noted_and_deleted_programs_found),
		cmocka_unit_test(pending_renames_and_earlier_systems_are_read),
		cmocka_unit_test(the_machine_has_its_sid_from_sam),
		cmocka_unit_test(old_user_records_are_read),
		cmocka_unit_test(the_inventory_tells_when_a_program_was_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
