/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PcaAppLaunchDic.txt of the Program Compatibility Assistant (Windows 11 22H2 and later): one line
 * for each program started from the desktop, "path|YYYY-MM-DD hh:mm:ss.mmm", the last start in
 * UTC (Andrew Rathbun and Lucas Gonzalez, "New Windows 11 Pro (22H2) Evidence of Execution
 * Artifact"). Text in Windows-1252 or UTF-16LE.
 */
#include <inttypes.h>
#include <stdio.h>

#include "parsers/parser.h"
#include "parsers/windows/log_lines.h"

enum { MAX_SIZE = 64 << 20 };

enum launch_field { LAUNCH_PATH, LAUNCH_RUN, LAUNCH_N_FIELDS };

static const struct trace_field launch_fields[] = {
	[LAUNCH_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Path" },
	[LAUNCH_RUN] = { "run", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Last run" },
	[LAUNCH_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type launch_type = {
	.name = "windows.pca.launch",
	.message = "{path} was started",
	.fields = launch_fields,
};

static struct instant read_run(struct text text)
{
	int64_t precision = TICKS_PER_SECOND;
	struct text rest;
	const int64_t days = log_date(text, &rest);

	if (days < 0)
		return (struct instant){ 0 };

	const int64_t ticks = log_time(log_trim(rest), &precision, &rest);
	struct instant run = log_instant(days, ticks, precision);

	run.zone = ZONE_UTC;
	return run;
}

static enum status emit_launch(struct parse_context *ctx, const struct source *source,
			       const struct log_line *line, uint64_t number, struct failure *why)
{
	const struct text text = line->text;
	struct value values[LAUNCH_N_FIELDS] = { 0 };
	char address[32];
	size_t bar = text.size;

	while (bar && text.data[bar - 1] != '|')
		bar--;
	if (bar < 2)
		return STATUS_OK;
	(void)snprintf(address, sizeof(address), "line %" PRIu64, number);
	values[LAUNCH_PATH] = value_text((struct text){ text.data, bar - 1 });
	values[LAUNCH_RUN] = value_instant(
		read_run((struct text){ text.data + bar, text.size - bar }));

	const struct trace trace = {
		.type = &launch_type,
		.origin = { line->offset, line->size, 0, text_of(address) },
		.recovery = source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = values,
	};
	return emit(ctx, &trace, why);
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	struct log_lines lines;
	struct log_line line;
	struct span bytes;
	uint64_t number = 0;
	enum status status = stream_load(source->stream, ctx->arena, MAX_SIZE, &bytes, why);

	if (status < 0)
		return status;
	log_lines_init(&lines, bytes);
	while (status == STATUS_OK && log_lines_next(&lines, ctx->arena, &line)) {
		if (!line.text.data)
			return failure_set(why, ERR_LIMIT, "no memory for a line");
		status = emit_launch(ctx, source, &line, ++number, why);
	}
	return status;
}

static const char *const paths[] = { "/Windows/appcompat/pca/PcaAppLaunchDic.txt", NULL };
static const struct trace_type *const emits[] = { &launch_type, NULL };

const struct parser pca_parser = {
	.name = "windows.pca",
	.title = "Program Compatibility Assistant launches",
	.versions = "Windows 11",
	.asserts = "A program was last started from the desktop at this time.",
	.paths = paths,
	.emits = emits,
	.max_input = MAX_SIZE,
	.parse_file = parse,
};
