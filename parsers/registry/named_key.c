/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that signatures name, with all that stands below them, and their values: whatever a program
 * wrote about itself in its own branch. Knows no layout: a key gives windows.registry.key, each
 * value windows.registry.value with its text, number or bytes.
 *
 * Times: the key's last-written only, which is no value's. A number or eight bytes that could be a
 * time is left to whoever knows the branch.
 */
#include <stdio.h>

#include "parsers/base/text.h"
#include "parsers/registry/registry_trace.h"

enum { KEY_NAME, KEY_VALUES, KEY_VIEW, KEY_USER, KEY_CONTROL_SET, KEY_CURRENT, KEY_N };

static const struct trace_field key_fields[] = {
	[KEY_NAME] = FIELD("name", TEXT, "Name"),
	[KEY_VALUES] = FIELD("n_values", UINT, "Values"),
	[KEY_VIEW] = FIELD("view", TEXT, "View"),
	[KEY_USER] = FIELD("user", TEXT, "User"),
	[KEY_CONTROL_SET] = FIELD("control_set", UINT, "Control set"),
	[KEY_CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type key_type = {
	.name = "windows.registry.key",
	.message = "Registry key {key}",
	.fields = key_fields,
};

enum { NAME, TYPE, TEXT_VALUE, NUMBER, DATA, VIEW, USER, CONTROL_SET, CURRENT, VALUE_N };

static const struct trace_field value_fields[] = {
	[NAME] = FIELD("name", TEXT, "Value"),
	[TYPE] = FIELD("type", UINT, "Type"),
	[TEXT_VALUE] = FIELD("text", TEXT, "Text"),
	[NUMBER] = FIELD("number", UINT, "Number"),
	[DATA] = FIELD("data", BYTES, "Data"),
	[VIEW] = FIELD("view", TEXT, "View"),
	[USER] = FIELD("user", TEXT, "User"),
	[CONTROL_SET] = FIELD("control_set", UINT, "Control set"),
	[CURRENT] = FIELD("current", UINT, "In the current control set"),
	REGISTRY_FIELDS,
};

static const struct trace_type value_type = {
	.name = "windows.registry.value",
	.message = "Registry value {key} {name}: {text}{number}",
	.fields = value_fields,
};

enum {
	DATA_MAX = 4096,   /* bytes kept of one binary value */
	MULTI_MAX = 256,   /* texts kept of one MULTI_SZ */
	KEYS_MAX = 100000, /* named keys emitted per hive */
};

struct walk {
	uint64_t n_keys;
};

/* All texts of a MULTI_SZ, joined with " | ". */
static struct text joined(struct parse_context *ctx, const struct hive_value *value)
{
	struct text texts[MULTI_MAX];
	size_t n = value_texts(ctx, value, texts, MULTI_MAX), size = 1, used = 0;
	char *whole;

	if (n > MULTI_MAX)
		n = MULTI_MAX;
	for (size_t i = 0; i < n; i++)
		size += texts[i].size + 3;
	whole = arena_alloc(ctx->arena, size);
	if (!whole)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < n; i++) {
		if (i) {
			memcpy(whole + used, " | ", 3);
			used += 3;
		}
		if (texts[i].size)
			memcpy(whole + used, texts[i].data, texts[i].size);
		used += texts[i].size;
	}
	return (struct text){ whole, used < LIMIT_TEXT ? used : LIMIT_TEXT };
}

static void fill(struct parse_context *ctx, const struct hive_value *value, struct value *values)
{
	uint64_t number;

	if (value->type == REGISTRY_SZ || value->type == REGISTRY_EXPAND_SZ) {
		values[TEXT_VALUE] = value_text(hive_value_text(ctx, value));
	} else if (value->type == REGISTRY_MULTI_SZ) {
		values[TEXT_VALUE] = value_text(joined(ctx, value));
	} else if (hive_value_number(value, &number)) {
		values[NUMBER] = value_uint(number);
	} else if (value->data.size) {
		const size_t size = value->data.size < DATA_MAX ? value->data.size : DATA_MAX;

		values[DATA] = value_bytes(span_part(value->data, 0, size));
	}
}

static enum status emit_values(struct parse_context *ctx, struct hive *hive,
			       const struct hive_key *key, const struct control_set *set,
			       struct failure *why)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; status >= 0 && i < key->n_values; i++) {
		struct value values[VALUE_N + REGISTRY_TAIL] = { 0 };
		const struct hive_value *value = &key->values[i];

		values[NAME] = value_text(value->name.data ? value->name : TEXT(""));
		values[TYPE] = value_uint(value->type);
		fill(ctx, value, values);
		values[VIEW] = key_view(hive, key);
		values[USER] = hive_user(ctx, hive);
		values[CONTROL_SET] = set->number;
		values[CURRENT] = set->current;
		status = emit_key(ctx, hive, key, value, &value_type, values, why);
	}
	return status;
}

static enum status read_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct value values[KEY_N + REGISTRY_TAIL] = { 0 };
	struct walk *walk = payload;
	struct control_set set;
	enum status status;

	if (!wants_key(ctx, key_aspect(ctx, hive, key->path)))
		return STATUS_DECLINED; /* nor is anything below it wanted */
	if (walk->n_keys >= KEYS_MAX) {
		if (walk->n_keys++ == KEYS_MAX)
			lost(ctx, key->offset, "more than %d named keys", KEYS_MAX);
		return STATUS_OK;
	}
	walk->n_keys++;
	set = control_set_of(ctx, hive, key);
	values[KEY_NAME] = value_text(key->name);
	values[KEY_VALUES] = value_uint(key->n_values);
	values[KEY_VIEW] = key_view(hive, key);
	values[KEY_USER] = hive_user(ctx, hive);
	values[KEY_CONTROL_SET] = set.number;
	values[KEY_CURRENT] = set.current;
	status = emit_key(ctx, hive, key, NULL, &key_type, values, why);
	if (status < 0)
		return status;
	return emit_values(ctx, hive, key, &set, why);
}

static enum status parse(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	struct walk walk = { 0 };

	return visit_keys(ctx, hive, "**", read_key, &walk, why);
}

const struct parser named_key_parser = {
	.name = "windows.registry.key",
	.title = "Registry branches of products",
	.versions = "Windows 2000 to 11",
	.asserts = "The product's own branch stands in the registry, with what it says there.",
	.paths = all_hives,
	.emits = (const struct trace_type *const[]){ &key_type, &value_type,
						       &registry_container_type, NULL },
	.max_input = LIMIT_WHOLE_FILE,
	.parse_hive = parse,
};
