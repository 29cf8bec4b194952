/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the computer, in a SYSTEM hive, per control set:
 *   Control\ComputerName\ComputerName            ComputerName: the name after the next start
 *   Control\ComputerName\ActiveComputerName      ComputerName: the name now (volatile: rarely kept)
 *   Services\Tcpip\Parameters                    Hostname, NV Hostname, Domain, NV Domain
 * Source: learn.microsoft.com, "Changing the computer name"; winreg-kb.
 */
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"

enum { HOSTNAME, ACTIVE_NAME, CONTROL_SET, CURRENT, NAME_N };

static const struct trace_field name_fields[] = {
	[HOSTNAME] = FIELD("hostname", TEXT, "Name"),
	[ACTIVE_NAME] = FIELD("active_name", TEXT, "Active name"),
	[CONTROL_SET] = FIELD("control_set", UINT, "Control set"),
	[CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type name_type = {
	.name = "windows.system.name",
	.message = "The computer is named {hostname}",
	.fields = name_fields,
};

enum { DOMAIN, DOMAIN_HOST, DOMAIN_SET, DOMAIN_CURRENT, DOMAIN_N };

static const struct trace_field domain_fields[] = {
	[DOMAIN] = FIELD("domain", TEXT, "Domain"),
	[DOMAIN_HOST] = FIELD("hostname", TEXT, "Host name"),
	[DOMAIN_SET] = FIELD("control_set", UINT, "Control set"),
	[DOMAIN_CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type domain_type = {
	.name = "windows.system.domain",
	.message = "Host {hostname} of the domain {domain}",
	.fields = domain_fields,
};

static enum status read_name(struct parse_context *ctx, struct hive *hive,
			     const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[NAME_N + REGISTRY_TAIL] = { 0 };
	const struct control_set set = control_set_of(ctx, hive, key);
	const bool active = text_equal_folded(key->name, TEXT("ActiveComputerName"));

	(void)payload;
	values[active ? ACTIVE_NAME : HOSTNAME] = key_text(ctx, key, "ComputerName");
	values[CONTROL_SET] = set.number;
	values[CURRENT] = set.current;
	if (values[HOSTNAME].kind == VALUE_ABSENT && values[ACTIVE_NAME].kind == VALUE_ABSENT)
		return STATUS_OK;
	return emit_key(ctx, hive, key, NULL, &name_type, values, why);
}

static struct value first_text(struct parse_context *ctx, const struct hive_key *key,
			       const char *name, const char *other)
{
	const struct value value = key_text(ctx, key, name);

	return value.kind == VALUE_TEXT && value.text.size ? value : key_text(ctx, key, other);
}

static enum status read_domain(struct parse_context *ctx, struct hive *hive,
			       const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[DOMAIN_N + REGISTRY_TAIL] = { 0 };
	const struct control_set set = control_set_of(ctx, hive, key);

	(void)payload;
	values[DOMAIN] = first_text(ctx, key, "Domain", "NV Domain");
	values[DOMAIN_HOST] = first_text(ctx, key, "Hostname", "NV Hostname");
	values[DOMAIN_SET] = set.number;
	values[DOMAIN_CURRENT] = set.current;
	if (values[DOMAIN].kind == VALUE_ABSENT && values[DOMAIN_HOST].kind == VALUE_ABSENT)
		return STATUS_OK;
	return emit_key(ctx, hive, key, NULL, &domain_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	const enum status status = visit_control_sets(
		ctx, hive, "Control\\ComputerName\\*ComputerName", read_name, NULL, why);

	if (status < 0)
		return status;
	return visit_control_sets(ctx, hive, "Services\\Tcpip\\Parameters", read_domain, NULL, why);
}

const struct parser computer_name_parser = {
	.name = "windows.system.name",
	.title = "Name and domain of the computer",
	.versions = "Windows 2000 to 11",
	.asserts = "The computer's name and domain, per control set.",
	.paths = system_hives,
	.emits = (const struct trace_type *const[]){ &name_type, &domain_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
