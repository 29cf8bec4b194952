/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_FILESYSTEM_FILESYSTEM_H
#define AVOUCH_PARSERS_FILESYSTEM_FILESYSTEM_H

#include "parsers/base/arena.h"
#include "parsers/base/instant.h"
#include "parsers/stream/stream.h"

/*
 * A file system on a volume, through libtsk: NTFS, FAT, exFAT, ext2 to ext4, HFS+, UFS, ISO 9660,
 * YAFFS2. One thread, one process; the volume's stream is borrowed. Times that libtsk cannot hold
 * (before 1970, after 2106 on NTFS) come out unset here; filesystem/ntfs reads them raw.
 */
struct filesystem;

struct filesystem_facts {
	const char *type;    /* "ntfs", "fat12", "fat16", "fat32", "exfat", "ext2", "hfs+", ... */
	uint32_t block_size; /* bytes: cluster or block */
	uint64_t size;       /* bytes by the file system's own count; may pass the volume's end */
	uint64_t root;       /* entry of the root folder */
	uint64_t last_entry;
	bool folds_case;     /* names are equal without regard to case */
	bool keeps_local_time;
};

/*
 * STATUS_DECLINED when the volume holds no file system that is read; ERR_ENCRYPTED when it bears
 * the mark of BitLocker or LUKS; ERR_FORMAT when it fits two file systems or is damaged.
 */
MUST_USE enum status filesystem_open(struct stream *volume, struct filesystem **ret,
				     struct failure *why);
void filesystem_close(struct filesystem *filesystem);
DEFINE_CLEANUP(struct filesystem *, filesystem_close, filesystem_close_p)

const struct filesystem_facts *filesystem_facts(const struct filesystem *filesystem);

enum file_kind { FILE_KIND_OTHER, FILE_KIND_FILE, FILE_KIND_FOLDER, FILE_KIND_LINK };

/* An entry as a folder (or a lookup) shows it. Texts live in the arena given. */
struct file_entry {
	struct text name;
	uint64_t entry;    /* MFT entry or inode */
	uint32_t sequence; /* NTFS: that of the entry now; 0 elsewhere */
	uint64_t parent;
	enum file_kind kind;
	bool deleted;       /* the name is no longer in use */
	bool entry_in_use;  /* the entry is; for a deleted name it may belong to another file */
	uint64_t size;      /* bytes of the content */
	struct instant created, modified, changed, accessed;
	struct instant deleted_at; /* ext only */
};

/*
 * The live entry at a path from the root ("/Windows/System32/config/SYSTEM"; '/' separated, "" is
 * the root). Case folded where the file system folds; a spelling that agrees exactly goes first.
 * STATUS_END when there is none. On NTFS the first call makes libtsk read the whole $MFT, in search of
 * deleted children: where a table of the $MFT is at hand, look the entry up there.
 */
MUST_USE enum status filesystem_find(struct filesystem *filesystem, struct arena *arena,
				     const char *path, struct file_entry *ret,
				     struct failure *why);

/* Called for each entry of a folder, without "." and ".."; negative stops and is returned. */
typedef enum status (*folder_visitor)(struct filesystem *filesystem,
				      const struct file_entry *entry, void *payload,
				      struct failure *why);

/*
 * Entries of a folder, live and (when asked, which on NTFS reads the whole $MFT once) deleted ones.
 * ERR_LIMIT, after all others were given, when the folder holds more than LIMIT_FOLDER_ENTRIES.
 */
MUST_USE enum status filesystem_list(struct filesystem *filesystem, struct arena *arena,
				     uint64_t folder, folder_visitor visit, void *payload,
				     struct failure *why);

/*
 * The content of an entry as a stream: its default data (attribute NULL), or on NTFS a named $DATA
 * stream ("$J" of $UsnJrnl) or with "$I30" a folder's index allocation. STATUS_END when the entry
 * has no such attribute. The stream borrows the file system.
 */
MUST_USE enum status filesystem_open_entry(struct filesystem *filesystem, uint64_t entry,
					   const char *attribute, struct stream **ret,
					   struct failure *why);

/*
 * How icat names the attribute that filesystem_open_entry opens: "128-4", its type and id as libtsk
 * numbers them. False when the entry has none such.
 */
enum { ATTRIBUTE_ID_SIZE = 24 };
bool filesystem_attribute_id(struct filesystem *filesystem, uint64_t entry, const char *attribute,
			     char ret[ATTRIBUTE_ID_SIZE]);

/* filesystem_find, then filesystem_open_entry. A path may end in ":attribute". */
MUST_USE enum status filesystem_open_path(struct filesystem *filesystem, struct arena *arena,
					  const char *path, struct stream **ret,
					  struct failure *why);

#endif
