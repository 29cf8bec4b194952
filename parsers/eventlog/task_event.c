/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the task scheduler, channel ".../Operational" (off by default since Windows 8): 106
 * registered, 140 updated, 141 deleted, 129 process created, 200 action started, 201 completed.
 */
#include "parsers/eventlog/families.h"

#define SCHEDULER "Microsoft-Windows-TaskScheduler", "{de7b24ea-73c8-4a09-985d-5bdadcfa9017}"

enum { TASK_TASK = EVENT_FIELDS, TASK_USER, TASK_PATH };

const struct trace_type event_task_type = {
	.name = "windows.event.task",
	.message = "Task scheduler event {event_id}: {task} {path}",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[TASK_TASK] = { "task", VALUE_TEXT, ASPECT_TASK, 0, "Task" },
		[TASK_USER] = { "task_user", VALUE_TEXT, 0, 0, "User of the task" },
		[TASK_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, 0, "Program" },
		{ 0 },
	},
};

static const struct field_source sources[] = {
	{ TASK_TASK, 1, "TaskName|Name", TAKE_TEXT },
	{ TASK_USER, 0, "UserContext|UserName", TAKE_TEXT },
	{ TASK_PATH, 0, "Path|ActionName", TAKE_TEXT },
	{ 0 },
};

const struct event_rule task_rules[] = {
	{ SCHEDULER, 106, 106, &event_task_type, sources, NULL },
	{ SCHEDULER, 129, 129, &event_task_type, sources, NULL },
	{ SCHEDULER, 140, 141, &event_task_type, sources, NULL },
	{ SCHEDULER, 200, 201, &event_task_type, sources, NULL },
	{ 0 },
};
