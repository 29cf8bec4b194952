/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scheduled tasks as the scheduler keeps them: SOFTWARE\Microsoft\Windows NT\CurrentVersion\
 * Schedule\TaskCache.
 *   Tasks\{GUID}: Path, Author, Date (text as the creator wrote it), Actions, DynamicInfo
 *     DynamicInfo: 0 version 4 (3), 4 registered FILETIME, 12 last run FILETIME, 20 state and
 *     result; 36 bytes on Windows 8 on: 28 last successful end FILETIME
 *     Actions: 0 version 2, from 2 on context (size 4, text), then per action: magic 2 (0x6666 a
 *     program), id (size 4, text), program, arguments, folder (each size 4, text)
 *   Tree\<path>: Id; a key without Id is a folder
 * The two halves and the task's file are removed apart from each other.
 * Source: winreg-kb, system-keys/Task-scheduler; cyber.wtf, "Windows registry analysis: tasks".
 */
#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"

enum { TASK, ID, PATH, ARGUMENTS, AUTHOR, DATE, REGISTERED, LAST_RUN, LAST_END, PART, TASK_N };

static const struct trace_field fields[] = {
	[TASK] = FIELD_A("task", TASK, "Task"),
	[ID] = FIELD("id", TEXT, "Id"),
	[PATH] = FIELD_A("path", PATH, "Program"),
	[ARGUMENTS] = FIELD("arguments", TEXT, "Arguments"),
	[AUTHOR] = FIELD("author", TEXT, "Author"),
	[DATE] = FIELD("date", TEXT, "Date as found"),
	[REGISTERED] = FIELD("registered", INSTANT, "Registered"),
	[LAST_RUN] = FIELD("last_run", INSTANT, "Last run"),
	[LAST_END] = FIELD("last_end", INSTANT, "Last ended"),
	[PART] = FIELD("part", TEXT, "Part"),
	REGISTRY_FIELDS,
};

static const struct trace_type task_type = {
	.name = "windows.taskcache.task",
	.message = "Task {task} is registered[ ({part})][, last run {last_run}][: {path}]",
	.fields = fields,
};

enum {
	ACTION_PROGRAM = 0x6666,
	DYNAMIC_MIN = 28,
	DYNAMIC_8 = 36,
	REGISTERED_AT = 4,
	LAST_RUN_AT = 12,
	LAST_END_AT = 28
};

static struct text sized_text(struct parse_context *ctx, struct cursor *c)
{
	const uint32_t size = cursor_u32le(c);

	return text_from_utf16le(ctx->arena, cursor_take(c, size), NULL);
}

/* The program of the first action, where that is one. */
static void read_actions(struct parse_context *ctx, const struct hive_value *actions,
			 struct value *values)
{
	struct cursor c;
	struct text program, arguments;

	if (!actions || actions->type != REGISTRY_BINARY)
		return;
	c = cursor_over(actions->data, 0);
	if (cursor_u16le(&c) >= 2)
		(void)sized_text(ctx, &c);
	if (cursor_u16le(&c) != ACTION_PROGRAM || c.status < 0)
		return;
	(void)sized_text(ctx, &c);
	program = sized_text(ctx, &c);
	arguments = sized_text(ctx, &c);
	if (c.status < 0 || !program.size)
		return;
	values[PATH] = value_text(command_program(program));
	values[ARGUMENTS] = value_text(arguments);
}

static void read_dynamic(const struct hive_value *dynamic, struct value *values)
{
	if (!dynamic || dynamic->type != REGISTRY_BINARY || dynamic->data.size < DYNAMIC_MIN)
		return;
	values[REGISTERED] =
		value_instant(instant_from_filetime(span_u64le(dynamic->data, REGISTERED_AT)));
	values[LAST_RUN] =
		value_instant(instant_from_filetime(span_u64le(dynamic->data, LAST_RUN_AT)));
	if (dynamic->data.size >= DYNAMIC_8)
		values[LAST_END] = value_instant(
			instant_from_filetime(span_u64le(dynamic->data, LAST_END_AT)));
}

static enum status read_task(struct parse_context *ctx, struct hive *hive,
			     const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[TASK_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[TASK] = key_text(ctx, key, "Path");
	values[ID] = value_text(key->name);
	values[AUTHOR] = key_text(ctx, key, "Author");
	values[DATE] = key_text(ctx, key, "Date");
	values[PART] = value_text(TEXT("task"));
	read_actions(ctx, key_value(key, "Actions"), values);
	read_dynamic(key_value(key, "DynamicInfo"), values);
	return emit_key(ctx, hive, key, NULL, &task_type, values, why);
}

static const char tree[] = "Microsoft\\Windows NT\\CurrentVersion\\Schedule\\TaskCache\\Tree\\**";

static enum status read_tree(struct parse_context *ctx, struct hive *hive,
			     const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[TASK_N + REGISTRY_TAIL] = { 0 };
	/* The path in the pattern without "\**"; what follows is the task's. */
	const size_t skip = sizeof(tree) - 1 - sizeof("\\**") + 1;

	(void)payload;
	values[ID] = key_text(ctx, key, "Id");
	if (values[ID].kind == VALUE_ABSENT || key->path.size <= skip)
		return STATUS_OK;
	values[TASK] = value_text((struct text){ key->path.data + skip, key->path.size - skip });
	values[PART] = value_text(TEXT("tree"));
	return emit_key(ctx, hive, key, NULL, &task_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	const enum status status = visit_keys(
		ctx, hive, "Microsoft\\Windows NT\\CurrentVersion\\Schedule\\TaskCache\\Tasks\\*",
		read_task, NULL, why);

	if (status < 0)
		return status;
	return visit_keys(ctx, hive, tree, read_tree, NULL, why);
}

const struct parser task_cache_parser = {
	.name = "windows.taskcache",
	.title = "Scheduled tasks in the registry",
	.versions = "Windows Vista to 11",
	.asserts = "The task is registered; when it was registered and last ran.",
	.paths = software_hives,
	.emits = (const struct trace_type *const[]){ &task_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
