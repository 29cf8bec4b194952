/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/stream/digest.h"

#include <openssl/evp.h>
#include <pthread.h>

enum { BLOCK = 1 << 20, SECTOR = 512, N_SLOTS = 8, THREAD_STACK = 1 << 20 };
enum { MD5, SHA1, SHA256, N_DIGESTS };

/*
 * Block i of the medium lives in slot i % N_SLOTS from the time it is claimed for reading until all
 * digests have taken it.
 */
struct slot {
	uint8_t *bytes;
	size_t size;
	bool ready;
};

/* One digest; the blocks go through it in order. */
struct line {
	EVP_MD_CTX *context;
	uint64_t next; /* block */
	bool busy;     /* some thread is at it */
};

struct job {
	pthread_mutex_t mutex; /* of all below but the bytes of a slot, which its claimer owns */
	pthread_cond_t changed;
	uint64_t size, n_blocks, n_claimed;
	struct slot slots[N_SLOTS];
	struct line lines[N_DIGESTS];
	uint64_t failed_block; /* the first that could not be read; n_blocks: none */
	struct failure failure;
	bool stopped; /* by a failure that leaves nothing to find out */
	struct range_list *unreadable;
};

struct worker {
	struct job *job;
	struct stream *stream;
	pthread_t thread;
};

static uint64_t slowest_line(const struct job *job)
{
	uint64_t lowest = job->n_blocks;

	for (int i = 0; i < N_DIGESTS; i++)
		if (job->lines[i].next < lowest)
			lowest = job->lines[i].next;
	return lowest;
}

static bool is_over(const struct job *job)
{
	return job->stopped || slowest_line(job) == job->n_blocks;
}

/*
 * An idle digest that has its next block: MD5, which takes longest and cannot be shared out, or the
 * one that lags most. NULL when there is none.
 */
static struct line *line_to_feed(struct job *job)
{
	struct line *chosen = NULL;

	for (int i = 0; i < N_DIGESTS; i++) {
		struct line *line = &job->lines[i];

		if (line->busy || line->next >= job->n_claimed ||
		    !job->slots[line->next % N_SLOTS].ready)
			continue;
		if (i == MD5)
			return line;
		if (!chosen || line->next < chosen->next)
			chosen = line;
	}
	return chosen;
}

static void fail_at(struct job *job, uint64_t block, const struct failure *why)
{
	job->stopped |= why->status != ERR_UNREADABLE;
	if (block >= job->failed_block)
		return;
	job->failed_block = block;
	job->failure = *why;
}

/* Both are called with the mutex held and let it go while they work. */
static void feed(struct job *job, struct line *line)
{
	const struct slot *slot = &job->slots[line->next % N_SLOTS];
	struct failure why = FAILURE_NONE;

	line->busy = true;
	(void)pthread_mutex_unlock(&job->mutex);

	const bool done = EVP_DigestUpdate(line->context, slot->bytes, slot->size) == 1;

	(void)pthread_mutex_lock(&job->mutex);
	line->busy = false;
	if (!done) {
		(void)failure_set(&why, ERR_NO_MEMORY, "digest");
		fail_at(job, line->next, &why);
	}
	line->next++;
}

/*
 * Reads what can be read of a block; the sectors that cannot are added to bad. The first failure is
 * returned: any but ERR_UNREADABLE ends it.
 */
static enum status read_parts(struct stream *stream, uint64_t offset, uint8_t *bytes, size_t size,
			      struct range_list *bad, struct failure *why)
{
	enum status first = STATUS_OK;

	for (size_t done = 0; done < size;) {
		struct failure local = FAILURE_NONE;
		const uint64_t at = offset + done;
		const enum status status =
			stream_read(stream, at, bytes + done, size - done, &local);

		if (status >= 0)
			break;
		if (first >= 0) {
			*why = local;
			first = status;
		}
		if (status != ERR_UNREADABLE)
			return first == ERR_UNREADABLE ? failure_set(why, status, "%s", local.text) : first;

		const bool told = local.offset >= at && local.offset - at < size - done;
		const uint64_t start = told ? local.offset : at;
		const uint64_t end = start - start % SECTOR + SECTOR;
		const size_t next = end - offset < size ? (size_t)(end - offset) : size;

		if (!ranges_add(bad, start, offset + next - start))
			return failure_set(why, ERR_NO_MEMORY, "unreadable ranges");
		done = next;
	}
	return first;
}

/* What could not be read of a block leaves some other bytes to the digests, which are not told then. */
static void read_block(struct job *job, struct stream *stream)
{
	const uint64_t block = job->n_claimed++;
	struct slot *slot = &job->slots[block % N_SLOTS];
	const uint64_t offset = block * BLOCK, left = job->size - offset;
	struct failure why = FAILURE_NONE;
	struct range_list bad = { 0 };

	slot->ready = false;
	slot->size = left < BLOCK ? (size_t)left : BLOCK;
	(void)pthread_mutex_unlock(&job->mutex);

	const enum status status =
		read_parts(stream, offset, slot->bytes, slot->size, &bad, &why);

	(void)pthread_mutex_lock(&job->mutex);
	slot->ready = true;
	if (status < 0)
		fail_at(job, block, &why);
	for (size_t i = 0; i < bad.n_items; i++)
		(void)ranges_add(job->unreadable, bad.items[i].offset, bad.items[i].size);
	ranges_release(&bad);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct job *job = worker->job;

	(void)pthread_mutex_lock(&job->mutex);
	while (!is_over(job)) {
		struct line *line = line_to_feed(job);

		if (line)
			feed(job, line);
		else if (job->n_claimed < job->n_blocks &&
			 job->n_claimed < slowest_line(job) + N_SLOTS)
			read_block(job, worker->stream);
		else
			(void)pthread_cond_wait(&job->changed, &job->mutex);
		(void)pthread_cond_broadcast(&job->changed);
	}
	(void)pthread_mutex_unlock(&job->mutex);
	return NULL;
}

/* Starts what threads it can beside the caller's, works with them and waits for them. */
static void work_together(struct job *job, struct stream *const *streams, size_t n_streams)
{
	struct worker workers[DIGEST_MAX_STREAMS];
	pthread_attr_t attributes;
	size_t n = 1;

	for (size_t i = 0; i < n_streams; i++)
		workers[i] = (struct worker){ .job = job, .stream = streams[i] };
	if (n_streams > 1 && pthread_attr_init(&attributes) == 0) {
		(void)pthread_attr_setstacksize(&attributes, THREAD_STACK); /* a wish */
		while (n < n_streams &&
		       pthread_create(&workers[n].thread, &attributes, work, &workers[n]) == 0)
			n++;
		(void)pthread_attr_destroy(&attributes);
	}
	(void)work(&workers[0]);
	while (n-- > 1)
		(void)pthread_join(workers[n].thread, NULL);
}

static bool open_job(struct job *job)
{
	const EVP_MD *const kinds[N_DIGESTS] = {
		[MD5] = EVP_md5(), [SHA1] = EVP_sha1(), [SHA256] = EVP_sha256()
	};

	for (int i = 0; i < N_DIGESTS; i++) {
		job->lines[i].context = EVP_MD_CTX_new();
		if (!job->lines[i].context ||
		    EVP_DigestInit_ex(job->lines[i].context, kinds[i], NULL) != 1)
			return false;
	}
	for (int i = 0; i < N_SLOTS; i++) {
		job->slots[i].bytes = calloc(1, BLOCK);
		if (!job->slots[i].bytes)
			return false;
	}
	return true;
}

static void job_clear(struct job *job)
{
	for (int i = 0; i < N_DIGESTS; i++)
		EVP_MD_CTX_free(job->lines[i].context);
	for (int i = 0; i < N_SLOTS; i++)
		free(job->slots[i].bytes);
	(void)pthread_cond_destroy(&job->changed);
	(void)pthread_mutex_destroy(&job->mutex);
}

enum status stream_digest(struct stream *const *streams, size_t n_streams, struct digests *ret,
			  struct range_list *ret_unreadable, struct failure *why)
{
	CLEANUP(job_clear) struct job job = {
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.size = streams[0]->size,
		.n_blocks = streams[0]->size / BLOCK + (streams[0]->size % BLOCK != 0),
		.failure = FAILURE_NONE,
		.unreadable = ret_unreadable,
	};
	struct digests digests;
	uint8_t *const results[N_DIGESTS] = { [MD5] = digests.md5,
					    [SHA1] = digests.sha1,
					    [SHA256] = digests.sha256 };

	job.failed_block = job.n_blocks;
	if (n_streams > DIGEST_MAX_STREAMS)
		n_streams = DIGEST_MAX_STREAMS;
	for (size_t i = 1; i < n_streams; i++)
		if (streams[i]->size != job.size)
			return failure_set(why, ERR_FORMAT, "the medium changed while it was read");
	if (!open_job(&job))
		return failure_set(why, ERR_NO_MEMORY, "digest");
	work_together(&job, streams, n_streams);
	if (job.failed_block < job.n_blocks) {
		if (why)
			*why = job.failure;
		return job.failure.status;
	}
	for (int i = 0; i < N_DIGESTS; i++)
		if (EVP_DigestFinal_ex(job.lines[i].context, results[i], NULL) != 1)
			return failure_set(why, ERR_NO_MEMORY, "digest");
	*ret = digests;
	return STATUS_OK;
}
