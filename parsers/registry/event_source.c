/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may write which event log:
 *   SYSTEM\ControlSet00n\Services\EventLog\<channel>[\<source>]: EventMessageFile, File
 *   SOFTWARE\Microsoft\Windows\CurrentVersion\WINEVT\Publishers\{GUID}: default value is the
 *     provider's name, MessageFileName; WINEVT\Channels\<channel>: OwningPublisher
 * The log file itself outlives its registration.
 * Source: learn.microsoft.com "Eventlog Key"; winreg-kb, EventLog-keys.
 */
#include "parsers/registry/registry_trace.h"

enum { CHANNEL, SOURCE, MESSAGE_FILE, LOG_FILE, GUID, CONTROL_SET, CURRENT, SOURCE_N };

static const struct trace_field fields[] = {
	[CHANNEL] = FIELD_A("channel", CHANNEL, "Event log"),
	[SOURCE] = FIELD_A("source", PROVIDER, "Source"),
	[MESSAGE_FILE] = FIELD_A("message_file", PATH, "Message file"),
	[LOG_FILE] = FIELD("file", TEXT, "Log file"),
	[GUID] = FIELD("guid", TEXT, "GUID"),
	[CONTROL_SET] = FIELD("control_set", UINT, "Control set"),
	[CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type source_type = {
	.name = "windows.registry.event-source",
	.message = "Registered with event log {channel}: {source}",
	.fields = fields,
};

static enum status read_channel(struct parse_context *ctx, struct hive *hive,
				const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[SOURCE_N + REGISTRY_TAIL] = { 0 };
	const struct control_set set = control_set_of(ctx, hive, key);
	const bool source = payload != NULL;

	values[CHANNEL] = value_text(source ? path_component_back(key->path, 1) : key->name);
	if (source)
		values[SOURCE] = value_text(key->name);
	values[MESSAGE_FILE] = key_text(ctx, key, "EventMessageFile");
	values[LOG_FILE] = key_text(ctx, key, "File");
	values[GUID] = key_text(ctx, key, "ProviderGuid");
	values[CONTROL_SET] = set.number;
	values[CURRENT] = set.current;
	return emit_key(ctx, hive, key, NULL, &source_type, values, why);
}

static enum status read_publisher(struct parse_context *ctx, struct hive *hive,
				  const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[SOURCE_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[GUID] = value_text(key->name);
	values[SOURCE] = key_text(ctx, key, "");
	values[MESSAGE_FILE] = key_text(ctx, key, "MessageFileName");
	return emit_key(ctx, hive, key, NULL, &source_type, values, why);
}

static enum status read_owned(struct parse_context *ctx, struct hive *hive,
			      const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[SOURCE_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[CHANNEL] = value_text(key->name);
	values[GUID] = key_text(ctx, key, "OwningPublisher");
	return emit_key(ctx, hive, key, NULL, &source_type, values, why);
}

static enum status parse_system(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	static char is_source[] = "source";
	const enum status status =
		visit_control_sets(ctx, hive, "Services\\EventLog\\*", read_channel, NULL, why);

	if (status < 0)
		return status;
	return visit_control_sets(ctx, hive, "Services\\EventLog\\*\\*", read_channel, is_source,
				  why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	enum status status;

	if (hive_is_root(hive, "HKLM/SYSTEM"))
		return parse_system(ctx, hive, why);
	status = visit_keys(ctx, hive, "Microsoft\\Windows\\CurrentVersion\\WINEVT\\Publishers\\*",
			    read_publisher, NULL, why);
	if (status < 0)
		return status;
	return visit_keys(ctx, hive, "Microsoft\\Windows\\CurrentVersion\\WINEVT\\Channels\\*",
			  read_owned, NULL, why);
}

const struct parser event_source_parser = {
	.name = "windows.registry.event-source",
	.title = "Registered event logs and sources",
	.versions = "Windows 2000 to 11",
	.asserts = "The program's event source or channel is registered.",
	.paths = (const char *const[]){ SYSTEM_PATHS, SOFTWARE_PATHS, NULL },
	.emits = (const struct trace_type *const[]){ &source_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
