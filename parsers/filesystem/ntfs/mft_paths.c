/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/filesystem/ntfs/mft_table.h"

#include "parsers/base/text.h"

const char *ntfs_path_state_name(enum ntfs_path_state state)
{
	static const char *const names[] = { "whole", "parent-reused", "orphan" };

	return names[state];
}

/* Whether a reference with this sequence means the file that is or last was in the entry. */
static bool sequence_fits(const struct ntfs_entry *entry, uint16_t sequence)
{
	return sequence == 0 || sequence == entry->sequence ||
	       (!entry->in_use && sequence == ntfs_file_sequence(entry->sequence, false));
}

static bool name_counts(const struct ntfs_table *table, const struct ntfs_name *name)
{
	const struct ntfs_entry *entry = &table->entries[name->owner];

	return entry->base && sequence_fits(entry, name->owner_sequence);
}

/* The next name of an entry from index on: no DOS name unless there is no other. */
static uint32_t next_name(const struct ntfs_table *table, uint32_t index)
{
	for (; index != NTFS_NO_NAME; index = table->names[index].next)
		if (!table->names[index].dos && name_counts(table, &table->names[index]))
			return index;
	return NTFS_NO_NAME;
}

static uint32_t first_name(const struct ntfs_table *table, uint64_t entry)
{
	const uint32_t first = table->entries[entry].first_name;
	uint32_t index = next_name(table, first);

	for (uint32_t i = first; index == NTFS_NO_NAME && i != NTFS_NO_NAME; i = table->names[i].next)
		if (name_counts(table, &table->names[i]))
			index = i;
	return index;
}

static struct text name_text(const struct ntfs_table *table, const struct ntfs_name *name)
{
	return (struct text){ table->pool + name->text, name->size };
}

/* Puts "/" and text before what stands at *start; false when the room is used up. */
static bool prepend(struct ntfs_table *table, size_t *start, struct text text)
{
	if (text.size + 1 > *start)
		return false;
	*start -= text.size;
	memcpy(table->path + *start, text.data, text.size);
	table->path[--*start] = '/';
	return true;
}

/* What a parent reference leads to: STATUS_END at the root, OK to go on from *ret_name. */
static enum status step_up(const struct ntfs_table *table, uint64_t parent, uint32_t *ret_name,
			   enum ntfs_path_state *state)
{
	const uint64_t at = ntfs_entry_of(parent);

	*state = NTFS_PATH_ORPHAN;
	if (at >= table->n_entries)
		return ERR_FORMAT;
	if (at == NTFS_ROOT) {
		*state = NTFS_PATH_WHOLE;
		return STATUS_END;
	}

	const struct ntfs_entry *entry = &table->entries[at];

	if (entry->sequence == 0 && entry->first_name == NTFS_NO_NAME)
		return ERR_FORMAT;
	*state = NTFS_PATH_PARENT_REUSED;
	if (!entry->base || !entry->folder || !sequence_fits(entry, ntfs_sequence_of(parent)))
		return ERR_FORMAT;
	*state = NTFS_PATH_ORPHAN;
	*ret_name = first_name(table, at);
	return *ret_name == NTFS_NO_NAME ? ERR_FORMAT : STATUS_OK;
}

static struct ntfs_kept_folder *kept_folder(struct ntfs_table *table, uint64_t reference)
{
	return &table->folders[ntfs_entry_of(reference) % NTFS_FOLDERS_KEPT];
}

/* Keeps the path before a name that was just built, for the next name in that folder. */
static void keep_folder(struct ntfs_table *table, uint64_t reference, struct text path,
			enum ntfs_path_state state)
{
	struct ntfs_kept_folder *kept = kept_folder(table, reference);

	if (path.size > NTFS_FOLDER_ROOM)
		return;
	kept->reference = reference;
	kept->known = true;
	kept->state = state;
	kept->size = path.size;
	memcpy(kept->path, path.data, path.size);
}

/* Behind the name at *start: all that stands above it. */
static enum ntfs_path_state put_folders(struct ntfs_table *table, uint64_t parent, size_t *start)
{
	const size_t end = *start;
	enum ntfs_path_state state;
	uint32_t index = NTFS_NO_NAME;
	enum status status = step_up(table, parent, &index, &state);

	for (unsigned depth = 1; status == STATUS_OK && depth < LIMIT_DEPTH; depth++) {
		const struct ntfs_name *name = &table->names[index];

		if (!prepend(table, start, name_text(table, name)))
			break;
		status = step_up(table, name->parent, &index, &state);
	}
	if (status == STATUS_OK)
		state = NTFS_PATH_ORPHAN;
	if (state != NTFS_PATH_WHOLE)
		(void)prepend(table, start, TEXT("$OrphanFiles"));
	if (status != STATUS_OK) /* else: too deep or too long, which the next name need not be */
		keep_folder(table, parent, (struct text){ table->path + *start, end - *start },
			    state);
	return state;
}

static struct text build_path(struct ntfs_table *table, uint32_t index,
			      enum ntfs_path_state *ret_state)
{
	const struct ntfs_name *name = &table->names[index];
	const struct ntfs_kept_folder *kept = kept_folder(table, name->parent);
	size_t start = NTFS_PATH_ROOM;

	if (name->owner == NTFS_ROOT) {
		*ret_state = NTFS_PATH_WHOLE;
		return TEXT("/");
	}
	(void)prepend(table, &start, name_text(table, name)); /* a name is shorter than the room */
	if (kept->known && kept->reference == name->parent) {
		start -= kept->size;
		memcpy(table->path + start, kept->path, kept->size);
		*ret_state = kept->state;
	} else {
		*ret_state = put_folders(table, name->parent, &start);
	}
	return (struct text){ table->path + start, NTFS_PATH_ROOM - start };
}

static struct ntfs_found found_of(struct ntfs_table *table, uint32_t index)
{
	const struct ntfs_name *name = &table->names[index];
	const struct ntfs_entry *entry = &table->entries[name->owner];
	struct ntfs_found found = {
		.entry = name->owner,
		.sequence = ntfs_file_sequence(entry->sequence, entry->in_use),
		.in_use = entry->in_use,
		.folder = entry->folder,
		.parent = name->parent,
		.name_entry = name->record,
		.name = name_text(table, name),
	};

	found.path = build_path(table, index, &found.state);
	return found;
}

enum status ntfs_table_visit(struct ntfs_table *table, ntfs_visitor *visitor, void *payload,
			     struct failure *why)
{
	for (uint64_t entry = 0; entry < table->n_entries; entry++) {
		uint32_t index = first_name(table, entry);

		while (index != NTFS_NO_NAME) {
			const struct ntfs_found found = found_of(table, index);
			const enum status status = visitor(payload, &found, why);

			if (status < 0)
				return status;
			index = next_name(table, table->names[index].next);
		}
	}
	return STATUS_OK;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* Over the parent's entry and the folded name. */
static size_t hash_of(uint64_t parent, struct text name)
{
	const uint64_t lower = UINT64_C(0x2020202020202020), high = UINT64_C(0x8080808080808080);
	uint64_t hash = mix(0, parent), word;
	size_t pos = 0;

	/* Most names are ASCII: eight letters at a time. Folding leaves what is ASCII so. */
	for (; name.size - pos >= sizeof(word); pos += sizeof(word)) {
		memcpy(&word, name.data + pos, sizeof(word));
		if (word & high)
			break;
		hash = mix(hash, word | lower);
	}
	while (pos < name.size)
		hash = mix(hash, text_fold_char(text_next(name, &pos)) | 0x20);
	return (size_t)hash;
}

static bool make_hash(struct ntfs_table *table)
{
	size_t size = 16;

	while (size < table->n_names * 2)
		size *= 2;
	table->hash = malloc(size * sizeof(*table->hash));
	if (!table->hash)
		return false;
	table->hash_size = size;
	memset(table->hash, 0xff, size * sizeof(*table->hash));
	for (size_t i = 0; i < table->n_names; i++) {
		const struct ntfs_name *name = &table->names[i];

		if (!table->entries[name->owner].in_use || !name_counts(table, name) || name->dos)
			continue;

		size_t slot = hash_of(ntfs_entry_of(name->parent), name_text(table, name));

		while (table->hash[slot & (size - 1)] != NTFS_NO_NAME)
			slot++;
		table->hash[slot & (size - 1)] = (uint32_t)i;
	}
	return true;
}

static uint32_t find_child(const struct ntfs_table *table, uint64_t parent, struct text name)
{
	const size_t mask = table->hash_size - 1;

	for (size_t slot = hash_of(parent, name) & mask; table->hash[slot] != NTFS_NO_NAME;
	     slot = (slot + 1) & mask) {
		const struct ntfs_name *have = &table->names[table->hash[slot]];

		if (ntfs_entry_of(have->parent) == parent &&
		    sequence_fits(&table->entries[parent], ntfs_sequence_of(have->parent)) &&
		    text_equal_folded(name_text(table, have), name))
			return table->hash[slot];
	}
	return NTFS_NO_NAME;
}

enum status ntfs_table_find(struct ntfs_table *table, struct text path, struct ntfs_found *ret)
{
	uint64_t at = NTFS_ROOT;
	uint32_t index = NTFS_NO_NAME;

	if (table->n_entries <= NTFS_ROOT || (!table->hash && !make_hash(table)))
		return STATUS_END;
	for (size_t pos = 0; pos < path.size;) {
		size_t end = pos;

		while (end < path.size && path.data[end] != '/')
			end++;
		if (end > pos) {
			index = find_child(table, at,
					   (struct text){ path.data + pos, end - pos });
			if (index == NTFS_NO_NAME)
				return STATUS_END;
			at = table->names[index].owner;
		}
		pos = end + 1;
	}
	if (index == NTFS_NO_NAME)
		index = first_name(table, NTFS_ROOT);
	if (index == NTFS_NO_NAME)
		return STATUS_END;
	*ret = found_of(table, index);
	return STATUS_OK;
}

struct text ntfs_table_path(struct ntfs_table *table, uint64_t entry, uint16_t sequence,
			    struct arena *arena, enum ntfs_path_state *ret_state)
{
	if (entry >= table->n_entries || !sequence_fits(&table->entries[entry], sequence))
		return (struct text){ NULL, 0 };

	const uint32_t index = first_name(table, entry);

	if (index == NTFS_NO_NAME)
		return (struct text){ NULL, 0 };

	const struct text path = build_path(table, index, ret_state);

	return (struct text){ arena_text(arena, path), path.size };
}

bool ntfs_table_is_live(const struct ntfs_table *table, uint64_t entry, uint16_t sequence)
{
	return entry < table->n_entries && table->entries[entry].in_use &&
	       table->entries[entry].sequence == sequence;
}
