/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States along the transaction logs. The hive is stepped once more from the primary file through
 * each log entry; a key that stands in an allocated cell before an entry and no longer after it
 * was deleted (or moved) by that entry. This also gives the keys of the primary file that the logs
 * delete.
 *
 * Entries that were not applied, since the hive was written whole after them, still hold pages as
 * they were then. Each is laid over the final state: a key that stands there and is no longer in
 * the hive was deleted since. Its parent may stand in another page, of the final state, and then be
 * another key; the path is sure only where the lengths of names or the times fit.
 */
#include "parsers/registry/cells.h"

#include "parsers/base/cursor.h"
#include "parsers/registry/replay.h"

struct stepping {
	struct hive *hive;
	struct recovered_keys *all;
	struct arena *scratch;
	uint8_t *bytes; /* the state before an entry */
	struct hive_page *pages;
	const struct hive_patch *patches; /* of the entry */
	size_t n_patches;
	struct cell_map before; /* without free bits: only allocated cells are looked at */
	bool stale;             /* the entry was not applied: what comes after is the final state */
};

/* Where the state after the entry has these bytes: the last patch that holds the offset. */
static struct span after(const struct stepping *step, uint64_t offset, size_t size)
{
	if (step->stale)
		return span_part(step->hive->image.bytes, (size_t)offset, size);
	for (size_t i = step->n_patches; i-- > 0;) {
		const struct hive_patch *patch = &step->patches[i];

		if (offset < patch->offset || offset >= patch->offset + patch->size)
			continue;
		return span_part(step->hive->image.logs[patch->companion - 1],
				 (size_t)(patch->log_offset + (offset - patch->offset)), size);
	}
	return span_part(step->before.bytes, (size_t)offset, size);
}

/*
 * Whether the same key still stands there after the entry: its cell is allocated, and parent and
 * name are the same. A field that crosses from one page to another is read from both.
 */
static bool is_same_after(const struct stepping *step, uint64_t offset, const struct regf_key *nk)
{
	static const struct {
		size_t at, size;
	} fields[] = { { 0, 4 }, { 4, 4 }, { 4 + 16, 4 }, { 4 + 72, 2 } };

	if (!(span_u32le(after(step, offset, 4), 0) & UINT32_C(0x80000000)))
		return false;
	for (size_t i = 1; i < sizeof(fields) / sizeof(fields[0]); i++) {
		for (size_t b = 0; b < fields[i].size; b++) {
			const uint64_t at = offset + fields[i].at + b;
			const struct span now = after(step, at, 1);

			if (!now.data || now.data[0] != step->before.bytes.data[at])
				return false;
		}
	}
	for (size_t b = 0; b < nk->name.size; b++) {
		const struct span now = after(step, offset + 4 + REGF_KEY_SIZE + b, 1);

		if (!now.data || now.data[0] != nk->name.data[b])
			return false;
	}
	return true;
}

static bool is_touched(const struct stepping *step, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < step->n_patches; i++) {
		const struct hive_patch *patch = &step->patches[i];

		if (patch->offset < end && patch->offset + patch->size > start)
			return true;
	}
	return false;
}

/* The live key of a path, from the root down. */
static uint32_t find_path(const struct cell_map *map, struct arena *scratch, struct text path)
{
	uint32_t cell = map->root_cell;

	for (size_t pos = 0; pos < path.size && cell != REGF_NO_CELL;) {
		const char *end = memchr(path.data + pos, '\\', path.size - pos);
		const size_t size = end ? (size_t)(end - path.data) - pos : path.size - pos;

		cell = cell_map_find(map, scratch, cell, (struct text){ path.data + pos, size });
		pos += size + 1;
	}
	return cell;
}

/* The nearest ancestor before the entry that the final state still has: when it was written. */
static struct instant container_of(const struct stepping *step, const struct regf_key *child,
				   uint32_t *ret_cell)
{
	uint32_t cell = child->parent;

	for (size_t depth = 0; depth < LIMIT_DEPTH; depth++) {
		struct regf_key was, is;

		if (!cell_map_key(&step->before, cell, &was))
			break;
		*ret_cell = cell;
		if (cell_map_key(&step->all->map, cell, &is) && is.parent == was.parent &&
		    is.name.size == was.name.size &&
		    memcmp(is.name.data, was.name.data, is.name.size) == 0)
			return is.last_written >= child->last_written
				       ? instant_from_filetime(is.last_written)
				       : (struct instant){ 0 };
		cell = was.parent;
	}
	return (struct instant){ 0 };
}

/*
 * Whether the parents are surely those the key had: those in pages of the entry are; the first one
 * that comes from the final state may be another key in the same cell.
 */
static enum kinship lineage(const struct stepping *step, const struct regf_key *key)
{
	struct regf_key child = *key, parent;

	for (size_t depth = 0; step->stale && depth < LIMIT_DEPTH; depth++) {
		const uint64_t offset = (uint64_t)child.parent + REGF_BINS_OFFSET;

		if (!cell_map_key(&step->before, child.parent, &parent))
			return KINSHIP_DENIED;
		if (!is_touched(step, offset, offset + 8))
			return cell_kinship(&parent, &child);
		if (child.parent == step->before.root_cell)
			break;
		child = parent;
	}
	return KINSHIP_FITS;
}

static enum status add_state(struct stepping *step, uint64_t offset, const struct regf_key *nk,
			     struct failure *why)
{
	const struct hive_place place =
		hive_place_in(step->pages, offset, 4 + REGF_KEY_SIZE + nk->name.size);
	const enum kinship kin = lineage(step, nk);
	struct hive_key key = {
		.path = cell_map_path(&step->before, step->scratch,
				      (uint32_t)(offset - REGF_BINS_OFFSET)),
		.name = regf_key_name(step->scratch, nk),
		.last_written = instant_from_filetime(nk->last_written),
		.recovery = RECOVERY_LOG_EARLIER,
		.offset = place.offset,
		.size = place.size,
		.companion = place.companion,
		.whole = true,
		.path_sure = kin == KINSHIP_FITS,
	};
	struct recovered state = { .offset = offset, .nk = *nk, .recovery = key.recovery };
	struct hive_key *kept;
	enum status status;

	key.container_last_written = container_of(step, nk, &key.container_cell);
	/* No way up to the root: not a live key then. The root itself says nothing. */
	if (kin == KINSHIP_DENIED || !key.path.data || key.path.size == 0 || !key.name.data)
		return STATUS_OK;
	state.twin = find_path(&step->all->map, step->scratch, key.path);
	key.superseded = state.twin != REGF_NO_CELL;
	status = cell_values_read(&step->before, step->scratch, nk, false, key.recovery, &key, why);
	if (status < 0)
		return status;
	kept = arena_copy(step->hive->arena, &key, sizeof(key));
	if (!kept)
		return failure_set(why, ERR_LIMIT, "states of a hive's logs: memory");
	status = hive_key_keep(step->hive->arena, kept, why);
	state.fixed = kept;
	state.path = kept->path;
	state.name = kept->name;
	return status < 0 ? status : recovered_add(step->all, &state, why);
}

static enum status compare_bin(struct stepping *step, uint64_t start, uint64_t end,
			       struct failure *why)
{
	uint64_t at = start + REGF_BIN_HEADER;

	while (at < end) {
		struct regf_cell cell;
		struct regf_key nk;
		enum status status = STATUS_OK;

		if (!regf_cell_at(step->before.bytes, (uint32_t)(at - REGF_BINS_OFFSET), &cell) ||
		    cell.size % 8 != 0 || cell.size > end - at)
			break;
		if (cell.allocated && regf_read_key(cell.data, &nk) &&
		    !is_same_after(step, at, &nk))
			status = add_state(step, at, &nk, why);
		arena_reset(step->scratch);
		if (status < 0)
			return status;
		at += cell.size;
	}
	return STATUS_OK;
}

static enum status compare_bins(struct stepping *step, struct failure *why)
{
	const struct span bytes = step->before.bytes;
	uint64_t at = REGF_BINS_OFFSET;

	while (at + REGF_BIN_HEADER <= bytes.size) {
		const uint64_t size = span_u32le(bytes, (size_t)at + 8);
		enum status status = STATUS_OK;

		if (memcmp(bytes.data + at, "hbin", 4) != 0 || size < 4096 || size % 4096 != 0 ||
		    size > bytes.size - at) {
			at += 4096;
			continue;
		}
		if (is_touched(step, at, at + size))
			status = compare_bin(step, at, at + size, why);
		if (status < 0)
			return status;
		at += size;
	}
	return STATUS_OK;
}

static void apply(struct stepping *step)
{
	const struct hive_image *image = &step->hive->image;

	for (size_t i = 0; i < step->n_patches; i++) {
		const struct hive_patch *patch = &step->patches[i];

		memcpy(step->bytes + patch->offset,
		       image->logs[patch->companion - 1].data + patch->log_offset,
		       (size_t)patch->size);
		for (uint64_t p = 0; p < patch->size / REGF_PAGE; p++)
			step->pages[patch->offset / REGF_PAGE + p] =
				(struct hive_page){ patch->companion,
						    patch->log_offset + p * REGF_PAGE };
	}
}

static enum status step_through(struct stepping *step, struct failure *why)
{
	const struct hive_image *image = &step->hive->image;
	size_t i = 0;

	while (i < image->n_patches) {
		const struct hive_patch *first = &image->patches[i];
		enum status status;

		step->patches = first;
		step->n_patches = 0;
		while (i < image->n_patches && image->patches[i].sequence == first->sequence &&
		       image->patches[i].companion == first->companion) {
			step->n_patches++;
			i++;
		}
		status = compare_bins(step, why);
		if (status < 0)
			return status;
		apply(step);
	}
	return STATUS_OK;
}

/* Whether a range of a log was applied. */
static bool is_applied(const struct hive_image *image, uint32_t companion, uint64_t start,
		       uint64_t end)
{
	for (size_t i = 0; i < image->n_patches; i++) {
		const struct hive_patch *patch = &image->patches[i];

		if (patch->companion == companion && patch->log_offset >= start &&
		    patch->log_offset < end)
			return true;
	}
	return false;
}

/* The pages of an entry as patches, those that lie in the hive; returns their number. */
static size_t entry_patches(const struct stepping *step, uint32_t companion, uint64_t at,
			    struct span entry, struct hive_patch *ret)
{
	const uint32_t count = span_u32le(entry, 20);
	uint64_t data = 40 + (uint64_t)count * 8;
	size_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const uint64_t size = span_u32le(entry, 40 + (size_t)i * 8 + 4);
		const struct hive_patch patch = {
			.companion = companion,
			.sequence = span_u32le(entry, 12),
			.log_offset = at + data,
			.offset =
				span_u32le(entry, 40 + (size_t)i * 8) + (uint64_t)REGF_BINS_OFFSET,
			.size = size,
		};

		data += size;
		if (patch.offset + size <= step->before.bytes.size)
			ret[n++] = patch;
	}
	return n;
}

/* Gives the pages that an entry covered their final bytes again. */
static void restore(struct stepping *step)
{
	const struct hive_image *image = &step->hive->image;

	for (size_t i = 0; i < step->n_patches; i++) {
		const struct hive_patch *patch = &step->patches[i];

		memcpy(step->bytes + patch->offset, image->bytes.data + patch->offset,
		       (size_t)patch->size);
		for (uint64_t p = patch->offset / REGF_PAGE;
		     p < (patch->offset + patch->size) / REGF_PAGE; p++)
			step->pages[p] = image->pages ? image->pages[p]
						      : (struct hive_page){ 0, p * REGF_PAGE };
	}
}

/* One entry that was not applied, laid over the final state. */
static enum status look_under(struct stepping *step, uint32_t companion, uint64_t at,
			      struct span entry, struct failure *why)
{
	CLEANUP(free_p)
	struct hive_patch *patches = calloc((size_t)span_u32le(entry, 20) + 1, sizeof(*patches));
	enum status status;

	if (!patches)
		return failure_set(why, ERR_NO_MEMORY, "states of a hive's logs");
	step->patches = patches;
	step->n_patches = entry_patches(step, companion, at, entry, patches);
	apply(step);
	status = compare_bins(step, why);
	restore(step);
	step->patches = NULL;
	step->n_patches = 0;
	return status;
}

static enum status look_through_logs(struct stepping *step, struct failure *why)
{
	const struct hive_image *image = &step->hive->image;

	step->stale = true;
	for (uint32_t i = 0; i < SOURCE_MAX_COMPANIONS; i++) {
		const struct span log = image->logs[i];
		size_t at = REGF_PAGE;

		while (at + REGF_PAGE <= log.size) {
			struct span entry;
			enum status status = STATUS_OK;

			if (!log_entry_read(log, at, &entry)) {
				at += REGF_PAGE;
				continue;
			}
			if (!is_applied(image, i + 1, at, at + entry.size))
				status = look_under(step, i + 1, at, entry, why);
			if (status < 0)
				return status;
			at += entry.size;
		}
	}
	return STATUS_OK;
}

static bool any_log(const struct hive_image *image)
{
	for (size_t i = 0; i < SOURCE_MAX_COMPANIONS; i++) {
		if (image->logs[i].size > REGF_PAGE)
			return true;
	}
	return false;
}

/* After the applied entries: the final state with its last pages. */
static void start_final(struct stepping *step)
{
	const struct hive_image *image = &step->hive->image;

	memcpy(step->bytes, image->bytes.data, image->bytes.size);
	for (size_t i = 0; i < image->bytes.size / REGF_PAGE; i++)
		step->pages[i] =
			image->pages ? image->pages[i] : (struct hive_page){ 0, i * REGF_PAGE };
}

enum status log_states_recover(struct recovered_keys *all, struct hive *hive, struct failure *why)
{
	const struct hive_image *image = &hive->image;
	CLEANUP(arena_free_p) struct arena *scratch = NULL;
	CLEANUP(free_p) uint8_t *bytes = NULL;
	CLEANUP(free_p) struct hive_page *pages = NULL;
	struct stepping step = { .hive = hive, .all = all };
	const size_t n_pages = image->bytes.size / REGF_PAGE + 1;
	const size_t first =
		image->primary.size < image->bytes.size ? image->primary.size : image->bytes.size;

	if (!any_log(image))
		return STATUS_OK;
	scratch = arena_new(LIMIT_ARENA);
	bytes = calloc(image->bytes.size, 1);
	pages = calloc(n_pages, sizeof(*pages));
	if (!scratch || !bytes || !pages)
		return failure_set(why, ERR_NO_MEMORY, "states of a hive's logs");
	memcpy(bytes, image->primary.data, first);
	for (size_t i = 0; i < n_pages; i++)
		pages[i] = (struct hive_page){ i * REGF_PAGE < first ? 0 : HIVE_NO_FILE,
					       i * REGF_PAGE };
	step.scratch = scratch;
	step.bytes = bytes;
	step.pages = pages;
	step.before = (struct cell_map){
		.bytes = span_of(bytes, image->bytes.size),
		.pages = pages,
		.root_cell = all->map.root_cell,
		.bins_end = image->bytes.size,
	};

	const enum status status = step_through(&step, why);

	if (status < 0)
		return status;
	start_final(&step);
	return look_through_logs(&step, why);
}
