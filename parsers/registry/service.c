/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services and drivers: SYSTEM\ControlSet00n\Services\<name>, one per control set.
 *   ImagePath, DisplayName, Type, Start, ErrorControl, Group, Description, ObjectName
 *   Instances\<instance>\Altitude       of a minifilter (DefaultInstance names the instance)
 * Type and Start as in winnt.h (SERVICE_KERNEL_DRIVER 1, FILE_SYSTEM_DRIVER 2, WIN32 0x10/0x20;
 * start 0 boot, 1 system, 2 automatic, 3 on demand, 4 disabled: disabled is not removed).
 * Source: learn.microsoft.com "HKLM\SYSTEM\CurrentControlSet\Services Registry Tree".
 *
 * Times: the key's last-written time only; it also moves when a service is reconfigured.
 */
#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"

enum {
	NAME,
	DISPLAY_NAME,
	IMAGE_PATH,
	DRIVER,
	TYPE,
	START,
	CONTROL_SET,
	CURRENT,
	GROUP,
	DESCRIPTION,
	ALTITUDE,
	ACCOUNT,
	SERVICE_DLL,
	DELETE_FLAG,
	SERVICE_N,
};

static const struct trace_field fields[] = {
	[NAME] = FIELD_A("name", SERVICE, "Service"),
	[DISPLAY_NAME] = FIELD_A("display_name", SERVICE_NAME, "Displayed name"),
	[IMAGE_PATH] = FIELD_A("image_path", PATH, "Program"),
	[DRIVER] = FIELD_A("driver", DRIVER, "Driver file"),
	[TYPE] = FIELD("type", UINT, "Type"),
	[START] = FIELD("start", UINT, "Start"),
	[CONTROL_SET] = FIELD("control_set", UINT, "Control set"),
	[CURRENT] = FIELD("current", UINT, "In the current control set"),
	[GROUP] = FIELD("group", TEXT, "Group"),
	[DESCRIPTION] = FIELD("description", TEXT, "Description"),
	[ALTITUDE] = FIELD("altitude", TEXT, "Minifilter altitude"),
	[ACCOUNT] = FIELD("account", TEXT, "Account"),
	[SERVICE_DLL] = FIELD_A("service_dll", PATH, "Service library"),
	[DELETE_FLAG] = FIELD("delete_flag", UINT, "Marked for deletion"),
	REGISTRY_FIELDS,
};

static const struct trace_type service_type = {
	.name = "windows.registry.service",
	.message = "Service {name}[ ({display_name})][, start {start}][: {image_path}]",
	.fields = fields,
};

/*
 * What stands in live subkeys of services, gathered before the services are read: looking each up
 * by path would walk all services for each one.
 */
struct below {
	struct text service;  /* path of the service's key */
	struct text instance; /* DefaultInstance, or an instance's name */
	struct text text;     /* ServiceDll or Altitude */
	struct below *next;
};

struct services {
	struct below *defaults, *altitudes, *libraries;
};

/* The path without its last back + 1 components. */
static struct text path_above(struct text path, size_t back)
{
	const struct text tail = path_component_back(path, back);

	if (!tail.data || tail.data == path.data)
		return (struct text){ path.data, 0 };
	return (struct text){ path.data, (size_t)(tail.data - path.data) - 1 };
}

static enum status keep(struct parse_context *ctx, struct below **list, struct text service,
			struct text instance, struct text text, struct failure *why)
{
	struct below *below = arena_alloc(ctx->arena, sizeof(*below));
	char *service_copy = arena_text(ctx->arena, service);
	char *instance_copy = arena_text(ctx->arena, instance);

	if (!below || !service_copy || !instance_copy)
		return failure_set(why, ERR_LIMIT, "services: memory");
	below->service = (struct text){ service_copy, service.size };
	below->instance = (struct text){ instance_copy, instance.size };
	below->text = text;
	below->next = *list;
	*list = below;
	return STATUS_OK;
}

static bool is_live(const struct hive_key *key)
{
	return key->recovery == RECOVERY_ALLOCATED || key->recovery == RECOVERY_LOG_REPLAYED;
}

static enum status see_parameters(struct parse_context *ctx, struct hive *hive,
				  const struct hive_key *key, void *payload, struct failure *why)
{
	struct services *services = payload;
	const struct text library = key_text(ctx, key, "ServiceDll").text;

	(void)hive;
	if (!is_live(key) || !library.size)
		return STATUS_OK;
	return keep(ctx, &services->libraries, path_above(key->path, 0), TEXT(""), library, why);
}

static enum status see_instances(struct parse_context *ctx, struct hive *hive,
				 const struct hive_key *key, void *payload, struct failure *why)
{
	struct services *services = payload;
	const struct text instance = key_text(ctx, key, "DefaultInstance").text;

	(void)hive;
	if (!is_live(key) || !instance.size)
		return STATUS_OK;
	return keep(ctx, &services->defaults, path_above(key->path, 0), instance, TEXT(""), why);
}

static enum status see_altitude(struct parse_context *ctx, struct hive *hive,
				const struct hive_key *key, void *payload, struct failure *why)
{
	struct services *services = payload;
	const struct text text = key_text(ctx, key, "Altitude").text;

	(void)hive;
	if (!is_live(key) || !text.size)
		return STATUS_OK;
	return keep(ctx, &services->altitudes, path_above(key->path, 1), key->name, text, why);
}

static const struct below *find(const struct below *list, struct text service,
				const struct text *instance)
{
	for (; list; list = list->next)
		if (text_equal_folded(list->service, service) &&
		    (!instance || text_equal_folded(list->instance, *instance)))
			return list;
	return NULL;
}

static struct value altitude(const struct services *services, struct text service)
{
	const struct below *first = find(services->defaults, service, NULL), *found;

	if (!first)
		return (struct value){ .kind = VALUE_ABSENT };
	found = find(services->altitudes, service, &first->instance);
	return value_text(found ? found->text : (struct text){ NULL, 0 });
}

/* SERVICE_ADAPTER is no driver that runs; kernel, file system and recognizer drivers are. */
static bool is_driver(uint64_t type)
{
	return type == 1 || type == 2 || type == 8;
}

static struct value driver_file(struct parse_context *ctx, const struct value *type,
				struct text image, struct text name)
{
	const struct text base = path_last_name(command_program(image));
	char *implied;

	if (text_ends_folded(base, ".sys"))
		return value_text(base);
	if (image.size || type->kind != VALUE_UINT || !is_driver(type->uint))
		return (struct value){ .kind = VALUE_ABSENT };
	/* Without ImagePath the loader takes System32\drivers\<service>.sys. */
	implied = arena_printf(ctx->arena, "%.*s.sys", (int)name.size, name.data);
	return value_text(text_of(implied));
}

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[SERVICE_N + REGISTRY_TAIL] = { 0 };
	const struct control_set set = control_set_of(ctx, hive, key);
	const struct services *services = payload;
	const struct below *library = find(services->libraries, key->path, NULL);

	values[NAME] = value_text(key->name);
	values[DISPLAY_NAME] = key_text(ctx, key, "DisplayName");
	values[IMAGE_PATH] = key_text(ctx, key, "ImagePath");
	values[TYPE] = key_number(key, "Type");
	values[START] = key_number(key, "Start");
	values[CONTROL_SET] = set.number;
	values[CURRENT] = set.current;
	values[GROUP] = key_text(ctx, key, "Group");
	values[DESCRIPTION] = key_text(ctx, key, "Description");
	values[ACCOUNT] = key_text(ctx, key, "ObjectName");
	values[DELETE_FLAG] = key_number(key, "DeleteFlag");
	values[DRIVER] = driver_file(ctx, &values[TYPE], values[IMAGE_PATH].text, key->name);
	/* Of a deleted service nothing below can be told apart from a later one's. */
	if (is_live(key)) {
		values[ALTITUDE] = altitude(services, key->path);
		values[SERVICE_DLL] =
			value_text(library ? library->text : (struct text){ NULL, 0 });
	}
	return emit_key(ctx, hive, key, NULL, &service_type, values, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	static const struct {
		const char *pattern;
		hive_visitor visit;
	} passes[] = {
		{ "Services\\*\\Parameters", see_parameters },
		{ "Services\\*\\Instances", see_instances },
		{ "Services\\*\\Instances\\*", see_altitude },
		{ "Services\\*", read_key },
	};
	struct services services = { 0 };
	enum status status = STATUS_OK;

	for (size_t i = 0; status >= 0 && i < sizeof(passes) / sizeof(*passes); i++)
		status = visit_control_sets(ctx, hive, passes[i].pattern, passes[i].visit,
					    &services, why);
	return status;
}

const struct parser service_parser = {
	.name = "windows.registry.service",
	.title = "Services and drivers",
	.versions = "Windows 2000 to 11",
	.asserts = "The service or driver is registered and would load as its start type says.",
	.paths = system_hives,
	.emits = (const struct trace_type *const[]){ &service_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
