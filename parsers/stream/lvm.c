/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/stream/lvm.h"

#include <stdio.h>

#include <libbfio.h>
#include <libvslvm.h>

#include "parsers/stream/library_stream.h"

struct lvm {
	library_handle *bfio, *pool, *handle, *group;
	int n_volumes;
};

static const struct library_reader volume_reader = {
	"libvslvm", libvslvm_logical_volume_read_buffer_at_offset, NULL, libvslvm_logical_volume_free
};

void lvm_close(struct lvm *lvm)
{
	if (!lvm)
		return;
	if (lvm->group)
		(void)libvslvm_volume_group_free(&lvm->group, NULL);
	if (lvm->handle)
		(void)libvslvm_handle_free(&lvm->handle, NULL); /* closes too */
	if (lvm->pool)
		(void)libbfio_pool_free(&lvm->pool, NULL); /* and the libbfio handle in it */
	bfio_free(lvm->bfio);
	free(lvm);
}

static enum status open_group(struct lvm *lvm, struct failure *why)
{
	library_handle *error = NULL;
	int n_physical = 0, entry = 0;

	if (libvslvm_handle_initialize(&lvm->handle, &error) != 1 ||
	    libvslvm_handle_open_file_io_handle(lvm->handle, lvm->bfio, LIBVSLVM_OPEN_READ,
						&error) != 1 ||
	    libvslvm_handle_get_volume_group(lvm->handle, &lvm->group, &error) != 1 ||
	    libvslvm_volume_group_get_number_of_physical_volumes(lvm->group, &n_physical, &error) !=
		    1)
		return failure_from_library(why, ERR_FORMAT, &error, "LVM physical volume");
	if (n_physical != 1)
		return failure_set(why, ERR_UNSUPPORTED,
				   "LVM group over %d physical volumes, of which one is read",
				   n_physical);
	if (libbfio_pool_initialize(&lvm->pool, 0, LIBBFIO_POOL_UNLIMITED_NUMBER_OF_OPEN_HANDLES,
				    &error) != 1 ||
	    libbfio_pool_append_handle(lvm->pool, &entry, lvm->bfio, LIBBFIO_OPEN_READ, &error) !=
		    1)
		return failure_from_library(why, ERR_NO_MEMORY, &error, "LVM");
	lvm->bfio = NULL; /* the pool's now */
	/* A group remembers the pool it was asked for with: ask again. */
	(void)libvslvm_volume_group_free(&lvm->group, NULL);
	if (libvslvm_handle_open_physical_volume_files_file_io_pool(lvm->handle, lvm->pool,
								    &error) != 1 ||
	    libvslvm_handle_get_volume_group(lvm->handle, &lvm->group, &error) != 1 ||
	    libvslvm_volume_group_get_number_of_logical_volumes(lvm->group, &lvm->n_volumes,
								&error) != 1)
		return failure_from_library(why, ERR_FORMAT, &error, "LVM volume group");
	return STATUS_OK;
}

enum status lvm_open(struct stream *volume, struct lvm **ret, struct failure *why)
{
	CLEANUP(lvm_close_p) struct lvm *lvm = calloc(1, sizeof(*lvm));
	enum status status;

	if (!lvm)
		return failure_set(why, ERR_NO_MEMORY, "LVM");
	status = bfio_over_stream(volume, &lvm->bfio, why);
	if (status < 0)
		return status;
	if (libvslvm_check_volume_signature_file_io_handle(lvm->bfio, NULL) != 1)
		return STATUS_DECLINED;
	status = open_group(lvm, why);
	if (status < 0)
		return status;
	*ret = lvm;
	lvm = NULL;
	return STATUS_OK;
}

size_t lvm_count(const struct lvm *lvm)
{
	return (size_t)lvm->n_volumes;
}

enum status lvm_open_volume(struct lvm *lvm, size_t n, char name[256], struct stream **ret,
			    struct failure *why)
{
	library_handle *volume = NULL, *error = NULL;
	size64_t size = 0;

	if (n >= lvm_count(lvm))
		return failure_set(why, ERR_TRUNCATED, "logical volume %zu of %d", n + 1,
				   lvm->n_volumes);
	if (libvslvm_volume_group_get_logical_volume(lvm->group, (int)n, &volume, &error) != 1)
		return failure_from_library(why, ERR_FORMAT, &error, "logical volume %zu", n + 1);
	if (libvslvm_logical_volume_get_size(volume, &size, &error) != 1) {
		(void)libvslvm_logical_volume_free(&volume, NULL);
		return failure_from_library(why, ERR_FORMAT, &error, "logical volume %zu", n + 1);
	}
	name[0] = '\0';
	if (libvslvm_logical_volume_get_name(volume, name, 256, NULL) != 1)
		name[0] = '\0';
	return stream_over_library(&volume_reader, volume, NULL, size, ret, why);
}
