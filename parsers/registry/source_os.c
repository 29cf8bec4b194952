/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Earlier installations and setup state, in a SYSTEM hive:
 *   Setup\Source OS (Updated on <date>)   what CurrentVersion said before a feature upgrade
 *     (ProductName, CurrentBuild, InstallDate, InstallTime as in system_version.c)
 *   Setup                                 SystemSetupInProgress, CloneTag (sysprep), OOBEInProgress
 * The date in the subkey's name is in the format of the machine's locale and is not read.
 * Source: winreg-kb, system-keys; compared with hives of upgraded machines.
 */
#include "parsers/registry/registry_trace.h"

enum { NAME, PRODUCT_NAME, BUILD, INSTALLED, INSTALLED_PRECISE, EDITION, SOURCE_N };

static const struct trace_field source_fields[] = {
	[NAME] = FIELD("name", TEXT, "Subkey"),
	[PRODUCT_NAME] = FIELD("product_name", TEXT, "Windows"),
	[BUILD] = FIELD("build", TEXT, "Build"),
	[INSTALLED] = FIELD("installed", INSTANT, "That Windows installed"),
	[INSTALLED_PRECISE] = FIELD("installed_precise", INSTANT, "That Windows installed"),
	[EDITION] = FIELD("edition", TEXT, "Edition"),
	REGISTRY_FIELDS,
};

static const struct trace_type source_type = {
	.name = "windows.system.source-os",
	.message = "Before an upgrade: {product_name} build {build}, installed {installed}",
	.fields = source_fields,
};

enum { IN_PROGRESS, CLONE_TAG, OOBE, SETUP_TYPE, COMMAND, SETUP_N };

static const struct trace_field setup_fields[] = {
	[IN_PROGRESS] = FIELD("setup_in_progress", UINT, "Setup in progress"),
	[CLONE_TAG] = FIELD("clone_tag", TEXT, "Prepared for cloning"),
	[OOBE] = FIELD("oobe_in_progress", UINT, "First start in progress"),
	[SETUP_TYPE] = FIELD("setup_type", UINT, "Setup type"),
	[COMMAND] = FIELD("command", TEXT, "Setup command"),
	REGISTRY_FIELDS,
};

static const struct trace_type setup_type = {
	.name = "windows.system.setup",
	.message = "Setup state: in progress {setup_in_progress}, clone tag {clone_tag}",
	.fields = setup_fields,
};

static enum status read_source(struct parse_context *ctx, struct hive *hive,
			       const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[SOURCE_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[NAME] = value_text(key->name);
	values[PRODUCT_NAME] = key_text(ctx, key, "ProductName");
	values[BUILD] = key_text(ctx, key, "CurrentBuildNumber");
	if (values[BUILD].kind == VALUE_ABSENT)
		values[BUILD] = key_text(ctx, key, "CurrentBuild");
	values[INSTALLED] = key_unix(key, "InstallDate");
	values[INSTALLED_PRECISE] = key_filetime(key, "InstallTime");
	values[EDITION] = key_text(ctx, key, "EditionID");
	return emit_key(ctx, hive, key, NULL, &source_type, values, why);
}

static enum status read_setup(struct parse_context *ctx, struct hive *hive,
			      const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[SETUP_N + REGISTRY_TAIL] = { 0 };
	struct text tag;

	(void)payload;
	values[IN_PROGRESS] = key_number(key, "SystemSetupInProgress");
	if (value_texts(ctx, key_value(key, "CloneTag"), &tag, 1) > 0)
		values[CLONE_TAG] = value_text(tag);
	values[OOBE] = key_number(key, "OOBEInProgress");
	values[SETUP_TYPE] = key_number(key, "SetupType");
	values[COMMAND] = key_text(ctx, key, "CmdLine");
	return emit_key(ctx, hive, key, NULL, &setup_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	const enum status status =
		visit_keys(ctx, hive, "Setup\\Source OS*", read_source, NULL, why);

	if (status < 0)
		return status;
	return visit_keys(ctx, hive, "Setup", read_setup, NULL, why);
}

const struct parser source_os_parser = {
	.name = "windows.system.source-os",
	.title = "Earlier installations and setup state",
	.versions = "Windows 2000 to 11 (Source OS: 10 and 11)",
	.asserts = "Which Windows stood here before a feature upgrade and when it was installed.",
	.paths = system_hives,
	.emits = (const struct trace_type *const[]){ &source_type, &setup_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
