/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs hang into Windows and browsers:
 *   SOFTWARE\Microsoft\AMSI\Providers\{CLSID}                        scanners of scripts
 *   Classes\<class>\shellex\<kind>\<name>                            shell extensions; the default
 *     value, or the name itself, is a CLSID
 *   ...\Explorer\ShellIconOverlayIdentifiers\<name>, ...\Shell Extensions\Approved (value names)
 *   ...\Explorer\Browser Helper Objects\{CLSID}
 *   <vendor>[\<browser>]\NativeMessagingHosts\<name>                 default value: manifest
 *   <vendor>\<browser>\Extensions\<id>                               path or update_url
 * The library of a CLSID stands in Classes\CLSID\{CLSID}\InprocServer32, default value.
 * Source: learn.microsoft.com "Registering Shell Extension Handlers", "IAntimalwareProvider";
 * developer.chrome.com "Native messaging".
 */
#include "parsers/base/text.h"
#include "parsers/base/packed_guid.h"
#include "parsers/registry/registry_trace.h"

enum { CLSID, NAME, PATH, PLACE, VIEW, USER, EXTENSION_N };

static const struct trace_field fields[] = {
	[CLSID] = FIELD("clsid", TEXT, "CLSID or id"),
	[NAME] = FIELD_A("name", PROGRAM, "Name"),
	[PATH] = FIELD_A("path", PATH, "File"),
	[PLACE] = FIELD("place", TEXT, "Place"),
	[VIEW] = FIELD("view", TEXT, "View"),
	[USER] = FIELD("user", TEXT, "User"),
	REGISTRY_FIELDS,
};

#define EXTENSION_TYPE(variable, type_name, text)                                                  \
	static const struct trace_type variable = {                                                \
		.name = type_name,                                                                 \
		.message = text,                                                                   \
		.fields = fields,                                                                  \
	}

EXTENSION_TYPE(amsi_type, "windows.registry.amsi-provider",
	       "{name} {clsid} is registered as a scanner of scripts: {path}");
EXTENSION_TYPE(shell_type, "windows.registry.shell-extension",
	       "{name} {clsid} extends the shell ({place}): {path}");
EXTENSION_TYPE(native_type, "windows.registry.native-host",
	       "Native messaging host {name} of browsers: {path}");
EXTENSION_TYPE(browser_type, "windows.registry.browser",
	       "Browser extension {clsid} {name}: {path}");

/* The library of each CLSID of the hive. */
struct server {
	struct text clsid, path, name;
};

struct servers {
	struct server *list;
	size_t n, room;
};

static enum status keep_server(struct parse_context *ctx, struct hive *hive,
			       const struct hive_key *key, void *payload, struct failure *why)
{
	struct servers *servers = payload;
	const struct text clsid = path_component_back(key->path, 1);
	const struct text path = key_text(ctx, key, "").text;
	const char *copy;

	(void)hive;
	if (!path.size || !text_is_guid(clsid) ||
	    (key->recovery != RECOVERY_ALLOCATED && key->recovery != RECOVERY_LOG_REPLAYED))
		return STATUS_OK;
	if (servers->n == servers->room) {
		const size_t room = servers->room ? 2 * servers->room : 1024;
		struct server *list = arena_array(ctx->arena, room, sizeof(*list));

		if (!list)
			return failure_set(why, ERR_LIMIT, "list of servers: memory");
		if (servers->n)
			memcpy(list, servers->list, servers->n * sizeof(*list));
		servers->list = list;
		servers->room = room;
	}
	copy = arena_text(ctx->arena, clsid);
	if (!copy)
		return failure_set(why, ERR_LIMIT, "list of servers: memory");
	servers->list[servers->n++] = (struct server){ { copy, clsid.size }, path, { 0 } };
	return STATUS_OK;
}

static struct value server_path(const struct servers *servers, struct text clsid)
{
	for (size_t i = 0; i < servers->n; i++)
		if (text_equal_folded(servers->list[i].clsid, clsid))
			return value_text(command_program(servers->list[i].path));
	return (struct value){ .kind = VALUE_ABSENT };
}

static void fill_common(struct parse_context *ctx, struct hive *hive, const struct hive_key *key,
			struct value *values)
{
	values[PLACE] = value_text(path_component_back(key->path, 1));
	values[VIEW] = key_view(hive, key);
	values[USER] = hive_user(ctx, hive);
}

/* A key whose default value or name is a CLSID. */
static enum status emit_class(struct parse_context *ctx, struct hive *hive,
			      const struct hive_key *key, const struct servers *servers,
			      const struct trace_type *type, struct failure *why)
{
	struct value values[EXTENSION_N + REGISTRY_TAIL] = { 0 };
	const struct text data = key_text(ctx, key, "").text;
	const struct text clsid = text_is_guid(data) ? data : key->name;

	values[CLSID] = value_text(clsid);
	values[NAME] = value_text(text_is_guid(data) || !data.size ? key->name : data);
	values[PATH] = server_path(servers, clsid);
	fill_common(ctx, hive, key, values);
	return emit_key(ctx, hive, key, NULL, type, values, why);
}

static enum status read_amsi(struct parse_context *ctx, struct hive *hive,
			     const struct hive_key *key, void *payload, struct failure *why)
{
	return emit_class(ctx, hive, key, payload, &amsi_type, why);
}

static enum status read_shell(struct parse_context *ctx, struct hive *hive,
			      const struct hive_key *key, void *payload, struct failure *why)
{
	return emit_class(ctx, hive, key, payload, &shell_type, why);
}

static enum status read_helper(struct parse_context *ctx, struct hive *hive,
			       const struct hive_key *key, void *payload, struct failure *why)
{
	return emit_class(ctx, hive, key, payload, &browser_type, why);
}

static enum status read_approved(struct parse_context *ctx, struct hive *hive,
				 const struct hive_key *key, void *payload, struct failure *why)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; status >= 0 && i < key->n_values; i++) {
		struct value values[EXTENSION_N + REGISTRY_TAIL] = { 0 };

		if (!text_is_guid(key->values[i].name))
			continue;
		values[CLSID] = value_text(key->values[i].name);
		values[NAME] = value_text(hive_value_text(ctx, &key->values[i]));
		values[PATH] = server_path(payload, key->values[i].name);
		fill_common(ctx, hive, key, values);
		values[PLACE] = value_text(key->name);
		status = emit_key(ctx, hive, key, &key->values[i], &shell_type, values, why);
	}
	return status;
}

static enum status read_native(struct parse_context *ctx, struct hive *hive,
			       const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[EXTENSION_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[CLSID] = value_text(key->name);
	values[NAME] = value_text(key->name);
	values[PATH] = key_text(ctx, key, "");
	fill_common(ctx, hive, key, values);
	values[PLACE] = value_text(path_component_back(key->path, 2));
	return emit_key(ctx, hive, key, NULL, &native_type, values, why);
}

static enum status read_browser(struct parse_context *ctx, struct hive *hive,
				const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[EXTENSION_N + REGISTRY_TAIL] = { 0 };

	(void)payload;
	values[CLSID] = value_text(key->name);
	values[PATH] = key_text(ctx, key, "path");
	if (values[PATH].kind == VALUE_ABSENT && !key_value(key, "update_url"))
		return STATUS_OK; /* some other branch of that name */
	fill_common(ctx, hive, key, values);
	values[PLACE] = value_text(path_component_back(key->path, 2));
	return emit_key(ctx, hive, key, NULL, &browser_type, values, why);
}

#define EXPLORER "Microsoft\\Windows\\CurrentVersion\\Explorer\\"

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	static const struct key_place places[] = {
		{ "Microsoft\\AMSI\\Providers\\*", read_amsi },
		{ EXPLORER "ShellIconOverlayIdentifiers\\*", read_shell },
		{ EXPLORER "Browser Helper Objects\\*", read_helper },
		{ "Microsoft\\Windows\\CurrentVersion\\Shell Extensions\\Approved", read_approved },
		{ "*\\NativeMessagingHosts\\*", read_native },
		{ "*\\*\\NativeMessagingHosts\\*", read_native },
		{ "*\\*\\Extensions\\*", read_browser },
	};
	struct servers servers = { 0 };
	enum status status =
		visit_classes(ctx, hive, "CLSID\\*\\InprocServer32", keep_server, &servers, why);

	if (status >= 0)
		status = visit_classes(ctx, hive, "*\\shellex\\*Handlers\\*", read_shell, &servers,
				       why);
	return status < 0 ? status
			  : visit_places(visit_software, ctx, hive, places,
					 sizeof(places) / sizeof(*places), &servers, why);
}

const struct parser extension_parser = {
	.name = "windows.registry.extension",
	.title = "Shell, script and browser extensions",
	.versions = "Windows 2000 to 11 (AMSI: 10 and 11)",
	.asserts = "The program's library or host is registered there.",
	.paths = classes_hives,
	.emits = (const struct trace_type *const[]){ &amsi_type, &shell_type, &native_type,
						     &browser_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
