/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/windows/log_lines.h"

#include "parsers/base/limits.h"
#include "parsers/base/text.h"

void log_lines_init(struct log_lines *lines, struct span bytes)
{
	*lines = (struct log_lines){ .bytes = bytes };
	if (bytes.size >= 2 && bytes.data[0] == 0xff && bytes.data[1] == 0xfe) {
		lines->wide = true;
		lines->pos = 2;
	} else if (bytes.size >= 3 && memcmp(bytes.data, "\xef\xbb\xbf", 3) == 0) {
		lines->pos = 3;
	}
}

/* Bytes up to the line feed, and to what follows it. */
static size_t line_size(const struct log_lines *lines, size_t *ret_next)
{
	const size_t step = lines->wide ? 2 : 1;
	const struct span s = lines->bytes;
	size_t end = lines->pos;

	while (s.size - end >= step && !(s.data[end] == '\n' && (step == 1 || !s.data[end + 1])))
		end += step;
	*ret_next = s.size - end >= step ? end + step : s.size;
	if (s.size - end < step)
		end = s.size;
	if (end - lines->pos >= step && s.data[end - step] == '\r')
		end -= step;
	return end - lines->pos;
}

bool log_lines_next(struct log_lines *lines, struct arena *arena, struct log_line *ret)
{
	size_t next;

	if (lines->pos >= lines->bytes.size)
		return false;

	const size_t size = line_size(lines, &next);
	const size_t kept = size < LIMIT_TEXT ? size : LIMIT_TEXT;
	const struct span line = span_part(lines->bytes, lines->pos, kept);
	const struct text raw = { (const char *)line.data, line.size };

	ret->offset = lines->pos;
	ret->size = size;
	if (lines->wide)
		ret->text = text_from_utf16le(arena, line, NULL);
	else if (text_is_utf8(raw))
		ret->text = text_from_utf8(arena, line, NULL);
	else
		ret->text = text_from_latin1(arena, line);
	lines->pos = next;
	return true;
}

struct text log_trim(struct text text)
{
	while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = (struct text){ text.data + 1, text.size - 1 };
	while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
		text.size--;
	return text;
}

bool log_starts(struct text text, const char *head, struct text *ret_rest)
{
	const size_t size = strlen(head);

	if (text.size < size || memcmp(text.data, head, size) != 0)
		return false;
	if (ret_rest)
		*ret_rest = (struct text){ text.data + size, text.size - size };
	return true;
}

struct text log_after(struct text text, const char *needle)
{
	const size_t size = strlen(needle);

	for (size_t i = 0; i + size <= text.size; i++) {
		size_t n = 0;

		while (n < size && text_fold_char((uint8_t)text.data[i + n]) ==
					   text_fold_char((uint8_t)needle[n]))
			n++;
		if (n == size)
			return (struct text){ text.data + i + size, text.size - i - size };
	}
	return (struct text){ NULL, 0 };
}

/* n digits at i, or -1. */
static int digits(struct text text, size_t i, size_t n)
{
	int value = 0;

	if (i + n > text.size)
		return -1;
	for (; n > 0; n--, i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		value = value * 10 + (text.data[i] - '0');
	}
	return value;
}

int64_t log_date(struct text text, struct text *ret_rest)
{
	int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);

	if (text.size >= 10 && year < 0 && text.data[2] == '.' && text.data[5] == '.') {
		day = digits(text, 0, 2);
		month = digits(text, 3, 2);
		year = digits(text, 6, 4);
	} else if (text.size < 10 || text.data[4] != text.data[7] ||
		   !strchr("-/._", text.data[4])) {
		return -1;
	}
	if (year < 1980 || year > 2200 || month < 1 || month > 12 || day < 1 || day > 31)
		return -1;
	if (!instant_is_set(instant_from_civil(year, month, day, 0, 0, 0, 0, 1, ZONE_LOCAL)))
		return -1;
	*ret_rest = (struct text){ text.data + 10, text.size - 10 };
	return days_from_civil(year, month, day);
}

int64_t log_time(struct text text, int64_t *ret_precision, struct text *ret_rest)
{
	const int hour = digits(text, 0, 2), minute = digits(text, 3, 2),
		  second = digits(text, 6, 2);
	int64_t width = TICKS_PER_SECOND, ticks;
	size_t pos = 8;

	if (text.size < 8 || text.data[2] != text.data[5] || !strchr(":-", text.data[2]) ||
	    hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
		return -1;
	ticks = hour * TICKS_PER_HOUR + minute * TICKS_PER_MINUTE + second * TICKS_PER_SECOND;
	if (pos + 1 < text.size && strchr(".,:", text.data[pos]) && digits(text, pos + 1, 1) >= 0)
		for (pos++; digits(text, pos, 1) >= 0 && width > 1; pos++) {
			width /= 10;
			ticks += digits(text, pos, 1) * width;
		}
	*ret_precision = width;
	*ret_rest = (struct text){ text.data + pos, text.size - pos };
	return ticks;
}

struct instant log_filetime(struct text text)
{
	enum { MAX_DIGITS = 19 };
	uint64_t number = 0;

	if (text.size == 0 || text.size > MAX_DIGITS)
		return (struct instant){ .state = INSTANT_UNSET };
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return (struct instant){ .state = INSTANT_INVALID };
		number = number * 10 + (uint64_t)(text.data[i] - '0');
	}
	return instant_from_filetime(number);
}

struct instant log_instant(int64_t days, int64_t ticks, int64_t precision)
{
	if (days < 0 || ticks < 0)
		return (struct instant){ 0 };
	return (struct instant){ .ticks = days * TICKS_PER_DAY + ticks,
				 .precision = precision,
				 .state = INSTANT_SET,
				 .zone = ZONE_LOCAL };
}
