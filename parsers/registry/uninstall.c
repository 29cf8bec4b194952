/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What "Programs and Features" lists: SOFTWARE\[WOW6432Node\]Microsoft\Windows\CurrentVersion\
 * Uninstall\<code>, and the same below a user's Software. The subkey's name is the product code of
 * a Windows Installer package or whatever another installer chose.
 * Source: learn.microsoft.com/windows/win32/msi/uninstall-registry-key.
 *
 * Times: InstallDate is the local day of the last service (install, update, repair), written as
 * text; the first installation is not later. The key's last-written time is no install time.
 */
#include "parsers/registry/install_date.h"
#include "parsers/base/packed_guid.h"
#include "parsers/registry/registry_trace.h"

enum {
	NAME,
	VERSION,
	PUBLISHER,
	CODE,
	INSTALL_DATE,
	INSTALL_LOCATION,
	UNINSTALL_STRING,
	UNINSTALLER,
	DISPLAY_ICON,
	VIEW,
	USER,
	SYSTEM_COMPONENT,
	WINDOWS_INSTALLER,
	INSTALL_DATE_TEXT,
	UNINSTALL_N,
};

static const struct trace_field fields[] = {
	[NAME] = FIELD_A("name", PROGRAM, "Program"),
	[VERSION] = FIELD_A("version", VERSION, "Version"),
	[PUBLISHER] = FIELD_A("publisher", PUBLISHER, "Publisher"),
	[CODE] = FIELD_A("code", PRODUCT_CODE, "Code"),
	[INSTALL_DATE] = FIELD("install_date", INSTANT, "Last installed or serviced (day)"),
	[INSTALL_LOCATION] = FIELD_A("install_location", PATH, "Folder"),
	[UNINSTALL_STRING] = FIELD("uninstall_string", TEXT, "Uninstall command"),
	[UNINSTALLER] = FIELD_A("uninstaller", PATH, "Uninstall program"),
	[DISPLAY_ICON] = FIELD_A("display_icon", PATH, "Icon"),
	[VIEW] = FIELD("view", TEXT, "View"),
	[USER] = FIELD("user", TEXT, "User"),
	[SYSTEM_COMPONENT] = FIELD("system_component", UINT, "Hidden"),
	[WINDOWS_INSTALLER] = FIELD("windows_installer", UINT, "By Windows Installer"),
	[INSTALL_DATE_TEXT] = FIELD("install_date_text", TEXT, "InstallDate as found"),
	REGISTRY_FIELDS,
};

static const struct trace_type uninstall_type = {
	.name = "windows.registry.uninstall",
	.message = "{name} {version}[ by {publisher}] is listed as installed[ ({code})]",
	.fields = fields,
};

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[UNINSTALL_N + REGISTRY_TAIL] = { 0 };
	struct text icon, uninstall;
	struct instant day;

	(void)payload;
	values[NAME] = key_text(ctx, key, "DisplayName");
	values[VERSION] = key_text(ctx, key, "DisplayVersion");
	values[PUBLISHER] = key_text(ctx, key, "Publisher");
	values[CODE] = value_text(key->name);
	values[INSTALL_LOCATION] = key_text(ctx, key, "InstallLocation");
	values[UNINSTALL_STRING] = key_text(ctx, key, "UninstallString");
	values[VIEW] = key_view(hive, key);
	values[USER] = hive_user(ctx, hive);
	values[SYSTEM_COMPONENT] = key_number(key, "SystemComponent");
	values[WINDOWS_INSTALLER] = key_number(key, "WindowsInstaller");
	values[INSTALL_DATE_TEXT] = key_text(ctx, key, "InstallDate");

	uninstall = values[UNINSTALL_STRING].text;
	if (uninstall.size)
		values[UNINSTALLER] = value_text(command_program(uninstall));
	icon = key_text(ctx, key, "DisplayIcon").text;
	if (icon.size)
		values[DISPLAY_ICON] = value_text(command_program(icon));
	if (values[INSTALL_DATE_TEXT].kind == VALUE_TEXT) {
		day = install_date_parse(values[INSTALL_DATE_TEXT].text);
		if (day.state == INSTANT_SET)
			values[INSTALL_DATE] = value_instant(day);
		else if (day.state == INSTANT_INVALID)
			note(ctx, key->offset, "InstallDate '%.*s' of %.*s is read as no date",
			     (int)values[INSTALL_DATE_TEXT].text.size,
			     values[INSTALL_DATE_TEXT].text.data, (int)key->name.size,
			     key->name.data);
	} else if (key_value(key, "InstallDate")) {
		values[INSTALL_DATE] = key_unix(key, "InstallDate");
	}
	return emit_key(ctx, hive, key, NULL, &uninstall_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	return visit_software(ctx, hive, "Microsoft\\Windows\\CurrentVersion\\Uninstall\\*",
			      read_key, NULL, why);
}

const struct parser uninstall_parser = {
	.name = "windows.registry.uninstall",
	.title = "Installed programs",
	.versions = "Windows 2000 to 11",
	.asserts = "The program is registered as installed; InstallDate is the local day of its "
		   "last service.",
	.paths = software_and_user_hives,
	.emits = (const struct trace_type *const[]){ &uninstall_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
