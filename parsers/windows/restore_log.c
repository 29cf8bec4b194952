/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restore points of Windows XP: System Volume Information\_restore{GUID}\RP<n>\rp.log (libyal
 * dtformats, "Restore point formats"; kinds: Microsoft, RESTOREPOINTINFO of srrestoreptapi.h).
 *
 *   0 4 event (100 a change begins, 102 nested)   4 4 kind: 0 installation, 1 removal, 7 checkpoint,
 *   10 driver, 12 settings, 13 cancelled   8 8 number   16 description, UTF-16LE with NUL
 *   last 8 bytes: FILETIME of its making
 *
 * Made just before the change: somebody set out to install or remove what the description names.
 * Installers write "Installed NAME" and "Removed NAME"; in other languages the whole description is
 * kept for the name.
 */
#include <stdio.h>

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/windows/log_lines.h"

enum { MAX_SIZE = 64 << 10, DESCRIPTION_AT = 16, KIND_INSTALL = 0, KIND_REMOVE = 1 };

enum point_field { POINT_TEXT, POINT_PROGRAM, POINT_TIME, POINT_KIND, POINT_NUMBER, POINT_N_FIELDS };

static const struct trace_field point_fields[] = {
	[POINT_TEXT] = { "text", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Description" },
	[POINT_PROGRAM] = { "program", VALUE_TEXT, ASPECT_PROGRAM, ASPECT_NONE, "Program" },
	[POINT_TIME] = { "time", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Made" },
	[POINT_KIND] = { "kind", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Kind" },
	[POINT_NUMBER] = { "number", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Number" },
	[POINT_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type point_type = {
	.name = "windows.restore-point",
	.message = "Restore point before the change: {text}",
	.fields = point_fields,
};

/* What is installed or removed. */
static struct text program_of(struct text description)
{
	struct text name;

	if (log_starts(description, "Installed ", &name) ||
	    log_starts(description, "Removed ", &name))
		return name;
	return description;
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	struct value values[POINT_N_FIELDS] = { 0 };
	struct span bytes;
	size_t size = 0;
	enum status status = stream_load(source->stream, ctx->arena, MAX_SIZE, &bytes, why);

	if (status < 0)
		return status;
	if (bytes.size < DESCRIPTION_AT + 8)
		return failure_set(why, ERR_TRUNCATED, "restore point in %zu bytes", bytes.size);

	const struct span room =
		span_part(bytes, DESCRIPTION_AT, bytes.size - DESCRIPTION_AT - 8);
	const uint32_t kind = span_u32le(bytes, 4);

	while (room.size - size >= 2 && (room.data[size] || room.data[size + 1]))
		size += 2;

	const struct text description =
		text_from_utf16le(ctx->arena, span_part(room, 0, size), NULL);

	values[POINT_TEXT] = value_text(description);
	if (kind == KIND_INSTALL || kind == KIND_REMOVE)
		values[POINT_PROGRAM] = value_text(program_of(description));
	values[POINT_TIME] =
		value_instant(instant_from_filetime(span_u64le(bytes, bytes.size - 8)));
	values[POINT_KIND] = value_uint(kind);
	values[POINT_NUMBER] = value_uint(span_u64le(bytes, 8));

	const struct trace trace = {
		.type = &point_type,
		.origin = { 0, bytes.size, 0, { NULL, 0 } },
		.recovery = source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = values,
	};
	return emit(ctx, &trace, why);
}

static const char *const paths[] = { "/System Volume Information/_restore{*}/RP*/rp.log", NULL };
static const struct trace_type *const emits[] = { &point_type, NULL };

const struct parser restore_point_parser = {
	.name = "windows.restore-point",
	.title = "Restore points",
	.versions = "Windows XP",
	.asserts = "Somebody set out to install or remove the program at this time.",
	.paths = paths,
	.emits = emits,
	.max_input = MAX_SIZE,
	.parse_file = parse,
};
