/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zone of the machine's clock: SYSTEM\ControlSet00n\Control\TimeZoneInformation.
 *   TimeZoneKeyName (Vista on; the field has remnants of memory behind its NUL), StandardName,
 *   Bias, StandardBias, DaylightBias, ActiveTimeBias (minutes: UTC = local + bias),
 *   StandardStart, DaylightStart (16 bytes), DynamicDaylightTimeDisabled
 * The starts are kernel TIME_FIELDS here (year, month, day, hour, minute, second, milliseconds,
 * weekday), not the SYSTEMTIME of the zone rules; they are put into SYSTEMTIME order so that both
 * read alike. Checked on Eastern and W. Europe machines: 0000 0b00 0100 0200 ... is 2 November.
 * Source: winreg-kb, system-keys/Time-zones; ntddk TIME_FIELDS.
 */
#include "parsers/base/cursor.h"
#include "parsers/registry/registry_trace.h"

enum {
	KEY_NAME,
	STANDARD_NAME,
	DAYLIGHT_NAME,
	BIAS,
	STANDARD_BIAS,
	DAYLIGHT_BIAS,
	ACTIVE_BIAS,
	STANDARD_DATE,
	DAYLIGHT_DATE,
	DYNAMIC_DISABLED,
	REAL_TIME_IS_UNIVERSAL,
	CONTROL_SET,
	CURRENT,
	ZONE_N,
};

static const struct trace_field fields[] = {
	[KEY_NAME] = FIELD("key_name", TEXT, "Zone"),
	[STANDARD_NAME] = FIELD("standard_name", TEXT, "Standard time"),
	[DAYLIGHT_NAME] = FIELD("daylight_name", TEXT, "Daylight time"),
	[BIAS] = FIELD("bias", INT, "Bias in minutes"),
	[STANDARD_BIAS] = FIELD("standard_bias", INT, "Standard bias"),
	[DAYLIGHT_BIAS] = FIELD("daylight_bias", INT, "Daylight bias"),
	[ACTIVE_BIAS] = FIELD("active_bias", INT, "Active bias"),
	[STANDARD_DATE] = FIELD("standard_date", BYTES, "Standard time begins"),
	[DAYLIGHT_DATE] = FIELD("daylight_date", BYTES, "Daylight time begins"),
	[DYNAMIC_DISABLED] = FIELD("dynamic_disabled", UINT, "Daylight time is switched off"),
	[REAL_TIME_IS_UNIVERSAL] = FIELD("real_time_is_universal", UINT, "Hardware clock is UTC"),
	[CONTROL_SET] = FIELD("control_set", UINT, "Control set"),
	[CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type zone_type = {
	.name = "windows.system.zone",
	.message = "Clock zone {key_name} {standard_name}, bias {bias} minutes",
	.fields = fields,
};

enum { SYSTEMTIME_SIZE = 16 };

static struct value date_of(struct parse_context *ctx, const struct hive_key *key, const char *name)
{
	/* For each word of SYSTEMTIME, its place in TIME_FIELDS. */
	static const uint8_t words[] = { 0, 1, 7, 2, 3, 4, 5, 6 };
	const struct value found = key_bytes(key, name, SYSTEMTIME_SIZE);
	uint8_t *date;

	if (found.kind == VALUE_ABSENT)
		return found;
	date = arena_alloc(ctx->arena, SYSTEMTIME_SIZE);
	if (!date)
		return (struct value){ .kind = VALUE_ABSENT };
	for (size_t i = 0; i < sizeof(words); i++) {
		date[2 * i] = found.bytes.data[2 * words[i]];
		date[2 * i + 1] = found.bytes.data[2 * words[i] + 1];
	}
	return value_bytes(span_of(date, SYSTEMTIME_SIZE));
}

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[ZONE_N + REGISTRY_TAIL] = { 0 };
	const struct control_set set = control_set_of(ctx, hive, key);

	(void)payload;
	values[KEY_NAME] = key_text(ctx, key, "TimeZoneKeyName");
	values[STANDARD_NAME] = key_text(ctx, key, "StandardName");
	values[DAYLIGHT_NAME] = key_text(ctx, key, "DaylightName");
	values[BIAS] = key_signed(key, "Bias");
	values[STANDARD_BIAS] = key_signed(key, "StandardBias");
	values[DAYLIGHT_BIAS] = key_signed(key, "DaylightBias");
	values[ACTIVE_BIAS] = key_signed(key, "ActiveTimeBias");
	values[STANDARD_DATE] = date_of(ctx, key, "StandardStart");
	values[DAYLIGHT_DATE] = date_of(ctx, key, "DaylightStart");
	values[DYNAMIC_DISABLED] = key_number(key, "DynamicDaylightTimeDisabled");
	if (values[DYNAMIC_DISABLED].kind == VALUE_ABSENT)
		values[DYNAMIC_DISABLED] = key_number(key, "DisableAutoDaylightTimeSet");
	values[REAL_TIME_IS_UNIVERSAL] = key_number(key, "RealTimeIsUniversal");
	values[CONTROL_SET] = set.number;
	values[CURRENT] = set.current;
	return emit_key(ctx, hive, key, NULL, &zone_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	return visit_control_sets(ctx, hive, "Control\\TimeZoneInformation", read_key, NULL, why);
}

const struct parser time_zone_parser = {
	.name = "windows.system.zone",
	.title = "Time zone of the machine",
	.versions = "Windows 2000 to 11",
	.asserts = "In which zone the machine kept its clock.",
	.paths = system_hives,
	.emits = (const struct trace_type *const[]){ &zone_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
