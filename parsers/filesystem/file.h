/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_FILESYSTEM_FILE_H
#define AVOUCH_PARSERS_FILESYSTEM_FILE_H

#include "parsers/trace.h"

/*
 * The one trace type for an entry of any file system, live or deleted. A file system that does
 * not keep a fact leaves the value absent.
 */
enum filesystem_file_field {
	FILE_PATH,     /* text, ASPECT_PATH: full path from the root, '/' separated */
	FILE_KIND,     /* text: "file", "folder", "link", "other" */
	FILE_SIZE,     /* uint, bytes of $DATA */
	FILE_ENTRY,    /* uint: MFT entry number or inode */
	FILE_SEQUENCE, /* uint: NTFS sequence number */
	FILE_PARENT,   /* uint: MFT entry number or inode of the parent folder */
	FILE_PARENT_SEQUENCE,
	FILE_PATH_STATE, /* text: "whole", "parent-reused", "orphan": how sure the path is */
	FILE_CREATED,    /* instants: $STANDARD_INFORMATION, or the file system's own */
	FILE_MODIFIED,
	FILE_CHANGED, /* MFT entry modified, inode changed */
	FILE_ACCESSED,
	FILE_NAME_CREATED, /* $FILE_NAME times (NTFS only) */
	FILE_NAME_MODIFIED,
	FILE_NAME_CHANGED,
	FILE_NAME_ACCESSED,
	FILE_DELETED, /* instant: where the file system records it (ext) */
	/* For a deleted entry: modification time of the parent folder, only if that folder is live
	 * and the same incarnation (entry and sequence): the container rule's upper bound. */
	FILE_CONTAINER_MODIFIED,
	FILE_SUPERSEDED, /* uint 1: a live entry of the same path exists */
	FILE_ATTRIBUTES, /* uint: NTFS/FAT attribute flags as found */
	FILE_N_FIELDS,
};

extern const struct trace_type filesystem_file_type; /* "filesystem.file" */

/* A name left behind in the index of an NTFS folder (filesystem/ntfs/index.h). */
extern const struct trace_type ntfs_index_entry_type; /* "ntfs.index-entry" */

#endif
