/* SPDX-License-Identifier: Apache-2.0 */
/* Whether bytes that nothing vouches for are a key, a value, a list: every field is considered. */
#include "parsers/registry/cells.h"

#include "parsers/base/cursor.h"

/* Key flags of the specification, and two seen since Windows Vista (libyal's description). */
#define KNOWN_KEY_FLAGS 0x53ff
/* 1990-01-01 and 2100-01-01: the format is of 1993. */
#define EARLIEST (TICKS_PER_DAY * INT64_C(142077))
#define LATEST   (TICKS_PER_DAY * INT64_C(182256))
/* Longest names, in characters (Microsoft, "Registry element size limits"). */
enum { LONGEST_KEY_NAME = 255, LONGEST_VALUE_NAME = 16383 };

static bool is_name(struct span name, bool ascii, size_t longest)
{
	const size_t width = ascii ? 1 : 2;

	if (name.size % width != 0 || name.size / width > longest)
		return false;
	for (size_t i = 0; i < name.size; i += width) {
		const unsigned c = ascii ? name.data[i] : span_u16le(name, i);

		if (c < 0x20 || c == 0x7f || c >= 0xfffe)
			return false;
	}
	return true;
}

/* An offset of a cell in this hive. */
static bool is_cell_offset(struct span bytes, uint32_t cell)
{
	return cell % 8 == 0 && cell >= REGF_BIN_HEADER &&
	       (uint64_t)cell + REGF_BINS_OFFSET < bytes.size;
}

static bool is_cell_or_none(struct span bytes, uint32_t cell)
{
	return cell == REGF_NO_CELL || is_cell_offset(bytes, cell);
}

/* The size that stands where the cell's size stood: enough for what it held, and aligned. */
static bool is_size(struct span bytes, uint64_t offset, size_t need)
{
	const uint32_t raw = span_u32le(bytes, (size_t)offset);
	const uint32_t size = raw & UINT32_C(0x80000000) ? UINT32_C(0) - raw : raw;

	return size % 8 == 0 && size >= need + 4;
}

bool cell_is_possible_key(struct span bytes, uint64_t offset, uint64_t end, struct regf_key *ret)
{
	const struct span data = span_part(bytes, (size_t)offset + 4, (size_t)(end - offset - 4));

	if (end - offset < 4 + REGF_KEY_SIZE || !regf_read_key(data, ret))
		return false;

	const bool ascii = (ret->flags & REGF_KEY_ASCII_NAME) != 0;

	if ((ret->flags & ~KNOWN_KEY_FLAGS) != 0 || ret->last_written < (uint64_t)EARLIEST ||
	    ret->last_written > (uint64_t)LATEST)
		return false;
	if (!is_size(bytes, offset, REGF_KEY_SIZE + ret->name.size))
		return false;
	if (ret->name.size == 0 || !is_name(ret->name, ascii, LONGEST_KEY_NAME) ||
	    memchr(ret->name.data, '\\', ascii ? ret->name.size : 0))
		return false;
	if (!is_cell_offset(bytes, ret->parent) && !(ret->flags & REGF_KEY_ROOT))
		return false;
	if (ret->n_subkeys > bytes.size / 8 || ret->n_values > bytes.size / 8 ||
	    (ret->n_subkeys && !is_cell_offset(bytes, ret->subkeys_list)) ||
	    (ret->n_values && !is_cell_offset(bytes, ret->values_list)))
		return false;
	return is_cell_or_none(bytes, ret->security) &&
	       (ret->class_size == 0 || is_cell_offset(bytes, ret->class_name));
}

bool cell_is_possible_value(struct span bytes, uint64_t offset, uint64_t end,
			    struct regf_value *ret)
{
	const struct span data = span_part(bytes, (size_t)offset + 4, (size_t)(end - offset - 4));

	if (end - offset < 4 + REGF_VALUE_SIZE || !regf_read_value(data, ret))
		return false;

	const bool ascii = (ret->flags & REGF_VALUE_ASCII_NAME) != 0;

	return (ret->flags & ~3) == 0 && is_size(bytes, offset, REGF_VALUE_SIZE + ret->name.size) &&
	       is_name(ret->name, ascii, LONGEST_VALUE_NAME) && ret->data_size <= bytes.size &&
	       (ret->resident || ret->data_size == 0 || is_cell_offset(bytes, ret->data_offset));
}

/* Bytes of a cell that once stood at a relative offset, without its size. */
static struct span old_cell(const struct cell_map *map, uint32_t cell, size_t size, bool free)
{
	const uint64_t offset = (uint64_t)cell + REGF_BINS_OFFSET;
	const struct span none = { NULL, 0 };

	if (!is_cell_offset(map->bytes, cell) || map->bytes.size - offset < 4 ||
	    size > map->bytes.size - offset - 4 || !is_size(map->bytes, offset, size))
		return none;
	/* The rest of the last eight bytes belongs to the same cell. */
	if (free ? !cell_map_is_free(map, offset, 4 + size) : cell_map_is_free(map, offset, 8))
		return none;
	return span_part(map->bytes, (size_t)offset + 4, size);
}

enum { SEGMENT = 16344 };

/* Data that was cut into segments ("db"); data NULL when any of them is gone. */
static struct span big_data(const struct cell_map *map, struct arena *arena,
			    const struct regf_value *vk, struct span db, bool free)
{
	const struct span none = { NULL, 0 };
	const size_t n = span_u16le(db, 2);
	const struct span list = old_cell(map, span_u32le(db, 4), n * 4, free);
	size_t done = 0;

	if (!list.data || (vk->data_size + SEGMENT - 1) / SEGMENT != n)
		return none;

	uint8_t *data = arena_alloc(arena, vk->data_size);

	for (size_t i = 0; data && i < n; i++) {
		const size_t left = vk->data_size - done;
		const size_t size = left < SEGMENT ? left : SEGMENT;
		const struct span part = old_cell(map, span_u32le(list, i * 4), size, free);

		if (!part.data)
			return none;
		memcpy(data + done, part.data, size);
		done += size;
	}
	return data ? span_of(data, vk->data_size) : none;
}

static struct span value_data(const struct cell_map *map, struct arena *arena,
			      const struct regf_value *vk, bool free)
{
	if (vk->resident)
		return vk->resident_data;
	if (vk->data_size > SEGMENT) {
		const struct span db = old_cell(map, vk->data_offset, 8, free);

		if (db.data && memcmp(db.data, "db", 2) == 0)
			return big_data(map, arena, vk, db, free);
	}
	return old_cell(map, vk->data_offset, vk->data_size, free);
}

/* One value at a cell; false when no value stands there any more. */
static bool read_value(const struct cell_map *map, struct arena *arena, uint32_t cell, bool free,
		       enum recovery recovery, struct hive_value *ret, bool *ret_whole)
{
	const uint64_t offset = (uint64_t)cell + REGF_BINS_OFFSET;
	struct regf_value vk;

	if (!is_cell_offset(map->bytes, cell) ||
	    !cell_is_possible_value(map->bytes, offset, map->bytes.size, &vk))
		return false;

	const uint64_t size = 4 + REGF_VALUE_SIZE + vk.name.size;

	if (free ? !cell_map_is_free(map, offset, size) : cell_map_is_free(map, offset, 8))
		return false;

	const struct hive_place place = hive_place_in(map->pages, offset, size);

	*ret = (struct hive_value){
		.name = regf_value_name(arena, &vk),
		.type = vk.type,
		.offset = place.offset,
		.size = place.size,
		.companion = place.companion,
		.recovery = recovery,
	};
	if (vk.data_size)
		ret->data = value_data(map, arena, &vk, free);
	if (vk.data_size && !ret->data.data)
		*ret_whole = false;
	return ret->name.data != NULL;
}

bool cell_value_read(const struct cell_map *map, struct arena *arena, uint32_t cell, bool free,
		     enum recovery recovery, struct hive_value *ret)
{
	bool whole = true;

	return read_value(map, arena, cell, free, recovery, ret, &whole) && whole;
}

enum status cell_values_read(const struct cell_map *map, struct arena *arena,
			     const struct regf_key *nk, bool free, enum recovery recovery,
			     struct hive_key *ret, struct failure *why)
{
	struct span list;
	struct hive_value *values;

	ret->values = NULL;
	ret->n_values = 0;
	if (nk->n_values == 0)
		return STATUS_OK;
	list = old_cell(map, nk->values_list, (size_t)nk->n_values * 4, free);
	if (!list.data) {
		ret->whole = false;
		return STATUS_OK;
	}
	values = arena_array(arena, nk->n_values, sizeof(*values));
	if (!values)
		return failure_set(why, ERR_LIMIT, "values of a deleted key: memory");
	ret->values = values;
	for (uint32_t i = 0; i < nk->n_values; i++) {
		bool whole = true;

		if (read_value(map, arena, span_u32le(list, (size_t)i * 4), free, recovery,
			       &values[ret->n_values], &whole))
			ret->n_values++;
		else
			whole = false;
		if (!whole)
			ret->whole = false;
	}
	return STATUS_OK;
}
