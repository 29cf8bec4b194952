/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of the volume: found, made, deleted. Deleting is done here: Windows leaves the name and
 * the runs in a freed record (libntfs removes the name), so only the index entry, the bitmaps and
 * the in-use mark go.
 */
#include "forge_volume.h"

#include <inttypes.h>

void die(const struct forge *forge, const char *format, ...)
{
	int error = errno;
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "forge_volume: line %u: ", forge->line);
	vfprintf(stderr, format, arguments);
	fprintf(stderr, ": %s\n", strerror(error));
	va_end(arguments);
	exit(1);
}

uint64_t reference_of(const ntfs_inode *inode)
{
	return MK_MREF(inode->mft_no, le16_to_cpu(inode->mrec->sequence_number));
}

void leave_directory(struct forge *forge)
{
	if (forge->directory != NULL && ntfs_inode_close(forge->directory) != 0)
		die(forge, "cannot close %s", forge->directory_path);
	forge->directory = NULL;
	forge->directory_path[0] = '\0';
}

ntfschar *unicode(const struct forge *forge, const char *name, int *length)
{
	ntfschar *wide = NULL;

	*length = ntfs_mbstoucs(name, &wide);
	if (*length <= 0)
		die(forge, "bad name '%s'", name);
	return wide;
}

ntfs_inode *open_child(struct forge *forge, ntfs_inode *parent, const char *name)
{
	int length;
	ntfschar *wide = unicode(forge, name, &length);
	uint64_t reference = ntfs_inode_lookup_by_name(parent, wide, length);

	free(wide);
	if (reference == (uint64_t)-1)
		return NULL;
	return ntfs_inode_open(forge->volume, reference);
}

ntfs_inode *enter_parent(struct forge *forge, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash == NULL ? 0 : (size_t)(slash - path);
	char *copy;
	char *rest = NULL;
	ntfs_inode *at;

	*name = slash == NULL ? path : slash + 1;
	if (forge->directory != NULL && strlen(forge->directory_path) == length &&
	    memcmp(forge->directory_path, path, length) == 0)
		return forge->directory;
	leave_directory(forge);
	if (length >= PATH_BYTES)
		die(forge, "path too long");
	at = ntfs_inode_open(forge->volume, FILE_root);
	copy = strndup(path, length);
	for (char *part = strtok_r(copy, "/", &rest); part != NULL;
	     part = strtok_r(NULL, "/", &rest)) {
		ntfs_inode *next = at == NULL ? NULL : open_child(forge, at, part);

		if (next == NULL)
			die(forge, "no directory '%s' in '%s'", part, path);
		ntfs_inode_close(at);
		at = next;
	}
	free(copy);
	memcpy(forge->directory_path, path, length);
	forge->directory_path[length] = '\0';
	forge->directory = at;
	return at;
}

void set_stream(struct forge *forge, ntfs_inode *inode, const char *name, const void *bytes,
		int64_t length)
{
	int wide_length = 0;
	ntfschar *wide = name[0] == '\0' ? AT_UNNAMED : unicode(forge, name, &wide_length);
	ntfs_attr *data;

	if (wide_length > 0 && ntfs_attr_add(inode, AT_DATA, wide, (u8)wide_length, NULL, 0) != 0)
		die(forge, "cannot add stream %s", name);
	data = ntfs_attr_open(inode, AT_DATA, wide, (u32)wide_length);
	if (data == NULL)
		die(forge, "cannot open stream '%s'", name);
	if (ntfs_attr_truncate(data, length) != 0)
		die(forge, "cannot set the length of '%s' to %" PRId64, name, length);
	if (length > 0 && bytes != NULL && ntfs_attr_pwrite(data, 0, length, bytes) != length)
		die(forge, "cannot write stream '%s'", name);
	ntfs_attr_close(data);
	if (wide_length > 0)
		free(wide);
}

ntfs_inode *create(struct forge *forge, ntfs_inode *parent, const char *name, mode_t type)
{
	int length;
	ntfschar *wide = unicode(forge, name, &length);
	ntfs_inode *inode =
		ntfs_create(parent, const_cpu_to_le32(SECURITY_ID), wide, (u8)length, type);

	if (inode == NULL)
		die(forge, "cannot create '%s'", name);
	if (type == S_IFREG)
		inode->flags |= FILE_ATTR_ARCHIVE;
	ntfs_inode_update_times(parent, NTFS_UPDATE_MCTIME);
	free(wide);
	return inode;
}

/* Takes the index entry of the inode's name out of its directory; the rest of the page stays as
 * slack. */
static void remove_index_entry(struct forge *forge, ntfs_inode *parent, ntfs_inode *inode)
{
	ntfs_attr_search_ctx *search = ntfs_attr_get_search_ctx(inode, NULL);
	const FILE_NAME_ATTR *name;
	ntfs_index_context *index;

	if (search == NULL ||
	    ntfs_attr_lookup(AT_FILE_NAME, AT_UNNAMED, 0, CASE_SENSITIVE, 0, NULL, 0, search) != 0)
		die(forge, "record without a name");
	name = (const FILE_NAME_ATTR *)((const u8 *)search->attr +
					le16_to_cpu(search->attr->value_offset));
	index = ntfs_index_ctx_get(parent, NTFS_INDEX_I30, 4);
	if (index == NULL ||
	    ntfs_index_lookup(name, (int)le32_to_cpu(search->attr->value_length), index) != 0)
		die(forge, "no index entry");
	if (ntfs_index_rm(index) != 0)
		die(forge, "cannot remove an index entry");
	ntfs_inode_mark_dirty(parent);
	ntfs_index_ctx_put(index);
	ntfs_attr_put_search_ctx(search);
}

static void free_clusters(struct forge *forge, ntfs_inode *inode)
{
	ntfs_attr_search_ctx *search = ntfs_attr_get_search_ctx(inode, NULL);

	while (search != NULL && ntfs_attrs_walk(search) == 0) {
		runlist_element *runs;

		if (!search->attr->non_resident)
			continue;
		runs = ntfs_mapping_pairs_decompress(forge->volume, search->attr, NULL);
		if (runs == NULL || ntfs_cluster_free_from_rl(forge->volume, runs) != 0)
			die(forge, "cannot free clusters");
		free(runs);
	}
	ntfs_attr_put_search_ctx(search);
}

void delete_inode(struct forge *forge, ntfs_inode *parent, ntfs_inode *inode, const char *name)
{
	uint64_t reference = reference_of(inode);

	journal_steps(forge, inode, reference_of(parent), name, USN_FILE_DELETE, 0);
	remove_index_entry(forge, parent, inode);
	free_clusters(forge, inode);
	ntfs_inode_sync(inode);
	if (ntfs_inode_attach_all_extents(inode) != 0)
		die(forge, "cannot attach extents");
	while (inode->nr_extents > 0)
		if (ntfs_mft_record_free(forge->volume, inode->extent_nis[0]) != 0)
			die(forge, "cannot free an extent record");
	if (ntfs_mft_record_free(forge->volume, inode) != 0)
		die(forge, "cannot free the record of '%s'", name);
	ntfs_inode_invalidate(forge->volume, reference);
	ntfs_inode_update_times(parent, NTFS_UPDATE_MCTIME);
}

void leave_free(struct forge *forge, const void *bytes, size_t length)
{
	struct leftover *left = &forge->leftover;
	const size_t cluster = forge->volume->cluster_size;
	const size_t whole = (length + cluster - 1) / cluster * cluster;

	if (whole == 0)
		return;
	left->bytes = realloc(left->bytes, left->length + whole);
	if (left->bytes == NULL)
		die(forge, "no memory for what is left over");
	memcpy(left->bytes + left->length, bytes, length);
	memset(left->bytes + left->length + length, 0, whole - length);
	left->length += whole;
}

void write_leftover(struct forge *forge)
{
	ntfs_volume *volume = forge->volume;
	const s64 length = (s64)forge->leftover.length;
	runlist *runs;

	if (length == 0)
		return;
	runs = ntfs_cluster_alloc(volume, 0, length / volume->cluster_size, -1, DATA_ZONE);
	if (runs == NULL ||
	    ntfs_rl_pwrite(volume, runs, 0, 0, length, forge->leftover.bytes) != length)
		die(forge, "cannot write what is left over");
	if (ntfs_cluster_free_from_rl(volume, runs) != 0)
		die(forge, "cannot free what is left over");
	free(runs);
	free(forge->leftover.bytes);
}
