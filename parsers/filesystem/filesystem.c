/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/filesystem/filesystem.h"

#include <inttypes.h>
#include <stdio.h>

#include "parsers/base/limits.h"
#include "parsers/base/text.h"
#include "parsers/stream/tsk_image.h"

/* Entries of one folder looked at. The largest real folders (WinSxS) hold some 30,000. */
enum { LIMIT_FOLDER_ENTRIES = 2000000 };

struct filesystem {
	struct tsk_image *image;
	TSK_FS_INFO *info;
	struct filesystem_facts facts;
};

static bool is_fat(TSK_FS_TYPE_ENUM type)
{
	return type == TSK_FS_TYPE_FAT12 || type == TSK_FS_TYPE_FAT16 ||
	       type == TSK_FS_TYPE_FAT32 || type == TSK_FS_TYPE_EXFAT;
}

/* BitLocker's mark instead of the NTFS or FAT name, LUKS's at the start. */
static enum status refuse_encrypted(struct stream *volume, struct failure *why)
{
	uint8_t head[16];

	if (volume->size < sizeof(head) || stream_read(volume, 0, head, sizeof(head), NULL) < 0)
		return STATUS_OK; /* the probe below will say */
	if (memcmp(head + 3, "-FVE-FS-", 8) == 0)
		return failure_set(why, ERR_ENCRYPTED, "the volume is encrypted by BitLocker");
	if (memcmp(head, "LUKS\xba\xbe", 6) == 0)
		return failure_set(why, ERR_ENCRYPTED, "the volume is encrypted by LUKS");
	return STATUS_OK;
}

static void fill_facts(struct filesystem *filesystem)
{
	const TSK_FS_INFO *info = filesystem->info;
	const char *type =
		TSK_FS_TYPE_ISHFS(info->ftype) ? "hfs+" : tsk_fs_type_toname(info->ftype);

	filesystem->facts = (struct filesystem_facts){
		.type = type ? type : "unknown",
		.block_size = info->block_size,
		.root = info->root_inum,
		.last_entry = info->last_inum,
		.folds_case = TSK_FS_TYPE_ISNTFS(info->ftype) || is_fat(info->ftype) ||
			      TSK_FS_TYPE_ISHFS(info->ftype),
		.keeps_local_time = is_fat(info->ftype),
	};
	if (__builtin_mul_overflow(info->block_count, info->block_size, &filesystem->facts.size))
		filesystem->facts.size = 0;
}

static enum status not_opened(struct tsk_image *image, struct failure *why)
{
	const uint32_t code = tsk_error_get_errno();

	if (image->last.status < 0)
		return failure_from_tsk(image, why, "file system");
	if (code == TSK_ERR_FS_ENCRYPTED)
		return failure_set(why, ERR_ENCRYPTED, "the volume is encrypted");
	/* High entropy alone is no proof of encryption. No error at all is what libtsk 4.11 leaves
	 * when it has found neither a file system nor encryption. */
	if (code == 0 || code == TSK_ERR_FS_UNKTYPE || code == TSK_ERR_FS_POSSIBLY_ENCRYPTED) {
		(void)failure_set(why, ERR_UNSUPPORTED, "no file system that is read");
		return STATUS_DECLINED;
	}
	return failure_from_tsk(image, why, "file system");
}

/*
 * libtsk's own detection tries YAFFS2 on every volume, which reads far into it to find out. It is
 * left to what nothing else fits; so is saying what fits twice.
 */
static TSK_FS_INFO *detect(TSK_IMG_INFO *image)
{
	static const TSK_FS_TYPE_ENUM families[] = { TSK_FS_TYPE_NTFS_DETECT,
						     TSK_FS_TYPE_FAT_DETECT,
						     TSK_FS_TYPE_EXT_DETECT,
						     TSK_FS_TYPE_FFS_DETECT,
						     TSK_FS_TYPE_HFS_DETECT,
						     TSK_FS_TYPE_ISO9660_DETECT };
	TSK_FS_INFO *found = NULL;

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		TSK_FS_INFO *one = tsk_fs_open_img(image, 0, families[i]);

		if (one && found) {
			tsk_fs_close(one);
			tsk_fs_close(found);
			found = NULL;
			break;
		}
		found = one ? one : found;
	}
	tsk_error_reset();
	return found ? found : tsk_fs_open_img(image, 0, TSK_FS_TYPE_DETECT);
}

/*
 * Whether the volume starts with zeros further than any superblock stands (UFS2: 256 KiB), as a
 * reserved partition does: nothing is there to be tried, and much would be read to find out.
 */
static bool starts_empty(struct stream *volume)
{
	enum { BLOCK = 65536, HEAD = 1 << 20 };
	uint8_t block[BLOCK];
	const uint64_t end = volume->size < HEAD ? volume->size : HEAD;

	for (uint64_t at = 0; at < end;) {
		const size_t n = end - at < BLOCK ? (size_t)(end - at) : BLOCK;

		if (stream_read(volume, at, block, n, NULL) < 0)
			return false;
		for (size_t i = 0; i < n; i++)
			if (block[i])
				return false;
		at += n;
	}
	return true;
}

enum status filesystem_open(struct stream *volume, struct filesystem **ret, struct failure *why)
{
	enum status status = refuse_encrypted(volume, why);

	if (status < 0)
		return status;
	if (starts_empty(volume)) {
		(void)failure_set(why, ERR_UNSUPPORTED, "no file system that is read");
		return STATUS_DECLINED;
	}

	CLEANUP(filesystem_close_p) struct filesystem *filesystem = calloc(1, sizeof(*filesystem));

	if (!filesystem)
		return failure_set(why, ERR_NO_MEMORY, "file system");
	status = tsk_image_open(volume, &filesystem->image, why);
	if (status < 0)
		return status;
	tsk_error_reset();
	filesystem->info = detect(&filesystem->image->info);
	if (!filesystem->info)
		return not_opened(filesystem->image, why);
	fill_facts(filesystem);
	*ret = filesystem;
	filesystem = NULL;
	return STATUS_OK;
}

void filesystem_close(struct filesystem *filesystem)
{
	if (!filesystem)
		return;
	if (filesystem->info)
		tsk_fs_close(filesystem->info);
	tsk_image_close(filesystem->image);
	free(filesystem);
}

const struct filesystem_facts *filesystem_facts(const struct filesystem *filesystem)
{
	return &filesystem->facts;
}

/* Seconds and nanoseconds as libtsk keeps them; 0 seconds is its "no time". */
static struct instant instant_of(const struct filesystem *filesystem, int64_t seconds,
				 uint32_t nanoseconds, int64_t coarsest)
{
	struct instant i = instant_from_unix(seconds);

	if (i.state != INSTANT_SET)
		return i;
	if (nanoseconds > 0 && nanoseconds < 1000000000) {
		i.ticks += nanoseconds / 100;
		i.precision = 1;
	}
	if (TSK_FS_TYPE_ISNTFS(filesystem->info->ftype))
		i.precision = 1;
	else if (i.precision < coarsest && filesystem->facts.keeps_local_time)
		i.precision = coarsest;
	i.zone = filesystem->facts.keeps_local_time ? ZONE_LOCAL : ZONE_UTC;
	return i;
}

static enum file_kind kind_of(TSK_FS_META_TYPE_ENUM type)
{
	if (type == TSK_FS_META_TYPE_REG)
		return FILE_KIND_FILE;
	if (TSK_FS_IS_DIR_META(type))
		return FILE_KIND_FOLDER;
	return type == TSK_FS_META_TYPE_LNK ? FILE_KIND_LINK : FILE_KIND_OTHER;
}

/* FAT keeps 10 ms, 2 s and a day for created, modified and accessed (FAT specification, 6.1). */
static void fill_from_meta(const struct filesystem *filesystem, const TSK_FS_META *meta,
			   struct file_entry *ret)
{
	ret->sequence = meta->seq;
	ret->kind = kind_of(meta->type);
	ret->entry_in_use = (meta->flags & TSK_FS_META_FLAG_ALLOC) != 0;
	ret->size = meta->size > 0 ? (uint64_t)meta->size : 0;
	ret->created = instant_of(filesystem, meta->crtime, meta->crtime_nano,
				  TICKS_PER_SECOND / 100);
	ret->modified =
		instant_of(filesystem, meta->mtime, meta->mtime_nano, 2 * TICKS_PER_SECOND);
	ret->changed = instant_of(filesystem, meta->ctime, meta->ctime_nano, TICKS_PER_SECOND);
	ret->accessed = instant_of(filesystem, meta->atime, meta->atime_nano, TICKS_PER_DAY);
	if (TSK_FS_TYPE_ISEXT(filesystem->info->ftype))
		ret->deleted_at = instant_of(filesystem, meta->time2.ext2.dtime,
					     meta->time2.ext2.dtime_nano, TICKS_PER_SECOND);
}

static enum status fill_entry(const struct filesystem *filesystem, struct arena *arena,
			      const TSK_FS_NAME *name, const TSK_FS_META *meta,
			      struct file_entry *ret, struct failure *why)
{
	const size_t size = name->name ? strnlen(name->name, name->name_size) : 0;

	*ret = (struct file_entry){
		.name = text_from_utf8(arena, span_of(name->name, size), NULL),
		.entry = name->meta_addr,
		.parent = name->par_addr,
		.deleted = (name->flags & TSK_FS_NAME_FLAG_UNALLOC) != 0,
	};
	if (!ret->name.data)
		return failure_set(why, ERR_LIMIT, "names of a folder");
	if (meta)
		fill_from_meta(filesystem, meta, ret);
	return STATUS_OK;
}

static void close_folder(TSK_FS_DIR *const *folder)
{
	if (*folder)
		tsk_fs_dir_close(*folder);
}

static void close_file(TSK_FS_FILE *const *file)
{
	if (*file)
		tsk_fs_file_close(*file);
}

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static enum status visit_nth(struct filesystem *filesystem, struct arena *arena, TSK_FS_DIR *folder,
			     size_t i, folder_visitor visit, void *payload, struct failure *why)
{
	CLEANUP(close_file) TSK_FS_FILE *file = tsk_fs_dir_get(folder, i);
	struct file_entry entry;

	filesystem->image->last = (struct failure)FAILURE_NONE; /* the entry then lacks its facts */
	if (!file || !file->name || !file->name->name || is_dot(file->name->name))
		return STATUS_OK;

	const enum status status =
		fill_entry(filesystem, arena, file->name, file->meta, &entry, why);

	return status < 0 ? status : visit(filesystem, &entry, payload, why);
}

enum status filesystem_list(struct filesystem *filesystem, struct arena *arena, uint64_t folder,
			    folder_visitor visit, void *payload, struct failure *why)
{
	tsk_error_reset();

	CLEANUP(close_folder) TSK_FS_DIR *open = tsk_fs_dir_open_meta(filesystem->info, folder);

	if (!open)
		return failure_from_tsk(filesystem->image, why, "folder of entry %" PRIu64, folder);

	const size_t n = tsk_fs_dir_getsize(open);

	for (size_t i = 0; i < n && i < LIMIT_FOLDER_ENTRIES; i++) {
		const enum status status =
			visit_nth(filesystem, arena, open, i, visit, payload, why);

		if (status < 0)
			return status;
	}
	if (n > LIMIT_FOLDER_ENTRIES)
		return failure_set(why, ERR_LIMIT, "%zu entries in one folder", n);
	return STATUS_OK;
}

/* Looking for one name among the entries of a folder. */
struct search {
	struct text name;
	bool fold, found, exact;
};

static bool better(const struct search *search, struct text name)
{
	if (text_equal(name, search->name))
		return !search->exact;
	return search->fold && !search->found && text_equal_folded(name, search->name);
}

/* The entry of a live child; names are compared without opening each file. */
static enum status find_child(struct filesystem *filesystem, uint64_t folder, struct text name,
			      struct arena *arena, struct file_entry *ret, struct failure *why)
{
	struct search search = { .name = name, .fold = filesystem->facts.folds_case };
	size_t chosen = 0;

	tsk_error_reset();

	CLEANUP(close_folder) TSK_FS_DIR *open = tsk_fs_dir_open_meta(filesystem->info, folder);

	if (!open)
		return failure_from_tsk(filesystem->image, why, "folder of entry %" PRIu64, folder);
	for (size_t i = 0; i < tsk_fs_dir_getsize(open) && i < LIMIT_FOLDER_ENTRIES; i++) {
		const TSK_FS_NAME *child = tsk_fs_dir_get_name(open, i);

		if (!child || !child->name || (child->flags & TSK_FS_NAME_FLAG_UNALLOC) != 0)
			continue;
		if (!better(&search, text_of(child->name)))
			continue;
		search.exact = text_equal(text_of(child->name), name);
		search.found = true;
		chosen = i;
	}
	if (!search.found)
		return STATUS_END;

	CLEANUP(close_file) TSK_FS_FILE *file = tsk_fs_dir_get(open, chosen);

	if (!file || !file->name)
		return failure_from_tsk(filesystem->image, why, "entry '%.*s'", (int)name.size,
					name.data);
	return fill_entry(filesystem, arena, file->name, file->meta, ret, why);
}

static enum status root_entry(struct filesystem *filesystem, struct file_entry *ret,
			      struct failure *why)
{
	CLEANUP(close_file) TSK_FS_FILE *file =
		tsk_fs_file_open_meta(filesystem->info, NULL, filesystem->info->root_inum);

	if (!file || !file->meta)
		return failure_from_tsk(filesystem->image, why, "root folder");
	*ret = (struct file_entry){ .name = TEXT(""),
				    .entry = filesystem->info->root_inum,
				    .parent = filesystem->info->root_inum };
	fill_from_meta(filesystem, file->meta, ret);
	return STATUS_OK;
}

enum status filesystem_find(struct filesystem *filesystem, struct arena *arena, const char *path,
			    struct file_entry *ret, struct failure *why)
{
	struct file_entry entry;
	enum status status = root_entry(filesystem, &entry, why);

	for (int depth = 0; status == STATUS_OK; depth++) {
		path += strspn(path, "/");
		if (*path == '\0') {
			*ret = entry;
			return STATUS_OK;
		}
		if (depth >= LIMIT_DEPTH)
			return failure_set(why, ERR_LIMIT, "path deeper than %d", LIMIT_DEPTH);
		if (entry.kind != FILE_KIND_FOLDER)
			return STATUS_END;

		const struct text name = { path, strcspn(path, "/") };

		status = find_child(filesystem, entry.entry, name, arena, &entry, why);
		path += name.size;
	}
	return status;
}

struct file_stream {
	struct stream stream;
	struct filesystem *filesystem;
	TSK_FS_FILE *file;
	const TSK_FS_ATTR *attribute; /* owned by file */
};

static enum status file_read_at(struct stream *stream, uint64_t offset, void *buffer, size_t size,
				struct failure *why)
{
	const struct file_stream *self = (const struct file_stream *)stream;
	uint8_t *bytes = buffer;

	while (size > 0) {
		tsk_error_reset();

		const ssize_t n = tsk_fs_attr_read(self->attribute, (TSK_OFF_T)offset, (char *)bytes,
						   size, TSK_FS_FILE_READ_FLAG_NONE);

		if (n <= 0 || (size_t)n > size) {
			/* Offsets of the volume mean nothing to readers of the file. */
			const enum status status = failure_from_tsk(
				self->filesystem->image, why, "content at %" PRIu64, offset);

			if (why)
				why->offset = offset;
			return status;
		}
		bytes += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return STATUS_OK;
}

static void file_close(struct stream *stream)
{
	struct file_stream *self = (struct file_stream *)stream;

	tsk_fs_file_close(self->file);
	free(self);
}

static const struct stream_ops file_ops = { file_read_at, file_close };

/* The attribute asked for; NULL when the file has none such. */
static const TSK_FS_ATTR *choose_attribute(TSK_FS_FILE *file, const char *name)
{
	if (!name || !*name)
		return tsk_fs_file_attr_get(file);

	const int n = tsk_fs_file_attr_getsize(file);

	for (int i = 0; i < n; i++) {
		const TSK_FS_ATTR *attribute = tsk_fs_file_attr_get_idx(file, i);
		const bool content = attribute && (attribute->type == TSK_FS_ATTR_TYPE_NTFS_DATA ||
						   attribute->type == TSK_FS_ATTR_TYPE_NTFS_IDXALLOC);

		if (content && attribute->name &&
		    text_equal_folded(text_of(attribute->name), text_of(name)))
			return attribute;
	}
	return NULL;
}

static enum status stream_over_attribute(struct filesystem *filesystem, TSK_FS_FILE *file,
					 const TSK_FS_ATTR *attribute, struct stream **ret,
					 struct failure *why)
{
	struct file_stream *self = calloc(1, sizeof(*self));

	if (!self)
		return failure_set(why, ERR_NO_MEMORY, "content");
	self->stream = (struct stream){ &file_ops, (uint64_t)attribute->size };
	self->filesystem = filesystem;
	self->file = file;
	self->attribute = attribute;
	*ret = &self->stream;
	return STATUS_OK;
}

bool filesystem_attribute_id(struct filesystem *filesystem, uint64_t entry, const char *name,
			     char ret[ATTRIBUTE_ID_SIZE])
{
	CLEANUP(close_file) TSK_FS_FILE *file =
		tsk_fs_file_open_meta(filesystem->info, NULL, entry);
	const TSK_FS_ATTR *attribute = file && file->meta ? choose_attribute(file, name) : NULL;

	if (attribute)
		(void)snprintf(ret, ATTRIBUTE_ID_SIZE, "%d-%u", (int)attribute->type, attribute->id);
	return attribute != NULL;
}

enum status filesystem_open_entry(struct filesystem *filesystem, uint64_t entry,
				  const char *attribute_name, struct stream **ret,
				  struct failure *why)
{
	CLEANUP(close_file) TSK_FS_FILE *file = NULL;

	tsk_error_reset();
	file = tsk_fs_file_open_meta(filesystem->info, NULL, entry);
	if (!file || !file->meta)
		return failure_from_tsk(filesystem->image, why, "entry %" PRIu64, entry);
	tsk_error_reset();

	const TSK_FS_ATTR *attribute = choose_attribute(file, attribute_name);

	if (!attribute && filesystem->image->last.status < 0)
		return failure_from_tsk(filesystem->image, why, "attributes of entry %" PRIu64,
					entry);
	if (!attribute && !attribute_name && file->meta->size == 0)
		return stream_over_memory((struct span){ NULL, 0 }, ret, why);
	if (!attribute)
		return STATUS_END;
	if (attribute->size < 0)
		return failure_set(why, ERR_FORMAT, "entry %" PRIu64 " of negative size", entry);
	if ((attribute->flags & TSK_FS_ATTR_ENC) != 0)
		return failure_set(why, ERR_ENCRYPTED, "entry %" PRIu64 " is encrypted (EFS)",
				   entry);

	const enum status status = stream_over_attribute(filesystem, file, attribute, ret, why);

	if (status >= 0)
		file = NULL; /* the stream's now */
	return status;
}

enum status filesystem_open_path(struct filesystem *filesystem, struct arena *arena,
				 const char *path, struct stream **ret, struct failure *why)
{
	struct file_entry entry;
	enum status status = filesystem_find(filesystem, arena, path, &entry, why);
	const char *colon = strrchr(path, ':');

	if (status == STATUS_OK)
		return filesystem_open_entry(filesystem, entry.entry, NULL, ret, why);
	if (status < 0 || !colon)
		return status;

	/* No file of that name: the part behind the colon may name a stream. */
	const char *file_path = arena_text(arena, (struct text){ path, (size_t)(colon - path) });

	if (!file_path)
		return failure_set(why, ERR_LIMIT, "path");
	status = filesystem_find(filesystem, arena, file_path, &entry, why);
	if (status != STATUS_OK)
		return status;
	return filesystem_open_entry(filesystem, entry.entry, colon + 1, ret, why);
}
