/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_FILESYSTEM_NTFS_MFT_H
#define AVOUCH_PARSERS_FILESYSTEM_NTFS_MFT_H

#include "parsers/filesystem/ntfs/volume.h"
#include "parsers/parser.h"

/*
 * All names of an NTFS volume, live and deleted, from one sequential reading of $MFT. Paths are
 * from the root with '/'. A DOS name is dropped where a long name stands beside it. A file with
 * several hard links has several paths. Memory: about 50 bytes per entry and the names.
 *
 * A deleted file's record keeps its names; its sequence number was raised by one at deletion.
 * Sequences given out here are those of the file, as references to it carry them.
 */
struct ntfs_table;

enum ntfs_path_state {
	NTFS_PATH_WHOLE,
	NTFS_PATH_PARENT_REUSED, /* some folder above has become another file since */
	NTFS_PATH_ORPHAN,        /* some folder above is not there, or the folders form a ring */
};

/* "whole", "parent-reused", "orphan". */
const char *ntfs_path_state_name(enum ntfs_path_state state);

/*
 * Reads the table of the volume on stream (borrowed while the table lives); also takes a bare
 * $MFT. Records that cannot be read are reported by lost() of ctx. STATUS_DECLINED: no NTFS.
 */
MUST_USE enum status ntfs_table_read(struct parse_context *ctx, struct stream *stream,
				     struct ntfs_table **ret, struct failure *why);
void ntfs_table_free(struct ntfs_table *table);
DEFINE_CLEANUP(struct ntfs_table *, ntfs_table_free, ntfs_table_free_p)

/* The volume, for reading content (ntfs_open_file and so on); owned by the table. */
struct ntfs_volume *ntfs_table_volume(struct ntfs_table *table);

/* Records read, and how many of them could not be read. */
uint64_t ntfs_table_records(const struct ntfs_table *table);
uint64_t ntfs_table_lost(const struct ntfs_table *table);

/* One name of one file. */
struct ntfs_found {
	uint64_t entry;
	uint16_t sequence; /* of the file: for a deleted one, the record's less one */
	bool in_use, folder;
	uint64_t parent;        /* reference as found */
	uint64_t name_entry;    /* entry of the record in which the name stands */
	struct text name, path; /* borrowed until the next call on the table */
	enum ntfs_path_state state; /* not whole: path starts with "/$OrphanFiles" */
};

/* Called for each; a negative status ends the visit and is returned. */
typedef enum status ntfs_visitor(void *payload, const struct ntfs_found *found,
				 struct failure *why);

/* Every name in order of entries. */
MUST_USE enum status ntfs_table_visit(struct ntfs_table *table, ntfs_visitor *visitor,
				      void *payload, struct failure *why);

/* The live file of a path (case folded). STATUS_END when there is none. */
MUST_USE enum status ntfs_table_find(struct ntfs_table *table, struct text path,
				     struct ntfs_found *ret);

/*
 * Path of an entry if sequence is that of its file (0: any), in the arena; {NULL, 0} when it is
 * not, or has no name.
 */
struct text ntfs_table_path(struct ntfs_table *table, uint64_t entry, uint16_t sequence,
			    struct arena *arena, enum ntfs_path_state *ret_state);

/* Whether the file of that entry and sequence is live, under whatever name. */
bool ntfs_table_is_live(const struct ntfs_table *table, uint64_t entry, uint16_t sequence);

/*
 * The survey: emits filesystem.file for each name whose path is wanted (wants_path). Origins are
 * offsets within $MFT, addresses "MFT entry ENTRY-SEQUENCE". Then ntfs.index-entry for what only
 * the slack of folders still names (index.h).
 */
MUST_USE enum status ntfs_table_emit(struct parse_context *ctx, struct ntfs_table *table,
				     struct failure *why);

/*
 * Emits filesystem.file of the live folder with that reference, to be cited as what bounds a file
 * deleted from it; not if its path is wanted, as the survey emits it then.
 */
MUST_USE enum status ntfs_table_emit_folder(struct parse_context *ctx, struct ntfs_table *table,
					    uint64_t reference, struct failure *why);

/* Reads the table of a volume, emits it and frees it. */
MUST_USE enum status ntfs_survey(struct parse_context *ctx, struct stream *stream,
				 struct failure *why);

#endif
