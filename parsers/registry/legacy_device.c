/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that once were started as legacy devices: SYSTEM\ControlSet00n\Enum\Root\
 * LEGACY_<SERVICE>\0000, values Service, DeviceDesc. Plug and Play made the key when the service
 * first started (Windows 2000 to 7), and nothing removes it when the service goes: it proves that
 * the service once ran here, not that it is there now.
 * Source: learn.microsoft.com, "HKLM\SYSTEM\CurrentControlSet\Enum Registry Tree".
 */
#include "parsers/registry/registry_trace.h"

enum { SERVICE, DESCRIPTION, CONTROL_SET, CURRENT, DEVICE_N };

static const struct trace_field fields[] = {
	[SERVICE] = FIELD_A("service", SERVICE, "Service"),
	[DESCRIPTION] = FIELD_A("description", SERVICE_NAME, "Displayed name"),
	[CONTROL_SET] = FIELD("control_set", UINT, "Control set"),
	[CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type device_type = {
	.name = "windows.registry.legacy-device",
	.message = "Service {service}[ ({description})] was once started here",
	.fields = fields,
};

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[DEVICE_N + REGISTRY_TAIL] = { 0 };
	const struct control_set set = control_set_of(ctx, hive, key);

	(void)payload;
	values[SERVICE] = key_text(ctx, key, "Service");
	values[DESCRIPTION] = key_text(ctx, key, "DeviceDesc");
	values[CONTROL_SET] = set.number;
	values[CURRENT] = set.current;
	if (values[SERVICE].kind == VALUE_ABSENT)
		return STATUS_OK;
	return emit_key(ctx, hive, key, NULL, &device_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	return visit_control_sets(ctx, hive, "Enum\\Root\\LEGACY_*\\*", read_key, NULL, why);
}

const struct parser legacy_device_parser = {
	.name = "windows.registry.legacy-device",
	.title = "Services once started (legacy devices)",
	.versions = "Windows 2000 to 7",
	.asserts = "The service was started here at least once.",
	.paths = system_hives,
	.emits = (const struct trace_type *const[]){ &device_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
