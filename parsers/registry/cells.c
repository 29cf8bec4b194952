/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/registry/cells.h"

#include "parsers/base/cursor.h"

enum status recovered_add(struct recovered_keys *all, const struct recovered *key,
			  struct failure *why)
{
	if (all->n_keys >= LIMIT_DELETED_KEYS) {
		all->too_many = true;
		return STATUS_OK;
	}
	if (all->n_keys == all->room) {
		const size_t room = all->room ? all->room * 2 : 64;
		struct recovered *keys = realloc(all->keys, room * sizeof(*keys));

		if (!keys)
			return failure_set(why, ERR_NO_MEMORY, "deleted keys");
		all->keys = keys;
		all->room = room;
	}
	all->keys[all->n_keys++] = *key;
	return STATUS_OK;
}

/* Searches [from, to) for keys; both are multiples of 8. */
static enum status search(struct recovered_keys *all, uint64_t from, uint64_t to,
			  enum recovery recovery, struct failure *why)
{
	const struct span bytes = all->map.bytes;

	for (uint64_t at = from; at + 4 + REGF_KEY_SIZE <= to; at += 8) {
		struct recovered key = { .offset = at, .recovery = recovery };
		enum status status;

		if (memcmp(bytes.data + at + 4, "nk", 2) != 0 ||
		    !cell_is_possible_key(bytes, at, to, &key.nk))
			continue;
		status = recovered_add(all, &key, why);
		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

/* The bytes an allocated cell's record uses, with the size; 0 when that is not known. */
static uint64_t used_size(const struct regf_cell *cell)
{
	struct regf_key nk;
	struct regf_value vk;

	if (regf_read_key(cell->data, &nk))
		return 4 + REGF_KEY_SIZE + nk.name.size;
	if (regf_read_value(cell->data, &vk))
		return 4 + REGF_VALUE_SIZE + vk.name.size;
	return 0;
}

/* Searches the free cells of a bin and the slack of its keys and values. */
static enum status search_bin(struct recovered_keys *all, uint64_t start, uint64_t end,
			      struct failure *why)
{
	enum status status = STATUS_OK;
	uint64_t at = start + REGF_BIN_HEADER;

	while (at < end && status >= 0) {
		struct regf_cell cell;

		if (!regf_cell_at(all->map.bytes, (uint32_t)(at - REGF_BINS_OFFSET), &cell) ||
		    cell.size % 8 != 0 || cell.size > end - at)
			break;

		const uint64_t used = cell.allocated ? used_size(&cell) : 0;

		if (!cell.allocated)
			status = search(all, at, at + cell.size, RECOVERY_DELETED, why);
		else if (used)
			status = search(all, at + (used + 7) / 8 * 8, at + cell.size,
					RECOVERY_SLACK, why);
		at += cell.size;
	}
	return status;
}

static enum status search_bins(struct recovered_keys *all, struct failure *why)
{
	const struct span bytes = all->map.bytes;
	const uint64_t end = all->map.bins_end;
	uint64_t at = REGF_BINS_OFFSET;
	enum status status;

	while (at + REGF_BIN_HEADER <= end) {
		const uint64_t size = span_u32le(bytes, (size_t)at + 8);

		if (memcmp(bytes.data + at, "hbin", 4) != 0 || size < 4096 || size % 4096 != 0 ||
		    size > end - at) {
			at += 4096;
			continue;
		}
		status = search_bin(all, at, at + size, why);
		if (status < 0)
			return status;
		at += size;
	}
	return search(all, (end + 7) / 8 * 8, bytes.size / 8 * 8, RECOVERY_SLACK, why);
}

/*
 * A later copy of a key at the same path and time says nothing new. Below the same parent cell the
 * name is enough: a state along a log knows the path better than the free cell it left.
 */
static bool is_copy(const struct recovered *a, const struct recovered *b)
{
	return a->nk.last_written == b->nk.last_written && a->nk.parent == b->nk.parent &&
	       a->nk.n_values == b->nk.n_values && text_equal(a->name, b->name);
}

static int compare_names(struct text a, struct text b)
{
	const int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);

	return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_copies(const void *a, const void *b)
{
	const struct recovered *const *x = a, *const *y = b;
	const uint64_t s = (*x)->nk.last_written, t = (*y)->nk.last_written;

	if (s != t)
		return s < t ? -1 : 1;
	if ((*x)->nk.parent != (*y)->nk.parent)
		return (*x)->nk.parent < (*y)->nk.parent ? -1 : 1;
	if ((*x)->nk.n_values != (*y)->nk.n_values)
		return (*x)->nk.n_values < (*y)->nk.n_values ? -1 : 1;
	const int by_name = compare_names((*x)->name, (*y)->name);

	if (by_name)
		return by_name;
	/* A state along a log is kept before the free cell that it left: its values are whole. */
	if (!(*x)->fixed != !(*y)->fixed)
		return (*x)->fixed ? -1 : 1;
	return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

static int compare_offsets(const void *a, const void *b)
{
	const struct recovered *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->nk.last_written != y->nk.last_written)
		return x->nk.last_written < y->nk.last_written ? -1 : 1;
	return (int)x->recovery - (int)y->recovery;
}

static enum status drop_copies(struct recovered_keys *all, struct failure *why)
{
	CLEANUP(free_p)
	struct recovered **order = calloc(all->n_keys + 1, sizeof(struct recovered *));

	if (!order)
		return failure_set(why, ERR_NO_MEMORY, "deleted keys");
	for (size_t i = 0; i < all->n_keys; i++)
		order[i] = &all->keys[i];
	if (all->n_keys)
		qsort(order, all->n_keys, sizeof(struct recovered *), compare_copies);
	for (size_t i = 1; i < all->n_keys; i++)
		order[i]->dropped = is_copy(order[i - 1], order[i]);
	return STATUS_OK;
}

enum status cells_recover(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	struct recovered_keys *all = calloc(1, sizeof(*all));
	enum status status;

	if (!all)
		return failure_set(why, ERR_NO_MEMORY, "deleted keys");
	status = cell_map_init(&all->map, hive->image.bytes, hive->image.pages, why);
	if (status >= 0)
		status = search_bins(all, why);
	if (status >= 0)
		status = cell_paths_resolve(all, hive->arena, why);
	if (status >= 0)
		status = log_states_recover(all, hive, why);
	if (status >= 0)
		status = cell_slack_recover(all, hive->arena, why);
	if (all->n_keys)
		qsort(all->keys, all->n_keys, sizeof(*all->keys), compare_offsets);
	if (status >= 0)
		status = drop_copies(all, why);
	hive->recovered = all;
	if (all->too_many)
		note(ctx, 0, "more than %zu deleted keys: the rest is left out",
		     LIMIT_DELETED_KEYS);
	return status;
}

void cells_close(struct recovered_keys *recovered)
{
	if (!recovered)
		return;
	cell_map_clear(&recovered->map);
	free(recovered->keys);
	free(recovered->told);
	free(recovered);
}

/* Marks a cell; false when it was marked before. */
static bool tell_once(struct recovered_keys *all, uint32_t cell)
{
	const size_t bit = cell / 8;

	if (!all->told)
		all->told = calloc(all->map.bytes.size / 64 + 1, 1);
	if (!all->told || bit / 8 > all->map.bytes.size / 64 ||
	    (all->told[bit / 8] & (1U << bit % 8)))
		return false;
	all->told[bit / 8] |= (uint8_t)(1U << bit % 8);
	return true;
}

bool hive_container(struct parse_context *ctx, const struct hive *hive, const struct hive_key *key,
		    struct hive_key *ret)
{
	struct recovered_keys *all = hive->recovered;
	const uint32_t cell = key->container_cell;
	struct regf_key nk;

	if (!all || !instant_is_set(key->container_last_written) ||
	    !cell_map_key(&all->map, cell, &nk) || !tell_once(all, cell))
		return false;

	const struct hive_place place =
		hive_place_in(all->map.pages, (uint64_t)cell + REGF_BINS_OFFSET,
			      4 + REGF_KEY_SIZE + nk.name.size);

	*ret = (struct hive_key){
		.path = cell_map_path(&all->map, ctx->arena, cell),
		.last_written = instant_from_filetime(nk.last_written),
		.recovery = place.companion ? RECOVERY_LOG_REPLAYED : RECOVERY_ALLOCATED,
		.offset = place.offset,
		.size = place.size,
		.companion = place.companion,
		.whole = true,
		.path_sure = true,
		.container_cell = cell,
	};
	return ret->path.data != NULL;
}

static enum status visit_one(struct parse_context *ctx, struct hive *hive, struct arena *scratch,
			     const struct recovered *found, hive_visitor visit, void *payload,
			     struct failure *why)
{
	const struct cell_map *map = &hive->recovered->map;
	const struct hive_place place =
		hive_place_in(map->pages, found->offset, 4 + REGF_KEY_SIZE + found->nk.name.size);
	struct hive_key key = {
		.path = found->path,
		.name = found->name,
		.last_written = instant_from_filetime(found->nk.last_written),
		.recovery = found->recovery,
		.offset = place.offset,
		.size = place.size,
		.companion = place.companion,
		.whole = true,
		.path_sure = found->path_sure,
		.superseded = found->twin != REGF_NO_CELL,
		.container_last_written = found->container_last_written,
		.container_cell = found->container_cell,
	};
	const enum status status =
		cell_values_read(map, scratch, &found->nk, true, found->recovery, &key, why);

	return status < 0 ? status : visit(ctx, hive, &key, payload, why);
}

enum status cells_visit(struct parse_context *ctx, struct hive *hive,
			const struct key_pattern *pattern, hive_visitor visit, void *payload,
			bool *ret_any, struct failure *why)
{
	CLEANUP(arena_free_p) struct arena *scratch = arena_new(LIMIT_ARENA);
	const struct recovered_keys *all = hive->recovered;
	enum status status = STATUS_OK;

	if (!scratch)
		return failure_set(why, ERR_NO_MEMORY, "deleted keys");
	for (size_t i = 0; i < all->n_keys && status >= 0; i++) {
		const struct recovered *found = &all->keys[i];

		if (found->dropped || !key_pattern_fits_path(pattern, found->path))
			continue;
		*ret_any = true;
		status = found->fixed ? visit(ctx, hive, found->fixed, payload, why)
				      : visit_one(ctx, hive, scratch, found, visit, payload, why);
		arena_reset(scratch);
	}
	return status < 0 ? status : STATUS_OK;
}
