/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the antivirus built into Windows (Windows 8 to 11), channel ".../Operational": 5000 and
 * 5001 real-time protection on and off, 5004 and 5007 settings changed, 5008 to 5013 parts that
 * failed or were turned off or on, 1150 and 1151 a heartbeat with versions, 3002 a part failed,
 * 2000 and 2010 updates. Product names may be a message reference ("%%827").
 */
#include "parsers/eventlog/families.h"

#define DEFENDER "Microsoft-Windows-Windows Defender", "{11cd958a-c507-4ef3-b3f2-5fd9dfbd2c78}"

enum { DEFENDER_PRODUCT = EVENT_FIELDS, DEFENDER_VERSION, DEFENDER_OLD, DEFENDER_NEW };

const struct trace_type event_defender_type = {
	.name = "windows.event.defender",
	.message = "Built-in antivirus event {event_id}: {product} {version} {old} {new}",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[DEFENDER_PRODUCT] = { "product", VALUE_TEXT, ASPECT_PROGRAM, 0, "Product" },
		[DEFENDER_VERSION] = { "version", VALUE_TEXT, ASPECT_VERSION, 0, "Version" },
		[DEFENDER_OLD] = { "old", VALUE_TEXT, 0, 0, "Before" },
		[DEFENDER_NEW] = { "new", VALUE_TEXT, 0, 0, "After" },
		{ 0 },
	},
};

static const struct field_source sources[] = {
	{ DEFENDER_PRODUCT, 1, "Product Name", TAKE_TEXT },
	{ DEFENDER_VERSION, 2, "Product Version|Platform version|Current platform version",
	  TAKE_TEXT },
	{ DEFENDER_OLD, 0, "Old Value", TAKE_TEXT },
	{ DEFENDER_NEW, 0, "New Value", TAKE_TEXT },
	{ 0 },
};

const struct event_rule defender_rules[] = {
	{ DEFENDER, 1150, 1151, &event_defender_type, sources, NULL },
	{ DEFENDER, 2000, 2000, &event_defender_type, sources, NULL },
	{ DEFENDER, 2010, 2010, &event_defender_type, sources, NULL },
	{ DEFENDER, 3002, 3002, &event_defender_type, sources, NULL },
	{ DEFENDER, 5000, 5013, &event_defender_type, sources, NULL },
	{ 0 },
};
