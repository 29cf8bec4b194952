/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/view.h"

#include <stdio.h>

#include "parsers/base/text.h"
#include "parsers/filesystem/file.h"
#include "parsers/filesystem/filesystem.h"
#include "parsers/filesystem/ntfs/mft.h"

struct view {
	struct stream *stream;
	struct filesystem *filesystem; /* NULL: NTFS, which libtsk is not asked about */
	struct ntfs_volume *ntfs;      /* NULL: not NTFS */
	struct ntfs_table *table;      /* read when it is first needed */
	bool table_tried;
};

/*
 * Whether the first sector is that of NTFS and no ext superblock stands behind it (offset 56 of
 * 1024: 0xef53), as one does on a volume that was formatted anew. The rare boot code with these
 * two bytes goes the long way.
 */
static bool starts_as_ntfs(struct stream *volume)
{
	uint8_t head[1024 + 64];

	return volume->size >= sizeof(head) &&
	       stream_read(volume, 0, head, sizeof(head), NULL) == STATUS_OK &&
	       memcmp(head + 3, "NTFS    ", 8) == 0 &&
	       !(head[1024 + 56] == 0x53 && head[1024 + 57] == 0xef);
}

/* What libtsk finds; NTFS that it cannot open may still open by its second boot sector. */
static enum status open_any(struct view *view, struct failure *why)
{
	const enum status status = filesystem_open(view->stream, &view->filesystem, why);

	if (status == ERR_ENCRYPTED)
		return status;
	if (status != STATUS_OK || strcmp(filesystem_facts(view->filesystem)->type, "ntfs") == 0) {
		const enum status ntfs = ntfs_volume_open(view->stream, &view->ntfs, NULL);

		if (ntfs != STATUS_OK && status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

enum status view_open(struct stream *volume, struct view **ret, struct failure *why)
{
	CLEANUP(view_close_p) struct view *view = calloc(1, sizeof(*view));
	enum status status = STATUS_OK;

	if (!view)
		return failure_set(why, ERR_NO_MEMORY, "volume");
	view->stream = volume;
	/* libtsk would try every file system it knows, and read far into the volume for some. */
	if (!starts_as_ntfs(volume) || ntfs_volume_open(volume, &view->ntfs, NULL) != STATUS_OK)
		status = open_any(view, why);
	if (status != STATUS_OK)
		return status;
	*ret = view;
	view = NULL;
	return STATUS_OK;
}

void view_close(struct view *view)
{
	if (!view)
		return;
	if (view->table)
		ntfs_table_free(view->table);
	if (view->ntfs)
		ntfs_volume_close(view->ntfs);
	if (view->filesystem)
		filesystem_close(view->filesystem);
	free(view);
}

const char *view_filesystem(const struct view *view)
{
	return view->ntfs ? "ntfs" : filesystem_facts(view->filesystem)->type;
}

struct text view_label(struct view *view, struct arena *arena)
{
	return view->ntfs ? ntfs_volume_label(view->ntfs, arena) : (struct text){ NULL, 0 };
}

const char *view_entries_path(const struct view *view)
{
	return view->ntfs ? "/$MFT" : "/";
}

struct stream *view_entries(struct view *view)
{
	return view->ntfs ? ntfs_volume_mft(view->ntfs) : NULL;
}

static enum status need_table(struct view *view, struct parse_context *ctx, struct failure *why)
{
	if (view->table)
		return STATUS_OK;
	if (view->table_tried)
		return failure_set(why, ERR_FORMAT, "$MFT could not be read");
	view->table_tried = true;
	return ntfs_table_read(ctx, view->stream, &view->table, why);
}

struct visit {
	view_visitor *visit;
	void *payload;
};

static enum status visit_ntfs(void *payload, const struct ntfs_found *found, struct failure *why)
{
	const struct visit *visit = payload;
	const struct view_file file = { .path = found->path,
					.entry = found->entry,
					.sequence = found->sequence,
					.deleted = !found->in_use };

	return found->folder ? STATUS_OK : visit->visit(visit->payload, &file, why);
}

/* A walk over a file system that libtsk reads. */
struct walk {
	struct view *view;
	struct parse_context *ctx;
	struct visit visit;
	struct arena *arena;
	uint8_t *seen; /* one bit per entry: a folder is entered once */
	uint64_t last_entry;
	struct text folder; /* path of the folder being listed */
	unsigned depth;
};

enum { WALK_DEPTH = 64 };

static enum status walk_folder(struct walk *walk, uint64_t folder, struct failure *why);

static enum status emit_entry(struct walk *walk, const struct file_entry *entry, struct text path,
			      struct failure *why)
{
	static const char *const kinds[] = { [FILE_KIND_OTHER] = "other",
					     [FILE_KIND_FILE] = "file",
					     [FILE_KIND_FOLDER] = "folder",
					     [FILE_KIND_LINK] = "link" };
	struct value values[FILE_N_FIELDS] = { 0 };
	char address[48];

	if (!wants_path(walk->ctx, path))
		return STATUS_OK;
	values[FILE_PATH] = value_text(path);
	values[FILE_KIND] = value_text(text_of(kinds[entry->kind]));
	if (!entry->deleted || !entry->entry_in_use) {
		values[FILE_SIZE] = value_uint(entry->size);
		values[FILE_CREATED] = value_instant(entry->created);
		values[FILE_MODIFIED] = value_instant(entry->modified);
		values[FILE_CHANGED] = value_instant(entry->changed);
		values[FILE_ACCESSED] = value_instant(entry->accessed);
		values[FILE_DELETED] = value_instant(entry->deleted_at);
	}
	values[FILE_ENTRY] = value_uint(entry->entry);
	values[FILE_PARENT] = value_uint(entry->parent);
	values[FILE_PATH_STATE] = value_text(TEXT("whole"));
	(void)snprintf(address, sizeof(address), "inode %llu", (unsigned long long)entry->entry);

	const struct trace trace = { .type = &filesystem_file_type,
				     .origin = { .address = text_of(address) },
				     .recovery = entry->deleted ? RECOVERY_DELETED :
								  RECOVERY_ALLOCATED,
				     .values = values };

	return emit(walk->ctx, &trace, why);
}

/* Remembers a folder; false when it was entered before. */
static bool enter_once(struct walk *walk, uint64_t entry)
{
	if (entry > walk->last_entry)
		return false;

	const uint8_t bit = (uint8_t)(1U << (entry % 8));
	const bool fresh = !(walk->seen[entry / 8] & bit);

	walk->seen[entry / 8] |= bit;
	return fresh;
}

static enum status visit_entry(struct filesystem *filesystem, const struct file_entry *entry,
			       void *payload, struct failure *why)
{
	struct walk *walk = payload;
	const char *joined = arena_printf(walk->arena, "%.*s/%.*s", (int)walk->folder.size,
					  walk->folder.data, (int)entry->name.size,
					  entry->name.data);
	const struct text path = text_of(joined);
	const struct view_file file = { .path = path, .entry = entry->entry,
					.deleted = entry->deleted };

	(void)filesystem; /* the walk has it */
	if (!joined)
		return failure_set(why, ERR_LIMIT, "too many names");

	enum status status = emit_entry(walk, entry, path, why);

	if (status < 0)
		return status;
	if (entry->kind == FILE_KIND_FILE && !(entry->deleted && entry->entry_in_use))
		return walk->visit.visit(walk->visit.payload, &file, why);
	if (entry->kind != FILE_KIND_FOLDER || entry->deleted || !enter_once(walk, entry->entry))
		return STATUS_OK;

	const struct text above = walk->folder;

	walk->folder = path;
	status = walk_folder(walk, entry->entry, why);
	walk->folder = above;
	return status;
}

/* A folder that cannot be listed costs itself alone. */
static enum status walk_folder(struct walk *walk, uint64_t folder, struct failure *why)
{
	struct failure local = FAILURE_NONE;

	if (walk->depth >= WALK_DEPTH) {
		lost(walk->ctx, FAILURE_NO_OFFSET, "folders nested deeper than %d", WALK_DEPTH);
		return STATUS_OK;
	}
	walk->depth++;

	const enum status status = filesystem_list(walk->view->filesystem, walk->arena, folder,
						   visit_entry, walk, &local);

	walk->depth--;
	if (status == ERR_CANCELLED || status == ERR_NO_MEMORY) {
		*why = local;
		return status;
	}
	if (status < 0)
		lost(walk->ctx, local.offset, "folder '%.*s': %s", (int)walk->folder.size,
		     walk->folder.data, local.text);
	return STATUS_OK;
}

static enum status walk_all(struct view *view, struct parse_context *ctx, struct visit visit,
			    struct failure *why)
{
	const struct filesystem_facts *facts = filesystem_facts(view->filesystem);
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_ARENA);
	CLEANUP(free_p) uint8_t *seen = NULL;
	const uint64_t bytes = facts->last_entry / 8 + 1;

	if (bytes <= LIMIT_ARENA)
		seen = calloc(1, (size_t)bytes);
	if (!arena || !seen)
		return failure_set(why, ERR_NO_MEMORY, "walk over %llu entries",
				   (unsigned long long)facts->last_entry);

	struct walk walk = { .view = view, .ctx = ctx, .visit = visit, .arena = arena,
			     .seen = seen, .last_entry = facts->last_entry,
			     .folder = TEXT("") };

	(void)enter_once(&walk, facts->root);
	return walk_folder(&walk, facts->root, why);
}

static enum status visit_all(struct view *view, struct parse_context *ctx, struct visit visit,
			     struct failure *why)
{
	if (!view->ntfs)
		return walk_all(view, ctx, visit, why);

	const enum status status = need_table(view, ctx, why);

	return status < 0 ? status : ntfs_table_visit(view->table, visit_ntfs, &visit, why);
}

enum status view_survey(struct view *view, struct parse_context *ctx, view_visitor *visitor,
			view_visited *visited, void *payload, struct failure *why)
{
	const struct visit visit = { visitor, payload };
	const enum status status = visit_all(view, ctx, visit, why);

	if (visited)
		visited(payload);
	return status < 0 || !view->ntfs ? status : ntfs_table_emit(ctx, view->table, why);
}

bool view_is_intact(struct view *view, uint64_t entry)
{
	bool intact = false;

	return view->ntfs && ntfs_content_intact(view->ntfs, entry, &intact, NULL) == STATUS_OK &&
	       intact;
}

struct text view_attribute(const struct view *view, struct text path)
{
	for (size_t i = path.size; view->ntfs && i > 0 && path.data[i - 1] != '/'; i--)
		if (path.data[i - 1] == ':')
			return (struct text){ path.data + i, path.size - i };
	return TEXT("");
}

/* libtsk is asked only where the attribute does not stand in the entry's own record. */
static bool has_filesystem(struct view *view)
{
	return view->filesystem ||
	       filesystem_open(view->stream, &view->filesystem, NULL) == STATUS_OK;
}

bool view_attribute_id(struct view *view, uint64_t entry, struct text attribute,
		       char ret[VIEW_ATTRIBUTE_SIZE])
{
	const uint32_t type = text_equal(attribute, TEXT("$I30")) ? NTFS_INDEX_ALLOCATION :
								     NTFS_DATA;
	char name[256];
	uint16_t id;

	if (attribute.size >= sizeof(name) || text_equal(attribute, TEXT(VIEW_UNALLOCATED)))
		return false;
	if (view->ntfs && ntfs_volume_attribute_id(view->ntfs, entry, type, attribute, &id, NULL) ==
				  STATUS_OK) {
		(void)snprintf(ret, VIEW_ATTRIBUTE_SIZE, "%u-%u", type, id);
		return true;
	}
	memcpy(name, attribute.data, attribute.size);
	name[attribute.size] = '\0';
	return has_filesystem(view) &&
	       filesystem_attribute_id(view->filesystem, entry, name, ret);
}

enum status view_open_file(struct view *view, uint64_t entry, struct text attribute,
			   struct stream **ret, struct failure *why)
{
	if (view->ntfs && text_equal(attribute, TEXT("$I30")))
		return ntfs_open_index(view->ntfs, entry, ret, why);
	if (view->ntfs && text_equal(attribute, TEXT(VIEW_UNALLOCATED)))
		return ntfs_open_unallocated(view->ntfs, ret, why);
	if (view->ntfs)
		return ntfs_open_file(view->ntfs, entry, attribute, ret, why);
	return filesystem_open_entry(view->filesystem, entry, NULL, ret, why);
}

enum status view_open_deleted(struct view *view, uint64_t entry, struct stream **ret,
			      struct failure *why)
{
	if (view->ntfs)
		return ntfs_open_deleted(view->ntfs, entry, ret, why);
	return filesystem_open_entry(view->filesystem, entry, NULL, ret, why);
}

struct text view_folder_path(struct view *view, struct parse_context *ctx, uint64_t reference)
{
	enum ntfs_path_state state;

	if (!view->ntfs || need_table(view, ctx, NULL) < 0)
		return (struct text){ NULL, 0 };
	return ntfs_table_path(view->table, ntfs_entry_of(reference),
			       ntfs_sequence_of(reference), ctx->arena, &state);
}
