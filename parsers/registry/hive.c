/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/registry/cells.h"

#include "parsers/base/cursor.h"
#include "parsers/base/text.h"

/* By which name of the registry a hive file is reached. */
static const struct {
	const char *file; /* case folded, '*' for anything */
	const char *root;
} roots[] = {
	{ "SOFTWARE*", "HKLM/SOFTWARE" },
	{ "SYSTEM*", "HKLM/SYSTEM" },
	{ "SAM*", "HKLM/SAM" },
	{ "SECURITY*", "HKLM/SECURITY" },
	{ "COMPONENTS*", "HKLM/COMPONENTS" },
	{ "DRIVERS*", "HKLM/DRIVERS" },
	{ "SCHEMA.DAT", "HKLM/SCHEMA" },
	{ "ELAM*", "HKLM/ELAM" },
	{ "BCD*", "HKLM/BCD00000000" },
	{ "BBI*", "BBI" },
	{ "DEFAULT*", "HKCU" },
	{ "NTUSER.*", "HKCU" },
	{ "USRCLASS.*", "HKCU/Software/Classes" },
	{ "AMCACHE.HVE*", "Amcache" },
	{ "SYSCACHE.HVE*", "Syscache" },
	/* System restore points of Windows XP. */
	{ "_REGISTRY_MACHINE_SOFTWARE*", "HKLM/SOFTWARE" },
	{ "_REGISTRY_MACHINE_SYSTEM*", "HKLM/SYSTEM" },
	{ "_REGISTRY_MACHINE_SAM*", "HKLM/SAM" },
	{ "_REGISTRY_MACHINE_SECURITY*", "HKLM/SECURITY" },
	{ "_REGISTRY_USER_.DEFAULT*", "HKCU" },
	{ "_REGISTRY_USER_NTUSER*", "HKCU" },
	{ "_REGISTRY_USER_USRCLASS*", "HKCU/Software/Classes" },
};

static struct text file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return text_of(slash ? slash + 1 : path);
}

static const char *root_of(struct arena *arena, const char *path)
{
	const struct text name = file_name(path);

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		if (key_pattern_fits(text_of(roots[i].file), name))
			return roots[i].root;
	}
	return arena_text(arena, name);
}

void hive_lost(struct parse_context *ctx, struct hive *hive, uint64_t offset, const char *text)
{
	for (size_t i = 0; i < hive->n_reported; i++) {
		if (hive->reported[i] == offset)
			return;
	}
	if (hive->n_reported < HIVE_MAX_REPORTED)
		hive->reported[hive->n_reported++] = offset;
	lost(ctx, offset, "%s", text);
}

enum status hive_open(struct parse_context *ctx, const struct source *source, struct hive **ret,
		      struct failure *why)
{
	CLEANUP(hive_close_p) struct hive *hive = calloc(1, sizeof(*hive));
	enum status status;

	if (!hive)
		return failure_set(why, ERR_NO_MEMORY, "hive '%s'", source->path);
	hive->source = source;
	hive->arena = ctx->arena;
	hive->root = root_of(ctx->arena, source->path);
	if (!hive->root)
		return failure_set(why, ERR_LIMIT, "hive '%s': memory", source->path);
	status = hive_image_load(ctx, source, &hive->image, why);
	if (status != STATUS_OK)
		return status;
	status = live_open(ctx, hive, why);
	if (status < 0)
		return status;
	*ret = hive;
	hive = NULL;
	return STATUS_OK;
}

void hive_close(struct hive *hive)
{
	if (!hive)
		return;
	live_close(hive->live);
	cells_close(hive->recovered);
	free(hive);
}

const struct source *hive_source(const struct hive *hive)
{
	return hive->source;
}

const char *hive_root(const struct hive *hive)
{
	return hive->root;
}

enum status hive_visit(struct parse_context *ctx, struct hive *hive, const char *pattern,
		       hive_visitor visit, void *payload, struct failure *why)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_TEXT * 64);
	struct key_pattern cut = { 0 };
	bool any = false;
	enum status status;

	if (arena)
		cut = key_pattern_cut(arena, pattern);
	if (!cut.components)
		return failure_set(why, ERR_NO_MEMORY, "pattern '%s'", pattern);
	status = live_visit(ctx, hive, &cut, visit, payload, &any, why);
	if (status >= 0 && !hive->recovered)
		status = cells_recover(ctx, hive, why);
	if (status >= 0)
		status = cells_visit(ctx, hive, &cut, visit, payload, &any, why);
	if (status < 0)
		return status;
	return any ? STATUS_OK : STATUS_END;
}

enum status hive_find(struct parse_context *ctx, struct hive *hive, const char *path,
		      struct hive_key *ret, struct failure *why)
{
	return live_find(ctx, hive, path, ret, why);
}

static struct text keep_text(struct arena *arena, struct text text)
{
	return (struct text){ arena_text(arena, text), text.size };
}

static enum status keep_values(struct arena *arena, struct hive_key *key, struct failure *why)
{
	struct hive_value *values = arena_array(arena, key->n_values + 1, sizeof(*values));

	if (!values)
		return failure_set(why, ERR_LIMIT, "values of a key: memory");
	for (size_t i = 0; i < key->n_values; i++) {
		values[i] = key->values[i];
		values[i].name = keep_text(arena, values[i].name);
		if (values[i].data.data)
			values[i].data.data =
				arena_copy(arena, values[i].data.data, values[i].data.size);
		if (!values[i].name.data || (key->values[i].data.data && !values[i].data.data))
			return failure_set(why, ERR_LIMIT, "value of a key: memory");
	}
	key->values = values;
	return STATUS_OK;
}

enum status hive_key_keep(struct arena *arena, struct hive_key *key, struct failure *why)
{
	const struct text path = keep_text(arena, key->path);

	if (!path.data)
		return failure_set(why, ERR_LIMIT, "path of a key: memory");
	key->path = path;
	/* The root has a name of its own, but an empty path. */
	if (key->name.size > path.size)
		key->name = (struct text){ path.data + path.size, 0 };
	key->name.data = path.data + path.size - key->name.size;
	return keep_values(arena, key, why);
}

const struct hive_value *key_value(const struct hive_key *key, const char *name)
{
	const struct text wanted = text_of(name);

	for (size_t i = 0; i < key->n_values; i++) {
		if (text_equal_folded(key->values[i].name, wanted))
			return &key->values[i];
	}
	return NULL;
}

/* UTF-16LE text up to its first NUL. */
static struct span first_string(struct span data)
{
	size_t size = 0;

	while (size + 1 < data.size && (data.data[size] != 0 || data.data[size + 1] != 0))
		size += 2;
	return span_of(data.data, size);
}

struct text hive_value_text(struct parse_context *ctx, const struct hive_value *value)
{
	if (!value || !value->data.data)
		return (struct text){ NULL, 0 };
	switch (value->type) {
	case REGISTRY_SZ:
	case REGISTRY_EXPAND_SZ:
	case REGISTRY_MULTI_SZ:
		return text_from_utf16le(ctx->arena, first_string(value->data), NULL);
	default:
		return (struct text){ NULL, 0 };
	}
}

bool hive_value_number(const struct hive_value *value, uint64_t *ret)
{
	if (!value)
		return false;

	struct cursor c = cursor_over(value->data, 0);

	if (value->type == REGISTRY_DWORD && value->data.size == 4)
		*ret = cursor_u32le(&c);
	else if (value->type == REGISTRY_DWORD_BE && value->data.size == 4)
		*ret = cursor_u32be(&c);
	else if (value->type == REGISTRY_QWORD && value->data.size == 8)
		*ret = cursor_u64le(&c);
	else
		return false;
	return true;
}

struct instant hive_value_filetime(const struct hive_value *value)
{
	if (!value || value->data.size != 8 ||
	    (value->type != REGISTRY_BINARY && value->type != REGISTRY_QWORD))
		return (struct instant){ 0 };
	return instant_from_filetime(span_u64le(value->data, 0));
}

struct origin key_origin(struct parse_context *ctx, const struct hive_key *key)
{
	const char *address =
		arena_printf(ctx->arena, "key %.*s cell 0x%llx",
			     (int)(key->path.size < LIMIT_TEXT ? key->path.size : LIMIT_TEXT),
			     key->path.data ? key->path.data : "", (unsigned long long)key->offset);

	return (struct origin){
		.offset = key->offset,
		.size = key->size,
		.companion = key->companion,
		.address = text_of(address),
	};
}

struct origin value_origin(struct parse_context *ctx, const struct hive_key *key,
			   const struct hive_value *value)
{
	const char *address = arena_printf(
		ctx->arena, "key %.*s value %.*s cell 0x%llx",
		(int)(key->path.size < LIMIT_TEXT ? key->path.size : LIMIT_TEXT),
		key->path.data ? key->path.data : "", (int)value->name.size,
		value->name.data ? value->name.data : "", (unsigned long long)value->offset);

	return (struct origin){
		.offset = value->offset,
		.size = value->size,
		.companion = value->companion,
		.address = text_of(address),
	};
}

/* "ControlSet001" and the like. */
static bool is_control_set(const struct hive *hive, struct text component)
{
	const struct text prefix = { component.data, sizeof("ControlSet") - 1 };

	if (component.size != prefix.size + 3 || strcmp(hive->root, "HKLM/SYSTEM") != 0 ||
	    !text_equal_folded(prefix, TEXT("ControlSet")))
		return false;
	for (size_t i = prefix.size; i < component.size; i++) {
		if (component.data[i] < '0' || component.data[i] > '9')
			return false;
	}
	return true;
}

struct text key_aspect(struct parse_context *ctx, const struct hive *hive, struct text path)
{
	const struct text current = TEXT("CurrentControlSet");
	const size_t root_size = strlen(hive->root);
	char *out = arena_alloc(ctx->arena, root_size + 1 + current.size + path.size + 2);
	size_t used = root_size;

	if (!out)
		return (struct text){ NULL, 0 };
	memcpy(out, hive->root, root_size);
	for (size_t pos = 0; pos < path.size;) {
		const char *end = memchr(path.data + pos, '\\', path.size - pos);
		const size_t size = end ? (size_t)(end - path.data) - pos : path.size - pos;
		struct text component = { path.data + pos, size };

		if (pos == 0 && is_control_set(hive, component))
			component = current;
		pos += size + 1;
		if (text_equal_folded(component, TEXT("WOW6432Node")))
			continue;
		out[used++] = '/';
		memcpy(out + used, component.data, component.size);
		used += component.size;
	}
	return (struct text){ out, used };
}
