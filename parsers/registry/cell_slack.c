/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values deleted from keys that live on. Deleting a value moves the later entries of its key's list
 * up by one and leaves the list's cell as long as it was, so the entries behind the last may still
 * name a value whose cell is free. It is given as an earlier state of its key, without a time: when
 * the value stood there is not known.
 */
#include "parsers/registry/cells.h"

#include "parsers/base/cursor.h"

/* Entries of slack looked at: a list shrinks one by one, and is cut when it is made anew. */
enum { MOST_SLACK = 64 };

/* How many entries a list has room for, as far as they are looked at. */
static uint32_t list_room(struct span list, uint32_t n_used)
{
	const size_t room = list.size / 4;

	return room > (size_t)n_used + MOST_SLACK ? n_used + MOST_SLACK : (uint32_t)room;
}

/* Whether the used part of a list names a cell. */
static bool is_named(struct span list, uint32_t n, uint32_t cell)
{
	for (uint32_t i = 0; i < n; i++) {
		if (span_u32le(list, (size_t)i * 4) == cell)
			return true;
	}
	return false;
}

/* The values that the slack of a key's list names; values has room for all its entries. */
static size_t slack_values(const struct cell_map *map, struct arena *arena, struct span list,
			   uint32_t n_used, struct hive_value *values)
{
	size_t n = 0;

	for (uint32_t i = n_used; i < list_room(list, n_used); i++) {
		const uint32_t cell = span_u32le(list, (size_t)i * 4);

		if (!cell_map_is_free(map, (uint64_t)cell + REGF_BINS_OFFSET, 8))
			continue;
		/* Those before it in the slack count as named too. */
		if (!is_named(list, i, cell) &&
		    cell_value_read(map, arena, cell, true, RECOVERY_SLACK, &values[n]))
			n++;
	}
	return n;
}

/* Whether any entry of the slack names a free cell: most lists end in padding. */
static bool may_hold(const struct cell_map *map, struct span list, uint32_t n_used)
{
	for (uint32_t i = n_used; i < list_room(list, n_used); i++) {
		const uint64_t cell = span_u32le(list, (size_t)i * 4);

		if (cell % 8 == 0 && cell_map_is_free(map, cell + REGF_BINS_OFFSET, 8))
			return true;
	}
	return false;
}

/* Marks an offset; false when it was already. */
static bool is_first(uint8_t *seen, uint64_t offset)
{
	const uint8_t mask = (uint8_t)(1u << (offset / 8 % 8));
	const bool first = !(seen[offset / 64] & mask);

	seen[offset / 64] |= mask;
	return first;
}

static enum status add_slack(struct recovered_keys *all, struct arena *arena, uint32_t key_cell,
			     const struct regf_key *nk, struct hive_key *key, struct failure *why)
{
	const uint64_t offset = (uint64_t)key_cell + REGF_BINS_OFFSET;
	const struct hive_place place =
		hive_place_in(all->map.pages, offset, 4 + REGF_KEY_SIZE + nk->name.size);
	struct recovered found = {
		.offset = offset,
		.nk = *nk,
		.recovery = RECOVERY_SLACK,
		.twin = key_cell,
		.fixed = key,
	};

	key->path = cell_map_path(&all->map, arena, key_cell);
	if (!key->path.data)
		return STATUS_OK;

	const struct text name = regf_key_name(arena, nk);
	const size_t name_size = name.size < key->path.size ? name.size : key->path.size;

	key->name = (struct text){ key->path.data + key->path.size - name_size, name_size };
	key->recovery = RECOVERY_SLACK;
	key->offset = place.offset;
	key->size = place.size;
	key->companion = place.companion;
	key->path_sure = true;
	key->superseded = true;
	found.path = key->path;
	found.name = key->name;
	return recovered_add(all, &found, why);
}

enum status cell_slack_recover(struct recovered_keys *all, struct arena *arena, struct failure *why)
{
	const struct cell_map *map = &all->map;
	/* A list belongs to one key: a hostile hive's keys may all name the same. */
	CLEANUP(free_p) uint8_t *seen = calloc(map->bytes.size / 64 + 1, 1);

	if (!seen)
		return failure_set(why, ERR_NO_MEMORY, "deleted values");
	for (size_t i = 0; i < map->n_live; i++) {
		struct regf_key nk;
		struct regf_cell list;
		struct hive_value *values;
		struct hive_key *key;
		enum status status;

		if (!cell_map_key(map, map->live[i].cell, &nk) || nk.n_values == 0 ||
		    !regf_cell_at(map->bytes, nk.values_list, &list) || !list.allocated ||
		    nk.n_values >= list.data.size / 4 || !is_first(seen, list.offset) ||
		    !may_hold(map, list.data, nk.n_values))
			continue;
		values = arena_array(arena, MOST_SLACK, sizeof(*values));
		key = arena_alloc(arena, sizeof(*key));
		if (!values || !key)
			return failure_set(why, ERR_LIMIT, "deleted values: memory");
		key->values = values;
		key->n_values = slack_values(map, arena, list.data, nk.n_values, values);
		if (key->n_values == 0)
			continue;
		status = add_slack(all, arena, map->live[i].cell, &nk, key, why);
		if (status < 0)
			return status;
	}
	return STATUS_OK;
}
