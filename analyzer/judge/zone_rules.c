/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/zone_rules.h"

#include "parsers/base/cursor.h"

/* The widest offsets in use, both ways (design: a local time of unknown zone). */
static const int64_t unknown_zone = 14 * TICKS_PER_HOUR;

static const struct zone_year *rules_of(const struct zone_rules *rules, int year)
{
	const struct zone_year *any = NULL;

	for (size_t i = 0; i < rules->n_years; i++) {
		if (rules->years[i].year == year)
			return &rules->years[i];
		if (rules->years[i].year == 0)
			any = &rules->years[i];
	}
	return any ? any : &rules->years[0];
}

/*
 * The local time of a switch in a year; false when the rule is empty. Day 5 means the last such
 * weekday of the month (MSDN, TIME_ZONE_INFORMATION). A rule with a year is an absolute date.
 */
static bool switch_time(const uint8_t date[16], int year, int64_t *ret)
{
	const struct span s = { date, 16 };
	const int rule_year = span_u16le(s, 0), month = span_u16le(s, 2);
	const int weekday = span_u16le(s, 4), nth = span_u16le(s, 6);
	const int64_t time = span_u16le(s, 8) * TICKS_PER_HOUR +
			     span_u16le(s, 10) * TICKS_PER_MINUTE +
			     span_u16le(s, 12) * TICKS_PER_SECOND;

	if (month < 1 || month > 12 || weekday > 6 || nth < 1 || nth > 31)
		return false;
	if (rule_year) {
		*ret = days_from_civil(rule_year, month, nth) * TICKS_PER_DAY + time;
		return rule_year == year;
	}
	if (nth > 5)
		return false;

	const int64_t first = days_from_civil(year, month, 1);
	const int64_t next = month == 12 ? days_from_civil(year + 1, 1, 1) :
					   days_from_civil(year, month + 1, 1);
	int64_t day = first + (weekday - (int)((first + 1) % 7) + 7) % 7 + (nth - 1) * 7;

	while (day >= next)
		day -= 7;
	*ret = day * TICKS_PER_DAY + time;
	return true;
}

static int64_t minutes(int32_t n)
{
	return n * TICKS_PER_MINUTE;
}

/* Bias (UTC - local) in force at a UTC instant. */
static int64_t bias_at(const struct zone_rules *rules, int64_t utc)
{
	/* The year is taken from standard local time; the switch is never within hours of it. */
	const struct zone_year *any = rules_of(rules, civil_from_ticks(utc).year);
	const int year = civil_from_ticks(ticks_add(utc, -minutes(any->bias))).year;
	const struct zone_year *r = rules_of(rules, year);
	const int64_t standard = minutes(r->bias) + minutes(r->standard_bias);
	const int64_t daylight = minutes(r->bias) + minutes(r->daylight_bias);
	int64_t begin, end;

	if (!switch_time(r->daylight_date, year, &begin) ||
	    !switch_time(r->standard_date, year, &end))
		return standard;
	begin += standard; /* the switch is given in the local time before it */
	end += daylight;

	const bool is_daylight = begin < end ? utc >= begin && utc < end :
					       utc >= begin || utc < end;

	return is_daylight ? daylight : standard;
}

int64_t zone_rules_to_local(const struct zone_rules *rules, int64_t utc)
{
	if (!rules || rules->n_years == 0)
		return utc;
	return ticks_add(utc, -bias_at(rules, utc));
}

struct bound zone_rules_to_utc(const struct zone_rules *rules, int64_t local)
{
	if (!rules || rules->n_years == 0)
		return bound_widen(bound_at(local), -unknown_zone, unknown_zone);

	/* Try each bias in force around then; a reading that none gives back was skipped. */
	const int64_t around[] = { bias_at(rules, ticks_add(local, -TICKS_PER_DAY)),
				   bias_at(rules, ticks_add(local, TICKS_PER_DAY)) };
	struct bound found = bound_open();
	bool any = false;

	for (int i = 0; i < 2; i++) {
		const int64_t utc = ticks_add(local, around[i]);

		if (ticks_add(utc, -bias_at(rules, utc)) != local)
			continue;
		if (!any || utc < found.not_before)
			found.not_before = utc;
		if (!any || utc > found.not_after)
			found.not_after = utc;
		any = true;
	}
	if (any)
		return found;

	const int64_t a = ticks_add(local, around[0]), b = ticks_add(local, around[1]);

	return bound_between(a < b ? a : b, a < b ? b : a);
}

struct bound bound_of_instant(const struct zone_rules *rules, struct instant instant)
{
	if (!instant_is_set(instant))
		return bound_open();

	const int64_t last = ticks_add(instant.ticks, instant.precision - 1);

	if (instant.zone != ZONE_LOCAL)
		return bound_between(instant.ticks, last);

	const struct bound first = zone_rules_to_utc(rules, instant.ticks);

	return bound_between(first.not_before, zone_rules_to_utc(rules, last).not_after);
}
