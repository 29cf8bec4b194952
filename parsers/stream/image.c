/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/stream/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "parsers/stream/image_formats.h"

/*
 * Containers by their signatures. Nothing is called raw before none of these is there: a container
 * taken for raw would be searched for file systems and found empty.
 */
struct container {
	const char *name;
	const char *bytes;
	size_t size;
	uint64_t offset; /* from the start, or from the end when from_end */
	bool from_end;
	enum status (*open)(struct image *image, struct failure *why); /* NULL: refused */
	const char *advice;
};

#define SIGNATURE(bytes) (bytes), sizeof(bytes) - 1

static const struct container containers[] = {
	{ "EWF", SIGNATURE("EVF\x09\x0d\x0a\xff\x00"), 0, false, image_open_ewf, NULL },
	{ "EWF version 2 (Ex01)", SIGNATURE("EVF2\x0d\x0a\x81\x00"), 0, false, NULL,
	  "convert it to E01 with the program that made it" },
	{ "logical evidence file (L01)", SIGNATURE("LVF\x09\x0d\x0a\xff\x00"), 0, false, NULL,
	  "it holds files, not a disk: export an image of the disk" },
	{ "logical evidence file version 2 (Lx01)", SIGNATURE("LEF2\x0d\x0a\x81\x00"), 0, false,
	  NULL, "it holds files, not a disk: export an image of the disk" },
	{ "delta EWF (D01)", SIGNATURE("DVF\x09\x0d\x0a\xff\x00"), 0, false, NULL,
	  "export the image it belongs to as E01" },
	{ "VMDK", SIGNATURE("KDMV"), 0, false, image_open_vmdk, NULL },
	{ "VMDK (COWD)", SIGNATURE("COWD"), 0, false, image_open_vmdk, NULL },
	{ "VMDK descriptor", SIGNATURE("# Disk DescriptorFile"), 0, false, image_open_vmdk, NULL },
	{ "VHDX", SIGNATURE("vhdxfile"), 0, false, image_open_vhd, NULL },
	{ "VHD", SIGNATURE("conectix"), 0, false, image_open_vhd, NULL },
	{ "QCOW", SIGNATURE("QFI\xfb"), 0, false, image_open_qcow, NULL },
	{ "AFF", SIGNATURE("AFF10\r\n\x00"), 0, false, NULL, "convert it with affconvert -r" },
	{ "AFF4", SIGNATURE("PK\x03\x04"), 0, false, NULL,
	  "a zip or AFF4 container: unpack it, or export it as raw or E01" },
	{ "AD1 or segmented container", SIGNATURE("ADSEGMENTEDFILE"), 0, false, NULL,
	  "export it as raw or E01" },
	{ "VDI", SIGNATURE("\x7f\x10\xda\xbe"), 0x40, false, NULL,
	  "convert it with qemu-img convert -O raw" },
	{ "Parallels disk", SIGNATURE("WithoutFreeSpace"), 0, false, NULL,
	  "convert it with qemu-img convert -O raw" },
	{ "Parallels disk", SIGNATURE("WithouFreSpacExt"), 0, false, NULL,
	  "convert it with qemu-img convert -O raw" },
	{ "gzip", SIGNATURE("\x1f\x8b\x08"), 0, false, NULL, "unpack it first" },
	{ "xz", SIGNATURE("\xfd" "7zXZ\x00"), 0, false, NULL, "unpack it first" },
	{ "bzip2", SIGNATURE("BZh9"), 0, false, NULL, "unpack it first" },
	{ "zstd", SIGNATURE("\x28\xb5\x2f\xfd"), 0, false, NULL, "unpack it first" },
	{ "7-Zip", SIGNATURE("7z\xbc\xaf\x27\x1c"), 0, false, NULL, "unpack it first" },
	{ "DMG", SIGNATURE("koly"), 512, true, NULL,
	  "convert it with qemu-img convert -O raw, or hdiutil" },
	{ "VHD of fixed size", SIGNATURE("conectix"), 512, true, image_open_vhd, NULL },
};

enum { SIGNATURE_ROOM = 24 };

/* The container whose signature the file bears; NULL when none. */
static enum status detect(struct stream *file, const struct container **ret, struct failure *why)
{
	*ret = NULL;
	for (size_t i = 0; i < sizeof(containers) / sizeof(containers[0]); i++) {
		const struct container *c = &containers[i];
		uint8_t bytes[SIGNATURE_ROOM];
		const uint64_t need = c->from_end ? c->offset : c->offset + c->size;

		if (file->size < need)
			continue;

		const enum status status =
			stream_read(file, c->from_end ? file->size - c->offset : c->offset, bytes,
				    c->size, why);

		if (status < 0)
			return status;
		if (memcmp(bytes, c->bytes, c->size) == 0) {
			*ret = c;
			return STATUS_OK;
		}
	}
	return STATUS_OK;
}

/*
 * Whether the name promises a container: then a missing signature is damage, and the file no raw
 * image. (Names like .vmdk are not among them: the extents of a VMDK can be raw.)
 */
static bool named_as_container(const char *path)
{
	static const char *const extensions[] = { ".e01", ".s01",   ".ex01", ".l01",
						  ".lx01", ".vhdx", ".qcow", ".qcow2",
						  ".aff", ".vdi" };
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (strcasecmp(dot, extensions[i]) == 0)
			return true;
	return false;
}

enum status image_add_segment(struct image *image, const char *path, struct failure *why)
{
	char **segments =
		realloc(image->segments, (image->n_segments + 1) * sizeof(*image->segments));

	if (!segments)
		return failure_set(why, ERR_NO_MEMORY, "segment '%s'", path);
	image->segments = segments;
	segments[image->n_segments] = strdup(path);
	if (!segments[image->n_segments])
		return failure_set(why, ERR_NO_MEMORY, "segment '%s'", path);
	image->n_segments++;
	return STATUS_OK;
}

static enum status open_raw(struct image *image, struct failure *why)
{
	const enum status status = raw_find_segments(image, why);

	if (status < 0)
		return status;
	image->format = image->n_segments > 1 ? IMAGE_SPLIT_RAW : IMAGE_RAW;
	return stream_over_files(image->segments, image->n_segments, &image->stream, why);
}

static enum status open_by_signature(struct image *image, struct failure *why)
{
	CLEANUP(stream_close_p) struct stream *first = NULL;
	const struct container *container = NULL;
	enum status status = stream_over_files(image->segments, 1, &first, why);

	if (status >= 0 && first->size == 0)
		status = failure_set(why, ERR_TRUNCATED, "'%s' is empty", image->segments[0]);
	if (status >= 0)
		status = detect(first, &container, why);
	if (status < 0)
		return status;
	if (!container && named_as_container(image->segments[0]))
		return failure_at(why, ERR_FORMAT, 0,
				  "'%s' does not begin as its name says it should: damaged, or "
				  "another kind of file", image->segments[0]);
	if (!container)
		return open_raw(image, why);
	if (!container->open)
		return failure_set(why, ERR_UNSUPPORTED, "'%s' is of format %s, which is not read: %s",
				   image->segments[0], container->name, container->advice);
	return container->open(image, why);
}

enum status image_open(const char *const *paths, size_t n_paths, struct image **ret,
		       struct failure *why)
{
	CLEANUP(image_close_p) struct image *image = calloc(1, sizeof(*image));
	struct failure unwanted = FAILURE_NONE;
	enum status status = STATUS_OK;

	if (!why)
		why = &unwanted;
	if (n_paths == 0)
		return failure_set(why, ERR_IO, "no evidence named");
	if (!image)
		return failure_set(why, ERR_NO_MEMORY, "image");
	for (size_t i = 0; i < n_paths && status >= 0; i++)
		status = image_add_segment(image, paths[i], why);
	if (status >= 0)
		status = open_by_signature(image, why);
	if (status < 0)
		return status;
	*ret = image;
	image = NULL;
	return STATUS_OK;
}

/* What is bad is told by the chunk: a merged range grows with what else was read before. */
enum status image_refuse_bad(struct image *image, uint32_t chunk_size, uint64_t offset, size_t size,
			     struct failure *why)
{
	const struct byte_range *bad = ranges_find(image->unreadable, offset, size);
	const uint64_t chunk = offset - offset % chunk_size;
	const uint64_t left = image->stream->size - chunk;
	uint64_t start, end;

	if (!bad)
		return STATUS_OK;
	start = bad->offset > chunk ? bad->offset : chunk;
	end = chunk + (left < chunk_size ? left : chunk_size);
	if (bad->offset + bad->size < end)
		end = bad->offset + bad->size;
	if (!image->refusals_unheard && !ranges_add(&image->refused, start, end - start))
		return failure_set(why, ERR_NO_MEMORY, "unreadable ranges");
	return failure_at(why, ERR_UNREADABLE, start > offset ? start : offset,
			  "the image holds no sound data at %" PRIu64 " to %" PRIu64, start, end);
}

void image_close(struct image *image)
{
	if (!image)
		return;
	stream_close(image->stream);
	for (size_t i = 0; i < image->n_segments; i++)
		free(image->segments[i]);
	free(image->segments);
	free(image->problem);
	ranges_release(&image->refused);
	free(image);
}

const char *image_format_name(enum image_format format)
{
	static const char *const names[] = {
		[IMAGE_RAW] = "raw",   [IMAGE_SPLIT_RAW] = "split-raw", [IMAGE_EWF] = "ewf",
		[IMAGE_VMDK] = "vmdk", [IMAGE_VHD] = "vhd",             [IMAGE_QCOW] = "qcow",
	};

	return names[format];
}
