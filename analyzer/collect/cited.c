/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/collect/cited.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyzer/collect/job.h"
#include "analyzer/collect/volume_stack.h"
#include "parsers/base/limits.h"
#include "parsers/base/text.h"
#include "parsers/stream/image.h"

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
	struct volume_stack volume;
};

static void place_clear(struct place *place)
{
	volume_stack_close(&place->volume);
	if (place->image)
		image_close(place->image);
	*place = (struct place){ .of = NULL };
}

static bool is_same_place(const struct cited_range *a, const struct cited_range *b)
{
	return a->evidence == b->evidence && a->volume_offset == b->volume_offset &&
	       a->volume_size == b->volume_size && a->logical == b->logical &&
	       a->snapshot.state == b->snapshot.state &&
	       a->snapshot.ticks == b->snapshot.ticks;
}

static enum status open_place(struct place *place, const struct collect_evidence *evidence,
			      struct secret_list secrets, const struct cited_range *range,
			      struct failure *why)
{
	const struct collect_evidence *given = &evidence[range->evidence];

	if (place->of && is_same_place(place->of, range))
		return STATUS_OK;
	place_clear(place);

	const enum status status =
		image_open(given->paths, given->n_paths, &place->image, why);

	if (status != STATUS_OK)
		return status;
	place->of = range;

	const struct volume_place where = { .offset = range->volume_offset,
					    .size = range->volume_size,
					    .logical = range->logical,
					    .snapshot_created = range->snapshot };

	return volume_stack_open(&place->volume, place->image->stream, &where, secrets, why);
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

static void read_entry(struct view *view, const struct cited_range *range, struct answer *answer)
{
	const struct text path = text_of(range->file);
	struct stream *entries = view_entries(view);
	CLEANUP(stream_close_p) struct stream *file = NULL;
	struct failure why = FAILURE_NONE;

	if (entries && strcmp(range->file, view_entries_path(view)) == 0)
		(void)hash_range(entries, range, answer);
	else if (view_open_file(view, range->entry, view_attribute(view, path), &file, &why) ==
		 STATUS_OK)
		(void)hash_range(file, range, answer);
}

/* -- child and parent ------------------------------------------------------------------------ */

static bool is_cited(const struct cited_range *range, const struct answer *answer)
{
	char found[65];

	hex_of(answer->digest, found);
	return answer->readable && strcasecmp(found, range->sha256) == 0;
}

static void answer_range(struct place *place, const struct collect_evidence *evidence,
			 size_t n_evidence, struct secret_list secrets,
			 const struct cited_range *range, struct answer *answer)
{
	struct failure why = FAILURE_NONE;

	if (range->evidence >= n_evidence)
		return;
	if (open_place(place, evidence, secrets, range, &why) != STATUS_OK) {
		place_clear(place);
		return;
	}
	read_entry(place->volume.view, range, answer);
}

/* Writes all of the data, or fills it by reading; false when that failed or the other end closed. */
static bool move_all(int fd, void *data, size_t size, bool out)
{
	for (uint8_t *p = data; size > 0;) {
		const ssize_t n = out ? write(fd, p, size) : read(fd, p, size);

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
				 size_t n_evidence, struct secret_list secrets,
				 const struct cited_range *ranges, size_t n)
{
	struct place place = { .of = NULL };

	if (sandbox_enter(CHILD_MEMORY, NULL) < 0)
		_exit(4);
	for (size_t i = 0; i < n; i++) {
		struct answer answer = { .readable = 0 };

		(void)alarm(RANGE_TIMEOUT_S);
		answer_range(&place, evidence, n_evidence, secrets, &ranges[i], &answer);
		if (!move_all(fd, &answer, sizeof(answer), true))
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
			     struct secret_list secrets, struct cited_range *ranges, size_t n,
			     size_t *ret_answered, struct failure *why)
{
	struct answer answer;
	size_t answered = 0;
	int ends[2];

	if (pipe(ends) != 0)
		return failure_set(why, ERR_IO, "pipe: %s", strerror(errno));

	const pid_t pid = fork();

	if (pid == 0) {
		(void)close(ends[0]);
		child_main(ends[1], evidence, n_evidence, secrets, ranges, n);
	}
	(void)close(ends[1]);
	while (pid > 0 && answered < n && move_all(ends[0], &answer, sizeof(answer), false))
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
		       struct secret_list secrets, struct cited_range *ranges, size_t n,
		       struct failure *why)
{
	for (size_t done = 0; done < n;) {
		size_t answered = 0;
		const enum status status = run_child(evidence, n_evidence, secrets, ranges + done,
						     n - done, &answered, why);

		if (status < 0)
			return status;
		done += answered;
		if (done < n)
			done++; /* the child died on this one: it stays unreadable */
	}
	return STATUS_OK;
}
