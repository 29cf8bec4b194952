/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prefetch files (Windows XP to 11): a start of a program leaves its name, a hash of its path and
 * arguments, when it ran and which files it opened in its first seconds. Up to eight run times
 * from version 26 on, one before. Layout: libscca "Windows Prefetch File (PF) format"; version 31
 * and the two variants of version 30 checked against real files.
 *
 *   0 4 version   4 4 "SCCA"  12 4 size  16 60 name (at most 29 letters)  76 4 hash
 *  84 4 offset of the metrics (tells the variant)
 * 100 4 offset and  104 4 size of the file names (UTF-16LE, each NUL ended)
 * 108 4 offset and  112 4 count of the volumes
 * Volume: 0 4 offset of its path from the volumes' start  4 4 letters  8 8 created  16 4 serial
 *
 * Times are those of the start, exact. The first file name that ends in the program's name is
 * taken for its path.
 */
#include <inttypes.h>
#include <stdio.h>

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/windows/mam.h"

enum {
	NAME_OFFSET = 16,
	NAME_SIZE = 60,
	NAME_CUT = 29, /* letters of a name that may have been longer */
	HEADER = 84,
	MAX_UNPACKED = 64 << 20,
};

enum run_field {
	RUN_EXECUTABLE,
	RUN_PATH,
	RUN_RUN,
	RUN_INDEX,
	RUN_COUNT,
	RUN_HASH,
	RUN_VERSION,
	RUN_VOLUME,
	RUN_VOLUME_SERIAL,
	RUN_VOLUME_CREATED,
	RUN_N_FIELDS,
};

static const struct trace_field run_fields[] = {
	[RUN_EXECUTABLE] = { "executable", VALUE_TEXT, ASPECT_EXECUTABLE, ASPECT_NONE, "Program" },
	[RUN_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Path" },
	[RUN_RUN] = { "run", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Run" },
	[RUN_INDEX] = { "run_index", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Run (0: the last)" },
	[RUN_COUNT] = { "run_count", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Runs counted" },
	[RUN_HASH] = { "hash", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Path hash" },
	[RUN_VERSION] = { "version", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Format version" },
	[RUN_VOLUME] = { "volume", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Volume" },
	[RUN_VOLUME_SERIAL] = { "volume_serial", VALUE_UINT, ASPECT_NONE, ASPECT_NONE,
				"Volume serial number" },
	[RUN_VOLUME_CREATED] = { "volume_created", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
				 "Volume created" },
	[RUN_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type run_type = {
	.name = "windows.prefetch.run",
	.message = "{executable} ran at {run}[ ({run_count} runs in all)]",
	.fields = run_fields,
};

/* Where each version keeps the facts. */
static const struct layout {
	uint32_t version, metrics; /* metrics 0: any */
	uint16_t runs, n_runs, count;
} layouts[] = {
	{ 17, 0, 0x78, 1, 0x90 },     /* XP, 2003 */
	{ 23, 0, 0x80, 1, 0x98 },     /* Vista, 7 */
	{ 26, 0, 0x80, 8, 0xd0 },     /* 8, 8.1 */
	{ 30, 0x130, 0x80, 8, 0xd0 }, /* 10 */
	{ 30, 0x128, 0x80, 8, 0xc8 }, /* 10 from 1607 on, 11 */
	{ 31, 0x130, 0x80, 8, 0xd0 },
	{ 31, 0x128, 0x80, 8, 0xc8 }, /* 11 */
};

static const struct layout *find_layout(uint32_t version, uint32_t metrics)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		if (layouts[i].version == version &&
		    (layouts[i].metrics == 0 || layouts[i].metrics == metrics))
			return &layouts[i];
	return NULL;
}

/* Whether path ends in "\name"; a cut name may go on. */
static bool ends_in(struct text path, struct text name, bool cut)
{
	size_t start = path.size;
	struct text base;

	while (start && path.data[start - 1] != '\\')
		start--;
	base = (struct text){ path.data + start, path.size - start };
	if (cut && base.size > name.size)
		base.size = name.size;
	return text_equal_folded(base, name);
}

/* Size of the UTF-16 string at the start of s, up to its NUL. */
static size_t wide_length(struct span s)
{
	size_t n = 0;

	while (s.size - n >= 2 && (s.data[n] || s.data[n + 1]))
		n += 2;
	return n;
}

/* The program's own path among the files it opened. */
static struct text find_path(struct arena *arena, struct span file, struct text name)
{
	struct span names = span_part(file, span_u32le(file, 100), span_u32le(file, 104));
	const bool cut = name.size >= NAME_CUT;

	while (names.size >= 2) {
		const size_t size = wide_length(names);
		const struct text path = text_from_utf16le(arena, span_part(names, 0, size), NULL);

		if (path.data && path.size && ends_in(path, name, cut))
			return path;
		if (names.size - size < 2)
			break;
		names = span_part(names, size + 2, names.size - size - 2);
	}
	return (struct text){ NULL, 0 };
}

/* The first volume; nearly every program opens files of one only. */
static void read_volume(struct arena *arena, struct span file, struct value *values)
{
	const size_t start = span_u32le(file, 108);
	const struct span volume = span_part(file, start, 40);
	const size_t letters = span_u32le(volume, 4);

	if (!volume.data || span_u32le(file, 112) == 0 || letters > LIMIT_TEXT)
		return;

	const struct span path =
		span_part(span_part(file, start, file.size - start), span_u32le(volume, 0),
			  letters * 2);

	if (path.data)
		values[RUN_VOLUME] = value_text(text_from_utf16le(arena, path, NULL));
	values[RUN_VOLUME_CREATED] = value_instant(instant_from_filetime(span_u64le(volume, 8)));
	values[RUN_VOLUME_SERIAL] = value_uint(span_u32le(volume, 16));
}

static enum status emit_runs(struct parse_context *ctx, const struct source *source,
			     struct span file, const struct layout *layout, struct value *values,
			     struct failure *why)
{
	size_t n_emitted = 0;

	for (uint32_t i = 0; i <= layout->n_runs; i++) {
		const size_t at = layout->runs + 8 * (size_t)i;
		const bool last = i == layout->n_runs;
		char address[32];

		/* A file without any run time still proves that there was a run. */
		if (last ? n_emitted > 0 : span_u64le(file, at) == 0)
			continue;
		values[RUN_RUN] = last ? (struct value){ 0 } :
					 value_instant(instant_from_filetime(span_u64le(file, at)));
		values[RUN_INDEX] = value_uint(last ? 0 : i);
		(void)snprintf(address, sizeof(address), "run %u", i);

		const struct trace trace = {
			.type = &run_type,
			/* Offsets of an unpacked file are none of the bytes on disk. */
			.origin = { 0, source->stream->size, 0, text_of(address) },
			.recovery = source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
			.values = values,
		};
		const enum status status = emit(ctx, &trace, why);

		if (status < 0)
			return status;
		n_emitted++;
	}
	return STATUS_OK;
}

/* Windows names the file after what stands in it: "CMD.EXE-087B4001.pf". */
static bool is_of_file(struct arena *arena, const char *path, struct text executable,
		       const char *hash)
{
	const char *name = strrchr(path, '/');
	const char *expected = arena_printf(arena, "%.*s-%s.pf", (int)executable.size,
					    executable.data, hash);

	return name && expected && text_equal_folded(text_of(name + 1), text_of(expected));
}

static enum status read_file(struct parse_context *ctx, const struct source *source,
			     struct span file, struct failure *why)
{
	struct value values[RUN_N_FIELDS] = { 0 };
	const uint32_t version = span_u32le(file, 0), metrics = span_u32le(file, HEADER);
	const struct layout *layout = find_layout(version, metrics);
	const struct span name = span_part(file, NAME_OFFSET, NAME_SIZE);
	char hash[16];

	if (file.size < HEADER + 4 || memcmp(file.data + 4, "SCCA", 4) != 0)
		return failure_set(why, ERR_FORMAT, "no prefetch header");
	if (!layout)
		return failure_set(why, ERR_UNSUPPORTED, "prefetch version %u, metrics at 0x%x",
				   version, metrics);
	if (file.size < layout->count + 4U)
		return failure_set(why, ERR_TRUNCATED, "prefetch header in %zu bytes", file.size);
	if (span_u32le(file, 12) > file.size)
		lost(ctx, file.size, "prefetch file is %zu bytes of %u", file.size,
		     span_u32le(file, 12));

	const struct text executable =
		text_from_utf16le(ctx->arena, span_part(name, 0, wide_length(name)), NULL);

	if (!executable.data)
		return failure_set(why, ERR_LIMIT, "no memory for a name");
	(void)snprintf(hash, sizeof(hash), "%08" PRIX32, span_u32le(file, 76));
	if (source->deleted && !is_of_file(ctx->arena, source->path, executable, hash)) {
		note(ctx, 0, "the content of the deleted file is that of another");
		return STATUS_DECLINED;
	}
	values[RUN_EXECUTABLE] = value_text(executable);
	values[RUN_PATH] = value_text(find_path(ctx->arena, file, executable));
	values[RUN_COUNT] = value_uint(span_u32le(file, layout->count));
	values[RUN_HASH] = value_text(text_of(hash));
	values[RUN_VERSION] = value_uint(version);
	read_volume(ctx->arena, file, values);
	return emit_runs(ctx, source, file, layout, values, why);
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	struct span file;
	enum status status =
		stream_load(source->stream, ctx->arena, LIMIT_WHOLE_FILE, &file, why);

	if (status == STATUS_OK && mam_is(file))
		status = mam_unpack(file, ctx->arena, MAX_UNPACKED, &file, why);
	return status == STATUS_OK ? read_file(ctx, source, file, why) : status;
}

static const char *const paths[] = { "/Windows/Prefetch/*.pf", "/WINNT/Prefetch/*.pf", NULL };
static const struct trace_type *const emits[] = { &run_type, NULL };

const struct parser prefetch_parser = {
	.name = "windows.prefetch",
	.title = "Prefetch files",
	.versions = "Windows XP to 11",
	.asserts = "A program of that name and path started at these times.",
	.paths = paths,
	.emits = emits,
	.max_input = MAX_UNPACKED,
	.parse_file = parse,
};
