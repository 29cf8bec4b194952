/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application compatibility cache: SYSTEM\ControlSet00n\Control\Session Manager\
 * AppCompatCache (Windows XP: AppCompatibility), value AppCompatCache; layouts in
 * shimcache_format.c. Windows writes it at shutdown.
 *
 * Times: the file's own modification time (set when it was built or copied). Nothing here tells
 * when a program ran, came or went; an entry says that the path was seen before the cache was
 * written.
 */
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"
#include "parsers/registry/shimcache_format.h"

enum { PATH, MODIFIED, UPDATED, POSITION, FLAGS, FORMAT, CONTROL_SET, CURRENT, ENTRY_N };

static const struct trace_field fields[] = {
	[PATH] = FIELD_A("path", PATH, "File"),
	[MODIFIED] = FIELD("modified", INSTANT, "File modified"),
	[UPDATED] = FIELD("updated", INSTANT, "Entry updated"),
	[POSITION] = FIELD("position", UINT, "Position (0 is newest)"),
	[FLAGS] = FIELD("flags", UINT, "Insertion flags"),
	[FORMAT] = FIELD("format", TEXT, "Format"),
	[CONTROL_SET] = FIELD("control_set", UINT, "Control set"),
	[CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type entry_type = {
	.name = "windows.shimcache.entry",
	.message = "{path} was seen by the compatibility cache (position {position})",
	.fields = fields,
};

struct reading {
	struct parse_context *ctx;
	struct hive *hive;
	const struct hive_key *key;
	const struct hive_value *value;
	struct control_set set;
	const char *format;
};

static enum status emit_entry(const struct shimcache_entry *entry, void *payload,
			      struct failure *why)
{
	struct value values[ENTRY_N + REGISTRY_TAIL] = { 0 };
	const struct reading *reading = payload;

	values[PATH] = value_text(text_from_utf16le(reading->ctx->arena, entry->path, NULL));
	values[MODIFIED] = value_instant(entry->modified);
	values[UPDATED] = value_instant(entry->updated);
	values[POSITION] = value_uint(entry->position);
	if (entry->has_flags)
		values[FLAGS] = value_uint(entry->flags);
	values[FORMAT] = value_text(text_of(reading->format));
	values[CONTROL_SET] = reading->set.number;
	values[CURRENT] = reading->set.current;
	return emit_key(reading->ctx, reading->hive, reading->key, reading->value, &entry_type,
			values, why);
}

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct reading reading = {
		.ctx = ctx,
		.hive = hive,
		.key = key,
		.value = key_value(key, "AppCompatCache"),
		.set = control_set_of(ctx, hive, key),
	};
	struct failure broken = FAILURE_NONE;
	enum status status;

	(void)payload;
	if (!reading.value || reading.value->type != REGISTRY_BINARY)
		return STATUS_OK;
	status = shimcache_decode(reading.value->data, emit_entry, &reading, &reading.format,
				  &broken);
	/* A cache that breaks off keeps what was read of it. */
	if (status == ERR_TRUNCATED || status == ERR_FORMAT || status == ERR_UNSUPPORTED) {
		lost(ctx, reading.value->offset, "compatibility cache: %s", broken.text);
		return STATUS_OK;
	}
	if (status < 0)
		*why = broken;
	return status;
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	const enum status status = visit_control_sets(
		ctx, hive, "Control\\Session Manager\\AppCompatCache", read_key, NULL, why);

	if (status < 0)
		return status;
	return visit_control_sets(ctx, hive, "Control\\Session Manager\\AppCompatibility", read_key,
				  NULL, why);
}

const struct parser shimcache_parser = {
	.name = "windows.shimcache",
	.title = "Application compatibility cache",
	.versions = "Windows XP to 11",
	.asserts = "The path was seen before the cache was written; no time of a run.",
	.paths = system_hives,
	.emits = (const struct trace_type *const[]){ &entry_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
