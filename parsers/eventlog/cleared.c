/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log was cleared: Security 1102 and System 104 (Windows Vista to 11; UserData LogFileCleared with
 * the user, the channel and the path of a backup), Security 517 (Windows XP).
 */
#include "parsers/eventlog/families.h"

#define EVENTLOG "Microsoft-Windows-Eventlog", "{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}"

enum { CLEARED_CHANNEL = EVENT_FIELDS, CLEARED_BY, CLEARED_DOMAIN, CLEARED_BACKUP };

const struct trace_type event_log_cleared_type = {
	.name = "windows.event.log-cleared",
	.message = "The event log {cleared} was cleared by {by}",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[CLEARED_CHANNEL] = { "cleared", VALUE_TEXT, 0, 0, "Cleared log" },
		[CLEARED_BY] = { "by", VALUE_TEXT, 0, 0, "Cleared by" },
		[CLEARED_DOMAIN] = { "domain", VALUE_TEXT, 0, 0, "Domain" },
		[CLEARED_BACKUP] = { "backup", VALUE_TEXT, ASPECT_PATH, 0, "Backup" },
		{ 0 },
	},
};

static void refine_security(struct arena *arena, const struct event *event, struct value *values)
{
	(void)arena;
	(void)event;
	if (values[CLEARED_CHANNEL].kind == VALUE_ABSENT)
		values[CLEARED_CHANNEL] = value_text(TEXT("Security"));
}

static const struct field_source sources[] = {
	{ CLEARED_CHANNEL, 0, "Channel", TAKE_TEXT },
	{ CLEARED_BY, 0, "SubjectUserName", TAKE_TEXT },
	{ CLEARED_DOMAIN, 0, "SubjectDomainName", TAKE_TEXT },
	{ CLEARED_BACKUP, 0, "BackupPath", TAKE_TEXT },
	{ 0 },
};

/* Primary user and domain, then those of the client. */
static const struct field_source old_sources[] = {
	{ CLEARED_BY, 4, NULL, TAKE_TEXT },
	{ CLEARED_BY, 1, NULL, TAKE_TEXT },
	{ 0 },
};

const struct event_rule cleared_rules[] = {
	{ EVENTLOG, 104, 104, &event_log_cleared_type, sources, NULL },
	{ EVENTLOG, 1102, 1102, &event_log_cleared_type, sources, refine_security },
	{ "Security", NULL, 517, 517, &event_log_cleared_type, old_sources, refine_security },
	{ 0 },
};
