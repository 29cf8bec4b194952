/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsers that crash, hang and lie, and one that is well: built only with AVOUCH_FAULTY_PARSERS, so
 * that tests can show what each costs. Their sources are files no system has.
 */
#include <stdlib.h>
#include <unistd.h>

#include "parsers/parser.h"

static const struct trace_field fields[] = {
	{ "size", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Size" },
	{ NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};
static const struct trace_type well_type = { "faulty.well", "A file of {size} bytes", fields };
/* Listed by no parser: what a lying reader would send. */
static const struct trace_type unknown_type = { "faulty.unknown", "Nothing", fields };
static const struct trace_type *const well_types[] = { &well_type, NULL };

static enum status emit_size(struct parse_context *ctx, const struct source *source,
			     const struct trace_type *type, struct failure *why)
{
	const struct value values[] = { value_uint(source->stream->size) };
	const struct trace trace = { .type = type,
				     .origin = { .size = source->stream->size },
				     .values = values };

	return emit(ctx, &trace, why);
}

static enum status parse_well(struct parse_context *ctx, const struct source *source,
			      struct failure *why)
{
	return emit_size(ctx, source, &well_type, why);
}

static enum status parse_crash(struct parse_context *ctx, const struct source *source,
			       struct failure *why)
{
	if (emit_size(ctx, source, &well_type, why) >= 0)
		abort();
	return STATUS_OK;
}

static enum status parse_hang(struct parse_context *ctx, const struct source *source,
			      struct failure *why)
{
	const enum status status = emit_size(ctx, source, &well_type, why);

	while (status >= 0)
		(void)pause();
	return status;
}

static enum status parse_garbage(struct parse_context *ctx, const struct source *source,
				 struct failure *why)
{
	return emit_size(ctx, source, &unknown_type, why);
}

static const char *const crash_paths[] = { "/faulty/crash*.bin", NULL };
static const char *const garbage_paths[] = { "/faulty/garbage*.bin", NULL };
static const char *const hang_paths[] = { "/faulty/hang*.bin", NULL };
static const char *const well_paths[] = { "/faulty/*.bin", NULL };

const struct parser faulty_crash_parser = { .name = "faulty.crash", .title = "Crashes",
					    .versions = "none", .asserts = "Nothing.",
					    .paths = crash_paths, .emits = well_types,
					    .max_input = 1 << 20, .parse_file = parse_crash };
const struct parser faulty_garbage_parser = { .name = "faulty.garbage", .title = "Lies",
					      .versions = "none", .asserts = "Nothing.",
					      .paths = garbage_paths, .emits = well_types,
					      .max_input = 1 << 20, .parse_file = parse_garbage };
const struct parser faulty_hang_parser = { .name = "faulty.hang", .title = "Hangs",
					   .versions = "none", .asserts = "Nothing.",
					   .paths = hang_paths, .emits = well_types,
					   .max_input = 1 << 20, .parse_file = parse_hang };
const struct parser faulty_well_parser = { .name = "faulty.well", .title = "Is well",
					   .versions = "none", .asserts = "Nothing.",
					   .paths = well_paths, .emits = well_types,
					   .max_input = 1 << 20, .parse_file = parse_well };
