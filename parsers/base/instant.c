/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/base/instant.h"

#include <stdio.h>

#include "parsers/base/cursor.h"

/* Days from 1601-01-01 to 1970-01-01. */
enum { DAYS_1601_TO_1970 = 134774 };

/*
 * Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that
 * the leap day is the last of its year (the usual era arithmetic: 146097 days in 400 years).
 */
int64_t days_from_civil(int year, int month, int day)
{
	const int64_t y = month <= 2 ? (int64_t)year - 1 : year;
	const int64_t era = (y >= 0 ? y : y - 399) / 400;
	const int64_t year_of_era = y - era * 400;
	const int64_t shifted = (month + 9) % 12;
	const int64_t day_of_year = (153 * shifted + 2) / 5 + day - 1;
	const int64_t day_of_era =
		year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468 + DAYS_1601_TO_1970;
}

static void civil_date(int64_t days_1601, struct civil *c)
{
	const int64_t z = days_1601 - DAYS_1601_TO_1970 + 719468;
	const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	const int64_t day_of_era = z - era * 146097;
	const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
				     day_of_era / 146096) /
				    365;
	const int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const int64_t shifted = (5 * day_of_year + 2) / 153;

	c->day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	c->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	c->year = (int)(year_of_era + era * 400 + (c->month <= 2));
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

struct civil civil_from_ticks(int64_t ticks)
{
	struct civil c;
	const int64_t days = floor_div(ticks, TICKS_PER_DAY);
	/* Not ticks - days * TICKS_PER_DAY: the product leaves the range at its lower end. */
	const int64_t rest = (ticks % TICKS_PER_DAY + TICKS_PER_DAY) % TICKS_PER_DAY;

	civil_date(days, &c);
	c.hour = (int)(rest / TICKS_PER_HOUR);
	c.minute = (int)(rest / TICKS_PER_MINUTE % 60);
	c.second = (int)(rest / TICKS_PER_SECOND % 60);
	c.fraction = (int32_t)(rest % TICKS_PER_SECOND);
	c.weekday = (int)(((days + 1) % 7 + 7) % 7); /* 1601-01-01 was a Monday */
	return c;
}

struct instant instant_from_filetime(uint64_t filetime)
{
	if (filetime == 0)
		return (struct instant){ .state = INSTANT_UNSET };
	if (filetime == UINT64_MAX || filetime == INT64_MAX)
		return (struct instant){ .ticks = INT64_MAX, .state = INSTANT_NEVER };
	if (filetime > INT64_MAX)
		return (struct instant){ .ticks = INT64_MAX, .state = INSTANT_INVALID };
	return (struct instant){ (int64_t)filetime, 1, INSTANT_SET, ZONE_UTC };
}

struct instant instant_from_unix(int64_t seconds)
{
	int64_t ticks;

	if (seconds == 0)
		return (struct instant){ .state = INSTANT_UNSET };
	if (__builtin_mul_overflow(seconds, TICKS_PER_SECOND, &ticks) ||
	    __builtin_add_overflow(ticks, TICKS_UNIX_EPOCH, &ticks))
		return (struct instant){ .ticks = seconds, .state = INSTANT_INVALID };
	return (struct instant){ ticks, TICKS_PER_SECOND, INSTANT_SET, ZONE_UTC };
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

struct instant instant_from_civil(int year, int month, int day, int hour, int minute, int second,
				  int64_t fraction_ticks, int64_t precision,
				  enum instant_zone zone)
{
	const struct instant invalid = { .state = INSTANT_INVALID };

	if (year < 1 || year > 30000 || month < 1 || month > 12)
		return invalid;
	if (day < 1 || day > days_in_month(year, month) || hour < 0 || hour > 23 || minute < 0 ||
	    minute > 59 || second < 0 || second > 60)
		return invalid;
	if (fraction_ticks < 0 || fraction_ticks >= TICKS_PER_SECOND || precision < 1)
		return invalid;

	const int64_t ticks = days_from_civil(year, month, day) * TICKS_PER_DAY +
			      hour * TICKS_PER_HOUR + minute * TICKS_PER_MINUTE +
			      second * TICKS_PER_SECOND + fraction_ticks;

	return (struct instant){ ticks, precision, INSTANT_SET, (uint8_t)zone };
}

struct instant instant_from_systemtime(struct span bytes, enum instant_zone zone)
{
	struct cursor c = cursor_over(bytes, 0);
	const int year = cursor_u16le(&c), month = cursor_u16le(&c);

	cursor_skip(&c, 2); /* day of week, redundant */

	const int day = cursor_u16le(&c), hour = cursor_u16le(&c), minute = cursor_u16le(&c);
	const int second = cursor_u16le(&c), milli = cursor_u16le(&c);

	if (c.status < 0)
		return (struct instant){ .state = INSTANT_INVALID };
	if (year == 0 && month == 0 && day == 0)
		return (struct instant){ .state = INSTANT_UNSET };
	return instant_from_civil(year, month, day, hour, minute, second, milli * INT64_C(10000),
				  10000, zone);
}

struct instant instant_from_dos(uint16_t date, uint16_t time)
{
	if (date == 0)
		return (struct instant){ .state = INSTANT_UNSET };
	return instant_from_civil(1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11,
				  time >> 5 & 63, (time & 31) * 2, 0, 2 * TICKS_PER_SECOND,
				  ZONE_LOCAL);
}

/* Writes the fraction with the digits that the precision supports. */
static void format_fraction(char *out, size_t size, int32_t fraction, int64_t precision)
{
	int digits = 0;

	for (int64_t unit = TICKS_PER_SECOND; unit > precision && digits < 7; unit /= 10)
		digits++;
	if (digits == 0) {
		out[0] = '\0';
		return;
	}

	char all[16];

	(void)snprintf(all, sizeof(all), "%07d", (int)fraction);
	(void)snprintf(out, size, ".%.*s", digits, all);
}

const char *instant_format(struct instant i, char buffer[INSTANT_TEXT_SIZE])
{
	char fraction[16];

	buffer[0] = '\0';
	if (i.state == INSTANT_UNSET)
		return buffer;

	const struct civil c = civil_from_ticks(i.ticks);

	if (i.state != INSTANT_SET || c.year > 9999 || c.year < 1) {
		(void)snprintf(buffer, INSTANT_TEXT_SIZE,
			       i.state == INSTANT_NEVER ? "never" : "invalid");
		return buffer;
	}
	if (i.zone == ZONE_LOCAL && i.precision >= TICKS_PER_DAY) {
		(void)snprintf(buffer, INSTANT_TEXT_SIZE, "%04d-%02d-%02d", c.year, c.month, c.day);
		return buffer;
	}
	format_fraction(fraction, sizeof(fraction), c.fraction, i.precision);
	(void)snprintf(buffer, INSTANT_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d%s%s", c.year,
		       c.month, c.day, c.hour, c.minute, c.second, fraction,
		       i.zone == ZONE_LOCAL ? "" : "Z");
	return buffer;
}

const char *ticks_format(int64_t ticks, char buffer[INSTANT_TEXT_SIZE])
{
	const struct instant i = { ticks, ticks % TICKS_PER_SECOND ? 1 : TICKS_PER_SECOND,
				   INSTANT_SET, ZONE_UTC };

	return instant_format(i, buffer);
}

/* Reads exactly n digits; -1 when there are fewer. */
static int digits(struct text *t, size_t n)
{
	int value = 0;

	if (t->size < n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (t->data[i] < '0' || t->data[i] > '9')
			return -1;
		value = value * 10 + (t->data[i] - '0');
	}
	*t = (struct text){ t->data + n, t->size - n };
	return value;
}

static bool accept(struct text *t, char wanted)
{
	if (t->size == 0 || t->data[0] != wanted)
		return false;
	*t = (struct text){ t->data + 1, t->size - 1 };
	return true;
}

/* Reads ".fffffff" (1 to 9 digits, beyond 100 ns dropped) into ticks and precision. */
static bool parse_fraction(struct text *t, int64_t *ticks, int64_t *precision)
{
	int64_t unit = TICKS_PER_SECOND;
	int n = 0;

	*ticks = 0;
	*precision = TICKS_PER_SECOND;
	if (!accept(t, '.'))
		return true;
	while (t->size && t->data[0] >= '0' && t->data[0] <= '9') {
		unit /= 10;
		*ticks += (t->data[0] - '0') * unit;
		if (unit > 0)
			*precision = unit;
		*t = (struct text){ t->data + 1, t->size - 1 };
		if (++n > 9)
			return false;
	}
	return n > 0;
}

/* Reads "Z" or "+hh:mm"; *offset in ticks east of UTC. */
static bool parse_zone(struct text *t, bool *has_zone, int64_t *offset)
{
	*has_zone = true;
	*offset = 0;
	if (t->size == 0) {
		*has_zone = false;
		return true;
	}
	if (accept(t, 'Z') || accept(t, 'z'))
		return t->size == 0;

	const bool west = t->data[0] == '-';

	if (!accept(t, '+') && !accept(t, '-'))
		return false;

	const int hours = digits(t, 2);

	accept(t, ':');

	const int minutes = digits(t, 2);

	if (hours < 0 || hours > 15 || minutes < 0 || minutes > 59 || t->size)
		return false;
	*offset = (hours * TICKS_PER_HOUR + minutes * TICKS_PER_MINUTE) * (west ? -1 : 1);
	return true;
}

struct instant instant_parse(struct text text)
{
	const struct instant invalid = { .state = INSTANT_INVALID };
	int64_t fraction, precision, offset;
	bool has_zone;
	const int year = digits(&text, 4);

	if (year < 0 || !accept(&text, '-'))
		return invalid;

	const int month = digits(&text, 2);

	if (month < 0 || !accept(&text, '-'))
		return invalid;

	const int day = digits(&text, 2);

	if (day < 0)
		return invalid;
	if (text.size == 0)
		return instant_from_civil(year, month, day, 0, 0, 0, 0, TICKS_PER_DAY, ZONE_LOCAL);
	if (!accept(&text, 'T') && !accept(&text, ' '))
		return invalid;

	const int hour = digits(&text, 2);

	if (hour < 0 || !accept(&text, ':'))
		return invalid;

	const int minute = digits(&text, 2);

	if (minute < 0 || !accept(&text, ':'))
		return invalid;

	const int second = digits(&text, 2);

	if (second < 0 || !parse_fraction(&text, &fraction, &precision) ||
	    !parse_zone(&text, &has_zone, &offset))
		return invalid;

	struct instant i = instant_from_civil(year, month, day, hour, minute, second, fraction,
					      precision, has_zone ? ZONE_UTC : ZONE_LOCAL);

	if (i.state == INSTANT_SET)
		i.ticks -= offset;
	return i;
}
