/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the Restart Manager, channel Application, Windows Vista to 11: 10000, 10001 a session of
 * an installer began, ended; 10002 a program was shut down, 10003 restarted, 10004, 10005 what needs
 * a restart, 10006 to 10010 could not be shut down or restarted (UserData: FullPath, DisplayName).
 */
#include "parsers/eventlog/families.h"

#define RESTART "Microsoft-Windows-RestartManager", "{0888e5ef-9b98-4695-979d-e92ce4247224}"

enum { RESTART_NAME = EVENT_FIELDS, RESTART_PATH, RESTART_VERSION, RESTART_SESSION, RESTART_BEGAN };

const struct trace_type event_restart_manager_type = {
	.name = "windows.event.restart-manager",
	.message = "Restart Manager event {event_id}: {name} {path}",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[RESTART_NAME] = { "name", VALUE_TEXT, ASPECT_PROGRAM, ASPECT_SERVICE_NAME,
				   "Program" },
		[RESTART_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, 0, "Program path" },
		[RESTART_VERSION] = { "version", VALUE_TEXT, ASPECT_VERSION, 0, "Version" },
		[RESTART_SESSION] = { "session", VALUE_UINT, 0, 0, "Session" },
		[RESTART_BEGAN] = { "session_began", VALUE_INSTANT, 0, 0, "Session began" },
		{ 0 },
	},
};

static const struct field_source sources[] = {
	{ RESTART_NAME, 0, "DisplayName|Application", TAKE_TEXT },
	{ RESTART_PATH, 0, "FullPath", TAKE_TEXT },
	{ RESTART_VERSION, 0, "AppVersion", TAKE_TEXT },
	{ RESTART_SESSION, 0, "RmSessionId", TAKE_UINT },
	{ RESTART_BEGAN, 0, "UTCStartTime", TAKE_TIME },
	{ 0 },
};

const struct event_rule restart_rules[] = {
	{ RESTART, 10000, 10010, &event_restart_manager_type, sources, NULL },
	{ 0 },
};
