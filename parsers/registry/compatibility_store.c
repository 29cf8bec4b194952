/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that the compatibility assistant has watched, most of them installers, in users' hives
 * and SOFTWARE: Microsoft\Windows NT\CurrentVersion\AppCompatFlags\Compatibility Assistant\
 *   Persisted (Vista, 7): value name is the path, data DWORD 1
 *   Store (8 on): value name is the path ("SIGN.MEDIA=<id> <path>" on removable media), data begins
 *     with "SACP"; its inner layout is not documented and not read
 * No times: the program was started by that user at some time before the key was last written.
 * Checked on real hives of Windows 7 and 10 with reglookup.
 */
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"

enum { PATH, LIST, USER, ENTRY_N };

static const struct trace_field fields[] = {
	[PATH] = FIELD_A("path", PATH, "Program"),
	[LIST] = FIELD("list", TEXT, "List"),
	[USER] = FIELD("user", TEXT, "User"),
	REGISTRY_FIELDS,
};

static const struct trace_type entry_type = {
	.name = "windows.compatibility-store.entry",
	.message = "{user} had started {path}, which the compatibility assistant watched",
	.fields = fields,
};

static struct text program_of(struct text name)
{
	const char *blank;

	if (!text_starts_folded(name, "SIGN.MEDIA="))
		return name;
	blank = memchr(name.data, ' ', name.size);
	if (!blank)
		return name;
	return (struct text){ blank + 1, name.size - (size_t)(blank + 1 - name.data) };
}

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	enum status status = STATUS_OK;

	(void)payload;
	for (size_t i = 0; status >= 0 && i < key->n_values; i++) {
		struct value values[ENTRY_N + REGISTRY_TAIL] = { 0 };

		if (!key->values[i].name.size)
			continue;
		values[PATH] = value_text(program_of(key->values[i].name));
		values[LIST] = value_text(key->name);
		values[USER] = hive_user(ctx, hive);
		status = emit_key(ctx, hive, key, &key->values[i], &entry_type, values, why);
	}
	return status;
}

#define ASSISTANT "Microsoft\\Windows NT\\CurrentVersion\\AppCompatFlags\\Compatibility Assistant\\"

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	const enum status status =
		visit_software(ctx, hive, ASSISTANT "Persisted", read_key, NULL, why);

	if (status < 0)
		return status;
	return visit_software(ctx, hive, ASSISTANT "Store", read_key, NULL, why);
}

const struct parser compatibility_store_parser = {
	.name = "windows.compatibility-store",
	.title = "Programs watched by the compatibility assistant",
	.versions = "Windows Vista to 11",
	.asserts = "The user started the program, usually an installer, at some time.",
	.paths = software_and_user_hives,
	.emits = (const struct trace_type *const[]){ &entry_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
