/* SPDX-License-Identifier: Apache-2.0 */
/* The content of deleted files: as far as no other file has taken its clusters ($Bitmap). */
#include <inttypes.h>
#include <stdio.h>

#include "parsers/filesystem/ntfs/content.h"
#include "parsers/filesystem/ntfs/volume.h"
#include "parsers/stream/ranges.h"

/* Clusters of one deleted file that are looked up; above, its content counts as taken. */
#define MAX_CLUSTERS (UINT64_C(1) << 22)

/* The ranges of the file, in bytes, whose clusters are in use again. */
struct survey {
	struct ntfs_volume *volume;
	struct stream *bitmap;
	uint64_t cluster_size, n_left;
	struct range_list taken;
};

static enum status look_up_run(struct survey *s, const struct ntfs_run *run, struct failure *why)
{
	uint8_t bytes[4096];
	uint64_t cluster = run->lcn;
	const uint64_t end = run->lcn + run->length;

	if (run->length > s->n_left)
		return failure_set(why, ERR_LIMIT, "a deleted file of more than %" PRIu64
				   " clusters", MAX_CLUSTERS);
	s->n_left -= run->length;
	while (cluster < end) {
		const uint64_t first = cluster / 8, last = (end - 1) / 8;
		const size_t size = last - first < sizeof(bytes) ? (size_t)(last - first + 1) :
								   sizeof(bytes);
		const enum status status = stream_read(s->bitmap, first, bytes, size, why);

		if (status < 0)
			return status;
		for (; cluster < end && cluster / 8 - first < size; cluster++)
			if (bytes[cluster / 8 - first] >> (cluster % 8) & 1 &&
			    !ranges_add(&s->taken, (run->vcn + cluster - run->lcn) * s->cluster_size,
					s->cluster_size))
				return failure_set(why, ERR_NO_MEMORY, "ranges of a deleted file");
	}
	return STATUS_OK;
}

static enum status find_taken(struct ntfs_volume *volume, uint64_t entry, struct span name,
			      struct range_list *ret, struct failure *why)
{
	CLEANUP(ntfs_content_clear) struct ntfs_content content = { 0 };
	CLEANUP(stream_close_p) struct stream *bitmap = NULL;
	struct survey survey = { .volume = volume,
				 .cluster_size = ntfs_volume_cluster_size(volume),
				 .n_left = MAX_CLUSTERS };
	enum status status = ntfs_volume_content(volume, entry, NTFS_DATA, name, &content, why);

	if (status == STATUS_OK && !content.resident)
		status = ntfs_open_file(volume, NTFS_BITMAP, TEXT(""), &bitmap, why);
	survey.bitmap = bitmap;
	for (size_t i = 0; status == STATUS_OK && i < content.runs.count; i++)
		if (content.runs.items[i].lcn != NTFS_SPARSE)
			status = look_up_run(&survey, &content.runs.items[i], why);
	if (status == STATUS_OK)
		*ret = survey.taken;
	else
		ranges_release(&survey.taken);
	return status;
}

enum status ntfs_content_intact(struct ntfs_volume *volume, uint64_t entry, bool *ret_intact,
				struct failure *why)
{
	struct range_list taken = { 0 };
	const enum status status = find_taken(volume, entry, span_of(NULL, 0), &taken, why);

	if (status == STATUS_OK)
		*ret_intact = taken.n_items == 0;
	ranges_release(&taken);
	return status;
}

struct deleted_stream {
	struct stream stream;
	struct stream *content;
	struct range_list taken;
};

static enum status deleted_read_at(struct stream *stream, uint64_t offset, void *buffer,
				   size_t size, struct failure *why)
{
	struct deleted_stream *deleted = (struct deleted_stream *)stream;
	const struct byte_range *taken = ranges_find(&deleted->taken, offset, size);

	if (taken)
		return failure_at(why, ERR_UNREADABLE,
				  taken->offset > offset ? taken->offset : offset,
				  "the clusters at %" PRIu64 " to %" PRIu64
				  " of the deleted file are another's now",
				  taken->offset, taken->offset + taken->size);
	return stream_read(deleted->content, offset, buffer, size, why);
}

static void deleted_close(struct stream *stream)
{
	struct deleted_stream *deleted = (struct deleted_stream *)stream;

	stream_close(deleted->content);
	ranges_release(&deleted->taken);
	free(deleted);
}

static const struct stream_ops deleted_ops = { deleted_read_at, deleted_close };

enum status ntfs_open_deleted(struct ntfs_volume *volume, uint64_t entry, struct stream **ret,
			      struct failure *why)
{
	struct deleted_stream *deleted = calloc(1, sizeof(*deleted));
	enum status status;

	if (!deleted)
		return failure_set(why, ERR_NO_MEMORY, "deleted file");
	deleted->stream.ops = &deleted_ops;
	status = find_taken(volume, entry, span_of(NULL, 0), &deleted->taken, why);
	if (status == STATUS_OK)
		status = ntfs_open_file(volume, entry, TEXT(""), &deleted->content, why);
	if (status != STATUS_OK) {
		deleted_close(&deleted->stream);
		return status;
	}
	deleted->stream.size = deleted->content->size;
	*ret = &deleted->stream;
	return STATUS_OK;
}
