/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_FILESYSTEM_NTFS_INDEX_H
#define AVOUCH_PARSERS_FILESYSTEM_NTFS_INDEX_H

#include "parsers/filesystem/ntfs/mft.h"

/*
 * Names that are left in the index of a folder ($I30) after the file was deleted or moved: behind
 * the used part of index records and in records no longer used. Index entries carry copies of
 * the file's $STANDARD_INFORMATION times. Layout: libfsntfs, "The directory entries index";
 * Linux-NTFS documentation, concepts/index_record. Their trace type: parsers/filesystem/file.h.
 *
 * The records of $LogFile hold such entries too, as they were added, changed and deleted. They are
 * taken as names left behind and no more: what an operation did, and whether its transaction was
 * committed, is not read from the log, which has no times of its own.
 */

extern const struct trace_type ntfs_index_entry_type; /* "ntfs.index-entry" */

/* One name found in an index. */
struct ntfs_index_name {
	uint64_t offset; /* of the $FILE_NAME content in the index */
	/* Reference of the file; 0 when its part of the entry was overwritten. */
	uint64_t reference;
	struct ntfs_file_name name;
};

typedef enum status ntfs_index_visitor(void *payload, const struct ntfs_index_name *found,
				       struct failure *why);

/*
 * Every long name in one index record (live, left behind, or in ruins) whose parent is the folder
 * of that reference; fixups are undone in place where they fit.
 */
MUST_USE enum status ntfs_index_scan(uint8_t *bytes, size_t size, uint64_t base, uint64_t folder,
				     ntfs_index_visitor *visitor, void *payload,
				     struct failure *why);

/* The same in one page of $LogFile ("RCRD"; Linux-NTFS documentation, files/logfile), any folder. */
MUST_USE enum status ntfs_log_scan(uint8_t *bytes, size_t size, uint64_t base,
				   ntfs_index_visitor *visitor, void *payload,
				   struct failure *why);

/* Folders whose indexes are read: declare with CLEANUP(ntfs_folders_clear). */
struct ntfs_folders {
	struct arena *arena;
	struct ntfs_folder *items;
	size_t count, room;
};
void ntfs_folders_clear(struct ntfs_folders *folders);

/*
 * Takes note of a folder that matters: a live one that is wanted, or a usual parent of programs.
 * Anything else is passed over. ERR_NO_MEMORY.
 */
MUST_USE enum status ntfs_folders_add(struct ntfs_folders *folders, const struct ntfs_found *found,
				      bool wanted, struct failure *why);

/*
 * Emits ntfs.index-entry for each wanted path that the index of one of the folders, or $LogFile,
 * still names though no live file of that entry has it.
 */
MUST_USE enum status ntfs_index_emit(struct parse_context *ctx, struct ntfs_table *table,
				     const struct ntfs_folders *folders, struct failure *why);

#endif
