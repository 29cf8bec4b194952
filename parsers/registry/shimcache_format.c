/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value AppCompatCache. Signature at 0:
 *   0xdeadbeef  Windows XP, 32 bits: header 400; room for entries of 552: path 528, modified 8,
 *               size 8, updated 8; unused ones have no path
 *   0xbadc0ffe  2003 and Vista: header 8; entries of 24 (32 bits) or 32 (64 bits): size 2,
 *               maximum 2, [padding 4], offset 4 or 8, modified 8, flags or file size 8
 *   0xbadc0fee  Windows 7: header 128; entries of 32 or 48: as before, flags 4, shim flags 4,
 *               data size and offset 4 or 8 each
 *   0 or 128    Windows 8.0 and 8.1: header 128; entries "00ts" or "10ts", 4 unknown, size 4, path
 *               size 2, path; 8.1 also a package: size 2, text; flags 4, shim flags 4, 8.0 without
 *               a package, modified 8, data size 4, data
 *   48, 52      Windows 10, 11: header as it says; entries "10ts", 4 unknown, size 4, path size 2,
 *               path, modified 8, data size 4, data
 * Paths stand elsewhere in the cache for 2003 to 7; their offset counts from the cache's start.
 * Whether 32 or 64 bits: 64-bit entries have zero padding where 32-bit ones have the offset.
 * Source: winreg-kb, system-keys/Application-compatibility-cache.
 */
#include "parsers/registry/shimcache_format.h"

#include "parsers/base/cursor.h"

enum {
	HEADER_8 = 128,
	HEADER_10_MIN = 48,
	HEADER_10_MAX = 52,
	XP_HEADER = 400,
	XP_PATH = 528,
	XP_ENTRY = 552,
	HEADER_2003 = 8,
	HEADER_7 = 128,
	TAGGED_HEAD = 12,
};

static const uint32_t signature_xp = 0xdeadbeef, signature_2003 = 0xbadc0ffe,
		      signature_7 = 0xbadc0fee;
static const uint32_t tag_80 = 0x73743030, tag_81 = 0x73743031; /* "00ts", "10ts" */

/* Text up to its NUL. */
static struct span until_nul(struct span path)
{
	size_t size = 0;

	while (size + 1 < path.size && (path.data[size] || path.data[size + 1]))
		size += 2;
	return span_part(path, 0, size);
}

static enum status decode_xp(struct span cache, shimcache_visitor visit, void *payload,
			     struct failure *why)
{
	const uint32_t n = span_u32le(cache, 4);
	struct cursor c = cursor_over(cache, 0);
	enum status status = STATUS_OK;
	size_t position = 0;

	cursor_seek(&c, XP_HEADER);
	for (size_t i = 0; status >= 0 && i < n; i++) {
		struct shimcache_entry entry = { .offset = cursor_offset(&c) };
		const struct span path = cursor_take(&c, XP_PATH);

		entry.modified = instant_from_filetime(cursor_u64le(&c));
		cursor_skip(&c, 8);
		entry.updated = instant_from_filetime(cursor_u64le(&c));
		if (c.status < 0)
			return failure_at(why, c.status, c.base + c.pos, "entry %zu of %u", i, n);
		entry.path = until_nul(path);
		if (!entry.path.size)
			continue;
		entry.position = position++;
		status = visit(&entry, payload, why);
	}
	return status;
}

/* 2003, Vista and 7: a table of entries of one size, paths elsewhere. */
static enum status decode_table(struct span cache, size_t header, size_t size, bool wide,
				shimcache_visitor visit, void *payload, struct failure *why)
{
	const uint32_t n = span_u32le(cache, 4);
	struct cursor c = cursor_over(cache, 0);
	enum status status = STATUS_OK;

	cursor_seek(&c, header);
	for (size_t i = 0; status >= 0 && i < n; i++) {
		struct shimcache_entry entry = { .position = i, .offset = cursor_offset(&c) };
		struct cursor e = cursor_over(cursor_take(&c, size), entry.offset);
		const uint16_t path_size = cursor_u16le(&e);
		uint64_t offset;

		cursor_skip(&e, wide ? 6 : 2);
		offset = wide ? cursor_u64le(&e) : cursor_u32le(&e);
		entry.modified = instant_from_filetime(cursor_u64le(&e));
		entry.flags = cursor_u32le(&e);
		entry.has_flags = header == HEADER_7;
		if (c.status < 0 || e.status < 0)
			return failure_at(why, ERR_TRUNCATED, entry.offset, "entry %zu of %u", i,
					  n);
		if (offset <= cache.size)
			entry.path = span_part(cache, (size_t)offset, path_size);
		if (!entry.path.data)
			return failure_at(why, ERR_FORMAT, entry.offset,
					  "entry %zu: path outside the cache", i);
		status = visit(&entry, payload, why);
	}
	return status;
}

/* Whether a table's first entry is of the 64-bit form, whose padding is zero. */
static bool is_wide(struct span cache, size_t header)
{
	return span_u32le(cache, header + 4) == 0;
}

/* What stands in an entry of Windows 8 and later behind its path. */
static void read_tail(struct cursor *e, uint32_t tag, bool windows_10,
		      struct shimcache_entry *entry)
{
	if (!windows_10) {
		if (tag == tag_81)
			cursor_skip(e, cursor_u16le(e));
		entry->flags = cursor_u32le(e);
		entry->has_flags = true;
		cursor_skip(e, 4);
	}
	entry->modified = instant_from_filetime(cursor_u64le(e));
}

static enum status decode_tagged(struct span cache, size_t header, bool windows_10,
				 shimcache_visitor visit, void *payload, struct failure *why)
{
	struct cursor c = cursor_over(cache, 0);
	enum status status = STATUS_OK;

	cursor_seek(&c, header);
	for (size_t i = 0; status >= 0 && cursor_left(&c) >= TAGGED_HEAD; i++) {
		struct shimcache_entry entry = { .position = i, .offset = cursor_offset(&c) };
		const uint32_t tag = cursor_u32le(&c);
		struct cursor e;
		uint32_t size;

		if (tag == 0)
			break; /* unused rest */
		if (tag != tag_81 && tag != tag_80)
			return failure_at(why, ERR_FORMAT, entry.offset,
					  "entry %zu has the signature 0x%08x", i, tag);
		cursor_skip(&c, 4);
		size = cursor_u32le(&c);
		e = cursor_over(cursor_take(&c, size), entry.offset + TAGGED_HEAD);
		entry.path = cursor_take(&e, cursor_u16le(&e));
		read_tail(&e, tag, windows_10, &entry);
		if (c.status < 0 || e.status < 0)
			return failure_at(why, ERR_TRUNCATED, entry.offset, "entry %zu", i);
		status = visit(&entry, payload, why);
	}
	return status;
}

enum status shimcache_decode(struct span cache, shimcache_visitor visit, void *payload,
			     const char **ret_format, struct failure *why)
{
	const uint32_t signature = span_u32le(cache, 0);
	const uint32_t first_tag = span_u32le(cache, HEADER_8);

	if (cache.size < HEADER_2003)
		return failure_at(why, ERR_TRUNCATED, 0, "cache of %zu bytes", cache.size);
	if (signature == signature_xp) {
		*ret_format = "Windows XP";
		return decode_xp(cache, visit, payload, why);
	}
	if (signature == signature_2003) {
		const bool wide = is_wide(cache, HEADER_2003);

		*ret_format =
			wide ? "Windows 2003 or Vista, 64 bits" : "Windows 2003 or Vista, 32 bits";
		return decode_table(cache, HEADER_2003, wide ? 32 : 24, wide, visit, payload, why);
	}
	if (signature == signature_7) {
		const bool wide = is_wide(cache, HEADER_7);

		*ret_format = wide ? "Windows 7, 64 bits" : "Windows 7, 32 bits";
		return decode_table(cache, HEADER_7, wide ? 48 : 32, wide, visit, payload, why);
	}
	if (first_tag == tag_80 || first_tag == tag_81) {
		*ret_format = first_tag == tag_80 ? "Windows 8.0" : "Windows 8.1";
		return decode_tagged(cache, HEADER_8, false, visit, payload, why);
	}
	if (signature >= HEADER_10_MIN && signature <= HEADER_10_MAX) {
		*ret_format = "Windows 10 or 11";
		return decode_tagged(cache, signature, true, visit, payload, why);
	}
	return failure_at(why, ERR_UNSUPPORTED, 0, "cache signature 0x%08x", signature);
}
