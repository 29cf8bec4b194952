/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zones from the system's tzdata. Expected values were taken from `zdump -v` and Python's zoneinfo,
 * two readers that share no code with ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "parsers/base/zone.h"

static int64_t ticks(const char *text)
{
	const struct instant i = instant_parse(text_of(text));

	assert_int_equal(i.state, INSTANT_SET);
	return i.ticks;
}

static struct zone *load(const char *name)
{
	struct failure why = FAILURE_NONE;
	struct zone *zone = NULL;
	const enum status status = zone_load(name, NULL, &zone, &why);

	if (status == STATUS_END)
		skip();
	if (status < 0)
		fail_msg("%s", why.text);
	return zone;
}

static void the_end_of_a_day_in_washington_is_five_hours_later_in_utc(void **state)
{
	(void)state;
	CLEANUP(zone_free_p) struct zone *zone = load("America/New_York");
	int64_t first, last;

	assert_true(zone_local_to_utc(zone, ticks("2017-12-13T00:00:00"), &first, &last));
	assert_int_equal(first, ticks("2017-12-13T05:00:00Z"));
	assert_true(zone_local_to_utc(zone, ticks("2018-10-01T00:00:00"), &first, &last));
	assert_int_equal(first, ticks("2018-10-01T04:00:00Z"));
}

static void years_after_the_last_transition_follow_the_rule(void **state)
{
	(void)state;
	CLEANUP(zone_free_p) struct zone *canberra = load("Australia/Canberra");
	CLEANUP(zone_free_p) struct zone *london = load("Europe/London");
	bool dst;

	assert_int_equal(zone_offset_at(canberra, ticks("2025-04-01T12:00:00Z"), &dst), 39600);
	assert_true(dst);
	assert_int_equal(zone_offset_at(canberra, ticks("2025-07-01T12:00:00Z"), &dst), 36000);
	assert_false(dst);
	assert_int_equal(zone_offset_at(london, ticks("2090-03-26T00:59:59Z"), NULL), 0);
	assert_int_equal(zone_offset_at(london, ticks("2090-03-26T01:00:00Z"), NULL), 3600);
	assert_int_equal(zone_offset_at(london, ticks("2090-10-29T00:59:59Z"), NULL), 3600);
	assert_int_equal(zone_offset_at(london, ticks("2090-10-29T01:00:00Z"), NULL), 0);
}

static void a_repeated_hour_stands_for_two_instants(void **state)
{
	(void)state;
	CLEANUP(zone_free_p) struct zone *zone = load("America/New_York");
	int64_t first, last;

	assert_false(zone_local_to_utc(zone, ticks("2017-11-05T01:30:00"), &first, &last));
	assert_int_equal(first, ticks("2017-11-05T05:30:00Z"));
	assert_int_equal(last, ticks("2017-11-05T06:30:00Z"));
}

static void a_skipped_hour_stands_for_the_change(void **state)
{
	(void)state;
	CLEANUP(zone_free_p) struct zone *zone = load("Europe/Berlin");
	int64_t first, last;

	assert_true(zone_local_to_utc(zone, ticks("2018-03-25T02:30:00"), &first, &last));
	assert_int_equal(first, ticks("2018-03-25T01:00:00Z"));
}

static void a_zone_that_does_not_exist_is_an_end_and_a_path_is_refused(void **state)
{
	(void)state;
	struct failure why = FAILURE_NONE;
	struct zone *zone = NULL;

	assert_int_equal(zone_load("Mars/Olympus", NULL, &zone, &why), STATUS_END);
	assert_int_equal(zone_load("../../etc/passwd", NULL, &zone, &why), ERR_FORMAT);
	assert_null(zone);
}

static void every_cut_of_a_zone_file_is_refused_or_read_without_its_rule(void **state)
{
	(void)state;
	uint8_t bytes[8192];
	FILE *file = fopen("/usr/share/zoneinfo/Europe/London", "rb");

	if (!file)
		skip();
	const size_t size = fread(bytes, 1, sizeof(bytes), file);

	fclose(file);
	for (size_t cut = 0; cut <= size; cut++) {
		CLEANUP(zone_free_p) struct zone *zone = NULL;
		CLEANUP(free_p) uint8_t *part = malloc(cut + 1);
		struct failure why = FAILURE_NONE;

		memcpy(part, bytes, cut);
		const enum status status =
			zone_from_bytes(span_of(part, cut), "x", "test", &zone, &why);

		assert_int_equal(status == STATUS_OK, zone != NULL);
		if (cut == size)
			assert_int_equal(status, STATUS_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_of_a_day_in_washington_is_five_hours_later_in_utc),
		cmocka_unit_test(years_after_the_last_transition_follow_the_rule),
		cmocka_unit_test(a_repeated_hour_stands_for_two_instants),
		cmocka_unit_test(a_skipped_hour_stands_for_the_change),
		cmocka_unit_test(a_zone_that_does_not_exist_is_an_end_and_a_path_is_refused),
		cmocka_unit_test(every_cut_of_a_zone_file_is_refused_or_read_without_its_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
