/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program crashed, so it ran: Windows Error Reporting 1001 (bucket, kind, event name, response,
 * cabinet, P1 to P10, files, report folder ...; P1 is the program for application events) and
 * Application Error 1000 (program, version, stamp, module, version, stamp, code, offset, process,
 * start, program path, module path; the last four from Windows 7 on).
 */
#include "parsers/eventlog/families.h"

enum { CRASH_EXECUTABLE = EVENT_FIELDS, CRASH_PATH, CRASH_VERSION, CRASH_KIND };

const struct trace_type event_crash_type = {
	.name = "windows.event.crash",
	.message = "{executable} {version} failed ({kind})",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[CRASH_EXECUTABLE] = { "executable", VALUE_TEXT, ASPECT_EXECUTABLE, 0, "Program" },
		[CRASH_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, 0, "Program path" },
		[CRASH_VERSION] = { "version", VALUE_TEXT, ASPECT_VERSION, 0, "Version" },
		[CRASH_KIND] = { "kind", VALUE_TEXT, 0, 0, "Kind" },
		{ 0 },
	},
};

/* P1 is a program only for some kinds of report. */
static void refine_report(struct arena *arena, const struct event *event, struct value *values)
{
	const struct text name = values[CRASH_EXECUTABLE].text;

	(void)arena;
	(void)event;
	if (values[CRASH_EXECUTABLE].kind == VALUE_TEXT && event_base_name(name, ".exe").data)
		return;
	values[CRASH_EXECUTABLE] = (struct value){ .kind = VALUE_ABSENT };
	values[CRASH_VERSION] = (struct value){ .kind = VALUE_ABSENT };
}

static const struct field_source report_sources[] = {
	{ CRASH_KIND, 3, "EventName", TAKE_TEXT },
	{ CRASH_EXECUTABLE, 6, "P1", TAKE_TEXT },
	{ CRASH_VERSION, 7, "P2", TAKE_TEXT },
	{ 0 },
};

static const struct field_source error_sources[] = {
	{ CRASH_EXECUTABLE, 1, "AppName", TAKE_TEXT },
	{ CRASH_VERSION, 2, "AppVersion", TAKE_TEXT },
	{ CRASH_KIND, 7, "ExceptionCode", TAKE_TEXT },
	{ CRASH_PATH, 11, "AppPath", TAKE_TEXT },
	{ 0 },
};

const struct event_rule crash_rules[] = {
	{ "Windows Error Reporting", NULL, 1001, 1001, &event_crash_type, report_sources,
	  refine_report },
	{ "Application Error", "{a0e9b465-b939-57d7-b27d-95d8e925ff57}", 1000, 1000,
	  &event_crash_type, error_sources, NULL },
	{ 0 },
};
