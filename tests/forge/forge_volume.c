/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays a list of file-system operations on an NTFS volume, each at its own simulated time, so that times,
 * index entries, deleted records and the change journal stand as a Windows machine would have left them.
 *
 *   forge_volume VOLUME OPERATIONS BLOB
 *
 * VOLUME is a plain file made by mkntfs. OPERATIONS holds one operation a line, fields separated by tabs, the first
 * field always the time in ticks of 100 ns since 1601 UTC. Paths use '/' and are UTF-8. Contents come from BLOB.
 *
 *   T mkdir PATH                      T write PATH OFFSET LENGTH      T append PATH OFFSET LENGTH
 *   T rename FROM TO                  T unlink PATH                   T rmtree PATH
 *   T times PATH CREATED MODIFIED CHANGED ACCESSED ('-' keeps)        T flags PATH HEX
 *   T stream PATH NAME OFFSET LENGTH  T journal FIRST_USN             T trim FIRST_KEPT_USN_BYTES
 *   T snapshot HOST_FILE (a copy of the volume as it stands)         T where PATH HOST_FILE (its runs, in bytes)
 *
 * libntfs-3g does the allocation and the trees. Deleting is done here: Windows leaves the name and the runs in a
 * freed record (libntfs removes the name), so only the index entry, the bitmaps and the in-use mark go.
 * Change journal records: Microsoft, USN_RECORD_V2 (winioctl.h).
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wcast-align"
#pragma GCC diagnostic ignored "-Wundef"
#include <ntfs-3g/types.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/device.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/index.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/lcnalloc.h>
#include <ntfs-3g/logging.h>
#include <ntfs-3g/mft.h>
#include <ntfs-3g/ntfstime.h>
#include <ntfs-3g/runlist.h>
#include <ntfs-3g/unistr.h>
#include <ntfs-3g/volume.h>
#pragma GCC diagnostic pop

enum {
	FIELDS_MAX = 8,
	LINE_MAX_BYTES = 8192,
	PATH_BYTES = 4096,
	JOURNAL_PAGE = 4096,
	SECURITY_ID = 0x100,          /* the first descriptor mkntfs puts into $Secure */
	USN_HEADER = 60,
	USN_DATA_EXTEND = 0x2,
	USN_FILE_CREATE = 0x100,
	USN_FILE_DELETE = 0x200,
	USN_RENAME_OLD = 0x1000,
	USN_RENAME_NEW = 0x2000,
	USN_BASIC_INFO = 0x8000,
};

#define USN_CLOSE UINT32_C(0x80000000)
#define EPOCH_TICKS INT64_C(116444736000000000)
#define TICKS_PER_SECOND INT64_C(10000000)

struct journal {
	bool on;
	int64_t created;
	uint64_t first;               /* USN of the buffer's first byte */
	uint64_t keep;                /* bytes kept at the end; 0: all */
	unsigned char *bytes;
	size_t length;
	size_t capacity;
};

struct forge {
	ntfs_volume *volume;
	FILE *blob;
	unsigned line;
	char directory_path[PATH_BYTES];
	ntfs_inode *directory;        /* the directory last worked in, kept open */
	struct journal journal;
};

static int64_t simulated_ticks;

/* The library's clock: found before the C library's own. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now)
{
	int64_t since = simulated_ticks - EPOCH_TICKS;

	(void)clock;
	now->tv_sec = (time_t)(since / TICKS_PER_SECOND);
	now->tv_nsec = (long)(since % TICKS_PER_SECOND) * 100;
	return 0;
}

__attribute__((noreturn, format(printf, 2, 3)))
static void die(const struct forge *forge, const char *format, ...)
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

static void put16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)(value & 0xff);
	at[1] = (unsigned char)(value >> 8 & 0xff);
}

static void put32(unsigned char *at, uint32_t value)
{
	put16(at, value & 0xffff);
	put16(at + 2, value >> 16);
}

static void put64(unsigned char *at, uint64_t value)
{
	put32(at, (uint32_t)value);
	put32(at + 4, (uint32_t)(value >> 32));
}

static uint64_t reference_of(const ntfs_inode *inode)
{
	return MK_MREF(inode->mft_no, le16_to_cpu(inode->mrec->sequence_number));
}

static void leave_directory(struct forge *forge)
{
	if (forge->directory != NULL && ntfs_inode_close(forge->directory) != 0)
		die(forge, "cannot close %s", forge->directory_path);
	forge->directory = NULL;
	forge->directory_path[0] = '\0';
}

static ntfschar *unicode(const struct forge *forge, const char *name, int *length)
{
	ntfschar *wide = NULL;

	*length = ntfs_mbstoucs(name, &wide);
	if (*length <= 0)
		die(forge, "bad name '%s'", name);
	return wide;
}

static ntfs_inode *open_child(struct forge *forge, ntfs_inode *parent, const char *name)
{
	int length;
	ntfschar *wide = unicode(forge, name, &length);
	uint64_t reference = ntfs_inode_lookup_by_name(parent, wide, length);

	free(wide);
	if (reference == (uint64_t)-1)
		return NULL;
	return ntfs_inode_open(forge->volume, reference);
}

/* The directory of a path, open; *name points to the last part of the path. */
static ntfs_inode *enter_parent(struct forge *forge, const char *path, const char **name)
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
	for (char *part = strtok_r(copy, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest)) {
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

/* --- the change journal --- */

static unsigned char *journal_room(struct forge *forge, size_t need)
{
	struct journal *journal = &forge->journal;
	size_t in_page = (size_t)((journal->first + journal->length) % JOURNAL_PAGE);
	size_t pad = in_page + need > JOURNAL_PAGE ? JOURNAL_PAGE - in_page : 0;

	if (journal->length + pad + need > journal->capacity) {
		journal->capacity = (journal->capacity + pad + need) * 2;
		journal->bytes = realloc(journal->bytes, journal->capacity);
		if (journal->bytes == NULL)
			die(forge, "no memory for the journal");
	}
	memset(journal->bytes + journal->length, 0, pad + need);
	journal->length += pad;
	return journal->bytes + journal->length;
}

/* FILE_ATTRIBUTE_DIRECTORY stands in the journal, though $STANDARD_INFORMATION does not keep it. */
static uint32_t attributes_of(const ntfs_inode *inode)
{
	const uint32_t kept = le32_to_cpu(inode->flags) & 0xffff;

	if (inode->mrec->flags & MFT_RECORD_IS_DIRECTORY)
		return (kept & ~0x20u) | 0x10;
	return kept ? kept : 0x20;
}

static void journal_one(struct forge *forge, ntfs_inode *inode, uint64_t parent, const char *name, uint32_t reason)
{
	struct journal *journal = &forge->journal;
	unsigned char *at;
	ntfschar *wide;
	size_t need;
	int length;

	if (!journal->on)
		return;
	wide = unicode(forge, name, &length);
	need = (USN_HEADER + (size_t)length * 2 + 7) & ~(size_t)7;
	at = journal_room(forge, need);
	put32(at, (uint32_t)need);
	put16(at + 4, 2);
	put64(at + 8, reference_of(inode));
	put64(at + 16, parent);
	put64(at + 24, journal->first + journal->length);
	put64(at + 32, (uint64_t)simulated_ticks);
	put32(at + 40, reason);
	put32(at + 48, SECURITY_ID);
	put32(at + 52, attributes_of(inode));
	put16(at + 56, (unsigned)length * 2);
	put16(at + 58, USN_HEADER);
	memcpy(at + USN_HEADER, wide, (size_t)length * 2);
	free(wide);
	inode->usn = cpu_to_le64(journal->first + journal->length);
	journal->length += need;
}

static void journal_steps(struct forge *forge, ntfs_inode *inode, uint64_t parent, const char *name, uint32_t first,
			  uint32_t second)
{
	journal_one(forge, inode, parent, name, first);
	if (second != 0)
		journal_one(forge, inode, parent, name, first | second);
	journal_one(forge, inode, parent, name, first | second | USN_CLOSE);
}

static void set_stream(struct forge *forge, ntfs_inode *inode, const char *name, const void *bytes, int64_t length)
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

static ntfs_inode *open_journal_file(struct forge *forge)
{
	ntfs_inode *extend;
	ntfs_inode *inode;

	leave_directory(forge);
	extend = ntfs_inode_open(forge->volume, FILE_Extend);
	inode = extend == NULL ? NULL : open_child(forge, extend, "$UsnJrnl");
	if (inode == NULL)
		die(forge, "no $UsnJrnl");
	ntfs_inode_close(extend);
	return inode;
}

static void journal_start(struct forge *forge, uint64_t first)
{
	int length;
	ntfschar *wide = unicode(forge, "$UsnJrnl", &length);
	ntfs_inode *extend;
	ntfs_inode *inode;

	leave_directory(forge);
	extend = ntfs_inode_open(forge->volume, FILE_Extend);
	inode = extend == NULL ? NULL : ntfs_create(extend, const_cpu_to_le32(SECURITY_ID), wide, (u8)length, S_IFREG);
	if (inode == NULL)
		die(forge, "cannot create $UsnJrnl");
	inode->flags |= const_cpu_to_le32(0x6 | 0x200);   /* hidden, system, sparse */
	ntfs_inode_close_in_dir(inode, extend);
	ntfs_inode_close(extend);
	free(wide);
	forge->journal.on = true;
	forge->journal.created = simulated_ticks;
	forge->journal.first = first;
}

static void journal_finish(struct forge *forge)
{
	struct journal *journal = &forge->journal;
	uint64_t end = journal->first + journal->length;
	uint64_t lowest = journal->first;
	unsigned char max[32] = {0};
	ntfschar wide[2] = {const_cpu_to_le16('$'), const_cpu_to_le16('J')};
	ntfs_inode *inode;
	ntfs_attr *data;
	size_t skip;

	if (!journal->on)
		return;
	if (journal->keep != 0 && end - lowest > journal->keep)
		lowest = (end - journal->keep) & ~(uint64_t)(JOURNAL_PAGE - 1);
	skip = (size_t)(lowest - journal->first);
	inode = open_journal_file(forge);
	put64(max, 0x2000000);
	put64(max + 8, 0x400000);
	put64(max + 16, (uint64_t)journal->created);
	put64(max + 24, lowest);
	set_stream(forge, inode, "$Max", max, sizeof(max));
	if (ntfs_attr_add(inode, AT_DATA, wide, 2, NULL, 0) != 0)
		die(forge, "cannot add $J");
	data = ntfs_attr_open(inode, AT_DATA, wide, 2);
	if (data == NULL || ntfs_attr_truncate(data, (s64)end) != 0)
		die(forge, "cannot size $J");
	if (ntfs_attr_pwrite(data, (s64)lowest, (s64)(end - lowest), journal->bytes + skip) != (s64)(end - lowest))
		die(forge, "cannot write $J");
	ntfs_attr_close(data);
	if (ntfs_attr_remove(inode, AT_DATA, AT_UNNAMED, 0) != 0)     /* Windows gives it no unnamed stream */
		die(forge, "cannot remove the unnamed stream of $UsnJrnl");
	ntfs_inode_close(inode);
}

/* --- operations --- */

static unsigned char *from_blob(struct forge *forge, const char *offset, const char *length, int64_t *ret_length)
{
	unsigned char *bytes;

	*ret_length = strtoll(length, NULL, 10);
	bytes = malloc((size_t)*ret_length + 1);
	if (bytes == NULL || fseeko(forge->blob, (off_t)strtoll(offset, NULL, 10), SEEK_SET) != 0 ||
	    fread(bytes, 1, (size_t)*ret_length, forge->blob) != (size_t)*ret_length)
		die(forge, "cannot read the blob");
	return bytes;
}

static ntfs_inode *create(struct forge *forge, ntfs_inode *parent, const char *name, mode_t type)
{
	int length;
	ntfschar *wide = unicode(forge, name, &length);
	ntfs_inode *inode = ntfs_create(parent, const_cpu_to_le32(SECURITY_ID), wide, (u8)length, type);

	if (inode == NULL)
		die(forge, "cannot create '%s'", name);
	if (type == S_IFREG)
		inode->flags |= FILE_ATTR_ARCHIVE;
	ntfs_inode_update_times(parent, NTFS_UPDATE_MCTIME);
	free(wide);
	return inode;
}

static void op_mkdir(struct forge *forge, char **field)
{
	const char *name;
	ntfs_inode *parent = enter_parent(forge, field[0], &name);
	ntfs_inode *inode = create(forge, parent, name, S_IFDIR);

	journal_steps(forge, inode, reference_of(parent), name, USN_FILE_CREATE, 0);
	ntfs_inode_close_in_dir(inode, parent);
}

static void op_write(struct forge *forge, char **field)
{
	const char *name;
	ntfs_inode *parent = enter_parent(forge, field[0], &name);
	ntfs_inode *inode = open_child(forge, parent, name);
	bool fresh = inode == NULL;
	int64_t length;
	unsigned char *bytes = from_blob(forge, field[1], field[2], &length);

	if (fresh)
		inode = create(forge, parent, name, S_IFREG);
	set_stream(forge, inode, "", bytes, length);
	free(bytes);
	ntfs_inode_update_times(inode, NTFS_UPDATE_MCTIME);
	if (fresh)
		journal_steps(forge, inode, reference_of(parent), name, USN_FILE_CREATE, USN_DATA_EXTEND);
	else
		journal_steps(forge, inode, reference_of(parent), name, 1, 0);
	ntfs_inode_close_in_dir(inode, parent);
}

static void op_append(struct forge *forge, char **field)
{
	const char *name;
	ntfs_inode *parent = enter_parent(forge, field[0], &name);
	ntfs_inode *inode = open_child(forge, parent, name);
	ntfs_attr *data = inode == NULL ? NULL : ntfs_attr_open(inode, AT_DATA, AT_UNNAMED, 0);
	int64_t length;
	unsigned char *bytes = from_blob(forge, field[1], field[2], &length);

	if (data == NULL || ntfs_attr_pwrite(data, data->data_size, length, bytes) != length)
		die(forge, "cannot append to '%s'", field[0]);
	ntfs_attr_close(data);
	free(bytes);
	ntfs_inode_update_times(inode, NTFS_UPDATE_MCTIME);
	journal_steps(forge, inode, reference_of(parent), name, USN_DATA_EXTEND, 0);
	ntfs_inode_close_in_dir(inode, parent);
}

static void op_stream(struct forge *forge, char **field)
{
	const char *name;
	ntfs_inode *parent = enter_parent(forge, field[0], &name);
	ntfs_inode *inode = open_child(forge, parent, name);
	int64_t length;
	unsigned char *bytes = from_blob(forge, field[2], field[3], &length);

	if (inode == NULL)
		die(forge, "no file '%s'", field[0]);
	set_stream(forge, inode, field[1], bytes, length);
	free(bytes);
	ntfs_inode_close_in_dir(inode, parent);
}

static void set_time(ntfs_time *at, const char *text)
{
	if (text[0] != '-')
		*at = cpu_to_sle64(strtoll(text, NULL, 10));
}

static void op_times(struct forge *forge, char **field)
{
	const char *name;
	ntfs_inode *parent = enter_parent(forge, field[0], &name);
	ntfs_inode *inode = open_child(forge, parent, name);

	if (inode == NULL)
		die(forge, "no file '%s'", field[0]);
	set_time(&inode->creation_time, field[1]);
	set_time(&inode->last_data_change_time, field[2]);
	set_time(&inode->last_mft_change_time, field[3]);
	set_time(&inode->last_access_time, field[4]);
	journal_steps(forge, inode, reference_of(parent), name, USN_BASIC_INFO, 0);
	NInoFileNameSetDirty(inode);
	NInoSetDirty(inode);
	ntfs_inode_close_in_dir(inode, parent);
}

static void op_flags(struct forge *forge, char **field)
{
	const char *name;
	ntfs_inode *parent = enter_parent(forge, field[0], &name);
	ntfs_inode *inode = open_child(forge, parent, name);

	if (inode == NULL)
		die(forge, "no file '%s'", field[0]);
	inode->flags |= cpu_to_le32((u32)strtoul(field[1], NULL, 16));
	NInoFileNameSetDirty(inode);
	NInoSetDirty(inode);
	ntfs_inode_close_in_dir(inode, parent);
}

/* Takes the index entry of the inode's name out of its directory; the rest of the page stays as slack. */
static void remove_index_entry(struct forge *forge, ntfs_inode *parent, ntfs_inode *inode)
{
	ntfs_attr_search_ctx *search = ntfs_attr_get_search_ctx(inode, NULL);
	const FILE_NAME_ATTR *name;
	ntfs_index_context *index;

	if (search == NULL || ntfs_attr_lookup(AT_FILE_NAME, AT_UNNAMED, 0, CASE_SENSITIVE, 0, NULL, 0, search) != 0)
		die(forge, "record without a name");
	name = (const FILE_NAME_ATTR *)((const u8 *)search->attr + le16_to_cpu(search->attr->value_offset));
	index = ntfs_index_ctx_get(parent, NTFS_INDEX_I30, 4);
	if (index == NULL || ntfs_index_lookup(name, (int)le32_to_cpu(search->attr->value_length), index) != 0)
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

static void delete_inode(struct forge *forge, ntfs_inode *parent, ntfs_inode *inode, const char *name)
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

static void op_unlink(struct forge *forge, char **field)
{
	const char *name;
	ntfs_inode *parent = enter_parent(forge, field[0], &name);
	ntfs_inode *inode = open_child(forge, parent, name);

	if (inode == NULL)
		die(forge, "no file '%s'", field[0]);
	delete_inode(forge, parent, inode, name);
}

struct names {
	char **name;
	size_t count;
};

static int collect_name(void *opaque, const ntfschar *wide, const int length, const int space, const s64 position,
			const MFT_REF reference, const unsigned type)
{
	struct names *names = opaque;
	char *name = NULL;

	(void)position;
	(void)reference;
	(void)type;
	if (space == FILE_NAME_DOS || ntfs_ucstombs(wide, length, &name, 0) < 0)
		return 0;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		free(name);
		return 0;
	}
	names->name = realloc(names->name, (names->count + 1) * sizeof(*names->name));
	names->name[names->count++] = name;
	return 0;
}

static void remove_tree(struct forge *forge, const char *path)
{
	const char *name;
	char child[PATH_BYTES];
	struct names names = {NULL, 0};
	s64 position = 0;
	ntfs_inode *parent = enter_parent(forge, path, &name);
	ntfs_inode *inode = open_child(forge, parent, name);

	if (inode == NULL)
		die(forge, "no '%s'", path);
	if (inode->mrec->flags & MFT_RECORD_IS_DIRECTORY) {
		ntfs_readdir(inode, &position, &names, collect_name);
		ntfs_inode_close_in_dir(inode, parent);
		for (size_t i = 0; i < names.count; i++) {
			snprintf(child, sizeof(child), "%s/%s", path, names.name[i]);
			remove_tree(forge, child);
			free(names.name[i]);
		}
		free(names.name);
		parent = enter_parent(forge, path, &name);
		inode = open_child(forge, parent, name);
	}
	delete_inode(forge, parent, inode, name);
}

static void op_rmtree(struct forge *forge, char **field)
{
	remove_tree(forge, field[0]);
}

static void op_rename(struct forge *forge, char **field)
{
	const char *old_name;
	const char *new_name;
	int length;
	ntfschar *wide;
	ntfs_inode *parent = enter_parent(forge, field[0], &old_name);
	ntfs_inode *inode = open_child(forge, parent, old_name);
	uint64_t reference = inode == NULL ? 0 : reference_of(inode);

	if (inode == NULL)
		die(forge, "no file '%s'", field[0]);
	journal_one(forge, inode, reference_of(parent), old_name, USN_RENAME_OLD);
	ntfs_inode_close_in_dir(inode, parent);
	parent = enter_parent(forge, field[1], &new_name);
	inode = ntfs_inode_open(forge->volume, reference);
	wide = unicode(forge, new_name, &length);
	if (inode == NULL || ntfs_link(inode, parent, wide, (u8)length) != 0)
		die(forge, "cannot link '%s'", field[1]);
	journal_one(forge, inode, reference_of(parent), new_name, USN_RENAME_NEW);
	journal_one(forge, inode, reference_of(parent), new_name, USN_RENAME_NEW | USN_CLOSE);
	ntfs_inode_update_times(parent, NTFS_UPDATE_MCTIME);
	ntfs_inode_close_in_dir(inode, parent);
	free(wide);
	parent = enter_parent(forge, field[0], &old_name);
	inode = ntfs_inode_open(forge->volume, reference);
	wide = unicode(forge, old_name, &length);
	ntfs_inode_update_times(parent, NTFS_UPDATE_MCTIME);
	forge->directory = NULL;
	if (inode == NULL || ntfs_delete(forge->volume, NULL, inode, parent, wide, (u8)length) != 0)
		die(forge, "cannot unlink '%s'", field[0]);
	free(wide);
	forge->directory_path[0] = '\0';
}

static void op_journal(struct forge *forge, char **field)
{
	journal_start(forge, strtoull(field[0], NULL, 10));
}

static void op_trim(struct forge *forge, char **field)
{
	forge->journal.keep = strtoull(field[0], NULL, 10);
}

static void copy_volume(struct forge *forge, const char *to)
{
	static unsigned char block[1 << 16];
	FILE *out = fopen(to, "we");
	s64 size = forge->volume->dev->d_ops->seek(forge->volume->dev, 0, SEEK_END);

	if (out == NULL)
		die(forge, "cannot write %s", to);
	for (s64 at = 0; at < size; at += (s64)sizeof(block)) {
		s64 got = forge->volume->dev->d_ops->pread(forge->volume->dev, block, (s64)sizeof(block), at);

		if (got <= 0)
			die(forge, "cannot read the volume");
		if (block[0] == 0 && memcmp(block, block + 1, (size_t)got - 1) == 0)
			fseeko(out, (off_t)got, SEEK_CUR);
		else if (fwrite(block, 1, (size_t)got, out) != (size_t)got)
			die(forge, "cannot write %s", to);
	}
	if (fflush(out) != 0 || ftruncate(fileno(out), (off_t)size) != 0 || fclose(out) != 0)
		die(forge, "cannot write %s", to);
}

static void op_snapshot(struct forge *forge, char **field)
{
	leave_directory(forge);
	ntfs_inode_sync(forge->volume->mft_ni);
	ntfs_inode_sync(forge->volume->lcnbmp_ni);
	forge->volume->dev->d_ops->sync(forge->volume->dev);
	copy_volume(forge, field[0]);
}

static void op_where(struct forge *forge, char **field)
{
	const char *name;
	ntfs_inode *parent = enter_parent(forge, field[0], &name);
	ntfs_inode *inode = open_child(forge, parent, name);
	ntfs_attr *data = inode == NULL ? NULL : ntfs_attr_open(inode, AT_DATA, AT_UNNAMED, 0);
	FILE *out = fopen(field[1], "we");

	if (data == NULL || out == NULL || ntfs_attr_map_whole_runlist(data) != 0)
		die(forge, "no runs of '%s'", field[0]);
	for (runlist_element *run = data->rl; run->length > 0; run++)
		fprintf(out, "%" PRId64 " %" PRId64 "\n", (int64_t)run->lcn * forge->volume->cluster_size,
			(int64_t)run->length * forge->volume->cluster_size);
	fclose(out);
	ntfs_attr_close(data);
	ntfs_inode_close_in_dir(inode, parent);
}

struct operation {
	const char *name;
	int fields;
	void (*run)(struct forge *forge, char **field);
};

static const struct operation operations[] = {
	{"mkdir", 1, op_mkdir},   {"write", 3, op_write},   {"append", 3, op_append}, {"rename", 2, op_rename},
	{"unlink", 1, op_unlink}, {"rmtree", 1, op_rmtree}, {"times", 5, op_times},   {"flags", 2, op_flags},
	{"stream", 4, op_stream}, {"journal", 1, op_journal}, {"trim", 1, op_trim},
	{"snapshot", 1, op_snapshot}, {"where", 2, op_where},
};

static void run_line(struct forge *forge, char *line)
{
	char *field[FIELDS_MAX];
	int count = 0;
	char *rest = NULL;

	line[strcspn(line, "\n")] = '\0';
	for (char *part = strtok_r(line, "\t", &rest); part != NULL && count < FIELDS_MAX; part = strtok_r(NULL, "\t", &rest))
		field[count++] = part;
	if (count < 2)
		return;
	simulated_ticks = strtoll(field[0], NULL, 10);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(operations[i].name, field[1]) != 0)
			continue;
		if (count - 2 != operations[i].fields)
			die(forge, "%s wants %d fields", field[1], operations[i].fields);
		operations[i].run(forge, field + 2);
		return;
	}
	die(forge, "unknown operation '%s'", field[1]);
}

int main(int argc, char **argv)
{
	static struct forge forge;
	static char line[LINE_MAX_BYTES];
	FILE *list;

	if (argc != 4) {
		fprintf(stderr, "usage: forge_volume VOLUME OPERATIONS BLOB\n");
		return 64;
	}
	ntfs_log_set_handler(ntfs_log_handler_stderr);
	ntfs_set_char_encoding("C.UTF-8");
	simulated_ticks = EPOCH_TICKS;
	list = fopen(argv[2], "re");
	forge.blob = fopen(argv[3], "re");
	if (list == NULL || forge.blob == NULL)
		die(&forge, "cannot open %s or %s", argv[2], argv[3]);
	forge.volume = ntfs_mount(argv[1], 0);
	if (forge.volume == NULL)
		die(&forge, "cannot open volume %s", argv[1]);
	while (fgets(line, sizeof(line), list) != NULL) {
		forge.line++;
		run_line(&forge, line);
	}
	journal_finish(&forge);
	leave_directory(&forge);
	if (ntfs_umount(forge.volume, FALSE) != 0)
		die(&forge, "cannot close the volume");
	fclose(list);
	fclose(forge.blob);
	free(forge.journal.bytes);
	return 0;
}
