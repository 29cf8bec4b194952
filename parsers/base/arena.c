/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/base/arena.h"

#include <stdarg.h>
#include <stdio.h>

struct page {
	struct page *next;
	size_t size, used;
	max_align_t data[];
};

struct arena {
	struct page *pages;
	size_t cap, used;
};

#ifdef AVOUCH_SANITIZED
static const size_t page_size = 0; /* one allocation per item */
#else
static const size_t page_size = (size_t)64 * 1024;
#endif

struct arena *arena_new(size_t cap)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena)
		arena->cap = cap;
	return arena;
}

void arena_reset(struct arena *arena)
{
	while (arena->pages) {
		struct page *next = arena->pages->next;

		free(arena->pages);
		arena->pages = next;
	}
	arena->used = 0;
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	arena_reset(arena);
	free(arena);
}

static struct page *page_for(struct arena *arena, size_t size)
{
	struct page *page = arena->pages;

	if (page && size <= page->size - page->used)
		return page;

	const size_t room = size > page_size ? size : page_size;

	page = calloc(1, sizeof(*page) + room);
	if (!page)
		return NULL;
	page->size = room;
	page->next = arena->pages;
	arena->pages = page;
	return page;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = sizeof(max_align_t);

	if (size > arena->cap - arena->used || size > SIZE_MAX / 2)
		return NULL;

	const size_t rounded = (size + align - 1) / align * align;
	struct page *page = page_for(arena, rounded ? rounded : align);

	if (!page)
		return NULL;

	void *item = (char *)page->data + page->used;

	page->used += rounded ? rounded : align;
	arena->used += size;
	return item;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return arena_alloc(arena, total);
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
	void *copy = arena_alloc(arena, size);

	if (copy && size)
		memcpy(copy, data, size);
	return copy;
}

char *arena_text(struct arena *arena, struct text text)
{
	char *copy = arena_alloc(arena, text.size + 1);

	if (copy && text.size)
		memcpy(copy, text.data, text.size);
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	int size;
	char *text;

	va_start(args, format);
	size = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (size < 0)
		return NULL;
	text = arena_alloc(arena, (size_t)size + 1);
	if (!text)
		return NULL;
	va_start(args, format);
	(void)vsnprintf(text, (size_t)size + 1, format, args); /* the size was just measured */
	va_end(args);
	return text;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}
