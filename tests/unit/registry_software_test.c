/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsers of SOFTWARE and users' hives on real hives. Expected values were read with reglookup
 * 1.0.1 and regfexport.
 */
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"
#include "tests/unit/registry_support.h"

extern const struct parser autostart_parser, certificate_parser, named_key_parser,
	service_parser, uninstall_parser;

static void programs_of_a_user_are_read_from_a_dirty_hive(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, "/Users/someone/NTUSER.DAT", "hives_dirty/transactions_NTUSER.DAT.xz",
		 "hives_dirty/transactions_NTUSER.DAT.LOG1.xz",
		 "hives_dirty/transactions_NTUSER.DAT.LOG2.xz");
	see_parser(&seen, &uninstall_parser);
	assert_int_equal(count_lines(&seen, "windows.registry.uninstall",
				     "|version=17.3.6917.0607|", "|view=user|user=someone|"),
			 1);
	assert_int_equal(count_lines(&seen, NULL, "|key_last_written=2017-07-12T07:23:57", NULL),
			 1);
	unsee(&seen);
}

static bool wants_some(struct parse_context *ctx, struct text key)
{
	(void)ctx;
	return text_starts_folded(key, "HKCU/Software/MCAFEE") ||
	       text_equal_folded(key, TEXT("HKCU/Software"));
}

static void only_named_branches_are_emitted(void **state)
{
	static const struct parse_ops ops = {
		.emit = see, .note = count_note, .lost = count_lost, .wants_key = wants_some
	};
	struct seen seen;

	(void)state;
	see_hive(&seen, "/Users/nfury/NTUSER.DAT", "hives/nfury_NTUSER.DAT", NULL, NULL);
	seen.opened.ctx.ops = &ops;
	see_parser(&seen, &named_key_parser);
	assert_true(count_lines(&seen, "windows.registry.key", "|key=HKCU/Software/McAfee|", NULL) +
			    count_lines(&seen, "windows.registry.key", "|key=HKCU/Software/MCAFEE|",
					NULL) >=
		    1);
	assert_true(count_lines(&seen, "windows.registry.value", NULL, NULL) > 0);
	/* "Software" and its Wow6432Node are above a named key; nothing else is emitted. */
	assert_int_equal(count_lines(&seen, "windows.registry.key", "|key=HKCU/Software|", NULL),
			 2);
	assert_int_equal(count_lines(&seen, NULL, NULL, NULL),
			 count_lines(&seen, NULL, "|key=HKCU/Software|", NULL) +
				 count_lines(&seen, NULL, "|key=HKCU/Software/McAfee", NULL) +
				 count_lines(&seen, NULL, "|key=HKCU/Software/MCAFEE", NULL));
	unsee(&seen);
}

static void what_a_user_starts_and_trusts_is_read(void **state)
{
	struct seen seen;

	(void)state;
	see_hive(&seen, "/Users/nfury/NTUSER.DAT", "hives/nfury_NTUSER.DAT", NULL, NULL);
	see_parser(&seen, &autostart_parser);
	see_parser(&seen, &certificate_parser);
	assert_int_equal(count_lines(&seen, "windows.registry.autostart",
				     "|command=C:\\Program Files (x86)\\Skype\\Phone\\Skype.exe|",
				     "|list=Run|view=user|user=nfury|"),
			 1);
	/* Subject and dates as openssl x509 prints them. */
	assert_int_equal(count_lines(&seen, "windows.registry.certificate",
				     "|subject=CN=Microsoft Internet Authority|",
				     "|not_before=2010-04-14T18:12:26Z|"),
			 1);
	assert_int_equal(count_lines(&seen, "windows.registry.certificate", "|store=CA|", NULL), 4);
	unsee(&seen);
}

static bool is_source(const struct parser *parser, const char *path)
{
	for (const char *const *glob = parser->paths; *glob; glob++)
		if (path_fits(*glob, text_of(path)))
			return true;
	return false;
}

/* Each is a dated sample of state: RegBack, repair, restore points of Windows XP. */
static void copies_of_hives_are_sources(void **state)
{
	static const char *const copies[] = {
		"/Windows/System32/config/RegBack/SOFTWARE",
		"/Windows/System32/config/RegBack/software.OLD",
		"/WINDOWS/repair/software",
		"/WINNT/repair/software",
		"/System Volume Information/_restore{0F84C1A6-6F34-4C1C-A8C7-6A2C0F5D1B6E}/RP12/"
		"snapshot/_REGISTRY_MACHINE_SOFTWARE",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
		assert_true(is_source(&uninstall_parser, copies[i]));
	assert_true(is_source(&service_parser,
			      "/System Volume Information/_restore{0F84}/RP1/snapshot/"
			      "_REGISTRY_MACHINE_SYSTEM"));
	assert_true(is_source(&autostart_parser,
			      "/System Volume Information/_restore{0F84}/RP1/snapshot/"
			      "_REGISTRY_USER_NTUSER_S-1-5-21-1-2-3-1003"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_of_a_user_are_read_from_a_dirty_hive),
		cmocka_unit_test(what_a_user_starts_and_trusts_is_read),
		cmocka_unit_test(copies_of_hives_are_sources),
		cmocka_unit_test(only_named_branches_are_emitted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
