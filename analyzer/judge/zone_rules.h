/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_JUDGE_ZONE_RULES_H
#define AVOUCH_ANALYZER_JUDGE_ZONE_RULES_H

#include "analyzer/judge/bound.h"
#include "parsers/base/arena.h"
#include "parsers/base/instant.h"

/*
 * A Windows system's zone as its own registry states it (TIME_ZONE_INFORMATION, SYSTEMTIME rules
 * of "nth weekday of a month"), with the rules of each year where Dynamic DST keeps them.
 */
struct zone_year {
	int year; /* 0: every year without rules of its own */
	int32_t bias, standard_bias, daylight_bias; /* minutes; UTC = local + bias */
	uint8_t standard_date[16], daylight_date[16]; /* SYSTEMTIME; month 0: no daylight time */
};

struct zone_rules {
	const struct zone_year *years;
	size_t n_years; /* 0: zone unknown */
};

/*
 * The UTC instants that a local wall-clock reading may stand for: one, two an hour apart in the
 * hour that daylight saving repeats, or, for an unknown zone, 14 hours to each side.
 */
struct bound zone_rules_to_utc(const struct zone_rules *rules, int64_t local);

/* UTC ticks as local wall clock ticks; UTC itself when the zone is unknown. */
int64_t zone_rules_to_local(const struct zone_rules *rules, int64_t utc);

/*
 * A time as read, as a bound in UTC: widened by its precision and, for local times, converted
 * with the rules. Open when the instant is not set.
 */
struct bound bound_of_instant(const struct zone_rules *rules, struct instant instant);

#endif
