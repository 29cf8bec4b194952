/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports of Windows Error Reporting (Vista to 11): Report.wer in a folder for each failure, below
 * ProgramData for services and below the user's AppData for programs. Lines "Name=Value" in
 * UTF-16LE; the layout is known from published reports of Windows 7 to 11 only:
 *
 *   EventType=APPCRASH   EventTime=129953891640935850 (FILETIME in decimal: when it failed)
 *   Sig[0].Value= program  Sig[1].Value= its version (for kinds of a program's failure)
 *   AppName=   AppPath= full path of the program   LoadedModule[0]= full path of a library in it
 *
 * A program that failed ran, and a library that was loaded in it was there, at that time.
 */
#include <stdio.h>

#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/windows/log_lines.h"

enum { MAX_SIZE = 4 << 20, MAX_MODULES = 512 };

enum report_field {
	REPORT_PATH,
	REPORT_NAME,
	REPORT_EVENT,
	REPORT_TIME,
	REPORT_PROGRAM,
	REPORT_VERSION,
	REPORT_N_FIELDS,
};

static const struct trace_field report_fields[] = {
	[REPORT_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Program" },
	[REPORT_NAME] = { "name", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Displayed name" },
	[REPORT_EVENT] = { "event", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Kind of failure" },
	[REPORT_TIME] = { "time", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Failed" },
	[REPORT_PROGRAM] = { "program", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "File" },
	[REPORT_VERSION] = { "version", VALUE_TEXT, ASPECT_VERSION, ASPECT_NONE, "Version" },
	[REPORT_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type report_type = {
	.name = "windows.wer.report",
	.message = "{path} ran and failed ({event})",
	.fields = report_fields,
};

enum module_field { MODULE_PATH, MODULE_PROGRAM, MODULE_TIME, MODULE_N_FIELDS };

static const struct trace_field module_fields[] = {
	[MODULE_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Library" },
	[MODULE_PROGRAM] = { "program", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "In program" },
	[MODULE_TIME] = { "time", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Loaded when it failed" },
	[MODULE_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type module_type = {
	.name = "windows.wer.module",
	.message = "{path} was loaded in {program} when it failed",
	.fields = module_fields,
};

struct report {
	struct value values[REPORT_N_FIELDS];
	struct log_line modules[MAX_MODULES]; /* text: the path */
	size_t n_modules;
};

static void keep_module(struct parse_context *ctx, struct report *report,
			const struct log_line *line, struct text value)
{
	if (value.size == 0 || !wants_path(ctx, value))
		return;
	if (report->n_modules == MAX_MODULES) {
		lost(ctx, line->offset, "libraries beyond the first %d", MAX_MODULES);
		return;
	}
	report->modules[report->n_modules++] =
		(struct log_line){ line->offset, line->size, value };
}

static void keep_line(struct parse_context *ctx, struct report *report, const struct log_line *line)
{
	static const struct {
		const char *name;
		enum report_field field;
	} kept[] = {
		{ "EventType=", REPORT_EVENT },	   { "AppName=", REPORT_NAME },
		{ "AppPath=", REPORT_PATH },	   { "Sig[0].Value=", REPORT_PROGRAM },
		{ "Sig[1].Value=", REPORT_VERSION },
	};
	struct text value;

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (log_starts(line->text, kept[i].name, &value) && log_trim(value).size)
			report->values[kept[i].field] = value_text(log_trim(value));
	if (log_starts(line->text, "EventTime=", &value))
		report->values[REPORT_TIME] = value_instant(log_filetime(log_trim(value)));
	else if (log_starts(line->text, "LoadedModule[", NULL))
		keep_module(ctx, report, line, log_trim(log_after(line->text, "]=")));
}

static enum status emit_report(struct parse_context *ctx, const struct source *source,
			       struct report *report, struct failure *why)
{
	const struct text program = report->values[REPORT_PROGRAM].text;
	struct trace trace = {
		.type = &report_type,
		.origin = { 0, source->stream->size, 0, { NULL, 0 } },
		.recovery = source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = report->values,
	};

	/* The signature holds a program and its version for some kinds only. */
	if (report->values[REPORT_PROGRAM].kind == VALUE_ABSENT || program.size < 4 ||
	    !text_equal_folded((struct text){ program.data + program.size - 4, 4 }, TEXT(".exe")))
		report->values[REPORT_PROGRAM] = report->values[REPORT_VERSION] =
			(struct value){ 0 };

	enum status status = emit(ctx, &trace, why);

	for (size_t i = 0; status == STATUS_OK && i < report->n_modules; i++) {
		const struct log_line *module = &report->modules[i];
		const struct value values[MODULE_N_FIELDS] = {
			[MODULE_PATH] = value_text(module->text),
			[MODULE_PROGRAM] = report->values[REPORT_PATH],
			[MODULE_TIME] = report->values[REPORT_TIME],
		};

		trace.type = &module_type;
		trace.origin = (struct origin){ module->offset, module->size, 0, { NULL, 0 } };
		trace.values = values;
		status = emit(ctx, &trace, why);
	}
	return status;
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	struct report *report = arena_alloc(ctx->arena, sizeof(*report));
	struct log_lines lines;
	struct log_line line;
	struct span bytes;
	enum status status = stream_load(source->stream, ctx->arena, MAX_SIZE, &bytes, why);

	if (status < 0)
		return status;
	if (!report)
		return failure_set(why, ERR_LIMIT, "no memory for a report");
	*report = (struct report){ 0 };
	log_lines_init(&lines, bytes);
	while (log_lines_next(&lines, ctx->arena, &line)) {
		if (!line.text.data)
			return failure_at(why, ERR_LIMIT, line.offset, "no memory for a line");
		keep_line(ctx, report, &line);
	}
	if (report->values[REPORT_EVENT].kind == VALUE_ABSENT)
		return STATUS_DECLINED; /* emptied, or never written to its end */
	return emit_report(ctx, source, report, why);
}

static const char *const paths[] = { "/ProgramData/Microsoft/Windows/WER/**/Report.wer",
				     "/Users/*/AppData/Local/Microsoft/Windows/WER/**/Report.wer",
				     NULL };
static const struct trace_type *const emits[] = { &report_type, &module_type, NULL };

const struct parser wer_parser = {
	.name = "windows.wer",
	.title = "Reports of failures",
	.versions = "Windows Vista to 11",
	.asserts = "The program ran at this time, and these libraries were loaded in it.",
	.paths = paths,
	.emits = emits,
	.max_input = MAX_SIZE,
	.parse_file = parse,
};
