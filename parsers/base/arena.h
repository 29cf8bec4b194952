/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_BASE_ARENA_H
#define AVOUCH_PARSERS_BASE_ARENA_H

#include <stddef.h>

#include "parsers/base/cleanup.h"
#include "parsers/base/span.h"

/*
 * Memory of one source, dropped whole. Parsers take and never free. Every arena has a cap; above
 * it allocation returns NULL, which callers turn into ERR_LIMIT. Under a sanitizer each item is a
 * malloc of its own, so that overruns are seen.
 */
struct arena;

/* A new arena that gives out at most cap bytes; NULL when there is no memory. Caller frees. */
struct arena *arena_new(size_t cap);
void arena_free(struct arena *arena);
DEFINE_CLEANUP(struct arena *, arena_free, arena_free_p)

/* Forgets everything given out so far; pointers from it are dead. */
void arena_reset(struct arena *arena);

/* size zeroed bytes aligned for any type; NULL when the cap or memory is exhausted. */
void *arena_alloc(struct arena *arena, size_t size);

/* count items of size bytes; NULL also when the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

/* A NUL-ended copy of text; NULL as arena_alloc. */
char *arena_text(struct arena *arena, struct text text);

/* A copy of bytes (NULL as arena_alloc). */
void *arena_copy(struct arena *arena, const void *data, size_t size);

/* printf into the arena; NULL as arena_alloc. */
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Bytes given out since the last reset. */
size_t arena_used(const struct arena *arena);

#endif
