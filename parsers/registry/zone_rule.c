/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of all zones Windows knows:
 * SOFTWARE\Microsoft\Windows NT\CurrentVersion\Time Zones\<name>, value TZI, and below it
 * "Dynamic DST" with one value per year. Both are REG_TZI_FORMAT of 44 bytes:
 *   offset size name
 *        0    4 Bias in minutes, signed: UTC = local + bias
 *        4    4 StandardBias
 *        8    4 DaylightBias
 *       12   16 StandardDate, SYSTEMTIME (year 0: each year; day = n-th such weekday, 5 = last)
 *       28   16 DaylightDate
 * Source: learn.microsoft.com TIME_ZONE_INFORMATION, remarks; winreg-kb.
 */
#include "parsers/base/cursor.h"
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"

enum { ZONE, YEAR, BIAS, STANDARD_BIAS, DAYLIGHT_BIAS, STANDARD_DATE, DAYLIGHT_DATE, RULE_N };

static const struct trace_field fields[] = {
	[ZONE] = FIELD("zone", TEXT, "Zone"),
	[YEAR] = FIELD("year", UINT, "Year (0: every)"),
	[BIAS] = FIELD("bias", INT, "Bias in minutes"),
	[STANDARD_BIAS] = FIELD("standard_bias", INT, "Standard bias"),
	[DAYLIGHT_BIAS] = FIELD("daylight_bias", INT, "Daylight bias"),
	[STANDARD_DATE] = FIELD("standard_date", BYTES, "Standard time begins"),
	[DAYLIGHT_DATE] = FIELD("daylight_date", BYTES, "Daylight time begins"),
	REGISTRY_FIELDS,
};

static const struct trace_type rule_type = {
	.name = "windows.system.zone-rule",
	.message = "Zone {zone} in year {year}: bias {bias} minutes",
	.fields = fields,
};

enum { TZI_SIZE = 44, TZI_STANDARD = 12, TZI_DAYLIGHT = 28, SYSTEMTIME_SIZE = 16 };

static enum status emit_rule(struct parse_context *ctx, struct hive *hive,
			     const struct hive_key *key, const struct hive_value *value,
			     struct text zone, uint64_t year, struct failure *why)
{
	struct value values[RULE_N + REGISTRY_TAIL] = { 0 };
	const struct span tzi = value->data;

	if (value->type != REGISTRY_BINARY || tzi.size != TZI_SIZE)
		return STATUS_OK;
	values[ZONE] = value_text(zone);
	values[YEAR] = value_uint(year);
	values[BIAS] = value_int((int32_t)span_u32le(tzi, 0));
	values[STANDARD_BIAS] = value_int((int32_t)span_u32le(tzi, 4));
	values[DAYLIGHT_BIAS] = value_int((int32_t)span_u32le(tzi, 8));
	values[STANDARD_DATE] = value_bytes(span_part(tzi, TZI_STANDARD, SYSTEMTIME_SIZE));
	values[DAYLIGHT_DATE] = value_bytes(span_part(tzi, TZI_DAYLIGHT, SYSTEMTIME_SIZE));
	return emit_key(ctx, hive, key, value, &rule_type, values, why);
}

static enum status read_zone(struct parse_context *ctx, struct hive *hive,
			     const struct hive_key *key, void *payload, struct failure *why)
{
	const struct hive_value *value = key_value(key, "TZI");

	(void)payload;
	return value ? emit_rule(ctx, hive, key, value, key->name, 0, why) : STATUS_OK;
}

/* A value name of four digits; 0 when it is none. */
static uint64_t year_of(struct text name)
{
	uint64_t year = 0;

	if (name.size != 4)
		return 0;
	for (size_t i = 0; i < name.size; i++) {
		if (name.data[i] < '0' || name.data[i] > '9')
			return 0;
		year = year * 10 + (uint64_t)(name.data[i] - '0');
	}
	return year;
}

static enum status read_years(struct parse_context *ctx, struct hive *hive,
			      const struct hive_key *key, void *payload, struct failure *why)
{
	const struct text zone = path_component_back(key->path, 1);
	enum status status = STATUS_OK;

	(void)payload;
	for (size_t i = 0; status >= 0 && i < key->n_values; i++) {
		const uint64_t year = year_of(key->values[i].name);

		if (year)
			status = emit_rule(ctx, hive, key, &key->values[i], zone, year, why);
	}
	return status;
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	const enum status status =
		visit_keys(ctx, hive, "Microsoft\\Windows NT\\CurrentVersion\\Time Zones\\*",
			   read_zone, NULL, why);

	if (status < 0)
		return status;
	return visit_keys(ctx, hive,
			  "Microsoft\\Windows NT\\CurrentVersion\\Time Zones\\*\\Dynamic DST",
			  read_years, NULL, why);
}

const struct parser zone_rule_parser = {
	.name = "windows.system.zone-rule",
	.title = "Rules of the time zones",
	.versions = "Windows 2000 to 11",
	.asserts = "Which offset and daylight rule the machine applied in which year.",
	.paths = software_hives,
	.emits = (const struct trace_type *const[]){ &rule_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
