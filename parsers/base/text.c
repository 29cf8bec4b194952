/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/base/text.h"

#include <stdio.h>

enum { REPLACEMENT = 0xfffd, SYMBOL_FOR_NULL = 0x2400 };

/* Writes c as UTF-8; returns the bytes written (1 to 4). */
static size_t put(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static uint32_t unit_at(struct span s, size_t i)
{
	return (uint32_t)s.data[2 * i] | (uint32_t)s.data[2 * i + 1] << 8;
}

struct text text_from_utf16le(struct arena *arena, struct span bytes, bool *ret_lossy)
{
	size_t units = bytes.size / 2, used = 0;
	bool lossy = bytes.size % 2 != 0;

	while (units && unit_at(bytes, units - 1) == 0)
		units--;
	if (units > INT_MAX / 4)
		return (struct text){ NULL, 0 };

	char *out = arena_alloc(arena, units * 3 + 1);

	if (!out)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < units; i++) {
		uint32_t c = unit_at(bytes, i);

		if (c >= 0xd800 && c < 0xdc00 && i + 1 < units &&
		    (unit_at(bytes, i + 1) & 0xfc00) == 0xdc00) {
			c = 0x10000 + ((c & 0x3ff) << 10 | (unit_at(bytes, i + 1) & 0x3ff));
			i++;
		} else if (c >= 0xd800 && c < 0xe000) {
			c = REPLACEMENT;
			lossy = true;
		} else if (c == 0) {
			c = SYMBOL_FOR_NULL;
			lossy = true;
		}
		used += put(out + used, c);
	}
	out[used] = '\0';
	if (ret_lossy)
		*ret_lossy = lossy;
	return (struct text){ out, used };
}

/* The 0x80-0x9f row of Windows-1252; 0 marks the five holes. */
static const uint16_t cp1252_row[32] = {
	0x20ac, 0,	0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0,	0x017d, 0,	0,	0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,	0x017e, 0x0178,
};

struct text text_from_latin1(struct arena *arena, struct span bytes)
{
	size_t used = 0;
	char *out = bytes.size < SIZE_MAX / 4 ? arena_alloc(arena, bytes.size * 3 + 1) : NULL;

	if (!out)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < bytes.size; i++) {
		uint32_t c = bytes.data[i];

		if (c >= 0x80 && c < 0xa0 && cp1252_row[c - 0x80])
			c = cp1252_row[c - 0x80];
		used += put(out + used, c);
	}
	out[used] = '\0';
	return (struct text){ out, used };
}

/* Length of the well-formed sequence at data, 0 if malformed. */
static size_t sequence(const char *data, size_t size, uint32_t *ret)
{
	const uint8_t *b = (const uint8_t *)data;
	const size_t length = b[0] < 0x80 ? 1 :
			      b[0] < 0xc2 ? 0 :
			      b[0] < 0xe0 ? 2 :
			      b[0] < 0xf0 ? 3 :
			      b[0] < 0xf5 ? 4 :
					    0;

	if (length == 0 || length > size)
		return 0;

	uint32_t c = length == 1 ? b[0] : b[0] & (0x7fU >> length);

	for (size_t i = 1; i < length; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (b[i] & 0x3fU);
	}
	if ((length == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
	    (length == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	*ret = c;
	return length;
}

uint32_t text_next(struct text text, size_t *pos)
{
	const unsigned char first = (unsigned char)text.data[*pos];
	uint32_t c = REPLACEMENT;

	if (first < 0x80) {
		++*pos;
		return first;
	}

	const size_t length = sequence(text.data + *pos, text.size - *pos, &c);

	*pos += length ? length : 1;
	return length ? c : REPLACEMENT;
}

bool text_is_utf8(struct text text)
{
	uint32_t c;

	for (size_t pos = 0; pos < text.size;) {
		const size_t length = sequence(text.data + pos, text.size - pos, &c);

		if (length == 0)
			return false;
		pos += length;
	}
	return true;
}

struct text text_from_utf8(struct arena *arena, struct span bytes, bool *ret_lossy)
{
	const struct text in = { (const char *)bytes.data, bytes.size };
	size_t used = 0;
	char *out = bytes.size < SIZE_MAX / 4 ? arena_alloc(arena, bytes.size * 3 + 1) : NULL;

	if (!out)
		return (struct text){ NULL, 0 };
	for (size_t pos = 0; pos < in.size;)
		used += put(out + used, text_next(in, &pos));
	out[used] = '\0';
	if (ret_lossy)
		*ret_lossy = !text_is_utf8(in);
	return (struct text){ out, used };
}

uint32_t text_fold_char(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) ||
	    (c >= 0x410 && c <= 0x42f))
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if ((c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) ||
	    (c >= 0x14a && c <= 0x177) || (c >= 0x460 && c <= 0x481) || (c >= 0x48a && c <= 0x4bf))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	if (c == 0x178)
		return 0xff;
	return c;
}

struct text text_fold(struct arena *arena, struct text text)
{
	size_t used = 0;
	char *out = text.size < SIZE_MAX / 4 ? arena_alloc(arena, text.size * 3 + 1) : NULL;

	if (!out)
		return (struct text){ NULL, 0 };
	for (size_t pos = 0; pos < text.size;) {
		const unsigned char c = (unsigned char)text.data[pos];

		if (c >= 0x80) {
			used += put(out + used, text_fold_char(text_next(text, &pos)));
			continue;
		}
		out[used++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
		pos++;
	}
	out[used] = '\0';
	return (struct text){ out, used };
}

bool text_equal_folded(struct text a, struct text b)
{
	size_t i = 0, j = 0;

	while (i < a.size && j < b.size) {
		const unsigned char x = (unsigned char)a.data[i], y = (unsigned char)b.data[j];

		if ((x | y) < 0x80) {
			if (text_fold_char(x) != text_fold_char(y))
				return false;
			i++;
			j++;
		} else if (text_fold_char(text_next(a, &i)) != text_fold_char(text_next(b, &j))) {
			return false;
		}
	}
	return i == a.size && j == b.size;
}

/* Characters that could move, hide or forge what a reader sees on a line. */
static bool is_deceptive(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

struct text text_printable(struct arena *arena, struct text text)
{
	size_t used = 0;
	char *out = text.size < SIZE_MAX / 8 ? arena_alloc(arena, text.size * 6 + 1) : NULL;

	if (!out)
		return (struct text){ NULL, 0 };
	for (size_t pos = 0; pos < text.size;) {
		const uint32_t c = text_next(text, &pos);

		if (is_deceptive(c))
			used += (size_t)snprintf(out + used, 7, "\\u%04x", (unsigned)c);
		else
			used += put(out + used, c);
	}
	out[used] = '\0';
	return (struct text){ out, used };
}
