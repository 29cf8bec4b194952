/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of programs that the shell has looked up, and recent apps of the search:
 *   UsrClass.dat Local Settings\Software\Microsoft\Windows\Shell\MuiCache (Vista on)
 *   NTUSER.DAT Software\Microsoft\Windows\ShellNoRoam\MUICache (XP)
 *     value name: path of the program, since Windows 8 with ".FriendlyAppName" or
 *     ".ApplicationCompany"; data: the text of its version resource
 *   NTUSER.DAT Software\Microsoft\Windows\CurrentVersion\Search\RecentApps\{GUID} (10, 1607-1709)
 *     AppId or AppPath, LastAccessedTime FILETIME, LaunchCount
 * MuiCache has no times: the program was started by that user at some time.
 * Source: winreg-kb, explorer-keys/MUI-cache.
 */
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"

enum { PATH, NAME, COMPANY, USER, ENTRY_N };

static const struct trace_field entry_fields[] = {
	[PATH] = FIELD_A("path", PATH, "Program"),
	[NAME] = FIELD_A("name", FILE_PRODUCT, "Description"),
	[COMPANY] = FIELD_A("company", FILE_COMPANY, "Company"),
	[USER] = FIELD("user", TEXT, "User"),
	REGISTRY_FIELDS,
};

static const struct trace_type entry_type = {
	.name = "windows.muicache.entry",
	.message = "The shell of {user} knew {path} as {name}{company}",
	.fields = entry_fields,
};

enum { APP_PATH, APP_RUN, APP_COUNT, APP_USER, APP_N };

static const struct trace_field app_fields[] = {
	[APP_PATH] = FIELD_A("path", PATH, "Program"),
	[APP_RUN] = FIELD("last_run", INSTANT, "Last started"),
	[APP_COUNT] = FIELD("count", UINT, "Starts"),
	[APP_USER] = FIELD("user", TEXT, "User"),
	REGISTRY_FIELDS,
};

static const struct trace_type app_type = {
	.name = "windows.recent-apps.run",
	.message = "{user} started {path}, last at {last_run}",
	.fields = app_fields,
};

static enum status read_names(struct parse_context *ctx, struct hive *hive,
			      const struct hive_key *key, void *payload, struct failure *why)
{
	static const char friendly[] = ".FriendlyAppName", company[] = ".ApplicationCompany";
	enum status status = STATUS_OK;

	(void)payload;
	for (size_t i = 0; status >= 0 && i < key->n_values; i++) {
		struct value values[ENTRY_N + REGISTRY_TAIL] = { 0 };
		struct text path = key->values[i].name;
		const struct text text = hive_value_text(ctx, &key->values[i]);
		const bool is_company = text_ends_folded(path, company);

		/* LangID and names of resources are no programs. */
		if (!text.size || path.size < 4 || path.data[0] == '@' ||
		    (!memchr(path.data, '\\', path.size)))
			continue;
		if (is_company)
			path.size -= sizeof(company) - 1;
		else if (text_ends_folded(path, friendly))
			path.size -= sizeof(friendly) - 1;
		values[PATH] = value_text(path);
		values[is_company ? COMPANY : NAME] = value_text(text);
		values[USER] = hive_user(ctx, hive);
		status = emit_key(ctx, hive, key, &key->values[i], &entry_type, values, why);
	}
	return status;
}

static enum status read_app(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[APP_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[APP_PATH] = key_text(ctx, key, "AppPath");
	if (values[APP_PATH].kind == VALUE_ABSENT || !values[APP_PATH].text.size)
		values[APP_PATH] = key_text(ctx, key, "AppId");
	values[APP_RUN] = key_filetime(key, "LastAccessedTime");
	values[APP_COUNT] = key_number(key, "LaunchCount");
	values[APP_USER] = hive_user(ctx, hive);
	if (values[APP_PATH].kind == VALUE_ABSENT)
		return STATUS_OK;
	return emit_key(ctx, hive, key, NULL, &app_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	static const char vista[] = "Local Settings\\Software\\Microsoft\\Windows\\Shell\\MuiCache";
	enum status status = visit_classes(ctx, hive, vista, read_names, NULL, why);

	if (status >= 0)
		status = visit_software(ctx, hive, "Microsoft\\Windows\\ShellNoRoam\\MUICache",
					read_names, NULL, why);
	if (status >= 0)
		status = visit_software(ctx, hive,
					"Microsoft\\Windows\\CurrentVersion\\Search\\RecentApps\\*",
					read_app, NULL, why);
	return status;
}

const struct parser muicache_parser = {
	.name = "windows.muicache",
	.title = "Programs known to the shell (MuiCache, RecentApps)",
	.versions = "Windows XP to 11",
	.asserts = "The user started the program at some time (RecentApps: at that time).",
	.paths = (const char *const[]){ USER_PATHS, CLASSES_PATHS, NULL },
	.emits = (const struct trace_type *const[]){ &entry_type, &app_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
