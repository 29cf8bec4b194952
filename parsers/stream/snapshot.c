/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/stream/snapshot.h"

#include <stdio.h>

#include <libvshadow.h>

#include "parsers/stream/library_stream.h"

struct snapshot_set {
	library_handle *bfio, *volume;
	int n_stores;
};

static const struct library_reader store_reader = { "libvshadow",
						    libvshadow_store_read_buffer_at_offset, NULL,
						    libvshadow_store_free };

static enum status open_volume(struct snapshot_set *set, struct failure *why)
{
	library_handle *error = NULL;

	/* 1: the volume carries the identifier at 0x1e00; 0: it never had shadow copies. */
	const int bears = libvshadow_check_volume_signature_file_io_handle(set->bfio, &error);

	if (bears != 1) {
		libvshadow_error_free(&error);
		return STATUS_END;
	}
	if (libvshadow_volume_initialize(&set->volume, &error) != 1 ||
	    libvshadow_volume_open_file_io_handle(set->volume, set->bfio, LIBVSHADOW_OPEN_READ,
						  &error) != 1 ||
	    libvshadow_volume_get_number_of_stores(set->volume, &set->n_stores, &error) != 1)
		return failure_from_library(why, ERR_FORMAT, &error, "volume shadow copies");
	return set->n_stores > 0 ? STATUS_OK : STATUS_END;
}

enum status snapshots_open(struct stream *volume, struct snapshot_set **ret, struct failure *why)
{
	CLEANUP(snapshots_close_p) struct snapshot_set *set = calloc(1, sizeof(*set));
	enum status status;

	if (!set)
		return failure_set(why, ERR_NO_MEMORY, "volume shadow copies");
	status = bfio_over_stream(volume, &set->bfio, why);
	if (status == STATUS_OK)
		status = open_volume(set, why);
	if (status != STATUS_OK)
		return status;
	*ret = set;
	set = NULL;
	return STATUS_OK;
}

void snapshots_close(struct snapshot_set *set)
{
	if (!set)
		return;
	if (set->volume)
		(void)libvshadow_volume_free(&set->volume, NULL); /* closes too */
	bfio_free(set->bfio);
	free(set);
}

size_t snapshots_count(const struct snapshot_set *set)
{
	return (size_t)set->n_stores;
}

static enum status get_store(struct snapshot_set *set, size_t n, library_handle **ret,
			     struct failure *why)
{
	library_handle *error = NULL;

	if (n >= snapshots_count(set))
		return failure_set(why, ERR_TRUNCATED, "shadow copy %zu of %d", n + 1,
				   set->n_stores);
	if (libvshadow_volume_get_store(set->volume, (int)n, ret, &error) != 1)
		return failure_from_library(why, ERR_FORMAT, &error, "shadow copy %zu", n + 1);
	return STATUS_OK;
}

enum status snapshot_describe(struct snapshot_set *set, size_t n, struct snapshot *ret,
			      struct failure *why)
{
	library_handle *store = NULL, *error = NULL;
	struct snapshot facts = { 0 };
	uint64_t created = 0;
	size64_t size = 0;
	enum status status = get_store(set, n, &store, why);

	if (status < 0)
		return status;
	if (libvshadow_store_get_creation_time(store, &created, &error) != 1 ||
	    libvshadow_store_get_volume_size(store, &size, &error) != 1 ||
	    libvshadow_store_get_identifier(store, facts.identifier, sizeof(facts.identifier),
					    &error) != 1)
		status = failure_from_library(why, ERR_FORMAT, &error, "shadow copy %zu", n + 1);
	facts.has_data = libvshadow_store_has_in_volume_data(store, NULL) == 1;
	(void)libvshadow_store_free(&store, NULL);
	if (status < 0)
		return status;
	facts.created = instant_from_filetime(created);
	facts.size = size;
	*ret = facts;
	return STATUS_OK;
}

enum status snapshot_open(struct snapshot_set *set, size_t n, struct stream **ret,
			  struct failure *why)
{
	library_handle *store = NULL, *error = NULL;
	size64_t size = 0;
	const enum status status = get_store(set, n, &store, why);

	if (status < 0)
		return status;
	if (libvshadow_store_has_in_volume_data(store, NULL) != 1) {
		(void)libvshadow_store_free(&store, NULL);
		return failure_set(why, ERR_UNREADABLE,
				   "shadow copy %zu keeps its data on another volume", n + 1);
	}
	if (libvshadow_store_get_volume_size(store, &size, &error) != 1) {
		(void)libvshadow_store_free(&store, NULL);
		return failure_from_library(why, ERR_FORMAT, &error, "shadow copy %zu", n + 1);
	}
	return stream_over_library(&store_reader, store, NULL, size, ret, why);
}
