/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Installation of drivers: Kernel-PnP 400 configured, 410 started, 411 failed, 420 deleted, 430
 * needs more (channel ".../Configuration", Windows 8 to 11), UserPnp 20001 driver installed and
 * 20003 service added (channel System, Windows Vista to 11).
 */
#include "parsers/eventlog/families.h"

#define KERNEL "Microsoft-Windows-Kernel-PnP", "{9c205a39-1250-487d-abd7-c6e840631d15}"
#define USER   "Microsoft-Windows-UserPnp", "{96f4a050-7e31-453c-88be-9634f4e02139}"

enum {
	DRIVER_DRIVER = EVENT_FIELDS,
	DRIVER_SERVICE,
	DRIVER_INF,
	DRIVER_PROVIDER,
	DRIVER_VERSION,
	DRIVER_INSTANCE,
	DRIVER_PATH,
};

const struct trace_type event_driver_type = {
	.name = "windows.event.driver",
	.message = "Driver event {event_id}: {driver} {inf} {provider_name} {version} for {instance}",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[DRIVER_DRIVER] = { "driver", VALUE_TEXT, ASPECT_DRIVER, 0, "Driver" },
		[DRIVER_SERVICE] = { "service", VALUE_TEXT, ASPECT_SERVICE, 0, "Service" },
		[DRIVER_INF] = { "inf", VALUE_TEXT, 0, 0, "Driver package" },
		[DRIVER_PROVIDER] = { "provider_name", VALUE_TEXT, ASPECT_PUBLISHER, 0,
				      "Driver provider" },
		[DRIVER_VERSION] = { "version", VALUE_TEXT, ASPECT_VERSION, 0, "Version" },
		[DRIVER_INSTANCE] = { "instance", VALUE_TEXT, 0, 0, "Device" },
		[DRIVER_PATH] = { "path", VALUE_TEXT, ASPECT_PATH, 0, "Driver file" },
		{ 0 },
	},
};

static void refine_driver(struct arena *arena, const struct event *event, struct value *values)
{
	(void)arena;
	(void)event;
	if (values[DRIVER_PATH].kind == VALUE_TEXT)
		values[DRIVER_DRIVER] = value_text(event_base_name(values[DRIVER_PATH].text, ".sys"));
}

static const struct field_source sources[] = {
	{ DRIVER_SERVICE, 0, "ServiceName", TAKE_TEXT },
	{ DRIVER_INF, 0, "DriverName", TAKE_TEXT },
	{ DRIVER_PROVIDER, 0, "DriverProvider", TAKE_TEXT },
	{ DRIVER_VERSION, 0, "DriverVersion", TAKE_TEXT },
	{ DRIVER_INSTANCE, 0, "DeviceInstanceId", TAKE_TEXT },
	{ DRIVER_PATH, 0, "DriverFileName", TAKE_TEXT },
	{ 0 },
};

const struct event_rule driver_rules[] = {
	{ KERNEL, 400, 400, &event_driver_type, sources, NULL },
	{ KERNEL, 410, 411, &event_driver_type, sources, NULL },
	{ KERNEL, 420, 420, &event_driver_type, sources, NULL },
	{ KERNEL, 430, 430, &event_driver_type, sources, NULL },
	{ USER, 20001, 20003, &event_driver_type, sources, refine_driver },
	{ 0 },
};
