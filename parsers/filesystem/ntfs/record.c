/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/filesystem/ntfs/record.h"

#include "parsers/base/cursor.h"

/*
 * Record header
 *  0 4 "FILE"          16 2 sequence            28 4 allocated size
 *  4 2 usa offset      18 2 links               32 8 base record reference
 *  6 2 usa count       20 2 first attribute     40 2 next attribute id
 *  8 8 log sequence    22 2 flags 1 used 2 dir  44 4 entry (XP and later)
 *                      24 4 used size
 * Attribute header
 *  0 4 type   4 4 length   8 1 non-resident   9 1 name length   10 2 name offset
 *  12 2 flags  14 2 id ; resident: 16 4 size  20 2 offset
 *  non-resident: 16 8 first vcn  24 8 last vcn  32 2 runs offset  34 2 compression unit
 *  40 8 allocated  48 8 size  56 8 valid size
 */
enum { RECORD_HEADER = 42, MAX_RUNS = 4000000 };

/* Clusters of at most 2 MiB stay addressable in 63 bits. */
#define MAX_VCN (UINT64_C(1) << 42)

bool ntfs_fix_up(uint8_t *bytes, size_t size, size_t usa_offset, size_t usa_count)
{
	if (usa_count < 2 || usa_count - 1 != size / NTFS_SECTOR || usa_offset % 2 ||
	    usa_offset > NTFS_SECTOR - 2 || usa_count * 2 > size - usa_offset)
		return false;

	const uint8_t *usa = bytes + usa_offset;

	for (size_t i = 1; i < usa_count; i++)
		if (memcmp(bytes + i * NTFS_SECTOR - 2, usa, 2) != 0)
			return false;
	for (size_t i = 1; i < usa_count; i++)
		memcpy(bytes + i * NTFS_SECTOR - 2, usa + 2 * i, 2);
	return true;
}

enum status ntfs_record_open(uint8_t *bytes, size_t size, struct ntfs_record *ret,
			     struct failure *why)
{
	const struct span s = { bytes, size };

	if (size < NTFS_RECORD_MIN)
		return failure_set(why, ERR_TRUNCATED, "record of %zu bytes", size);
	if (span_u32le(s, 0) == 0)
		return STATUS_END;
	if (memcmp(bytes, "FILE", 4) != 0)
		return failure_set(why, ERR_FORMAT, "no FILE signature");
	if (!ntfs_fix_up(bytes, size, span_u16le(s, 4), span_u16le(s, 6)))
		return failure_set(why, ERR_FORMAT, "torn record (update sequence)");

	const uint16_t flags = span_u16le(s, 22);
	const struct ntfs_record record = {
		.bytes = s,
		.sequence = span_u16le(s, 16),
		.in_use = flags & 1,
		.folder = flags & 2,
		.base = span_u64le(s, 32),
		.first_attribute = span_u16le(s, 20),
	};

	if (record.first_attribute < RECORD_HEADER || record.first_attribute > size - 4)
		return failure_set(why, ERR_FORMAT, "first attribute at %u",
				   record.first_attribute);
	*ret = record;
	return STATUS_OK;
}

static bool read_resident(struct span attribute, struct ntfs_attribute *out)
{
	const uint32_t size = span_u32le(attribute, 16);

	out->value = span_part(attribute, span_u16le(attribute, 20), size);
	out->data_size = size;
	return attribute.size >= 24 && out->value.data;
}

static bool read_non_resident(struct span attribute, struct ntfs_attribute *out)
{
	const size_t runs = span_u16le(attribute, 32);

	out->first_vcn = span_u64le(attribute, 16);
	out->last_vcn = span_u64le(attribute, 24);
	out->compression_unit = span_u16le(attribute, 34);
	out->allocated_size = span_u64le(attribute, 40);
	out->data_size = span_u64le(attribute, 48);
	out->valid_size = span_u64le(attribute, 56);
	if (attribute.size < 64 || runs < 64 || runs > attribute.size)
		return false;
	out->runs = span_part(attribute, runs, attribute.size - runs);
	return true;
}

enum status ntfs_next_attribute(const struct ntfs_record *record, size_t *pos,
				struct ntfs_attribute *ret)
{
	const struct span rest = { record->bytes.data + *pos, record->bytes.size - *pos };
	const uint32_t type = span_u32le(rest, 0), length = span_u32le(rest, 4);

	if (rest.size >= 4 && type == NTFS_ATTRIBUTES_END)
		return STATUS_END;
	if (length < 16 || length % 8 || length > rest.size || type == 0)
		return ERR_FORMAT;

	const struct span whole = span_part(rest, 0, length);
	const size_t name_size = (size_t)whole.data[9] * 2;

	/* Filled in place: a copy of the whole costs more than all the rest, a million times over. */
	*ret = (struct ntfs_attribute){
		.type = type,
		.resident = whole.data[8] == 0,
		.flags = span_u16le(whole, 12),
		.id = span_u16le(whole, 14),
	};
	if (name_size) {
		ret->name = span_part(whole, span_u16le(whole, 10), name_size);
		if (!ret->name.data)
			return ERR_FORMAT;
	}
	if (!(ret->resident ? read_resident(whole, ret) : read_non_resident(whole, ret)))
		return ERR_FORMAT;
	*pos += length;
	return STATUS_OK;
}

bool ntfs_file_name_from(struct span v, struct ntfs_file_name *ret)
{
	if (v.size < 66)
		return false;

	const struct ntfs_file_name out = {
		.parent = span_u64le(v, 0),
		.created = span_u64le(v, 8),
		.modified = span_u64le(v, 16),
		.changed = span_u64le(v, 24),
		.accessed = span_u64le(v, 32),
		.size = span_u64le(v, 48),
		.attributes = span_u32le(v, 56),
		.space = v.data[65],
		.name = span_part(v, 66, (size_t)v.data[64] * 2),
	};

	if (!out.name.data || out.name.size == 0 || out.space > NTFS_NAME_BOTH)
		return false;
	*ret = out;
	return true;
}

bool ntfs_times_from(struct span v, struct ntfs_times *ret)
{
	if (v.size < 36)
		return false;
	*ret = (struct ntfs_times){
		.created = span_u64le(v, 0),
		.modified = span_u64le(v, 8),
		.changed = span_u64le(v, 16),
		.accessed = span_u64le(v, 24),
		.attributes = span_u32le(v, 32),
	};
	return true;
}

void ntfs_runs_clear(struct ntfs_runs *runs)
{
	free(runs->items);
	*runs = (struct ntfs_runs){ 0 };
}

enum status ntfs_runs_push(struct ntfs_runs *runs, struct ntfs_run run, struct failure *why)
{
	if (runs->count == runs->room) {
		const size_t room = runs->room ? runs->room * 2 : 16;

		if (room > MAX_RUNS)
			return failure_set(why, ERR_LIMIT, "more than %d data runs", MAX_RUNS);

		struct ntfs_run *items = realloc(runs->items, room * sizeof(*items));

		if (!items)
			return failure_set(why, ERR_NO_MEMORY, "no memory for data runs");
		runs->items = items;
		runs->room = room;
	}
	runs->items[runs->count++] = run;
	return STATUS_OK;
}

/* A little-endian number of 1 to 8 bytes, sign-extended. */
static int64_t signed_number(struct span s)
{
	uint64_t n = s.size && s.data[s.size - 1] & 0x80 ? UINT64_MAX : 0;

	for (size_t i = s.size; i > 0; i--)
		n = n << 8 | s.data[i - 1];
	return (int64_t)n;
}

/* One mapping pair: ret_lcn is NTFS_SPARSE without an offset. STATUS_END at the end mark. */
static enum status next_pair(struct cursor *c, uint64_t *lcn, uint64_t *ret_length,
			     uint64_t *ret_lcn)
{
	const uint8_t head = cursor_u8(c);
	const size_t n_length = head & 15, n_lcn = head >> 4;

	if (c->status < 0 || head == 0)
		return c->status < 0 ? ERR_FORMAT : STATUS_END;

	const int64_t length = signed_number(cursor_take(c, n_length));
	const int64_t delta = signed_number(cursor_take(c, n_lcn));

	if (c->status < 0 || n_length == 0 || n_length > 8 || n_lcn > 8 || length <= 0)
		return ERR_FORMAT;
	*ret_length = (uint64_t)length;
	*ret_lcn = NTFS_SPARSE;
	if (n_lcn) {
		*lcn += (uint64_t)delta;
		*ret_lcn = *lcn;
	}
	return STATUS_OK;
}

enum status ntfs_runs_add(struct ntfs_runs *runs, const struct ntfs_attribute *piece,
			  uint64_t clusters, struct failure *why)
{
	struct cursor c = cursor_over(piece->runs, 0);
	uint64_t vcn = runs->count ? runs->items[runs->count - 1].vcn +
					     runs->items[runs->count - 1].length :
				     0;
	uint64_t lcn = 0, length = 0, at = NTFS_SPARSE;
	enum status status;

	if (piece->first_vcn != vcn)
		return failure_set(why, ERR_FORMAT, "data runs start at the wrong cluster");
	while ((status = next_pair(&c, &lcn, &length, &at)) == STATUS_OK) {
		if (length > MAX_VCN - vcn)
			return failure_set(why, ERR_FORMAT, "data run too long");
		if (at != NTFS_SPARSE && clusters && (at > clusters || length > clusters - at))
			return failure_set(why, ERR_FORMAT, "data run outside the volume");
		status = ntfs_runs_push(runs, (struct ntfs_run){ vcn, length, at }, why);
		if (status < 0)
			return status;
		vcn += length;
	}
	return status == STATUS_END ? STATUS_OK :
				      failure_set(why, ERR_FORMAT, "data runs are garbled");
}
