/* SPDX-License-Identifier: Apache-2.0 */
/* Raw images: the bytes of the medium in one file, or cut into numbered or lettered files. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers/stream/image_formats.h"

/* Segments looked for behind a gap before the run is taken to end. */
enum { GAP_SEARCH = 20, MAX_SEGMENTS = 65536, SUFFIX_SIZE = 8 };

struct raw_part {
	int fd;
	uint64_t start, size; /* in the stream, bytes */
};

struct raw_stream {
	struct stream stream;
	size_t n_parts;
	struct raw_part parts[];
};

static void raw_close(struct stream *stream)
{
	struct raw_stream *raw = (struct raw_stream *)stream;

	for (size_t i = 0; i < raw->n_parts; i++)
		(void)close(raw->parts[i].fd); /* read only */
	free(raw);
}

/* The part that holds offset, which lies inside the stream. */
static const struct raw_part *part_at(const struct raw_stream *raw, uint64_t offset)
{
	size_t low = 0, high = raw->n_parts - 1;

	while (low < high) {
		const size_t middle = low + (high - low + 1) / 2;

		if (raw->parts[middle].start <= offset)
			low = middle;
		else
			high = middle - 1;
	}
	return &raw->parts[low];
}

static enum status raw_read_at(struct stream *stream, uint64_t offset, void *buffer, size_t size,
			       struct failure *why)
{
	const struct raw_stream *raw = (const struct raw_stream *)stream;
	uint8_t *bytes = buffer;

	while (size > 0) {
		const struct raw_part *part = part_at(raw, offset);
		const uint64_t inside = offset - part->start;
		const uint64_t left = part->size - inside;
		const ssize_t n =
			pread(part->fd, bytes, size < left ? size : (size_t)left, (off_t)inside);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failure_at(why, ERR_UNREADABLE, offset, "the medium fails: %s",
					  strerrordesc_np(errno));
		if (n == 0)
			return failure_at(why, ERR_TRUNCATED, offset,
					  "the file has become shorter since it was opened");
		bytes += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return STATUS_OK;
}

static const struct stream_ops raw_ops = { raw_read_at, raw_close };

static enum status open_part(const char *path, struct raw_part *part, struct failure *why)
{
	struct stat facts;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return failure_set(why, ERR_IO, "open '%s': %s", path, strerrordesc_np(errno));

	const off_t size = fstat(fd, &facts) == 0 &&
					   (S_ISREG(facts.st_mode) || S_ISBLK(facts.st_mode)) ?
				   lseek(fd, 0, SEEK_END) :
				   -1;

	if (size < 0) {
		(void)close(fd);
		return failure_set(why, ERR_IO, "'%s' is no file and no disk", path);
	}
	part->fd = fd;
	part->size = (uint64_t)size;
	return STATUS_OK;
}

enum status stream_over_files(char *const *paths, size_t n_paths, struct stream **ret,
			      struct failure *why)
{
	struct raw_stream *raw =
		calloc(1, sizeof(*raw) + n_paths * sizeof(struct raw_part));

	if (!raw)
		return failure_set(why, ERR_NO_MEMORY, "%zu segments", n_paths);
	raw->stream.ops = &raw_ops;
	for (size_t i = 0; i < n_paths; i++) {
		struct raw_part *part = &raw->parts[raw->n_parts];
		const enum status status = open_part(paths[i], part, why);

		if (status < 0) {
			raw_close(&raw->stream);
			return status;
		}
		part->start = raw->stream.size;
		raw->stream.size += part->size;
		if (part->size > 0)
			raw->n_parts++;
		else
			(void)close(part->fd);
	}
	*ret = &raw->stream;
	return STATUS_OK;
}

/* Where the counting suffix of a segment's name starts ("001", "aa"); NULL when it has none. */
static const char *counting_suffix(const char *path)
{
	const char *dot = strrchr(path, '.');
	const char *suffix = dot ? dot + 1 : NULL;
	const size_t size = suffix ? strlen(suffix) : 0;

	if (size < 2 || size >= SUFFIX_SIZE || strchr(suffix, '/'))
		return NULL;
	if (strspn(suffix, "0123456789") == size || strspn(suffix, "a") == size ||
	    strspn(suffix, "A") == size)
		return suffix;
	return NULL;
}

/* Steps "001" to "002", "az" to "ba". False at the end of the numbering. */
static bool step_suffix(char *suffix)
{
	for (size_t i = strlen(suffix); i-- > 0;) {
		const char last = isdigit((unsigned char)suffix[i]) ? '9' :
				  isupper((unsigned char)suffix[i]) ? 'Z' :
								      'z';
		const char first = last == '9' ? '0' : last == 'Z' ? 'A' : 'a';

		if (suffix[i] != last) {
			suffix[i]++;
			return true;
		}
		suffix[i] = first;
	}
	return false;
}

/* Whether one of the next segments exists although this one does not. */
static bool exists_behind(char *path, char *suffix)
{
	char kept[SUFFIX_SIZE];
	bool found = false;

	memcpy(kept, suffix, strlen(suffix) + 1);
	for (int i = 0; i < GAP_SEARCH && !found && step_suffix(suffix); i++)
		found = access(path, F_OK) == 0;
	memcpy(suffix, kept, strlen(kept) + 1);
	return found;
}

enum status raw_find_segments(struct image *image, struct failure *why)
{
	const char *found = counting_suffix(image->segments[0]);

	if (image->n_segments != 1 || !found)
		return STATUS_OK;

	CLEANUP(free_p) char *path = strdup(image->segments[0]);

	if (!path)
		return failure_set(why, ERR_NO_MEMORY, "segments");

	char *suffix = path + (found - image->segments[0]);

	if (isdigit((unsigned char)*suffix) && strtoul(suffix, NULL, 10) > 1)
		return STATUS_OK; /* a name that ends in a number: no first segment */
	while (step_suffix(suffix)) {
		if (access(path, F_OK) != 0) {
			if (!exists_behind(path, suffix))
				return STATUS_OK;
			return failure_set(why, ERR_TRUNCATED,
					   "segment '%s' is missing, later ones are there", path);
		}
		if (image->n_segments >= MAX_SEGMENTS)
			return failure_set(why, ERR_LIMIT, "more than %d segments", MAX_SEGMENTS);

		const enum status status = image_add_segment(image, path, why);

		if (status < 0)
			return status;
	}
	return STATUS_OK;
}
