/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings that keep Windows from recording:
 *   SYSTEM\ControlSet00n\Control\Session Manager\Memory Management\PrefetchParameters
 *     EnablePrefetcher (DWORD): 0 off, 1 programs, 2 starts of the system only, 3 both
 *   SOFTWARE\Microsoft\Windows\CurrentVersion\WINEVT\Channels\<channel>
 *     Enabled (DWORD): 0 off; Type (DWORD): 0 admin, 1 operational, 2 analytic, 3 debug. Only logs
 *     of the first two kinds that are off are given: the others are off by default.
 *   SOFTWARE\Policies\Microsoft\Windows\AppCompat
 *     DisableInventory (DWORD): 1 off (the policy "Turn off Inventory Collector")
 * Only values that stand there are given; what is not set has the default of the version.
 * Source: learn.microsoft.com (prefetcher of Windows Embedded; Policy CSP ADMX_AppCompat);
 * winreg-kb, EventLog-keys.
 */
#include "parsers/registry/registry_trace.h"

enum { RECORDER, SETTING, NUMBER, CONTROL_SET, CURRENT, SETTING_N };

static const struct trace_field fields[] = {
	[RECORDER] = FIELD("recorder", TEXT, "Recorder"),
	[SETTING] = FIELD("setting", TEXT, "Setting"),
	[NUMBER] = FIELD("number", UINT, "Value"),
	[CONTROL_SET] = FIELD("control_set", UINT, "Control set"),
	[CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type setting_type = {
	.name = "windows.system.recorder-setting",
	.message = "Setting of the recorder {recorder}: {setting} is {number}",
	.fields = fields,
};

enum { CHANNEL_ANALYTIC = 2 };

struct setting {
	const char *recorder; /* NULL: the event log that the key is named after */
	const char *name;
};

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	const struct setting *setting = payload;
	const struct control_set set = control_set_of(ctx, hive, key);
	struct value values[SETTING_N + REGISTRY_TAIL] = { 0 };

	values[NUMBER] = key_number(key, setting->name);
	if (values[NUMBER].kind == VALUE_ABSENT ||
	    (!setting->recorder && (values[NUMBER].uint != 0 ||
				    key_number(key, "Type").uint >= CHANNEL_ANALYTIC)))
		return STATUS_OK;
	values[RECORDER] = value_text(setting->recorder ? text_of(setting->recorder) :
		text_of(arena_printf(ctx->arena, "event log %.*s", (int)key->name.size,
				     key->name.data ? key->name.data : "")));
	values[SETTING] = value_text(text_of(setting->name));
	values[CONTROL_SET] = set.number;
	values[CURRENT] = set.current;
	return emit_key(ctx, hive, key, key_value(key, setting->name), &setting_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	struct setting prefetch = { "prefetch", "EnablePrefetcher" };
	struct setting inventory = { "program inventory", "DisableInventory" };
	struct setting channel = { NULL, "Enabled" };
	enum status status;

	if (hive_is_root(hive, "HKLM/SYSTEM"))
		return visit_control_sets(ctx, hive,
					  "Control\\Session Manager\\Memory Management\\"
					  "PrefetchParameters",
					  read_key, &prefetch, why);
	status = visit_keys(ctx, hive, "Policies\\Microsoft\\Windows\\AppCompat", read_key,
			    &inventory, why);
	if (status < 0)
		return status;
	return visit_keys(ctx, hive, "Microsoft\\Windows\\CurrentVersion\\WINEVT\\Channels\\*",
			  read_key, &channel, why);
}

static const char *const machine_hives[] = { SOFTWARE_PATHS, SYSTEM_PATHS, NULL };

const struct parser recorder_setting_parser = {
	.name = "windows.system.recorder-setting",
	.title = "Settings of recorders",
	.versions = "Windows XP to 11",
	.asserts = "Whether prefetch, the inventory and each event log were switched on: what a "
		   "recorder that was off does not say proves nothing.",
	.paths = machine_hives,
	.emits = (const struct trace_type *const[]){ &setting_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
