/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_FILESYSTEM_NTFS_VOLUME_H
#define AVOUCH_PARSERS_FILESYSTEM_NTFS_VOLUME_H

#include "parsers/filesystem/ntfs/record.h"
#include "parsers/stream/stream.h"

/*
 * An NTFS volume: where its master file table lies, its records and the content of its files.
 * Boot sector as in the Linux-NTFS documentation, files/boot; a damaged one is replaced by the
 * copy in the last sector.
 */
struct ntfs_volume;

/*
 * Opens the volume on stream (borrowed until ntfs_volume_close). STATUS_DECLINED when it is no
 * NTFS; ERR_FORMAT when $MFT cannot be found.
 */
MUST_USE enum status ntfs_volume_open(struct stream *stream, struct ntfs_volume **ret,
				      struct failure *why);

/* A bare $MFT, as exported from a volume: records can be read, content only if resident. */
MUST_USE enum status ntfs_volume_over_mft(struct stream *mft, struct ntfs_volume **ret,
					  struct failure *why);

void ntfs_volume_close(struct ntfs_volume *volume);
DEFINE_CLEANUP(struct ntfs_volume *, ntfs_volume_close, ntfs_volume_close_p)

/* $MFT as a stream, up to its valid size; owned by the volume. */
struct stream *ntfs_volume_mft(struct ntfs_volume *volume);
/* Bytes of a record, and how many records $MFT holds. */
size_t ntfs_volume_record_size(const struct ntfs_volume *volume);
uint64_t ntfs_volume_records(const struct ntfs_volume *volume);
/* Bytes of a cluster (0: a bare $MFT). */
uint64_t ntfs_volume_cluster_size(const struct ntfs_volume *volume);

/* Clusters of the volume, as the boot sector says, and the stream they stand on (borrowed). */
uint64_t ntfs_volume_clusters(const struct ntfs_volume *volume);
struct stream *ntfs_volume_stream(const struct ntfs_volume *volume);

/*
 * Reads one record into buffer (record size bytes) and opens it: statuses of ntfs_record_open,
 * ERR_TRUNCATED for an entry that is not there, and of the stream.
 */
MUST_USE enum status ntfs_volume_record(struct ntfs_volume *volume, uint64_t entry,
					uint8_t *buffer, struct ntfs_record *ret,
					struct failure *why);

/*
 * The id (attribute header, offset 14) of an attribute that stands in the base record of an entry;
 * name in UTF-8. STATUS_END when it does not stand there.
 */
MUST_USE enum status ntfs_volume_attribute_id(struct ntfs_volume *volume, uint64_t entry,
					      uint32_t type, struct text name, uint16_t *ret,
					      struct failure *why);

/* The volume's label ($VOLUME_NAME of $Volume), in the arena; data NULL when it has none. */
struct text ntfs_volume_label(struct ntfs_volume *volume, struct arena *arena);

/* Where the content of one attribute lies: declare with CLEANUP(ntfs_content_clear). */
struct ntfs_content {
	bool found, resident, compressed, encrypted;
	uint8_t *bytes; /* resident: size bytes */
	uint64_t size, valid_size, allocated_size;
	uint16_t compression_unit; /* log2 of clusters */
	struct ntfs_runs runs;
};

void ntfs_content_clear(struct ntfs_content *content);

/*
 * Finds an attribute of an entry (live or deleted), following its $ATTRIBUTE_LIST. name in
 * UTF-16LE, empty for the unnamed one. STATUS_END when there is none.
 */
MUST_USE enum status ntfs_volume_content(struct ntfs_volume *volume, uint64_t entry,
					 uint32_t type, struct span name,
					 struct ntfs_content *ret, struct failure *why);

/*
 * Opens the content of a $DATA attribute (name UTF-8, empty for the unnamed one) of an entry,
 * live or deleted. Holes and what lies behind the valid size read as zeros; compressed content is
 * decompressed. STATUS_END without such an attribute, ERR_ENCRYPTED for EFS. The stream stands
 * on the volume.
 */
MUST_USE enum status ntfs_open_file(struct ntfs_volume *volume, uint64_t entry, struct text name,
				    struct stream **ret, struct failure *why);

/*
 * Opens the content of a deleted file: what other files have taken of its clusters since is
 * unreadable. STATUS_END when it has none.
 */
MUST_USE enum status ntfs_open_deleted(struct ntfs_volume *volume, uint64_t entry,
				       struct stream **ret, struct failure *why);

/*
 * Whether $MFT's own bitmap says that the record of an entry is free; false too when the bitmap
 * cannot be read.
 */
bool ntfs_volume_record_is_free(struct ntfs_volume *volume, uint64_t entry);

/*
 * Opens all clusters that $Bitmap says are free, one behind the other in order of their numbers, as
 * blkls of The Sleuth Kit writes them. STATUS_END over a bare $MFT.
 */
MUST_USE enum status ntfs_open_unallocated(struct ntfs_volume *volume, struct stream **ret,
					   struct failure *why);

/* Opens the index records of a folder ($I30). STATUS_END when it is small and has none. */
MUST_USE enum status ntfs_open_index(struct ntfs_volume *volume, uint64_t entry,
				     struct stream **ret, struct failure *why);

/*
 * The next offset >= offset of a stream of ntfs_open_file at which clusters are allocated;
 * the stream's size when there is none; offset itself for any other stream.
 */
uint64_t ntfs_next_data(struct stream *stream, uint64_t offset);

/*
 * Whether all clusters of the unnamed $DATA of a deleted entry are still free in $Bitmap (or its
 * content is resident), so that nothing that is live has overwritten them.
 */
MUST_USE enum status ntfs_content_intact(struct ntfs_volume *volume, uint64_t entry,
					 bool *ret_intact, struct failure *why);

#endif
