/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scheduled tasks of the first scheduler (Windows 98 and NT 4 to 7, readable up to 10): one .job
 * file each. Microsoft, [MS-TSCH] section 2.4:
 *
 *   0 2 version of Windows (0x501: XP)  2 2 file version 1  4 16 UUID  20 2 offset of the program
 *  22 2 offset of the triggers  40 4 exit code  44 4 status  52 16 SYSTEMTIME of the last run
 *  Strings, each 2 letters with NUL, then UTF-16LE: program, arguments, folder, author, comment
 *
 * The last run is in local time (as the scheduler's programming interface has it), zero before
 * the first one. A task that stands is state; its name is that of the file.
 */
#include <stdio.h>

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/parser.h"

enum {
	MAX_SIZE = 1 << 20,
	PROGRAM_AT = 20,
	EXIT_CODE_AT = 40,
	STATUS_AT = 44,
	LAST_RUN_AT = 52,
	LAST_RUN_SIZE = 16,
	HEADER = 68,
};

enum job_field {
	JOB_TASK,
	JOB_PATH,
	JOB_ARGUMENTS,
	JOB_AUTHOR,
	JOB_COMMENT,
	JOB_LAST_RUN,
	JOB_EXIT_CODE,
	JOB_STATUS,
	JOB_N_FIELDS,
};

static const struct trace_field job_fields[] = {
	[JOB_TASK] = { "task", VALUE_TEXT, ASPECT_TASK, ASPECT_NONE, "Task" },
	[JOB_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Command" },
	[JOB_ARGUMENTS] = { "arguments", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Arguments" },
	[JOB_AUTHOR] = { "author", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Author" },
	[JOB_COMMENT] = { "comment", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Comment" },
	[JOB_LAST_RUN] = { "last_run", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE, "Last run" },
	[JOB_EXIT_CODE] = { "exit_code", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Exit code" },
	[JOB_STATUS] = { "status", VALUE_UINT, ASPECT_NONE, ASPECT_NONE, "Status" },
	[JOB_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type job_type = {
	.name = "windows.job",
	.message = "Task {task} starts {path}",
	.fields = job_fields,
};

/* The next string at the cursor; absent when it is empty. */
static struct value take_text(struct arena *arena, struct cursor *c)
{
	const size_t letters = cursor_u16le(c);
	const struct text text = text_from_utf16le(arena, cursor_take(c, letters * 2), NULL);

	return text.size ? value_text(text) : (struct value){ 0 };
}

/* The file's name without its folder and ".job". */
static struct text task_of_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct text name = text_of(slash ? slash + 1 : path);

	if (name.size > 4 && name.data[name.size - 4] == '.')
		name.size -= 4;
	return name;
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	static const uint8_t never[LAST_RUN_SIZE];
	struct value values[JOB_N_FIELDS] = { 0 };
	struct span bytes;
	enum status status = stream_load(source->stream, ctx->arena, MAX_SIZE, &bytes, why);

	if (status < 0)
		return status;
	if (bytes.size < HEADER)
		return failure_set(why, ERR_TRUNCATED, "task in %zu bytes", bytes.size);
	if (span_u16le(bytes, 2) != 1)
		return failure_at(why, ERR_UNSUPPORTED, 2, "task file version %u",
				  span_u16le(bytes, 2));

	const struct span last_run = span_part(bytes, LAST_RUN_AT, LAST_RUN_SIZE);
	struct cursor c = cursor_over(bytes, 0);

	cursor_seek(&c, span_u16le(bytes, PROGRAM_AT));
	values[JOB_TASK] = value_text(task_of_path(source->path));
	values[JOB_PATH] = take_text(ctx->arena, &c);
	values[JOB_ARGUMENTS] = take_text(ctx->arena, &c);
	(void)take_text(ctx->arena, &c); /* the folder it starts in */
	values[JOB_AUTHOR] = take_text(ctx->arena, &c);
	values[JOB_COMMENT] = take_text(ctx->arena, &c);
	if (c.status < 0)
		lost(ctx, cursor_offset(&c), "strings of the task pass the end of its file");
	if (memcmp(last_run.data, never, LAST_RUN_SIZE) != 0)
		values[JOB_LAST_RUN] =
			value_instant(instant_from_systemtime(last_run, ZONE_LOCAL));
	values[JOB_EXIT_CODE] = value_uint(span_u32le(bytes, EXIT_CODE_AT));
	values[JOB_STATUS] = value_uint(span_u32le(bytes, STATUS_AT));

	const struct trace trace = {
		.type = &job_type,
		.origin = { 0, bytes.size, 0, { NULL, 0 } },
		.recovery = source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = values,
	};
	return emit(ctx, &trace, why);
}

static const char *const paths[] = { "/Windows/Tasks/*.job", "/WINNT/Tasks/*.job", NULL };
static const struct trace_type *const emits[] = { &job_type, NULL };

const struct parser job_file_parser = {
	.name = "windows.job",
	.title = "Task files of the first scheduler",
	.versions = "Windows NT 4 to 7",
	.asserts = "A scheduled task of this name starts this program.",
	.paths = paths,
	.emits = emits,
	.max_input = MAX_SIZE,
	.parse_file = parse,
};
