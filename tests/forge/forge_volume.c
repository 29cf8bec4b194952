/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays a list of file-system operations on an NTFS volume, each at its own simulated time, so that
 * times, index entries, deleted records and the change journal stand as a Windows machine would
 * have left them.
 *
 *   forge_volume VOLUME OPERATIONS BLOB
 *
 * VOLUME is a plain file made by mkntfs. OPERATIONS holds one operation a line, fields separated by
 * tabs, the first field always the time in ticks of 100 ns since 1601 UTC. Paths use '/' and are
 * UTF-8. Contents come from BLOB.
 *
 *   T mkdir PATH                      T write PATH OFFSET LENGTH      T append PATH OFFSET LENGTH
 *   T rename FROM TO                  T unlink PATH                   T rmtree PATH
 *   T times PATH CREATED MODIFIED CHANGED ACCESSED ('-' keeps)        T flags PATH HEX
 *   T stream PATH NAME OFFSET LENGTH  T journal FIRST_USN             T trim FIRST_KEPT_USN_BYTES
 *   T snapshot HOST_FILE (a copy of the volume as it stands)         T where PATH HOST_FILE (its
 * runs, in bytes)
 *
 * libntfs-3g does the allocation and the trees; what it would do otherwise than Windows is in
 * forge_entry.c.
 */
#include "forge_volume.h"

#include <inttypes.h>

enum { FIELDS_MAX = 8, LINE_MAX_BYTES = 8192 };

#define EPOCH_TICKS INT64_C(116444736000000000)
#define TICKS_PER_SECOND INT64_C(10000000)

int64_t simulated_ticks;

/* The library's clock: found before the C library's own. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now)
{
	int64_t since = simulated_ticks - EPOCH_TICKS;

	(void)clock;
	now->tv_sec = (time_t)(since / TICKS_PER_SECOND);
	now->tv_nsec = (long)(since % TICKS_PER_SECOND) * 100;
	return 0;
}

static unsigned char *from_blob(struct forge *forge, const char *offset, const char *length,
				int64_t *ret_length)
{
	unsigned char *bytes;

	*ret_length = strtoll(length, NULL, 10);
	bytes = malloc((size_t)*ret_length + 1);
	if (bytes == NULL || fseeko(forge->blob, (off_t)strtoll(offset, NULL, 10), SEEK_SET) != 0 ||
	    fread(bytes, 1, (size_t)*ret_length, forge->blob) != (size_t)*ret_length)
		die(forge, "cannot read the blob");
	return bytes;
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
		journal_steps(forge, inode, reference_of(parent), name, USN_FILE_CREATE,
			      USN_DATA_EXTEND);
	else
		journal_steps(forge, inode, reference_of(parent), name, 1, 0);
	ntfs_inode_close_in_dir(inode, parent);
}

static void op_leave(struct forge *forge, char **field)
{
	int64_t length;
	unsigned char *bytes = from_blob(forge, field[0], field[1], &length);

	leave_free(forge, bytes, (size_t)length);
	free(bytes);
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

static int collect_name(void *opaque, const ntfschar *wide, const int length, const int space,
			const s64 position, const MFT_REF reference, const unsigned type)
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
		s64 got = forge->volume->dev->d_ops->pread(forge->volume->dev, block,
							   (s64)sizeof(block), at);

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
		fprintf(out, "%" PRId64 " %" PRId64 "\n",
			(int64_t)run->lcn * forge->volume->cluster_size,
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
	{ "mkdir", 1, op_mkdir },     { "write", 3, op_write },   { "append", 3, op_append },
	{ "rename", 2, op_rename },   { "unlink", 1, op_unlink }, { "rmtree", 1, op_rmtree },
	{ "times", 5, op_times },     { "flags", 2, op_flags },   { "stream", 4, op_stream },
	{ "journal", 1, op_journal }, { "trim", 1, op_trim },     { "snapshot", 1, op_snapshot },
	{ "where", 2, op_where },     { "leave", 2, op_leave },
};

static void run_line(struct forge *forge, char *line)
{
	char *field[FIELDS_MAX];
	int count = 0;
	char *rest = NULL;

	line[strcspn(line, "\n")] = '\0';
	for (char *part = strtok_r(line, "\t", &rest); part != NULL && count < FIELDS_MAX;
	     part = strtok_r(NULL, "\t", &rest))
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
	write_leftover(&forge);
	leave_directory(&forge);
	if (ntfs_umount(forge.volume, FALSE) != 0)
		die(&forge, "cannot close the volume");
	fclose(list);
	fclose(forge.blob);
	free(forge.journal.bytes);
	return 0;
}
