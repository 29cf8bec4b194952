/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_FILESYSTEM_NTFS_MFT_TABLE_H
#define AVOUCH_PARSERS_FILESYSTEM_NTFS_MFT_TABLE_H

#include "parsers/filesystem/ntfs/mft.h"

/* The table inside: mft.c fills it, mft_paths.c answers from it. */

enum {
	NTFS_PATH_ROOM = LIMIT_TEXT,
	NTFS_FOLDERS_KEPT = 64,  /* paths of folders kept for the next name; a power of two */
	NTFS_FOLDER_ROOM = 512,  /* bytes of such a path; longer ones are built each time */
};

#define NTFS_NO_NAME UINT32_MAX

struct ntfs_entry {
	uint32_t first_name;
	uint16_t sequence; /* as found in the record */
	uint8_t in_use : 1, folder : 1, base : 1; /* base: a base record was read here */
};

struct ntfs_name {
	uint64_t parent;         /* reference */
	uint32_t text, next;     /* in the pool; further name of the same file */
	uint32_t owner, record;  /* entries: of the file, and of the record with the name */
	uint16_t size;           /* bytes of UTF-8 */
	uint16_t owner_sequence; /* the file's as the record gave it; 0 not checked */
	bool dos;
};

/* The path before the names in a folder, and how far it leads. */
struct ntfs_kept_folder {
	uint64_t reference;
	bool known;
	enum ntfs_path_state state;
	size_t size;
	char path[NTFS_FOLDER_ROOM];
};

struct ntfs_table {
	struct ntfs_volume *volume;
	struct ntfs_entry *entries;
	uint64_t n_entries, n_lost;
	struct ntfs_name *names;
	size_t n_names, names_room;
	char *pool;
	size_t pool_used, pool_room;
	uint32_t *hash; /* of live names by parent and folded name; made when first asked */
	size_t hash_size;
	struct ntfs_kept_folder folders[NTFS_FOLDERS_KEPT];
	char path[NTFS_PATH_ROOM]; /* filled from the end */
};

#endif
