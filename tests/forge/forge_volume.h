/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of forge_volume share: the volume at work, its entries, its change journal. */
#ifndef FORGE_VOLUME_H
#define FORGE_VOLUME_H

#include "library.h"

enum {
	PATH_BYTES = 4096,
	SECURITY_ID = 0x100,          /* the first descriptor mkntfs puts into $Secure */
	USN_DATA_EXTEND = 0x2,
	USN_FILE_CREATE = 0x100,
	USN_FILE_DELETE = 0x200,
	USN_RENAME_OLD = 0x1000,
	USN_RENAME_NEW = 0x2000,
	USN_BASIC_INFO = 0x8000,
};

#define USN_CLOSE UINT32_C(0x80000000)

struct journal {
	bool on;
	int64_t created;
	uint64_t first;               /* USN of the buffer's first byte */
	uint64_t keep;                /* bytes kept at the end; 0: all */
	unsigned char *bytes;
	size_t length;
	size_t capacity;
};

/* What shall stand in free clusters when all else is written. */
struct leftover {
	unsigned char *bytes;
	size_t length; /* whole clusters */
};

struct forge {
	ntfs_volume *volume;
	struct leftover leftover;
	FILE *blob;
	unsigned line;
	char directory_path[PATH_BYTES];
	ntfs_inode *directory;        /* the directory last worked in, kept open */
	struct journal journal;
};

/* The time of the operation at work: 100 ns since 1601 UTC. */
extern int64_t simulated_ticks;

/* --- entries (forge_entry.c); whatever fails ends the program --- */

__attribute__((noreturn, format(printf, 2, 3))) void die(const struct forge *forge,
							 const char *format, ...);
uint64_t reference_of(const ntfs_inode *inode);
void leave_directory(struct forge *forge);
ntfschar *unicode(const struct forge *forge, const char *name, int *length);
/* NULL when there is none. */
ntfs_inode *open_child(struct forge *forge, ntfs_inode *parent, const char *name);
/* The directory of a path, open; *name points to the last part of the path. */
ntfs_inode *enter_parent(struct forge *forge, const char *path, const char **name);
ntfs_inode *create(struct forge *forge, ntfs_inode *parent, const char *name, mode_t type);
/* The whole content of a stream; "" is the unnamed one. Any other is made. */
void set_stream(struct forge *forge, ntfs_inode *inode, const char *name, const void *bytes,
		int64_t length);
/* Puts the bytes into clusters that are free in the end, in a row after what was left before. */
void leave_free(struct forge *forge, const void *bytes, size_t length);
void write_leftover(struct forge *forge);
/* As Windows does: the name and the runs stay in the freed record. The inode is closed. */
void delete_inode(struct forge *forge, ntfs_inode *parent, ntfs_inode *inode, const char *name);

/* --- the change journal (forge_journal.c); silent until it is started --- */

void journal_start(struct forge *forge, uint64_t first);
void journal_one(struct forge *forge, ntfs_inode *inode, uint64_t parent, const char *name,
		 uint32_t reason);
/* The records of a change, its second reason (0: none) and the closing. */
void journal_steps(struct forge *forge, ntfs_inode *inode, uint64_t parent, const char *name,
		   uint32_t first, uint32_t second);
/* Writes $Max and $J. */
void journal_finish(struct forge *forge);

#endif
