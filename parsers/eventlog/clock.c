/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the system clock: Kernel-General 1 in System (NewTime, OldTime, from version 1 Reason
 * and from version 2 ProcessName: 1 = by an application, 2 = synchronised with the hardware clock,
 * 3 = adjusted), Security 4616 (PreviousTime, NewTime, ProcessName).
 */
#include "parsers/eventlog/families.h"

#define GENERAL	 "Microsoft-Windows-Kernel-General", "{a68ca8b7-004f-d7b6-a698-07e2de0f1f5d}"
#define SECURITY "Microsoft-Windows-Security-Auditing", "{54849625-5478-4994-a5ba-3e3b0328c30d}"

enum { CLOCK_OLD = EVENT_FIELDS, CLOCK_NEW, CLOCK_REASON, CLOCK_PROCESS };

const struct trace_type event_time_change_type = {
	.name = "windows.event.time-change",
	.message = "The clock was set from {old_time} to {new_time} by {process}",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[CLOCK_OLD] = { "old_time", VALUE_INSTANT, 0, 0, "Time before" },
		[CLOCK_NEW] = { "new_time", VALUE_INSTANT, 0, 0, "Time after" },
		[CLOCK_REASON] = { "reason", VALUE_UINT, 0, 0, "Reason" },
		[CLOCK_PROCESS] = { "process", VALUE_TEXT, 0, 0, "Process" },
		{ 0 },
	},
};

static const struct field_source sources[] = {
	{ CLOCK_OLD, 0, "OldTime|PreviousTime", TAKE_TIME },
	{ CLOCK_NEW, 0, "NewTime", TAKE_TIME },
	{ CLOCK_REASON, 0, "Reason", TAKE_UINT },
	{ CLOCK_PROCESS, 0, "ProcessName", TAKE_TEXT },
	{ 0 },
};

const struct event_rule clock_rules[] = {
	{ GENERAL, 1, 1, &event_time_change_type, sources, NULL },
	{ SECURITY, 4616, 4616, &event_time_change_type, sources, NULL },
	{ 0 },
};
