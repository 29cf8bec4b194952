/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scheduled task files (Vista to 11): XML, UTF-16LE as a rule, in a tree of folders that are the
 * task's own path. Microsoft, "Task Scheduler Schema" (RegistrationInfo, Exec, ComHandler):
 *
 *   <Task ...><RegistrationInfo><Date>2017-06-14T11:22:31</Date><Author>..</Author>
 *   <URI>\Name</URI></RegistrationInfo> ... <Actions><Exec><Command>C:\x.exe</Command>
 *   <Arguments>..</Arguments></Exec></Actions></Task>
 *
 * Only these elements are looked for, wherever they stand; Date is the author's local time unless
 * it carries a zone. Each action gives a trace.
 */
#include <stdio.h>

#include "parsers/base/text.h"
#include "parsers/parser.h"
#include "parsers/windows/log_lines.h"

enum { MAX_SIZE = 4 << 20, MAX_ACTIONS = 100 };

enum task_field {
	TASK_TASK,
	TASK_PATH,
	TASK_ARGUMENTS,
	TASK_AUTHOR,
	TASK_REGISTERED,
	TASK_N_FIELDS,
};

static const struct trace_field task_fields[] = {
	[TASK_TASK] = { "task", VALUE_TEXT, ASPECT_TASK, ASPECT_NONE, "Task" },
	[TASK_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, ASPECT_NONE, "Command" },
	[TASK_ARGUMENTS] = { "arguments", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Arguments" },
	[TASK_AUTHOR] = { "author", VALUE_TEXT, ASPECT_NONE, ASPECT_NONE, "Author" },
	[TASK_REGISTERED] = { "registered", VALUE_INSTANT, ASPECT_NONE, ASPECT_NONE,
			      "Registered" },
	[TASK_N_FIELDS] = { NULL, VALUE_ABSENT, ASPECT_NONE, ASPECT_NONE, NULL },
};

static const struct trace_type task_type = {
	.name = "windows.task.file",
	.message = "Task {task} starts {path}",
	.fields = task_fields,
};

/* What follows the start tag of the first element <name>, which may have attributes. */
static struct text behind_start_tag(struct text xml, const char *name)
{
	char start[40];

	(void)snprintf(start, sizeof(start), "<%s", name);
	for (xml = log_after(xml, start); xml.size; xml = log_after(xml, start)) {
		if (xml.data[0] == '>')
			return (struct text){ xml.data + 1, xml.size - 1 };
		if (strchr(" \t\r\n", xml.data[0]))
			return log_after(xml, ">");
	}
	return (struct text){ NULL, 0 };
}

/* Content of the first element <name> in *xml, which moves behind it; {NULL, 0} without one. */
static struct text take_element(struct text *xml, const char *name)
{
	const struct text after = behind_start_tag(*xml, name);
	char end[40];
	struct text rest;

	(void)snprintf(end, sizeof(end), "</%s>", name);
	rest = log_after(after, end);
	if (!after.data || !rest.data)
		return (struct text){ NULL, 0 };
	*xml = rest;
	return (struct text){ after.data, (size_t)(rest.data - after.data) - strlen(end) };
}

/* The text of an element: the five named entities are resolved, others stay as they are. */
static struct text resolve_entities(struct arena *arena, struct text text)
{
	static const struct {
		const char *entity;
		char c;
	} entities[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' },
			 { "&apos;", '\'' } };
	char *out = text.data ? arena_alloc(arena, text.size + 1) : NULL;
	size_t used = 0;

	while (out && text.size) {
		struct text rest = { text.data + 1, text.size - 1 };
		char c = text.data[0];

		for (size_t i = 0; c == '&' && i < sizeof(entities) / sizeof(*entities); i++)
			if (log_starts(text, entities[i].entity, &rest)) {
				c = entities[i].c;
				break;
			}
		out[used++] = c;
		text = rest;
	}
	return (struct text){ out, used };
}

static struct text element(struct arena *arena, struct text xml, const char *name)
{
	return resolve_entities(arena, log_trim(take_element(&xml, name)));
}

/* The task's path, from the folder of tasks on. */
static struct text task_of_path(struct arena *arena, const char *path)
{
	const struct text rest = log_after(text_of(path), "/Tasks/");
	char *copy = rest.data ? arena_printf(arena, "\\%.*s", (int)rest.size, rest.data) : NULL;

	for (char *c = copy; c && *c; c++)
		if (*c == '/')
			*c = '\\';
	return text_of(copy);
}

static enum status emit_task(struct parse_context *ctx, const struct source *source,
			     const struct value *values, struct failure *why)
{
	const struct trace trace = {
		.type = &task_type,
		.origin = { 0, source->stream->size, 0, { NULL, 0 } },
		.recovery = source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = values,
	};

	return emit(ctx, &trace, why);
}

static enum status read_actions(struct parse_context *ctx, const struct source *source,
				struct text xml, struct value *values, struct failure *why)
{
	struct text actions = take_element(&xml, "Exec");
	enum status status = STATUS_OK;

	if (!actions.data)
		return emit_task(ctx, source, values, why);
	for (int i = 0; status == STATUS_OK && actions.data && i < MAX_ACTIONS; i++) {
		values[TASK_PATH] = value_text(element(ctx->arena, actions, "Command"));
		values[TASK_ARGUMENTS] = value_text(element(ctx->arena, actions, "Arguments"));
		status = emit_task(ctx, source, values, why);
		actions = take_element(&xml, "Exec");
	}
	return status;
}

static enum status parse(struct parse_context *ctx, const struct source *source,
			 struct failure *why)
{
	struct value values[TASK_N_FIELDS] = { 0 };
	struct span bytes;
	struct text xml, uri;
	enum status status = stream_load(source->stream, ctx->arena, MAX_SIZE, &bytes, why);

	if (status < 0)
		return status;
	if (bytes.size >= 2 &&
	    (bytes.data[1] == 0 || (bytes.data[0] == 0xff && bytes.data[1] == 0xfe)))
		xml = text_from_utf16le(ctx->arena, bytes, NULL);
	else
		xml = text_from_utf8(ctx->arena, bytes, NULL);
	if (!xml.data)
		return failure_set(why, ERR_LIMIT, "no memory for a task");
	if (!behind_start_tag(xml, "Task").data)
		return failure_set(why, ERR_FORMAT, "no task in the file");
	uri = element(ctx->arena, xml, "URI");
	values[TASK_TASK] = value_text(uri.size ? uri : task_of_path(ctx->arena, source->path));
	values[TASK_AUTHOR] = value_text(element(ctx->arena, xml, "Author"));

	const struct instant date = instant_parse(element(ctx->arena, xml, "Date"));

	if (instant_is_set(date))
		values[TASK_REGISTERED] = value_instant(date);
	return read_actions(ctx, source, xml, values, why);
}

static const char *const paths[] = { "/Windows/System32/Tasks/**", "/Windows/SysWOW64/Tasks/**",
				     NULL };
static const struct trace_type *const emits[] = { &task_type, NULL };

const struct parser task_file_parser = {
	.name = "windows.task",
	.title = "Scheduled task files",
	.versions = "Windows Vista to 11",
	.asserts = "A scheduled task of this name starts this program.",
	.paths = paths,
	.emits = emits,
	.max_input = MAX_SIZE,
	.parse_file = parse,
};
