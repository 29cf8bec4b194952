/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/registry/install_date.h"

enum { MAX_NUMBERS = 3, UNIX_DIGITS = 10, DAY_DIGITS = 8 };

static const struct instant invalid = { .state = INSTANT_INVALID };

struct number {
	int value;
	int digits;
};

static struct instant local_day(int year, int month, int day)
{
	/* No installer of this format is older, no honest clock is later. */
	if (year < 1980 || year > 2200)
		return invalid;
	return instant_from_civil(year, month, day, 0, 0, 0, 0, TICKS_PER_DAY, ZONE_LOCAL);
}

static bool is_day(int year, int month, int day)
{
	return local_day(year, month, day).state == INSTANT_SET;
}

static bool read_digits(struct text text, size_t *pos, int64_t *ret_value, int *ret_digits)
{
	const size_t start = *pos;

	*ret_value = 0;
	while (*pos < text.size && text.data[*pos] >= '0' && text.data[*pos] <= '9') {
		if (*pos - start >= UNIX_DIGITS)
			return false;
		*ret_value = *ret_value * 10 + (text.data[(*pos)++] - '0');
	}
	*ret_digits = (int)(*pos - start);
	return *ret_digits > 0;
}

static struct instant one_number(int64_t value, int digits)
{
	if (digits == DAY_DIGITS)
		return local_day((int)(value / 10000), (int)(value / 100 % 100),
				 (int)(value % 100));
	if (digits == UNIX_DIGITS)
		return instant_from_unix(value);
	return invalid;
}

static struct instant three_numbers(const struct number *n)
{
	if (n[0].digits == 4)
		return local_day(n[0].value, n[1].value, n[2].value);
	if (n[2].digits != 4)
		return invalid;

	const bool day_first = is_day(n[2].value, n[1].value, n[0].value);
	const bool month_first = is_day(n[2].value, n[0].value, n[1].value);

	if (day_first && (!month_first || n[0].value == n[1].value))
		return local_day(n[2].value, n[1].value, n[0].value);
	if (month_first && !day_first)
		return local_day(n[2].value, n[0].value, n[1].value);
	return invalid;
}

struct instant install_date_parse(struct text text)
{
	struct number numbers[MAX_NUMBERS];
	size_t n = 0, pos = 0;
	int64_t value;
	int digits;
	char separator = 0;

	if (!text.size)
		return (struct instant){ .state = INSTANT_UNSET };
	while (read_digits(text, &pos, &value, &digits)) {
		if (n == 0 && pos == text.size)
			return one_number(value, digits);
		if (digits > 4)
			return invalid;
		numbers[n++] = (struct number){ (int)value, digits };
		if (pos == text.size || n == MAX_NUMBERS)
			break;
		if ((text.data[pos] != '.' && text.data[pos] != '/' && text.data[pos] != '-') ||
		    (separator && text.data[pos] != separator))
			return invalid;
		separator = text.data[pos++];
	}
	if (n != MAX_NUMBERS || pos != text.size)
		return invalid;
	return three_numbers(numbers);
}
