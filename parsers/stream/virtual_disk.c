/* SPDX-License-Identifier: Apache-2.0 */
/* Disks of virtual machines: VMDK, VHD and VHDX, QCOW2, through libvmdk, libvhdi and libqcow. */
#include <inttypes.h>
#include <stdio.h>

#include <libqcow.h>
#include <libvhdi.h>
#include <libvmdk.h>

#include "parsers/stream/image_formats.h"
#include "parsers/stream/library_stream.h"

static const struct library_reader vmdk_reader = {
	"libvmdk", libvmdk_handle_read_buffer_at_offset, libvmdk_handle_close, libvmdk_handle_free
};
static const struct library_reader vhd_reader = {
	"libvhdi", libvhdi_file_read_buffer_at_offset, libvhdi_file_close, libvhdi_file_free
};
static const struct library_reader qcow_reader = {
	"libqcow", libqcow_file_read_buffer_at_offset, libqcow_file_close, libqcow_file_free
};

static enum status not_opened(struct image *image, const struct library_reader *reader,
			      library_handle *handle, library_handle **error, struct failure *why)
{
	const enum status status = failure_from_library(why, ERR_FORMAT, error, "%s opens '%s'",
							reader->name, image->segments[0]);

	(void)reader->free(&handle, NULL); /* closes too */
	return status;
}

/* A disk that holds only the changes to another one cannot be read alone. */
static enum status needs_parent(struct image *image, const struct library_reader *reader,
				library_handle *handle, struct failure *why)
{
	(void)reader->free(&handle, NULL);
	return failure_set(why, ERR_UNSUPPORTED,
			   "'%s' holds only the changes to another disk; merge them first "
			   "(qemu-img convert -O raw)", image->segments[0]);
}

enum status image_open_vmdk(struct image *image, struct failure *why)
{
	library_handle *handle = NULL, *error = NULL;
	uint32_t parent = UINT32_MAX;
	size64_t size = 0;

	image->format = IMAGE_VMDK;
	if (libvmdk_handle_initialize(&handle, &error) != 1 ||
	    libvmdk_handle_open(handle, image->segments[0], LIBVMDK_OPEN_READ, &error) != 1 ||
	    libvmdk_handle_open_extent_data_files(handle, &error) != 1 ||
	    libvmdk_handle_get_parent_content_identifier(handle, &parent, &error) != 1 ||
	    libvmdk_handle_get_media_size(handle, &size, &error) != 1)
		return not_opened(image, &vmdk_reader, handle, &error, why);
	if (parent != UINT32_MAX) /* CID_NOPARENT */
		return needs_parent(image, &vmdk_reader, handle, why);
	return stream_over_library(&vmdk_reader, handle, NULL, size, &image->stream, why);
}

enum status image_open_vhd(struct image *image, struct failure *why)
{
	library_handle *handle = NULL, *error = NULL;
	uint32_t kind = 0;
	size64_t size = 0;

	image->format = IMAGE_VHD;
	if (libvhdi_file_initialize(&handle, &error) != 1 ||
	    libvhdi_file_open(handle, image->segments[0], LIBVHDI_OPEN_READ, &error) != 1 ||
	    libvhdi_file_get_disk_type(handle, &kind, &error) != 1 ||
	    libvhdi_file_get_media_size(handle, &size, &error) != 1)
		return not_opened(image, &vhd_reader, handle, &error, why);
	if (kind == LIBVHDI_DISK_TYPE_DIFFERENTIAL)
		return needs_parent(image, &vhd_reader, handle, why);
	return stream_over_library(&vhd_reader, handle, NULL, size, &image->stream, why);
}

enum status image_open_qcow(struct image *image, struct failure *why)
{
	library_handle *handle = NULL, *error = NULL;
	size64_t size = 0;
	size_t name_size = 0;

	image->format = IMAGE_QCOW;
	if (libqcow_file_initialize(&handle, &error) != 1 ||
	    libqcow_file_open(handle, image->segments[0], LIBQCOW_OPEN_READ, &error) != 1 ||
	    libqcow_file_get_media_size(handle, &size, &error) != 1)
		return not_opened(image, &qcow_reader, handle, &error, why);
	if (libqcow_file_get_utf8_backing_filename_size(handle, &name_size, NULL) == 1 &&
	    name_size > 1)
		return needs_parent(image, &qcow_reader, handle, why);
	return stream_over_library(&qcow_reader, handle, NULL, size, &image->stream, why);
}
