/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protection programs registered with the security center:
 *   SOFTWARE\Microsoft\Security Center\Provider\{Av,As,Fw}\{GUID} (Windows 8 on): DISPLAYNAME,
 *     PRODUCTEXE, REPORTINGEXE, STATE (DWORD: 0xF000 state, 0x0F00 owner, 0x00F0 signatures)
 *   SOFTWARE\Microsoft\Security Center\Monitoring\<program> (XP to 7): DisableMonitoring
 * Windows 7 keeps providers in the WMI repository instead. Orphans of removed programs are seen:
 * absence proves more than presence.
 * Source: exports of live machines; state word as in WMI productState.
 */
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"

enum { KIND, GUID, NAME, EXECUTABLE, REPORTING, STATE, PROVIDER_N };

static const struct trace_field fields[] = {
	[KIND] = FIELD("kind", TEXT, "Kind"),
	[GUID] = FIELD("guid", TEXT, "GUID"),
	[NAME] = FIELD_A("name", PROGRAM, "Program"),
	[EXECUTABLE] = FIELD_A("executable", PATH, "Program file"),
	[REPORTING] = FIELD_A("reporting", PATH, "Reporting program"),
	[STATE] = FIELD("state", UINT, "State"),
	REGISTRY_FIELDS,
};

static const struct trace_type provider_type = {
	.name = "windows.registry.security-center",
	.message = "{name} is registered with the security center ({kind})[, state {state}]",
	.fields = fields,
};

static enum status read_provider(struct parse_context *ctx, struct hive *hive,
				 const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[PROVIDER_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[KIND] = value_text(path_component_back(key->path, 1));
	values[GUID] = value_text(key->name);
	values[NAME] = key_text(ctx, key, "DISPLAYNAME");
	values[EXECUTABLE] = key_text(ctx, key, "PRODUCTEXE");
	values[REPORTING] = key_text(ctx, key, "REPORTINGEXE");
	values[STATE] = key_number(key, "STATE");
	return emit_key(ctx, hive, key, NULL, &provider_type, values, why);
}

static enum status read_monitoring(struct parse_context *ctx, struct hive *hive,
				   const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[PROVIDER_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[KIND] = value_text(TEXT("Monitoring"));
	values[NAME] = value_text(key->name);
	values[STATE] = key_number(key, "DisableMonitoring");
	return emit_key(ctx, hive, key, NULL, &provider_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	const enum status status = visit_software(
		ctx, hive, "Microsoft\\Security Center\\Provider\\*\\*", read_provider, NULL, why);

	if (status < 0)
		return status;
	return visit_software(ctx, hive, "Microsoft\\Security Center\\Monitoring\\*",
			      read_monitoring, NULL, why);
}

const struct parser security_center_parser = {
	.name = "windows.registry.security-center",
	.title = "Security center providers",
	.versions = "Windows XP to 11",
	.asserts = "The program is registered as protection of this machine.",
	.paths = software_hives,
	.emits = (const struct trace_type *const[]){ &provider_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
