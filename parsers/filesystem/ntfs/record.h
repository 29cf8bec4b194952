/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_FILESYSTEM_NTFS_RECORD_H
#define AVOUCH_PARSERS_FILESYSTEM_NTFS_RECORD_H

#include "parsers/base/arena.h"
#include "parsers/base/failure.h"
#include "parsers/base/instant.h"
#include "parsers/base/span.h"

/*
 * One record of the master file table. Layouts: the Linux-NTFS documentation ("NTFS
 * Documentation", Richard Russon and Yuval Fledel, concepts/file_record, attributes/...) and
 * libfsntfs "New Technologies File System (NTFS)" by Joachim Metz, chapters 5 and 6.
 */

enum {
	NTFS_SECTOR = 512, /* stride of the update sequence, whatever the sector size */
	NTFS_RECORD_MIN = 512,
	NTFS_RECORD_MAX = 65536,
	NTFS_VOLUME = 3, /* entry of $Volume */
	NTFS_ROOT = 5,   /* entry of the root folder */
	NTFS_LOG_FILE = 2, /* entry of $LogFile */
	NTFS_BITMAP = 6, /* entry of $Bitmap */
};

enum ntfs_attribute_type {
	NTFS_STANDARD_INFORMATION = 0x10,
	NTFS_ATTRIBUTE_LIST = 0x20,
	NTFS_FILE_NAME = 0x30,
	NTFS_VOLUME_NAME = 0x60,
	NTFS_DATA = 0x80,
	NTFS_INDEX_ROOT = 0x90,
	NTFS_INDEX_ALLOCATION = 0xa0,
	NTFS_BITMAP_ATTRIBUTE = 0xb0, /* of $MFT: which records are in use */
};

#define NTFS_ATTRIBUTES_END UINT32_C(0xffffffff)

/* A file reference: 48 bits of entry, 16 bits of sequence. */
static inline uint64_t ntfs_entry_of(uint64_t reference)
{
	return reference & UINT64_C(0xffffffffffff);
}

static inline uint16_t ntfs_sequence_of(uint64_t reference)
{
	return (uint16_t)(reference >> 48);
}

struct ntfs_record {
	struct span bytes; /* with fixups applied */
	uint16_t sequence; /* as found: raised when the file was deleted */
	bool in_use, folder;
	uint64_t base;         /* reference of the base record; 0 in a base record */
	uint16_t first_attribute;
};

/* The sequence number that references to this record's file carry (or carried). */
static inline uint16_t ntfs_file_sequence(uint16_t sequence, bool in_use)
{
	if (in_use || sequence == 0)
		return sequence;
	return sequence == 1 ? 0xffff : (uint16_t)(sequence - 1);
}

/*
 * Checks the header and applies the update sequence in place. STATUS_END for a record never used
 * (all zero signature); ERR_FORMAT for anything that is no sound record.
 */
MUST_USE enum status ntfs_record_open(uint8_t *bytes, size_t size, struct ntfs_record *ret,
				      struct failure *why);

/* Undoes the update sequence of any multi-sector structure; false when a sector is torn. */
bool ntfs_fix_up(uint8_t *bytes, size_t size, size_t usa_offset, size_t usa_count);

struct ntfs_attribute {
	uint32_t type;
	uint16_t flags, id;
	bool resident;
	struct span name;  /* UTF-16LE */
	struct span value; /* resident */
	/* not resident: */
	uint64_t first_vcn, last_vcn, data_size, valid_size, allocated_size;
	uint16_t compression_unit; /* log2 of clusters; 0 none */
	struct span runs;
};

/*
 * The attribute at *pos (start with record->first_attribute), which moves on. STATUS_END after
 * the last, ERR_FORMAT when the chain is broken (what came before stands).
 */
MUST_USE enum status ntfs_next_attribute(const struct ntfs_record *record, size_t *pos,
					 struct ntfs_attribute *ret);

enum ntfs_namespace { NTFS_NAME_POSIX, NTFS_NAME_WIN32, NTFS_NAME_DOS, NTFS_NAME_BOTH };

struct ntfs_file_name {
	uint64_t parent; /* reference */
	uint64_t created, modified, changed, accessed; /* FILETIME */
	uint64_t size;
	uint32_t attributes;
	uint8_t space;
	struct span name; /* UTF-16LE */
};

/* The content of a $FILE_NAME attribute or index key; false when it does not fit. */
bool ntfs_file_name_from(struct span value, struct ntfs_file_name *ret);

struct ntfs_times {
	uint64_t created, modified, changed, accessed;
	uint32_t attributes;
};

/* The content of $STANDARD_INFORMATION; false when it is too short. */
bool ntfs_times_from(struct span value, struct ntfs_times *ret);

/* Clusters in sequence of a file's content. */
struct ntfs_run {
	uint64_t vcn, length; /* in clusters */
	uint64_t lcn;         /* NTFS_SPARSE: no clusters, reads as zeros */
};

#define NTFS_SPARSE UINT64_MAX

struct ntfs_runs {
	struct ntfs_run *items; /* by rising vcn, without gaps */
	size_t count, room;
};

void ntfs_runs_clear(struct ntfs_runs *runs);
/* Adds one run behind the others. ERR_LIMIT, ERR_NO_MEMORY. */
MUST_USE enum status ntfs_runs_push(struct ntfs_runs *runs, struct ntfs_run run,
				    struct failure *why);

/*
 * Appends the mapping pairs of an attribute piece. ERR_FORMAT when they contradict themselves or
 * point outside a volume of clusters (0: not checked), ERR_LIMIT above the cap on runs.
 */
MUST_USE enum status ntfs_runs_add(struct ntfs_runs *runs, const struct ntfs_attribute *piece,
				   uint64_t clusters, struct failure *why);

#endif
