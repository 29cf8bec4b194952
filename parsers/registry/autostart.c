/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that Windows starts or finds by name, in SOFTWARE and users' hives, both views:
 *   Microsoft\Windows\CurrentVersion\Run, RunOnce, RunServices, Policies\Explorer\Run
 *     value name: any; data: command line
 *   Microsoft\Windows\CurrentVersion\App Paths\<name.exe>      default value: path
 *   Microsoft\Windows\CurrentVersion\SharedDLLs                value name: path; data: users
 * Source: learn.microsoft.com "Run and RunOnce Registry Keys", "Application Registration",
 * winreg-kb system-keys/Run-and-RunOnce.
 */
#include "parsers/registry/registry_trace.h"

enum { NAME, COMMAND, COMMAND_LINE, LIST, VIEW, USER, START_N };

static const struct trace_field start_fields[] = {
	[NAME] = FIELD("name", TEXT, "Name"),
	[COMMAND] = FIELD_A("command", PATH, "Program"),
	[COMMAND_LINE] = FIELD("command_line", TEXT, "Command line"),
	[LIST] = FIELD("list", TEXT, "List"),
	[VIEW] = FIELD("view", TEXT, "View"),
	[USER] = FIELD("user", TEXT, "User"),
	REGISTRY_FIELDS,
};

static const struct trace_type start_type = {
	.name = "windows.registry.autostart",
	.message = "{command} is started at logon ({list} {name})",
	.fields = start_fields,
};

enum { APP_NAME, APP_PATH, APP_VIEW, APP_USER, APP_N };

static const struct trace_field app_fields[] = {
	[APP_NAME] = FIELD_A("name", EXECUTABLE, "Name"),
	[APP_PATH] = FIELD_A("path", PATH, "Program"),
	[APP_VIEW] = FIELD("view", TEXT, "View"),
	[APP_USER] = FIELD("user", TEXT, "User"),
	REGISTRY_FIELDS,
};

static const struct trace_type app_type = {
	.name = "windows.registry.app-path",
	.message = "{name} is registered at {path}",
	.fields = app_fields,
};

enum { SHARED_PATH, SHARED_COUNT, SHARED_VIEW, SHARED_N };

static const struct trace_field shared_fields[] = {
	[SHARED_PATH] = FIELD_A("path", PATH, "File"),
	[SHARED_COUNT] = FIELD("count", UINT, "Users"),
	[SHARED_VIEW] = FIELD("view", TEXT, "View"),
	REGISTRY_FIELDS,
};

static const struct trace_type shared_type = {
	.name = "windows.registry.shared-file",
	.message = "{path} is registered as shared by {count} programs",
	.fields = shared_fields,
};

static enum status read_run(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	enum status status = STATUS_OK;

	(void)payload;
	for (size_t i = 0; status >= 0 && i < key->n_values; i++) {
		struct value values[START_N + REGISTRY_TAIL] = { 0 };
		const struct text command = hive_value_text(ctx, &key->values[i]);

		if (!command.size)
			continue;
		values[NAME] = value_text(key->values[i].name);
		values[COMMAND] = value_text(command_program(command));
		values[COMMAND_LINE] = value_text(command);
		values[LIST] = value_text(key->name);
		values[VIEW] = key_view(hive, key);
		values[USER] = hive_user(ctx, hive);
		status = emit_key(ctx, hive, key, &key->values[i], &start_type, values, why);
	}
	return status;
}

static enum status read_app(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[APP_N + REGISTRY_TAIL] = { 0 };
	const struct text path = key_text(ctx, key, "").text;

	(void)payload;
	values[APP_NAME] = value_text(key->name);
	if (path.size)
		values[APP_PATH] = value_text(command_program(path));
	values[APP_VIEW] = key_view(hive, key);
	values[APP_USER] = hive_user(ctx, hive);
	return emit_key(ctx, hive, key, NULL, &app_type, values, why);
}

static enum status read_shared(struct parse_context *ctx, struct hive *hive,
			       const struct hive_key *key, void *payload, struct failure *why)
{
	enum status status = STATUS_OK;
	uint64_t count;

	(void)payload;
	for (size_t i = 0; status >= 0 && i < key->n_values; i++) {
		struct value values[SHARED_N + REGISTRY_TAIL] = { 0 };

		if (!key->values[i].name.size)
			continue;
		values[SHARED_PATH] = value_text(key->values[i].name);
		if (hive_value_number(&key->values[i], &count))
			values[SHARED_COUNT] = value_uint(count);
		values[SHARED_VIEW] = key_view(hive, key);
		status = emit_key(ctx, hive, key, &key->values[i], &shared_type, values, why);
	}
	return status;
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	static const struct key_place places[] = {
		{ "Microsoft\\Windows\\CurrentVersion\\Run", read_run },
		{ "Microsoft\\Windows\\CurrentVersion\\RunOnce*", read_run },
		{ "Microsoft\\Windows\\CurrentVersion\\RunServices*", read_run },
		{ "Microsoft\\Windows\\CurrentVersion\\Policies\\Explorer\\Run", read_run },
		{ "Microsoft\\Windows\\CurrentVersion\\App Paths\\*", read_app },
		{ "Microsoft\\Windows\\CurrentVersion\\SharedDLLs", read_shared },
	};

	return visit_places(visit_software, ctx, hive, places, sizeof(places) / sizeof(*places),
			    NULL, why);
}

const struct parser autostart_parser = {
	.name = "windows.registry.autostart",
	.title = "Programs started at logon, program paths, shared files",
	.versions = "Windows 2000 to 11",
	.asserts = "The program or file is registered there.",
	.paths = software_and_user_hives,
	.emits = (const struct trace_type *const[]){ &start_type, &app_type, &shared_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
