/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which control set is the current one (SYSTEM\Select: Current, Default, Failed, LastKnownGood)
 * and when the system was last shut down (SYSTEM\ControlSet00n\Control\Windows, value
 * ShutdownTime: FILETIME in 8 bytes, written near the end of an orderly shutdown).
 * Source: winreg-kb, system-keys/Current-control-set.
 */
#include "parsers/registry/registry_trace.h"

enum { CURRENT, DEFAULT, FAILED, LAST_KNOWN_GOOD, SELECT_N };

static const struct trace_field select_fields[] = {
	[CURRENT] = FIELD("current", UINT, "Current"),
	[DEFAULT] = FIELD("default", UINT, "Default"),
	[FAILED] = FIELD("failed", UINT, "Failed"),
	[LAST_KNOWN_GOOD] = FIELD("last_known_good", UINT, "Last known good"),
	REGISTRY_FIELDS,
};

static const struct trace_type select_type = {
	.name = "windows.system.control-set",
	.message = "Control set {current} is current",
	.fields = select_fields,
};

enum { TIME, SHUTDOWN_SET, SHUTDOWN_CURRENT, SHUTDOWN_N };

static const struct trace_field shutdown_fields[] = {
	[TIME] = FIELD("time", INSTANT, "Shut down"),
	[SHUTDOWN_SET] = FIELD("control_set", UINT, "Control set"),
	[SHUTDOWN_CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type shutdown_type = {
	.name = "windows.system.shutdown",
	.message = "The system was last shut down in order at {time}",
	.fields = shutdown_fields,
};

static enum status read_select(struct parse_context *ctx, struct hive *hive,
			       const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[SELECT_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[CURRENT] = key_number(key, "Current");
	values[DEFAULT] = key_number(key, "Default");
	values[FAILED] = key_number(key, "Failed");
	values[LAST_KNOWN_GOOD] = key_number(key, "LastKnownGood");
	return emit_key(ctx, hive, key, NULL, &select_type, values, why);
}

static enum status read_shutdown(struct parse_context *ctx, struct hive *hive,
				 const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[SHUTDOWN_N + REGISTRY_TAIL] = { 0 };
	const struct control_set set = control_set_of(ctx, hive, key);

	(void)payload;
	values[TIME] = key_filetime(key, "ShutdownTime");
	values[SHUTDOWN_SET] = set.number;
	values[SHUTDOWN_CURRENT] = set.current;
	if (values[TIME].kind == VALUE_ABSENT)
		return STATUS_OK;
	return emit_key(ctx, hive, key, key_value(key, "ShutdownTime"), &shutdown_type, values,
			why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	const enum status status = visit_keys(ctx, hive, "Select", read_select, NULL, why);

	if (status < 0)
		return status;
	return visit_control_sets(ctx, hive, "Control\\Windows", read_shutdown, NULL, why);
}

const struct parser control_set_parser = {
	.name = "windows.system.control-set",
	.title = "Control sets and last shutdown",
	.versions = "Windows 2000 to 11",
	.asserts = "Which settings are in force, and when the system last went down in order.",
	.paths = system_hives,
	.emits = (const struct trace_type *const[]){ &select_type, &shutdown_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
