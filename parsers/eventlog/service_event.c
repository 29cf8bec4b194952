/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the Service Control Manager, channel System, Windows XP to 11, and Security 4697:
 *
 *   7045 installed (from Windows 7)   ServiceName, ImagePath, ServiceType, StartType, AccountName
 *   4697 installed (audited)          ServiceName, ServiceFileName, ServiceType, ServiceStartType,
 *                                     ServiceAccount
 *   7036 entered a state              displayed name, state; Binary "<key>/<state>" in UTF-16LE
 *   7035 was sent a control (XP)      displayed name, control
 *   7034, 7031 ended unexpectedly     displayed name, count
 *   7040 start type changed           displayed name, from, to, key
 *   7000, 7001, 7026 did not start    names
 *
 * The ServiceName of 7045 is the displayed name in some builds and for some installers. State texts
 * are in the system's language. No event tells of a service being deleted.
 */
#include "parsers/base/text.h"
#include "parsers/eventlog/families.h"

#define SCM      "Service Control Manager", "{555908d1-a6d7-4695-8e1e-26931d2012f4}"
#define SECURITY "Microsoft-Windows-Security-Auditing", "{54849625-5478-4994-a5ba-3e3b0328c30d}"

enum {
	INSTALLED_SERVICE = EVENT_FIELDS,
	INSTALLED_IMAGE,
	INSTALLED_DRIVER,
	INSTALLED_KIND,
	INSTALLED_START,
	INSTALLED_ACCOUNT,
};

const struct trace_type event_service_installed_type = {
	.name = "windows.event.service-installed",
	.message = "Service {service} was installed: {image_path}[ ({type}, {start})]",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[INSTALLED_SERVICE] = { "service", VALUE_TEXT, ASPECT_SERVICE,
					ASPECT_SERVICE_NAME, "Service" },
		[INSTALLED_IMAGE] = { "image_path", VALUE_TEXT, ASPECT_PATH, 0, "Image" },
		[INSTALLED_DRIVER] = { "driver", VALUE_TEXT, ASPECT_DRIVER, 0, "Driver" },
		[INSTALLED_KIND] = { "type", VALUE_TEXT, 0, 0, "Type" },
		[INSTALLED_START] = { "start", VALUE_TEXT, 0, 0, "Start" },
		[INSTALLED_ACCOUNT] = { "account", VALUE_TEXT, 0, 0, "Account" },
		{ 0 },
	},
};

enum {
	STATE_SERVICE = EVENT_FIELDS,
	STATE_STATE,
	STATE_KEY,
	STATE_FROM,
	STATE_COUNT,
	STATE_PARAMS,
};

const struct trace_type event_service_state_type = {
	.name = "windows.event.service-state",
	.message = "Service {service}[ ({key})], event {event_id}: {state}",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[STATE_SERVICE] = { "service", VALUE_TEXT, ASPECT_SERVICE_NAME, ASPECT_SERVICE,
				    "Service" },
		[STATE_STATE] = { "state", VALUE_TEXT, 0, 0, "State" },
		[STATE_KEY] = { "key", VALUE_TEXT, ASPECT_SERVICE, 0, "Service key" },
		[STATE_FROM] = { "from", VALUE_TEXT, 0, 0, "Start type before" },
		[STATE_COUNT] = { "count", VALUE_UINT, 0, 0, "Times" },
		[STATE_PARAMS] = { "params", VALUE_TEXT, 0, 0, "Parameters" },
		{ 0 },
	},
};

static void refine_installed(struct arena *arena, const struct event *event, struct value *values)
{
	(void)arena;
	(void)event;
	if (values[INSTALLED_IMAGE].kind == VALUE_TEXT)
		values[INSTALLED_DRIVER] =
			value_text(event_base_name(values[INSTALLED_IMAGE].text, ".sys"));
}

/* "<key>/<state number>" in UTF-16LE. */
static void refine_key(struct arena *arena, const struct event *event, struct value *values)
{
	struct span name = event->binary;
	size_t end = 0;

	while (end + 2 <= name.size && (name.data[end] || name.data[end + 1]) &&
	       !(name.data[end] == '/' && name.data[end + 1] == 0))
		end += 2;
	name.size = end;
	if (end)
		values[STATE_KEY] = value_text(text_from_utf16le(arena, name, NULL));
}

/* All parameters joined, for events whose items differ between versions. */
static void refine_params(struct arena *arena, const struct event *event, struct value *values)
{
	const struct text first = event_item_at(event, 1);
	const struct text second = event_item_at(event, 2);

	if (first.data && second.data)
		values[STATE_PARAMS] = value_text(text_of(
			arena_printf(arena, "%.*s | %.*s", (int)first.size, first.data,
				     (int)second.size, second.data)));
	else
		values[STATE_PARAMS] = value_text(first);
}

static const struct field_source scm_installed[] = {
	{ INSTALLED_SERVICE, 1, "ServiceName|param1", TAKE_TEXT },
	{ INSTALLED_IMAGE, 2, "ImagePath|param2", TAKE_TEXT },
	{ INSTALLED_KIND, 3, "ServiceType|param3", TAKE_TEXT },
	{ INSTALLED_START, 4, "StartType|param4", TAKE_TEXT },
	{ INSTALLED_ACCOUNT, 5, "AccountName|param5", TAKE_TEXT },
	{ 0 },
};

static const struct field_source security_installed[] = {
	{ INSTALLED_SERVICE, 5, "ServiceName", TAKE_TEXT },
	{ INSTALLED_IMAGE, 6, "ServiceFileName", TAKE_TEXT },
	{ INSTALLED_KIND, 7, "ServiceType", TAKE_TEXT },
	{ INSTALLED_START, 8, "ServiceStartType", TAKE_TEXT },
	{ INSTALLED_ACCOUNT, 9, "ServiceAccount", TAKE_TEXT },
	{ 0 },
};

static const struct field_source state_sources[] = {
	{ STATE_SERVICE, 1, "param1", TAKE_TEXT },
	{ STATE_STATE, 2, "param2", TAKE_TEXT },
	{ 0 },
};

static const struct field_source crash_sources[] = {
	{ STATE_SERVICE, 1, "param1", TAKE_TEXT },
	{ STATE_COUNT, 2, "param2", TAKE_UINT },
	{ 0 },
};

static const struct field_source start_type_sources[] = {
	{ STATE_SERVICE, 1, "param1", TAKE_TEXT },
	{ STATE_FROM, 2, "param2", TAKE_TEXT },
	{ STATE_STATE, 3, "param3", TAKE_TEXT },
	{ STATE_KEY, 4, "param4", TAKE_TEXT },
	{ 0 },
};

static const struct field_source failed_sources[] = {
	{ STATE_SERVICE, 1, "param1", TAKE_TEXT },
	{ 0 },
};

const struct event_rule service_rules[] = {
	{ SCM, 7045, 7045, &event_service_installed_type, scm_installed, refine_installed },
	{ SECURITY, 4697, 4697, &event_service_installed_type, security_installed,
	  refine_installed },
	{ SCM, 7035, 7036, &event_service_state_type, state_sources, refine_key },
	{ SCM, 7031, 7031, &event_service_state_type, crash_sources, refine_params },
	{ SCM, 7034, 7034, &event_service_state_type, crash_sources, refine_params },
	{ SCM, 7040, 7040, &event_service_state_type, start_type_sources, NULL },
	{ SCM, 7000, 7001, &event_service_state_type, failed_sources, refine_params },
	{ SCM, 7026, 7026, &event_service_state_type, failed_sources, refine_params },
	{ 0 },
};
