/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_NAME_MAP_H
#define AVOUCH_ANALYZER_MATCH_NAME_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/span.h"

/* Hash tables that only grow: texts to numbers, and pairs of numbers to numbers. */

#define MAP_NONE UINT32_MAX

struct name_entry {
	struct text name; /* borrowed: lives at least as long as the map */
	uint64_t hash;
	uint32_t value;
};

struct name_map {
	struct name_entry *entries;
	size_t capacity, n;
};

/* A hash by words. The names hashed by it are our own data, or their order does no harm. */
uint64_t hash_text(struct text text);

/* MAP_NONE when there is none. */
uint32_t name_map_find(const struct name_map *map, struct text name);
/* Adds a name that is not there. False without memory. */
bool name_map_add(struct name_map *map, struct text name, uint32_t value);
void name_map_clear(struct name_map *map);

struct pair_entry {
	uint64_t key;
	uint32_t value;
	bool used;
};

struct pair_map {
	struct pair_entry *entries;
	size_t capacity, n;
};

uint32_t pair_map_find(const struct pair_map *map, uint32_t a, uint32_t b);
bool pair_map_add(struct pair_map *map, uint32_t a, uint32_t b, uint32_t value);
void pair_map_clear(struct pair_map *map);

/*
 * Room for one more item in an array that grows by doubling: capacity is implied by n (a power of
 * two). NULL without memory, and then items is untouched.
 */
void *grown(void *items, size_t n, size_t item_size);

#endif
