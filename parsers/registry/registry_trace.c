/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/registry/registry_trace.h"

#include <stdio.h>

#include "parsers/base/text.h"

const char *const software_hives[] = { SOFTWARE_PATHS, NULL };
const char *const system_hives[] = { SYSTEM_PATHS, NULL };
const char *const user_hives[] = { USER_PATHS, NULL };
const char *const software_and_user_hives[] = { SOFTWARE_PATHS, USER_PATHS, NULL };
const char *const classes_hives[] = { SOFTWARE_PATHS, USER_PATHS, CLASSES_PATHS, NULL };
const char *const all_hives[] = { SOFTWARE_PATHS, SYSTEM_PATHS, USER_PATHS, CLASSES_PATHS, NULL };
const char *const amcache_hives[] = { AMCACHE_PATHS, NULL };

enum { PATTERN_SIZE = 256 };

enum { CONTAINER_PATH, CONTAINER_WRITTEN, CONTAINER_CELL, CONTAINER_N_FIELDS };

const struct trace_type registry_container_type = {
	.name = "windows.registry.container",
	.message = "The key {path}, from which others were deleted, was last written",
	/* No aspect: what stands above a product's key says nothing of the product. */
	.fields = (const struct trace_field[]){
		[CONTAINER_PATH] = FIELD("path", TEXT, "Key"),
		[CONTAINER_WRITTEN] = FIELD("key_last_written", INSTANT, "Key last written"),
		[CONTAINER_CELL] = FIELD("cell", UINT, "Cell of the key"),
		{ 0 },
	},
};

/* What a transaction log holds and the primary file not yet is the hive's present state. */
static bool is_live(enum recovery recovery)
{
	return recovery == RECOVERY_ALLOCATED || recovery == RECOVERY_LOG_REPLAYED;
}

static const struct hive_value *live_value_named(const struct hive_key *key, struct text name)
{
	for (size_t i = 0; i < key->n_values; i++)
		if (is_live(key->values[i].recovery) &&
		    text_equal_folded(key->values[i].name, name))
			return &key->values[i];
	return NULL;
}

/* A value to compose a trace of: of a live key only live ones, so that no state is mixed. */
static const struct hive_value *value_of(const struct hive_key *key, const char *name)
{
	return is_live(key->recovery) ? live_value_named(key, text_of(name)) : key_value(key, name);
}

static enum status emit_container(struct parse_context *ctx, const struct hive *hive,
				  const struct hive_key *key, struct failure *why)
{
	struct hive_key container;

	if (!hive_container(ctx, hive, key, &container))
		return STATUS_OK;

	const struct value values[CONTAINER_N_FIELDS] = {
		[CONTAINER_PATH] = value_text(key_aspect(ctx, hive, container.path)),
		[CONTAINER_WRITTEN] = value_instant(container.last_written),
		[CONTAINER_CELL] = value_uint(container.container_cell),
	};
	const struct trace trace = {
		.type = &registry_container_type,
		.origin = key_origin(ctx, &container),
		.recovery = container.recovery,
		.values = values,
	};
	return emit(ctx, &trace, why);
}

enum status emit_key(struct parse_context *ctx, const struct hive *hive, const struct hive_key *key,
		     const struct hive_value *value, const struct trace_type *type,
		     struct value *values, struct failure *why)
{
	struct value *tail = values + (trace_type_fields(type) - REGISTRY_TAIL);
	const bool recovered = !is_live(key->recovery);
	const bool value_decides =
		value && (!is_live(value->recovery) || key->recovery == RECOVERY_ALLOCATED);

	tail[TAIL_KEY] = value_text(key_aspect(ctx, hive, key->path));
	/* A deleted value of a live key: that key's time is its removal's bound, no proof of it. */
	if (value && !recovered && !is_live(value->recovery)) {
		tail[TAIL_CONTAINER] = value_instant(key->last_written);
		tail[TAIL_SUPERSEDED] = value_uint(live_value_named(key, value->name) != NULL);
	} else {
		tail[TAIL_KEY_WRITTEN] = value_instant(key->last_written);
		if (recovered && instant_is_set(key->container_last_written)) {
			tail[TAIL_CONTAINER] = value_instant(key->container_last_written);
			tail[TAIL_CONTAINER_CELL] = value_uint(key->container_cell);
		}
		tail[TAIL_SUPERSEDED] = value_uint(recovered && key->superseded);
	}
	tail[TAIL_SURE] = value_uint(!recovered || key->path_sure);

	const struct trace trace = {
		.type = type,
		.origin = value ? value_origin(ctx, key, value) : key_origin(ctx, key),
		.recovery = value_decides ? value->recovery : key->recovery,
		.values = values,
	};
	const enum status status = emit(ctx, &trace, why);

	return status < 0 || !recovered ? status : emit_container(ctx, hive, key, why);
}

struct value key_text(struct parse_context *ctx, const struct hive_key *key, const char *name)
{
	return value_text(hive_value_text(ctx, value_of(key, name)));
}

struct value key_number(const struct hive_key *key, const char *name)
{
	uint64_t number;

	if (!hive_value_number(value_of(key, name), &number))
		return (struct value){ .kind = VALUE_ABSENT };
	return value_uint(number);
}

struct value key_filetime(const struct hive_key *key, const char *name)
{
	return value_instant(hive_value_filetime(value_of(key, name)));
}

struct value key_unix(const struct hive_key *key, const char *name)
{
	uint64_t seconds;

	if (!hive_value_number(value_of(key, name), &seconds) || seconds > UINT32_MAX)
		return (struct value){ .kind = VALUE_ABSENT };
	return value_instant(instant_from_unix((int64_t)seconds));
}

struct value key_signed(const struct hive_key *key, const char *name)
{
	uint64_t number;

	if (!hive_value_number(value_of(key, name), &number) || number > UINT32_MAX)
		return (struct value){ .kind = VALUE_ABSENT };
	return value_int((int32_t)(uint32_t)number);
}

struct value key_bytes(const struct hive_key *key, const char *name, size_t size)
{
	const struct hive_value *value = value_of(key, name);

	if (!value || value->type != REGISTRY_BINARY || (size && value->data.size != size))
		return (struct value){ .kind = VALUE_ABSENT };
	return value_bytes(value->data);
}

size_t value_texts(struct parse_context *ctx, const struct hive_value *value, struct text *texts,
		   size_t capacity)
{
	size_t n = 0, start = 0;

	if (!value || (value->type != REGISTRY_MULTI_SZ && value->type != REGISTRY_SZ))
		return 0;
	for (size_t i = 0; i + 1 < value->data.size + 2; i += 2) {
		const bool end = i + 1 >= value->data.size;

		if (!end && (value->data.data[i] || value->data.data[i + 1]))
			continue;
		const size_t size = (end ? value->data.size & ~(size_t)1 : i) - start;

		/* The end of the bytes closes a text only if its own NUL is missing. */
		if (end && size == 0)
			break;
		if (n < capacity)
			texts[n] =
				size ? text_from_utf16le(ctx->arena,
							 span_part(value->data, start, size), NULL)
				     : TEXT("");
		n++;
		start = i + 2;
		if (end)
			break;
	}
	/* The empty text that ends the list is no item of it. */
	if (n && n <= capacity && texts[n - 1].size == 0)
		n--;
	return n;
}

enum status visit_keys(struct parse_context *ctx, struct hive *hive, const char *pattern,
		       hive_visitor visit, void *payload, struct failure *why)
{
	const enum status status = hive_visit(ctx, hive, pattern, visit, payload, why);

	return status < 0 ? status : STATUS_OK;
}

static enum status visit_below(struct parse_context *ctx, struct hive *hive,
			       const char *const *prefixes, const char *pattern, hive_visitor visit,
			       void *payload, struct failure *why)
{
	char whole[PATTERN_SIZE];

	for (; *prefixes; prefixes++) {
		const int size = snprintf(whole, sizeof(whole), "%s%s", *prefixes, pattern);
		enum status status;

		if (size < 0 || (size_t)size >= sizeof(whole))
			return failure_set(why, ERR_LIMIT, "key pattern too long");
		status = visit_keys(ctx, hive, whole, visit, payload, why);
		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

enum status visit_software(struct parse_context *ctx, struct hive *hive, const char *pattern,
			   hive_visitor visit, void *payload, struct failure *why)
{
	static const char *const machine[] = { "", "WOW6432Node\\", NULL };
	static const char *const user[] = { "Software\\", "Software\\WOW6432Node\\", NULL };

	return visit_below(ctx, hive, hive_is_user(hive) ? user : machine, pattern, visit, payload,
			   why);
}

enum status visit_classes(struct parse_context *ctx, struct hive *hive, const char *pattern,
			  hive_visitor visit, void *payload, struct failure *why)
{
	/* UsrClass.dat is what HKCU\Software\Classes links to. */
	static const char *const machine[] = { "Classes\\", "Classes\\WOW6432Node\\",
					       "WOW6432Node\\Classes\\", NULL };
	static const char *const user[] = { "Software\\Classes\\", NULL };
	static const char *const classes[] = { "", "WOW6432Node\\", NULL };
	const bool is_classes = hive_is_root(hive, "HKCU/Software/Classes");
	const char *const *prefixes = !hive_is_user(hive) ? machine : is_classes ? classes : user;

	return visit_below(ctx, hive, prefixes, pattern, visit, payload, why);
}

enum status visit_control_sets(struct parse_context *ctx, struct hive *hive, const char *pattern,
			       hive_visitor visit, void *payload, struct failure *why)
{
	static const char *const sets[] = { "ControlSet???\\", NULL };

	return visit_below(ctx, hive, sets, pattern, visit, payload, why);
}

enum status visit_places(key_walk *walk, struct parse_context *ctx, struct hive *hive,
			 const struct key_place *places, size_t n, void *payload,
			 struct failure *why)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; status >= 0 && i < n; i++)
		status = walk(ctx, hive, places[i].pattern, places[i].visit, payload, why);
	return status;
}

bool text_starts_folded(struct text text, const char *prefix)
{
	const size_t size = strlen(prefix);

	return text.size >= size &&
	       text_equal_folded((struct text){ text.data, size }, text_of(prefix));
}

bool text_ends_folded(struct text text, const char *suffix)
{
	const size_t size = strlen(suffix);

	return text.size >= size &&
	       text_equal_folded((struct text){ text.data + text.size - size, size },
				 text_of(suffix));
}

bool hive_is_root(const struct hive *hive, const char *root)
{
	return text_equal_folded(text_of(hive_root(hive)), text_of(root));
}

bool hive_is_user(const struct hive *hive)
{
	return text_starts_folded(text_of(hive_root(hive)), "HKCU");
}

/* What stands before the name of a profile or a user's SID. */
static const char *const before_profile[] = {
	"/Users/",
	"/Documents and Settings/",
	"/ServiceProfiles/",
	"/_REGISTRY_USER_NTUSER_",
	"/_REGISTRY_USER_USRCLASS_",
};

static struct text profile_at(struct text path)
{
	for (size_t i = 0; i < sizeof(before_profile) / sizeof(*before_profile); i++) {
		const size_t skip = strlen(before_profile[i]);
		size_t size = 0;

		if (!text_starts_folded(path, before_profile[i]))
			continue;
		while (skip + size < path.size && path.data[skip + size] != '/')
			size++;
		return (struct text){ path.data + skip, size };
	}
	return (struct text){ NULL, 0 };
}

struct value hive_user(struct parse_context *ctx, const struct hive *hive)
{
	const struct text path = text_of(hive_source(hive)->path);

	(void)ctx;
	if (!hive_is_user(hive))
		return (struct value){ .kind = VALUE_ABSENT };
	for (size_t start = 0; start < path.size; start++) {
		const struct text name =
			profile_at((struct text){ path.data + start, path.size - start });

		if (name.data)
			return value_text(name);
	}
	if (path_fits("**/systemprofile/*", path))
		return value_text(TEXT("systemprofile"));
	return value_text(TEXT(".DEFAULT"));
}

static bool has_component(struct text path, const char *name)
{
	struct text component;

	for (size_t i = 0; (component = path_component_back(path, i)).data; i++)
		if (text_equal_folded(component, text_of(name)))
			return true;
	return false;
}

struct value key_view(const struct hive *hive, const struct hive_key *key)
{
	if (hive_is_user(hive))
		return value_text(TEXT("user"));
	return value_text(has_component(key->path, "WOW6432Node") ? TEXT("32") : TEXT("64"));
}

uint64_t control_set_number(struct text path)
{
	const size_t prefix = sizeof("ControlSet") - 1;
	uint64_t number = 0;

	if (!text_starts_folded(path, "ControlSet") || path.size < prefix + 3)
		return 0;
	for (size_t i = prefix; i < prefix + 3; i++) {
		if (path.data[i] < '0' || path.data[i] > '9')
			return 0;
		number = number * 10 + (uint64_t)(path.data[i] - '0');
	}
	return number;
}

/* A current set that does not exist makes none current: which was in force is then not known. */
static bool has_control_set(struct parse_context *ctx, struct hive *hive, uint64_t number)
{
	struct failure ignored = FAILURE_NONE;
	struct hive_key key;
	char name[32];

	(void)snprintf(name, sizeof(name), "ControlSet%03u", (unsigned)(number % 1000));
	return hive_find(ctx, hive, name, &key, &ignored) == STATUS_OK;
}

struct control_set control_set_of(struct parse_context *ctx, struct hive *hive,
				  const struct hive_key *key)
{
	const uint64_t number = control_set_number(key->path);
	struct control_set set = { { .kind = VALUE_ABSENT }, { .kind = VALUE_ABSENT } };
	struct hive_key select;
	struct failure ignored = FAILURE_NONE;
	uint64_t current;

	if (!number)
		return set;
	set.number = value_uint(number);
	if (hive_find(ctx, hive, "Select", &select, &ignored) == STATUS_OK &&
	    hive_value_number(key_value(&select, "Current"), &current) &&
	    (current == number || has_control_set(ctx, hive, current)))
		set.current = value_uint(current == number);
	return set;
}

struct text path_component_back(struct text path, size_t back)
{
	size_t end = path.size, start;

	for (;; back--) {
		start = end;
		while (start > 0 && path.data[start - 1] != '\\')
			start--;
		if (back == 0)
			break;
		if (start == 0)
			return (struct text){ NULL, 0 };
		end = start - 1;
	}
	if (!path.data)
		return (struct text){ NULL, 0 };
	return (struct text){ path.data + start, end - start };
}

struct text path_last_name(struct text path)
{
	size_t start = path.size;

	while (start > 0 && path.data[start - 1] != '\\' && path.data[start - 1] != '/')
		start--;
	if (!path.data)
		return path;
	return (struct text){ path.data + start, path.size - start };
}

struct text command_program(struct text command)
{
	static const char *const ends[] = {
		".exe", ".sys", ".dll", ".com", ".bat", ".cmd", ".cpl"
	};
	size_t start = 0;

	while (start < command.size && command.data[start] == ' ')
		start++;
	command = (struct text){ command.data + start, command.size - start };
	if (command.size && command.data[0] == '"') {
		size_t end = 1;

		while (end < command.size && command.data[end] != '"')
			end++;
		return (struct text){ command.data + 1, end - 1 };
	}
	for (size_t end = 4; end <= command.size; end++) {
		const struct text head = { command.data, end };

		if (end < command.size && command.data[end] != ' ' && command.data[end] != ',')
			continue;
		for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
			if (text_ends_folded(head, ends[i]))
				return head;
	}
	return command;
}
