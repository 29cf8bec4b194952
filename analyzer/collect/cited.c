/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/cited.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyzer/collect/job.h"
#include "analyzer/collect/view.h"
#include "parsers/base/limits.h"
#include "parsers/base/text.h"
#include "parsers/stream/encrypted.h"
#include "parsers/stream/image.h"
#include "parsers/stream/snapshot.h"

#define CHILD_MEMORY ((uint64_t)2 << 30)

enum { HASH_CHUNK = 65536, RANGE_TIMEOUT_S = 300, SHA256_SIZE = 32 };

/* What the child tells of one range; fixed size, so nothing in it needs to be believed. */
struct answer {
	uint8_t readable;
	uint8_t digest[SHA256_SIZE];
	uint8_t sample[CITED_SAMPLE];
};

/* The child's open evidence, kept from one range to the next. */
struct place {
	const struct cited_range *of; /* NULL: nothing is open */
	struct image *image;
	struct stream *window, *plain, *shadow;
	struct snapshot_set *snapshots;
	struct view *view;
};

static void place_clear(struct place *place)
{
	view_close(place->view);
	stream_close(place->shadow);
	if (place->snapshots)
		snapshots_close(place->snapshots);
	stream_close(place->plain);
	stream_close(place->window);
	if (place->image)
		image_close(place->image);
	*place = (struct place){ .of = NULL };
}

static bool is_same_place(const struct cited_range *a, const struct cited_range *b)
{
	return a->evidence == b->evidence && a->volume_offset == b->volume_offset &&
	       a->volume_size == b->volume_size && a->snapshot.state == b->snapshot.state &&
	       a->snapshot.ticks == b->snapshot.ticks;
}

/* The shadow copy of that creation time, on top of the volume. */
static enum status open_shadow(struct place *place, struct stream **volume, struct failure *why)
{
	enum status status = snapshots_open(*volume, &place->snapshots, why);

	if (status != STATUS_OK)
		return status;
	for (size_t i = 0; i < snapshots_count(place->snapshots); i++) {
		struct snapshot one;

		status = snapshot_describe(place->snapshots, i, &one, why);
		if (status < 0)
			return status;
		if (one.created.ticks != place->of->snapshot.ticks)
			continue;
		status = snapshot_open(place->snapshots, i, &place->shadow, why);
		if (status == STATUS_OK)
			*volume = place->shadow;
		return status;
	}
	return STATUS_END;
}

static enum status open_place(struct place *place, const struct collect_evidence *evidence,
			      const struct cited_range *range, struct failure *why)
{
	static const struct secrets none = { 0 };
	const struct collect_evidence *given = &evidence[range->evidence];

	if (place->of && is_same_place(place->of, range))
		return STATUS_OK;
	place_clear(place);

	enum status status = image_open(given->paths, given->n_paths, &place->image, why);

	if (status != STATUS_OK)
		return status;
	status = stream_window(place->image->stream, range->volume_offset, range->volume_size,
			       &place->window, why);
	if (status != STATUS_OK)
		return status;

	struct stream *volume = place->window;

	place->of = range;
	status = encrypted_open(volume, &none, &place->plain, why);
	if (status == STATUS_OK)
		volume = place->plain;
	else if (status != STATUS_DECLINED)
		return status;
	status = instant_is_set(range->snapshot) ? open_shadow(place, &volume, why) : STATUS_OK;
	return status == STATUS_OK ? view_open(volume, &place->view, why) : status;
}

/* Hashes the range of a file; false when any of it cannot be read. */
static bool hash_range(struct stream *file, const struct cited_range *range, struct answer *answer)
{
	const uint64_t size = range->size < LIMIT_LOCATOR_BYTES ? range->size :
								  LIMIT_LOCATOR_BYTES;
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	bool good = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
	struct failure why = FAILURE_NONE;
	uint8_t chunk[HASH_CHUNK];

	for (uint64_t done = 0; good && done < size;) {
		const size_t part = size - done < HASH_CHUNK ? (size_t)(size - done) : HASH_CHUNK;

		good = stream_read(file, range->offset + done, chunk, part, &why) >= 0 &&
		       EVP_DigestUpdate(hash, chunk, part) == 1;
		if (good && done == 0)
			memcpy(answer->sample, chunk, part < CITED_SAMPLE ? part : CITED_SAMPLE);
		done += part;
	}
	good = good && EVP_DigestFinal_ex(hash, answer->digest, NULL) == 1;
	EVP_MD_CTX_free(hash);
	answer->readable = good;
	return good;
}

static void hex_of(const uint8_t digest[SHA256_SIZE], char ret[65])
{
	for (size_t i = 0; i < SHA256_SIZE; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

static void read_entry(struct view *view, const struct cited_range *range, uint64_t entry,
		       struct answer *answer)
{
	const struct text path = text_of(range->file);
	struct stream *entries = view_entries(view);
	CLEANUP(stream_close_p) struct stream *file = NULL;
	struct failure why = FAILURE_NONE;

	if (entries && strcmp(range->file, view_entries_path(view)) == 0)
		(void)hash_range(entries, range, answer);
	else if (view_open_file(view, entry, view_attribute(view, path), &file, &why) ==
		 STATUS_OK)
		(void)hash_range(file, range, answer);
}

/* -- a registry log is cited by its path: the entry of the locator is its hive's ------------- */

struct lookup {
	const char *path;
	uint64_t entry;
	bool found;
};

static enum status look_at(void *payload, const struct view_file *file, struct failure *why)
{
	struct lookup *lookup = payload;

	(void)why;
	if (!file->deleted && !lookup->found && file->path.size == strlen(lookup->path) &&
	    strncasecmp(file->path.data, lookup->path, file->path.size) == 0) {
		lookup->entry = file->entry;
		lookup->found = true;
	}
	return STATUS_OK;
}

static enum status emit_nothing(struct parse_context *ctx, const struct trace *trace,
				struct failure *why)
{
	(void)ctx, (void)trace, (void)why;
	return STATUS_OK;
}

static void say_nothing(struct parse_context *ctx, uint64_t offset, const char *text)
{
	(void)ctx, (void)offset, (void)text;
}

static void cover_nothing(struct parse_context *ctx, const char *recorder, struct instant from,
			  struct instant to)
{
	(void)ctx, (void)recorder, (void)from, (void)to;
}

static bool want_nothing(struct parse_context *ctx, struct text name)
{
	(void)ctx, (void)name;
	return false;
}

static bool want_no_log(struct parse_context *ctx, struct text channel, struct text provider)
{
	(void)ctx, (void)channel, (void)provider;
	return false;
}

static struct text find_no_folder(struct parse_context *ctx, uint64_t reference)
{
	(void)ctx, (void)reference;
	return (struct text){ NULL, 0 };
}

static const struct parse_ops silent_ops = {
	.emit = emit_nothing,
	.note = say_nothing,
	.lost = say_nothing,
	.cover = cover_nothing,
	.wants_path = want_nothing,
	.wants_key = want_nothing,
	.wants_log = want_no_log,
	.folder_path = find_no_folder,
};

static bool is_registry_log(const char *file)
{
	const char *dot = strrchr(file, '.');

	return dot && (strcasecmp(dot, ".log") == 0 || strcasecmp(dot, ".log1") == 0 ||
		       strcasecmp(dot, ".log2") == 0);
}

static void read_by_path(struct view *view, const struct cited_range *range,
			 struct answer *answer)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_ARENA);
	struct parse_context ctx = { arena, &silent_ops, NULL };
	struct lookup lookup = { .path = range->file };
	struct failure why = FAILURE_NONE;

	if (arena && view_survey(view, &ctx, look_at, &lookup, &why) >= 0 && lookup.found)
		read_entry(view, range, lookup.entry, answer);
}

/* -- child and parent ------------------------------------------------------------------------ */

static bool is_cited(const struct cited_range *range, const struct answer *answer)
{
	char found[65];

	hex_of(answer->digest, found);
	return answer->readable && strcasecmp(found, range->sha256) == 0;
}

static void answer_range(struct place *place, const struct collect_evidence *evidence,
			 size_t n_evidence, const struct cited_range *range,
			 struct answer *answer)
{
	struct failure why = FAILURE_NONE;

	if (range->evidence >= n_evidence)
		return;
	if (open_place(place, evidence, range, &why) != STATUS_OK) {
		place_clear(place);
		return;
	}
	read_entry(place->view, range, range->entry, answer);
	if (!is_cited(range, answer) && is_registry_log(range->file))
		read_by_path(place->view, range, answer);
}

static bool write_all(int fd, const void *data, size_t size)
{
	for (const uint8_t *p = data; size > 0;) {
		const ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

static bool read_all(int fd, void *data, size_t size)
{
	for (uint8_t *p = data; size > 0;) {
		const ssize_t n = read(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

_Noreturn static void child_main(int fd, const struct collect_evidence *evidence,
				 size_t n_evidence, const struct cited_range *ranges, size_t n)
{
	struct place place = { .of = NULL };

	if (sandbox_enter(CHILD_MEMORY, NULL) < 0)
		_exit(4);
	for (size_t i = 0; i < n; i++) {
		struct answer answer = { .readable = 0 };

		(void)alarm(RANGE_TIMEOUT_S);
		answer_range(&place, evidence, n_evidence, &ranges[i], &answer);
		if (!write_all(fd, &answer, sizeof(answer)))
			_exit(3);
	}
	_exit(0);
}

static void take_answer(struct cited_range *range, const struct answer *answer)
{
	if (!answer->readable)
		return;
	hex_of(answer->digest, range->found);
	range->result = is_cited(range, answer) ? CITED_MATCHES : CITED_DIFFERS;
	range->sample_size = range->size < CITED_SAMPLE ? (size_t)range->size : CITED_SAMPLE;
	memcpy(range->sample, answer->sample, range->sample_size);
}

/* One child's life; gives how many ranges it answered. */
static enum status run_child(const struct collect_evidence *evidence, size_t n_evidence,
			     struct cited_range *ranges, size_t n, size_t *ret_answered,
			     struct failure *why)
{
	struct answer answer;
	size_t answered = 0;
	int ends[2];

	if (pipe(ends) != 0)
		return failure_set(why, ERR_IO, "pipe: %s", strerror(errno));

	const pid_t pid = fork();

	if (pid == 0) {
		(void)close(ends[0]);
		child_main(ends[1], evidence, n_evidence, ranges, n);
	}
	(void)close(ends[1]);
	while (pid > 0 && answered < n && read_all(ends[0], &answer, sizeof(answer)))
		take_answer(&ranges[answered++], &answer);
	(void)close(ends[0]);
	if (pid < 0)
		return failure_set(why, ERR_IO, "fork: %s", strerror(errno));
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	*ret_answered = answered;
	return STATUS_OK;
}

enum status cited_read(const struct collect_evidence *evidence, size_t n_evidence,
		       struct cited_range *ranges, size_t n, struct failure *why)
{
	for (size_t done = 0; done < n;) {
		size_t answered = 0;
		const enum status status = run_child(evidence, n_evidence, ranges + done, n - done,
						     &answered, why);

		if (status < 0)
			return status;
		done += answered;
		if (done < n)
			done++; /* the child died on this one: it stays unreadable */
	}
	return STATUS_OK;
}
