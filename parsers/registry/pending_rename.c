/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files to be deleted or renamed at the next start: SYSTEM\ControlSet00n\Control\Session Manager,
 * values PendingFileRenameOperations and PendingFileRenameOperations2 (MULTI_SZ): pairs of source
 * and target with the prefix "\??\"; an empty target deletes, '!' before it overwrites.
 * Source: learn.microsoft.com MoveFileEx, MOVEFILE_DELAY_UNTIL_REBOOT.
 *
 * The entries stand until the next start has worked them off: a removal that is listed here is
 * not finished.
 */
#include "parsers/registry/registry_trace.h"

enum { FROM, TO, OPERATION, CONTROL_SET, CURRENT, RENAME_N };

static const struct trace_field fields[] = {
	[FROM] = FIELD_A("from", PATH, "File"),
	[TO] = FIELD("to", TEXT, "New name (empty: delete)"),
	[OPERATION] = FIELD("operation", TEXT, "Operation"),
	[CONTROL_SET] = FIELD("control_set", UINT, "Control set"),
	[CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type rename_type = {
	.name = "windows.registry.pending-rename",
	.message = "At the next start: {operation} {from} {to}",
	.fields = fields,
};

enum { TEXTS_MAX = 4096 };

static struct text plain(struct text path)
{
	if (path.size && path.data[0] == '!')
		path = (struct text){ path.data + 1, path.size - 1 };
	if (text_starts_folded(path, "\\??\\"))
		path = (struct text){ path.data + 4, path.size - 4 };
	return path;
}

static enum status read_value(struct parse_context *ctx, struct hive *hive,
			      const struct hive_key *key, const struct hive_value *value,
			      struct failure *why)
{
	const struct control_set set = control_set_of(ctx, hive, key);
	struct text *texts = arena_array(ctx->arena, TEXTS_MAX, sizeof(*texts));
	enum status status = STATUS_OK;
	size_t n;

	if (!texts)
		return failure_set(why, ERR_LIMIT, "pending renames: memory");
	n = value_texts(ctx, value, texts, TEXTS_MAX);
	if (n > TEXTS_MAX) {
		lost(ctx, value->offset, "more than %d pending renames", TEXTS_MAX / 2);
		n = TEXTS_MAX;
	}
	for (size_t i = 0; status >= 0 && i < n; i += 2) {
		struct value values[RENAME_N + REGISTRY_TAIL] = { 0 };
		const struct text to = i + 1 < n ? plain(texts[i + 1]) : TEXT("");

		if (!texts[i].size)
			continue;
		values[FROM] = value_text(plain(texts[i]));
		values[TO] = value_text(to);
		values[OPERATION] = value_text(to.size ? TEXT("rename") : TEXT("delete"));
		values[CONTROL_SET] = set.number;
		values[CURRENT] = set.current;
		status = emit_key(ctx, hive, key, value, &rename_type, values, why);
	}
	return status;
}

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	static const char *const names[] = { "PendingFileRenameOperations",
					     "PendingFileRenameOperations2" };
	enum status status = STATUS_OK;

	(void)payload;
	for (size_t i = 0; status >= 0 && i < sizeof(names) / sizeof(*names); i++) {
		const struct hive_value *value = key_value(key, names[i]);

		if (value && value->type == REGISTRY_MULTI_SZ)
			status = read_value(ctx, hive, key, value, why);
	}
	return status;
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	return visit_control_sets(ctx, hive, "Control\\Session Manager", read_key, NULL, why);
}

const struct parser pending_rename_parser = {
	.name = "windows.registry.pending-rename",
	.title = "Renames pending until the next start",
	.versions = "Windows 2000 to 11",
	.asserts = "The file is to be deleted or renamed at the next start.",
	.paths = system_hives,
	.emits = (const struct trace_type *const[]){ &rename_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
