/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_FILESYSTEM_NTFS_USN_H
#define AVOUCH_PARSERS_FILESYSTEM_NTFS_USN_H

#include "parsers/filesystem/ntfs/record.h"
#include "parsers/parser.h"

/*
 * Records of the change journal, wherever they stand. What changes a file adds records: creation,
 * writing, renaming, deletion, each with its exact time. Records are multiples of 8 bytes and do
 * not cross pages of 4096 bytes. A record's USN is its offset in the journal.
 *
 * offset v2  v3  size  (Microsoft, USN_RECORD_V2 and USN_RECORD_V3 in winioctl.h; libfsntfs,
 *                       "USN change journal")
 *         0   0     4  length
 *         4   4   2+2  version, minor
 *         8   8  8/16  file reference
 *        16  24  8/16  reference of the parent folder
 *        24  40     8  USN
 *        32  48     8  time (FILETIME)
 *        40  56     4  reasons
 *        52  68     4  attributes
 *        56  72   2+2  name size, name offset
 * Version 4 records carry ranges without a name and are passed over.
 */
enum { USN_PAGE = 4096, USN_MIN_RECORD = 60, USN_MAX_RECORD = 65536 };

struct usn_record {
	uint64_t offset; /* in what it was read from */
	uint32_t length; /* 0: a record of version 4 */
	uint64_t reference, parent, usn, time;
	uint32_t reasons, attributes;
	struct span name; /* UTF-16LE */
};

/* Length of the record at the start of s, 0 when it is none; ret->length 0: nothing to read. */
uint32_t usn_record_read(struct span s, uint64_t offset, struct usn_record *ret);

/* ntfs.usn: a wanted file's record. */
extern const struct trace_type usn_type;

/* Tells of records, with the paths of their folders. */
struct usn_reader;

/* ctx must outlive the reader. NULL without memory. */
struct usn_reader *usn_reader_new(struct parse_context *ctx);
void usn_reader_free(struct usn_reader *reader);
DEFINE_CLEANUP(struct usn_reader *, usn_reader_free, usn_reader_free_p)

/*
 * First pass: which folders the records themselves know, by their last name. ERR_LIMIT when there
 * are too many.
 */
MUST_USE enum status usn_learn(struct usn_reader *reader, const struct usn_record *record,
			       struct failure *why);

/* Second pass: emits the record if its path is wanted. */
MUST_USE enum status usn_emit(struct usn_reader *reader, const struct usn_record *record,
			      enum recovery recovery, struct failure *why);

#endif
