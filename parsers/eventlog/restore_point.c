/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of System Restore, channel Application, Windows Vista to 11: 8194 a restore point was made,
 * 8195 was not made (process and command line, description).
 */
#include "parsers/eventlog/families.h"

enum { RESTORE_PROCESS = EVENT_FIELDS, RESTORE_TEXT };

const struct trace_type event_restore_point_type = {
	.name = "windows.event.restore-point",
	.message = "System Restore event {event_id}: {text}[ ({process})]",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[RESTORE_PROCESS] = { "process", VALUE_TEXT, 0, 0, "Process" },
		[RESTORE_TEXT] = { "text", VALUE_TEXT, 0, 0, "Description" },
		{ 0 },
	},
};

static const struct field_source sources[] = {
	{ RESTORE_PROCESS, 1, "param1", TAKE_TEXT },
	{ RESTORE_TEXT, 2, "param2", TAKE_TEXT },
	{ 0 },
};

const struct event_rule restore_rules[] = {
	{ "System Restore", NULL, 8194, 8195, &event_restore_point_type, sources, NULL },
	{ 0 },
};
