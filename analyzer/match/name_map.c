/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/name_map.h"

#include <stdlib.h>
#include <string.h>

uint64_t hash_text(struct text text)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t hash = text.size, word = 0;
	size_t i = 0;

	for (; text.size - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, text.data + i, sizeof(word));
		hash = (hash ^ word) * odd;
		hash ^= hash >> 32;
	}
	for (word = 0; i < text.size; i++)
		word = word << 8 | (unsigned char)text.data[i];
	hash = (hash ^ word) * odd;
	return hash ^ hash >> 32;
}

static uint64_t hash_number(uint64_t x)
{
	x = (x ^ (x >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ (x >> 32);
}

static void place_name(struct name_entry *entries, size_t capacity, struct name_entry entry)
{
	size_t i = entry.hash & (capacity - 1);

	while (entries[i].name.data)
		i = (i + 1) & (capacity - 1);
	entries[i] = entry;
}

uint32_t name_map_find(const struct name_map *map, struct text name)
{
	if (!map->capacity)
		return MAP_NONE;
	const uint64_t hash = hash_text(name);

	for (size_t i = hash & (map->capacity - 1); map->entries[i].name.data;
	     i = (i + 1) & (map->capacity - 1))
		if (map->entries[i].hash == hash && text_equal(map->entries[i].name, name))
			return map->entries[i].value;
	return MAP_NONE;
}

bool name_map_add(struct name_map *map, struct text name, uint32_t value)
{
	if ((map->n + 1) * 2 > map->capacity) {
		const size_t capacity = map->capacity ? map->capacity * 2 : 16;
		struct name_entry *entries = calloc(capacity, sizeof(*entries));

		if (!entries)
			return false;
		for (size_t i = 0; i < map->capacity; i++)
			if (map->entries[i].name.data)
				place_name(entries, capacity, map->entries[i]);
		free(map->entries);
		map->entries = entries;
		map->capacity = capacity;
	}
	const struct name_entry entry = { name, hash_text(name), value };

	place_name(map->entries, map->capacity, entry);
	map->n++;
	return true;
}

void name_map_clear(struct name_map *map)
{
	free(map->entries);
	*map = (struct name_map){ 0 };
}

static void place_pair(struct pair_entry *entries, size_t capacity, struct pair_entry entry)
{
	size_t i = hash_number(entry.key) & (capacity - 1);

	while (entries[i].used)
		i = (i + 1) & (capacity - 1);
	entries[i] = entry;
}

uint32_t pair_map_find(const struct pair_map *map, uint32_t a, uint32_t b)
{
	const uint64_t key = (uint64_t)a << 32 | b;

	if (!map->capacity)
		return MAP_NONE;
	for (size_t i = hash_number(key) & (map->capacity - 1); map->entries[i].used;
	     i = (i + 1) & (map->capacity - 1))
		if (map->entries[i].key == key)
			return map->entries[i].value;
	return MAP_NONE;
}

bool pair_map_add(struct pair_map *map, uint32_t a, uint32_t b, uint32_t value)
{
	if ((map->n + 1) * 2 > map->capacity) {
		const size_t capacity = map->capacity ? map->capacity * 2 : 64;
		struct pair_entry *entries = calloc(capacity, sizeof(*entries));

		if (!entries)
			return false;
		for (size_t i = 0; i < map->capacity; i++)
			if (map->entries[i].used)
				place_pair(entries, capacity, map->entries[i]);
		free(map->entries);
		map->entries = entries;
		map->capacity = capacity;
	}
	const struct pair_entry entry = { (uint64_t)a << 32 | b, value, true };

	place_pair(map->entries, map->capacity, entry);
	map->n++;
	return true;
}

void pair_map_clear(struct pair_map *map)
{
	free(map->entries);
	*map = (struct pair_map){ 0 };
}

void *grown(void *items, size_t n, size_t item_size)
{
	if (n != 0 && (n & (n - 1)) != 0)
		return items;
	return reallocarray(items, n ? n * 2 : 1, item_size);
}
