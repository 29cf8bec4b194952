/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_FILESYSTEM_NTFS_CONTENT_H
#define AVOUCH_PARSERS_FILESYSTEM_NTFS_CONTENT_H

#include "parsers/filesystem/ntfs/volume.h"

/* Reads bytes of a content that is not compressed; the range lies inside its size. */
MUST_USE enum status ntfs_content_read(struct stream *volume, uint64_t cluster_size,
				       const struct ntfs_content *content, uint64_t offset,
				       uint8_t *buffer, size_t size, struct failure *why);

/* A stream over the content, which it takes over (content is left empty). */
MUST_USE enum status ntfs_content_stream(struct stream *volume, uint64_t cluster_size,
					 struct ntfs_content *content, struct stream **ret,
					 struct failure *why);

#endif
