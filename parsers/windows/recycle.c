/* SPDX-License-Identifier: Apache-2.0 */
/*
 * $I files of the recycle bin (Vista to 11): from where a file or folder was put into the bin,
 * and when (libyal dtformats, "Recycle Bin file formats").
 *
 *   0 8 version (1: Vista to 8.1, 2: 10 and later)   8 8 size of the file
 *  16 8 FILETIME of the deletion
 *  24 version 1: 520 bytes of path, UTF-16LE; version 2: 4 count of letters with NUL, then path
 */
#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/parser.h"

enum { MAX_SIZE = 1 << 20, OLD_PATH = 520 };

enum item_field { ITEM_PATH, ITEM_DELETED, ITEM_SIZE, ITEM_VERSION, ITEM_N_FIELDS };

static const struct trace_field item_fields[] = {
	[ITEM_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Path before" },
	[ITEM_DELETED] = { "deleted", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Deleted" },
	[ITEM_SIZE] = { "size", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Size" },
	[ITEM_VERSION] = { "version", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Format version" },
	[ITEM_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type item_type = {
	.name = "windows.recycle.item",
	.message = "{path} was put into the recycle bin",
	.fields = item_fields,
};

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	struct value values[ITEM_N_FIELDS] = { 0 };
	struct span bytes, path;
	enum status status = stream_load(source->stream, ctx->arena, MAX_SIZE, &bytes, why);

	if (status < 0)
		return status;

	struct cursor c = cursor_over(bytes, 0);
	const uint64_t version = cursor_u64le(&c), size = cursor_u64le(&c);
	const struct instant deleted = instant_from_filetime(cursor_u64le(&c));

	if (c.status == STATUS_OK && version != 1 && version != 2)
		return failure_set(why, ERR_UNSUPPORTED, "recycle bin version %llu",
				   (unsigned long long)version);
	if (version == 2) {
		const uint32_t letters = cursor_u32le(&c);

		path = cursor_take(&c, letters <= MAX_SIZE ? (size_t)letters * 2 : SIZE_MAX);
	} else {
		path = cursor_take(&c, OLD_PATH);
	}
	if (c.status < 0)
		return failure_set(why, c.status, "recycle bin item in %zu bytes", bytes.size);
	/* What stands behind the first NUL of version 1 is no part of the path. */
	for (size_t i = 0; i + 1 < path.size; i += 2)
		if (path.data[i] == 0 && path.data[i + 1] == 0)
			path.size = i;
	values[ITEM_PATH] = value_text(text_from_utf16le(ctx->arena, path, NULL));
	values[ITEM_DELETED] = value_instant(deleted);
	values[ITEM_SIZE] = value_uint(size);
	values[ITEM_VERSION] = value_uint(version);

	const struct trace trace = {
		.type = &item_type,
		.origin = { 0, bytes.size, 0, { NULL, 0 } },
		.recovery = source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = values,
	};
	return emit(ctx, &trace, why);
}

static const char *const paths[] = { "/$Recycle.Bin/*/$I*", NULL };
static const struct trace_type *const emits[] = { &item_type, NULL };

const struct parser recycle_parser = {
	.name = "windows.recycle",
	.title = "Recycle bin",
	.versions = "Windows Vista to 11",
	.asserts = "A file or folder was put into the bin at this time.",
	.paths = paths,
	.emits = emits,
	.max_input = MAX_SIZE,
	.parse_file = parse,
};
