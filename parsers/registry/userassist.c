/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs started through the shell: NTUSER.DAT, Software\Microsoft\Windows\CurrentVersion\
 * Explorer\UserAssist\{GUID}\Count, one value per program with its name in ROT13. By size:
 *   16 bytes (Windows 2000 to Vista): session 4, count 4 (starts at 5 there), last run FILETIME 8
 *   72 bytes (Windows 7 on): 4, count 4, focus count 4, focus time in ms 4, 44 unknown, last run
 *     FILETIME at 60
 * Names of the old form begin with UEME_RUNPATH: and the like; a known folder's GUID may stand for
 * the first part of a path, UEME_CTL... are counters of their own.
 * Source: winreg-kb, explorer-keys/User-assist.
 */
#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"

enum { PATH, LAST_RUN, COUNT, FOCUS_COUNT, FOCUS_MS, USER, LIST, RUN_N };

static const struct trace_field fields[] = {
	[PATH] = FIELD_A("path", PATH, "Program"),
	[LAST_RUN] = FIELD("last_run", INSTANT, "Last run"),
	[COUNT] = FIELD("count", UINT, "Runs"),
	[FOCUS_COUNT] = FIELD("focus_count", UINT, "Times in focus"),
	[FOCUS_MS] = FIELD("focus_ms", UINT, "Milliseconds in focus"),
	[USER] = FIELD("user", TEXT, "User"),
	[LIST] = FIELD("list", TEXT, "List"),
	REGISTRY_FIELDS,
};

static const struct trace_type run_type = {
	.name = "windows.userassist.run",
	.message = "{user} started {path} {count} times, last at {last_run}",
	.fields = fields,
};

enum { OLD_SIZE = 16, NEW_SIZE = 72, OLD_FIRST_COUNT = 5 };

/* Where programs of Windows 7 and later stand whose path begins with a known folder's GUID. */
static const struct {
	const char *guid, *folder;
} known_folders[] = {
	{ "{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}", "C:\\Windows\\System32" },
	{ "{D65231B0-B2F1-4857-A4CE-A8E7C6EA7D27}", "C:\\Windows\\SysWOW64" },
	{ "{F38BF404-1D43-42F2-9305-67DE0B28FC23}", "C:\\Windows" },
	{ "{6D809377-6AF0-444B-8957-A3773F02200E}", "C:\\Program Files" },
	{ "{905E63B6-C1BF-494E-B29C-65B732D3D21A}", "C:\\Program Files" },
	{ "{7C5A40EF-A0FB-4BFC-874A-C0F2E0B9FA8E}", "C:\\Program Files (x86)" },
};

static struct text rot13(struct parse_context *ctx, struct text name)
{
	char *plain = arena_text(ctx->arena, name);

	for (size_t i = 0; plain && i < name.size; i++) {
		const char c = plain[i];

		if (c >= 'a' && c <= 'z')
			plain[i] = (char)('a' + (c - 'a' + 13) % 26);
		else if (c >= 'A' && c <= 'Z')
			plain[i] = (char)('A' + (c - 'A' + 13) % 26);
	}
	return (struct text){ plain, plain ? name.size : 0 };
}

static struct text without_prefix(struct text name)
{
	static const char *const prefixes[] = { "UEME_RUNPATH:", "UEME_RUNPIDL:", "UEME_RUNCPL:" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		const size_t size = strlen(prefixes[i]);

		if (text_starts_folded(name, prefixes[i]))
			return (struct text){ name.data + size, name.size - size };
	}
	return name;
}

static struct text with_folder(struct parse_context *ctx, struct text name)
{
	for (size_t i = 0; i < sizeof(known_folders) / sizeof(*known_folders); i++) {
		const size_t size = strlen(known_folders[i].guid);

		if (text_starts_folded(name, known_folders[i].guid))
			return text_of(arena_printf(ctx->arena, "%s%.*s", known_folders[i].folder,
						    (int)(name.size - size), name.data + size));
	}
	return name;
}

/* False when the data are of no known layout. */
static bool fill(const struct hive_value *value, struct value *values)
{
	const struct span data = value->data;

	if (data.size == OLD_SIZE) {
		const uint32_t count = span_u32le(data, 4);

		values[COUNT] =
			value_uint(count >= OLD_FIRST_COUNT ? count - OLD_FIRST_COUNT : count);
		values[LAST_RUN] = value_instant(instant_from_filetime(span_u64le(data, 8)));
		return true;
	}
	if (data.size == NEW_SIZE) {
		values[COUNT] = value_uint(span_u32le(data, 4));
		values[FOCUS_COUNT] = value_uint(span_u32le(data, 8));
		values[FOCUS_MS] = value_uint(span_u32le(data, 12));
		values[LAST_RUN] = value_instant(instant_from_filetime(span_u64le(data, 60)));
		return true;
	}
	return false;
}

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	enum status status = STATUS_OK;

	(void)payload;
	for (size_t i = 0; status >= 0 && i < key->n_values; i++) {
		struct value values[RUN_N + REGISTRY_TAIL] = { 0 };
		const struct hive_value *value = &key->values[i];
		const struct text name = rot13(ctx, value->name);

		if (value->type != REGISTRY_BINARY || text_starts_folded(name, "UEME_CTL") ||
		    !fill(value, values))
			continue;
		values[PATH] = value_text(with_folder(ctx, without_prefix(name)));
		values[USER] = hive_user(ctx, hive);
		values[LIST] = value_text(path_component_back(key->path, 1));
		status = emit_key(ctx, hive, key, value, &run_type, values, why);
	}
	return status;
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	return visit_software(ctx, hive,
			      "Microsoft\\Windows\\CurrentVersion\\Explorer\\UserAssist\\*\\Count",
			      read_key, NULL, why);
}

const struct parser userassist_parser = {
	.name = "windows.userassist",
	.title = "Programs started by users (UserAssist)",
	.versions = "Windows 2000 to 11",
	.asserts = "The user started the program at that time.",
	.paths = user_hives,
	.emits = (const struct trace_type *const[]){ &run_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
