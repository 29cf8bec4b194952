/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsers of SOFTWARE and users' hives on real hives. Expected values were read with reglookup
 * 1.0.1 and regfexport.
 */
#include "parsers/registry/registry_trace.h"
#include "tests/unit/registry_support.h"

extern const struct parser uninstall_parser, named_key_parser;

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
	return text_starts_folded(key, "HKCU/Software/MCAFEE");
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
	assert_int_equal(count_lines(&seen, NULL, NULL, NULL),
			 count_lines(&seen, NULL, "|key=HKCU/Software/McAfee", NULL) +
				 count_lines(&seen, NULL, "|key=HKCU/Software/MCAFEE", NULL));
	unsee(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_of_a_user_are_read_from_a_dirty_hive),
		cmocka_unit_test(only_named_branches_are_emitted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
