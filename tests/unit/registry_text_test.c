/* SPDX-License-Identifier: Apache-2.0 */
/* Packed GUIDs, install dates and command lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parsers/registry/install_date.h"
#include "parsers/base/packed_guid.h"
#include "parsers/registry/registry_trace.h"

static void packed_guids_unpack_and_pack(void **state)
{
	/* Pairs as exported from machines where both forms stood. */
	static const struct {
		const char *guid, *packed;
	} pairs[] = {
		{ "{63129F5E-8EC5-41BA-A4CF-47966CE84953}", "E5F921365CE8AB144AFC7469C68E9435" },
		{ "{E0D9E8A5-76E2-4E16-A5CB-40351454B0D4}", "5A8E9D0E2E6761E45ABC045341450B4D" },
		{ "{90120000-006E-040C-0000-0000000FF1CE}", "00002109E600C0400000000000F01FEC" },
	};
	CLEANUP(arena_free_p) struct arena *arena = arena_new(1 << 16);

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const struct text guid = guid_from_packed(arena, text_of(pairs[i].packed));
		const struct text packed = guid_to_packed(arena, text_of(pairs[i].guid));

		assert_int_equal(guid.size, GUID_TEXT_SIZE);
		assert_memory_equal(guid.data, pairs[i].guid, guid.size);
		assert_int_equal(packed.size, PACKED_GUID_SIZE);
		assert_memory_equal(packed.data, pairs[i].packed, packed.size);
	}
}

/* Product codes that Microsoft published, as descriptors of Office name them. */
static void squashed_guids_unpack(void **state)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_ARENA);
	struct text guid = guid_from_squashed(arena, TEXT("']gAVn-}f(ZXfeAR6.ji"));

	(void)state;
	assert_int_equal(guid.size, GUID_TEXT_SIZE);
	assert_string_equal(guid.data, "{90110409-6000-11D3-8CFE-0150048383C9}");
	guid = guid_from_squashed(arena, TEXT("w_1^VX!!!!!!!!!MKKSk"));
	assert_string_equal(guid.data, "{91120000-0030-0000-0000-0000000FF1CE}");
	assert_null(guid_from_squashed(arena, TEXT("']gAVn-}f(ZXfeAR6.j")).data);
	assert_null(guid_from_squashed(arena, TEXT("']gAVn-}f(ZXfeAR6.j ")).data);
	assert_null(guid_from_squashed(arena, TEXT("~~~~~n-}f(ZXfeAR6.ji")).data);
}

static void what_is_no_guid_is_refused(void **state)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new(1 << 16);

	(void)state;
	assert_null(guid_from_packed(arena, TEXT("")).data);
	assert_null(guid_from_packed(arena, TEXT("E5F921365CE8AB144AFC7469C68E943")).data);
	assert_null(guid_from_packed(arena, TEXT("E5F921365CE8AB144AFC7469C68E943G")).data);
	assert_null(guid_to_packed(arena, TEXT("63129F5E-8EC5-41BA-A4CF-47966CE84953")).data);
	assert_false(text_is_guid(TEXT("{63129F5E+8EC5-41BA-A4CF-47966CE84953}")));
}

static void check_date(const char *text, const char *expected)
{
	char buffer[INSTANT_TEXT_SIZE];

	assert_string_equal(instant_format(install_date_parse(text_of(text)), buffer), expected);
}

static void install_dates_are_local_days(void **state)
{
	const struct instant day = install_date_parse(TEXT("20170614"));

	(void)state;
	assert_int_equal(day.zone, ZONE_LOCAL);
	assert_int_equal(day.precision, TICKS_PER_DAY);
	check_date("20170614", "2017-06-14");
	check_date("2017-06-14", "2017-06-14");
	check_date("2017/6/4", "2017-06-04");
	check_date("14.06.2017", "2017-06-14");
	check_date("6/14/2017", "2017-06-14");
	check_date("5/5/2017", "2017-05-05");
	check_date("1497435710", "2017-06-14T10:21:50Z");
	check_date("", "");
}

static void ambiguous_dates_are_no_dates(void **state)
{
	static const char *const wrong[] = { "5/6/2017", "20171301", "20170230", "2017",
					     "2017-06",  "14.6.17",  "1/2-2017", "yesterday",
					     "00000000", "20170614 " };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct instant day = install_date_parse(text_of(wrong[i]));

		assert_int_equal(day.state, INSTANT_INVALID);
	}
}

static void check_program(const char *command, const char *expected)
{
	const struct text program = command_program(text_of(command));

	assert_int_equal(program.size, strlen(expected));
	assert_memory_equal(program.data, expected, program.size);
}

static void the_program_of_a_command_line_is_found(void **state)
{
	(void)state;
	check_program("\"C:\\Program Files\\A B\\c.exe\" /s", "C:\\Program Files\\A B\\c.exe");
	check_program("C:\\Program Files\\A B\\c.exe /s", "C:\\Program Files\\A B\\c.exe");
	check_program("C:\\a\\icon.dll,-3", "C:\\a\\icon.dll");
	check_program("system32\\DRIVERS\\x.SYS", "system32\\DRIVERS\\x.SYS");
	check_program("\"unended", "unended");
	check_program("", "");
}

static void path_components_are_counted_from_the_end(void **state)
{
	(void)state;
	assert_true(text_equal(path_component_back(TEXT("a\\bc\\d"), 0), TEXT("d")));
	assert_true(text_equal(path_component_back(TEXT("a\\bc\\d"), 1), TEXT("bc")));
	assert_true(text_equal(path_component_back(TEXT("a\\bc\\d"), 2), TEXT("a")));
	assert_null(path_component_back(TEXT("a\\bc\\d"), 3).data);
	assert_int_equal(control_set_number(TEXT("ControlSet002\\Services")), 2);
	assert_int_equal(control_set_number(TEXT("ControlSet\\Services")), 0);
}

static void texts_of_a_multi_sz_keep_the_empty_ones_between(void **state)
{
	static const uint8_t data[] = "a\0\0\0\0\0b\0c\0\0\0\0\0";
	const struct hive_value value = { .type = REGISTRY_MULTI_SZ,
					  .data = { data, sizeof(data) - 1 } };
	CLEANUP(arena_free_p) struct arena *arena = arena_new(1 << 16);
	struct parse_context ctx = { .arena = arena };
	struct text texts[4];

	(void)state;
	assert_int_equal(value_texts(&ctx, &value, texts, 4), 3);
	assert_true(text_equal(texts[0], TEXT("a")));
	assert_int_equal(texts[1].size, 0);
	assert_true(text_equal(texts[2], TEXT("bc")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_guids_unpack_and_pack),
		cmocka_unit_test(squashed_guids_unpack),
		cmocka_unit_test(what_is_no_guid_is_refused),
		cmocka_unit_test(install_dates_are_local_days),
		cmocka_unit_test(ambiguous_dates_are_no_dates),
		cmocka_unit_test(the_program_of_a_command_line_is_found),
		cmocka_unit_test(path_components_are_counted_from_the_end),
		cmocka_unit_test(texts_of_a_multi_sz_keep_the_empty_ones_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
