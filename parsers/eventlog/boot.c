/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts and stops of the system. Channel System: Kernel-General 12 (StartTime) and 13 (StopTime),
 * EventLog 6005 (log service started), 6006 (stopped), 6009 (version line at boot), 6008 (the last
 * stop was unexpected), Kernel-Power 41 (the same, seen by the kernel), User32 1074 (a process
 * asked for the shutdown: process, computer, reason, code, kind, comment, user). Channel
 * Application: User Profiles Service 1531 (the service started, as it does with the system).
 */
#include "parsers/eventlog/families.h"

#define GENERAL "Microsoft-Windows-Kernel-General", "{a68ca8b7-004f-d7b6-a698-07e2de0f1f5d}"
#define PROFILES \
	"Microsoft-Windows-User Profiles Service", "{89b1e9f0-5aff-44a6-9b44-0a07a7ce5845}"
#define POWER   "Microsoft-Windows-Kernel-Power", "{331c3b3a-2005-44c2-ac5e-77220c37d6b4}"

enum { BOOT_START = EVENT_FIELDS };

const struct trace_type event_boot_type = {
	.name = "windows.event.boot",
	.message = "The system started (event {event_id})",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[BOOT_START] = { "start_time", VALUE_INSTANT, 0, 0, "System start" },
		{ 0 },
	},
};

enum {
	SHUTDOWN_STOP = EVENT_FIELDS,
	SHUTDOWN_PROCESS,
	SHUTDOWN_ACTION,
	SHUTDOWN_TEXT,
};

const struct trace_type event_shutdown_type = {
	.name = "windows.event.shutdown",
	.message = "The system stopped (event {event_id}) {process} {action} {text}",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[SHUTDOWN_STOP] = { "stop_time", VALUE_INSTANT, 0, 0, "System stop" },
		[SHUTDOWN_PROCESS] = { "process", VALUE_TEXT, 0, 0, "Process" },
		[SHUTDOWN_ACTION] = { "action", VALUE_TEXT, 0, 0, "Action" },
		[SHUTDOWN_TEXT] = { "text", VALUE_TEXT, 0, 0, "Comment" },
		{ 0 },
	},
};

enum { UNCLEAN_TIME = EVENT_FIELDS, UNCLEAN_DATE };

const struct trace_type event_unclean_shutdown_type = {
	.name = "windows.event.unclean-shutdown",
	.message = "The previous stop of the system was unexpected (event {event_id}), at "
		   "{stop_date} {stop_clock} by its own clock",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[UNCLEAN_TIME] = { "stop_clock", VALUE_TEXT, 0, 0, "Clock of the stop" },
		[UNCLEAN_DATE] = { "stop_date", VALUE_TEXT, 0, 0, "Day of the stop" },
		{ 0 },
	},
};

static const struct field_source boot_sources[] = {
	{ BOOT_START, 7, "StartTime", TAKE_TIME },
	{ 0 },
};

static const struct field_source stop_sources[] = {
	{ SHUTDOWN_STOP, 1, "StopTime", TAKE_TIME },
	{ 0 },
};

static const struct field_source request_sources[] = {
	{ SHUTDOWN_PROCESS, 1, "param1", TAKE_TEXT },
	{ SHUTDOWN_ACTION, 5, "param5", TAKE_TEXT },
	{ SHUTDOWN_TEXT, 6, "param6", TAKE_TEXT },
	{ 0 },
};

static const struct field_source unclean_sources[] = {
	{ UNCLEAN_TIME, 1, NULL, TAKE_TEXT },
	{ UNCLEAN_DATE, 2, NULL, TAKE_TEXT },
	{ 0 },
};

const struct event_rule boot_rules[] = {
	{ GENERAL, 12, 12, &event_boot_type, boot_sources, NULL },
	{ GENERAL, 13, 13, &event_shutdown_type, stop_sources, NULL },
	{ "EventLog", NULL, 6005, 6005, &event_boot_type, NULL, NULL },
	{ "EventLog", NULL, 6009, 6009, &event_boot_type, NULL, NULL },
	{ PROFILES, 1531, 1531, &event_boot_type, NULL, NULL },
	{ "EventLog", NULL, 6006, 6006, &event_shutdown_type, NULL, NULL },
	{ "EventLog", NULL, 6008, 6008, &event_unclean_shutdown_type, unclean_sources, NULL },
	{ POWER, 41, 41, &event_unclean_shutdown_type, NULL, NULL },
	{ "User32", NULL, 1074, 1074, &event_shutdown_type, request_sources, NULL },
	{ 0 },
};
