/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SOFTWARE and SYSTEM hives as files: what a statement rests on that something does not stand in
 * the registry. Also the copies that Windows keeps of earlier states: RegBack (Vista to 10 1709;
 * empty later), repair (2000 to XP), restore points (XP), and the hives of an installation that was
 * replaced (Windows.old). When a copy was made stands in no field: a base block's own time is not
 * kept up from Windows 8.1 on (M. Suhanov, "Windows registry file format specification"). But
 * whatever a key's time says had happened when the copy was made, and a key that had gone by then
 * had moved its parent's time. So the latest last-written time of all its keys is a time at which
 * the registry was as the copy shows it.
 */
#include "parsers/registry/registry_trace.h"

enum { HIVE_FILE, HIVE_BYTES, HIVE_LATEST, HIVE_LATEST_KEY, HIVE_N };

static const struct trace_field hive_fields[] = {
	[HIVE_FILE] = FIELD("file", TEXT, "File"),
	[HIVE_BYTES] = FIELD("size", UINT, "Size in bytes"),
	[HIVE_LATEST] = FIELD("latest", INSTANT, "Latest key written"),
	[HIVE_LATEST_KEY] = FIELD("latest_key", TEXT, "Latest key"),
	REGISTRY_FIELDS,
};

static const struct trace_type hive_type = {
	.name = "windows.registry.hive",
	.message = "Registry hive {file} of {size} bytes[, latest key {latest}]",
	.fields = hive_fields,
};

struct latest {
	struct instant at;
	size_t size;
	char path[LIMIT_TEXT];
};

static enum status consider(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct latest *latest = payload;

	(void)ctx;
	(void)hive;
	(void)why;
	if ((key->recovery != RECOVERY_ALLOCATED && key->recovery != RECOVERY_LOG_REPLAYED) ||
	    !instant_is_set(key->last_written) || key->path.size > sizeof(latest->path) ||
	    (instant_is_set(latest->at) && key->last_written.ticks <= latest->at.ticks))
		return STATUS_OK;
	latest->at = key->last_written;
	latest->size = key->path.size;
	if (key->path.size)
		memcpy(latest->path, key->path.data, key->path.size);
	return STATUS_OK;
}

/* The running system's own hives change after any time that stands in them. */
static bool is_copy(const struct source *source)
{
	return !path_fits("/Win*/System32/config/*", text_of(source->path));
}

static enum status find_latest(struct parse_context *ctx, struct hive *hive, struct value *values,
			       struct failure *why)
{
	struct latest *latest = arena_alloc(ctx->arena, sizeof(*latest));

	if (!latest)
		return failure_set(why, ERR_NO_MEMORY, "latest key");
	*latest = (struct latest){ .at = { .state = INSTANT_UNSET } };

	const enum status status = visit_keys(ctx, hive, "**", consider, latest, why);

	values[HIVE_LATEST] = value_instant(latest->at);
	if (instant_is_set(latest->at))
		values[HIVE_LATEST_KEY] = value_text((struct text){ latest->path, latest->size });
	return status;
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	const struct source *source = hive_source(hive);
	const struct text path = text_of(source->path);
	const uint64_t size = source->stream->size;
	struct value values[HIVE_N + REGISTRY_TAIL] = { 0 };
	enum status status = STATUS_OK;

	values[HIVE_FILE] = value_text(path_last_name(path));
	values[HIVE_BYTES] = value_uint(size);
	if (is_copy(source))
		status = find_latest(ctx, hive, values, why);
	if (status < 0)
		return status;

	const struct trace trace = {
		.type = &hive_type,
		.origin = { 0, size, 0, TEXT("the whole file") },
		.recovery = source->deleted ? RECOVERY_DELETED : RECOVERY_ALLOCATED,
		.values = values,
	};

	return emit(ctx, &trace, why);
}

const struct parser hive_file_parser = {
	.name = "windows.registry.hive",
	.title = "Hives and their copies",
	.versions = "Windows 2000 to 11",
	.asserts = "What a hive read to its end does not hold did not stand in the registry; a copy "
		   "shows the registry as it was when its latest key was written.",
	.paths = (const char *const[]){ SOFTWARE_PATHS, SYSTEM_PATHS, NULL },
	.emits = (const struct trace_type *const[]){ &hive_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
