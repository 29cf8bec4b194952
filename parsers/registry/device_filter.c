/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drivers that stand in the way of devices and networks, in a SYSTEM hive:
 *   ControlSet00n\Control\Class\{GUID}: UpperFilters, LowerFilters (MULTI_SZ of service names):
 *     a name whose driver is gone stops every device of that class
 *   ControlSet00n\Control\Network\{class}\{GUID} with ComponentId, Description, InfPath and the
 *     subkey Ndi (Service): network protocols, services and filters
 * Source: learn.microsoft.com, "Registry Trees and Keys for Devices and Drivers", "INF files for
 * network components".
 */
#include "parsers/registry/registry_trace.h"

enum { CLASS_GUID, CLASS_NAME, POSITION, DRIVER, FILTER_SET, FILTER_CURRENT, FILTER_N };

static const struct trace_field filter_fields[] = {
	[CLASS_GUID] = FIELD("class_guid", TEXT, "Device class"),
	[CLASS_NAME] = FIELD("class", TEXT, "Name of the class"),
	[POSITION] = FIELD("position", TEXT, "Position"),
	[DRIVER] = FIELD_A("driver", SERVICE, "Driver service"),
	[FILTER_SET] = FIELD("control_set", UINT, "Control set"),
	[FILTER_CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type filter_type = {
	.name = "windows.registry.filter",
	.message = "{driver} filters devices of class {class}[ ({position})]",
	.fields = filter_fields,
};

enum { GUID, COMPONENT, DESCRIPTION, SERVICE, INF, NET_SET, NET_CURRENT, NET_N };

static const struct trace_field network_fields[] = {
	[GUID] = FIELD("guid", TEXT, "GUID"),
	[COMPONENT] = FIELD("component", TEXT, "Component"),
	[DESCRIPTION] = FIELD_A("description", PROGRAM, "Description"),
	[SERVICE] = FIELD_A("service", SERVICE, "Driver service"),
	[INF] = FIELD("inf", TEXT, "INF file"),
	[NET_SET] = FIELD("control_set", UINT, "Control set"),
	[NET_CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type network_type = {
	.name = "windows.registry.network-filter",
	.message = "Network component {component} {description} {service}",
	.fields = network_fields,
};

enum { FILTERS_MAX = 64 };

static enum status read_list(struct parse_context *ctx, struct hive *hive,
			     const struct hive_key *key, const char *position, struct failure *why)
{
	const struct hive_value *value = key_value(key, position);
	const struct control_set set = control_set_of(ctx, hive, key);
	struct text texts[FILTERS_MAX];
	size_t n = value_texts(ctx, value, texts, FILTERS_MAX);
	enum status status = STATUS_OK;

	if (n > FILTERS_MAX) {
		lost(ctx, value->offset, "more than %d filters of a class", FILTERS_MAX);
		n = FILTERS_MAX;
	}
	for (size_t i = 0; status >= 0 && i < n; i++) {
		struct value values[FILTER_N + REGISTRY_TAIL] = { 0 };

		if (!texts[i].size)
			continue;
		values[CLASS_GUID] = value_text(key->name);
		values[CLASS_NAME] = key_text(ctx, key, "Class");
		values[POSITION] = value_text(text_of(position));
		values[DRIVER] = value_text(texts[i]);
		values[FILTER_SET] = set.number;
		values[FILTER_CURRENT] = set.current;
		status = emit_key(ctx, hive, key, value, &filter_type, values, why);
	}
	return status;
}

static enum status read_class(struct parse_context *ctx, struct hive *hive,
			      const struct hive_key *key, void *payload, struct failure *why)
{
	const enum status status = read_list(ctx, hive, key, "UpperFilters", why);

	(void)payload;
	if (status < 0)
		return status;
	return read_list(ctx, hive, key, "LowerFilters", why);
}

static enum status read_component(struct parse_context *ctx, struct hive *hive,
				  const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[NET_N + REGISTRY_TAIL] = { 0 };
	const struct control_set set = control_set_of(ctx, hive, key);

	(void)payload;
	values[GUID] = value_text(key->name);
	values[COMPONENT] = key_text(ctx, key, "ComponentId");
	values[DESCRIPTION] = key_text(ctx, key, "Description");
	values[INF] = key_text(ctx, key, "InfPath");
	values[NET_SET] = set.number;
	values[NET_CURRENT] = set.current;
	if (values[COMPONENT].kind == VALUE_ABSENT)
		return STATUS_OK;
	return emit_key(ctx, hive, key, NULL, &network_type, values, why);
}

static enum status read_ndi(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[NET_N + REGISTRY_TAIL] = { 0 };
	const struct control_set set = control_set_of(ctx, hive, key);

	(void)payload;
	values[GUID] = value_text(path_component_back(key->path, 1));
	values[SERVICE] = key_text(ctx, key, "Service");
	values[NET_SET] = set.number;
	values[NET_CURRENT] = set.current;
	if (values[SERVICE].kind == VALUE_ABSENT)
		return STATUS_OK;
	return emit_key(ctx, hive, key, NULL, &network_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	static const struct key_place places[] = {
		{ "Control\\Class\\*", read_class },
		{ "Control\\Network\\*\\*", read_component },
		{ "Control\\Network\\*\\*\\Ndi", read_ndi },
	};

	return visit_places(visit_control_sets, ctx, hive, places, sizeof(places) / sizeof(*places),
			    NULL, why);
}

const struct parser device_filter_parser = {
	.name = "windows.registry.filter",
	.title = "Device and network filters",
	.versions = "Windows 2000 to 11",
	.asserts = "The driver stands in the path of that class of devices or networks.",
	.paths = system_hives,
	.emits = (const struct trace_type *const[]){ &filter_type, &network_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
