/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live keys and values through libregf, the one file that knows it. libregf gives the structure:
 * lists of sub keys and of values, and the data of values; names and times are decoded from the
 * cell it points at, since it refuses names that are no well-formed UTF-16. Its offsets name the
 * data of a cell, four bytes behind the cell's size (checked against regfexport and by hand).
 */
#include "parsers/registry/hive_state.h"

#include <inttypes.h>
#include <libbfio.h>
#include <libregf.h>

#include "parsers/base/text.h"
#include "parsers/registry/regf.h"

struct live_hive {
	libbfio_handle_t *io;
	libregf_file_t *file;
	libregf_key_t *root;
};

static void close_key(libregf_key_t *key)
{
	(void)libregf_key_free(&key, NULL);
}
DEFINE_CLEANUP(libregf_key_t *, close_key, close_key_p)

static void close_value(libregf_value_t *value)
{
	(void)libregf_value_free(&value, NULL);
}
DEFINE_CLEANUP(libregf_value_t *, close_value, close_value_p)

/* The last line of libregf's reason; frees it. */
static enum status failure_from_libregf(struct failure *why, enum status status, const char *what,
					libregf_error_t *reason)
{
	char text[400] = "";

	if (reason)
		(void)libregf_error_sprint(reason, text, sizeof(text));
	libregf_error_free(&reason);
	for (char *p = text; *p; p++) {
		if (*p == '\n')
			*p = ' ';
	}
	return failure_set(why, status, "%s: %s", what, text);
}

static enum status open_library(struct live_hive *live, struct span bytes, struct failure *why)
{
	libregf_error_t *reason = NULL;
	/* Opened for reading only: libbfio's interface knows no const. */
	uint8_t *data = (uint8_t *)(uintptr_t)bytes.data;

	if (libbfio_memory_range_initialize(&live->io, NULL) != 1 ||
	    libbfio_memory_range_set(live->io, data, bytes.size, NULL) != 1)
		return failure_set(why, ERR_NO_MEMORY, "memory range");
	if (libregf_file_initialize(&live->file, NULL) != 1)
		return failure_set(why, ERR_NO_MEMORY, "libregf");
	if (libregf_file_open_file_io_handle(live->file, live->io, LIBREGF_OPEN_READ, &reason) != 1)
		return failure_from_libregf(why, ERR_FORMAT, "no hive that can be read", reason);
	if (libregf_file_get_root_key(live->file, &live->root, &reason) != 1)
		return failure_from_libregf(why, ERR_FORMAT, "no root key", reason);
	return STATUS_OK;
}

enum status live_open(struct parse_context *ctx, struct hive *hive, struct failure *why)
{
	struct live_hive *live = calloc(1, sizeof(*live));
	enum status status;

	(void)ctx;
	if (!live)
		return failure_set(why, ERR_NO_MEMORY, "hive");
	status = open_library(live, hive->image.bytes, why);
	if (status < 0) {
		live_close(live);
		return status;
	}
	hive->live = live;
	return STATUS_OK;
}

void live_close(struct live_hive *live)
{
	if (!live)
		return;
	if (live->root)
		(void)libregf_key_free(&live->root, NULL);
	if (live->file) {
		(void)libregf_file_close(live->file, NULL);
		(void)libregf_file_free(&live->file, NULL);
	}
	if (live->io)
		(void)libbfio_handle_free(&live->io, NULL);
	free(live);
}

/* Where a library's offset stands in the image; false when it is no cell. */
static bool cell_of(const struct hive *hive, off64_t data_offset, struct regf_cell *ret)
{
	const uint64_t offset = (uint64_t)data_offset - 4;

	if (data_offset < REGF_BINS_OFFSET + 4 || offset - REGF_BINS_OFFSET >= UINT32_MAX)
		return false;
	return regf_cell_at(hive->image.bytes, (uint32_t)(offset - REGF_BINS_OFFSET), ret);
}

static bool key_cell(const struct hive *hive, libregf_key_t *key, struct regf_cell *ret_cell,
		     struct regf_key *ret)
{
	off64_t offset = 0;

	return libregf_key_get_offset(key, &offset, NULL) == 1 && cell_of(hive, offset, ret_cell) &&
	       regf_read_key(ret_cell->data, ret);
}

static enum recovery place_recovery(const struct hive_place *place)
{
	return place->companion ? RECOVERY_LOG_REPLAYED : RECOVERY_ALLOCATED;
}

/* One value; false when it cannot be read whole. */
static bool read_value(struct hive *hive, struct arena *arena, libregf_value_t *value,
		       struct hive_value *ret)
{
	struct regf_cell cell;
	struct regf_value vk;
	off64_t offset = 0;
	size_t size = 0;

	if (libregf_value_get_offset(value, &offset, NULL) != 1 || !cell_of(hive, offset, &cell) ||
	    !regf_read_value(cell.data, &vk))
		return false;

	const struct hive_place place = hive_image_place(&hive->image, cell.offset, cell.size);

	*ret = (struct hive_value){
		.name = regf_value_name(arena, &vk),
		.type = vk.type,
		.offset = place.offset,
		.size = place.size,
		.companion = place.companion,
		.recovery = place_recovery(&place),
	};
	if (!ret->name.data)
		return false;
	if (vk.data_size == 0)
		return true;
	if (libregf_value_get_value_data_size(value, &size, NULL) != 1 ||
	    size > hive->image.bytes.size)
		return false;

	uint8_t *data = arena_alloc(arena, size ? size : 1);

	if (!data || (size && libregf_value_get_value_data(value, data, size, NULL) != 1))
		return false;
	ret->data = span_of(data, size);
	return true;
}

/* All values that can be read; false when some cannot. */
static bool read_values(struct parse_context *ctx, struct hive *hive, struct arena *arena,
			libregf_key_t *key, uint64_t offset, struct hive_key *ret)
{
	bool whole = true;
	int n = 0;

	if (libregf_key_get_number_of_values(key, &n, NULL) != 1 || n < 0 ||
	    (size_t)n > hive->image.bytes.size / 8) {
		hive_lost(ctx, hive, offset, "the list of values of a key cannot be read");
		return false;
	}

	struct hive_value *values = arena_array(arena, (size_t)n + 1, sizeof(*values));

	if (!values)
		return false;
	ret->values = values;
	for (int i = 0; i < n; i++) {
		CLEANUP(close_value_p) libregf_value_t *value = NULL;

		if (libregf_key_get_value(key, i, &value, NULL) == 1 &&
		    read_value(hive, arena, value, &values[ret->n_values])) {
			ret->n_values++;
			continue;
		}
		whole = false;
		/* A name of its own for each value, so that each is reported. */
		hive_lost(ctx, hive, offset + 1 + (uint64_t)i, "a value of a key cannot be read");
	}
	return whole;
}

/* The path of the key being visited, grown and cut as the walk goes down and up. */
struct path_buffer {
	char *data;
	size_t size, room;
};

static bool path_append(struct path_buffer *path, struct text name)
{
	const size_t need = path->size + 1 + name.size + 1;

	if (need > path->room) {
		const size_t room = need * 2;
		char *data = realloc(path->data, room);

		if (!data)
			return false;
		path->data = data;
		path->room = room;
	}
	if (path->size)
		path->data[path->size++] = '\\';
	memcpy(path->data + path->size, name.data, name.size);
	path->size += name.size;
	path->data[path->size] = '\0';
	return true;
}

struct walk {
	struct parse_context *ctx;
	struct hive *hive;
	const struct key_pattern *pattern;
	hive_visitor visit;
	void *payload;
	struct arena *scratch; /* holds nothing from one key to the next */
	struct path_buffer path;
	uint8_t *seen; /* a bit for each 8 bytes of the image: keys and lists reached */
	size_t depth;
	bool any;
};

/* Marks a key as reached; false when it was already. */
static bool mark_seen(struct walk *walk, uint64_t offset)
{
	const uint64_t bit = offset / 8;
	uint8_t *byte = &walk->seen[bit / 8];
	const uint8_t mask = (uint8_t)(1u << (bit % 8));

	if (*byte & mask)
		return false;
	*byte |= mask;
	return true;
}

/* Whether another key of this walk had the same list: then each would cost a full reading. */
static bool is_shared_list(struct walk *walk, const struct regf_key *nk)
{
	const uint64_t offset = (uint64_t)nk->values_list + REGF_BINS_OFFSET;

	return nk->n_values > 0 && offset < walk->hive->image.bytes.size &&
	       !mark_seen(walk, offset);
}

/* Fills a key but its path; name and values live in arena. */
static bool read_key(struct walk *walk, libregf_key_t *key, struct instant parent_last_written,
		     struct hive_key *ret)
{
	struct hive *hive = walk->hive;
	struct regf_cell cell;
	struct regf_key nk;

	if (!key_cell(hive, key, &cell, &nk))
		return false;

	const struct hive_place place = hive_image_place(&hive->image, cell.offset, cell.size);

	*ret = (struct hive_key){
		.last_written = instant_from_filetime(nk.last_written),
		.recovery = place_recovery(&place),
		.offset = place.offset,
		.size = place.size,
		.companion = place.companion,
		.path_sure = true,
		.parent_last_written = parent_last_written,
	};
	/* A predefined handle stands where other keys count their values. */
	if (nk.flags & REGF_KEY_HANDLE)
		ret->whole = true;
	else if (is_shared_list(walk, &nk))
		hive_lost(walk->ctx, hive, cell.offset, "a list of values belongs to two keys");
	else
		ret->whole = read_values(walk->ctx, hive, walk->scratch, key, cell.offset, ret);
	return true;
}

/* Empties the scratch memory now and then: doing so for each name would cost more than the walk. */
static void tidy(struct walk *walk)
{
	if (arena_used(walk->scratch) > LIMIT_TEXT)
		arena_reset(walk->scratch);
}

static enum status visit_key(struct walk *walk, libregf_key_t *key, size_t name_size,
			     struct instant parent_last_written, struct failure *why)
{
	struct hive_key found;
	enum status status;

	if (!read_key(walk, key, parent_last_written, &found))
		return STATUS_OK;
	found.path = (struct text){ walk->path.data ? walk->path.data : "", walk->path.size };
	found.name = (struct text){ found.path.data + found.path.size - name_size, name_size };
	walk->any = true;
	status = walk->visit(walk->ctx, walk->hive, &found, walk->payload, why);
	tidy(walk);
	return status;
}

static enum status walk_below(struct walk *walk, libregf_key_t *key, size_t component,
			      struct instant last_written, struct failure *why);

/* One sub key whose name is at the end of the path and fits the component. */
static enum status walk_child(struct walk *walk, libregf_key_t *child, size_t component,
			      size_t name_size, const struct regf_key *nk,
			      struct instant parent_last_written, struct failure *why)
{
	const struct key_pattern *pattern = walk->pattern;
	const bool below = component >= pattern->n_components;
	const bool last =
		below || (component + 1 == pattern->n_components && !pattern->everything_below);
	enum status status = STATUS_OK;

	if (last)
		status = visit_key(walk, child, name_size, parent_last_written, why);
	if (status == STATUS_DECLINED)
		return STATUS_OK;
	if (status < 0 || (last && !below))
		return status;
	return walk_below(walk, child, below ? component : component + 1,
			  instant_from_filetime(nk->last_written), why);
}

static enum status try_child(struct walk *walk, libregf_key_t *child, size_t component,
			     struct instant parent_last_written, struct failure *why)
{
	const size_t path_size = walk->path.size;
	const bool below = component >= walk->pattern->n_components;
	struct regf_cell cell;
	struct regf_key nk;
	enum status status = STATUS_OK;

	if (!key_cell(walk->hive, child, &cell, &nk))
		return STATUS_DECLINED;

	const struct text name = regf_key_name(walk->scratch, &nk);
	const size_t name_size = name.size;

	if (!name.data)
		return failure_set(why, ERR_LIMIT, "key name: memory");
	if (!below && !key_pattern_fits_at(walk->pattern, component, name))
		return STATUS_OK;
	if (!mark_seen(walk, cell.offset)) {
		hive_lost(walk->ctx, walk->hive, cell.offset, "a key stands in two lists");
		return STATUS_OK;
	}
	if (!path_append(&walk->path, name))
		return failure_set(why, ERR_NO_MEMORY, "key path");
	tidy(walk);
	status = walk_child(walk, child, component, name_size, &nk, parent_last_written, why);
	walk->path.size = path_size;
	return status;
}

/*
 * The cells of a key's sub keys, read beside libregf so that it need not open those whose names do
 * not fit; NULL when the list is not as libregf counts it, then all are opened. Caller frees.
 */
static uint32_t *subkey_cells(const struct walk *walk, const struct regf_key *nk, int n)
{
	uint32_t *cells = n > 0 ? calloc((size_t)n, sizeof(*cells)) : NULL;

	if (cells && regf_read_subkeys(walk->hive->image.bytes, nk->subkeys_list, cells,
				       (size_t)n) != (size_t)n) {
		free(cells);
		return NULL;
	}
	return cells;
}

/* Whether the key in a cell certainly does not fit a component. */
static bool is_other(struct walk *walk, uint32_t cell, size_t component)
{
	struct regf_cell found;
	struct regf_key nk;
	struct text name;

	if (component >= walk->pattern->n_components ||
	    !regf_cell_at(walk->hive->image.bytes, cell, &found) || !regf_read_key(found.data, &nk))
		return false;
	tidy(walk);
	name = regf_key_name(walk->scratch, &nk);
	return name.data && !key_pattern_fits_at(walk->pattern, component, name);
}

static enum status walk_below(struct walk *walk, libregf_key_t *key, size_t component,
			      struct instant last_written, struct failure *why)
{
	struct regf_cell cell = { 0 };
	struct regf_key nk;
	enum status status = STATUS_OK;
	int n = 0;

	if (!key_cell(walk->hive, key, &cell, &nk))
		return STATUS_OK;
	if (walk->depth >= LIMIT_DEPTH) {
		hive_lost(walk->ctx, walk->hive, cell.offset, "keys nest too deeply");
		return STATUS_OK;
	}
	if (libregf_key_get_number_of_sub_keys(key, &n, NULL) != 1) {
		hive_lost(walk->ctx, walk->hive, cell.offset,
			  "the list of sub keys of a key cannot be read");
		return STATUS_OK;
	}
	CLEANUP(free_p) uint32_t *cells = subkey_cells(walk, &nk, n);

	walk->depth++;
	for (int i = 0; i < n && status >= 0; i++) {
		CLEANUP(close_key_p) libregf_key_t *child = NULL;

		if (cells && is_other(walk, cells[i], component))
			continue;
		if (libregf_key_get_sub_key(key, i, &child, NULL) == 1)
			status = try_child(walk, child, component, last_written, why);
		else
			status = STATUS_DECLINED;
		if (status == STATUS_DECLINED)
			hive_lost(walk->ctx, walk->hive, cell.offset, "a sub key cannot be read");
	}
	walk->depth--;
	return status < 0 ? status : STATUS_OK;
}

static enum status walk_root(struct walk *walk, struct failure *why)
{
	struct live_hive *live = walk->hive->live;
	struct regf_cell cell;
	struct regf_key nk;

	if (!key_cell(walk->hive, live->root, &cell, &nk)) {
		hive_lost(walk->ctx, walk->hive, 0, "the root key cannot be read");
		return STATUS_OK;
	}
	(void)mark_seen(walk, cell.offset);
	if (walk->pattern->n_components == 0 && !walk->pattern->everything_below)
		return visit_key(walk, live->root, 0, (struct instant){ 0 }, why);
	return walk_below(walk, live->root, 0, instant_from_filetime(nk.last_written), why);
}

enum status live_visit(struct parse_context *ctx, struct hive *hive,
		       const struct key_pattern *pattern, hive_visitor visit, void *payload,
		       bool *ret_any, struct failure *why)
{
	CLEANUP(arena_free_p) struct arena *scratch = arena_new(LIMIT_ARENA);
	CLEANUP(free_p) uint8_t *seen = calloc(hive->image.bytes.size / 64 + 1, 1);
	struct walk walk = {
		.ctx = ctx,
		.hive = hive,
		.pattern = pattern,
		.visit = visit,
		.payload = payload,
		.scratch = scratch,
		.seen = seen,
	};
	enum status status;

	if (!scratch || !seen)
		return failure_set(why, ERR_NO_MEMORY, "walk of a hive");
	status = walk_root(&walk, why);
	free(walk.path.data);
	if (walk.any)
		*ret_any = true;
	return status;
}

/* Keeps the first key found. */
struct find {
	struct hive_key key;
	bool found;
};

static enum status keep_key(struct parse_context *ctx, struct hive *hive,
			    const struct hive_key *key, void *payload, struct failure *why)
{
	struct find *find = payload;

	(void)ctx;
	if (find->found)
		return STATUS_OK;
	find->key = *key;
	find->found = true;
	return hive_key_keep(hive->arena, &find->key, why);
}

enum status live_find(struct parse_context *ctx, struct hive *hive, const char *path,
		      struct hive_key *ret, struct failure *why)
{
	struct find find = { 0 };
	struct key_pattern pattern = key_pattern_cut(hive->arena, path);
	bool any = false;
	enum status status;

	if (!pattern.components)
		return failure_set(why, ERR_LIMIT, "path of a key: memory");
	pattern.exact = true;
	status = live_visit(ctx, hive, &pattern, keep_key, &find, &any, why);
	if (status < 0)
		return status;
	if (!find.found)
		return STATUS_END;
	*ret = find.key;
	return STATUS_OK;
}
