/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/stream/digest.h"

#include <openssl/evp.h>

enum { STEP = 1 << 20, N_DIGESTS = 3 };

static void free_contexts(EVP_MD_CTX *(*contexts)[N_DIGESTS])
{
	for (int i = 0; i < N_DIGESTS; i++)
		EVP_MD_CTX_free((*contexts)[i]);
}

static enum status feed(struct stream *stream, EVP_MD_CTX *const *contexts, uint8_t *buffer,
			digest_progress progress, void *payload, struct failure *why)
{
	for (uint64_t done = 0; done < stream->size;) {
		const uint64_t left = stream->size - done;
		const size_t n = left < STEP ? (size_t)left : STEP;
		const enum status status = stream_read(stream, done, buffer, n, why);

		if (status < 0)
			return status;
		for (int i = 0; i < N_DIGESTS; i++)
			if (EVP_DigestUpdate(contexts[i], buffer, n) != 1)
				return failure_set(why, ERR_NO_MEMORY, "digest");
		done += n;
		if (progress && !progress(done, stream->size, payload))
			return failure_set(why, ERR_CANCELLED, "digest");
	}
	return STATUS_OK;
}

enum status stream_digest(struct stream *stream, digest_progress progress, void *payload,
			  struct digests *ret, struct failure *why)
{
	const EVP_MD *const kinds[N_DIGESTS] = { EVP_md5(), EVP_sha1(), EVP_sha256() };
	CLEANUP(free_contexts) EVP_MD_CTX *contexts[N_DIGESTS] = { NULL };
	CLEANUP(free_p) uint8_t *buffer = malloc(STEP);
	struct digests digests;
	uint8_t *const results[N_DIGESTS] = { digests.md5, digests.sha1, digests.sha256 };

	for (int i = 0; i < N_DIGESTS; i++) {
		contexts[i] = EVP_MD_CTX_new();
		if (!buffer || !contexts[i] || EVP_DigestInit_ex(contexts[i], kinds[i], NULL) != 1)
			return failure_set(why, ERR_NO_MEMORY, "digest");
	}

	const enum status status = feed(stream, contexts, buffer, progress, payload, why);

	if (status < 0)
		return status;
	for (int i = 0; i < N_DIGESTS; i++)
		if (EVP_DigestFinal_ex(contexts[i], results[i], NULL) != 1)
			return failure_set(why, ERR_NO_MEMORY, "digest");
	*ret = digests;
	return STATUS_OK;
}
