/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Background and desktop activity moderators: SYSTEM\ControlSet00n\Services\{bam,dam}\
 * [State\]UserSettings\<SID>, one value per program, named by its device path:
 *   offset size name
 *        0    8 last run, FILETIME
 *        8    8 unknown, zero
 *       16    4 is a packaged app
 *       20    4 unknown, 2
 * Names that begin with no '\' are packaged apps. Entries older than a week go at a start.
 * Source: winreg-kb, system-keys/Background-activity-moderator.
 */
#include "parsers/base/cursor.h"
#include "parsers/registry/registry_trace.h"

enum { PATH, RUN, SID, RECORDER, CONTROL_SET, CURRENT, RUN_N };

static const struct trace_field fields[] = {
	[PATH] = FIELD_A("path", PATH, "Program"),
	[RUN] = FIELD("run", INSTANT, "Last run"),
	[SID] = FIELD("sid", TEXT, "User"),
	[RECORDER] = FIELD("recorder", TEXT, "Recorder"),
	[CONTROL_SET] = FIELD("control_set", UINT, "Control set"),
	[CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type run_type = {
	.name = "windows.bam.run",
	.message = "{path} last ran at {run} for {sid}",
	.fields = fields,
};

enum { FILETIME_SIZE = 8 };

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	const struct control_set set = control_set_of(ctx, hive, key);
	enum status status = STATUS_OK;

	for (size_t i = 0; status >= 0 && i < key->n_values; i++) {
		const struct hive_value *value = &key->values[i];
		struct value values[RUN_N + REGISTRY_TAIL] = { 0 };

		if (value->type != REGISTRY_BINARY || value->data.size < FILETIME_SIZE)
			continue; /* Version and SequenceNumber */
		values[PATH] = value_text(value->name);
		values[RUN] = value_instant(instant_from_filetime(span_u64le(value->data, 0)));
		values[SID] = value_text(key->name);
		values[RECORDER] = value_text(text_of(payload));
		values[CONTROL_SET] = set.number;
		values[CURRENT] = set.current;
		status = emit_key(ctx, hive, key, value, &run_type, values, why);
	}
	return status;
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	static char bam[] = "bam", dam[] = "dam";
	static const struct {
		const char *pattern;
		char *recorder;
	} places[] = {
		{ "Services\\bam\\State\\UserSettings\\*", bam },
		{ "Services\\bam\\UserSettings\\*", bam },
		{ "Services\\dam\\State\\UserSettings\\*", dam },
		{ "Services\\dam\\UserSettings\\*", dam },
	};
	enum status status = STATUS_OK;

	for (size_t i = 0; status >= 0 && i < sizeof(places) / sizeof(*places); i++)
		status = visit_control_sets(ctx, hive, places[i].pattern, read_key,
					    places[i].recorder, why);
	return status;
}

const struct parser bam_parser = {
	.name = "windows.bam",
	.title = "Activity moderators (BAM, DAM)",
	.versions = "Windows 10 1709 to 11",
	.asserts = "The program ran at that time, the last in about a week.",
	.paths = system_hives,
	.emits = (const struct trace_type *const[]){ &run_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
