/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/registry/cells.h"

#include "parsers/base/cursor.h"

static void mark_free(struct cell_map *map, uint64_t from, uint64_t to)
{
	for (uint64_t i = from / 8; i < to / 8; i++)
		map->free_bits[i / 8] |= (uint8_t)(1u << (i % 8));
}

bool cell_map_is_free(const struct cell_map *map, uint64_t offset, uint64_t size)
{
	if (!map->free_bits || offset > map->bytes.size || size > map->bytes.size - offset)
		return false;
	for (uint64_t i = offset / 8; i * 8 < offset + size; i++) {
		if (!(map->free_bits[i / 8] >> (i % 8) & 1))
			return false;
	}
	return true;
}

/*
 * A hash under which names that are equal when folded are equal; letters beyond ASCII all count
 * alike.
 */
static uint32_t hash_char(uint32_t hash, uint32_t c)
{
	if (c >= 'a' && c <= 'z')
		c -= 'a' - 'A';
	return hash * 37 + (c < 0x80 ? c : 0x80);
}

static uint32_t hash_key(const struct regf_key *nk)
{
	const bool ascii = (nk->flags & REGF_KEY_ASCII_NAME) != 0;
	uint32_t hash = 0;

	for (size_t i = 0; i + (ascii ? 0 : 1) < nk->name.size; i += ascii ? 1 : 2)
		hash = hash_char(hash, ascii ? nk->name.data[i] : span_u16le(nk->name, i));
	return hash;
}

/* The same over text: a character outside the basic plane counts as its two surrogates. */
static uint32_t hash_text(struct text name)
{
	uint32_t hash = 0;

	for (size_t pos = 0; pos < name.size;) {
		const uint32_t c = text_next(name, &pos);

		hash = hash_char(hash, c);
		if (c > 0xffff)
			hash = hash_char(hash, c);
	}
	return hash;
}

static bool add_live(struct cell_map *map, size_t *room, uint32_t cell, struct span data)
{
	struct regf_key nk;

	if (!regf_read_key(data, &nk))
		return true;
	if (map->n_live == *room) {
		const size_t more = *room ? *room * 2 : 1024;
		struct live_entry *live = realloc(map->live, more * sizeof(*live));

		if (!live)
			return false;
		map->live = live;
		*room = more;
	}
	map->live[map->n_live++] = (struct live_entry){ nk.parent, hash_key(&nk), cell };
	return true;
}

/* Maps the cells of one bin. */
static bool map_bin(struct cell_map *map, uint64_t start, uint64_t end, size_t *room)
{
	uint64_t at = start + REGF_BIN_HEADER;

	while (at < end) {
		struct regf_cell cell;

		/* A cell that breaks the chain leaves the rest of its bin allocated. */
		if (!regf_cell_at(map->bytes, (uint32_t)(at - REGF_BINS_OFFSET), &cell) ||
		    cell.size % 8 != 0 || cell.size > end - at)
			return true;
		if (!cell.allocated)
			mark_free(map, at, at + cell.size);
		else if (!add_live(map, room, (uint32_t)(at - REGF_BINS_OFFSET), cell.data))
			return false;
		at += cell.size;
	}
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	const struct live_entry *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->cell < y->cell ? -1 : x->cell > y->cell;
}

enum status cell_map_init(struct cell_map *map, struct span bytes, const struct hive_page *pages,
			  struct failure *why)
{
	struct regf_header header;
	size_t room = 0;
	uint64_t at = REGF_BINS_OFFSET;

	*map = (struct cell_map){ .bytes = bytes, .pages = pages };
	if (!regf_read_header(bytes, &header))
		return failure_at(why, ERR_FORMAT, 0, "no registry hive");
	map->root_cell = header.root_cell;
	map->bins_end = (uint64_t)header.bins_size + REGF_BINS_OFFSET;
	if (map->bins_end > bytes.size)
		map->bins_end = bytes.size;
	map->free_bits = calloc(bytes.size / 64 + 2, 1);
	if (!map->free_bits)
		return failure_set(why, ERR_NO_MEMORY, "map of a hive");
	while (at + REGF_BIN_HEADER <= map->bins_end) {
		const uint64_t size = span_u32le(bytes, (size_t)at + 8);

		if (memcmp(bytes.data + at, "hbin", 4) != 0 || size < 4096 || size % 4096 != 0 ||
		    size > map->bins_end - at) {
			at += 4096;
			continue;
		}
		if (!map_bin(map, at, at + size, &room))
			return failure_set(why, ERR_NO_MEMORY, "map of a hive");
		at += size;
	}
	mark_free(map, map->bins_end, bytes.size / 8 * 8);
	if (map->n_live)
		qsort(map->live, map->n_live, sizeof(*map->live), compare_entries);
	return STATUS_OK;
}

void cell_map_clear(struct cell_map *map)
{
	free(map->free_bits);
	free(map->live);
	*map = (struct cell_map){ 0 };
}

bool cell_map_key(const struct cell_map *map, uint32_t cell, struct regf_key *ret)
{
	struct regf_cell found;

	return cell % 8 == 0 && regf_cell_at(map->bytes, cell, &found) && found.allocated &&
	       !cell_map_is_free(map, found.offset, 8) && regf_read_key(found.data, ret);
}

uint32_t cell_map_find(const struct cell_map *map, struct arena *scratch, uint32_t parent,
		       struct text name)
{
	const uint32_t hash = hash_text(name);
	size_t low = 0, high = map->n_live;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const struct live_entry *entry = &map->live[middle];

		if (entry->parent < parent || (entry->parent == parent && entry->hash < hash))
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < map->n_live; low++) {
		const struct live_entry *entry = &map->live[low];
		struct regf_key nk;

		if (entry->parent != parent || entry->hash != hash)
			break;
		if (cell_map_key(map, entry->cell, &nk) &&
		    text_equal_folded(regf_key_name(scratch, &nk), name))
			return entry->cell;
	}
	return REGF_NO_CELL;
}

/* The root: where the header points. */
static bool is_root(const struct cell_map *map, uint32_t cell)
{
	return cell == map->root_cell;
}

struct text cell_map_path(const struct cell_map *map, struct arena *arena, uint32_t cell)
{
	const struct text none = { NULL, 0 };
	struct text path = { "", 0 };

	for (size_t depth = 0; depth < LIMIT_DEPTH; depth++) {
		struct regf_key nk;

		if (!cell_map_key(map, cell, &nk))
			return none;
		if (is_root(map, cell))
			return path;

		const struct text name = regf_key_name(arena, &nk);
		const char *longer = name.data && name.size + path.size < LIMIT_TEXT
					     ? arena_printf(arena, path.size ? "%s\\%s" : "%s%s",
							    name.data, path.data)
					     : NULL;

		if (!longer)
			return none;
		path = text_of(longer);
		cell = nk.parent;
	}
	return none;
}
