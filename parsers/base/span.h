/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_BASE_SPAN_H
#define AVOUCH_PARSERS_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes: passed by value, never freed, never kept past the call. */
struct span {
	const uint8_t *data;
	size_t size; /* bytes */
};

/* Borrowed UTF-8 text with its length; not NUL ended. */
struct text {
	const char *data;
	size_t size; /* bytes, without any NUL */
};

#define TEXT(literal) ((struct text){ (literal), sizeof(literal) - 1 })

static inline struct text text_of(const char *string)
{
	return (struct text){ string, string ? strlen(string) : 0 };
}

static inline struct span span_of(const void *data, size_t size)
{
	return (struct span){ data, size };
}

/* The part [offset, offset+size) of a span; empty (data NULL) when it does not fit whole. */
static inline struct span span_part(struct span s, size_t offset, size_t size)
{
	if (offset > s.size || size > s.size - offset)
		return (struct span){ NULL, 0 };
	return (struct span){ s.data + offset, size };
}

static inline bool text_equal(struct text a, struct text b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

#endif
