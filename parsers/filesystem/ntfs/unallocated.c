/* SPDX-License-Identifier: Apache-2.0 */
/* What no file has: the clusters that are free in $Bitmap, a bit for each (set: in use). */
#include "parsers/filesystem/ntfs/content.h"

enum { BATCH = 65536 };

/* Takes a free cluster to the run that ends before it, or begins another. */
static enum status add_cluster(struct ntfs_runs *runs, uint64_t cluster, struct failure *why)
{
	struct ntfs_run *last = runs->count ? &runs->items[runs->count - 1] : NULL;
	const uint64_t vcn = last ? last->vcn + last->length : 0;

	if (!last || last->lcn + last->length != cluster)
		return ntfs_runs_push(runs, (struct ntfs_run){ vcn, 1, cluster }, why);
	last->length++;
	return STATUS_OK;
}

static enum status find_free(struct stream *bitmap, uint64_t clusters, struct ntfs_runs *runs,
			     struct failure *why)
{
	CLEANUP(free_p) uint8_t *bytes = malloc(BATCH);
	const uint64_t told = bitmap->size < clusters / 8 + 1 ? bitmap->size * 8 : clusters;
	enum status status = STATUS_OK;

	if (!bytes)
		return failure_set(why, ERR_NO_MEMORY, "no memory for $Bitmap");
	for (uint64_t at = 0; at < told && status == STATUS_OK; at += (uint64_t)BATCH * 8) {
		const uint64_t left = told - at;
		const uint64_t n = left < (uint64_t)BATCH * 8 ? left : (uint64_t)BATCH * 8;

		status = stream_read(bitmap, at / 8, bytes, (size_t)((n + 7) / 8), why);
		for (uint64_t i = 0; i < n && status == STATUS_OK; i++)
			if (!(bytes[i / 8] >> (i % 8) & 1))
				status = add_cluster(runs, at + i, why);
	}
	return status;
}

enum status ntfs_open_unallocated(struct ntfs_volume *volume, struct stream **ret,
				  struct failure *why)
{
	CLEANUP(ntfs_content_clear) struct ntfs_content content = { .found = true };
	CLEANUP(stream_close_p) struct stream *bitmap = NULL;
	const uint64_t cluster_size = ntfs_volume_cluster_size(volume);
	enum status status = STATUS_END; /* a bare $MFT */

	if (ntfs_volume_stream(volume))
		status = ntfs_open_file(volume, NTFS_BITMAP, TEXT(""), &bitmap, why);
	if (status == STATUS_OK)
		status = find_free(bitmap, ntfs_volume_clusters(volume), &content.runs, why);
	if (status != STATUS_OK)
		return status;
	if (content.runs.count) {
		const struct ntfs_run *last = &content.runs.items[content.runs.count - 1];

		content.size = content.valid_size = (last->vcn + last->length) * cluster_size;
	}
	return ntfs_content_stream(ntfs_volume_stream(volume), cluster_size, &content, ret, why);
}
