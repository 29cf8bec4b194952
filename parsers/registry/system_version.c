/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The installed Windows: SOFTWARE\Microsoft\Windows NT\CurrentVersion.
 *   ProductName, EditionID, DisplayVersion (20H2 on; before: ReleaseId), CurrentBuild, UBR,
 *   InstallDate DWORD seconds since 1970, InstallTime QWORD FILETIME (Windows 10 on)
 * A feature upgrade sets InstallDate anew and keeps the older facts under SYSTEM\Setup\
 * Source OS (...), see source_os.c. "Windows 10" stands in ProductName on Windows 11 too (build
 * 22000 on).
 * Source: winreg-kb, system-keys/Windows-product-information.
 */
#include "parsers/registry/registry_trace.h"

enum {
	PRODUCT_NAME,
	EDITION,
	DISPLAY_VERSION,
	BUILD,
	REVISION,
	INSTALLATION_TYPE,
	INSTALLED,
	INSTALLED_PRECISE,
	OWNER,
	ORGANIZATION,
	SYSTEM_ROOT,
	NT_VERSION,
	SERVICE_PACK,
	VERSION_N,
};

static const struct trace_field fields[] = {
	[PRODUCT_NAME] = FIELD("product_name", TEXT, "Windows"),
	[EDITION] = FIELD("edition", TEXT, "Edition"),
	[DISPLAY_VERSION] = FIELD("display_version", TEXT, "Version"),
	[BUILD] = FIELD("build", TEXT, "Build"),
	[REVISION] = FIELD("revision", UINT, "Revision"),
	[INSTALLATION_TYPE] = FIELD("installation_type", TEXT, "Installation type"),
	[INSTALLED] = FIELD("installed", INSTANT, "Windows installed or upgraded"),
	[INSTALLED_PRECISE] = FIELD("installed_precise", INSTANT, "Windows installed or upgraded"),
	[OWNER] = FIELD("registered_owner", TEXT, "Owner"),
	[ORGANIZATION] = FIELD("registered_organization", TEXT, "Organization"),
	[SYSTEM_ROOT] = FIELD("system_root", TEXT, "Folder"),
	[NT_VERSION] = FIELD("nt_version", TEXT, "NT version"),
	[SERVICE_PACK] = FIELD("service_pack", TEXT, "Service pack"),
	REGISTRY_FIELDS,
};

static const struct trace_type version_type = {
	.name = "windows.system.version",
	.message = "{product_name} {display_version} build {build}, installed {installed}",
	.fields = fields,
};

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[VERSION_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[PRODUCT_NAME] = key_text(ctx, key, "ProductName");
	values[EDITION] = key_text(ctx, key, "EditionID");
	values[DISPLAY_VERSION] = key_text(ctx, key, "DisplayVersion");
	if (values[DISPLAY_VERSION].kind == VALUE_ABSENT)
		values[DISPLAY_VERSION] = key_text(ctx, key, "ReleaseId");
	/* CurrentBuild holds another text before Windows 2000 SP4; the Number never does. */
	values[BUILD] = key_text(ctx, key, "CurrentBuildNumber");
	if (values[BUILD].kind == VALUE_ABSENT)
		values[BUILD] = key_text(ctx, key, "CurrentBuild");
	values[REVISION] = key_number(key, "UBR");
	values[INSTALLATION_TYPE] = key_text(ctx, key, "InstallationType");
	values[INSTALLED] = key_unix(key, "InstallDate");
	values[INSTALLED_PRECISE] = key_filetime(key, "InstallTime");
	values[OWNER] = key_text(ctx, key, "RegisteredOwner");
	values[ORGANIZATION] = key_text(ctx, key, "RegisteredOrganization");
	values[SYSTEM_ROOT] = key_text(ctx, key, "SystemRoot");
	values[NT_VERSION] = key_text(ctx, key, "CurrentVersion");
	values[SERVICE_PACK] = key_text(ctx, key, "CSDVersion");
	if (values[PRODUCT_NAME].kind == VALUE_ABSENT && values[BUILD].kind == VALUE_ABSENT)
		return STATUS_OK;
	return emit_key(ctx, hive, key, NULL, &version_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	return visit_keys(ctx, hive, "Microsoft\\Windows NT\\CurrentVersion", read_key, NULL, why);
}

const struct parser system_version_parser = {
	.name = "windows.system.version",
	.title = "Version of Windows",
	.versions = "Windows 2000 to 11",
	.asserts = "Which Windows is installed and when it was installed or last upgraded.",
	.paths = software_hives,
	.emits = (const struct trace_type *const[]){ &version_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
