/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of deleted keys. A key names its parent's cell. Where a live key stands there, or another
 * deleted one, the path goes on; it is sure only if all links hold up to the root: the parent of a
 * deleted key was written when the child went, so it cannot be older than the child.
 *
 * The cell may have gone to another key meanwhile (seen in a real hive: the cell of a deleted Key2
 * was given to a new Key3_3, whose "deleted sub keys" then were those of Key2). A key keeps the
 * length of its longest sub key's name until its last sub key goes, so a parent with sub keys all
 * shorter than the deleted one is another key. A parent without sub keys keeps no such proof: the
 * path is given but not sure, unless the parent was written when the child was or right after it,
 * as happens when a tree is deleted from its leaves up.
 */
#include "parsers/registry/cells.h"

/* Stands for parents that are gone: no key has this name, since '\\' ends a name. */
static const char unknown_parent[] = "<unknown>";

static struct recovered *find_recovered(struct recovered_keys *all, uint64_t offset)
{
	size_t low = 0, high = all->n_keys;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (all->keys[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < all->n_keys && all->keys[low].offset == offset ? &all->keys[low] : NULL;
}

/* What is known of a parent. */
struct parent {
	struct text path;
	bool sure;
	uint32_t live;            /* the live key of that path, or REGF_NO_CELL */
	struct instant container; /* when the nearest live ancestor was last written */
	uint32_t container_cell;
};

static struct parent unknown(void)
{
	return (struct parent){ .path = text_of(unknown_parent), .live = REGF_NO_CELL };
}

#define MOMENT ((uint64_t)(2 * TICKS_PER_SECOND))

enum kinship cell_kinship(const struct regf_key *parent, const struct regf_key *child)
{
	const bool ascii = (child->flags & REGF_KEY_ASCII_NAME) != 0;
	const size_t name_size = child->name.size * (ascii ? 2 : 1);

	if (parent->n_subkeys == 0 || parent->longest_subkey_name == 0)
		return parent->last_written - child->last_written <= MOMENT ? KINSHIP_FITS
									    : KINSHIP_OPEN;
	return parent->longest_subkey_name >= name_size ? KINSHIP_FITS : KINSHIP_DENIED;
}

static struct parent live_parent(struct recovered_keys *all, struct arena *arena, uint32_t cell,
				 const struct regf_key *nk, const struct regf_key *child)
{
	if (!all->last_path.data || all->last_parent != cell) {
		all->last_path = cell_map_path(&all->map, arena, cell);
		all->last_parent = cell;
	}

	const struct text path = all->last_path;
	struct parent parent = { .path = path, .live = cell };

	const enum kinship kin = cell_kinship(nk, child);

	if (!path.data || kin == KINSHIP_DENIED)
		return unknown();
	parent.sure = kin == KINSHIP_FITS && nk->last_written >= child->last_written;
	if (nk->last_written >= child->last_written) {
		parent.container = instant_from_filetime(nk->last_written);
		parent.container_cell = cell;
	}
	return parent;
}

static bool resolve(struct recovered_keys *all, struct arena *arena, struct recovered *key,
		    size_t depth);

static struct parent parent_of(struct recovered_keys *all, struct arena *arena,
			       struct recovered *key, size_t depth)
{
	const uint32_t cell = key->nk.parent;
	struct recovered *above;
	struct regf_key nk;

	if (cell_map_key(&all->map, cell, &nk))
		return live_parent(all, arena, cell, &nk, &key->nk);
	above = find_recovered(all, (uint64_t)cell + REGF_BINS_OFFSET);
	if (!above || above->fixed || above->resolving || depth >= LIMIT_DEPTH ||
	    !resolve(all, arena, above, depth + 1) ||
	    cell_kinship(&above->nk, &key->nk) == KINSHIP_DENIED)
		return unknown();

	const bool fits_time = above->nk.last_written >= key->nk.last_written;

	struct parent parent = {
		.path = above->path,
		.sure = above->path_sure && fits_time,
		.live = above->twin,
	};

	if (fits_time) {
		parent.container = above->container_last_written;
		parent.container_cell = above->container_cell;
	}
	return parent;
}

/* Fills path, name, twin and sureness; false when the arena is full. */
static bool resolve(struct recovered_keys *all, struct arena *arena, struct recovered *key,
		    size_t depth)
{
	struct parent parent;
	char *path;

	if (key->resolved)
		return true;
	key->resolving = true;
	key->name = regf_key_name(arena, &key->nk);
	parent = parent_of(all, arena, key, depth);
	key->resolving = false;
	if (!key->name.data)
		return false;
	if (parent.path.size + key->name.size > LIMIT_TEXT)
		parent = unknown();
	path = arena_alloc(arena, parent.path.size + 1 + key->name.size + 1);
	if (!path)
		return false;
	memcpy(path, parent.path.data, parent.path.size);

	size_t size = parent.path.size;

	if (size)
		path[size++] = '\\';
	memcpy(path + size, key->name.data, key->name.size);
	key->path = (struct text){ path, size + key->name.size };
	key->name = (struct text){ path + size, key->name.size };
	key->path_sure = parent.sure;
	key->container_last_written = parent.container;
	key->container_cell = parent.container_cell;
	key->twin = REGF_NO_CELL;
	if (parent.live != REGF_NO_CELL)
		key->twin = cell_map_find(&all->map, arena, parent.live, key->name);
	key->resolved = true;
	return true;
}

enum status cell_paths_resolve(struct recovered_keys *all, struct arena *arena, struct failure *why)
{
	for (size_t i = 0; i < all->n_keys; i++) {
		if (!all->keys[i].fixed && !resolve(all, arena, &all->keys[i], 0))
			return failure_set(why, ERR_LIMIT, "paths of deleted keys: memory");
	}
	return STATUS_OK;
}
