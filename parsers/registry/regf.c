/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/registry/regf.h"

#include "parsers/base/cursor.h"

uint32_t regf_checksum(struct span bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < 508; i += 4)
		sum ^= span_u32le(bytes, i);
	/* Both end values are moved away, since the header's field treats them as "none". */
	if (sum == UINT32_MAX)
		return UINT32_MAX - 1;
	return sum == 0 ? 1 : sum;
}

bool regf_read_header(struct span bytes, struct regf_header *ret)
{
	if (bytes.size < REGF_PAGE || memcmp(bytes.data, "regf", 4) != 0)
		return false;
	*ret = (struct regf_header){
		.primary_sequence = span_u32le(bytes, 4),
		.secondary_sequence = span_u32le(bytes, 8),
		.last_written = span_u64le(bytes, 12),
		.major = span_u32le(bytes, 20),
		.minor = span_u32le(bytes, 24),
		.file_type = span_u32le(bytes, 28),
		.root_cell = span_u32le(bytes, 36),
		.bins_size = span_u32le(bytes, 40),
		.checksum = span_u32le(bytes, 508),
	};
	ret->checksum_right = ret->checksum == regf_checksum(bytes);
	return true;
}

bool regf_cell_at(struct span hive, uint32_t relative, struct regf_cell *ret)
{
	const uint64_t offset = (uint64_t)relative + REGF_BINS_OFFSET;

	if (relative == REGF_NO_CELL || offset > hive.size || hive.size - offset < 4)
		return false;

	const uint32_t raw = span_u32le(hive, (size_t)offset);
	const bool allocated = (raw & UINT32_C(0x80000000)) != 0;
	const uint32_t size = allocated ? UINT32_C(0) - raw : raw;

	if (size < 8 || size > hive.size - offset)
		return false;
	*ret = (struct regf_cell){
		.offset = offset,
		.size = size,
		.allocated = allocated,
		.data = span_part(hive, (size_t)offset + 4, size - 4),
	};
	return true;
}

/* One list that names keys; adds to *n. */
static bool read_leaf(struct span data, uint32_t *ret, size_t room, size_t *n)
{
	const size_t count = span_u16le(data, 2);
	const bool narrow = data.size >= 4 && memcmp(data.data, "li", 2) == 0;
	const size_t width = narrow ? 4 : 8;

	if (data.size < 4 ||
	    (!narrow && memcmp(data.data, "lf", 2) != 0 && memcmp(data.data, "lh", 2) != 0))
		return false;
	if (count > (data.size - 4) / width || count > room - *n)
		return false;
	for (size_t i = 0; i < count; i++)
		ret[(*n)++] = span_u32le(data, 4 + i * width);
	return true;
}

size_t regf_read_subkeys(struct span hive, uint32_t list, uint32_t *ret, size_t room)
{
	struct regf_cell cell, leaf;
	size_t n = 0;

	if (!regf_cell_at(hive, list, &cell) || cell.data.size < 4)
		return SIZE_MAX;
	if (memcmp(cell.data.data, "ri", 2) != 0)
		return read_leaf(cell.data, ret, room, &n) ? n : SIZE_MAX;

	const size_t count = span_u16le(cell.data, 2);

	if (count > (cell.data.size - 4) / 4)
		return SIZE_MAX;
	for (size_t i = 0; i < count; i++) {
		if (!regf_cell_at(hive, span_u32le(cell.data, 4 + i * 4), &leaf) ||
		    !read_leaf(leaf.data, ret, room, &n))
			return SIZE_MAX;
	}
	return n;
}

bool regf_read_key(struct span data, struct regf_key *ret)
{
	if (data.size < REGF_KEY_SIZE || memcmp(data.data, "nk", 2) != 0)
		return false;
	*ret = (struct regf_key){
		.flags = span_u16le(data, 2),
		.last_written = span_u64le(data, 4),
		.parent = span_u32le(data, 16),
		.n_subkeys = span_u32le(data, 20),
		.subkeys_list = span_u32le(data, 28),
		.n_values = span_u32le(data, 36),
		.values_list = span_u32le(data, 40),
		.security = span_u32le(data, 44),
		.class_name = span_u32le(data, 48),
		.class_size = span_u16le(data, 74),
		.longest_subkey_name = span_u16le(data, 52),
		.name = span_part(data, REGF_KEY_SIZE, span_u16le(data, 72)),
	};
	return ret->name.data != NULL;
}

bool regf_read_value(struct span data, struct regf_value *ret)
{
	if (data.size < REGF_VALUE_SIZE || memcmp(data.data, "vk", 2) != 0)
		return false;

	const uint32_t size = span_u32le(data, 4);
	const bool resident = (size & UINT32_C(0x80000000)) != 0;

	*ret = (struct regf_value){
		.data_size = size & UINT32_C(0x7fffffff),
		.resident = resident,
		.data_offset = span_u32le(data, 8),
		.type = span_u32le(data, 12),
		.flags = span_u16le(data, 16),
		.name = span_part(data, REGF_VALUE_SIZE, span_u16le(data, 2)),
	};
	if (resident && ret->data_size > 4)
		return false;
	if (resident)
		ret->resident_data = span_part(data, 8, ret->data_size);
	return ret->name.data != NULL;
}

static struct text name_text(struct arena *arena, struct span name, bool ascii)
{
	return ascii ? text_from_latin1(arena, name) : text_from_utf16le(arena, name, NULL);
}

struct text regf_key_name(struct arena *arena, const struct regf_key *key)
{
	return name_text(arena, key->name, (key->flags & REGF_KEY_ASCII_NAME) != 0);
}

struct text regf_value_name(struct arena *arena, const struct regf_value *value)
{
	return name_text(arena, value->name, (value->flags & REGF_VALUE_ASCII_NAME) != 0);
}

static void put_u32le(uint8_t *bytes, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

void regf_finish_header(uint8_t *bytes, const struct regf_header *header)
{
	put_u32le(bytes + 4, header->primary_sequence);
	put_u32le(bytes + 8, header->primary_sequence);
	put_u32le(bytes + 28, 0);
	put_u32le(bytes + 40, header->bins_size);
	put_u32le(bytes + 508, regf_checksum(span_of(bytes, REGF_PAGE)));
}
