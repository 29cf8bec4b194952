/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the program inventory (Application Experience, channel ".../Program-Inventory", Windows
 * 7 to 10): 903, 904 a program was installed, 905, 906 updated, 907, 908 removed. The time is when
 * the inventory noticed, hours or days after the act.
 */
#include "parsers/eventlog/families.h"

#define INVENTORY "Microsoft-Windows-Application-Experience", "{eef54e71-0661-422d-9a98-82fd4940b820}"

enum {
	INVENTORY_NAME = EVENT_FIELDS,
	INVENTORY_VERSION,
	INVENTORY_PUBLISHER,
	INVENTORY_ROOT,
	INVENTORY_INSTANCE,
	INVENTORY_SOURCE,
	INVENTORY_LANGUAGE,
};

const struct trace_type event_inventory_type = {
	.name = "windows.event.inventory",
	.message = "Program inventory event {event_id}: {name} {version}[ by {publisher}]",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[INVENTORY_NAME] = { "name", VALUE_TEXT, ASPECT_PROGRAM, 0, "Program" },
		[INVENTORY_VERSION] = { "version", VALUE_TEXT, ASPECT_VERSION, 0, "Version" },
		[INVENTORY_PUBLISHER] = { "publisher", VALUE_TEXT, ASPECT_PUBLISHER, 0,
					  "Publisher" },
		[INVENTORY_ROOT] = { "root", VALUE_TEXT, ASPECT_PATH, 0, "Folder" },
		[INVENTORY_INSTANCE] = { "instance", VALUE_TEXT, 0, 0, "Program instance" },
		[INVENTORY_SOURCE] = { "source", VALUE_TEXT, 0, 0, "Source" },
		[INVENTORY_LANGUAGE] = { "language", VALUE_TEXT, 0, 0, "Language" },
		{ 0 },
	},
};

static const struct field_source sources[] = {
	{ INVENTORY_NAME, 1, "Name", TAKE_TEXT },
	{ INVENTORY_VERSION, 2, "Version", TAKE_TEXT },
	{ INVENTORY_PUBLISHER, 3, "Publisher", TAKE_TEXT },
	{ INVENTORY_LANGUAGE, 4, "Language", TAKE_TEXT },
	{ INVENTORY_SOURCE, 5, "Source", TAKE_TEXT },
	{ INVENTORY_INSTANCE, 6, "ProgramInstanceID|ProgramID", TAKE_TEXT },
	{ INVENTORY_ROOT, 7, "RootDirPath", TAKE_TEXT },
	{ 0 },
};

const struct event_rule inventory_rules[] = {
	{ INVENTORY, 903, 908, &event_inventory_type, sources, NULL },
	{ 0 },
};
